//! The recent deliveries of one customer and the replies they earned (platform.md 1.5).
//!
//! Kept inside the customer's record, not in a table of their own: one commit then writes one record. Bounded: a
//! customer who sends more than [`MAX_KEYS`] deliveries in ten minutes loses the oldest keys first.

use serde::{Deserialize, Serialize};

use super::ids::DedupeKey;
use super::reply::Reply;
use super::time::UnixSecs;

/// The platform gives up after about 15 s (platform.md 1.5); ten minutes leave room for our own replays.
pub const KEYS_KEPT_SECS: i64 = 600;
/// The latest stay known however old they look: when our clock jumps ahead, a retry is no new delivery.
pub const KEYS_KEPT_ANYWAY: usize = 4;
/// Replies are only ever repeated to a platform retry, so twice that time is plenty.
pub const REPLIES_KEPT_SECS: i64 = 30;
/// At most so many keys.
pub const MAX_KEYS: usize = 128;
/// Of the same customer one delivery may be applied before another that arrived so much earlier.
const OUT_OF_ORDER_SECS: i64 = 10;
/// At most so many replies: whoever sent so many deliveries since has heard enough, and every record is written whole.
pub const MAX_REPLIES: usize = 6;

/// The recent deliveries of one customer, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    keys: Vec<(DedupeKey, UnixSecs)>,
    replies: Vec<(DedupeKey, Earned)>,
}

/// Replies apart from the record they belong to: a store may keep them only as long as somebody asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replies(Vec<(DedupeKey, Earned)>);

impl Replies {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A reply and the moment it was earned: rendering both again gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earned {
    /// What was said.
    pub reply: Reply,
    /// When.
    pub at: UnixSecs,
}

impl Recent {
    /// What is known of a delivery: `None` if it is new; else the reply it earned, silence once that is forgotten.
    pub fn earned(&self, key: DedupeKey) -> Option<Earned> {
        let (_, at) = self.keys.iter().find(|(known, _)| *known == key)?;
        let kept = self.replies.iter().find(|(known, _)| *known == key).map(|(_, earned)| earned.clone());
        Some(kept.unwrap_or(Earned { reply: Reply::Silent, at: *at }))
    }

    /// Whether a delivery that arrived at `at` may have been applied and be known no longer.
    pub fn may_have_forgotten(&self, at: UnixSecs) -> bool {
        let oldest = self.keys.iter().map(|(_, known)| *known).min();
        let is_full = self.keys.len() >= MAX_KEYS;
        (is_full && oldest.is_some_and(|oldest| at.secs_since(oldest) <= OUT_OF_ORDER_SECS))
            || self.keys.iter().any(|(_, known)| known.secs_since(at) > KEYS_KEPT_SECS)
    }

    /// The deliveries that are known.
    pub fn keys(&self) -> impl Iterator<Item = DedupeKey> {
        self.keys.iter().map(|(key, _)| *key)
    }

    /// Remembers a delivery and its reply, or replaces the reply it had, and forgets what is too old at `now`.
    pub fn remember(&mut self, key: DedupeKey, reply: Reply, now: UnixSecs) {
        if !self.keys.iter().any(|(known, _)| *known == key) {
            self.keys.push((key, now));
        }
        self.replies.retain(|(known, _)| *known != key);
        if !reply.is_silent() {
            self.replies.push((key, Earned { reply, at: now }));
        }
        let mut newer = self.keys.len();
        self.keys.retain(|(_, at)| {
            newer = newer.saturating_sub(1);
            newer < KEYS_KEPT_ANYWAY || now.secs_since(*at) <= KEYS_KEPT_SECS
        });
        self.forget_old_replies(now);
        drop_oldest(&mut self.keys, MAX_KEYS);
        drop_oldest(&mut self.replies, MAX_REPLIES);
    }

    /// Takes the replies out. Without them every delivery stays known, and a retry gets silence.
    pub fn take_replies(&mut self) -> Replies {
        Replies(std::mem::take(&mut self.replies))
    }

    /// Puts back what was taken out.
    pub fn put_replies(&mut self, Replies(replies): Replies) {
        self.replies = replies;
    }

    /// Forgets the replies that nobody asks for any more at `now`.
    pub fn forget_old_replies(&mut self, now: UnixSecs) {
        self.replies.retain(|(_, earned)| now.secs_since(earned.at) <= REPLIES_KEPT_SECS);
    }

    /// Forgets what was said to one delivery: a retry of it gets silence.
    pub fn forget_reply(&mut self, key: DedupeKey) {
        self.replies.retain(|(known, _)| *known != key);
    }

