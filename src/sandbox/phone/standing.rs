//! What a customer does in their own app that no message tells of: refuses messages, agrees to notices, is a snapshot
//! user, belongs to an Open Platform account.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, Path};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Answer;
use super::same_origin::SameOrigin;
use crate::domain::ids::Openid;
use crate::sandbox::SandboxError;
use crate::sandbox::model::{Act, Standing};
use crate::sandbox::service::Sandbox;

/// Notices a customer can have agreed to of one template.
const MOST_CONSENTS: u32 = 1000;

/// Routes below `/sandbox/api/customers/{openid}`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/standing", web::get().to(read))
        .route("/standing", web::post().to(change))
        .route("/consent", web::post().to(consent));
}

async fn read(sandbox: Data<Sandbox>, openid: Path<Openid>) -> Answer {
    Ok(HttpResponse::Ok().json(&sandbox.keeper().read().customer(&openid)?.standing))
}

/// Changes what the body names: `refuses`, `snapshot`, `unionid`, `mini_program` (used just now).
async fn change(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, body: Json<Value>) -> Answer {
    let mut state = sandbox.keeper().change();
    let standing = &mut state.customer_mut(&openid)?.standing;
    let changes = body.as_object().ok_or_else(|| SandboxError::BadSwitch("not an object".to_owned()))?;
    let mut changed: Standing = standing.clone();
    for (name, value) in changes {
        let unclear = || SandboxError::BadSwitch(name.clone());
        match name.as_str() {
            "refuses" => changed.refuses = value.as_bool().ok_or_else(unclear)?,
            "snapshot" => changed.snapshot = value.as_bool().ok_or_else(unclear)?,
            "mini_program" => {
                changed.mini_program_at = value.as_bool().ok_or_else(unclear)?.then(|| sandbox.now());
            }
            "unionid" => changed.unionid = value.as_str().map(str::to_owned),
            _ => return Err(unclear()),
        }
    }
    *standing = changed;
    Ok(HttpResponse::Ok().json(&*standing))
}

#[derive(Deserialize)]
struct Agreed {
    template_id: String,
    accept: bool,
}

/// The customer answers the question whether a notice may be sent; the account hears of it.
async fn consent(_: SameOrigin, sandbox: Data<Sandbox>, openid: Path<Openid>, agreed: Json<Agreed>) -> Answer {
    let Agreed { template_id: template, accept } = agreed.into_inner();
    {
        let mut state = sandbox.keeper().change();
        state.notices.get(&template)?;
        let left = state.customer_mut(&openid)?.standing.consents.entry(template.clone()).or_default();
        *left = if accept { (*left + 1).min(MOST_CONSENTS) } else { *left };
    }
    sandbox.set_off(&openid, Act::Consent { template, answer: if accept { "accept" } else { "reject" } })?;
    Ok(HttpResponse::Accepted().json(json!({})))
}
