//! `kfactor`: how many friends the new followers of a day brought within so many days (growth.md 1.7): `K_T(w)`, never
//! without its window and its cohort. What is shown are people; a K is a sum of them over a sum of customers. K* counts
//! only friends who qualified and stayed, because everybody can be made to follow once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::average::Average;
use super::draft::{Draft, Entry, Row};
use super::retention::nth_columns;
use super::table::{Cell, Column, ColumnKind};
use super::term::What;
use super::{AsOf, Explain, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;
use crate::growth::referral::Cell as Invite;

/// The longest window.
const MOST_DAYS: i32 = 30;
/// The windows of the sentences below, and of K*.
const TOLD: [i32; 2] = [7, 30];
/// The column of the first K*: after the cohort, its size and every window.
const KEPT_AT: usize = 32;

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from().0, period.to().0);
    vec![
        CounterRange::new(Metric::FirstFollows, from, to),
        CounterRange::new(Metric::InviteLags, from, to).up_to(MOST_DAYS),
        CounterRange::new(Metric::KeptLags, from, to).up_to(MOST_DAYS),
        // Their terms: when it is known who stayed.
        CounterRange::new(Metric::Invites, from, to.saturating_add(MOST_DAYS)),
    ]
}

fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::plain(ColumnKind::Day, "cohort", "首次关注日").meaning("这批客户自己第一次关注的业务日。"),
        Column::plain(ColumnKind::Number, "size", "客户数")
            .meaning("这一天第一次关注的客户，不论以后有没有邀请过朋友。")
            .formula("|w| = FF(w)"),
    ];
    columns.extend(nth_columns(("t", "天内"), MOST_DAYS, |n| {
        let meaning = format!("这批客户在自己首次关注后 {n} 天内带来、记给他们的朋友；除以客户数就是 K{n}。");
        (meaning, format!("K_{n}(w)·|w| = Σ_{{m≤{n}}} KIN[w,m]"))
    }));
    columns.extend(TOLD.map(|n| {
        let column = Column::plain(ColumnKind::Number, format!("kept_t{n}"), format!("{n}天内并留下"));
        let meaning =
            format!("其中后来达标、到观察期满没有离开的；那些天来的朋友都有定论了才有数。除以客户数就是 K{n}*。");
        column.meaning(meaning).formula(format!("K*_{n}(w)·|w| = Σ_{{m≤{n}}} KEP[w,m]"))
    }));
    columns
}

/// By the day friends came on, the last day on which something can change for one of them.
type Settled = BTreeMap<BusinessDay, BusinessDay>;

fn settled(period: Period, counters: &Counters) -> Settled {
    let longest = |day: BusinessDay| {
        let waits =
            counters.row(Metric::Invites, day.0).filter_map(|(number, _, _)| match Invite::of_number(number)? {
                Invite::Attributed(funnel) => Some(i32::from(funnel.within_days.max(funnel.hold_days))),
                Invite::Refused(_) | Invite::Again(_) => None,
            });
        Some((day, day.plus_days(waits.max()?)))
    };
    let days = period.from().0..=period.to().0.saturating_add(MOST_DAYS);
    days.filter_map(|day| longest(BusinessDay(day))).collect()
}

pub(super) fn build(explain: Explain, period: Period, (clock, counters): (AsOf, &Counters)) -> Draft {
    let begun = period.days().take_while(|day| clock.state(*day).is_some());
    let settled = settled(period, counters);
    let rows: Vec<Row> = begun.map(|day| row(explain, day, (clock, counters, &settled))).collect();
    let raw = TOLD.into_iter().filter_map(|window| {
        let (k, cohorts) = k(&rows, usize::try_from(window).ok()? + 1)?;
        Some(format!("K{window} = {k}：首次关注已满 {window} 天的 {cohorts} 批客户，{window} 天内带来的朋友。"))
    });
    let kept = (KEPT_AT..).zip(TOLD).filter_map(|(place, window)| {
        let (k, cohorts) = k(&rows, place)?;
        Some(format!("K{window}* = {k}：其中达标并留下的朋友，只算都有定论的 {cohorts} 批客户。"))
    });
    let mut remarks: Vec<String> = raw.chain(kept).collect();
    remarks.extend([
        "窗口过完才有数，没过完显示为 —；几批合起来看时先加起来再除，只算已经过完的。".to_owned(),
        "K 里也有以后离开的朋友，看增长请用带 * 的。".to_owned(),
    ]);
    Draft { columns: columns(), rows, remarks }
}

fn row(explain: Explain, day: BusinessDay, (clock, counters, settled): (AsOf, &Counters, &Settled)) -> Row {
    let size = Entry::explained(explain, counters.by_shared_dimension(Metric::FirstFollows, (day.0, 0)));
    let mut entries = vec![Cell::Day(day).into(), size];
    let (brought, kept) =
        (Within::of(counters, (Metric::InviteLags, day)), Within::of(counters, (Metric::KeptLags, day)));
    let told = |friends: &Within, window: i32, last: BusinessDay| match clock.is_past(last) {
        true => Entry::explained(explain, friends.by_campaign(window)),
        false => Entry::unknown(),
    };
    entries.extend((1..=MOST_DAYS).map(|window| told(&brought, window, day.plus_days(window))));
    entries.extend(TOLD.map(|window| {
        let end = day.plus_days(window);
        let last = settled.range(day..=end).map(|(_, last)| *last).max();
        told(&kept, window, last.map_or(end, |last| last.max(end)))
    }));
    Row { ends: day, entries }
}

