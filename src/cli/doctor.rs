//! `fuwu doctor`: looks at what fuwu stands on, and says what it means here. One line a finding, Chinese first.
//!
//! Each part is one function that adds findings; [`look`] names them all.

mod disk;
mod embedded;
mod finding;
mod journal;
mod once;
mod platform;
mod redis;

use std::process::ExitCode;

use self::finding::Findings;
use super::assemble::store_spec;
use super::secrets::Secrets;
use crate::app::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::store::is_embedded;

/// Exit 1 when there is a fault; also beside a running server.
pub(super) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = runtime.block_on(look(settings))?;
    super::explain::print(&findings.to_string())?;
    Ok(ExitCode::from(u8::from(findings.has_fault())))
}

async fn look(settings: &Settings) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    configured(settings, &mut findings);
    disk::look(&settings.data_dir, &mut findings);
    let spec = store_spec(settings)?;
    let secrets = Secrets::read(&settings.data_dir)?;
    match is_embedded(settings.store_url.expose())? {
        true => {
            embedded::look(&settings.data_dir, spec, &mut findings);
            // Without secrets nobody ever wrote a journal here.
            if let Some(secrets) = &secrets {
                let key = secrets.pseudonym_key(settings);
                journal::look((&settings.data_dir, key), SystemClock.now(), &mut findings).await;
            }
        }
        false => {
            redis::look(settings.store_url.expose(), spec, &mut findings).await;
            once::look(settings, &mut findings);
        }
    }
    platform::look(settings, secrets.as_ref(), &mut findings).await;
    Ok(findings)
}

/// Settings that cannot be used end every command, so here they can.
fn configured(settings: &Settings, findings: &mut Findings) {
    let accounts = settings.accounts.len();
    let store = &settings.store_url;
    findings.ok(
        format!("设置可用，账号 {accounts} 个，数据存在 {store}"),
        format!("the settings can be used: {accounts} accounts, the store is {store}"),
    );
}
