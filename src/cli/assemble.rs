//! Puts a fuwu together from its settings: store, accounts, shell, server, and the sandbox beside them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::secrets::Secrets;
use crate::app::{App, Clock, ServedAccount};
use crate::backend::Backend;
use crate::channel::official::{self, AccountSpec, api};
use crate::config::playbook::{Dirs, Live};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;
use crate::http::{self, ApiToken, Observatory, Served, State};
use crate::sandbox::{Sandbox, SandboxSpec};

/// The account that lives in the sandbox.
const DEMO: &str = "demo";
/// The platform's own API (platform.md, "Conventions").
const PLATFORM: &str = "https://api.weixin.qq.com";
const PLATFORM_WITHIN: Duration = Duration::from_secs(10);

/// What varies between a server, a test and a simulated population.
pub struct Parts {
    /// The clock of every decision.
    pub clock: Arc<dyn Clock>,
    /// Where the metrics go.
    pub observatory: Observatory,
}

/// A running fuwu.
pub struct Running {
    /// Its HTTP server.
    pub served: Served,
    /// Its shell.
    pub app: Arc<App>,
    /// The demo's platform, while `sandbox.enabled`.
    pub sandbox: Option<Sandbox>,
    /// Opens console and API.
    pub api_token: String,
    public_url: Url,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

/// Starts everything on a bound listener. Returns when it answers.
pub async fn start(settings: Settings, listener: TcpListener, parts: Parts) -> anyhow::Result<Running> {
    let address = listener.local_addr()?;
    let here = Url::parse(&format!("http://{}/", reachable(address)))?;
    let public_url = settings.server.public_url.clone().unwrap_or_else(|| here.clone());
    let store = crate::store::open(&settings.store.url, &settings.data_dir, settings.store.partitions)?;
    let secrets = Secrets::keep(&settings.data_dir)?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PLATFORM_WITHIN * 4)
        .build()?;
    let demo = AccountId::new(DEMO);
    let mut sandbox = None;
    let mut accounts = Vec::new();
    for (id, account) in &settings.accounts {
        let in_sandbox = settings.sandbox.enabled && *id == demo;
        if in_sandbox {
            sandbox = Some(Sandbox::open(sandbox_spec(&settings, (id, account), &secrets, &here, &parts)?)?);
        }
        let spec = if in_sandbox { demo_spec(id, account, &secrets) } else { account_spec(id, account)? };
        accounts.push(serve_account(spec, account, (&client, in_sandbox.then_some(&here)), &public_url)?);
    }
    let api_token = match settings.console.api_token.expose() {
        "" => secrets.console_api_token.clone(),
        set => set.to_owned(),
    };
    let app = App::new(accounts, store, parts.clock);
    let state = State {
        app: Arc::clone(&app),
        draining: AtomicBool::new(false),
        observatory: parts.observatory,
        api_token: ApiToken::new(&api_token),
    };
    let mounted = sandbox.clone();
    let served = http::serve(listener, state, move |cfg| {
        if let Some(sandbox) = &mounted {
            sandbox.configure(cfg);
        }
    })?;
    let (stop, stopped) = watch::channel(false);
    let mut workers = vec![tokio::spawn(Arc::clone(&app).run_outbox(stopped.clone()))];
    if sandbox.is_some() {
        let account = app.account(DEMO).cloned().context("the demo account is configured")?;
        workers.push(tokio::spawn(keep_menu_published(account, stopped)));
    }
    Ok(Running { served, app, sandbox, api_token, public_url, stop, workers })
}

impl Running {
    /// What a person reads after the start: where to go.
    pub fn welcome(&self) -> String {
        let site = self.public_url.as_str().trim_end_matches('/');
        let phone = match self.sandbox {
            Some(_) => format!("  手机 phone    {site}/sandbox\n"),
            None => String::new(),
        };
        format!("\nfuwu 已就绪 is ready\n\n{phone}  控制台 console  {site}/console?token={}\n", self.api_token)
    }

