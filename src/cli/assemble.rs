//! Puts a fuwu together from its settings: store, accounts, shell, server, and the sandbox beside them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, anyhow};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::in_sandbox::{consent_page, sandbox_spec};
use super::secrets::Secrets;
use crate::app::{
    App, Clock, Discretion, Press, Published, Rules, ServedAccount, Storage, StoredTokens, left_in_journal,
};
use crate::backend::{self, Backend, pay};
use crate::channel::official::{self, AccountSpec, api};
use crate::config::playbook::{Finding, Live, render};
use crate::config::settings::{API_BASE, AccountKind, DEMO, Mode, Privacy, Secret};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::growth::lateness::Lateness;
use crate::http::{self, ApiToken, Front, Observatory, Served, State};
use crate::sandbox::{Sandbox, SandboxSpec};
use crate::store::journal::Journal;
use crate::store::{PseudonymKey, Spec, Store};

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

/// What the store is made with, or must have been made with.
pub(super) fn store_spec(settings: &Settings) -> anyhow::Result<Spec> {
    let lateness = Lateness::new(settings.lateness_days).context("numbers.lateness_days is 0 to 7")?;
    Ok(Spec { partitions: settings.store_partitions, lateness })
}

/// The rules under which deliveries are counted and customers forgotten.
pub(super) fn rules(settings: &Settings, key: PseudonymKey) -> anyhow::Result<Rules> {
    let Privacy { forget, keep_days } = settings.privacy;
    Ok(Rules { lateness: store_spec(settings)?.lateness, discretion: Discretion { forget, keep_days, key } })
}

/// Where deliveries are kept on their way to a store that may forget.
fn journal(settings: &Settings, (store, key): (&dyn Store, PseudonymKey)) -> anyhow::Result<Option<Journal>> {
    const MIB: u64 = 1024 * 1024;
    if store.forgetful().is_none() {
        return Ok(None);
    }
    let most_bytes = u64::try_from(settings.journal_mib).unwrap_or_default() * MIB;
    Ok(Some(Journal::open(&settings.data_dir.join("journal"), key, most_bytes)?))
}

/// Beside a store that never reads a journal there may be one that was kept for another store.
async fn warn_of_what_is_left(data_dir: &Path, rules: &Rules, now: UnixSecs) {
    match left_in_journal((&data_dir.join("journal"), rules.discretion.key.clone()), None, now).await {
        Ok(0) => {}
        Ok(deliveries) => tracing::warn!(
            deliveries,
            "the journal holds deliveries of the last day that were accepted while the store was on Redis; this store never \
             reads it: if they were not brought here by `fuwu store copy`, start with that store.url again, let it catch \
             up, then copy"
        ),
        Err(fault) => tracing::warn!(%fault, "whether a journal holds deliveries that this store lacks cannot be told"),
    }
}

