//! A line: one connection that many use at once. When it ends it comes back by itself; when it hangs, or leads to what is
//! no longer the master, another takes its place. Nobody waits for that longer than a moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::dial::{Dialled, Find};
use super::fault::Fault;
use super::place::Addr;
use super::same::Same;

/// A server that was asked in vain is asked again after so long, and then at twice that, up to the last.
const AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// So long a request waits for a server that is known to be away or silent.
const PATIENCE: Duration = Duration::from_millis(200);
/// So long a connection that hangs may still answer once another could take its place.
const GRACE: Duration = Duration::from_millis(100);
/// How often sentinels are asked whether the master is still the master: one that is cut off from them goes on taking
/// writes that will be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One connection, however often it is replaced.
pub(in crate::store::redis) struct Line(Arc<Inner>);

struct Inner {
    find: Arc<Find>,
    /// Of all lines to it.
    same: Arc<Same>,
    state: watch::Sender<State>,
    /// So many connections were made; each is known by which it was.
    made: AtomicU64,
    /// Whoever asks may be on a runtime that ends before the line does.
    runtime: Handle,
}

#[derive(Clone)]
enum State {
    /// It is being connected for the first time, or the connection has just ended.
    Dialling,
    /// It is there.
    Up(Up),
    /// It was there, and lately did not answer in time.
    Silent(Up),
    /// It was tried in vain, and is tried again.
    Away(Fault),
}

#[derive(Clone)]
struct Up {
    nth: u64,
    /// As [`Same`] numbers it.
    server: u64,
    addr: Addr,
    connection: MultiplexedConnection,
}

impl Line {
    /// A line that is connected in the background.
    pub(super) fn new(find: Find) -> Self {
        Self::dialled(Arc::new(find), Arc::default())
    }

    /// A line to where this one leads, driven by the runtime of whoever asks for it.
    pub(super) fn another(&self) -> Self {
        Self::dialled(Arc::clone(&self.0.find), Arc::clone(&self.0.same))
    }

    fn dialled(find: Arc<Find>, same: Arc<Same>) -> Self {
        let line = Self::over((find, same), State::Dialling);
        line.0.dial();
        line
    }

    /// A line that is connected.
    pub(super) async fn open(find: Find) -> Result<Self, Fault> {
        let Dialled { addr, connection, server } = find.connect().await?;
        let same = Arc::new(Same::default());
        let up = Up { nth: 0, server: same.met(&server), addr, connection };
        Ok(Self::over((Arc::new(find), same), State::Up(up)))
    }

    fn over((find, same): (Arc<Find>, Arc<Same>), state: State) -> Self {
        let inner = Arc::new(Inner {
            find,
            same,
            state: watch::Sender::new(state),
            made: AtomicU64::new(1),
            runtime: Handle::current(),
        });
        if matches!(*inner.find, Find::Master(..)) {
            inner.runtime.spawn(look(Arc::downgrade(&inner)));
        }
        Self(inner)
    }

    /// How it is called in a sentence.
    pub(in crate::store::redis) fn name(&self) -> String {
        match &*self.0.state.borrow() {
            State::Up(up) | State::Silent(up) => up.addr.to_string(),
            _ => self.0.find.name(),
        }
    }

    /// The sentinels behind it.
    pub(super) fn find(&self) -> &Find {
        &self.0.find
    }

    /// Sends a request once.
    pub(super) async fn send(&self, command: &Cmd, deadline: Instant) -> Result<Value, Fault> {
        self.sent(deadline, async |connection| command.query_async(connection).await).await
    }

    /// Sends a request that the owner of a slot sent here.
    pub(super) async fn send_asking(&self, command: &Cmd, deadline: Instant) -> Result<Value, Fault> {
        let mut both = redis::pipe();
        both.cmd("ASKING").ignore().add_command(command.clone());
        let answer: Vec<Value> = self.sent(deadline, async |connection| both.query_async(connection).await).await?;
        Ok(answer.into_iter().next().unwrap_or(Value::Nil))
    }

