//! The names of everything stored. `scripts/home.lua` builds the same ones where a script finds out what it needs.

use crate::domain::ids::{AccountId, DedupeKey, Openid};
use crate::store::{CustomerRef, Partition, SharedName};

/// What shares one hash tag, and so one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Home(String);

impl Home {
    /// That of a partition.
    pub(super) fn of(partition: Partition) -> Self {
        Self(format!("{{fuwu-{}}}", partition.0))
    }

    /// That of what belongs to no customer.
    pub(super) fn common() -> Self {
        Self("{fuwu}".into())
    }

    /// What scripts build their keys from.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// A customer's record.
    pub(super) fn record(&self, account: &AccountId, name: &Openid) -> String {
        format!("{}:record:{account}\0{name}", self.0)
    }

    /// What was last said to a customer, for as long as a delivery may be repeated.
    pub(super) fn said(&self, of: &CustomerRef) -> String {
        format!("{}:said:{}\0{}", self.0, of.account, of.openid)
    }

    /// A delivery of somebody of whom nothing is kept.
    pub(super) fn spent(&self, account: &AccountId, key: DedupeKey) -> String {
        format!("{}:spent:{account}\0{}", self.0, SharedName::spent(key).part)
    }

    /// Outgoing work by the moment it is due.
    pub(super) fn due(&self) -> String {
        format!("{}:due:", self.0)
    }

    /// Deliveries of an account that could not be used, by their numbers.
    pub(super) fn aside(&self, account: &AccountId) -> String {
        format!("{}:aside:{account}", self.0)
    }

    /// Shared records of a kind.
    pub(super) fn shared(&self, account: &AccountId, kind: &str) -> String {
        format!("{}:shared:{account}\0{kind}", self.0)
    }

    /// What erased customers counted.
    pub(super) fn residue(&self, account: &AccountId) -> String {
        format!("{}:residue:{account}", self.0)
    }
}
