//! An account's platform, for a command that asks it: the real one, or the sandbox of the running server.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use url::Url;

use super::assemble::{account_spec, app_secret, demo_spec, hosts, platform_of, reachable};
use super::secrets::Secrets;
use crate::app::{Clock as _, SystemClock};
use crate::channel::official::api::{ApiError, Client, ClientSpec, ProcessVault};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;

/// The platform of one account.
pub(super) struct Platform {
    /// Calls it. Its token is bought again for the command: the platform's stable token is the same for everybody, so
    /// that a running server keeps its own.
    pub(super) client: Client,
    /// Where the running server has to be, for an account that lives in its sandbox.
    sandbox: Option<Url>,
}

impl Platform {
    /// Of this account.
    pub(super) fn of(settings: &Settings, (id, account): (&AccountId, &AccountSettings)) -> anyhow::Result<Self> {
        let secrets = Secrets::read(&settings.data_dir)?;
        let sandbox = match settings.lives_in_sandbox(id) && account.api_base.is_none() {
            true => Some(Url::parse(&format!("http://{}/", reachable(settings.listen)))?),
            false => None,
        };
        let (app_id, secret) = match (&secrets, settings.lives_in_sandbox(id)) {
            (Some(secrets), true) => {
                let spec = demo_spec((id, account), secrets);
                let secret = app_secret(account, secrets, &spec);
                (spec.app_id, secret)
            }
            (None, true) => {
                let data_dir = settings.data_dir.display();
                return Err(anyhow!("{data_dir} 里还没有数据；账号 {id} 在沙箱里，请先运行 fuwu serve"));
            }
            (_, false) => {
                let secret = account.app_secret.as_ref().map(|secret| secret.expose().to_owned());
                let secret = secret.with_context(|| format!("没有设置 accounts.{id}.app_secret，无法调用微信平台"))?;
                (account_spec(id, account).app_id, secret)
            }
        };
        let client = Client::of(ClientSpec {
            hosts: hosts(platform_of(account, sandbox.as_ref())?)?,
            app_id,
            app_secret: secret,
            http: crate::backend::client()?,
            vault: Arc::<ProcessVault>::default(),
            clock: Arc::new(|| SystemClock.now()),
        });
        Ok(Self { client, sandbox })
    }

    /// Where the picture of a code is.
    pub(super) fn code_url(&self, ticket: &str) -> anyhow::Result<String> {
        let base = match &self.sandbox {
            Some(here) => here.join("sandbox/platform/cgi-bin/showqrcode")?,
            None => Url::parse("https://mp.weixin.qq.com/cgi-bin/showqrcode")?,
        };
        Ok(Url::parse_with_params(base.as_str(), [("ticket", ticket)])?.into())
    }

    /// What to tell the operator of a call that was not done.
    pub(super) fn fault(&self, error: &ApiError) -> anyhow::Error {
        let words = error.in_words();
        match &self.sandbox {
            Some(here) if matches!(error, ApiError::Unreached | ApiError::Busy) => anyhow!(
                "{words}。这个账号的平台是沙箱，要有 fuwu serve 运行在 {here}；在别的地址就设 FUWU__SERVER__LISTEN"
            ),
            _ => anyhow!(words),
        }
    }
}
