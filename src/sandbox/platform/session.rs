//! Who has a chat: the bot or an agent (platform.md 4.9).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Api, get, post};
use super::call::Call;
use crate::domain::ids::Openid;
use crate::sandbox::model::{Act, ApiFault, Capability, Service, text};

/// Waiting customers told of.
const MOST: usize = 100;

/// The calls.
pub const APIS: &[Api] = &[
    post("customservice/kfsession/create", create).needs(Capability::Desk),
    post("customservice/kfsession/close", close).needs(Capability::Desk),
    get("customservice/kfsession/getsession", of_customer).needs(Capability::Desk),
    get("customservice/kfsession/getsessionlist", of_agent).needs(Capability::Desk),
    get("customservice/kfsession/getwaitcase", waiting).needs(Capability::Desk),
];

/// The agent and the customer a call names, and who has the chat now.
fn asked(call: &Call<'_>) -> Result<(String, Openid, Service), ApiFault> {
    let body = call.json()?;
    let state = call.sandbox.keeper().read();
    let agent = state.desk.agent(text(&body, "/kf_account"))?.account.clone();
    let customer = state.customers.get(&Openid::from(text(&body, "/openid"))).filter(|c| c.follows());
    let customer = customer.ok_or_else(ApiFault::openid)?;
    Ok((agent, customer.openid.clone(), customer.service.clone()))
}

/// The agent takes the chat; the account hears of it.
fn create(call: &Call<'_>) -> Result<Value, ApiFault> {
    let (agent, openid, service) = asked(call)?;
    call.sandbox.keeper().read().desk.ready(&agent)?;
    match service {
        Service::Agent { account, .. } if account == agent => Ok(ok()),
        Service::Agent { .. } => Err(ApiFault::new(65414, "the customer is served by another agent")),
        Service::Bot | Service::Waiting => {
            let taken = call.sandbox.set_off(&openid, Act::AgentJoined { agent });
            taken.map_err(|_| ApiFault::openid())?;
            Ok(ok())
        }
    }
}

/// The agent gives the chat back; the account hears of it.
fn close(call: &Call<'_>) -> Result<Value, ApiFault> {
    let (agent, openid, service) = asked(call)?;
    match service {
        Service::Agent { account, .. } if account == agent => {
            let taken = call.sandbox.set_off(&openid, Act::AgentLeft { agent });
            taken.map_err(|_| ApiFault::openid())?;
            Ok(ok())
        }
        Service::Agent { .. } => Err(ApiFault::new(65414, "the customer is served by another agent")),
        Service::Bot | Service::Waiting => Err(ApiFault::new(65413, "no session")),
    }
}

fn of_customer(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let customer = state.customers.get(&Openid::from(call.parameter("openid"))).ok_or_else(ApiFault::openid)?;
    Ok(match &customer.service {
        Service::Agent { account, since } => json!({ "createtime": since, "kf_account": account }),
        Service::Bot | Service::Waiting => json!({ "createtime": 0, "kf_account": "" }),
    })
}

fn of_agent(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let agent = &state.desk.agent(call.parameter("kf_account"))?.account;
    let session = |(openid, service): (&Openid, &Service)| match service {
        Service::Agent { account, since } if account == agent => Some(json!({ "createtime": since, "openid": openid })),
        _ => None,
    };
    let list: Vec<Value> = state.customers.values().filter_map(|c| session((&c.openid, &c.service))).collect();
    Ok(json!({ "sessionlist": list }))
}

fn waiting(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let mut waiting: Vec<_> = state.customers.values().filter(|c| c.service == Service::Waiting).collect();
    waiting.sort_by_key(|c| c.last_act_at);
    let case = |c: &&crate::sandbox::model::Customer| json!({ "latest_time": c.last_act_at, "openid": c.openid });
    let list: Vec<Value> = waiting.iter().take(MOST).map(case).collect();
    Ok(json!({ "count": waiting.len(), "waitcaselist": list }))
}
