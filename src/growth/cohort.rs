//! Retention by first active day: `RET`, `LST` and `WRT` of growth.md 5.2, late days as in 5.3.

use super::counter::Metric;
use super::ledger::Ledger;
use crate::domain::customer::Activity;
use crate::domain::time::BusinessDay;

/// Counts `day`, which was not in `before` and is in the history now.
pub fn count_day(before: Option<Activity>, day: BusinessDay, ledger: &mut Ledger) {
    let Some(before) = before else {
        retain(ledger, (day, day), 1);
        latest(ledger, (day, day), 1);
        retain_weekly(ledger, day, day.iso_week(), 1);
        return;
    };
    let first = before.first;
    if day < first {
        return move_cohort(&before, day, ledger);
    }
    retain(ledger, (first, day), 1);
    if day > before.last {
        latest(ledger, (first, before.last), -1);
        latest(ledger, (first, day), 1);
    }
    if !active_in_week(&before, day.iso_week()) {
        retain_weekly(ledger, first, day.iso_week(), 1);
    }
}

/// A late day before the first one moves the customer to another cohort. All active days lie between the two, for a
/// late day is never more than [`super::history::REACH_DAYS`] before the latest: the work is bounded.
fn move_cohort(before: &Activity, day: BusinessDay, ledger: &mut Ledger) {
    let old = before.first;
    for active in before.days_after(day) {
        retain(ledger, (old, active), -1);
        retain(ledger, (day, active), 1);
    }
    retain(ledger, (day, day), 1);
    latest(ledger, (old, before.last), -1);
    latest(ledger, (day, before.last), 1);
    for week in old.iso_week()..=before.last.iso_week() {
        if active_in_week(before, week) {
            retain_weekly(ledger, old, week, -1);
            retain_weekly(ledger, day, week, 1);
        }
    }
    if day.iso_week() < old.iso_week() {
        retain_weekly(ledger, day, day.iso_week(), 1);
    }
}

fn active_in_week(history: &Activity, week: i32) -> bool {
    let monday = BusinessDay(week.saturating_mul(7) - 3); // week 0 holds 1970-01-01, a Thursday
    history.any_in(monday, monday.plus_days(6))
}

fn retain(ledger: &mut Ledger, (cohort, active): (BusinessDay, BusinessDay), by: i64) {
    ledger.add((Metric::Retained, cohort.0, active.days_since(cohort)), by);
}

fn latest(ledger: &mut Ledger, (cohort, last): (BusinessDay, BusinessDay), by: i64) {
    ledger.add((Metric::Latest, cohort.0, last.days_since(cohort)), by);
}

fn retain_weekly(ledger: &mut Ledger, cohort: BusinessDay, week: i32, by: i64) {
    ledger.add((Metric::RetainedWeekly, cohort.iso_week(), week - cohort.iso_week()), by);
}
