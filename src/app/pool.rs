//! Questions that the shell answers itself: of pools, whose shared record is changed by compare-and-set, and of work that
//! only has to be done at its time.

use std::time::Duration;

use super::{App, ServedAccount};
use crate::domain::ids::{AccountId, PoolKey};
use crate::domain::pool::{Later, Pool, PoolRule, Wish, is_own};
use crate::domain::question::{Answer, Question};
use crate::domain::time::UnixSecs;
use crate::store::{Committed, SharedChange, SharedKind, SharedName, Store, StoreError, Version};

/// So many others may be quicker, one after the other.
const MAX_TRIES: u32 = 200;
/// The shape that is written today, in front of it.
const SHAPE: u8 = 1;

/// Fulfils a wish in one atomic step. What is asked again gets the same answer.
///
/// # Errors
/// As the store answers: then it has happened or not, and may be asked again.
pub async fn fulfil(
    store: &dyn Store,
    (account, key, rule): (&AccountId, &PoolKey, Option<&PoolRule>),
    (wish, now): (&Wish, UnixSecs),
) -> Result<Answer, StoreError> {
    let name = SharedName { kind: SharedKind::Pool, part: key.as_str().to_owned() };
    for tried in 0..MAX_TRIES {
        let shared = store.shared(account, &name).await?;
        let before = if shared.version == Version(0) { Pool::default() } else { read(&shared.body)? };
        let mut pool = before.clone();
        let answer = wish.fulfil(&mut pool, (rule, now));
        if pool == before {
            return Ok(answer);
        }
        let change = SharedChange {
            account: account.clone(),
            name: name.clone(),
            base: shared.version,
            body: Some(write(&pool)?),
        };
        match store.put_shared(change).await? {
            Committed::Applied => return Ok(answer),
            Committed::Stale | Committed::Settled => {}
        }
        // Whoever was too late waits a little, each for another while.
        let longest_ms = u64::from(2 + tried.min(20));
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..longest_ms))).await;
    }
    Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one pool")))
}

fn read(body: &[u8]) -> Result<Pool, StoreError> {
    let unreadable = |cause: String| StoreError::Shape { what: "pool", cause };
    match body.split_first() {
        Some((&SHAPE, pool)) => postcard::from_bytes(pool).map_err(|error| unreadable(error.to_string())),
        Some((version, _)) => {
            Err(unreadable(format!("its format is {version} and this version of fuwu knows {SHAPE}")))
        }
        None => Err(unreadable("it is empty".into())),
    }
}

fn write(pool: &Pool) -> Result<Vec<u8>, StoreError> {
    let body = postcard::to_stdvec(pool);
    let body = body.map_err(|error| StoreError::Shape { what: "pool", cause: error.to_string() })?;
    Ok([&[SHAPE], body.as_slice()].concat())
}

impl App {
    /// The answer to a question of our own; `None` for every other.
    pub(super) async fn answer_own(&self, account: &ServedAccount, question: &Question) -> Option<Answer> {
        if !is_own(question) {
            return None;
        }
        let now = self.clock.now();
        let Some((key, wish)) = Wish::read(question) else {
            return Later::answer(question).or(Some(Answer::Down));
        };
        let playbook = account.playbook();
        let rule = playbook.pools.get(&key);
        let asked = fulfil(self.store.as_ref(), (account.id(), &key, rule), (&wish, now)).await;
        Some(asked.unwrap_or_else(|error| {
            tracing::error!(account = %account.id(), pool = %key, %error, "a pool could not be asked");
            Answer::Down
        }))
    }
}

#[cfg(test)]
mod tests;
