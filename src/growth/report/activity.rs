//! `activity`: messages, active customers of 1, 7 and 30 days, and growth accounting (growth.md 1.4, 1.6).

use super::table::{Cell, Column, Table};
use super::{AsOf, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::Metric;
use crate::growth::counters::Counters;
use crate::growth::lateness::DayState;

/// The longest window looks 29 days back.
pub(super) fn needed(from: BusinessDay, to: BusinessDay) -> Vec<(Metric, i32, i32)> {
    vec![(Metric::Gap, from.plus_days(-29).0, to.0), (Metric::Messages, from.0, to.0)]
}

pub(super) fn build(period: Period, clock: AsOf, counters: &Counters) -> Table {
    let columns = Column::list([
        ("day", "日期"),
        ("state", "状态"),
        ("messages", "消息数"),
        ("dau", "日活跃"),
        ("r7", "7日活跃"),
        ("r30", "30日活跃"),
        ("new", "新增活跃"),
        ("returning", "连续活跃"),
        ("resurrected", "回流"),
        ("dormant", "转沉默"),
    ]);
    let mut rows = Vec::new();
    for day in period.days() {
        let Some(state) = DayState::of(day, clock.now) else { break };
        let life = counters.lifecycle(day);
        let rolling = |days: i32| counters.unique(day.plus_days(1 - days), day).map_or(Cell::Unknown, Cell::Count);
        // Whoever was active yesterday can still come back today: the one cell that would fall as the day goes on.
        let dormant = if state == DayState::Open { Cell::Unknown } else { Cell::Count(life.dormant) };
        rows.push(vec![
            Cell::Day(day),
            Cell::State(state),
            Cell::Count(counters.sum(Metric::Messages, day.0)),
            Cell::Count(life.active),
            rolling(7),
            rolling(30),
            Cell::Count(life.new),
            Cell::Count(life.returning),
            Cell::Count(life.resurrected),
            dormant,
        ]);
    }
    Table { name: "activity", version: 1, columns, rows }
}
