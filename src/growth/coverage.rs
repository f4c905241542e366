//! Followers who were active in the last 30 days: the difference array `AFD` (growth.md 1.4, 5.2).
//!
//! A customer counts on a day when they followed at its end and were active on it or one of the 29 days before. Both are
//! bit sets over days, so any change, late or not, is the difference of two masks from the changed day on: the mask
//! before and the mask after. No end of coverage has to be remembered.

use super::counter::Metric;
use super::ledger::Ledger;
use crate::domain::customer::{Activity, Follow, Turn};
use crate::domain::time::BusinessDay;

/// Active on the day or so many days before it.
const WINDOW_DAYS: u32 = 30;

/// The days from `from` on, bit i for `from + i`, on which the customer counts. Exact while `from` is within reach of
/// the activity history and not before the oldest transition that is kept.
pub fn counted_from(activity: Option<Activity>, follow: &Follow, from: BusinessDay) -> u128 {
    activity.map_or(0, |activity| active_mask(activity, from)) & following_mask(follow, from)
}

/// Counts the difference between two masks of [`counted_from`].
pub fn count_change(ledger: &mut Ledger, from: BusinessDay, channel: &str, (before, after): (u128, u128)) {
    let (gained, lost) = (after & !before, before & !after);
    let mut edges = (gained ^ gained << 1) | (lost ^ lost << 1);
    while edges != 0 {
        let i = edges.trailing_zeros();
        edges &= edges - 1;
        let change = |mask: u128| bit(mask, i) - i.checked_sub(1).map_or(0, |previous| bit(mask, previous));
        let day = from.0.saturating_add_unsigned(i);
        ledger.add_in((Metric::ActiveFollowers, day, 0), channel, change(gained) - change(lost));
    }
}

fn bit(mask: u128, i: u32) -> i64 {
    i64::from(mask >> i & 1 == 1)
}

/// Days from `from` on with an active day in the 30 that end on them.
fn active_mask(activity: Activity, from: BusinessDay) -> u128 {
    // Bit i of `days` is the day 29 before `from`, plus i: what lies earlier covers nothing that is asked for.
    let shift = (128 - WINDOW_DAYS).checked_add_signed(activity.last.days_since(from).saturating_neg());
    let mut days = shift.and_then(|right| activity.bits.reverse_bits().checked_shr(right)).unwrap_or(0);
    // 1, 2, 4, 8, 16, then 30 days wide.
    for by in [1, 2, 4, 8, WINDOW_DAYS - 16] {
        days |= days << by;
    }
    days >> (WINDOW_DAYS - 1)
}

/// Days from `from` on at whose end the customer followed.
fn following_mask(follow: &Follow, from: BusinessDay) -> u128 {
    let Some(first) = follow.first_day else { return 0 };
    let since = |day: BusinessDay| {
        let days = u32::try_from(day.days_since(from)).unwrap_or(0);
        u128::MAX.checked_shl(days).unwrap_or(0)
    };
    let before = follow.before.as_ref().map_or(follow.following, |before| before.following);
    // Nobody follows before the first follow, even when that was settled early.
    let mut mask = if before { since(first) } else { 0 };
    for transition in &follow.recent {
        let since = since(transition.at.business_day());
        match transition.turn {
            Turn::Followed => mask |= since,
            Turn::Unfollowed => mask &= !since,
        }
    }
    mask
}