    /// Drains: no new requests, what is in hand is finished, then the store is closed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.served.drain().await;
        self.stop.send_replace(true);
        for worker in self.workers {
            worker.await.context("a worker failed")?;
        }
        self.app.drain().await.context("the store could not be closed")?;
        if let Some(sandbox) = &self.sandbox {
            sandbox.save().context("the sandbox could not be saved")?;
        }
        Ok(())
    }
}

/// Where this machine reaches itself, also when it listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

fn first_or<'a>(list: &'a [String], made: &'a str) -> &'a str {
    list.first().map_or(made, String::as_str)
}

fn set_or<'a>(set: &'a str, made: &'a str) -> &'a str {
    if set.is_empty() { made } else { set }
}

fn demo_spec(id: &AccountId, account: &AccountSettings, secrets: &Secrets) -> AccountSpec {
    let with_made = |set: Vec<String>, made: &str| if set.is_empty() { vec![made.to_owned()] } else { set };
    AccountSpec {
        id: id.clone(),
        app_id: set_or(&account.app_id, &secrets.app_id).to_owned(),
        original_id: set_or(&account.original_id, &secrets.original_id).to_owned(),
        tokens: with_made(account.tokens(), &secrets.token),
        aes_keys: with_made(account.aes_keys(), &secrets.aes_key),
        mode: account.mode,
    }
}

fn account_spec(id: &AccountId, account: &AccountSettings) -> anyhow::Result<AccountSpec> {
    let missing = [("app_id", account.app_id.is_empty()), ("token", account.tokens().is_empty())];
    if let Some((key, _)) = missing.iter().find(|(_, missing)| *missing) {
        bail!("accounts.{id}.{key} is not set; take it from the platform's page for developers");
    }
    Ok(AccountSpec {
        id: id.clone(),
        app_id: account.app_id.clone(),
        original_id: account.original_id.clone(),
        tokens: account.tokens(),
        aes_keys: account.aes_keys(),
        mode: account.mode,
    })
}

fn serve_account(
    spec: AccountSpec,
    account: &AccountSettings,
    (client, here): (&reqwest::Client, Option<&Url>),
    site: &Url,
) -> anyhow::Result<ServedAccount> {
    let id = spec.id.clone();
    let platform = match (&account.api_base, here) {
        (Some(base), _) => base.clone(),
        (None, Some(here)) => here.join("sandbox/platform/")?,
        (None, None) => Url::parse(PLATFORM)?,
    };
    let business = here.map(|here| here.join("sandbox/telecom/")).transpose()?;
    let secret = account.app_secret.expose().to_owned();
    let app_id = spec.app_id.clone();
    let dirs = Dirs { playbook: account.playbook.clone(), menus: account.menus.clone() };
    let playbook = Live::open(dirs, site.clone()).map_err(|findings| {
        anyhow!("the playbook of account {id} has errors; `fuwu check` shows where and how to mend them\n{findings}")
    })?;
    Ok(ServedAccount {
        channel: official::Account::new(spec).with_context(|| format!("account {id}"))?,
        playbook,
        backend: Backend::new(client.clone(), business),
        platform: api::Client::new(platform, app_id, secret, client.clone()),
    })
}

fn sandbox_spec(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    secrets: &Secrets,
    here: &Url,
    parts: &Parts,
) -> anyhow::Result<SandboxSpec> {
    let clock = Arc::clone(&parts.clock);
    let (tokens, keys) = (account.tokens(), account.aes_keys());
    Ok(SandboxSpec {
        account: id.clone(),
        original_id: set_or(&account.original_id, &secrets.original_id).to_owned(),
        app_id: set_or(&account.app_id, &secrets.app_id).to_owned(),
        app_secret: set_or(account.app_secret.expose(), &secrets.app_secret).to_owned(),
        token: first_or(&tokens, &secrets.token).to_owned(),
        aes_key: first_or(&keys, &secrets.aes_key).to_owned(),
        mode: account.mode,
        webhook_url: here.join(&format!("wechat/{id}"))?,
        data_file: Some(settings.data_dir.join("sandbox.json")),
        clock: Arc::new(move || clock.now().0),
    })
}
