//! What a report printed, and what is still to be done with it. The record is made once: whoever makes it prints.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::growth::brief::{Brief, Edition, Printed};
use crate::store::{Committed, Shared, SharedChange, SharedKind, SharedName, Store, StoreError, Version};

/// A [`SharedKind::Printed`] record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PrintedRecord {
    /// When it was made.
    pub at: UnixSecs,
    /// Its integers, kept for good: a later report says which of them changed.
    pub numbers: Printed,
    /// Whether its files are still to be written.
    #[serde(default)]
    pub owes_files: bool,
    /// Whether it is still to be handed to the post.
    #[serde(default)]
    pub owes_post: bool,
    /// The whole report, as long as something is owed: a retry says what the first try said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<Brief>,
}

impl PrintedRecord {
    /// Reads a record; `None` when there is none, or one that a newer version wrote.
    pub fn read(shared: &Shared) -> Option<Self> {
        serde_json::from_slice(&shared.body).ok()
    }

    /// Whether nothing is owed any more.
    pub fn is_settled(&self) -> bool {
        !self.owes_files && !self.owes_post
    }
}

/// Where a record is kept.
pub(super) fn name_of(part: &str) -> SharedName {
    SharedName { kind: SharedKind::Printed, part: part.to_owned() }
}

/// Puts a record made from version `base`.
pub(super) async fn put(
    store: &dyn Store,
    account: &AccountId,
    (name, base): (SharedName, Version),
    record: &impl Serialize,
) -> Result<Committed, StoreError> {
    let body = serde_json::to_vec(record)
        .map_err(|cause| StoreError::Shape { what: "record of a report", cause: cause.to_string() })?;
    store.put_shared(SharedChange { account: account.clone(), name, base, body: Some(body) }).await
}

/// Where the record of an edition is kept.
pub(super) fn name_of_edition(edition: Edition) -> SharedName {
    name_of(&edition.part())
}