/// Starts everything on a bound listener. Returns when it answers.
pub async fn start(settings: Settings, listener: TcpListener, parts: Parts) -> anyhow::Result<Running> {
    let address = listener.local_addr()?;
    let here = Url::parse(&format!("http://{}/", reachable(address)))?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| here.clone());
    let secrets = Secrets::keep(&settings.data_dir)?;
    let key = secrets.pseudonym_key(&settings);
    let store =
        crate::store::open(settings.store_url.expose(), &settings.data_dir, store_spec(&settings)?, key.clone())
            .await?;
    let client = backend::client()?;
    let mut sandbox = None;
    let mut accounts = Vec::new();
    for (id, account) in &settings.accounts {
        let in_sandbox = settings.lives_in_sandbox(id);
        let spec = if in_sandbox { demo_spec((id, account), &secrets) } else { account_spec(id, account) };
        let app_secret = app_secret(account, &secrets, &spec);
        if in_sandbox {
            let clock = Arc::clone(&parts.clock);
            let spec = sandbox_spec(&settings, &spec, &app_secret)?;
            let webhook_url = Some(here.join(&format!("wechat/{id}"))?);
            sandbox = Some(Sandbox::open(SandboxSpec { webhook_url, clock: Arc::new(move || clock.now().0), ..spec })?);
        }
        let tokens = StoredTokens::new((Arc::clone(&store), id.clone()), (&key, &app_secret))?;
        let clock = Arc::clone(&parts.clock);
        let ticks: pay::Clock = Arc::new(move || clock.now());
        let pays_at = sandbox.as_ref().filter(|_| in_sandbox).map(|sandbox| (sandbox, &here));
        let merchant = super::pay::client(account.pay.as_ref(), pays_at, (&spec.app_id, Arc::clone(&ticks)));
        let around = Surroundings {
            client: &client,
            sandbox: in_sandbox.then_some(&here),
            site: &public_url,
            app_secret,
            tokens: Arc::new(tokens),
            clock: ticks,
            merchant: merchant.with_context(|| format!("accounts.{id}.pay"))?,
        };
        let served = serve_account(spec, account, around)?;
        if served.merchant.is_none() && served.playbook().takes_payments() {
            tracing::warn!(
                account = %id,
                "orders are to be paid by WeChat Pay, and the account has no merchant: set accounts.{id}.pay, or none of \
                 them can be paid"
            );
        }
        accounts.push(served);
    }
    let set = settings.api_token.as_ref().map(|token| token.expose().to_owned());
    let api_token = set.unwrap_or_else(|| secrets.console_api_token.clone());
    let rules = rules(&settings, key)?;
    let journal = journal(&settings, (store.as_ref(), rules.discretion.key.clone()))?;
    if journal.is_none() {
        warn_of_what_is_left(&settings.data_dir, &rules, parts.clock.now()).await;
    }
    let app = App::new(accounts, Storage { store, journal }, parts.clock, rules);
    let marks = app.take_up_journal().await.context("the journal cannot be compared with the store")?;
    let state = State {
        app: Arc::clone(&app),
        draining: AtomicBool::new(false),
        observatory: parts.observatory,
        api_token: ApiToken::new(&api_token).for_site(&public_url),
        front: if sandbox.is_some() { Front::Phone } else { Front::Console },
    };
    let mounted = sandbox.clone();
    let served = http::serve(listener, state, move |cfg| {
        if let Some(sandbox) = &mounted {
            sandbox.configure(cfg);
        }
    })?;
    let (stop, stopped) = watch::channel(false);
    let press = Press::new(Arc::clone(&app), settings.reports.clone(), client);
    let counted = with_statistics(&settings).filter_map(|id| app.account(id.as_str()).cloned()).collect();
    let mut workers = vec![
        tokio::spawn(Arc::clone(&app).run_outbox(stopped.clone())),
        tokio::spawn(Arc::clone(&app).run_inbox(stopped.clone())),
        tokio::spawn(Arc::clone(&app).run_marks(marks, stopped.clone())),
        tokio::spawn(Arc::clone(&app).run_forgetting(stopped.clone())),
        tokio::spawn(Arc::clone(&app).run_reconcile(counted, stopped.clone())),
        tokio::spawn(Arc::clone(&app).run_books(stopped.clone())),
        tokio::spawn(press.run(stopped.clone())),
    ];
    if sandbox.is_some() {
        let account = app.account(DEMO).cloned().context("the demo account is configured")?;
        let published = account.publish_menu(Published::Unknown).await;
        workers.push(tokio::spawn(account.keep_menu_published(published, stopped)));
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

    /// Drains: no new requests, what is in hand is finished, then the store is closed. Whatever fails on the way, the
    /// store is closed and the sandbox saved; then the first fault is told.
    ///
    /// It takes as long as what is in hand: a request 6 s at most, questions 3 s beside it and messages that have begun
    /// 18 s at most, since nobody would know of one that is cut off whether it arrived; then the decisions
    /// of callers who left, which end with the 4 s that a delivery has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        // Open phone pages and slow answers would hold the server; what is still said while it drains is saved below.
        let left = self.close_sandbox();
        self.stop.send_replace(true);
        self.served.drain().await;
        let mut done = vec![left];
        for worker in std::mem::take(&mut self.workers) {
            done.push(worker.await.context("a worker failed"));
        }
        done.push(self.app.drain().await.context("the store could not be closed"));
        done.push(self.close_sandbox());
        let mut faults = done.into_iter().filter_map(Result::err);
        let first = faults.next();
        faults.for_each(|fault| tracing::error!("while stopping: {fault:#}"));
        first.map_or(Ok(()), Err)
    }

    fn close_sandbox(&self) -> anyhow::Result<()> {
        self.sandbox.as_ref().map_or(Ok(()), Sandbox::close).context("the sandbox could not be saved")
    }
}

/// Where this machine reaches itself, also when it listens on all addresses.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

fn exposed(secrets: &[Secret]) -> Vec<String> {
    secrets.iter().map(|secret| secret.expose().to_owned()).collect()
}

fn channel_mode(mode: Mode) -> official::Mode {
    match mode {
        Mode::Safe => official::Mode::Safe,
        Mode::Compatible => official::Mode::Compatible,
        Mode::Plain => official::Mode::Plain,
    }
}

pub(super) fn account_spec(id: &AccountId, account: &AccountSettings) -> AccountSpec {
    AccountSpec {
        id: id.clone(),
        app_id: account.app_id.clone(),
        original_id: account.original_id.clone().unwrap_or_default(),
        tokens: exposed(&account.tokens),
        aes_keys: exposed(&account.aes_keys),
        mode: channel_mode(account.mode),
    }
}

/// What the settings leave out is made up.
pub(super) fn demo_spec((id, account): (&AccountId, &AccountSettings), secrets: &Secrets) -> AccountSpec {
    let mut spec = account_spec(id, account);
    for (set, made) in [(&mut spec.app_id, &secrets.app_id), (&mut spec.original_id, &secrets.original_id)] {
        if set.is_empty() {
            set.clone_from(made);
        }
    }
    for (set, made) in [(&mut spec.tokens, &secrets.token), (&mut spec.aes_keys, &secrets.aes_key)] {
        if set.is_empty() {
            set.push(made.clone());
        }
    }
    spec
}

