//! `fuwu store copy`: accounts from one store to another.

use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::super::assemble::store_spec;
use super::super::secrets::Secrets;
use crate::app::{Copied, CopyError, Doing, copy};
use crate::config::Settings;
use crate::config::settings::StoreUrl;
use crate::domain::ids::AccountId;
use crate::store::open_to_copy;

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
    let (from, to) = runtime.block_on(open_to_copy(urls, &settings.data_dir, (spec, key)))?;
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

fn told(accounts: &[AccountId], Copied(steps): &Copied) -> String {
    let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    let steps: Vec<String> = steps.iter().map(|(step, count)| format!("{count} {}", step.as_str())).collect();
    format!("{}: {}: copied, and equal on both sides", accounts.join(", "), steps.join(", "))
}
