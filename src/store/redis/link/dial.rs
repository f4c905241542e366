//! Connecting: to a server, and to the one that is the master now.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Value};
use tokio::time::timeout;

use super::fault::Fault;
use super::place::{Addr, Login};
use super::sentinel::Sentinels;

/// A server that does not take a connection by then is away.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// So many requests wait to be written before whoever asks waits too.
const WRITTEN_AHEAD: usize = 1_000;

/// Who a line leads to.
pub(super) enum Find {
    /// Whoever answers there, as long as it is a master: the address may move.
    Server(Login, Addr),
    /// A node of a cluster, which itself sends on what is not its own.
    Node(Login, Addr),
    /// The master that sentinels name.
    Master(Login, Sentinels),
}

impl Find {
    /// How it is called in a sentence.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Server(_, addr) | Self::Node(_, addr) => addr.to_string(),
            Self::Master(_, sentinels) => format!("the master of {}", sentinels.master()),
        }
    }

    /// A fresh connection to it.
    pub(super) async fn connect(&self) -> Result<Dialled, Fault> {
        match self {
            Self::Node(login, addr) => {
                let connection = connect(login, addr).await?;
                Ok(Dialled { addr: addr.clone(), connection, server: String::new() })
            }
            Self::Server(login, addr) => to_master(login, addr.clone()).await,
            Self::Master(login, sentinels) => to_master(login, sentinels.ask().await?).await,
        }
    }
}

/// A connection, and where it led.
pub(super) struct Dialled {
    pub(super) addr: Addr,
    pub(super) connection: MultiplexedConnection,
    /// What the server calls itself since it was started; empty for one of many, or when it does not say.
    pub(super) server: String,
}

/// A connection to a server that takes writes.
async fn to_master(login: &Login, addr: Addr) -> Result<Dialled, Fault> {
    let mut connection = connect(login, &addr).await?;
    // Who may not ask for the role finds out with the first write.
    let role = asked::<Vec<Value>>(&mut connection, &redis::cmd("ROLE"), &addr).await;
    let is_replica = match role.map(|role| role.into_iter().next()) {
        Ok(Some(Value::BulkString(role))) => role == b"slave",
        Err(fault @ (Fault::Silent(_) | Fault::Lost)) => return Err(fault),
        _ => false,
    };
    if is_replica {
        return Err(Fault::Unfit(format!(
            "{addr} is a read-only replica; let store.url name the master, or the sentinels that know it \
             (redis+sentinel://h1:26379,h2:26379/0?master=NAME)"
        )));
    }
    let server = match asked::<String>(&mut connection, redis::cmd("INFO").arg("server"), &addr).await {
        Ok(told) => told.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim().to_owned(),
        Err(fault @ (Fault::Silent(_) | Fault::Lost)) => return Err(fault),
        Err(_) => String::new(),
    };
    Ok(Dialled { addr, connection, server })
}

/// A connection to a server.
pub(super) async fn connect(login: &Login, addr: &Addr) -> Result<MultiplexedConnection, Fault> {
    // Whoever asks has a limit of their own, so this one is not set for answers.
    let limits = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(WRITTEN_AHEAD);
    let client = login.client(addr)?;
    let connected = client.get_multiplexed_async_connection_with_config(&limits).await;
    connected.map_err(|error| {
        let over = if login.is_over_tls() { " over TLS" } else { "" };
        Fault::connecting(&format!("{addr}{over}"), &error)
    })
}

/// Asks over a connection that nobody else uses yet.
pub(super) async fn asked<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
    addr: &Addr,
) -> Result<T, Fault> {
    match timeout(CONNECT_WITHIN, command.query_async(connection)).await {
        Ok(answer) => answer.map_err(|error| if error.is_io_error() { Fault::Lost } else { Fault::Refused(error) }),
        Err(_) => Err(Fault::Silent(addr.to_string())),
    }
}
