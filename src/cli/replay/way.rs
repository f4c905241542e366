//! Where chunks are applied: in the store, or by the server that holds it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use url::Url;

use crate::app::replay::{Chunk, Known, Lines, Progress, Replay, known};
use crate::app::{Clock as _, SystemClock};
use crate::cli::assemble::{reachable, rules, store_spec};
use crate::cli::playbook_on_disk;
use crate::cli::secrets::Secrets;
use crate::config::Settings;
use crate::store::{Store, StoreError, open, open_read_only};

/// Customers who write meanwhile wait while a chunk is written, so it is a small one.
const LINES_BESIDE_A_SERVER: usize = 2_000;
/// Alone with the store, fewer and larger steps are faster.
const LINES_ALONE: usize = 20_000;
/// A server that takes longer for a chunk is gone.
const CHUNK_WITHIN: Duration = Duration::from_secs(120);

/// Where chunks go.
pub(super) enum Way {
    /// Nobody else holds the store.
    Alone { replay: Replay, store: Arc<dyn Store> },
    /// A running server holds it.
    Server(Server),
}

/// A running server.
pub(super) struct Server {
    client: reqwest::Client,
    url: Url,
    token: String,
    /// To look into, not to change.
    store: Arc<dyn Store>,
    lock: String,
}

/// A chunk, as far as it could be understood here.
pub(super) struct Ready {
    pub(super) chunk: Chunk,
    lines: Lines,
}

impl Way {
    /// Opens the store, or finds the server that has it.
    pub(super) async fn find(settings: &Settings) -> anyhow::Result<Self> {
        let (url, dir, spec) = (settings.store_url.expose(), &settings.data_dir, store_spec(settings)?);
        let key = Secrets::keep(dir)?.pseudonym_key(settings);
        match open(url, dir, spec, key.clone()).await {
            Ok(store) => {
                let mut accounts = BTreeMap::new();
                for (id, account) in &settings.accounts {
                    let playbook = playbook_on_disk(account).with_context(|| format!("account {id}"))?;
                    accounts.insert(id.clone(), playbook);
                }
                let replay = Replay::new(Arc::clone(&store), accounts, rules(settings, key)?, SystemClock.now());
                Ok(Self::Alone { replay, store })
            }
            Err(StoreError::Locked(lock)) => {
                let store = open_read_only(url, dir, spec).await?;
                Ok(Self::Server(Server::new(settings, store, lock)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn chunk_lines(&self) -> usize {
        match self {
            Self::Alone { .. } => LINES_ALONE,
            Self::Server(_) => LINES_BESIDE_A_SERVER,
        }
    }

    /// How far a file with this head was applied.
    pub(super) async fn known(&self, settings: &Settings, head: &[u8]) -> Result<Option<Known>, StoreError> {
        let store = match self {
            Self::Alone { store, .. } => store,
            Self::Server(server) => &server.store,
        };
        known(store.as_ref(), settings.accounts.keys(), head).await
    }

    /// What can be done with a chunk before its turn.
    pub(super) fn reader(&self) -> impl Fn(Chunk) -> Ready + Send + Sync + 'static {
        let replay = match self {
            Self::Alone { replay, .. } => Some(replay.clone()),
            Self::Server(_) => None,
        };
        move |chunk| {
            let lines = replay.as_ref().map(|replay| replay.read(&chunk)).unwrap_or_default();
            Ready { chunk, lines }
        }
    }

    pub(super) async fn apply(&self, ready: Ready) -> anyhow::Result<Progress> {
        match self {
            Self::Alone { replay, .. } => Ok(replay.apply(&ready.chunk, &ready.lines).await?),
            Self::Server(server) => server.apply(ready.chunk).await,
        }
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        match self {
            Self::Alone { store, .. } => store.close().await,
            Self::Server(_) => Ok(()),
        }
    }
}

impl Server {
    fn new(settings: &Settings, store: Arc<dyn Store>, lock: String) -> anyhow::Result<Self> {
        let url = match (settings.listen.port(), &settings.public_url) {
            (0, Some(site)) => site.clone(),
            (0, None) => bail!("{lock}. Its server listens on a port of the system's choice: set server.public_url"),
            _ => Url::parse(&format!("http://{}/", reachable(settings.listen)))?,
        };
        let set = settings.api_token.as_ref().map(|token| token.expose().to_owned());
        let token = match set {
            Some(token) => token,
            None => Secrets::keep(&settings.data_dir)?.console_api_token,
        };
        let client = reqwest::Client::builder().no_proxy().timeout(CHUNK_WITHIN).build()?;
        Ok(Self { client, url: url.join("api/v1/replay")?, token, store, lock })
    }

    async fn apply(&self, chunk: Chunk) -> anyhow::Result<Progress> {
        let Chunk { file, from, to, before, lines } = chunk;
        let place =
            [("file", file.to_string()), ("from", from.to_string()), ("to", to.to_string()), ("before", before)];
        let request = self.client.post(self.url.clone()).query(&place).bearer_auth(&self.token);
        let answer = request.header("content-type", "application/x-ndjson").body(lines).send().await;
        let answer = answer.with_context(|| format!("{}; and no server answers at {}", self.lock, self.url))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.json().await?);
        }
        if status == reqwest::StatusCode::UNAUTHORIZED {
            bail!("the server at {} refuses our token; console.api_token must be the one it runs with", self.url);
        }
        let told: serde_json::Value = answer.json().await.unwrap_or_default();
        let cause = told.get("error").and_then(serde_json::Value::as_str).unwrap_or("it says no more");
        Err(anyhow!("the server at {} did not apply the lines: {status}, {cause}", self.url))
    }
}
