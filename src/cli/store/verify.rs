//! `fuwu store verify`: all numbers again from the facts, held against those that are stored.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::super::assemble::store_spec;
use crate::app::{Difference, Verified, verify};
use crate::config::Settings;
use crate::domain::ids::AccountId;
use crate::domain::time::BusinessDay;
use crate::growth::counter::Metric;
use crate::store::open_read_only;

/// Verifies the accounts given; also beside a running server.
pub(in crate::cli) fn verify_accounts(settings: &Settings, accounts: &[AccountId]) -> anyhow::Result<ExitCode> {
    let spec = store_spec(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = open_read_only(settings.store_url.expose(), &settings.data_dir, spec);
    let store = runtime.block_on(opened)?;
    let mut differences = 0;
    for account in accounts {
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} 剩余 {eta}")?);
        let seen = |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        };
        let verified = runtime.block_on(verify(store.as_ref(), (account, spec.lateness), seen))?;
        bar.finish_and_clear();
        print!("{}", told(account, &verified));
        differences += verified.differences;
    }
    Ok(if differences == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn told(account: &AccountId, verified: &Verified) -> String {
    let Verified { facts, customers, counters, journal, differences, listed } = verified;
    let mut told = format!(
        "{account}: {facts} facts, {customers} customers, {counters} counters, {journal} journal cells: {differences} \
         differences\n"
    );
    for difference in listed {
        told += &format!("  {}\n", of(difference));
    }
    if *differences > listed.len() {
        told += &format!("  … and {} more\n", differences - listed.len());
    }
    told
}

fn of(difference: &Difference) -> String {
    let Difference { key, journalled, stored, rebuilt } = difference;
    let first = match key.metric {
        Metric::Votes | Metric::RetainedWeekly => key.a.to_string(),
        _ => BusinessDay(key.a).to_string(),
    };
    let dimension = if key.dimension.is_empty() { String::new() } else { format!(" {:?}", key.dimension) };
    let journal = journalled.map(|day| format!(" in the journal of {day}")).unwrap_or_default();
    format!("{:?}[{first}, {}]{dimension}{journal}: stored {stored}, the facts say {rebuilt}", key.metric, key.b)
}
