//! What the servers of a store say of themselves, and which of it makes them unfit for a store.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::join_all;

use super::link::{Link, Node};
use super::opening::Made;
use crate::store::{Spec, StoreError};

/// The oldest version that can run our scripts.
const OLDEST: (u32, u32) = (7, 0);
/// Which settings are asked for.
const SETTINGS: [&str; 5] =
    ["appendonly", "appendfsync", "min-replicas-to-write", "maxmemory-policy", "cluster-require-full-coverage"];

/// The servers of a store.
#[derive(Debug)]
pub struct RedisHealth {
    /// Each of them: those that take writes, then those that would take over.
    pub nodes: Vec<NodeHealth>,
    /// How many slots of a cluster nobody owns; nothing where there is no cluster.
    pub slots_without_owner: Option<usize>,
    /// What the store there was made with, or why it cannot be used; nothing when there is none yet.
    pub made: Option<Result<Spec, StoreError>>,
}

/// One server.
#[derive(Debug)]
pub struct NodeHealth {
    /// `host:port`.
    pub name: String,
    /// Whether it takes writes, as the others see it.
    pub part: Part,
    /// What it says; nothing but a reason when it does not answer.
    pub said: Result<Said, StoreError>,
}

/// What a server is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It takes writes.
    Master,
    /// It would take over.
    Replica,
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    told: BTreeMap<String, String>,
    /// How far its clock is ahead of ours in milliseconds.
    pub clock_ahead_ms: Option<i64>,
    /// How long it took to answer.
    pub round_trip_us: u64,
}

impl<'a> FromIterator<(&'a str, &'a str)> for Said {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(told: T) -> Self {
        let told = told.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { told, ..Self::default() }
    }
}

impl Said {
    /// A setting (`CONFIG GET`) or a line of `INFO`; nothing when it may not be asked.
    pub fn of(&self, name: &str) -> Option<&str> {
        self.told.get(name).map(String::as_str)
    }

    /// What it is, for a person.
    pub fn version(&self) -> String {
        match (self.of("valkey_version"), self.of("redis_version")) {
            (Some(version), _) => format!("Valkey {version}"),
            (None, Some(version)) => format!("Redis {version}"),
            (None, None) => "Redis ?".into(),
        }
    }

    /// Why no store may be there, and what to do.
    pub fn unfit(&self, name: &str, part: Part) -> Option<String> {
        if let Some(version) = self.of("redis_version")
            && older(version)
        {
            let (major, minor) = OLDEST;
            return Some(format!("{name} is Redis {version}; fuwu needs Redis {major}.{minor} or newer, or Valkey"));
        }
        if part == Part::Master && self.of("role") == Some("slave") {
            return Some(format!("{name} is a read-only replica; let store.url name the master"));
        }
        match self.of("maxmemory-policy").or(self.of("maxmemory_policy")) {
            Some(policy) if policy != "noeviction" => Some(format!(
                "{name} forgets records when its memory is full (maxmemory-policy is {policy}); set it to noeviction: \
                 CONFIG SET maxmemory-policy noeviction, and in its settings file"
            )),
            _ => None,
        }
    }
}

fn older(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), minor) => (major, minor.unwrap_or_default()) < OLDEST,
        (None, _) => false,
    }
}

/// Asks every server of the store at `url`; `now_ms` is our clock. Changes nothing.
///
/// # Errors
/// [`StoreError::Mismatch`] and [`StoreError::Unavailable`] when none of them can be asked.
pub async fn redis_health(url: &str, now_ms: impl Fn() -> i64) -> Result<RedisHealth, StoreError> {
    let link = Link::open(url).await?;
    let made = Made::read(&link).await.and_then(|made| made.map(|made| made.spec()).transpose()).transpose();
    let (masters, replicas) = (link.masters(), link.replicas().await);
    let masters = masters.iter().map(|node| health(node, Part::Master, &now_ms));
    let replicas = replicas.iter().map(|node| health(node, Part::Replica, &now_ms));
    let (mut nodes, replicas) = futures_util::future::join(join_all(masters), join_all(replicas)).await;
    nodes.extend(replicas);
    Ok(RedisHealth { nodes, slots_without_owner: link.without_owner(), made })
}

async fn health(node: &Node, part: Part, now_ms: &impl Fn() -> i64) -> NodeHealth {
    let said = said(node, now_ms).await;
    NodeHealth { name: node.name(), part, said }
}

