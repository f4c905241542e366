//! The sums that several reports are made of, term by term.

use std::collections::BTreeMap;

use super::Period;
use super::table::Term;
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{GAP_FAR, GAP_FIRST, Metric};
use crate::growth::counters::Counters;

/// The cell `[a, b]`, or all of `a` without a `b`, by the channel that customers came by.
pub(super) fn by_channel(counters: &Counters, metric: Metric, (a, b): (i32, Option<i32>)) -> Vec<Term> {
    let mut channels = BTreeMap::<&str, i64>::new();
    for (cell_b, channel, value) in counters.row(metric, a) {
        if b.is_none_or(|b| b == cell_b) {
            *channels.entry(channel).or_default() += value;
        }
    }
    channels
        .into_iter()
        .filter(|(_, value)| *value != 0)
        .map(|(channel, value)| Term::new(came_by(channel), value))
        .collect()
}

fn came_by(channel: &str) -> String {
    match channel {
        "" => "没有渠道码".to_owned(),
        Channel::OTHER => "其他渠道码".to_owned(),
        channel => format!("渠道 {channel}"),
    }
}

/// The active customers of a day whose gap is one of `gaps`, by how long they had been away (`G[d, g]`, growth.md 5.2).
pub(super) fn by_gap(counters: &Counters, day: BusinessDay, gaps: impl Fn(i32) -> bool) -> Vec<Term> {
    let mut away = BTreeMap::<i32, i64>::new();
    for (gap, _, value) in counters.row(Metric::Gap, day.0).filter(|(gap, _, _)| gaps(*gap)) {
        // First-timers lead, those who were away for longest end the list.
        *away.entry(if gap == GAP_FAR { i32::MAX } else { gap }).or_default() += value;
    }
    away.into_iter().filter(|(_, value)| *value != 0).map(|(gap, value)| Term::new(had_been_away(gap), value)).collect()
}

fn had_been_away(gap: i32) -> String {
    match gap {
        GAP_FIRST => "第一次活跃".to_owned(),
        1 => "前一天也活跃".to_owned(),
        i32::MAX => "上次活跃在 92 天以前".to_owned(),
        gap => format!("上次活跃在 {gap} 天前"),
    }
}

/// The distinct customers of a period by the day they were first seen in it: the one whose gap leads out of the period
/// (growth.md 5.2). Exact while the period has at most `CAP_DAYS` + 1 days.
pub(super) fn first_seen(counters: &Counters, period: Period) -> Vec<Term> {
    let seen = period.days().map(|day| {
        let row = counters.row(Metric::Gap, day.0);
        let count = row.filter(|(gap, _, _)| leads_out(period, day, *gap)).map(|(_, _, value)| value).sum();
        (day, count)
    });
    seen.filter(|(_, count)| *count != 0).map(first_seen_on).collect()
}

/// As [`first_seen`], for the customers of every key in the dimension of `metric`.
pub(super) fn first_seen_by_key(counters: &Counters, metric: Metric, period: Period) -> BTreeMap<&str, Vec<Term>> {
    let mut keys = BTreeMap::<&str, BTreeMap<BusinessDay, i64>>::new();
    for day in period.days() {
        for (gap, key, value) in counters.row(metric, day.0) {
            if leads_out(period, day, gap) {
                *keys.entry(key).or_default().entry(day).or_default() += value;
            }
        }
    }
    let terms =
        |days: BTreeMap<BusinessDay, i64>| days.into_iter().filter(|(_, n)| *n != 0).map(first_seen_on).collect();
    keys.into_iter().map(|(key, days)| (key, terms(days))).collect()
}

fn leads_out(period: Period, day: BusinessDay, gap: i32) -> bool {
    gap < 0 || day.plus_days(-gap) < period.from()
}

fn first_seen_on((day, count): (BusinessDay, i64)) -> Term {
    Term::new(format!("{day} 首次出现"), count)
}

/// All values of every key in the dimension of `metric`, day by day.
pub(super) fn by_key(
    counters: &Counters,
    metric: Metric,
    period: Period,
) -> BTreeMap<&str, BTreeMap<BusinessDay, i64>> {
    let mut keys = BTreeMap::<&str, BTreeMap<BusinessDay, i64>>::new();
    for day in period.days() {
        for (_, key, value) in counters.row(metric, day.0).filter(|(_, _, value)| *value != 0) {
            *keys.entry(key).or_default().entry(day).or_default() += value;
        }
    }
    keys
}

/// One term for each day.
pub(super) fn day_by_day(days: &BTreeMap<BusinessDay, i64>) -> Vec<Term> {
    days.iter().map(|(day, count)| Term::new(day.to_string(), *count)).collect()
}
