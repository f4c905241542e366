//! The API for numbers (contract.md "HTTP").

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, Responder};
use serde::Deserialize;

use super::State;
use super::guard::Authorized;
use crate::app::{ReportFault, read_report};
use crate::growth::report::{Asked, Context, Explain, Meta, Period, ReportName, to_json};

/// Parameters of a report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    account: Option<String>,
    from: String,
    to: String,
}

/// A report as JSON: the same as `fuwu report` prints.
pub async fn report(
    _: Authorized,
    state: Data<State>,
    name: Path<String>,
    wanted: Result<Query<Wanted>, actix_web::Error>,
) -> HttpResponse {
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return wrong(error.to_string()),
    };
    let report = match name.parse::<ReportName>() {
        Ok(report) => report,
        Err(error) => return wrong(error.to_string()),
    };
    let period = match Period::parse(&wanted.from, &wanted.to) {
        Ok(period) => period,
        Err(error) => return wrong(error.to_string()),
    };
    let account = match &wanted.account {
        Some(id) => state.app.account(id),
        None => state.app.accounts().next().filter(|_| state.app.accounts().count() == 1),
    };
    let Some(account) = account else { return wrong("`account` must name a configured account".into()) };
    let clock = state.app.as_of();
    let asked = Asked::new(report, period);
    let playbook = account.playbook();
    let context = Context { labels: playbook.labels(), ..Context::default() };
    match read_report(state.app.store().as_ref(), account.id(), (&asked, clock), &context).await {
        Ok(table) => {
            let meta = Meta { account: account.id().clone(), playbook: playbook.version.clone(), as_of: clock.now };
            HttpResponse::Ok().json(to_json(&table, &meta, Explain::No))
        }
        Err(ReportFault::Asked(error)) => wrong(error.to_string()),
        Err(error) => {
            tracing::error!(%error, "a report could not be read");
            HttpResponse::ServiceUnavailable().json(serde_json::json!({ "error": "the store is not available now" }))
        }
    }
}

fn wrong(cause: String) -> HttpResponse {
    HttpResponse::BadRequest().json(serde_json::json!({ "error": cause }))
}

/// Which playbook serves, and what is wrong with an edit that does not.
pub async fn playbook(_: Authorized, state: Data<State>) -> impl Responder {
    let accounts: serde_json::Map<String, serde_json::Value> = state
        .app
        .accounts()
        .map(|account| {
            let status = account.playbook.status();
            let told = serde_json::json!({
                "playbook": status.version,
                "since": status.since,
                "findings": status.findings,
            });
            (account.id().to_string(), told)
        })
        .collect();
    HttpResponse::Ok().json(accounts)
}
