//! Additive counters: every published number is a sum over customers of a function of that customer's own history
//! (growth.md 5.1), so counters of partitions are merged by adding them.

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

use crate::domain::time::BusinessDay;

/// What is counted. The numbers are stored: they never change and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Metric {
    /// `G[day, gap]` (growth.md 5.2): one per customer-day, by days since the customer's previous active day.
    Gap = 1,
    /// Customer-initiated deliveries of a day: messages, menu taps, scans while following (design.md, "The numbers").
    /// Count-valued.
    Messages = 2,
    /// `RET[cohort, n]`: customers of the cohort active on day cohort+n.
    Retained = 3,
    /// `LST[cohort, m]`: customers of the cohort whose latest active day is cohort+m.
    Latest = 4,
    /// `WRT[week, j]`: weekly cohort retention.
    RetainedWeekly = 5,
    /// Follows of a day: 0 to 1 transitions.
    Follows = 6,
    /// First follows of a day.
    FirstFollows = 7,
    /// Re-follows of a day.
    Refollows = 8,
    /// Unfollows of a day: 1 to 0 transitions.
    Unfollows = 9,
    /// `SURV[day, n]`: spells begun on the day and ended n days later.
    SpellEnded = 10,
    /// `AFD[day]`: difference array of followers active in the last 30 days.
    ActiveFollowers = 11,
    /// Taps of a day by menu key (in `dimension`); count-valued.
    MenuTaps = 12,
    /// Customer-days with at least one tap on that key, by days since the customer's previous day with one: a gap
    /// matrix per key, so that the distinct customers of any range up to [`CAP_DAYS`] + 1 days can be read from it.
    /// The second coordinate is never [`GAP_FIRST`]: a key not tapped within [`CAP_DAYS`] is forgotten.
    MenuTappers = 13,
    /// Customer-initiated deliveries of a day by hour of the day (0 to 23).
    Hours = 14,
    /// Retired: first follows by scene. [`Self::FirstFollows`] tells them apart by channel.
    FirstFollowScenes = 15,
    /// Votes: `dimension` is `action/topic/option`, both coordinates 0.
    Votes = 16,
    /// Stars: first coordinate the day, second the stars, `dimension` the action.
    Ratings = 17,
    /// Quarantined deliveries by the day they arrived and why (in `dimension`): `lateness::Quarantine`. Verified ones that
    /// could not be read are counted by the store when it keeps them (`store::Store::quarantine`), by their own reasons.
    Quarantined = 18,
    /// Customer-initiated deliveries of a day by the playbook they were decided under (in `dimension`): an annotation
    /// that shows from when on a change can have had an effect.
    Playbooks = 19,
    /// Messages of a day that no rule answered, by their words (in `dimension`, at most 64 characters, long numbers
    /// masked); count-valued. The words of an erased customer count under the empty dimension.
    Unanswered = 20,
    /// The referral funnel (growth.md 1.7): customers who came by a personal code of the campaign (in `dimension`), by the
    /// day they came and what became of it ([`super::referral::Cell`]). They are counted anew as that changes.
    Invites = 21,
    /// As [`Self::Invites`], by campaign and inviter ([`super::referral::by_inviter`]).
    InvitesBy = 22,
    /// Attributed customers by the day of their inviter's own first follow and the days between: K with any window, and
    /// the cycle time.
    InviteLags = 23,
    /// As [`Self::InviteLags`], of those only who qualified and did not leave within the hold: K without farmed friends.
    KeptLags = 24,
}

impl Metric {
    /// Every metric, found through the derived reader (which numbers variants from 0), so that no second list of them
    /// can fall behind.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u32..)
            .map_while(|n| Self::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(n)).ok())
    }

    /// Whether the customer's channel is in `dimension`. The sum over the dimension is the number of everybody. Counts
    /// of single deliveries carry no channel: they could not be moved when a late follow reveals another one.
    pub fn has_channel(self) -> bool {
        matches!(
            self,
            Self::Gap
                | Self::Retained
                | Self::Latest
                | Self::RetainedWeekly
                | Self::Follows
                | Self::FirstFollows
                | Self::Refollows
                | Self::Unfollows
                | Self::SpellEnded
                | Self::ActiveFollowers
        )
    }

    /// The last of the days that the cell `[a, b]` is about. `None` when it is about no days that are ever over: the
    /// latest active day is only known as of now, and a vote has no day.
    pub fn last_day(self, (a, b): (i32, i32)) -> Option<BusinessDay> {
        match self {
            // How an invite stands is known as of now only: it ripens for weeks.
            Self::Latest | Self::Votes | Self::Invites | Self::InvitesBy | Self::InviteLags | Self::KeptLags => None,
            Self::Retained | Self::SpellEnded => Some(BusinessDay(a.saturating_add(b))),
            Self::RetainedWeekly => Some(BusinessDay::of_iso_week(a.saturating_add(b)).plus_days(6)),
            _ => Some(BusinessDay(a)),
        }
    }
}

/// The second coordinate of [`Metric::Gap`] for a customer's very first active day.
pub const GAP_FIRST: i32 = -1;
/// The second coordinate of [`Metric::Gap`] for more than [`CAP_DAYS`] days away.
pub const GAP_FAR: i32 = -2;
/// The longest exact gap (design.md, "The numbers").
pub const CAP_DAYS: i32 = 92;

/// Which counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey {
    /// What is counted.
    pub metric: Metric,
    /// First coordinate: usually a business day, else 0.
    pub a: i32,
    /// Second coordinate, else 0.
    pub b: i32,
    /// A further key part that is fixed per customer or per event; usually empty.
    pub dimension: String,
}

/// Which counters of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterRange {
    /// The metric.
    pub metric: Metric,
    /// From this first coordinate (usually a business day).
    pub from: i32,
    /// To this first coordinate, included.
    pub to: i32,
    /// To this second coordinate, included.
    pub last_b: i32,
}

impl CounterRange {
    /// All counters of the first coordinates `from..=to`.
    pub fn new(metric: Metric, from: i32, to: i32) -> Self {
        Self { metric, from, to, last_b: i32::MAX }
    }

    /// All counters of a metric.
    pub fn all(metric: Metric) -> Self {
        Self::new(metric, i32::MIN, i32::MAX)
    }

    /// Whether a counter is one of them.
    pub fn holds(&self, key: &CounterKey) -> bool {
        key.metric == self.metric && (self.from..=self.to).contains(&key.a) && key.b <= self.last_b
    }

    /// Without the second coordinates above `last_b`: of a cohort, only its first days.
    #[must_use]
    pub fn up_to(self, last_b: i32) -> Self {
        Self { last_b, ..self }
    }
}

/// A change of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Increment {
    /// Which counter.
    pub key: CounterKey,
    /// By how much; negative when history is corrected.
    pub by: i64,
    /// The arrival day, when the days that the cell is about ([`Metric::last_day`]) were over by then: it is journalled
    /// as well, which makes "what changed since we printed it" exact (growth.md 5.4.8).
    pub late_on: Option<BusinessDay>,
}
