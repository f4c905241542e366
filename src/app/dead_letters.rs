//! Dead letters: messages that were given up. The message itself is kept in its customer's record and goes with it, so
//! that whoever is forgotten is forgotten here too; of the account a list is kept that names no customer.

use serde::{Deserialize, Serialize};

use super::App;
use super::printed::put;
use crate::domain::customer::Customer;
use crate::domain::ids::{AccountId, DedupeKey, WorkId};
use crate::domain::reach::{Cause, Hindrance, Message, Reach, Rights, Unsent, reach};
use crate::domain::time::UnixSecs;
use crate::domain::work::Work;
use crate::store::{Commit, Committed, CustomerRef, Keep, SharedKind, SharedName, Store, StoreError, Stored};

/// So many are listed of an account, the newest.
pub const MOST_LISTED: usize = 500;
/// A message that is sent again is of use for so long.
const AGAIN_SECS: i64 = 86_400;
const MAX_TRIES: usize = 16;
/// Facts read at once.
const PAGE: usize = 4_096;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The work that was given up.
    pub id: WorkId,
    /// The delivery that asked for it.
    pub origin: DedupeKey,
    /// When.
    pub at: UnixSecs,
    /// Why.
    pub cause: Cause,
}

/// What came of the wish to send a message again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resent {
    /// It is on its way, by this path.
    OnItsWay(Reach),
    /// No path is open that would carry it now.
    NotNow(Reach),
    /// No such message is kept.
    Unknown,
}

fn name() -> SharedName {
    SharedName { kind: SharedKind::DeadLetters, part: "newest".to_owned() }
}

/// Why a message that can be told no longer was given up.
pub(super) fn cause_of_end(because: Hindrance, attempt: u32) -> Cause {
    if because == Hindrance::Expired && attempt > 1 { Cause::InVain } else { Cause::Hindered(because) }
}

/// The newest messages of an account that were given up, newest first. Some may have been sent since, or forgotten with
/// their customers.
///
/// # Errors
/// As the store answers.
pub async fn dead_letters(store: &dyn Store, account: &AccountId) -> Result<Vec<Listed>, StoreError> {
    let mut listed = read(&store.shared(account, &name()).await?.body);
    listed.reverse();
    Ok(listed)
}

/// A list that a newer version wrote begins anew: what it told is still in the records.
fn read(body: &[u8]) -> Vec<Listed> {
    serde_json::from_slice(body).unwrap_or_default()
}

/// Whose the message is that was given up. Reads the log until it finds the delivery that asked for it.
///
/// # Errors
/// As the store answers.
pub async fn whose_dead_letter(
    store: &dyn Store,
    account: &AccountId,
    id: &WorkId,
) -> Result<Option<CustomerRef>, StoreError> {
    let Some(listed) = dead_letters(store, account).await?.into_iter().find(|listed| listed.id == *id) else {
        return Ok(None);
    };
    let mut after = 0;
    loop {
        let page = store.facts(account, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.seq;
        if let Some(found) = page.into_iter().find(|logged| logged.fact.key == listed.origin) {
            return Ok(Some(found.of));
        }
    }
}

/// The message again, as new work, and the record without it; or why not.
fn again(customer: &Customer, (id, now): (&WorkId, UnixSecs), rights: &Rights) -> Result<(Customer, Work), Resent> {
    let mut customer = customer.clone();
    let unsent = customer.ways.take_unsent(id).ok_or(Resent::Unknown)?;
    let expires = unsent.work.expires.max(now.plus_secs(AGAIN_SECS));
    let message = Message::of(&unsent.work, expires).ok_or(Resent::Unknown)?;
    match reach(&message, &customer, rights, now) {
        Reach::CustomerService { .. } | Reach::Subscription { .. } | Reach::Template { .. } => {}
        elsewhere => return Err(Resent::NotNow(elsewhere)),
    }
    // A name of its own, since the old one is known to be done with.
    let id = WorkId::new(format!("again-{:x}/{}", now.0, unsent.work.id));
    Ok((customer, Work { id, due: now, expires, ..unsent.work }))
}

/// Hands a message that was given up to the outbox again, if its customer can be reached now.
///
/// # Errors
/// As the store answers.
pub async fn resend(
    (store, rights): (&dyn Store, &Rights),
    of: &CustomerRef,
    (id, now): (&WorkId, UnixSecs),
) -> Result<Resent, StoreError> {
    for _ in 0..MAX_TRIES {
        let Stored { version, customer } = store.load(of).await?;
        let (customer, work) = match again(&customer, (id, now), rights) {
            Ok(again) => again,
            Err(resent) => return Ok(resent),
        };
        let Some(message) = Message::of(&work, work.expires) else { return Ok(Resent::Unknown) };
        let path = reach(&message, &customer, rights, now);
        let commit = Commit {
            of: of.clone(),
            base: version,
            customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox: vec![work],
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        if store.commit(commit).await? == Committed::Applied {
            return Ok(Resent::OnItsWay(path));
        }
    }
    Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
}

impl App {
    /// As [`resend`], by this process.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn resend(&self, of: &CustomerRef, id: &WorkId) -> Result<Resent, StoreError> {
        let now = self.clock.now();
        let rights = self.accounts.get(&of.account).map(|account| self.rights(account, now)).unwrap_or_default();
        let resent = resend((self.store.as_ref(), &rights), of, (id, now)).await?;
        if let Resent::OnItsWay(_) = resent {
            tracing::info!(account = %of.account, %id, "a message that was given up is sent again on request");
            self.outbox_bell.notify_one();
        }
        Ok(resent)
    }

    /// Puts a message that was given up on the account's list. The record has it already: a list that cannot be written
    /// is no reason to do anything again.
    pub(super) async fn list_dead_letter(&self, account: &AccountId, unsent: &Unsent) {
        let Unsent { work, cause, at } = unsent;
        tracing::warn!(%account, id = %work.id, ?cause, "a message was given up; `fuwu explain push` tells more");
        let line = Listed { id: work.id.clone(), origin: work.origin, at: *at, cause: cause.clone() };
        if let Err(error) = self.list(account, line).await {
            tracing::warn!(%account, %error, "a message that was given up is not on the list");
        }
    }

    async fn list(&self, account: &AccountId, line: Listed) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let shared = self.store.shared(account, &name()).await?;
            let mut listed = read(&shared.body);
            listed.retain(|known| known.id != line.id);
            listed.push(line.clone());
            let surplus = listed.len().saturating_sub(MOST_LISTED);
            listed.drain(..surplus);
            if put(self.store.as_ref(), account, (name(), shared.version), &listed).await? == Committed::Applied {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on the list")))
    }
}
