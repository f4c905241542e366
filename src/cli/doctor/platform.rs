//! The platform, account by account: whether it lets us in, what the account may do there, and whether it has what our
//! files say (platform.md 4.1 to 4.5, part 5). Nothing is changed there. Stable tokens are the same for all who ask, so
//! a running server keeps its own.

mod key;
mod link;
mod menus;
mod rights;
mod templates;

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::finding::Findings;
use crate::app::Clock as _;
use crate::channel::official::api::{ApiError, Client};
use crate::cli::assemble::{app_secret, demo_spec, reachable};
use crate::cli::secrets::Secrets;
use crate::config::settings::API_BASE;
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;

/// A question that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// Nothing more can be learned of this account's platform; why has been told.
struct Enough;

/// Why nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// The platform's name has no address.
    Name,
    /// It did not answer in time.
    Late,
    /// Nobody is there, or nobody lets us through.
    Unreached,
}

/// One account under examination.
struct Patient<'a> {
    id: &'a AccountId,
    settings: &'a AccountSettings,
    client: Client,
    base: Url,
    http: reqwest::Client,
}

pub(super) async fn look(settings: &Settings, secrets: Option<&Secrets>, findings: &mut Findings) {
    for (id, account) in &settings.accounts {
        let in_sandbox = settings.lives_in_sandbox(id) && account.api_base.is_none();
        if !in_sandbox {
            key::look(id, account, findings);
        }
        let Some(patient) = patient((settings, secrets), (id, account), findings) else { continue };
        if in_sandbox && !patient.is_answered().await {
            continue;
        }
        // The first answer that ends it has been told.
        let _ = patient.examine(findings).await;
    }
}

/// `None` when there is nobody to ask, or nothing to ask with.
fn patient<'a>(
    (settings, secrets): (&Settings, Option<&Secrets>),
    (id, account): (&'a AccountId, &'a AccountSettings),
    findings: &mut Findings,
) -> Option<Patient<'a>> {
    let (app_id, secret) = match (settings.lives_in_sandbox(id), secrets) {
        (true, Some(secrets)) => {
            let spec = demo_spec((id, account), secrets);
            let secret = app_secret(account, secrets, &spec);
            (spec.app_id, secret)
        }
        _ => (account.app_id.clone(), account.app_secret.as_ref()?.expose().to_owned()),
    };
    let sandbox = || Url::parse(&format!("http://{}/sandbox/platform/", reachable(settings.listen))).ok();
    let base = match &account.api_base {
        Some(base) => base.clone(),
        None if settings.lives_in_sandbox(id) => sandbox()?,
        None => Url::parse(API_BASE).ok()?,
    };
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let Ok(http) = http.connect_timeout(Duration::from_secs(4)).build() else {
        findings.fault("HTTP 客户端建不起来", "there is no HTTP client to ask the platform with");
        return None;
    };
    let client = Client::new(base.clone(), app_id, secret, http.clone());
    Some(Patient { id, settings: account, client, base, http })
}

impl Patient<'_> {
    async fn examine(&self, findings: &mut Findings) -> Result<(), Enough> {
        self.link(findings).await?;
        self.token(findings).await?;
        self.rights(findings).await?;
        self.quotas(findings).await?;
        self.callback(findings).await?;
        self.menus(findings).await?;
        self.templates(findings).await
    }

    /// What a call comes to; one that nobody answers in time ends everything, and is told once.
    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, ApiError>>,
        findings: &mut Findings,
    ) -> Result<Result<T, ApiError>, Enough> {
        let silence = match timeout(PATIENCE, call).await {
            Ok(Err(ApiError::Unreached)) => Silence::Unreached,
            Ok(answer) => return Ok(answer),
            Err(_) => Silence::Late,
        };
        self.away(silence, findings);
        Err(Enough)
    }

    fn away(&self, silence: Silence, findings: &mut Findings) {
        let (id, base) = (self.id, self.place());
        let (chinese, english) = match silence {
            Silence::Name => (
                format!("账号 {id} 的微信平台 {base} 解析不到 IP，请检查本机的 DNS 和 accounts.{id}.api_base"),
                format!(
                    "{base}, the platform of account {id}, has no address: look at this machine's DNS and at \
                     accounts.{id}.api_base"
                ),
            ),
            Silence::Late => (
                format!("账号 {id} 的微信平台 {base} 没有及时回应，请检查本机的网络和中间的代理，稍后再试"),
                format!(
                    "the platform of account {id} does not answer in time at {base}: look at this machine's network \
                     and at proxies in between, then try again"
                ),
            ),
            Silence::Unreached => (
                format!("账号 {id} 连不上微信平台 {base}，请检查本机的网络、防火墙和 accounts.{id}.api_base"),
                format!(
                    "the platform of account {id} does not answer at {base}: look at this machine's network and \
                     firewall, and at accounts.{id}.api_base"
                ),
            ),
        };
        findings.fault(chinese, english);
    }

    /// Where the platform is, without what a person may have written before the name.
    fn place(&self) -> String {
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.base.host_str().unwrap_or_default())
    }
}

/// Our clock, in Unix seconds.
fn now() -> i64 {
    crate::app::SystemClock.now().0
}
