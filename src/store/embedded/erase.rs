//! Everything about one customer: reading it, and taking it away.
//!
//! An erasure is decided by one write, made from a version of the record like any commit: from then on the customer is
//! gone for everybody, and what they counted is residue. The log is read before it and cleaned after it in short steps,
//! so that nobody who writes waits for long. What a crash leaves undone is found again by its version 0.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use rusqlite::Connection;

use super::customers::{self, Row};
use super::engine::Embedded;
use super::request::{EraseRow, Outcome, Scour, Write};
use super::{counters, forget, quarantine};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountId, Openid};
use crate::domain::time::BusinessDay;
use crate::domain::work::Work;
use crate::growth::counter::{CounterKey, Increment};
use crate::growth::residue::contribution;
use crate::store::pseudonym::nobody;
use crate::store::{Committed, CustomerRef, Erasure, Held, Logged, Spares, StoreError, Stored, shape};

/// So many places of the log are read in one go.
const RANGE: i64 = 20_000;
/// So many facts are deleted in one write.
const PURGED_AT_ONCE: usize = 1_000;
/// The customer may be busy while they are erased.
const MAX_TRIES: usize = 64;
/// So often, and after such a pause, the log's file is tried again when somebody reads it.
const SCOUR_TRIES: usize = 20;
const SCOUR_AGAIN: Duration = Duration::from_millis(100);

impl Embedded {
    pub(super) async fn held_of(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        let quarantined = self.naming(of).await?.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>();
        let Some(row) = self.row_of(of).await? else {
            let nothing = Held { stored: Stored::default(), facts: Vec::new(), outbox: Vec::new(), quarantined };
            return Ok((!nothing.quarantined.is_empty()).then_some(nothing));
        };
        let (facts, _) = self.facts_of((row.account, row.id), 0).await?;
        let logged = |(seq, fact): (i64, Fact)| Logged {
            seq: seq.unsigned_abs(),
            customer: row.id.unsigned_abs(),
            of: of.clone(),
            fact,
        };
        let id = row.id;
        let outbox = self.read_long(move |connection| outbox_of(connection, id)).await?;
        let facts = facts.into_iter().map(logged).collect();
        Ok(Some(Held { stored: customers::stored(&row)?, facts, outbox, quarantined }))
    }

    pub(super) async fn erase_of(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        self.finish_erasures().await?;
        let taken = self.take_away(of, spares).await?;
        if taken == Erasure::Spared {
            return Ok(taken);
        }
        let named: Vec<i64> = self.naming(of).await?.into_iter().map(|(id, _)| id).collect();
        let found = taken == Erasure::Gone || !named.is_empty();
        for ids in named.chunks(PURGED_AT_ONCE) {
            self.write(Write::Release { ids: ids.to_vec() }).await?;
        }
        if taken == Erasure::Gone {
            self.finish_erasures().await?;
        }
        // Also when there was nothing: a crash may have come after the last step and before this one.
        self.scour(Scour::Log).await?;
        if self.left_in_file(&of.openid).await? {
            tracing::info!("the store is rewritten, so that nothing erased is left in its free space");
            self.scour(Scour::File).await?;
        }
        Ok(if found { Erasure::Gone } else { Erasure::Nobody })
    }

    /// Deletes what is left of those whose erasure is decided.
    pub(super) async fn finish_erasures(&self) -> Result<(), StoreError> {
        for (account, customer) in self.read_long(erased).await? {
            let (facts, _) = self.facts_of((account, customer), 0).await?;
            let seqs: Vec<i64> = facts.into_iter().map(|(seq, _)| seq).collect();
            for seqs in seqs.chunks(PURGED_AT_ONCE) {
                self.write(Write::Purge { account, seqs: seqs.to_vec() }).await?;
            }
            self.write(Write::Erased { customer }).await?;
        }
        Ok(())
    }

    pub(super) async fn residue_of(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        let account = account.clone();
        self.read_long(move |connection| residue(connection, &account)).await
    }

    /// Decides the erasure, by the version that was looked at.
    async fn take_away(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        let (mut facts, mut read_up_to) = (Vec::new(), 0);
        for _ in 0..MAX_TRIES {
            let Some(row) = self.row_of(of).await? else { return Ok(Erasure::Nobody) };
            if spares(&customers::stored(&row)?.customer) {
                return Ok(Erasure::Spared);
            }
            let (more, last) = self.facts_of((row.account, row.id), read_up_to).await?;
            // Words are taken from facts and counters by the write that decides; what is counted without stays.
            facts.extend(more.into_iter().map(|(_, fact)| fact.without_words().unwrap_or(fact)));
            read_up_to = last;
            let erase = EraseRow {
                account: row.account,
                customer: row.id,
                version: row.version,
                nobody: nobody(self.names().partitions.of(of)),
                residue: contribution(&facts, self.spec().lateness),
            };
            let outcome = self.write(Write::Erase(Box::new(erase))).await;
            self.forget_record(of);
            if let Outcome::Committed(Committed::Applied) = outcome? {
                return Ok(Erasure::Gone);
            }
        }
        Err(StoreError::Unavailable("the customer was too busy to be erased; ask again".into()))
    }

