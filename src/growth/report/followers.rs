//! `followers`: follows, unfollows and how many stay (growth.md 1.3). Gross, lost and net always stand together.

use super::draft::{Draft, Entry, Row};
use super::sums::by_channel;
use super::table::{Cell, Column, ColumnKind};
use super::term::{Term, What};
use super::{AsOf, Period};
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// The total needs every follow and unfollow since the beginning.
pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from().0, period.to().0);
    vec![
        CounterRange::new(Metric::Follows, i32::MIN, to),
        CounterRange::new(Metric::Unfollows, i32::MIN, to),
        CounterRange::new(Metric::FirstFollows, from, to),
        CounterRange::new(Metric::Refollows, from, to),
    ]
}

fn columns() -> Vec<Column> {
    let number = |name, title| Column::plain(ColumnKind::Number, name, title);
    vec![
        Column::plain(ColumnKind::Day, "day", "日期").meaning("业务日，按北京时间 0 点切分。"),
        Column::plain(ColumnKind::State, "state", "状态")
            .meaning("这一天的数字有多确定：进行中、待定、已关账、已封存。"),
        number("first_follows", "首次关注").meaning("这一天第一次关注的客户；取消后再回来的不算。").formula("FF(d)"),
        number("refollows", "再次关注").meaning("以前关注过、取消后这一天又回来的次数，不算新粉丝。").formula("RF(d)"),
        number("follows", "关注")
            .meaning("这一天从未关注变为关注的次数，包括首次和再次；重复推送不重复算。")
            .formula("F(d) = FF(d) + RF(d)"),
        number("unfollows", "取消关注").meaning("这一天从关注变为取消的次数。").formula("U(d)"),
        number("net", "净增").meaning("关注减取消关注；当天关注又取消的不影响它。").formula("N(d) = F(d) − U(d)"),
        number("total", "累计粉丝")
            .meaning("这一天结束时还关注着的客户，从开始使用本系统起算。")
            .formula("T(d) = T(d−1) + N(d)"),
    ]
}

pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Draft {
    let eve = period.from().plus_days(-1);
    let mut total = counters.sum_to(Metric::Follows, eve.0) - counters.sum_to(Metric::Unfollows, eve.0);
    let mut rows = Vec::new();
    for day in period.days() {
        let Some(state) = clock.state(day) else { break };
        let number = |metric| Entry::sum(by_channel(counters, metric, (day.0, 0)));
        let (follows, unfollows) = (counters.sum(Metric::Follows, day.0), counters.sum(Metric::Unfollows, day.0));
        let change = [Term::new("当天关注", follows), Term::new("当天取消关注", -unfollows)];
        let before = Term::new(What::AtEndOf(day.plus_days(-1)), total);
        total += follows - unfollows;
        let entries = vec![
            Cell::Day(day).into(),
            Cell::State(state).into(),
            number(Metric::FirstFollows),
            number(Metric::Refollows),
            number(Metric::Follows),
            number(Metric::Unfollows),
            Entry::sum(change.to_vec()),
            Entry::sum([before].into_iter().chain(change).collect()),
        ];
        rows.push(Row { ends: day, entries });
    }
    let remarks = vec![
        "再次关注不是新粉丝：取消后再回来的记在再次关注里，不算首次关注。".to_owned(),
        "取消关注不会改写过去：以前各天的关注数不变，累计粉丝从取消那天起减少。".to_owned(),
    ];
    Draft { columns: columns(), rows, remarks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    fn key(metric: Metric, a: i32) -> CounterKey {
        CounterKey { metric, a, b: 0, dimension: String::new() }
    }

    fn draft() -> Draft {
        let cells = [
            (key(Metric::Follows, 100), 50),
            (key(Metric::Unfollows, 199), 8),
            (key(Metric::Follows, 201), 5),
            (key(Metric::FirstFollows, 201), 3),
            (key(Metric::Refollows, 201), 2),
            (key(Metric::Unfollows, 201), 6),
        ];
        let period = Period::new(BusinessDay(200), BusinessDay(210)).unwrap();
        let clock = AsOf { now: BusinessDay(202).start().plus_secs(-1), lateness: Lateness::default() };
        build(period, clock, &cells.into_iter().collect())
    }

    #[test]
    fn the_total_counts_everything_before_the_period_too() {
        let counts = |row: &Row| row.entries[2..].iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(draft().rows.iter().map(counts).collect::<Vec<_>>(), ["0 0 0 0 0 42", "3 2 5 6 -1 41"]);
    }

    #[test]
    fn net_opens_into_follows_and_unfollows_and_the_total_into_the_day_before_as_well() {
        let terms = |column: usize| {
            let terms = draft().rows[1].entries[column].terms.clone();
            terms.into_iter().map(|term| (term.what.to_string(), term.count)).collect::<Vec<_>>()
        };
        let net = [("当天关注".to_owned(), 5), ("当天取消关注".to_owned(), -6)];
        assert_eq!(terms(6), net);
        assert_eq!(terms(7), [[("1970-07-20 结束时".to_owned(), 42)].to_vec(), net.to_vec()].concat());
    }
}
