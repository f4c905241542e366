//! Where the customers of a bulk are stored, found once for all of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::Connection;

use super::customers::{Place, Put};
use super::outbox;
use super::request::CommitRow;
use crate::domain::forget::Keep;
use crate::domain::ids::Openid;
use crate::store::Committed;

/// A stored record, and its version as the bulk counts: a record that it makes has 1.
#[derive(Clone, Copy, Debug)]
struct Counted {
    place: Place,
    counted: u64,
}

/// The records of a bulk's customers, by account and the name the bulk has for them; `None`: there is none.
pub(super) struct Places<'c, 'r> {
    connection: &'c Connection,
    known: HashMap<(i64, &'r Openid), Option<Counted>>,
    put: Put<'c>,
}

impl<'c, 'r> Places<'c, 'r> {
    pub(super) fn new(connection: &'c Connection, customers: usize) -> rusqlite::Result<Self> {
        Ok(Self { connection, known: HashMap::with_capacity(customers), put: Put::new(connection)? })
    }

    /// Looks whether a commit can be applied. The second one of a customer is made from what the first one leaves.
    pub(super) fn look(&mut self, account: i64, row: &'r CommitRow) -> rusqlite::Result<Committed> {
        let Entry::Vacant(unknown) = self.known.entry((account, &row.of.openid)) else { return Ok(Committed::Applied) };
        if !outbox::all_there(self.connection, account, row)? {
            return Ok(Committed::Settled);
        }
        let place = self.put.place(account, row)?;
        let place = place.map(|place| Counted { place, counted: place.version.unsigned_abs() });
        let counted = unknown.insert(place).map_or(0, |place| place.counted);
        Ok(if counted == row.base { Committed::Applied } else { Committed::Stale })
    }

    /// The last fact with words of whom a commit is about, before it.
    pub(super) fn words(&self, account: i64, row: &'r CommitRow) -> Option<i64> {
        self.known(account, &row.of.openid).and_then(|known| known.place.words)
    }

    /// Writes the record of a commit that was looked at, with its last fact with words. The answer is the customer's
    /// number, or `None` when it is not made from what is there.
    pub(super) fn put(
        &mut self,
        account: i64,
        row: &'r CommitRow,
        words: Option<i64>,
    ) -> rusqlite::Result<Option<i64>> {
        let known = self.known(account, &row.of.openid);
        if known.map_or(0, |known| known.counted) != row.base {
            return Ok(None);
        }
        let (customer, version) = match known {
            None => {
                // Not under the openid, or it were known; but the bulk may have come upon the tombstone by its name.
                if row.tombstone().and_then(|name| self.known(account, name)).is_some() {
                    return Ok(None);
                }
                (self.put.insert(account, row, words)?, None)
            }
            Some(Counted { place, .. }) => {
                if !self.put.update(&place, row, words)? {
                    return Ok(None);
                }
                (place.customer, Some(place.version + 1))
            }
        };
        let now = if row.keep == Keep::Nothing {
            None
        } else {
            let version = version.map_or_else(|| self.version_of(customer), Ok)?;
            let (left, by_openid) = (row.left_on.is_some(), *row.name() == row.of.openid);
            let words = words.filter(|_| row.keep == Keep::Known);
            Some(Counted { place: Place { customer, version, left, by_openid, words }, counted: row.base + 1 })
        };
        self.known.insert((account, &row.of.openid), now);
        Ok(Some(customer))
    }

    fn known(&self, account: i64, name: &'r Openid) -> Option<Counted> {
        self.known.get(&(account, name)).copied().flatten()
    }

    /// The version that a new record was given.
    fn version_of(&self, customer: i64) -> rusqlite::Result<i64> {
        let mut version = self.connection.prepare_cached("SELECT version FROM customer WHERE id = ?1")?;
        version.query_row([customer], |row| row.get(0))
    }
}