async fn said(node: &Node, now_ms: &impl Fn() -> i64) -> Result<Said, StoreError> {
    // The first answer also makes the connection.
    node.ask::<redis::Value>(&redis::cmd("PING")).await?;
    let mut told = information(node).await.unwrap_or_default();
    for name in SETTINGS {
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg(name);
        told.extend(node.ask::<BTreeMap<String, String>>(&ask).await.unwrap_or_default());
    }
    if told.get("cluster_enabled").is_some_and(|enabled| enabled == "1") {
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("INFO");
        told.extend(node.ask::<String>(&ask).await.map(|info| lines(&info)).unwrap_or_default());
    }
    let (since, before) = (Instant::now(), now_ms());
    let time = node.ask::<(i64, i64)>(&redis::cmd("TIME")).await.ok();
    let round_trip_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
    let ours = before + i64::try_from(round_trip_us / 2_000).unwrap_or_default();
    let clock_ahead_ms = time.map(|(secs, micros)| secs * 1_000 + micros / 1_000 - ours);
    Ok(Said { told, clock_ahead_ms, round_trip_us })
}

/// `INFO`, line by line; nothing when it may not be asked.
pub(super) async fn information(node: &Node) -> Option<BTreeMap<String, String>> {
    node.ask::<String>(&redis::cmd("INFO")).await.ok().map(|info| lines(&info))
}

/// A setting of a server; nothing when it may not be asked.
pub(super) async fn setting(node: &Node, name: &str) -> Option<String> {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg(name);
    node.ask::<BTreeMap<String, String>>(&ask).await.ok()?.remove(name)
}

fn lines(info: &str) -> BTreeMap<String, String> {
    let lines = info.lines().filter_map(|line| line.trim().split_once(':'));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Refuses servers on which acknowledged records would not stay.
///
/// # Errors
/// [`StoreError::Mismatch`] with what to do, [`StoreError::Unavailable`] when one cannot be asked.
pub(super) async fn check(link: &Link) -> Result<(), StoreError> {
    let masters = link.masters();
    let all = masters.iter().map(async |node| (node.name(), information(node).await, policy(node).await));
    let mut unseen = Vec::new();
    for (name, told, policy) in join_all(all).await {
        let mut said = Said { told: told.unwrap_or_default(), ..Said::default() };
        said.told.extend(policy);
        if let Some(why) = said.unfit(&name, Part::Master) {
            return Err(StoreError::Mismatch(why));
        }
        if said.of("redis_version").is_none() || said.of("maxmemory_policy").or(said.of("maxmemory-policy")).is_none() {
            unseen.push(name.clone());
        }
        if said.of("redis_mode") == Some("cluster") && link.without_owner().is_none() {
            return Err(StoreError::Mismatch(format!(
                "{name} belongs to a cluster; write redis+cluster:// instead of redis:// in store.url"
            )));
        }
    }
    if !unseen.is_empty() {
        tracing::warn!(
            nodes = unseen.join(", "),
            "Redis does not let us see its version or maxmemory-policy; see to it that it is 7.0 or newer and evicts nothing"
        );
    }
    Ok(())
}

/// The one setting that decides, where `INFO` is denied.
async fn policy(node: &Node) -> BTreeMap<String, String> {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("maxmemory-policy");
    node.ask(&ask).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(told: &[(&str, &str)]) -> Said {
        told.iter().copied().collect()
    }

    #[test]
    fn what_would_forget_or_cannot_follow_is_unfit_and_told_what_to_do() {
        let unfit = |told: &[(&str, &str)], part| said(told).unfit("h:1", part);
        let old = unfit(&[("redis_version", "6.2.14")], Part::Master).unwrap();
        assert!(old.contains("h:1 is Redis 6.2.14") && old.contains("7.0"), "{old}");
        for policy in ["maxmemory-policy", "maxmemory_policy"] {
            let evicts = unfit(&[("redis_version", "7.0.0"), (policy, "allkeys-lru")], Part::Replica).unwrap();
            assert!(evicts.contains("allkeys-lru") && evicts.contains("noeviction"), "{evicts}");
        }
        assert!(unfit(&[("role", "slave")], Part::Master).unwrap().contains("replica"));
        assert_eq!(unfit(&[("role", "slave"), ("maxmemory_policy", "noeviction")], Part::Replica), None);
        // Valkey tells a version of Redis that it is like.
        let valkey = [("redis_version", "7.2.4"), ("valkey_version", "8.0.1"), ("server_name", "valkey")];
        assert_eq!((unfit(&valkey, Part::Master), said(&valkey).version()), (None, "Valkey 8.0.1".into()));
        assert_eq!(unfit(&[("redis_version", "255.255.255")], Part::Master), None);
        assert_eq!(unfit(&[], Part::Master), None);
    }
}
