//! `cycle`: the viral cycle time (growth.md 1.7): days from an inviter's own first follow to the first follow of a friend
//! of theirs, as a histogram with its median. The mean is dominated by the tail and is not shown.

use std::collections::BTreeMap;

use super::draft::{Draft, Entry, Row};
use super::table::{Cell, Column, ColumnKind};
use super::term::{Term, What};
use super::{AsOf, Explain, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// The last day that has a row of its own.
const SINGLE_DAYS: i32 = 30;
/// The last days of the rows after that; one more row has the rest.
const LATER: [i32; 4] = [60, 90, 180, 365];

/// An inviter may have followed at any time before.
pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    vec![CounterRange::new(Metric::InviteLags, i32::MIN, period.to().0)]
}

fn columns() -> Vec<Column> {
    vec![
        Column::plain(ColumnKind::Text, "days", "天数")
            .meaning("从邀请人自己首次关注到这位朋友首次关注，隔了几个业务日。"),
        Column::plain(ColumnKind::Number, "friends", "朋友")
            .meaning("这段时间里来的、隔了这么多天的朋友；归因了的都算，之后离开也不减。")
            .formula("LAG(n) = Σ_{f=a..b} KIN[f−n,n]"),
        Column::plain(ColumnKind::Number, "within", "累计")
            .meaning("隔了这么多天或更少的朋友。")
            .formula("Σ_{m≤n} LAG(m)"),
    ]
}

/// By lag, the friends of each campaign.
type Lags<'a> = BTreeMap<i32, BTreeMap<&'a str, i64>>;

fn lags(period: Period, counters: &Counters) -> Lags<'_> {
    let mut lags = Lags::new();
    for first in counters.firsts(Metric::InviteLags) {
        for (lag, campaign, count) in counters.row(Metric::InviteLags, first) {
            if period.holds(BusinessDay(first).plus_days(lag)) {
                *lags.entry(lag).or_default().entry(campaign).or_default() += count;
            }
        }
    }
    lags
}

pub(super) fn build(explain: Explain, period: Period, (clock, counters): (AsOf, &Counters)) -> Draft {
    if clock.state(period.from()).is_none() {
        return Draft { columns: columns(), ..Draft::default() };
    }
    let lags = lags(period, counters);
    let mut before = 0;
    let mut rows = Vec::new();
    let ends = (0..=SINGLE_DAYS).chain(LATER).chain([i32::MAX]);
    let mut first = i32::MIN;
    for last in ends {
        let mut campaigns = BTreeMap::<&str, i64>::new();
        for (campaign, count) in lags.range(first..=last).flat_map(|(_, campaigns)| campaigns) {
            *campaigns.entry(*campaign).or_default() += *count;
        }
        let here: i64 = campaigns.values().sum();
        let friends = Entry::explained(explain, campaigns.into_iter().map(|(of, n)| (What::Campaign(of.into()), n)));
        let within = Entry::sum(vec![Term::new("更少的天数", before), Term::new("这一行", here)]);
        rows.push(Row { ends: period.to(), entries: vec![Cell::Text(named(first, last)).into(), friends, within] });
        before += here;
        first = last.saturating_add(1);
    }
    Draft { columns: columns(), rows, remarks: remarks(&lags, before) }
}

fn named(first: i32, last: i32) -> String {
    match last {
        i32::MAX => format!("{first}+"),
        last if last > SINGLE_DAYS => format!("{first}–{last}"),
        last => last.to_string(),
    }
}

fn remarks(lags: &Lags<'_>, friends: i64) -> Vec<String> {
    let mut sum = 0;
    let median = lags.iter().find_map(|(lag, campaigns)| {
        sum += campaigns.values().sum::<i64>();
        (sum * 2 >= friends && friends > 0).then_some(*lag)
    });
    let told = median.map(|median| format!("中位数：{friends} 位朋友里，至少一半在邀请人关注后 {median} 天内来。"));
    let what = "按朋友来的日子算，邀请人可以是很久以前关注的；没有个人邀请码的客户不在其中。".to_owned();
    told.into_iter().chain([what]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    fn draft(from: i32, to: i32) -> Draft {
        let key =
            |a, b, campaign: &str| CounterKey { metric: Metric::InviteLags, a, b, dimension: campaign.to_owned() };
        let cells = [
            (key(100, 0, "spring"), 2),
            (key(100, 3, "spring"), 4),
            (key(101, 2, "autumn"), 1),
            (key(-50, 151, "spring"), 3),
            (key(-900, 1_001, "spring"), 1),
            (key(100, 40, "spring"), 7),
        ];
        let clock = AsOf { now: BusinessDay(200).start(), lateness: Lateness::default() };
        let period = Period::new(BusinessDay(from), BusinessDay(to)).unwrap();
        build(Explain::Yes, period, (clock, &cells.into_iter().collect()))
    }

    fn shown(draft: &Draft) -> Vec<String> {
        let some = draft.rows.iter().filter(|row| row.entries[1].count() != Some(0));
        some.map(|row| row.entries.iter().map(|entry| entry.cell.to_string()).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn friends_of_the_period_are_told_by_the_days_since_their_inviter_came() {
        let whole = draft(100, 140);
        assert_eq!(whole.rows.len(), 36);
        assert_eq!(shown(&whole), ["0 2 2", "2 1 3", "3 4 7", "31–60 7 14", "91–180 3 17", "366+ 1 18"]);
        assert!(
            whole.remarks[0].starts_with("中位数：18 位朋友里，至少一半在邀请人关注后 40 天内来"),
            "{:?}",
            whole.remarks
        );
        assert_eq!(shown(&draft(103, 103)), ["2 1 1", "3 4 5"]);
    }

    #[test]
    fn of_a_period_without_friends_there_is_no_median() {
        let none = draft(110, 120);
        assert_eq!((shown(&none).len(), none.remarks.len()), (0, 1));
    }
}
