//! `menu`: taps and customers of each entry. What is in the menu and was not tapped is there too, and what was tapped and
//! is not in the menu any more.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::draft::{Draft, Entry, Row};
use super::sums::{by_key, first_seen_by_key};
use super::table::{Cell, Column, ColumnKind};
use super::term::What;
use super::{AsOf, Explain, Period};
use crate::domain::menu::Labels;
use crate::growth::counter::{CAP_DAYS, CounterRange, Metric};
use crate::growth::counters::Counters;

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from().0, period.to().0);
    let mut needed = vec![CounterRange::new(Metric::MenuTaps, from, to)];
    if is_exact(period) {
        needed.push(CounterRange::new(Metric::MenuTappers, from, to));
    }
    needed
}

fn is_exact(period: Period) -> bool {
    period.len_days() <= CAP_DAYS + 1
}

fn columns() -> Vec<Column> {
    vec![
        Column::plain(ColumnKind::Text, "key", "菜单项").meaning("菜单项的 key；链接是它的地址，小程序是它的页面。"),
        Column::plain(ColumnKind::Text, "label", "名称").meaning("现在菜单上写的字；已经不在菜单里的为空。"),
        Column::plain(ColumnKind::Number, "taps", "点击次数")
            .meaning("这段时间里点了多少次，同一位客户点几次算几次。")
            .formula("Σ_{d=a..b} TAP[d,key]"),
        Column::plain(ColumnKind::Number, "customers", "点击客户")
            .meaning("这段时间里点过的客户，每位在每个菜单项只算一次。")
            .formula("Σ_{d=a..b} Σ_{d−g < a} G_key[d,g]"),
    ]
}

/// The keys that were tapped in a period.
pub(super) fn tapped(counters: &Counters, period: Period) -> BTreeSet<String> {
    by_key(counters, Metric::MenuTaps, period).into_keys().map(str::to_owned).collect()
}

/// `keys` are shown besides those of the menu.
pub(super) fn build(
    (explain, period): (Explain, Period),
    (clock, counters): (AsOf, &Counters),
    labels: &Labels,
    mut keys: BTreeSet<String>,
) -> Draft {
    if clock.state(period.from()).is_none() {
        return Draft { columns: columns(), ..Draft::default() };
    }
    let taps = by_key(counters, Metric::MenuTaps, period);
    let tappers = first_seen_by_key(counters, Metric::MenuTappers, period);
    keys.extend(labels.0.keys().cloned());
    let row = |key: String| {
        let customers = match tappers.get(key.as_str()) {
            _ if !is_exact(period) => Entry::unknown(),
            days => Entry::explained(explain, days.into_iter().flatten().map(|(day, n)| (What::FirstSeen(*day), *n))),
        };
        let label = labels.0.get(&key).cloned().unwrap_or_default();
        let taps = Entry::explained(explain, taps.get(key.as_str()).into_iter().flatten().copied());
        Row { ends: period.to(), entries: vec![Cell::Text(key).into(), Cell::Text(label).into(), taps, customers] }
    };
    let mut rows: Vec<Row> = keys.into_iter().map(row).collect();
    // By key they are in order already.
    rows.sort_by_key(|row| Reverse(row.entries.get(2).and_then(Entry::count)));
    let mut remarks = vec!["只统计平台会通知的菜单项；发图片、发文章的按钮平台不通知，不在这里。".to_owned()];
    if !is_exact(period) {
        remarks.push(format!("去重客户数最长可以看 {} 天，更长时点击客户显示为 —。", CAP_DAYS + 1));
    }
    Draft { columns: columns(), rows, remarks }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counter::{CounterKey, GAP_FAR};
    use crate::growth::lateness::Lateness;

    fn shown(from: i32) -> Vec<String> {
        let key = |metric, a, b, key: &str| CounterKey { metric, a, b, dimension: key.to_owned() };
        let cells = [
            (key(Metric::MenuTaps, 150, 0, "query"), 5),
            (key(Metric::MenuTaps, 151, 0, "query"), 2),
            (key(Metric::MenuTaps, 151, 0, "gone"), 7),
            (key(Metric::MenuTappers, 150, GAP_FAR, "query"), 2),
            (key(Metric::MenuTappers, 151, 1, "query"), 1),
            (key(Metric::MenuTappers, 151, GAP_FAR, "gone"), 3),
        ];
        let counters: Counters = cells.into_iter().collect();
        let labels = [("query", "查询"), ("offers", "特惠")].map(|(key, label)| (key.to_owned(), label.to_owned()));
        let period = Period::new(BusinessDay(from), BusinessDay(151)).unwrap();
        let clock = AsOf { now: BusinessDay(160).start(), lateness: Lateness::default() };
        let draft = build(
            (Explain::Yes, period),
            (clock, &counters),
            &Labels(BTreeMap::from(labels)),
            tapped(&counters, period),
        );
        let row = |row: Row| row.entries.iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        draft.rows.into_iter().map(row).collect()
    }

    #[test]
    fn entries_come_by_taps_with_those_nobody_tapped_and_those_no_longer_there() {
        assert_eq!(shown(150), ["gone  7 3", "query 查询 7 2", "offers 特惠 0 0"]);
        assert_eq!(shown(151), ["gone  7 3", "query 查询 2 1", "offers 特惠 0 0"]);
    }

    #[test]
    fn taps_of_a_period_of_any_length_are_known_and_customers_only_of_an_exact_one() {
        assert_eq!(shown(59), ["gone  7 3", "query 查询 7 2", "offers 特惠 0 0"]);
        assert_eq!(shown(58), ["gone  7 —", "query 查询 7 —", "offers 特惠 0 —"]);
    }
}