    async fn sent<T>(
        &self,
        deadline: Instant,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Fault> {
        let mut up = self.up(deadline).await?;
        while up.server != self.0.same.nth() {
            self.0.lose(up.nth);
            up = self.up(deadline).await?;
        }
        match timeout_at(deadline, ask(&mut up.connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_io_error() || error.is_unrecoverable_error() => {
                self.0.lose(up.nth);
                Err(Fault::Lost)
            }
            Ok(Err(error)) => {
                // A replica stays one until sentinels say otherwise, or the address leads elsewhere.
                if error.code() == Some("READONLY") && !matches!(*self.0.find, Find::Node(..)) {
                    self.0.lose(up.nth);
                }
                Err(Fault::Refused(error))
            }
            Err(_) => {
                self.0.doubt(&up);
                Err(Fault::Silent(up.addr.to_string()))
            }
        }
    }

    async fn up(&self, deadline: Instant) -> Result<Up, Fault> {
        if let State::Up(up) = &*self.0.state.borrow() {
            return Ok(up.clone());
        }
        let mut seen = self.0.state.subscribe();
        let patience = deadline.min(Instant::now() + PATIENCE);
        loop {
            let fault = match &*seen.borrow_and_update() {
                State::Up(up) => return Ok(up.clone()),
                State::Dialling => None,
                State::Away(fault) => Some(fault.clone()),
                State::Silent(up) => Some(Fault::Away(format!("{} has stopped answering", up.addr))),
            };
            let until = if fault.is_some() { patience } else { deadline };
            if timeout_at(until, seen.changed()).await.is_err() {
                let name = || format!("{} cannot be reached in time", self.0.find.name());
                return Err(fault.unwrap_or_else(|| Fault::Away(name())));
            }
        }
    }
}

impl Inner {
    /// The connection has ended; another is made.
    fn lose(self: &Arc<Self>, nth: u64) {
        let is_news = self.state.send_if_modified(|state| {
            let is_this = matches!(state, State::Up(up) | State::Silent(up) if up.nth == nth);
            if is_this {
                *state = State::Dialling;
            }
            is_this
        });
        if is_news {
            self.dial();
        }
    }

    /// It does not answer; it is found out whether it hangs.
    fn doubt(self: &Arc<Self>, up: &Up) {
        let is_news = self.state.send_if_modified(|state| {
            let is_this = matches!(state, State::Up(current) if current.nth == up.nth);
            if is_this {
                *state = State::Silent(up.clone());
            }
            is_this
        });
        if is_news {
            self.runtime.spawn(watch_over(Arc::downgrade(self), up.clone()));
        }
    }

    fn made(&self, Dialled { addr, connection, server }: Dialled) -> State {
        let (nth, server) = (self.made.fetch_add(1, Ordering::Relaxed), self.same.met(&server));
        State::Up(Up { nth, server, addr, connection })
    }

    /// Puts a fresh connection in the place of the `nth`.
    fn replace(&self, nth: u64, fresh: Dialled) {
        self.state.send_if_modified(|state| {
            let is_this = matches!(state, State::Up(up) | State::Silent(up) if up.nth == nth);
            if is_this {
                *state = self.made(fresh);
            }
            is_this
        });
    }

    fn dial(self: &Arc<Self>) {
        self.runtime.spawn(dial(Arc::downgrade(self)));
    }
}

/// Connects, however long that takes.
async fn dial(line: Weak<Inner>) {
    let (mut pause, longest) = AGAIN;
    loop {
        let Some(line) = line.upgrade() else { return };
        match line.find.connect().await {
            Ok(fresh) => {
                line.state.send_replace(line.made(fresh));
                return;
            }
            Err(fault) => line.state.send_replace(State::Away(fault)),
        };
        drop(line);
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(longest);
    }
}

/// Waits until a connection that hangs answers again, or ends, or another one can take its place. As long as it may
/// answer it is kept: what was sent over it happens before whatever is sent after.
async fn watch_over(line: Weak<Inner>, up: Up) {
    let ping = redis::cmd("PING");
    let nth = up.nth;
    let mut kept = up.connection.clone();
    let pong = ping.query_async::<Value>(&mut kept);
    tokio::pin!(pong);
    let answered = loop {
        let Some(line) = line.upgrade() else { return };
        let fresh = tokio::select! {
            answer = &mut pong => break answer,
            fresh = line.find.connect() => fresh,
        };
        let pause = if fresh.is_ok() { GRACE } else { AGAIN.1 };
        tokio::select! {
            answer = &mut pong => break answer,
            () = sleep(pause) => {}
        }
        if let Ok(fresh) = fresh {
            tracing::warn!(from = %up.addr, to = %fresh.addr, "Redis: the connection hangs, another takes its place");
            line.replace(nth, fresh);
            return;
        }
    };
    let Some(line) = line.upgrade() else { return };
    match answered {
        Err(error) if error.is_io_error() => line.lose(nth),
        _ => {
            line.state.send_if_modified(|state| {
                let is_this = matches!(state, State::Silent(silent) if silent.nth == nth);
                if is_this {
                    *state = State::Up(up);
                }
                is_this
            });
        }
    }
}

/// Follows the master that sentinels name, also while the old one still answers.
async fn look(line: Weak<Inner>) {
    loop {
        sleep(LOOK_EVERY).await;
        let Some(line) = line.upgrade() else { return };
        let Find::Master(_, sentinels) = &*line.find else { return };
        let now = match &*line.state.borrow() {
            State::Up(up) | State::Silent(up) => Some((up.nth, up.addr.clone())),
            _ => None,
        };
        let Some((nth, addr)) = now else { continue };
        let is_elsewhere = sentinels.ask().await.is_ok_and(|named| named != addr);
        if is_elsewhere && let Ok(fresh) = line.find.connect().await {
            tracing::info!(from = %addr, to = %fresh.addr, "Redis: another server is the master now");
            line.replace(nth, fresh);
        }
    }
}
