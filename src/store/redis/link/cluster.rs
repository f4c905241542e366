//! A cluster: a line to each node, and a map of who owns which slots. A node that is away takes only its own slots with
//! it; the map is drawn anew whenever a node sends somebody on, or is missed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::{Cmd, ServerErrorKind, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::dial::{CONNECT_WITHIN, Find};
use super::fault::Fault;
use super::line::Line;
use super::place::{Addr, Login};
use super::slot::SLOTS;

/// A request is sent on so often; a slot on its way may be met twice, and its owner may just be changing.
const MOST_HOPS: usize = 8;
/// So long it waits where Redis asks to try again.
const AGAIN_AFTER: Duration = Duration::from_millis(25);
/// The map is drawn at most so often.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// The nodes of a cluster.
pub(super) struct Cluster(Arc<Inner>);

struct Inner {
    login: Login,
    seeds: Vec<Addr>,
    map: RwLock<Arc<Map>>,
    /// How often it was drawn, also in vain.
    drawn: watch::Sender<u64>,
    wanted: Arc<Notify>,
    runtime: Handle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.wanted.notify_one();
    }
}

#[derive(Default)]
struct Map {
    /// Up to which slot, and whose.
    spans: Vec<(u16, Arc<Line>)>,
    lines: HashMap<Addr, Arc<Line>>,
    view: View,
}

/// What a node says of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct View(Vec<Span>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    first: u16,
    last: u16,
    master: Addr,
    replicas: Vec<Addr>,
}

impl Cluster {
    /// Finds the cluster behind some of its nodes.
    pub(super) async fn open(login: Login, seeds: Vec<Addr>) -> Result<Self, Fault> {
        let inner = Arc::new(Inner {
            login,
            seeds,
            map: RwLock::default(),
            drawn: watch::Sender::new(0),
            wanted: Arc::default(),
            runtime: Handle::current(),
        });
        inner.draw().await?;
        inner.runtime.spawn(draw_when_wanted(Arc::downgrade(&inner), Arc::clone(&inner.wanted)));
        // The first requests need not wait for every node in turn.
        let (deadline, ping) = (Instant::now() + CONNECT_WITHIN, redis::cmd("PING"));
        let map = inner.map();
        let mut met: FuturesUnordered<_> = map.spans.iter().map(|(_, line)| line.send(&ping, deadline)).collect();
        while let Some(answer) = met.next().await {
            if let Err(fault @ Fault::Unfit(_)) = answer {
                return Err(fault);
            }
        }
        Ok(Self(inner))
    }

    /// The masters, and then the replicas.
    pub(super) fn lines(&self) -> (Vec<Arc<Line>>, Vec<Arc<Line>>) {
        let map = self.0.map();
        let mut addrs: (Vec<&Addr>, Vec<&Addr>) = (
            map.view.0.iter().map(|span| &span.master).collect(),
            map.view.0.iter().flat_map(|s| &s.replicas).collect(),
        );
        for side in [&mut addrs.0, &mut addrs.1] {
            side.sort();
            side.dedup();
        }
        let lines = |addrs: Vec<&Addr>| addrs.into_iter().map(|addr| self.0.line(addr)).collect();
        (lines(addrs.0), lines(addrs.1))
    }

    /// How many slots nobody owns.
    pub(super) fn without_owner(&self) -> usize {
        let map = self.0.map();
        let owned: usize = map.view.0.iter().map(|span| usize::from(span.last - span.first) + 1).sum();
        usize::from(SLOTS).saturating_sub(owned)
    }

