//! Servers and copies never write to one store at the same time. Each says every few seconds that it is there, and a server
//! that could not say so for long, and comes upon a copy then, writes no more.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::args::Args;
use super::engine::Redis;
use super::keys::Home;
use super::script;
use crate::store::StoreError;
use crate::store::moving::half_copied;

/// Who serves counts as gone so long after it was last heard of.
const SERVING_SECS: i64 = 10;
/// After such a pause it is heard of again.
const AGAIN: Duration = Duration::from_secs(3);
/// Who copies counts as gone so long after it was last heard of.
const COPYING_SECS: i64 = 3;
/// Whoever copies waits for one that ended without a word.
const COPY_WITHIN: Duration = Duration::from_secs(5);
const COPY_AGAIN: Duration = Duration::from_millis(50);

impl Redis {
    /// Says that this process serves the store, and goes on saying so until the store is closed or dropped.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while it is copied, [`StoreError::Mismatch`] when it is half copied.
    pub(crate) async fn attend(self: &Arc<Self>) -> Result<(), StoreError> {
        refused(&self.say("serve", SERVING_SECS).await?)?;
        tokio::spawn(keep_attending(Arc::downgrade(self)));
        Ok(())
    }

    /// Says that this process copies the store.
    pub(super) async fn hold_as_copier(&self) -> Result<(), StoreError> {
        let give_up = Instant::now() + COPY_WITHIN;
        loop {
            let answer = self.say("copy", COPYING_SECS).await?;
            if answer != "copied" || Instant::now() > give_up {
                return refused(&answer);
            }
            sleep(COPY_AGAIN).await;
        }
    }

    /// Says that this process writes no more.
    pub(super) async fn leave(&self) -> Result<(), StoreError> {
        self.say("leave", 0).await.map(drop)
    }

    async fn say(&self, how: &str, seconds: i64) -> Result<String, StoreError> {
        self.is_present.store(true, Ordering::Relaxed);
        let mut args = Args::default();
        args.push(self.who()).push(how).number(seconds);
        self.link.run(&script::ATTEND, &Home::common(), &args).await
    }
}

async fn keep_attending(store: Weak<Redis>) {
    loop {
        sleep(AGAIN).await;
        let Some(store) = store.upgrade().filter(|store| !store.link.is_closed()) else { return };
        // What cannot be reached now is tried again.
        let Ok(answer) = store.say("serve", SERVING_SECS).await else { continue };
        if let Err(refusal) = refused(&answer) {
            tracing::error!("nothing is stored any more until the next start: {refusal}");
            return store.link.close();
        }
    }
}

fn refused(answer: &str) -> Result<(), StoreError> {
    let locked = |cause: String| Err(StoreError::Locked(cause));
    match answer {
        "in" => Ok(()),
        "half" => Err(half_copied()),
        "served" => locked(format!(
            "a server writes to the store on Redis, or did less than {SERVING_SECS} s ago. Stop every fuwu that has it \
             as store.url, then copy"
        )),
        _ => locked("a `fuwu store copy` is at work on the store on Redis; wait until it is done".into()),
    }
}
