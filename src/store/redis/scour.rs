//! The servers' own files. They keep what was erased until they are written anew: the append-only file all that was ever
//! asked since it was, a snapshot all that was there when it was made.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use redis::Cmd;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::engine::Redis;
use super::health::{information, setting};
use super::link::Node;

/// Whoever erases waits so long for the servers to begin.
const BEGUN_WITHIN: Duration = Duration::from_secs(2);
/// A server that is at it already began before the erasure, so it is asked again after such a pause.
const AGAIN: Duration = Duration::from_millis(500);
/// Writing the files of a large store takes minutes; after so long something is wrong.
const GIVE_UP: Duration = Duration::from_secs(1_800);

/// Which erasures the servers were asked to follow.
#[derive(Default)]
pub(super) struct Scouring {
    erased: AtomicU64,
    asked: Mutex<u64>,
}

impl Redis {
    /// Has each server that takes writes write its files anew, after somebody was erased. It goes on when this returns;
    /// a server that refuses is told in the log.
    ///
    /// Until it is done (`INFO persistence`) the old files are there. What remains true after it: a replica writes its
    /// own files anew when it likes, and copies that somebody made, backups and snapshots of disks, stay as they are.
    pub(super) async fn scour(&self) {
        let erased = self.scouring.erased.fetch_add(1, Ordering::AcqRel) + 1;
        let asking = self.clone();
        let asked = tokio::spawn(async move { asking.scour_since(erased).await }.in_current_span());
        // It goes on without us.
        let _ = timeout(BEGUN_WITHIN, asked).await;
    }

    /// Whether a server was not asked yet, because it was at it all the time.
    pub(super) fn is_scouring(&self) -> bool {
        self.scouring.asked.try_lock().map_or(true, |asked| *asked < self.scouring.erased.load(Ordering::Acquire))
    }

    /// One writing serves all erasures before it.
    async fn scour_since(&self, erased: u64) {
        let mut asked = self.scouring.asked.lock().await;
        if *asked >= erased {
            return;
        }
        let all = self.scouring.erased.load(Ordering::Acquire);
        let masters = self.link.masters();
        join_all(masters.iter().map(|node| self.write_anew(node))).await;
        *asked = all;
    }

    async fn write_anew(&self, node: &Node) {
        let give_up = Instant::now() + GIVE_UP;
        let Some(told) = information(node).await else {
            return refused(node, "it does not tell which files it keeps (INFO)");
        };
        for (name, command) in files(&told, setting(node, "save").await.as_deref()) {
            loop {
                let Err(fault) = node.ask::<redis::Value>(&command).await else { break };
                let is_at_it = fault.to_string().contains("in progress");
                if !is_at_it || Instant::now() > give_up || self.link.is_closed() {
                    refused(node, &format!("{name}: {fault}"));
                    break;
                }
                sleep(AGAIN).await;
            }
        }
    }
}

/// What is to be asked of a server for the files that it keeps. It is not made to begin one: nobody would renew that.
fn files(told: &BTreeMap<String, String>, save: Option<&str>) -> Vec<(&'static str, Cmd)> {
    let is = |name: &str, what: &str| told.get(name).is_some_and(|value| value == what);
    let mut all = Vec::new();
    if is("aof_enabled", "1") {
        all.push(("BGREWRITEAOF", redis::cmd("BGREWRITEAOF")));
    }
    // It makes snapshots by itself, or was asked to before.
    if save.is_some_and(|save| !save.is_empty()) || !is("rdb_saves", "0") {
        let mut command = redis::cmd("BGSAVE");
        command.arg("SCHEDULE");
        all.push(("BGSAVE", command));
    }
    all
}

fn refused(node: &Node, why: &str) {
    tell_unfinished(&node.name(), why);
}

pub(super) fn tell_unfinished(node: &str, why: &str) {
    tracing::warn!(node, why, "Redis: files still hold what was erased; ask for BGREWRITEAOF and BGSAVE there");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(told: &[(&str, &str)], save: Option<&str>) -> Vec<&'static str> {
        let told = told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        files(&told, save).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn only_files_that_a_server_keeps_are_written_anew() {
        let both = [("aof_enabled", "1"), ("rdb_saves", "3")];
        assert_eq!(asked(&both, None), ["BGREWRITEAOF", "BGSAVE"]);
        assert_eq!(asked(&[("aof_enabled", "1"), ("rdb_saves", "0")], Some("")), ["BGREWRITEAOF"]);
        assert_eq!(asked(&[("aof_enabled", "0"), ("rdb_saves", "0")], Some("3600 1")), ["BGSAVE"]);
        assert_eq!(asked(&[("aof_enabled", "0"), ("rdb_saves", "0")], Some("")), [""; 0]);
        // Who does not tell how many there were may have made one.
        assert_eq!(asked(&[("aof_enabled", "0")], None), ["BGSAVE"]);
    }
}
