//! `unanswered`: what customers wrote and no rule answered: the operator's list of rules to write.

use std::cmp::Reverse;

use super::draft::{Draft, Entry, Row};
use super::sums::{by_key, day_by_day};
use super::table::{Cell, Column, ColumnKind};
use super::{AsOf, Period};
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// At most so many rows; what is rarer is summed up.
pub const MOST_TEXTS: usize = 1_000;
/// Stands for the words of erased customers: that they wrote is still counted, what they wrote is gone.
const ERASED: &str = "（已删除）";

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    vec![CounterRange::new(Metric::Unanswered, period.from().0, period.to().0)]
}

fn columns() -> Vec<Column> {
    vec![
        Column::plain(ColumnKind::Text, "text", "客户的话")
            .meaning("客户发来、没有规则能回答的话，最多 64 个字，长数字已打码；已删除客户的话不显示。"),
        Column::plain(ColumnKind::Number, "times", "次数")
            .meaning("这段时间里收到多少次；只数没有回答的，回答了的不算。")
            .formula("Σ_{d=a..b} UNA[d,text]"),
        Column::plain(ColumnKind::Day, "last", "最近一次").meaning("这段时间里最近一次收到的业务日。"),
    ]
}

/// Every text; [`cut`] leaves the most frequent.
pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Draft {
    if clock.state(period.from()).is_none() {
        return Draft { columns: columns(), ..Draft::default() };
    }
    let mut texts = Vec::new();
    for (text, days) in by_key(counters, Metric::Unanswered, period) {
        let times: i64 = days.iter().map(|(_, times)| times).sum();
        let Some((last, _)) = days.last() else { continue };
        if times > 0 {
            texts.push((Reverse(times), Reverse(*last), text, days));
        }
    }
    texts.sort();
    let row = |(_, Reverse(last), text, days): (_, _, &str, Vec<_>)| {
        let text = if text.is_empty() { ERASED } else { text };
        let entries = vec![Cell::Text(text.to_owned()).into(), Entry::sum(day_by_day(&days)), Cell::Day(last).into()];
        Row { ends: period.to(), entries }
    };
    Draft { columns: columns(), rows: texts.into_iter().map(row).collect(), remarks: Vec::new() }
}

/// Leaves the [`MOST_TEXTS`] most frequent texts and says what the others come to.
pub(super) fn cut(draft: &mut Draft) {
    let rest = draft.rows.split_off(draft.rows.len().min(MOST_TEXTS));
    if !rest.is_empty() {
        let times: i64 = rest.iter().filter_map(|row| row.entries.get(1)?.count()).sum();
        let (most, texts) = (MOST_TEXTS, rest.len());
        draft.remarks.push(format!("只列出最多的 {most} 条，其余 {texts} 条共 {times} 次没有列出。"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    fn draft(cells: &[(i32, &str, i64)]) -> Draft {
        let key = |a, text: &str| CounterKey { metric: Metric::Unanswered, a, b: 0, dimension: text.to_owned() };
        let counters = cells.iter().map(|(day, text, by)| (key(*day, text), *by)).collect();
        let clock = AsOf { now: BusinessDay(10).start(), lateness: Lateness::default() };
        build(Period::new(BusinessDay(1), BusinessDay(5)).unwrap(), clock, &counters)
    }

    fn shown(draft: &Draft) -> Vec<String> {
        let row = |row: &Row| row.entries.iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        draft.rows.iter().map(row).collect()
    }

    #[test]
    fn the_most_frequent_words_lead_then_the_latest() {
        let draft = draft(&[(1, "b", 2), (3, "b", 1), (2, "a", 1), (4, "c", 1), (4, "", 2), (5, "x", 1), (5, "x", -1)]);
        let expected = ["b 3 1970-01-04", "（已删除） 2 1970-01-05", "c 1 1970-01-05", "a 1 1970-01-03"];
        assert_eq!(shown(&draft), expected);
    }

    #[test]
    fn rare_words_beyond_the_thousandth_are_summed_up() {
        let texts: Vec<String> = (0..1_003).map(|n| format!("{n:04}")).collect();
        let cells: Vec<_> = texts.iter().enumerate().map(|(n, text)| (1, text.as_str(), 2_000 - n as i64)).collect();
        let mut draft = draft(&cells);
        cut(&mut draft);
        assert_eq!(draft.rows.len(), MOST_TEXTS);
        assert_eq!(draft.remarks, ["只列出最多的 1000 条，其余 3 条共 2997 次没有列出。"]);
    }
}
