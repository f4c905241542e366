//! Notifications on their way to the merchant: until they are taken, or until the ladder ends (platform.md 6.4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::books::Books;

/// From one try to the next, in seconds: fifteen repeats in a day.
const LADDER_SECS: [i64; 15] =
    [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600];

/// One notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Its number, the same at every try.
    pub id: String,
    /// `TRANSACTION.SUCCESS` and the like.
    pub event: String,
    /// In a few words.
    pub summary: String,
    /// Where it goes.
    pub url: String,
    /// When what it tells of happened.
    pub at: i64,
    /// What is sealed in it, without the merchant.
    pub resource: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    notification: Notification,
    due_at: i64,
    tries: usize,
    /// While it is being sent nobody else sends it.
    #[serde(skip)]
    is_out: bool,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The merchant took it.
    Taken,
    /// The merchant did not, or could not be reached.
    Refused,
    /// It is lost for good: the platform does not promise that it comes.
    Lost,
}

impl Books {
    pub(super) fn tell(&mut self, (event, summary): (&str, &str), (url, resource): (&str, Value), now: i64) {
        let id = format!("EV-{}", self.number(now));
        let notification = Notification {
            id,
            event: event.to_owned(),
            summary: summary.to_owned(),
            url: url.to_owned(),
            at: now,
            resource,
        };
        self.pending.push(Pending { notification, due_at: now, tries: 0, is_out: false });
    }

    /// The notifications to be sent now, oldest first; each must be [`Books::sent`] afterwards. They are held back for
    /// `late_secs`.
    pub fn due(&mut self, late_secs: i64, now: i64) -> Vec<Notification> {
        self.pass(now);
        let is_due = |p: &&mut Pending| !p.is_out && p.due_at + if p.tries == 0 { late_secs } else { 0 } <= now;
        let due = self.pending.iter_mut().filter(is_due);
        due.map(|pending| {
            pending.is_out = true;
            pending.notification.clone()
        })
        .collect()
    }

    /// A try is over.
    pub fn sent(&mut self, id: &str, sent: Sent, now: i64) {
        let Some(at) = self.pending.iter().position(|pending| pending.notification.id == id) else { return };
        let Some(pending) = self.pending.get_mut(at) else { return };
        pending.is_out = false;
        let gap = LADDER_SECS.get(pending.tries).copied();
        match (sent, gap) {
            (Sent::Refused, Some(gap)) => {
                pending.tries += 1;
                pending.due_at = now + gap;
            }
            _ => drop(self.pending.remove(at)),
        }
    }

    /// What was refused and waits for its next try is tried now.
    pub fn hurry(&mut self, now: i64) {
        for pending in &mut self.pending {
            pending.due_at = pending.due_at.min(now);
        }
    }

    /// How many are on their way.
    pub fn on_their_way(&self) -> usize {
        self.pending.len()
    }

    /// When something falls due next: a notification, or the end of a refund.
    pub fn next_due(&self, late_secs: i64) -> Option<i64> {
        let waiting = self.pending.iter().filter(|pending| !pending.is_out);
        let notice = waiting.map(|pending| pending.due_at + if pending.tries == 0 { late_secs } else { 0 }).min();
        [notice, self.next_refund()].into_iter().flatten().min()
    }
}
