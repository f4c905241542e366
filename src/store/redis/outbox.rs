//! Outgoing work: found where it is due, leased home by home.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::args::Args;
use super::engine::Redis;
use super::keys::Home;
use super::log::named;
use super::{commit, script};
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, CustomerRef, Partition, StoreError, shape};

/// Leased work as the script tells it: what it is listed under, whose, how often it was claimed, the work.
type Row = (String, Vec<u8>, u32, Vec<u8>);

impl Redis {
    /// The moment the first work of any home is due.
    pub(super) async fn first_due(&self) -> Result<Option<UnixSecs>, StoreError> {
        let first = self.homes().map(async |(_, home)| {
            let mut ask = redis::cmd("ZRANGE");
            ask.arg(home.due()).arg(0).arg(0).arg("WITHSCORES");
            let first: Vec<(String, f64)> = self.link.ask(&ask).await?;
            Ok::<_, StoreError>(first.first().map(|(_, due)| secs(*due)))
        });
        Ok(reached(join_all(first).await)?.into_iter().flatten().min())
    }

    /// Leases at most `limit` pieces of due work, in order of when they are due.
    pub(super) async fn claim(
        &self,
        (now, until): (UnixSecs, UnixSecs),
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let due = self.homes().map(async |(partition, home)| {
            let mut ask = redis::cmd("ZRANGEBYSCORE");
            ask.arg(home.due()).arg("-inf").arg(now.0).arg("WITHSCORES").arg("LIMIT").arg(0).arg(limit);
            let due: Vec<(String, f64)> = self.link.ask(&ask).await?;
            Ok::<_, StoreError>(due.into_iter().map(move |(work, due)| (secs(due), partition, work)))
        });
        let mut due: Vec<_> = reached(join_all(due).await)?.into_iter().flatten().collect();
        due.sort();
        due.truncate(limit);
        let mut by_home = BTreeMap::<Partition, Vec<&String>>::new();
        for (_, partition, work) in &due {
            by_home.entry(*partition).or_default().push(work);
        }
        let leased = by_home.into_iter().map(async |(partition, works)| {
            let mut args = Args::default();
            args.number(now.0).number(until.0).len(works.len());
            for work in works {
                args.push(work.as_str());
            }
            let rows: Vec<Row> = self.link.run(&script::CLAIM, &Home::of(partition), &args).await?;
            Ok::<_, StoreError>(rows.into_iter().map(move |row| ((partition, row.0.clone()), row)))
        });
        let mut leased: BTreeMap<_, _> = reached(join_all(leased).await)?.into_iter().flatten().collect();
        let in_order = due.into_iter().filter_map(|(_, partition, work)| leased.remove(&(partition, work)));
        Ok(in_order.filter_map(|row| claimed(row, until)).collect())
    }

    /// Puts claimed work off.
    pub(super) async fn put_off(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError> {
        let mut args = Args::default();
        commit::name(&mut args, of, self.names());
        args.push(claimed.work.id.as_str()).number(claimed.attempt).number(due.0);
        let home = Home::of(self.names().partitions.of(of));
        self.link.run::<Vec<String>>(&script::DEFER, &home, &args).await.map(drop)
    }
}

/// What came of those that answered: one node that is away keeps no work of the others waiting.
///
/// # Errors
/// When none answered.
fn reached<T>(answers: Vec<Result<T, StoreError>>) -> Result<Vec<T>, StoreError> {
    let (answers, faults): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    match faults.into_iter().find_map(Result::err) {
        Some(fault) if answers.is_empty() => Err(fault),
        Some(fault) => {
            tracing::warn!(%fault, "outgoing work of a part of the store waits until it is back");
            Ok(answers.into_iter().flatten().collect())
        }
        None => Ok(answers.into_iter().flatten().collect()),
    }
}

/// Moments are whole seconds, far below where a double stops being exact.
#[allow(clippy::cast_possible_truncation, reason = "whole seconds, far below 2^53")]
fn secs(score: f64) -> UnixSecs {
    UnixSecs(score as i64)
}

/// Work that cannot be read must not keep the rest waiting: it is named in the log and comes back with its lease.
fn claimed((listed, name, attempt, body): Row, lease_ends: UnixSecs) -> Option<Claimed> {
    match named(&name).and_then(|of| Ok(Claimed { of, work: shape::read(&body)?, attempt, lease_ends })) {
        Ok(claimed) => Some(claimed),
        Err(error) => {
            let seq = listed.split(':').next().unwrap_or_default();
            tracing::error!(seq, "outgoing work is left undone: {error}");
            None
        }
    }
}
