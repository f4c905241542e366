//! `fuwu store copy`: accounts from one store to another.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::super::assemble::store_spec;
use super::super::secrets::Secrets;
use crate::app::{Clock as _, Copied, CopyError, Doing, SystemClock, copy, left_in_journal};
use crate::config::Settings;
use crate::config::settings::StoreUrl;
use crate::domain::ids::AccountId;
use crate::store::{Moving, PseudonymKey, open_to_copy};

#[derive(Debug, Args)]
pub(in crate::cli) struct CopyArgs {
    /// Where the accounts are, as in `store.url`; it is only read. `embedded:` is the file in `data_dir`.
    #[arg(long, value_name = "URL", value_parser = url)]
    from: StoreUrl,
    /// Where they are to be, as in `store.url`.
    #[arg(long, value_name = "URL", value_parser = url)]
    to: StoreUrl,
}

fn url(text: &str) -> Result<StoreUrl, std::convert::Infallible> {
    Ok(StoreUrl::new(text))
}

/// Copies accounts. Broken off, it goes on with where it stopped when it is asked again.
pub(in crate::cli) fn copy_accounts(
    settings: &Settings,
    accounts: &[AccountId],
    args: &CopyArgs,
) -> anyhow::Result<ExitCode> {
    let spec = store_spec(settings)?;
    let key = Secrets::keep(&settings.data_dir)?.pseudonym_key(settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let urls = (args.from.expose(), args.to.expose());
    let (from, to) = runtime.block_on(open_to_copy(urls, &settings.data_dir, (spec, key.clone())))?;
    if let Err(refusal) = runtime.block_on(refuse_if_outdated(from.as_ref(), &settings.data_dir, key)) {
        // Nothing was begun, so nothing is lost by how they are closed.
        let _ = runtime.block_on(async { (from.close().await, to.close().await) });
        return Err(refusal);
    }
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} 剩余 {eta}")?);
    let seen = |doing: Doing, done, of| {
        bar.set_message(match doing {
            Doing::Copying(step) => format!("复制 {}", step.as_str()),
            Doing::Comparing(step) => format!("核对 {}", step.as_str()),
        });
        bar.set_length(of);
        bar.set_position(done);
    };
    let copied = runtime.block_on(copy((from.as_ref(), to.as_ref()), (accounts, spec), seen));
    bar.finish_and_clear();
    // What was acknowledged is durable; how the reader is closed changes nothing.
    let closed = runtime.block_on(async { (from.close().await, to.close().await) });
    match copied {
        Ok(copied) => {
            closed.1?;
            println!("{}", told(accounts, &copied));
            if from.forgetful().is_some() {
                println!(
                    "  只核对了本机的收信日志；还有别的机器用过这个 Redis 的，请先在那里启动、等待重放完再停下，然后重新复制\n  \
                     only this machine's journal was looked at: where other machines served this store, start and stop \
                     fuwu there before copying"
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(CopyError::Store(error)) => Err(error.into()),
        Err(CopyError::Differs { count, listed }) => {
            eprintln!("fuwu: what arrived is not what was sent; run the same command again, which copies it anew");
            listed.iter().for_each(|differing| eprintln!("  {differing}"));
            if count > listed.len() {
                eprintln!("  … and {} more", count - listed.len());
            }
            Ok(ExitCode::from(1))
        }
    }
}

/// What a process accepted while Redis was away stands in its journal only, and that is not copied.
async fn refuse_if_outdated(from: &dyn Moving, data_dir: &Path, key: PseudonymKey) -> anyhow::Result<()> {
    let Some(store) = from.forgetful() else { return Ok(()) };
    let now = SystemClock.now();
    let left = left_in_journal((&data_dir.join("journal"), key), Some(store), now).await;
    match left.context("whether the journal in data_dir holds deliveries that --from does not have cannot be told")? {
        0 => Ok(()),
        left => bail!(
            "the journal in {} holds {left} deliveries that the store at --from does not say it has; they would be lost. \
             Start `fuwu serve` with --from as store.url, wait until fuwu_journal_waiting is 0, stop it, then copy",
            data_dir.display()
        ),
    }
}

fn told(accounts: &[AccountId], Copied(steps): &Copied) -> String {
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    let steps: Vec<String> = steps.iter().map(|(step, count)| format!("{count} {}", step.as_str())).collect();
    format!("{}: {}: copied, and equal on both sides", accounts.join(", "), steps.join(", "))
}
