//! `unique`: the distinct active customers of a whole period (growth.md 1.4, 5.2). Never a sum of days.

use super::away::Away;
use super::draft::{Draft, Entry, Row};
use super::table::{Cell, Column, ColumnKind};
use super::{AsOf, Period};
use crate::growth::counter::{CAP_DAYS, CounterRange, Metric};
use crate::growth::counters::Counters;

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    vec![CounterRange::new(Metric::Gap, period.from().0, period.to().0)]
}

fn columns() -> Vec<Column> {
    vec![
        Column::plain(ColumnKind::Day, "from", "开始").meaning("第一个业务日，含当天。"),
        Column::plain(ColumnKind::Day, "to", "结束").meaning("最后一个业务日，含当天。"),
        Column::plain(ColumnKind::Number, "customers", "去重活跃客户")
            .meaning("整段时间里主动来过的客户，每位只算一次；不是每天的活跃相加。")
            .formula("uniq(a,b) = Σ_{d=a..b} Σ_{d−g < a} G[d,g]"),
    ]
}

pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Draft {
    let begun = clock.state(period.from()).is_some();
    let customers = if begun && period.len_days() <= CAP_DAYS + 1 {
        Entry::sum(Away::of(counters, period).first_seen(period))
    } else {
        Entry::unknown()
    };
    let entries = vec![Cell::Day(period.from()).into(), Cell::Day(period.to()).into(), customers];
    let remarks = vec![format!("去重客户数最长可以看 {} 天，在此之内是准确的。", CAP_DAYS + 1)];
    Draft { columns: columns(), rows: vec![Row { ends: period.to(), entries }], remarks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counter::{CounterKey, GAP_FIRST};
    use crate::growth::lateness::Lateness;

    #[test]
    fn whoever_comes_on_two_days_is_one_customer_and_counted_on_the_first() {
        let key = |a, b| CounterKey { metric: Metric::Gap, a, b, dimension: String::new() };
        let counters = [(key(100, GAP_FIRST), 2), (key(103, 3), 1), (key(104, 60), 5)].into_iter().collect();
        let clock = AsOf { now: BusinessDay(200).start(), lateness: Lateness::default() };
        let of =
            |from, to| build(Period::new(BusinessDay(from), BusinessDay(to)).unwrap(), clock, &counters).rows.remove(0);
        assert_eq!(of(100, 104).entries[2].count(), Some(7));
        assert_eq!(of(101, 104).entries[2].count(), Some(6));
        assert_eq!(of(40, 104).entries[2].count(), Some(2));
        let days: Vec<_> = of(100, 104).entries[2].terms.iter().map(|term| term.count).collect();
        assert_eq!(days, [2, 5]);
        assert_eq!(of(10, 104).entries[2].count(), None, "95 days are beyond the exact range");
    }
}