/// The friends of a cohort within every window, by campaign.
struct Within(Vec<BTreeMap<Arc<str>, i64>>);

impl Within {
    fn of(counters: &Counters, (metric, day): (Metric, BusinessDay)) -> Self {
        let mut sum = BTreeMap::<Arc<str>, i64>::new();
        let windows = (0..=MOST_DAYS).map(|lag| {
            for (campaign, count) in counters.by_shared_dimension(metric, (day.0, lag)) {
                *sum.entry(campaign.clone()).or_default() += count;
            }
            sum.clone()
        });
        Self(windows.collect())
    }

    fn by_campaign(&self, window: i32) -> impl Iterator<Item = (What, i64)> {
        let campaigns = usize::try_from(window).ok().and_then(|window| self.0.get(window)).into_iter().flatten();
        campaigns.map(|(campaign, count)| (What::Campaign(campaign.clone()), *count))
    }
}

/// The K of a column over all cohorts that are known there, and how many those are.
fn k(rows: &[Row], place: usize) -> Option<(String, usize)> {
    let known = rows.iter().filter_map(|row| Some((row.entries.get(place)?.count()?, row.entries.get(1)?.count()?)));
    let sum = known.fold(Average::default(), |sum, (friends, size)| Average {
        stayed: sum.stayed + friends,
        of: sum.of + size,
        cohorts: sum.cohorts + 1,
    });
    let k = sum.per_ten_thousand()?;
    Some((format!("{}/{} = {}.{:04}", sum.stayed, sum.of, k / 10_000, k % 10_000), sum.cohorts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;
    use crate::growth::referral::Funnel;

    fn attributed((within_days, hold_days): (u8, u8)) -> i32 {
        Invite::Attributed(Funnel { qualified: true, left: false, within_days, hold_days }).number()
    }

    fn draft(to: i32, now: i32) -> Draft {
        let key = |metric, a, b, dimension: &str| CounterKey { metric, a, b, dimension: dimension.to_owned() };
        let cells = [
            (key(Metric::FirstFollows, 100, 0, "store"), 6),
            (key(Metric::FirstFollows, 100, 0, ""), 4),
            (key(Metric::FirstFollows, 101, 0, ""), 30),
            (key(Metric::InviteLags, 100, 0, "spring"), 1),
            (key(Metric::InviteLags, 100, 1, "spring"), 2),
            (key(Metric::InviteLags, 100, 7, "autumn"), 4),
            (key(Metric::InviteLags, 100, 31, "autumn"), 9),
            (key(Metric::InviteLags, 101, 3, "spring"), 5),
            (key(Metric::KeptLags, 100, 1, "spring"), 1),
            (key(Metric::KeptLags, 100, 7, "autumn"), 2),
            (key(Metric::KeptLags, 100, 31, "autumn"), 9),
            (key(Metric::Invites, 107, attributed((0, 12)), "autumn"), 1),
            (key(Metric::Invites, 108, attributed((20, 5)), "spring"), 1),
        ];
        let period = Period::new(BusinessDay(100), BusinessDay(to)).unwrap();
        let clock = AsOf { now: BusinessDay(now).start().plus_secs(3_600), lateness: Lateness::default() };
        build(Explain::Yes, period, (clock, &cells.into_iter().collect()))
    }

    #[test]
    fn friends_are_those_of_the_window_once_it_is_over() {
        let draft = draft(101, 108);
        let shown = |row: &Row| [1, 2, 3, 4, 8, 9].map(|at: usize| row.entries[at].cell.to_string()).join(" ");
        assert_eq!(draft.rows.iter().map(shown).collect::<Vec<_>>(), ["10 3 3 3 7 —", "30 0 0 5 — —"]);
        let terms = &draft.rows[0].entries[8].terms;
        assert_eq!(
            terms.iter().map(|term| (term.what.to_string(), term.count)).collect::<Vec<_>>(),
            [("活动 autumn".to_owned(), 4), ("活动 spring".to_owned(), 3)]
        );
    }

    #[test]
    fn a_k_has_its_window_and_only_cohorts_whose_window_is_over() {
        let first = |now| draft(101, now).remarks[0].clone();
        assert!(first(108).starts_with("K7 = 7/10 = 0.7000：首次关注已满 7 天的 1 批"), "{}", first(108));
        assert!(first(109).starts_with("K7 = 12/40 = 0.3000："), "{}", first(109));
        assert!(first(103).starts_with("窗口"), "no window is over");
        assert!(draft(101, 140).remarks[1].starts_with("K30 = 12/40"), "the lag of 31 days is in no window");
    }

    #[test]
    fn who_stayed_is_known_once_the_terms_of_all_friends_of_the_window_are_over() {
        let kept = |now| {
            let draft = draft(101, now);
            assert_eq!(draft.columns[KEPT_AT].name, "kept_t7");
            draft.rows.iter().map(|row| row.entries[KEPT_AT].cell.to_string()).collect::<Vec<_>>().join(" ")
        };
        // Day 107 is in the window of both cohorts and waits until 119; 108 in that of the second, until 128.
        assert_eq!([kept(119), kept(120), kept(128), kept(129)], ["— —", "3 —", "3 —", "3 0"]);
        let star = |now| draft(101, now).remarks.into_iter().find(|told| told.starts_with("K7*")).unwrap_or_default();
        assert!(star(120).starts_with("K7* = 3/10 = 0.3000：") && star(129).starts_with("K7* = 3/40 = 0.0750："));
        assert_eq!(star(119), "");
    }
}
