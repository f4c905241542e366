//! `fuwu sandbox populate`: weeks of simulated customers through the real webhook, each delivery at its own time.
//!
//! The clock is moved by hand, so this starts a fuwu of its own on the data and cannot run beside a server.

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::assemble::{Parts, start};
use crate::app::{Clock, ManualClock, SystemClock};
use crate::config::Settings;
use crate::domain::time::UnixSecs;
use crate::http::Observatory;
use crate::sandbox::populate::{Population, Summary, Watch};

/// Deliveries in flight at once; those of one customer stay in order.
const CONCURRENCY: usize = 64;

#[derive(Debug, Args)]
pub(super) struct PopulateArgs {
    /// How many customers come, 1 to 1000000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    customers: u32,
    /// Over how many days, today included, 1 to 366.
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// The same seed gives the same population.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(settings: Settings, args: &PopulateArgs) -> anyhow::Result<ExitCode> {
    if !settings.sandbox_enabled {
        eprintln!("fuwu: a population lives in the sandbox; set sandbox.enabled = true");
        return Ok(ExitCode::from(2));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(populate(settings, args))?;
    println!("{}", told(&summary));
    Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn populate(mut settings: Settings, args: &PopulateArgs) -> anyhow::Result<Summary> {
    // Nobody is to read reports of people who do not exist.
    (settings.reports.folder, settings.reports.robot_url) = (None, None);
    let until = SystemClock.now();
    let clock = Arc::new(ManualClock::at(until));
    let parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, observatory: Observatory::detached() };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let running = start(settings, listener, parts).await?;
    let sandbox = running.sandbox.clone().context("the sandbox is on, but the account demo is not configured")?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} 剩余 {eta}")?);
    let population = Population { customers: args.customers, days: args.days, seed: args.seed, until };
    let watch = Watch {
        set_now: &|now| clock.set(UnixSecs(now)),
        progress: &|at| {
            bar.set_length(u64::try_from(at.of).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(at.done).unwrap_or(u64::MAX));
            bar.set_message(at.day.to_string());
        },
        concurrency: CONCURRENCY,
    };
    let summary = sandbox.populate(&population, watch).await;
    bar.finish_and_clear();
    running.stop().await?;
    Ok(summary?)
}

fn told(summary: &Summary) -> String {
    let kinds: Vec<String> = summary.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let (first, last) = (summary.days.keys().next(), summary.days.keys().last());
    let days = match (first, last) {
        (Some(first), Some(last)) => format!("{first} 至 {last}"),
        _ => "无".to_owned(),
    };
    let total = summary.days.values().last().map_or(0, |day| day.total);
    format!(
        "{days}：推送 {} 次（{}），失败 {} 次，期末粉丝 {total} 人",
        summary.deliveries,
        kinds.join("，"),
        summary.failed
    )
}
