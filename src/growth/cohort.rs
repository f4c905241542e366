//! Retention by first active day: `RET`, `LST` and `WRT` of growth.md 5.2, late days as in 5.3.

use super::counter::Metric;
use super::ledger::Ledger;
use crate::domain::customer::Activity;
use crate::domain::time::BusinessDay;

/// Counts `day`, which was not in `before` and is in the history now. It must not lie before the first day: then the
/// customer moves to another cohort, with everything.
pub fn count_day(before: Option<Activity>, day: BusinessDay, channel: &str, ledger: &mut Ledger) {
    let first = before.map_or(day, |before| before.first);
    let cell = |metric, of: BusinessDay| (metric, first.0, of.days_since(first));
    ledger.add_in(cell(Metric::Retained, day), channel, 1);
    if let Some(before) = before.filter(|before| before.last < day) {
        ledger.add_in(cell(Metric::Latest, before.last), channel, -1);
    }
    if before.is_none_or(|before| before.last < day) {
        ledger.add_in(cell(Metric::Latest, day), channel, 1);
    }
    if !before.is_some_and(|before| active_in_week(&before, day.iso_week())) {
        ledger.add_in(week_cell(first, day), channel, 1);
    }
}

/// Counts a whole history, whose days are all within reach, so many times.
pub fn count_all(history: Activity, channel: &str, ledger: &mut Ledger, by: i64) {
    let first = history.first;
    let mut week = None;
    for day in history.days_after(first.plus_days(-1)).rev() {
        ledger.add_in((Metric::Retained, first.0, day.days_since(first)), channel, by);
        if week.replace(day.iso_week()) != Some(day.iso_week()) {
            ledger.add_in(week_cell(first, day), channel, by);
        }
    }
    ledger.add_in((Metric::Latest, first.0, history.last.days_since(first)), channel, by);
}

fn week_cell(first: BusinessDay, day: BusinessDay) -> (Metric, i32, i32) {
    let cohort = first.iso_week();
    (Metric::RetainedWeekly, cohort, day.iso_week() - cohort)
}

fn active_in_week(history: &Activity, week: i32) -> bool {
    let monday = BusinessDay::of_iso_week(week);
    history.any_in(monday, monday.plus_days(6))
}