    async fn row_of(&self, of: &CustomerRef) -> Result<Option<Row>, StoreError> {
        let (of, names) = (of.clone(), self.names().clone());
        self.read_long(move |connection| Ok(customers::find(connection, &of, &names)?)).await
    }

    async fn naming(&self, of: &CustomerRef) -> Result<Vec<(i64, crate::store::Quarantined)>, StoreError> {
        let (mut all, mut next) = (Vec::new(), Some(0));
        while let Some(after) = next {
            let of = of.clone();
            let naming = self.read_long(move |connection| quarantine::naming(connection, &of, after)).await?;
            all.extend(naming.found);
            next = naming.next;
        }
        Ok(all)
    }

    /// The customer's facts after `after`, and up to where the log was read.
    async fn facts_of(&self, of: (i64, i64), after: i64) -> Result<(Vec<(i64, Fact)>, i64), StoreError> {
        let last = self.read_long(|connection| Ok(customers::last_seq(connection)?)).await?;
        let (mut facts, mut from) = (Vec::new(), after);
        while from < last {
            let to = from.saturating_add(RANGE).min(last);
            facts.extend(self.read_long(move |connection| facts_in(connection, of, (from, to))).await?);
            from = to;
        }
        Ok((facts, last.max(after)))
    }

    async fn scour(&self, how: Scour) -> Result<(), StoreError> {
        for _ in 0..SCOUR_TRIES {
            if let Outcome::Done = self.write(Write::Scour(how)).await? {
                return Ok(());
            }
            tokio::time::sleep(SCOUR_AGAIN).await;
        }
        Err(StoreError::Unavailable(
            "the customer is gone, but the store's log still holds what was written, since somebody reads it; ask again"
                .into(),
        ))
    }

    /// Whether the openid's bytes are anywhere in the file: a page that was rebuilt may keep a copy of what it held in
    /// its free space, where no deletion reaches.
    async fn left_in_file(&self, openid: &Openid) -> Result<bool, StoreError> {
        let Some(file) = self.file() else { return Ok(false) };
        let needle = openid.as_str().to_owned();
        let search = move || search(&file, &needle);
        let found = tokio::task::spawn_blocking(search).await;
        found
            .map_err(|_| StoreError::Unavailable("a read was broken off".into()))?
            .map_err(|error| StoreError::Unavailable(format!("the file cannot be read: {error}")))
    }
}

fn search(file: &Arc<File>, needle: &str) -> std::io::Result<bool> {
    const CHUNK: usize = 1 << 20;
    if needle.is_empty() {
        return Ok(false);
    }
    let pattern = AhoCorasick::new([needle]).map_err(std::io::Error::other)?;
    // A chunk overlaps the next one by what a match across their border needs.
    let overlap = needle.len() - 1;
    let mut buffer = vec![0; CHUNK + overlap];
    let mut at = 0;
    loop {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, at + u64::try_from(filled).unwrap_or(u64::MAX))? {
                0 => break,
                read => filled += read,
            }
        }
        if buffer.get(..filled).is_some_and(|read| pattern.is_match(read)) {
            return Ok(true);
        }
        if filled <= CHUNK {
            return Ok(false);
        }
        at += u64::try_from(CHUNK).unwrap_or(u64::MAX);
    }
}

fn facts_in(
    connection: &Connection,
    (account, customer): (i64, i64),
    (after, to): (i64, i64),
) -> Result<Vec<(i64, Fact)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT seq, body FROM fact WHERE account = ?1 AND seq > ?2 AND seq <= ?3 AND customer = ?4 ORDER BY seq",
    )?;
    let mut rows = query.query((account, after, to, customer))?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        facts.push((row.get(0)?, shape::read(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?));
    }
    Ok(facts)
}

