//! `kfactor`: how many friends the new followers of a day brought within so many days (growth.md 1.7): `K_T(w)`, never
//! without its window and its cohort. What is shown are people; a K is a sum of them over a sum of customers.

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

/// The longest window.
const MOST_DAYS: i32 = 30;
/// The windows of the sentences below.
const TOLD: [i32; 2] = [7, 30];

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from().0, period.to().0);
    vec![
        CounterRange::new(Metric::FirstFollows, from, to),
        CounterRange::new(Metric::InviteLags, from, to).up_to(MOST_DAYS),
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
    columns
}

pub(super) fn build(explain: Explain, period: Period, (clock, counters): (AsOf, &Counters)) -> Draft {
    let begun = period.days().take_while(|day| clock.state(*day).is_some());
    let rows: Vec<Row> = begun.map(|day| row(explain, day, (clock, counters))).collect();
    let mut remarks: Vec<String> = TOLD.into_iter().filter_map(|window| told(&rows, window)).collect();
    remarks.extend([
        "窗口过完才有数，没过完显示为 —；几批合起来看时先加起来再除，只算已经过完的。".to_owned(),
        "K 里也有以后离开的朋友，留下多少请看 referral。".to_owned(),
    ]);
    Draft { columns: columns(), rows, remarks }
}

fn row(explain: Explain, day: BusinessDay, (clock, counters): (AsOf, &Counters)) -> Row {
    let size = Entry::explained(explain, counters.by_shared_dimension(Metric::FirstFollows, (day.0, 0)));
    let mut entries = vec![Cell::Day(day).into(), size];
    let mut brought = BTreeMap::<Arc<str>, i64>::new();
    let mut add = |lag| {
        for (campaign, count) in counters.by_shared_dimension(Metric::InviteLags, (day.0, lag)) {
            *brought.entry(campaign.clone()).or_default() += count;
        }
        brought.clone()
    };
    add(0);
    entries.extend((1..=MOST_DAYS).map(|n| {
        let brought = add(n);
        match clock.is_past(day.plus_days(n)) {
            true => Entry::explained(explain, brought.into_iter().map(|(campaign, n)| (What::Campaign(campaign), n))),
            false => Entry::unknown(),
        }
    }));
    Row { ends: day, entries }
}

/// The K of a window over all cohorts whose window is over.
fn told(rows: &[Row], window: i32) -> Option<String> {
    let place = usize::try_from(window).ok()? + 1;
    let ripe = rows.iter().filter_map(|row| Some((row.entries.get(place)?.count()?, row.entries.get(1)?.count()?)));
    let Average { stayed: friends, of, cohorts } = ripe.fold(Average::default(), |sum, (friends, size)| Average {
        stayed: sum.stayed + friends,
        of: sum.of + size,
        cohorts: sum.cohorts + 1,
    });
    let k = Average { stayed: friends, of, cohorts }.per_ten_thousand()?;
    let (whole, part) = (k / 10_000, k % 10_000);
    Some(format!(
        "K{window} = {friends}/{of} = {whole}.{part:04}：首次关注已满 {window} 天的 {cohorts} 批客户，{window} 天内带来的朋友。"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

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
}
