//! Where the customers of a bulk are stored, found once for all of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row};

use super::customers::first_version;
use super::outbox;
use super::request::CommitRow;
use crate::domain::forget::Keep;
use crate::domain::ids::Openid;
use crate::store::Committed;

/// A stored record.
#[derive(Clone, Copy, Debug)]
struct Place {
    customer: i64,
    version: i64,
    /// The version as the bulk counts: a record that it makes has 1.
    counted: u64,
    /// Whether it says when the customer left.
    left: bool,
    /// Whether it is kept under the openid.
    by_openid: bool,
}

/// The records of a bulk's customers, by account and the name the bulk has for them; `None`: there is none.
pub(super) struct Places<'c, 'r> {
    connection: &'c Connection,
    known: HashMap<(i64, &'r Openid), Option<Place>>,
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    update_all: CachedStatement<'c>,
}

impl<'c, 'r> Places<'c, 'r> {
    pub(super) fn new(connection: &'c Connection, customers: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            known: HashMap::with_capacity(customers),
            find: connection.prepare_cached(
                "SELECT id, version, left_on IS NOT NULL FROM customer
                 WHERE account = ?1 AND openid = ?2 AND version > 0",
            )?,
            insert: connection.prepare_cached(concat!(
                "INSERT INTO customer (account, openid, partition, version, record, left_on)
                 VALUES (?1, ?2, ?3, ",
                first_version!(),
                ", ?4, ?5) RETURNING id, version"
            ))?,
            // Naming a column in vain would have its indexes looked at.
            update: connection.prepare_cached(
                "UPDATE customer SET version = version + 1, record = ?3 WHERE id = ?1 AND version = ?2",
            )?,
            update_all: connection.prepare_cached(
                "UPDATE customer SET version = version + 1, record = ?3, left_on = ?4, openid = ?5
                 WHERE id = ?1 AND version = ?2",
            )?,
        })
    }

    /// Looks whether a commit can be applied. The second one of a customer is made from what the first one leaves.
    pub(super) fn look(&mut self, account: i64, row: &'r CommitRow) -> rusqlite::Result<Committed> {
        let Entry::Vacant(unknown) = self.known.entry((account, &row.of.openid)) else { return Ok(Committed::Applied) };
        if !outbox::all_there(self.connection, account, row)? {
            return Ok(Committed::Settled);
        }
        let mut find = |name: &Openid, by_openid: bool| {
            let place = |row: &Row<'_>| {
                let version: i64 = row.get(1)?;
                let counted = version.unsigned_abs();
                Ok(Place { customer: row.get(0)?, version, counted, left: row.get(2)?, by_openid })
            };
            self.find.query_row((account, name.as_str()), place).optional()
        };
        let place = match find(&row.of.openid, true)? {
            Some(place) => Some(place),
            None => row.tombstone().map_or(Ok(None), |name| find(name, false))?,
        };
        let counted = unknown.insert(place).map_or(0, |place| place.counted);
        Ok(if counted == row.base { Committed::Applied } else { Committed::Stale })
    }

    /// Writes the record of a commit that was looked at. The answer is the customer's number, or `None` when it is not
    /// made from what is there.
    pub(super) fn put(&mut self, account: i64, row: &'r CommitRow) -> rusqlite::Result<Option<i64>> {
        let place = self.known.get(&(account, &row.of.openid)).copied().flatten();
        if place.map_or(0, |place| place.counted) != row.base {
            return Ok(None);
        }
        let name = row.name().as_str();
        let (customer, version) = match place {
            None => {
                // Not under the openid, or it were known; but the bulk may have come upon the tombstone by its name.
                let buried = row.tombstone().and_then(|name| self.known.get(&(account, name)).copied().flatten());
                if buried.is_some() {
                    return Ok(None);
                }
                let values = (account, name, row.partition.0, &row.record, row.left_on);
                self.insert.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?
            }
            Some(Place { customer, version, left, by_openid, .. }) => {
                let changed = if row.keep == Keep::Known && by_openid && !left && row.left_on.is_none() {
                    self.update.execute((customer, version, &row.record))?
                } else {
                    self.update_all.execute((customer, version, &row.record, row.left_on, name))?
                };
                if changed == 0 {
                    return Ok(None);
                }
                (customer, version + 1)
            }
        };
        let now = Place {
            customer,
            version,
            counted: row.base + 1,
            left: row.left_on.is_some(),
            by_openid: *row.name() == row.of.openid,
        };
        self.known.insert((account, &row.of.openid), (row.keep != Keep::Nothing).then_some(now));
        Ok(Some(customer))
    }
}