fn outbox_of(connection: &Connection, customer: i64) -> Result<Vec<Work>, StoreError> {
    let mut query = connection.prepare_cached("SELECT body FROM outbox WHERE customer = ?1 ORDER BY seq")?;
    let mut rows = query.query([customer])?;
    let mut outbox = Vec::new();
    while let Some(row) = rows.next()? {
        outbox.push(shape::read(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
    }
    Ok(outbox)
}

fn erased(connection: &Connection) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut query = connection.prepare_cached("SELECT account, id FROM customer WHERE version = 0")?;
    Ok(query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?)
}

fn residue(connection: &Connection, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT metric, a, b, dimension, arrived, value FROM residue
         WHERE account = (SELECT id FROM account WHERE name = ?1) AND value <> 0
         ORDER BY metric, a, b, dimension, arrived",
    )?;
    let mut rows = query.query([account.as_str()])?;
    let mut residue = Vec::new();
    while let Some(row) = rows.next()? {
        let metric = counters::metric(row.get(0)?)?;
        let arrived: i64 = row.get(4)?;
        residue.push(Increment {
            key: CounterKey { metric, a: row.get(1)?, b: row.get(2)?, dimension: row.get(3)? },
            by: row.get(5)?,
            late_on: i32::try_from(arrived).ok().filter(|_| arrived != forget::ON_TIME).map(BusinessDay),
        });
    }
    Ok(residue)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::{PseudonymKey, Spec, Store as _};

    fn raw(dir: &Path) -> Connection {
        let connection = super::super::connection::for_writing(dir).unwrap();
        connection.pragma_update(None, "secure_delete", "OFF").unwrap();
        connection
    }

    async fn erase(dir: &Path, openid: &str) -> bool {
        let store = Embedded::open(dir, Spec { partitions: 4, ..Spec::default() }, PseudonymKey::new("k")).unwrap();
        let found = store.erase(&CustomerRef { account: "demo".into(), openid: openid.into() }).await.unwrap();
        store.close().await.unwrap();
        found
    }

    fn in_file(dir: &Path, needle: &str) -> bool {
        let file = Arc::new(File::open(super::super::connection::db_path(dir)).unwrap());
        search(&file, needle).unwrap()
    }

    #[tokio::test]
    async fn what_lies_in_the_free_space_of_a_page_is_erased_too() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!erase(dir.path(), "oFreeSpace").await);
        let plant = "INSERT INTO quarantine (account, arrived, reason, body) VALUES (1, 1, 'time', 'x oFreeSpace y');
            DELETE FROM quarantine";
        let strict = plant.replace("'x oFreeSpace y'", "CAST('x oFreeSpace y' AS BLOB)");
        raw(dir.path()).execute_batch(&strict).unwrap();
        assert!(in_file(dir.path(), "oFreeSpace"), "the trace is planted");
        assert!(!erase(dir.path(), "oFreeSpace").await);
        assert!(!in_file(dir.path(), "oFreeSpace"));
    }

    #[tokio::test]
    async fn an_erasure_that_a_crash_broke_off_is_finished_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        erase(dir.path(), "oNobody").await;
        let decided = "INSERT INTO account VALUES (1, 'demo');
            INSERT INTO customer VALUES (7, 1, '!0.x', 0, 0, x'', NULL, NULL), (8, 1, 'oB', 0, 1, x'01', NULL, NULL)";
        raw(dir.path()).execute_batch(decided).unwrap();
        let fact = shape::write(&Fact {
            at: crate::domain::sample::NOON,
            arrived: crate::domain::sample::NOON,
            key: crate::domain::ids::DedupeKey(1),
            playbook: "p".into(),
            what: crate::domain::fact::FactKind::Messaged,
        });
        let log = "INSERT INTO fact VALUES (1, ?1, ?2, 0, ?3, NULL)";
        let fact = fact.unwrap();
        for (seq, customer) in [(1, 7), (2, 8), (3, 7)] {
            raw(dir.path()).execute(log, (seq, customer, &fact)).unwrap();
        }
        let store =
            Embedded::open(dir.path(), Spec { partitions: 4, ..Spec::default() }, PseudonymKey::new("k")).unwrap();
        let seqs = async || -> Vec<u64> {
            store.facts(&"demo".into(), 0, 9).await.unwrap().into_iter().map(|logged| logged.seq).collect()
        };
        assert_eq!(seqs().await, [2], "nobody reads what is erased");
        assert_eq!(store.expire(&"demo".into(), BusinessDay(0), 9).await.unwrap(), 0);
        assert_eq!(seqs().await, [2]);
        let left = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let counted: (i64, i64) = raw(dir.path()).query_row(LEFT, [], left).unwrap();
        assert_eq!(counted, (1, 1));
    }

    const LEFT: &str = "SELECT (SELECT count(*) FROM fact), (SELECT count(*) FROM customer)";
}
