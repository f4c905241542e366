//! `fuwu customer`: everything held on one customer, and forgetting one customer.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use url::Url;

use super::assemble::store_spec;
use super::secrets::Secrets;
use crate::app::{Erased, erase_customer, export_customer};
use crate::config::Settings;
use crate::domain::ids::{AccountId, Openid, OrderNumber};
use crate::store::{CustomerRef, PseudonymKey, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum CustomerCommand {
    /// Everything held on a customer, as JSON; also beside a running server.
    Export(ExportArgs),
    /// Forgets a customer for good: record, facts, messages on their way. No number changes.
    Erase(EraseArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The customer.
    #[arg(value_parser = openid)]
    openid: Openid,
    /// A file to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// The customer.
    #[arg(value_parser = openid)]
    openid: Openid,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) fn openid(text: &str) -> Result<Openid, String> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(Openid::from(text)) } else { Err("an OpenID looks like oABC0123…, without blanks".into()) }
}

pub(super) fn run(settings: &Settings, account: AccountId, command: &CustomerCommand) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        CustomerCommand::Export(args) => {
            let of = CustomerRef { account, openid: args.openid.clone() };
            runtime.block_on(export(settings, &of, args))
        }
        CustomerCommand::Erase(args) => {
            if !args.yes && !confirmed(&args.openid)? {
                eprintln!("fuwu: 没有清除。nothing was erased");
                return Ok(ExitCode::from(1));
            }
            let of = CustomerRef { account, openid: args.openid.clone() };
            runtime.block_on(erase(settings, &of))
        }
    }
}

async fn export(settings: &Settings, of: &CustomerRef, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let key = key(settings)?;
    let store = crate::store::open_to_export(settings.store_url.expose(), &settings.data_dir, key).await?;
    let Some(held) = export_customer(store.as_ref(), of).await? else { return Ok(nobody(of)) };
    let json = serde_json::to_string_pretty(&held)? + "\n";
    match &args.out {
        Some(file) => std::fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))?,
        None => std::io::stdout().write_all(json.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody who has nobody to ask must say it beforehand.
fn confirmed(openid: &Openid) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("this cannot be undone; say --yes, since there is no terminal to ask at");
    }
    eprint!("将彻底清除 {openid} 的全部资料，无法恢复，统计数字不变。确定吗？[y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "是"))
}

async fn erase(settings: &Settings, of: &CustomerRef) -> anyhow::Result<ExitCode> {
    if !settings.data_dir.exists() {
        bail!("there is no store in {}; `data_dir` says where it is", settings.data_dir.display());
    }
    let opened =
        crate::store::open(settings.store_url.expose(), &settings.data_dir, store_spec(settings)?, key(settings)?)
            .await;
    let found = match opened {
        Ok(store) => {
            let erased = erase_customer(store.as_ref(), of).await;
            store.close().await?;
            match erased? {
                Erased::Gone => true,
                Erased::Nobody => false,
                Erased::UnderWay(numbers) => {
                    let numbers: Vec<&str> = numbers.iter().map(OrderNumber::as_str).collect();
                    bail!(
                        "这位客户有订单或表单还没了结：{}。请等它们结束，或用 `fuwu order decide` 处理后再清除。\
                         orders or forms of this customer are under way; end or decide them, and erase then",
                        numbers.join("、")
                    );
                }
            }
        }
        Err(StoreError::Locked(_)) => erase_at_server(settings, of).await?,
        Err(error) => return Err(error.into()),
    };
    if !found {
        return Ok(nobody(of));
    }
    eprintln!("已清除 erased");
    Ok(ExitCode::SUCCESS)
}

/// Where the running server tells of a customer, and the token to ask it with.
pub(super) fn at_server(settings: &Settings, of: &CustomerRef) -> anyhow::Result<(Url, String)> {
    let (mut url, token) = at_server_below(settings, "customers")?;
    url.path_segments_mut().ok().context("an address has a path")?.push(of.openid.as_str());
    url.query_pairs_mut().append_pair("account", of.account.as_str());
    Ok((url, token))
}

/// Where the running server serves what is below this path of its API, and the token to ask it with.
pub(super) fn at_server_below(settings: &Settings, path: &str) -> anyhow::Result<(Url, String)> {
    let kept = Secrets::read(&settings.data_dir)?.map(|secrets| secrets.console_api_token);
    let set = settings.api_token.as_ref().map(|token| token.expose().to_owned());
    let token = set.or(kept).context("there is no API token to ask the running server with")?;
    Ok((Url::parse(&format!("http://{}/api/v1/{path}", listening(settings)))?, token))
}

fn listening(settings: &Settings) -> SocketAddr {
    let listen = settings.listen;
    if listen.ip().is_unspecified() { SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port())) } else { listen }
}

/// The running server holds the store, so it is asked.
async fn erase_at_server(settings: &Settings, of: &CustomerRef) -> anyhow::Result<bool> {
    let (url, token) = at_server(settings, of)?;
    let listen = listening(settings);
    let request = crate::backend::client()?.delete(url).bearer_auth(token);
    let answer = request.send().await.map_err(reqwest::Error::without_url).with_context(|| {
        format!(
            "the store is in use, and no server answers at {listen} (server.listen); stop what uses it and try again"
        )
    })?;
    match answer.status().as_u16() {
        204 => Ok(true),
        404 => Ok(false),
        status => bail!("the running server refused ({status}): {}", answer.text().await.unwrap_or_default()),
    }
}

pub(super) fn key(settings: &Settings) -> anyhow::Result<PseudonymKey> {
    let secrets = Secrets::read(&settings.data_dir)?;
    let secrets = secrets.with_context(|| {
        format!("there is no store in {}; `fuwu serve` makes one, `data_dir` says where", settings.data_dir.display())
    })?;
    Ok(secrets.pseudonym_key(settings))
}

fn nobody(of: &CustomerRef) -> ExitCode {
    eprintln!("fuwu: nothing is held on this customer of account {}", of.account);
    ExitCode::from(1)
}