/// The secret that buys access tokens; without one, an empty one that the platform refuses.
pub(super) fn app_secret(account: &AccountSettings, secrets: &Secrets, spec: &AccountSpec) -> String {
    let made = || if spec.app_id == secrets.app_id { secrets.app_secret.clone() } else { String::new() };
    account.app_secret.as_ref().map_or_else(made, |secret| secret.expose().to_owned())
}

/// Where an account's platform and business system are, and how they are called.
struct Surroundings<'a> {
    client: &'a reqwest::Client,
    /// Our own address, for an account that lives in the sandbox.
    sandbox: Option<&'a Url>,
    site: &'a Url,
    app_secret: String,
    /// Where its tokens are kept.
    tokens: Arc<dyn api::TokenVault>,
    clock: api::ApiClock,
    merchant: Option<pay::Client>,
}

/// The platform's addresses. The usual one has others beside it; one that was set is the only one.
pub(super) fn hosts(platform: Url) -> anyhow::Result<Vec<Url>> {
    if platform == Url::parse(API_BASE)? {
        return api::HOSTS.iter().map(|host| Ok(Url::parse(host)?)).collect();
    }
    Ok(vec![platform])
}

/// Where an account's platform is: as set, else the sandbox of the server at `sandbox`, else the real one.
pub(super) fn platform_of(account: &AccountSettings, sandbox: Option<&Url>) -> anyhow::Result<Url> {
    Ok(match (&account.api_base, sandbox) {
        (Some(base), _) => base.clone(),
        (None, Some(here)) => here.join("sandbox/platform/")?,
        (None, None) => Url::parse(API_BASE)?,
    })
}

fn serve_account(
    spec: AccountSpec,
    account: &AccountSettings,
    around: Surroundings<'_>,
) -> anyhow::Result<ServedAccount> {
    let id = spec.id.clone();
    let platform = platform_of(account, around.sandbox)?;
    let business = around.sandbox.map(|here| here.join("sandbox/telecom/")).transpose()?;
    let app_id = spec.app_id.clone();
    let client = api::Client::of(api::ClientSpec {
        hosts: hosts(platform)?,
        app_id,
        app_secret: around.app_secret,
        http: around.client.clone(),
        vault: around.tokens,
        clock: around.clock,
    });
    let playbook = Live::start(account.dirs.clone())
        .map_err(|findings| anyhow!("the playbook of account {id} cannot be used\n{}", listed(&findings)))?;
    Ok(ServedAccount {
        channel: official::Account::new(spec)
            .with_context(|| format!("account {id}"))?
            .within(account.stamp_window_secs),
        playbook,
        backend: Backend::new(business, backend::Secrets::of_environment()),
        platform: if around.sandbox.is_some() { client.asking_consent_at(consent_page(around.site)?) } else { client },
        merchant: around.merchant,
        rights: account.kind.rights(),
        site: around.site.as_str().trim_end_matches('/').to_owned(),
    })
}

/// The accounts whose platform may have statistics of them (platform.md part 5): not a test account, and none whose
/// secret we do not know. That one is certified only the platform can say.
fn with_statistics(settings: &Settings) -> impl Iterator<Item = &AccountId> {
    let may = |(id, account): &(&AccountId, &AccountSettings)| {
        account.kind != AccountKind::Test && (account.app_secret.is_some() || settings.lives_in_sandbox(id))
    };
    settings.accounts.iter().filter(may).map(|(id, _)| id)
}

fn listed(findings: &[Finding]) -> String {
    findings.iter().map(render).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::SystemClock;
    use crate::store::StoreError;

    async fn running(dir: &Path) -> Running {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let env = [
            ("FUWU__DATA_DIR", dir.join("data")),
            ("FUWU__SERVER__LISTEN", "127.0.0.1:0".into()),
            ("FUWU__ACCOUNTS__DEMO__PLAYBOOK", root.join("config/playbook")),
            ("FUWU__ACCOUNTS__DEMO__MENUS", root.join("menus")),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.display().to_string()));
        let settings = Settings::load(None, env.into_iter()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let parts = Parts { clock: Arc::new(SystemClock), observatory: Observatory::detached() };
        start(settings, listener, parts).await.unwrap()
    }

    #[tokio::test]
    async fn a_worker_that_failed_is_told_after_store_and_sandbox_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let mut running = running(dir.path()).await;
        running.workers.insert(0, tokio::spawn(async { panic!("on purpose") }));
        let (app, sandbox) = (Arc::clone(&running.app), running.sandbox.clone().unwrap());
        let openid = sandbox.add_customer("最后一位").unwrap();
        let fault = running.stop().await.unwrap_err();
        assert_eq!(fault.to_string(), "a worker failed");
        assert!(matches!(app.store().next_due().await, Err(StoreError::Unavailable(_))));
        let saved = std::fs::read_to_string(dir.path().join("data/sandbox.json")).unwrap();
        assert!(saved.contains(openid.as_str()));
    }
}
