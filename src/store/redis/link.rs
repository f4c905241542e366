//! The way to Redis: to a server, or to the master that sentinels name, a multiplexed connection for each web worker and
//! one for all the rest; to a cluster one for each node.
//!
//! Lines of our own, over the connections of the `redis` crate: its cluster client drives all nodes in one task, which
//! stood still for over two seconds when one node fell silent, and did not find the promoted replica of a master that
//! froze; a customer waits five.
//!
//! A request ends within [`ANSWER_WITHIN`] whatever happens: the platform waits five seconds, and a decision may have to
//! be made twice. Sent again is what was certainly not done, and what a connection took along when it ended: to run twice
//! harms no script.

mod cluster;
mod dial;
mod fault;
mod line;
mod lines;
mod place;
mod same;
mod sentinel;
mod slot;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, ServerErrorKind, Value};
use tokio::time::{Instant, sleep_until};

use self::cluster::Cluster;
use self::dial::Find;
pub(super) use self::fault::Fault;
use self::line::Line;
use self::lines::Lines;
use self::place::{Kind, Login, Place};
use self::sentinel::Sentinels;
use self::slot::slot_of;
use super::args::Args;
use super::keys::Home;
use super::script::Script;
use crate::store::StoreError;

/// A request has an answer by then, or none.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// So long a request waits where a server that reads its data asks to come again.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A connection that many use at once, until it is closed.
pub(super) struct Link {
    to: To,
    is_closed: AtomicBool,
}

enum To {
    /// To one server.
    Server(Lines, Login),
    /// To a cluster.
    Cluster(Cluster),
}

/// One server of a store.
pub(super) struct Node(Arc<Line>);

impl Node {
    /// `host:port`.
    pub(super) fn name(&self) -> String {
        self.0.name()
    }

    /// Asks this one.
    ///
    /// # Errors
    /// As [`Link::run`].
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        self.0.send(command, Instant::now() + ANSWER_WITHIN).await.and_then(read)
    }
}

impl Link {
    /// Connects to what `url` names: `redis://…`, `rediss://…`, `redis+sentinel://h1:26379,h2:26379/0?master=NAME`,
    /// `redis+cluster://h1:6379,h2:6379`.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] for a URL that cannot be used, or leads to a server that refuses us or takes no writes;
    /// [`StoreError::Unavailable`] when nobody answers there.
    pub(super) async fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self { to: connected(Place::read(url)?).await?, is_closed: AtomicBool::new(false) })
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
        self.tried(script, home, args).await.map_err(away)
    }

    /// As [`Self::run`], for whoever wants to know why not.
    pub(super) async fn tried<T: FromRedisValue>(&self, script: &Script, home: &Home, args: &Args) -> Result<T, Fault> {
        let call = |command: &str, script: &str| {
            let mut call = redis::cmd(command);
            // Two keys that never exist: while a slot is moved between nodes Redis then asks to try again, where one
            // would let the script run on half a home.
            call.arg(script).arg(2).arg(home.as_str()).arg(format!("{}:", home.as_str())).arg(args);
            call
        };
        let slot = slot_of(home.as_str().as_bytes());
        let deadline = Instant::now() + ANSWER_WITHIN;
        let answer = match self.send(&call("EVALSHA", &script.hash), slot, deadline).await {
            Err(fault) if fault.refusal() == Some(ServerErrorKind::NoScript) => {
                self.send(&call("EVAL", &script.text), slot, deadline).await
            }
            answer => answer,
        };
        read(answer?)
    }

    /// Asks one command, whose first argument is a key.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let slot = match command.args_iter().nth(1) {
            Some(redis::Arg::Simple(key)) => slot_of(key),
            _ => 0,
        };
        let deadline = Instant::now() + ANSWER_WITHIN;
        self.send(command, slot, deadline).await.and_then(read).map_err(away)
    }

    /// How many slots of a cluster nobody owns; nothing where there is no cluster.
    pub(super) fn without_owner(&self) -> Option<usize> {
        match &self.to {
            To::Cluster(cluster) => Some(cluster.without_owner()),
            To::Server(..) => None,
        }
    }

    /// The servers that take writes.
    pub(super) fn masters(&self) -> Vec<Node> {
        match &self.to {
            To::Server(lines, _) => vec![Node(Arc::clone(lines.first()))],
            To::Cluster(cluster) => cluster.lines().0.into_iter().map(Node).collect(),
        }
    }

    /// The servers that are there to take over, as far as they are known.
    pub(super) async fn replicas(&self) -> Vec<Node> {
        match &self.to {
            To::Cluster(cluster) => cluster.lines().1.into_iter().map(Node).collect(),
            To::Server(lines, login) => match lines.first().find() {
                Find::Master(_, sentinels) => {
                    let replicas = sentinels.replicas().await;
                    replicas
                        .into_iter()
                        .map(|addr| Node(Arc::new(Line::new(Find::Node(login.clone(), addr)))))
                        .collect()
                }
                _ => Vec::new(),
            },
        }
    }

    async fn send(&self, command: &Cmd, slot: u16, deadline: Instant) -> Result<Value, Fault> {
        const TRIES: usize = 4;
        for nth in 1..=TRIES {
            if self.is_closed() {
                return Err(Fault::Away("it is closed".into()));
            }
            let answer = match &self.to {
                To::Server(lines, _) => lines.here().send(command, deadline).await,
                To::Cluster(cluster) => cluster.send((command, slot), deadline).await,
            };
            let Err(fault) = answer else { return answer };
            let is_again = match (&fault, fault.refusal()) {
                (Fault::Lost, _) | (_, Some(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)) => nth == 1,
                (_, Some(ServerErrorKind::BusyLoading)) => true,
                _ => false,
            };
            if !is_again || nth == TRIES || Instant::now() >= deadline {
                return Err(fault);
            }
            if fault.refusal() == Some(ServerErrorKind::BusyLoading) {
                sleep_until(deadline.min(Instant::now() + AGAIN_AFTER)).await;
            }
        }
        Err(Fault::Away("it was tried in vain".into()))
    }
}

async fn connected(Place { kind, addrs, login, to_sentinels }: Place) -> Result<To, Fault> {
    let find = match kind {
        Kind::Cluster => return Cluster::open(login, addrs).await.map(To::Cluster),
        Kind::Sentinel { master } => Find::Master(login.clone(), Sentinels::new(master, to_sentinels, addrs)),
        Kind::Server => match addrs.into_iter().next() {
            Some(addr) => Find::Server(login.clone(), addr),
            None => return Err(Fault::unusable("it names no server")),
        },
    };
    Ok(To::Server(Lines::new(Line::open(find).await?), login))
}

/// While a store is open nothing that Redis says is about its settings.
fn away(fault: Fault) -> StoreError {
    StoreError::Unavailable(format!("Redis: {fault}"))
}

fn read<T: FromRedisValue>(answer: Value) -> Result<T, Fault> {
    redis::from_redis_value(answer).map_err(|error| Fault::Refused(error.into()))
}
