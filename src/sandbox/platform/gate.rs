//! What stands between a caller and a call: white list, token, rights, faults, counts.

use super::api::{Answer, Api, Known, Run};
use super::call::Call;
use crate::sandbox::model::{ApiFault, Conditions, Kind, Limits};

/// Makes the call if nothing speaks against it.
pub fn pass(call: &Call<'_>, api: &Api) -> Result<Answer, ApiFault> {
    let sandbox = call.sandbox;
    let now = sandbox.now();
    {
        let state = sandbox.keeper().read();
        if api.known != Known::Customer {
            white_listed(&state.conditions, &call.ip)?;
        }
        if api.known == Known::Token {
            state.tokens.check(call.parameter("access_token"), now)?;
        }
    }
    if api.known == Known::Token {
        sandbox.switches().token(call.parameter("access_token"))?;
    }
    {
        let mut state = sandbox.keeper().change();
        let conditions = &state.conditions;
        if !api.needs.is_given(conditions) {
            return Err(ApiFault::unauthorised());
        }
        sandbox.switches().call(api.path)?;
        let limits = limits(conditions, api);
        state.quotas.count(api.path, limits, now)?;
    }
    match api.run {
        Run::Json(run) => run(call).map(Answer::Json),
        Run::Either(run) => run(call),
    }
}

/// How often the account may make a call.
pub fn limits(conditions: &Conditions, api: &Api) -> Limits {
    let (account, test) = api.a_day;
    let a_day = if conditions.kind == Kind::Test { test } else { account };
    Limits {
        a_day: conditions.daily_limits.get(api.path).copied().unwrap_or(a_day),
        a_minute: conditions.minute_limits.get(api.path).copied().unwrap_or(api.a_minute),
    }
}

fn white_listed(conditions: &Conditions, ip: &str) -> Result<(), ApiFault> {
    match &conditions.ip_white_list {
        Some(list) if !list.iter().any(|own| own == ip) => {
            Err(ApiFault::new(40164, format!("invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist")))
        }
        _ => Ok(()),
    }
}