    /// Forgets what was said. The deliveries stay known: a retry of one gets silence.
    pub fn forget_replies(&mut self) {
        self.replies.clear();
    }
}

fn drop_oldest<T>(list: &mut Vec<T>, keep: usize) {
    let surplus = list.len().saturating_sub(keep);
    list.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(n: i64) -> Reply {
        Reply::Text(n.to_string())
    }

    #[test]
    fn a_retry_gets_the_reply_of_the_first_delivery() {
        let mut recent = Recent::default();
        assert_eq!(recent.earned(DedupeKey(1)), None);
        recent.remember(DedupeKey(1), text(1), UnixSecs(100));
        recent.remember(DedupeKey(2), text(2), UnixSecs(110));
        assert_eq!(recent.earned(DedupeKey(1)), Some(Earned { reply: text(1), at: UnixSecs(100) }));
    }

    #[test]
    fn after_half_a_minute_the_delivery_is_still_known_but_its_reply_is_gone() {
        let mut recent = Recent::default();
        recent.remember(DedupeKey(1), text(1), UnixSecs(100));
        recent.remember(DedupeKey(2), text(2), UnixSecs(131));
        assert_eq!(recent.earned(DedupeKey(1)), Some(Earned { reply: Reply::Silent, at: UnixSecs(100) }));
        for n in 3..6 {
            recent.remember(DedupeKey(n), text(3), UnixSecs(701));
        }
        assert_eq!(recent.earned(DedupeKey(1)), None);
    }

    #[test]
    fn a_clock_that_jumps_ahead_does_not_make_a_retry_a_new_delivery() {
        let mut recent = Recent::default();
        recent.remember(DedupeKey(1), text(1), UnixSecs(100));
        recent.remember(DedupeKey(2), text(2), UnixSecs(172_900));
        assert_eq!(recent.earned(DedupeKey(1)), Some(Earned { reply: Reply::Silent, at: UnixSecs(100) }));
        for n in 3..10 {
            recent.remember(DedupeKey(n), text(2), UnixSecs(345_700));
        }
        assert_eq!((recent.earned(DedupeKey(1)), recent.keys.len()), (None, 7), "those of one moment are all known");
    }

    #[test]
    fn a_reply_that_nobody_asks_for_any_more_can_be_forgotten_before_the_next_one() {
        let mut recent = Recent::default();
        recent.remember(DedupeKey(1), text(1), UnixSecs(100));
        recent.forget_old_replies(UnixSecs(130));
        assert_eq!(recent.replies.len(), 1);
        recent.forget_old_replies(UnixSecs(131));
        assert_eq!(recent.earned(DedupeKey(1)), Some(Earned { reply: Reply::Silent, at: UnixSecs(100) }));
    }

    #[test]
    fn a_record_says_whether_it_may_have_forgotten_a_delivery() {
        let mut recent = Recent::default();
        assert!(!recent.may_have_forgotten(UnixSecs(100)), "nothing happened since");
        recent.remember(DedupeKey(1), text(1), UnixSecs(700));
        assert!(!recent.may_have_forgotten(UnixSecs(100)));
        assert!(recent.may_have_forgotten(UnixSecs(99)));
        for n in 0..200 {
            recent.remember(DedupeKey(n), text(1), UnixSecs(700));
        }
        assert!(recent.may_have_forgotten(UnixSecs(700)), "so many came that the oldest are gone");
        assert!(!recent.may_have_forgotten(UnixSecs(711)), "those that are gone came before all that are known");
    }

    #[test]
    fn replies_can_be_kept_apart_and_put_back() {
        let mut recent = Recent::default();
        recent.remember(DedupeKey(1), text(1), UnixSecs(100));
        let (whole, replies) = (recent.clone(), recent.take_replies());
        assert!(!replies.is_empty() && recent.take_replies().is_empty());
        assert_eq!(recent.earned(DedupeKey(1)), Some(Earned { reply: Reply::Silent, at: UnixSecs(100) }));
        recent.put_replies(replies);
        assert_eq!(recent, whole);
    }

    #[test]
    fn what_was_said_can_be_forgotten_and_the_delivery_stays_known() {
        let mut recent = Recent::default();
        recent.remember(DedupeKey(1), text(1), UnixSecs(100));
        recent.forget_replies();
        assert_eq!(recent.earned(DedupeKey(1)), Some(Earned { reply: Reply::Silent, at: UnixSecs(100) }));
        assert_eq!(recent.replies, []);
    }

    #[test]
    fn a_talkative_customer_cannot_grow_the_record() {
        let mut recent = Recent::default();
        for n in 0..10_000 {
            recent.remember(DedupeKey(n), text(1), UnixSecs(100));
        }
        assert_eq!((recent.keys.len(), recent.replies.len()), (MAX_KEYS, MAX_REPLIES));
        assert!(recent.earned(DedupeKey(9_999)).is_some());
    }
}