    /// Sends a request to the owner of a slot, wherever that leads.
    pub(super) async fn send(&self, (command, slot): (&Cmd, u16), deadline: Instant) -> Result<Value, Fault> {
        let (mut sent_on, mut missed): (_, Option<Arc<Line>>) = (None, None);
        for _ in 0..MOST_HOPS {
            let (line, is_asking) = match sent_on.take() {
                Some(sent_on) => sent_on,
                None => (self.0.owner(slot)?, false),
            };
            let answer = match is_asking {
                true => line.send_asking(command, deadline).await,
                false => line.send(command, deadline).await,
            };
            let fault = match answer {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            match (&fault, fault.refusal()) {
                (Fault::Refused(error), Some(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask))) => {
                    let Some(addr) = error.redirect_node().and_then(|(addr, _)| Addr::read(addr)) else {
                        return Err(fault);
                    };
                    if kind == ServerErrorKind::Moved {
                        self.0.redraw();
                    }
                    sent_on = Some((self.0.line(&addr), kind == ServerErrorKind::Ask));
                }
                (_, Some(ServerErrorKind::TryAgain)) => pause(deadline).await,
                (_, Some(ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown | ServerErrorKind::ReadOnly))
                | (Fault::Away(_), _) => {
                    // Whoever is missed has perhaps been replaced; asked twice in vain, it has not yet.
                    let drawn = self.0.drawn.subscribe();
                    self.0.redraw();
                    let is_missed_again = missed.as_ref().is_some_and(|missed| Arc::ptr_eq(missed, &line));
                    if is_missed_again || !wait(drawn, deadline).await {
                        return Err(fault);
                    }
                    missed = Some(line);
                }
                (Fault::Silent(_) | Fault::Lost, _) => {
                    self.0.redraw();
                    return Err(fault);
                }
                _ => return Err(fault),
            }
            if Instant::now() >= deadline {
                return Err(fault);
            }
        }
        Err(Fault::Away("the cluster sends requests in a circle".into()))
    }
}

async fn pause(deadline: Instant) {
    tokio::time::sleep_until(deadline.min(Instant::now() + AGAIN_AFTER)).await;
}

/// Whether it changed in time.
async fn wait(mut drawn: watch::Receiver<u64>, deadline: Instant) -> bool {
    timeout_at(deadline, drawn.changed()).await.is_ok()
}

impl Inner {
    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn owner(&self, slot: u16) -> Result<Arc<Line>, Fault> {
        let map = self.map();
        let at = map.spans.partition_point(|(last, _)| *last < slot);
        let owner = map.spans.get(at).map(|(_, line)| Arc::clone(line));
        owner.ok_or_else(|| {
            self.redraw();
            Fault::Away(format!("nobody in the cluster owns slot {slot}"))
        })
    }

    /// The line to a node; a new one when nobody asked it before.
    fn line(&self, addr: &Addr) -> Arc<Line> {
        if let Some(line) = self.map().lines.get(addr) {
            return Arc::clone(line);
        }
        let mut kept = self.map.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = kept.lines.get(addr) {
            return Arc::clone(line);
        }
        let line = self.new_line(addr);
        let mut lines = kept.lines.clone();
        lines.insert(addr.clone(), Arc::clone(&line));
        *kept = Arc::new(Map { spans: kept.spans.clone(), lines, view: kept.view.clone() });
        line
    }

    fn new_line(&self, addr: &Addr) -> Arc<Line> {
        // A request may ask for it on a runtime that ends before the line does.
        let _home = self.runtime.enter();
        Arc::new(Line::new(Find::Node(self.login.clone(), addr.clone())))
    }

    /// Has the map drawn anew, soon.
    fn redraw(&self) {
        self.wanted.notify_one();
    }

    /// Asks the nodes for their views, and takes the one that most of them share: a node that was away for a while still
    /// believes what held before.
    async fn draw(&self) -> Result<(), Fault> {
        let map = self.map();
        let mut nodes: HashMap<&Addr, Arc<Line>> = map.lines.iter().map(|(addr, line)| (addr, line.clone())).collect();
        for seed in &self.seeds {
            nodes.entry(seed).or_insert_with(|| self.new_line(seed));
        }
        let deadline = Instant::now() + CONNECT_WITHIN * 2;
        let asked = nodes.iter().map(|(addr, line)| async move { view_of((*addr, line), deadline).await });
        let mut asked: FuturesUnordered<_> = asked.collect();
        let (mut views, mut faults): (Vec<(View, usize)>, Vec<Fault>) = (Vec::new(), Vec::new());
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(view) => match views.iter_mut().find(|(known, _)| *known == view) {
                    Some((_, votes)) => *votes += 1,
                    None => views.push((view, 1)),
                },
                Err(fault) => faults.push(fault),
            }
            if views.iter().any(|(_, votes)| *votes * 2 > nodes.len()) {
                break;
            }
        }
        drop(asked);
        let Some((view, _)) = views.into_iter().max_by_key(|(view, votes)| (*votes, view.0.len())) else {
            let unfit = faults.iter().find(|fault| matches!(fault, Fault::Unfit(_))).cloned();
            let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Err(unfit.unwrap_or(Fault::Away(format!("no node of the cluster tells its nodes: {told}"))));
        };
        self.take(view, nodes.into_iter().map(|(addr, line)| (addr.clone(), line)).collect());
        Ok(())
    }

    fn take(&self, view: View, known: HashMap<Addr, Arc<Line>>) {
        let mut lines = HashMap::new();
        let mut line = |addr: &Addr| {
            let made = || known.get(addr).cloned().unwrap_or_else(|| self.new_line(addr));
            Arc::clone(lines.entry(addr.clone()).or_insert_with(made))
        };
        let mut spans = Vec::new();
        let mut next = 0;
        for span in &view.0 {
            // What nobody owns is left out, and asking for it leads to a new map; a span ends where it ends.
            if span.first >= next {
                spans.push((span.last, line(&span.master)));
                next = span.last.saturating_add(1);
            }
            // One of them may be asked next.
            span.replicas.iter().for_each(|replica| drop(line(replica)));
        }
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Map { spans, lines, view });
    }
}

