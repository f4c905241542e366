//! One batch, one transaction, one fsync.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::counters::Fold;
use super::customers::{self, FactRow, Put};
use super::failure::{Damage, damage};
use super::request::{CommitRow, Outcome, Write};
use super::{bulk, forget, moving, outbox, quarantine, shared};
use crate::domain::forget::Keep;
use crate::domain::ids::AccountId;
use crate::store::Committed;
use crate::store::aside::counted;

/// What one request came to.
pub(super) type Applied = rusqlite::Result<Outcome>;

/// What the writer knows of the file without asking it.
#[derive(Debug, Default)]
pub(super) struct Known {
    accounts: HashMap<AccountId, i64>,
    last_seq: Option<i64>,
}

/// Applies batches to the file.
#[derive(Debug)]
pub(super) struct Batches {
    connection: Connection,
    known: Known,
}

impl Batches {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, known: Known::default() }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Applies all of it in one transaction; when this returns, what is `Ok` is durable. If a single request makes a
    /// statement fail, the transaction is rolled back and every request gets one of its own, so that only that one
    /// fails. An error of the whole transaction is everybody's.
    pub(super) fn apply(&mut self, batch: &[Write]) -> Result<Vec<Applied>, rusqlite::Error> {
        let error = match self.transact(batch) {
            Ok(outcomes) => return Ok(outcomes.into_iter().map(Ok).collect()),
            Err(error) => error,
        };
        if damage(&error) != Damage::Statement {
            return Err(error);
        }
        if batch.len() == 1 {
            return Ok(vec![Err(error)]);
        }
        tracing::warn!(requests = batch.len(), "a batch is applied one by one: {error}");
        let mut all = Vec::with_capacity(batch.len());
        for write in batch {
            let alone = self.transact(std::slice::from_ref(write)).and_then(one);
            match alone {
                // The first ones are durable already, so this one's failure is not theirs, nor those after it.
                Err(error) if damage(&error) == Damage::File => {
                    all.push(Err(error));
                    break;
                }
                other => all.push(other),
            }
        }
        Ok(all)
    }

    fn transact(&mut self, batch: &[Write]) -> rusqlite::Result<Vec<Outcome>> {
        let outcome = transact(&mut self.connection, &mut self.known, batch);
        if outcome.is_err() {
            self.known = Known::default();
        }
        outcome
    }
}

fn one(outcomes: Vec<Outcome>) -> Applied {
    outcomes.into_iter().next().ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn transact(connection: &mut Connection, known: &mut Known, batch: &[Write]) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut fold = Fold::default();
    let mut put = Put::new(&transaction)?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for write in batch {
        outcomes.push(match write {
            Write::Commit(row) => Outcome::Committed(commit((&transaction, &mut put), known, (row, &mut fold))?),
            Write::CommitAll(row) => Outcome::Committed(bulk::apply(&transaction, known, row)?),
            Write::Claim { now, until, limit } => Outcome::Claimed(outbox::claim(&transaction, *now, *until, *limit)?),
            Write::Defer { of, id, attempt, due } => {
                outbox::defer(&transaction, of, (id, *attempt), *due)?;
                Outcome::Done
            }
            Write::Quarantine(entry) => {
                let account = known.account(&transaction, &entry.account)?;
                quarantine::keep(&transaction, account, entry)?;
                fold.add(account, &[counted(entry)])?;
                Outcome::Done
            }
            Write::PutShared(change) => {
                let account = known.account(&transaction, &change.account)?;
                Outcome::Committed(shared::put(&transaction, account, change)?)
            }
            Write::Erase(row) => Outcome::Committed(forget::erase(&transaction, row, &mut fold)?),
            Write::Purge { account, seqs } => {
                forget::purge(&transaction, *account, seqs)?;
                Outcome::Done
            }
            Write::Erased { customer } => {
                forget::end(&transaction, *customer)?;
                Outcome::Done
            }
            Write::Release { ids } => {
                quarantine::release(&transaction, ids)?;
                Outcome::Done
            }
            Write::Expire { account, left_before, limit } => {
                let account = known.account(&transaction, account)?;
                Outcome::Expired(forget::expire(&transaction, (account, *left_before, *limit), &mut fold)?)
            }
            Write::Move(step) => moving::apply((&transaction, known), step, &mut fold)?,
            Write::Close | Write::Scour(_) => Outcome::Done,
        });
    }
    drop(put);
    fold.write(&transaction)?;
    transaction.commit()?;
    Ok(outcomes)
}

fn commit(
    (connection, put): (&Connection, &mut Put<'_>),
    known: &mut Known,
    (row, fold): (&CommitRow, &mut Fold),
) -> rusqlite::Result<Committed> {
    let account = known.account(connection, &row.of.account)?;
    if !outbox::all_there(connection, account, row)? {
        return Ok(Committed::Settled);
    }
    let place = put.place(account, row)?;
    // A version SQLite cannot hold was never handed out.
    if place.map_or(0, |place| place.version.unsigned_abs()) != row.base {
        return Ok(Committed::Stale);
    }
    let seqs = known.next_seqs(connection, row.facts.len())?;
    let mut words = place.and_then(|place| place.words);
    let last_words = row.facts.last_words(seqs.start).or(words);
    let customer = match place {
        None => put.insert(account, row, last_words)?,
        Some(place) if put.update(&place, row, last_words)? => place.customer,
        Some(_) => return Err(rusqlite::Error::StatementChangedRows(0)),
    };
    fold.add(account, &row.increments)?;
    for (seq, fact) in seqs.zip(row.facts.iter()) {
        let words_before = fact.chained(seq, &mut words);
        let fact = FactRow { account, seq, customer, partition: row.partition.0, body: fact.body, words_before };
        customers::log(connection, &fact)?;
    }
    outbox::change(connection, customer, row)?;
    shared::spend(connection, account, &row.spent)?;
    if row.keep != Keep::Known {
        forget::bury(connection, (account, customer), fold)?;
    }
    Ok(Committed::Applied)
}

impl Known {
    /// The number of an account; one is given to an account never seen.
    pub(super) fn account(&mut self, connection: &Connection, name: &AccountId) -> rusqlite::Result<i64> {
        if let Some(id) = self.accounts.get(name) {
            return Ok(*id);
        }
        connection.execute("INSERT INTO account (name) VALUES (?1) ON CONFLICT DO NOTHING", [name.as_str()])?;
        let id = connection
            .query_row("SELECT id FROM account WHERE name = ?1", [name.as_str()], |row| row.get(0))
            .optional()?
            .ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        self.accounts.insert(name.clone(), id);
        Ok(id)
    }

    /// Numbers for so many facts.
    pub(super) fn next_seqs(&mut self, connection: &Connection, facts: usize) -> rusqlite::Result<Range<i64>> {
        let last = match self.last_seq {
            Some(last) => last,
            None => customers::last_seq(connection)?,
        };
        let end = last + i64::try_from(facts).unwrap_or(i64::MAX);
        self.last_seq = Some(end);
        Ok(last + 1..end + 1)
    }
}
