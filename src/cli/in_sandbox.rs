//! The account that lives in the sandbox, as the sandbox is told of it.

use std::sync::Arc;

use anyhow::Context as _;
use url::Url;

use crate::channel::official::{self, AccountSpec};
use crate::config::Settings;
use crate::config::settings::AccountKind;
use crate::sandbox::{self, Patience, SandboxSpec};

/// What the phone calls the demo account.
const DISPLAY_NAME: &str = "青禾通信";

/// Where the sandbox asks its customers who they are, on the server that they reach at `site`.
pub(super) fn consent_page(site: &Url) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("{}/sandbox/platform/connect/oauth2/authorize", site.as_str().trim_end_matches('/')))?)
}

/// What the sandbox is told of the account that lives in it.
pub(super) fn sandbox_spec(settings: &Settings, spec: &AccountSpec, app_secret: &str) -> anyhow::Result<SandboxSpec> {
    let first = |list: &[String]| list.first().cloned().context("the demo account has a token and a key");
    Ok(SandboxSpec {
        account: spec.id.clone(),
        display_name: DISPLAY_NAME.into(),
        original_id: spec.original_id.clone(),
        app_id: spec.app_id.clone(),
        app_secret: app_secret.to_owned(),
        token: first(&spec.tokens)?,
        aes_key: first(&spec.aes_keys)?,
        mode: match spec.mode {
            official::Mode::Safe => sandbox::Mode::Safe,
            official::Mode::Compatible => sandbox::Mode::Compatible,
            official::Mode::Plain => sandbox::Mode::Plain,
        },
        kind: match settings.accounts.get(&spec.id).map(|account| account.kind) {
            Some(AccountKind::Subscription) => sandbox::model::Kind::Subscription,
            Some(AccountKind::Test) => sandbox::model::Kind::Test,
            Some(AccountKind::Service) | None => sandbox::model::Kind::Service,
        },
        webhook_url: None,
        site: settings.public_url.clone(),
        data_file: Some(settings.data_dir.join("sandbox.json")),
        clock: Arc::new(|| chrono::Utc::now().timestamp()),
        patience: Patience::default(),
    })
}
