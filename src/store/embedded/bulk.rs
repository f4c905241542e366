//! Many commits in one step.

use rusqlite::Connection;

use super::batch::Known;
use super::counters::Fold;
use super::customers::{self, FACTS_AT_ONCE, FactRow};
use super::places::Places;
use super::request::BulkRow;
use super::{forget, outbox, quarantine, shared};
use crate::domain::forget::Keep;
use crate::store::Committed;
use crate::store::aside::counted;

/// Applies all of it or nothing. First everything that could be outdated is looked at, then everything is written:
/// taking half of it back by a savepoint would cost more than all the rest.
pub(super) fn apply(connection: &Connection, known: &mut Known, bulk: &BulkRow) -> rusqlite::Result<Committed> {
    let mut places = Places::new(connection, bulk.commits.len())?;
    for row in &bulk.commits {
        let account = known.account(connection, &row.of.account)?;
        match places.look(account, row)? {
            Committed::Applied => {}
            other => return Ok(other),
        }
    }
    for note in &bulk.notes {
        let account = known.account(connection, &note.account)?;
        if !shared::is_current(connection, account, note)? {
            return Ok(Committed::Stale);
        }
    }
    for note in &bulk.notes {
        let account = known.account(connection, &note.account)?;
        if shared::put(connection, account, note)? != Committed::Applied {
            // Two of them are about one record: nothing of the bulk is applied.
            return Err(rusqlite::Error::StatementChangedRows(0));
        }
    }
    let mut fold = Fold::default();
    let mut facts = Vec::with_capacity(FACTS_AT_ONCE);
    for row in &bulk.commits {
        let account = known.account(connection, &row.of.account)?;
        // It was looked at before, so a commit of this bulk is at odds with another one: nothing of it is applied.
        let at_odds = rusqlite::Error::StatementChangedRows(0);
        if !outbox::all_there(connection, account, row)? {
            return Err(at_odds);
        }
        let seqs = known.next_seqs(connection, row.facts.len())?;
        let mut words = places.words(account, row);
        let last_words = row.facts.last_words(seqs.start).or(words);
        let customer = places.put(account, row, last_words)?.ok_or(at_odds)?;
        fold.add(account, &row.increments)?;
        for (seq, fact) in seqs.zip(row.facts.iter()) {
            let words_before = fact.chained(seq, &mut words);
            facts.push(FactRow { account, seq, customer, partition: row.partition.0, body: fact.body, words_before });
            if facts.len() == FACTS_AT_ONCE {
                customers::log_all(connection, &facts)?;
                facts.clear();
            }
        }
        outbox::change(connection, customer, row)?;
        shared::spend(connection, account, &row.spent)?;
        if row.keep != Keep::Known {
            // These may hold the words that are to be taken out.
            customers::log_all(connection, &facts)?;
            facts.clear();
            forget::bury(connection, (account, customer), &mut fold)?;
        }
    }
    customers::log_all(connection, &facts)?;
    for entry in &bulk.quarantined {
        let account = known.account(connection, &entry.account)?;
        quarantine::keep(connection, account, entry)?;
        fold.add(account, &[counted(entry)])?;
    }
    fold.write(connection)?;
    Ok(Committed::Applied)
}
