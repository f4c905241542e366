//! Deliveries that stand in this machine's journal and that the store does not have, as far as can be known. A store that
//! is copied, or taken in the place of another, would never hear of them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::TakeUpFault;
use crate::domain::time::UnixSecs;
use crate::store::journal::{Entry, Journal, JournalFault, KEPT_SECS, Place};
use crate::store::{Forgetful, Partition, PseudonymKey};

/// How many deliveries of the last day the journal in `dir` holds that `store` does not say it has. Without a store that
/// notes them nothing says so, and all of them count. Begins no journal where there is none.
///
/// # Errors
/// [`JournalFault::Locked`] while a process writes it; as the disk and the store answer.
pub async fn left_in_journal(
    (dir, key): (&Path, PseudonymKey),
    store: Option<&dyn Forgetful>,
    now: UnixSecs,
) -> Result<usize, TakeUpFault> {
    if !dir.exists() {
        return Ok(0);
    }
    let dir = dir.to_owned();
    let read = tokio::task::spawn_blocking(move || entries((&dir, key), now)).await;
    let (name, found) = read.map_err(|error| JournalFault::Disk(error.to_string()))??;
    let mut left = 0;
    for (partition, places) in found {
        let known = match store {
            Some(store) => store.mark(partition, &name).await?.until,
            None => None,
        };
        left += places.iter().filter(|place| known.is_none_or(|until| **place > until)).count();
    }
    Ok(left)
}

type Found = BTreeMap<Partition, Vec<Place>>;

fn entries((dir, key): (&Path, PseudonymKey), now: UnixSecs) -> Result<(String, Found), JournalFault> {
    // Nothing is written to it, so it may be as full as it likes.
    let journal = Journal::open(dir, key, u64::MAX)?;
    let mut found = Found::new();
    for entry in journal.entries(Place::default()) {
        // Older ones are applied no more.
        if let (place, Entry::Accepted(accepted, _)) = entry?
            && accepted.arrived > now.plus_secs(-KEPT_SECS)
        {
            found.entry(accepted.partition).or_default().push(place);
        }
    }
    Ok((journal.name().to_owned(), found))
}
