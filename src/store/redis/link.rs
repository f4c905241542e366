//! The way to Redis: one multiplexed connection to a server, or one to each node of a cluster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo as _, RedisError, ServerErrorKind};

use super::args::Args;
use super::keys::Home;
use super::script::Script;
use crate::store::StoreError;

/// A server that does not take a connection by then is away.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// The platform waits five seconds, and a decision may have to be made twice.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// So long nothing is heard of what was sent.
#[cfg(target_os = "linux")]
const DEAD_AFTER: Duration = Duration::from_secs(3);
/// A node that is asked in vain has been replaced, or will be before anybody is served; its replacement is found on the
/// second try.
const CLUSTER_RETRIES: u32 = 3;
const CLUSTER_WAIT_MS: (u64, u64) = (20, 200);

/// A connection that many use at once, until it is closed.
pub(super) struct Link {
    to: To,
    is_closed: AtomicBool,
}

#[derive(Clone)]
enum To {
    /// To one server.
    Server(ConnectionManager),
    /// To a cluster.
    Cluster(ClusterConnection),
}

impl Link {
    /// Connects to what `url` names: `redis://…`, `rediss://…`, `redis+cluster://h1:6379,h2:6379`.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] for a URL that cannot be used, [`StoreError::Unavailable`] when nobody answers there.
    pub(super) async fn open(url: &str) -> Result<Self, StoreError> {
        if let Some(nodes) = url.strip_prefix("redis+cluster://") {
            let nodes = nodes.trim_end_matches('/').split(',').map(|node| format!("redis://{node}"));
            let (least, most) = CLUSTER_WAIT_MS;
            let client = ClusterClient::builder(nodes.collect::<Vec<_>>())
                .retries(CLUSTER_RETRIES)
                .min_retry_wait(least)
                .max_retry_wait(most)
                .connection_timeout(CONNECT_WITHIN)
                .response_timeout(ANSWER_WITHIN)
                .overall_response_timeout(Some(ANSWER_WITHIN))
                .tcp_settings(tcp())
                .build()
                .map_err(|error| unusable(&error))?;
            return Ok(Self::to(To::Cluster(client.get_async_connection().await.map_err(|error| away(&error))?)));
        }
        let server = url.into_connection_info().map_err(|error| unusable(&error))?;
        let client = Client::open(server.set_tcp_settings(tcp())).map_err(|error| unusable(&error))?;
        let limits = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let connected = ConnectionManager::new_with_config(client, limits).await;
        Ok(Self::to(To::Server(connected.map_err(|error| away(&error))?)))
    }

    fn to(to: To) -> Self {
        Self { to, is_closed: AtomicBool::new(false) }
    }

    /// From now on everything is refused.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Whether everything is refused.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Runs a script in a home.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; what was asked may have happened.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        home: &Home,
        args: &Args,
    ) -> Result<T, StoreError> {
        let call = |command: &str, script: &str| {
            let mut call = redis::cmd(command);
            // Two keys that never exist: while a slot is moved between nodes Redis then asks to try again, where one
            // would let the script run on half a home.
            call.arg(script).arg(2).arg(home.as_str()).arg(format!("{}:", home.as_str())).arg(args);
            call
        };
        match self.send(&call("EVALSHA", &script.hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send(&call("EVAL", &script.text)).await.map_err(|error| away(&error))
            }
            answer => answer.map_err(|error| away(&error)),
        }
    }

    /// Asks one command.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.send(command).await.map_err(|error| away(&error))
    }

    async fn send<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        if self.is_closed() {
            return Err((ErrorKind::Client, "it is closed").into());
        }
        match self.to.clone() {
            To::Server(mut server) => command.query_async(&mut server).await,
            To::Cluster(mut cluster) => command.query_async(&mut cluster).await,
        }
    }
}

/// Small requests leave at once; a host that died without a word is known to be dead soon.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(DEAD_AFTER);
    settings
}

/// The error itself may repeat the URL with its password, so only its kind is told.
fn unusable(error: &RedisError) -> StoreError {
    StoreError::Mismatch(format!("store.url cannot be used: {}", error.category()))
}

fn away(error: &RedisError) -> StoreError {
    StoreError::Unavailable(format!("Redis: {error}"))
}
