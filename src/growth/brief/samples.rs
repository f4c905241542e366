//! Reports for tests: one of a quiet shop, one of anything at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::cohorts::{Cohort, EVERYBODY, Kept, Ripe, Standing, WeekCell};
use super::weekly::TrendWeek;
use super::*;
use crate::domain::channel::{ChannelRule, Channels};
use crate::domain::ids::Channel;
use crate::domain::playbook::Playbook;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CounterKey, GAP_FIRST, Metric};
use crate::growth::counters::Counters;
use crate::growth::lateness::{DayState, Lateness};
use crate::growth::report::AsOf;

/// 2026-03-04, a Wednesday.
pub fn wednesday() -> BusinessDay {
    BusinessDay::parse("2026-03-04").unwrap()
}

/// Counters of the days around it.
pub fn counters() -> Counters {
    let day = wednesday();
    let cell = |metric, (days, b), dimension: &str, by| {
        (CounterKey { metric, a: day.plus_days(days).0, b, dimension: dimension.to_owned() }, by)
    };
    [
        cell(Metric::Follows, (-60, 0), "", 48_124),
        cell(Metric::Follows, (-7, 0), "", 202),
        cell(Metric::FirstFollows, (-7, 0), "", 188),
        cell(Metric::Refollows, (-7, 0), "", 14),
        cell(Metric::Unfollows, (-7, 0), "", 131),
        cell(Metric::Follows, (0, 0), "hall", 130),
        cell(Metric::Follows, (0, 0), "", 84),
        cell(Metric::FirstFollows, (0, 0), "hall", 120),
        cell(Metric::FirstFollows, (0, 0), "", 78),
        cell(Metric::Refollows, (0, 0), "", 16),
        cell(Metric::Unfollows, (0, 0), "", 128),
        cell(Metric::Gap, (-7, GAP_FIRST), "", 3_792),
        cell(Metric::Gap, (-1, GAP_FIRST), "", 2_350),
        cell(Metric::Gap, (0, GAP_FIRST), "hall", 310),
        cell(Metric::Gap, (0, 1), "", 1_200),
        cell(Metric::Gap, (0, 7), "", 2_402),
        cell(Metric::Messages, (-7, 0), "", 9_000),
        cell(Metric::Messages, (-1, 0), "", 4_321),
        cell(Metric::Messages, (0, 0), "", 9_800),
        cell(Metric::MenuTaps, (0, 0), "data", 900),
        cell(Metric::MenuTaps, (0, 0), "sign_in", 320),
        cell(Metric::Unanswered, (0, 0), "怎么退订", 12),
        cell(Metric::Unanswered, (0, 0), "5g套餐 <@all>", 8),
        cell(Metric::Unanswered, (0, 0), "", 4),
        cell(Metric::Ratings, (0, 5), "rate", 9),
        cell(Metric::Ratings, (0, 1), "rate", 3),
        cell(Metric::Quarantined, (0, 0), "", 2),
    ]
    .into_iter()
    .chain(cohorts_of(day.iso_week()))
    .collect()
}

/// Weekly cohorts up to a week.
fn cohorts_of(week: i32) -> [(CounterKey, i64); 7] {
    let cell = |(cohort, after), channel: &str, by| {
        let key =
            CounterKey { metric: Metric::RetainedWeekly, a: week + cohort, b: after, dimension: channel.to_owned() };
        (key, by)
    };
    [
        cell((-2, 0), "", 400),
        cell((-2, 1), "", 120),
        cell((-2, 2), "", 90),
        cell((-1, 0), "hall", 300),
        cell((-1, 1), "hall", 150),
        cell((-1, 0), "", 100),
        cell((0, 0), "", 260),
    ]
}

/// The names of the playbook.
pub fn labels() -> Labels {
    let menu =
        r#"{"button":[{"type":"click","name":"查流量","key":"data"},{"type":"click","name":"签到","key":"sign_in"}]}"#;
    let hall = ChannelRule { title: "营业厅".into(), scenes: vec!["hall:*".into()] };
    Labels::of(&Playbook {
        menus: vec![serde_json::from_str(menu).unwrap()],
        channels: Channels(BTreeMap::from([(Channel::new("hall"), hall)])),
        ..Playbook::default()
    })
}

/// What a report of that Wednesday is made from, read at `now`.
pub fn beside(counters: &Counters, now: UnixSecs) -> Beside<'_> {
    Beside {
        counters,
        clock: AsOf { now, lateness: Lateness::DEFAULT },
        account: "demo".into(),
        playbook: "ab12cd34ef56".into(),
        labels: labels(),
        printed: BTreeMap::new(),
        journal: Journal::default(),
        failed: Vec::new(),
        platform: None,
        waiting: (0, 0),
        skipped: None,
    }
}

fn count() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), Just(i64::MAX), Just(i64::MIN), any::<i64>(), 0_i64..10_000]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[^\u{0}]{0,200}", Just("长".repeat(300)), Just("<@all>**`[x](y)`**\n# 标题".to_owned())]
}

fn names() -> impl Strategy<Value = Vec<Named>> {
    prop::collection::vec((words(), count()).prop_map(|(name, count)| Named { name, count }), 0..4)
}

