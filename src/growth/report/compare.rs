//! The period before beside a report (growth.md 1.1): the same weekdays, and never a part of a day against a whole one.

use std::collections::BTreeMap;

use super::draft::{Draft, Entry, Row};
use super::table::{Cell, Column, ColumnKind};
use super::term::Term;
use super::{AsOf, Asked, Period, ReportName};
use crate::domain::time::BusinessDay;

/// Puts `x_previous` and `x_change` behind every number `x`.
pub(super) fn beside(asked: &Asked, clock: AsOf, (draft, previous): (Draft, Draft)) -> Draft {
    let (from, from_before) = (asked.period.from(), asked.period.previous().from());
    let numbers: Vec<bool> = draft.columns.iter().map(|column| column.kind == ColumnKind::Number).collect();
    let mut partners = Partners::of(asked.report, (previous.rows, from_before));
    let rows = draft.rows.into_iter().enumerate().map(|(n, row)| {
        let partner = partners.take(n, (&row, from));
        // Not until the row is final: before, only a part of it would stand against the whole of the other.
        let is_whole = clock.is_past(row.ends);
        let mut entries = Vec::with_capacity(row.entries.len() * 3);
        for (column, entry) in row.entries.into_iter().enumerate() {
            if !numbers.get(column).copied().unwrap_or_default() {
                entries.push(entry);
                continue;
            }
            let before = partner.entry(column, &entry);
            let change = match (entry.count(), before.count()) {
                (Some(now), Some(then)) if is_whole => {
                    Entry::sum(vec![Term::new("本期", now), Term::new("上期", -then)])
                }
                _ => Entry::unknown(),
            };
            entries.extend([entry, before, change]);
        }
        Row { ends: row.ends, entries }
    });
    let rows = rows.collect();
    let columns = draft.columns.into_iter().flat_map(columns).collect();
    Draft { columns, rows, remarks: draft.remarks }
}

fn columns(column: Column) -> Vec<Column> {
    if column.kind != ColumnKind::Number {
        return vec![column];
    }
    let more = |suffix: &str, (title, meaning): (&str, &str)| {
        let (name, title) = (format!("{}_{suffix}", column.name), format!("{}（{title}）", column.title));
        Column::plain(ColumnKind::Number, name, title).meaning(meaning.to_owned())
    };
    let previous = more("previous", ("上期", "上一期相同星期里的同一个数。")).formula("x(d − s)，s 是整周");
    let change = more("change", ("变化", "本期减上期；有一边还不确定时不比较。")).formula("x(d) − x(d − s)");
    vec![column, previous, change]
}

/// What is said about it.
pub(super) fn remark(period: Period) -> String {
    let before = period.previous();
    format!("对比的上期是 {} 至 {}，星期相同；还没过完的日子不比较，显示为 —。", before.from(), before.to())
}

/// The rows of the period before, as those of this one are found in it.
enum Partners {
    ByPlace(Vec<Option<Row>>),
    /// By their words, and by how long after the beginning of their period they end.
    ByWords(BTreeMap<(String, i32), Row>),
}

/// The row that one is compared with.
enum Partner {
    Row(Row),
    /// There is none.
    Unknown,
    /// There is none, because nothing happened.
    Zero,
}

impl Partners {
    fn of(report: ReportName, (rows, from): (Vec<Row>, BusinessDay)) -> Self {
        match report {
            ReportName::Menu | ReportName::Unanswered | ReportName::Referral => {
                Self::ByWords(rows.into_iter().map(|row| (named(&row, from), row)).collect())
            }
            ReportName::Followers
            | ReportName::Activity
            | ReportName::Unique
            | ReportName::Retention
            | ReportName::Survival
            | ReportName::KFactor
            | ReportName::Cycle
            | ReportName::Datacube => Self::ByPlace(rows.into_iter().map(Some).collect()),
        }
    }

    fn take(&mut self, place: usize, (row, from): (&Row, BusinessDay)) -> Partner {
        match self {
            Self::ByPlace(rows) => rows.get_mut(place).and_then(Option::take).map_or(Partner::Unknown, Partner::Row),
            Self::ByWords(rows) => rows.remove(&named(row, from)).map_or(Partner::Zero, Partner::Row),
        }
    }
}

/// The words a row begins with, its day aside.
fn named(row: &Row, from: BusinessDay) -> (String, i32) {
    let cells = row.entries.iter().map(|entry| &entry.cell);
    let words = cells.filter(|cell| !matches!(cell, Cell::Day(_))).map_while(|cell| match cell {
        Cell::Text(text) => Some(text.as_str()),
        _ => None,
    });
    (words.collect::<Vec<_>>().join("\u{0}"), row.ends.days_since(from))
}

impl Partner {
    fn entry(&self, column: usize, beside: &Entry) -> Entry {
        match self {
            Self::Row(row) => row.entries.get(column).cloned().unwrap_or_else(Entry::unknown),
            Self::Zero if beside.cell != Cell::Unknown => Entry::sum(Vec::new()),
            Self::Unknown | Self::Zero => Entry::unknown(),
        }
    }
}