async fn draw_when_wanted(cluster: Weak<Inner>, wanted: Arc<Notify>) {
    loop {
        wanted.notified().await;
        let Some(cluster) = cluster.upgrade() else { return };
        if let Err(fault) = cluster.draw().await {
            tracing::warn!(%fault, "Redis: the cluster does not tell its nodes");
        }
        cluster.drawn.send_modify(|drawn| *drawn += 1);
        drop(cluster);
        sleep(DRAWN_EVERY).await;
    }
}

async fn view_of((addr, line): (&Addr, &Line), deadline: Instant) -> Result<View, Fault> {
    let mut ask = redis::cmd("CLUSTER");
    ask.arg("SLOTS");
    let answer = line.send(&ask, deadline).await.map_err(|fault| match fault {
        Fault::Refused(error) if error.to_string().contains("cluster support disabled") => Fault::Unfit(format!(
            "{addr} belongs to no cluster; write redis:// instead of redis+cluster:// in store.url"
        )),
        Fault::Refused(error) => Fault::Unfit(format!("{addr} does not tell its cluster ({error})")),
        other => other,
    })?;
    let spans: Vec<Vec<Value>> = redis::from_redis_value(answer).map_err(|error| Fault::Away(error.to_string()))?;
    let mut view: Vec<Span> = spans.iter().filter_map(|span| read_span(span, addr)).collect();
    view.sort();
    if view.is_empty() {
        return Err(Fault::Away(format!("{addr} knows of no slots")));
    }
    Ok(View(view))
}

/// First and last slot, the master, its replicas; a node that does not know its own host is meant by the one asked.
fn read_span(span: &[Value], asked: &Addr) -> Option<Span> {
    let [Value::Int(first), Value::Int(last), nodes @ ..] = span else { return None };
    let node = |node: &Value| {
        let Value::Array(parts) = node else { return None };
        let host = match parts.first()? {
            Value::BulkString(host) if !host.is_empty() && host != b"?" => String::from_utf8_lossy(host).into_owned(),
            _ => asked.host.clone(),
        };
        let Some(Value::Int(port)) = parts.get(1) else { return None };
        Some(Addr { host, port: u16::try_from(*port).ok()? })
    };
    let mut nodes = nodes.iter().filter_map(node);
    let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
    let master = nodes.next()?;
    let mut replicas: Vec<Addr> = nodes.collect();
    replicas.sort();
    Some(Span { first, last, master, replicas })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Addr {
        Addr::read(text).unwrap()
    }

    #[test]
    fn a_node_that_does_not_know_its_own_name_is_meant_by_the_one_asked() {
        let node = |host: &[u8], port| {
            Value::Array(vec![Value::BulkString(host.to_vec()), Value::Int(port), Value::BulkString(b"id".to_vec())])
        };
        let span = |nodes: Vec<Value>| [vec![Value::Int(0), Value::Int(99)], nodes].concat();
        let read = |nodes| read_span(&span(nodes), &addr("asked:1")).unwrap();
        let known = read(vec![node(b"a", 6_379), node(b"c", 2), node(b"b", 3)]);
        assert_eq!((known.first, known.last, known.master), (0, 99, addr("a:6379")));
        assert_eq!(known.replicas, [addr("b:3"), addr("c:2")], "in one order, so that views compare");
        for unknown in [b"".as_slice(), b"?"] {
            assert_eq!(read(vec![node(unknown, 7)]).master, addr("asked:7"));
        }
        assert_eq!(read(vec![Value::Array(vec![Value::Nil, Value::Int(7)])]).master, addr("asked:7"));
        assert_eq!(read_span(&span(Vec::new()), &addr("asked:1")), None);
    }
}