fn day_numbers() -> impl Strategy<Value = DayNumbers> {
    prop::collection::vec(count(), 13).prop_map(|n| DayNumbers {
        follows: n[0],
        first_follows: n[1],
        refollows: n[2],
        unfollows: n[3],
        total: n[4],
        dau: n[5],
        r7: n[6],
        r30: n[7],
        active_days: n[8],
        new: n[9],
        returning: n[10],
        resurrected: n[11],
        dormant: (n[12] % 5 != 0).then_some(n[12]),
        messages: n[0],
    })
}

fn week_numbers() -> impl Strategy<Value = WeekNumbers> {
    prop::collection::vec(count(), 10).prop_map(|n| WeekNumbers {
        follows: n[0],
        first_follows: n[1],
        refollows: n[2],
        unfollows: n[3],
        total: n[4],
        wau: n[5],
        new: n[6],
        returning: n[7],
        resurrected: n[8],
        dormant: (n[9] % 5 != 0).then_some(n[9]),
        messages: n[0],
    })
}

fn head(report: &'static str) -> impl Strategy<Value = Head> {
    (words(), words(), 0_i64..4_000_000_000).prop_map(move |(account, playbook, at)| Head {
        report: report.to_owned(),
        account: account.as_str().into(),
        zone: "+08:00".to_owned(),
        as_of: UnixSecs(at),
        playbook: playbook.as_str().into(),
    })
}

fn state() -> impl Strategy<Value = DayState> {
    prop::sample::select(vec![DayState::Open, DayState::Provisional, DayState::Closed, DayState::Sealed])
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (-10_i32..40_000, words(), count(), count(), any::<bool>());
    let change = change.prop_map(|(day, what, was, now, late)| Change { day: BusinessDay(day), what, was, now, late });
    prop::collection::vec(change, 0..30)
}

fn stars() -> impl Strategy<Value = Option<Stars>> {
    prop::option::of((count(), count(), count()).prop_map(|(stars, ratings, low)| Stars { stars, ratings, low }))
}

fn details() -> impl Strategy<Value = Details> {
    let lists = (names(), names(), names(), changes(), prop::collection::vec(words(), 0..20));
    let counts = (count(), stars(), count(), count());
    (lists, counts).prop_map(|((channels, menu, unanswered_words, changes, failed), counts)| {
        let (unanswered, stars, quarantined, late) = counts;
        Details { channels, menu, unanswered, unanswered_words, stars, quarantined, late, changes, failed }
    })
}

/// Any daily report: huge numbers, long words, hostile words.
pub fn any_daily() -> impl Strategy<Value = Daily> {
    let numbers = (head("daily@1"), -10_i32..40_000, state(), day_numbers(), prop::option::of(day_numbers()));
    let difference = (words(), count(), count()).prop_map(|(what, ours, theirs)| Difference { what, ours, theirs });
    let platform = prop::option::of(prop::collection::vec(difference, 0..6));
    let rest = (details(), platform, prop::collection::vec(words(), 0..6));
    (numbers, rest).prop_map(|((head, day, state, numbers, week_before), (details, platform, todo))| {
        let day = BusinessDay(day);
        Daily { head, day, state, numbers, week_before, details, platform, waiting: (0, 0), skipped: None, todo }
    })
}

fn cohorts() -> impl Strategy<Value = Vec<Cohort>> {
    let cell = prop_oneof![count().prop_map(WeekCell::Known), Just(WeekCell::Ripening { passed: 7, of: 28 })];
    let channel = prop_oneof![Just(EVERYBODY.to_owned()), words()];
    let cohort = (channel, words(), count(), prop::collection::vec(cell, 4));
    let cohort = cohort.prop_map(|(channel, week, size, weeks)| Cohort { channel, week, size, weeks });
    prop::collection::vec(cohort, 0..20)
}

fn ripe() -> impl Strategy<Value = Ripe> {
    (count(), count()).prop_map(|(part, whole)| Ripe { part, whole })
}

/// Any weekly report.
pub fn any_weekly() -> impl Strategy<Value = Weekly> {
    let trend = (words(), week_numbers()).prop_map(|(week, numbers)| TrendWeek { week, numbers });
    let numbers = (
        head("weekly@1"),
        -10_i32..40_000,
        state(),
        week_numbers(),
        prop::option::of(week_numbers()),
        prop::collection::vec(trend, 0..9),
    );
    let kept = (words(), prop::collection::vec(ripe(), 4)).prop_map(|(channel, weeks)| Kept { channel, weeks });
    let standing = (1_i32..60, ripe()).prop_map(|(after_days, ripe)| Standing { after_days, ripe });
    let stays = (cohorts(), prop::collection::vec(kept, 0..7), prop::collection::vec(standing, 0..4));
    (numbers, stays, details()).prop_map(|((head, day, state, numbers, week_before, trend), stays, details)| {
        let (cohorts, kept, standing) = stays;
        let mut weekly = Weekly {
            head,
            week: "2026-W10".to_owned(),
            from: BusinessDay(day),
            to: BusinessDay(day + 6),
            state,
            numbers,
            week_before,
            trend,
            words: Vec::new(),
            cohorts,
            kept,
            standing,
            details,
        };
        weekly.words = super::paragraph::of_week(&weekly);
        weekly
    })
}
