//! `activity`: messages, active customers of 1, 7 and 30 days, and growth accounting (growth.md 1.4, 1.6).

use super::away::Away;
use super::draft::{Draft, Entry, Row};
use super::table::{Cell, Column, ColumnKind};
use super::term::{Term, What};
use super::{AsOf, Asked, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, GAP_FIRST, Metric};
use crate::growth::counters::Counters;
use crate::growth::lateness::DayState;

pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let gaps = looked_back(period);
    vec![
        CounterRange::new(Metric::Gap, gaps.from().0, gaps.to().0),
        CounterRange::new(Metric::Messages, period.from().0, period.to().0),
    ]
}

/// The longest window looks 29 days back.
fn looked_back(period: Period) -> Period {
    period.since(period.from().plus_days(-29))
}

fn columns() -> Vec<Column> {
    let number = |name, title| Column::plain(ColumnKind::Number, name, title);
    vec![
        Column::plain(ColumnKind::Day, "day", "日期").meaning("业务日，按北京时间 0 点切分。"),
        Column::plain(ColumnKind::State, "state", "状态")
            .meaning("这一天的数字有多确定：进行中、待定、已关账、已封存。"),
        number("messages", "消息数")
            .meaning("客户主动发起的次数：发消息、点菜单、已关注时扫码；关注、取消关注和我们发出的都不算。")
            .formula("M(d)"),
        number("dau", "日活跃")
            .meaning("这一天主动来过的客户，每位只算一次；只关注不说话不算活跃。")
            .formula("DAU(d) = Σ_g G[d,g]"),
        number("r7", "7日活跃")
            .meaning("到这一天为止的 7 天里来过的客户，每位只算一次，不是 7 个日活跃相加。")
            .formula("R7(d) = uniq(d−6, d) = Σ_{e=d−6..d} Σ_{e−g < d−6} G[e,g]"),
        number("r30", "30日活跃")
            .meaning("到这一天为止的 30 天里来过的客户，每位只算一次，不是自然月。")
            .formula("R30(d) = uniq(d−29, d) = Σ_{e=d−29..d} Σ_{e−g < d−29} G[e,g]"),
        number("new", "新增活跃")
            .meaning("有生以来第一次活跃的客户；和新关注是两回事，关注了不一定活跃。")
            .formula("new(d) = G[d,FIRST]"),
        number("returning", "连续活跃").meaning("前一天和这一天都活跃的客户。").formula("returning(d) = G[d,1]"),
        number("resurrected", "回流")
            .meaning("以前活跃过、前一天没来、这一天又来的客户。")
            .formula("resurrected(d) = DAU(d) − G[d,FIRST] − G[d,1]"),
        number("dormant", "转沉默")
            .meaning("前一天活跃、这一天没有来的客户；这一天过完才知道。")
            .formula("dormant(d) = DAU(d−1) − G[d,1]"),
    ]
}

pub(super) fn build(asked: &Asked, period: Period, (clock, counters): (AsOf, &Counters)) -> Draft {
    let away = Away::of(counters, looked_back(period));
    let mut rows = Vec::new();
    for day in period.days() {
        let Some(state) = clock.state(day) else { break };
        let messages = match asked.channel {
            Some(_) => Entry::unknown(),
            None => Entry::sum(vec![Term::new("客户主动发起", counters.sum(Metric::Messages, day.0))]),
        };
        let rolling = |days: i32| {
            let window = Period::new(day.plus_days(1 - days), day);
            window.map_or_else(|_| Entry::unknown(), |window| Entry::sum(away.first_seen(window)))
        };
        let entries = vec![
            Cell::Day(day).into(),
            Cell::State(state).into(),
            messages,
            Entry::sum(away.by_gap(day, |_| true)),
            rolling(7),
            rolling(30),
            Entry::sum(away.by_gap(day, |gap| gap == GAP_FIRST)),
            Entry::sum(away.by_gap(day, |gap| gap == 1)),
            Entry::sum(away.by_gap(day, |gap| gap != GAP_FIRST && gap != 1)),
            dormant(counters, (day, state)),
        ];
        rows.push(Row { ends: day, entries });
    }
    let mut remarks = vec!["活跃只看客户主动发起的行为；几天的去重客户数不能由每天的数相加得到。".to_owned()];
    if asked.channel.is_some() {
        remarks.push("消息数不分渠道，按渠道看时显示为 —。".to_owned());
    }
    Draft { columns: columns(), rows, remarks }
}

/// Whoever was active yesterday can still come back today: the one cell that would fall as the day goes on.
fn dormant(counters: &Counters, (day, state): (BusinessDay, DayState)) -> Entry {
    if state == DayState::Open {
        return Entry::unknown();
    }
    let before = day.plus_days(-1);
    let active = counters.sum(Metric::Gap, before.0);
    let again = counters.get(Metric::Gap, (day.0, 1));
    Entry::sum(vec![Term::new(What::Active(before), active), Term::new("其中这一天又来", -again)])
}

#[cfg(test)]
mod tests {
    use super::super::ReportName;
    use super::*;
    use crate::growth::counter::{CounterKey, GAP_FAR};
    use crate::growth::lateness::Lateness;

    const DAY: BusinessDay = BusinessDay(20_000);

    fn draft((now_days, now_secs): (i32, i64), channel: Option<&str>) -> Draft {
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: String::new() };
        let cells = [
            (key(Metric::Gap, DAY.0, GAP_FIRST), 3),
            (key(Metric::Gap, DAY.0 + 1, 1), 1),
            (key(Metric::Gap, DAY.0 + 1, 20), 2),
            (key(Metric::Gap, DAY.0 + 1, GAP_FAR), 4),
            (key(Metric::Messages, DAY.0 + 1, 0), 8),
        ];
        let clock = AsOf { now: DAY.plus_days(now_days).start().plus_secs(now_secs), lateness: Lateness::default() };
        let period = Period::new(DAY.plus_days(1), DAY.plus_days(2)).unwrap();
        let asked = Asked { channel: channel.map(Into::into), ..Asked::new(ReportName::Activity, period) };
        build(&asked, period, (clock, &cells.into_iter().collect()))
    }

    fn cells(now: (i32, i64)) -> Vec<String> {
        let row = |row: Row| row.entries[1..].iter().map(|e| e.cell.to_string()).collect::<Vec<_>>().join(" ");
        draft(now, None).rows.into_iter().map(row).collect()
    }

    #[test]
    fn today_is_shown_as_it_stands_and_who_will_stay_away_is_not_known_yet() {
        assert_eq!(cells((1, 60)), ["open 8 7 9 7 0 1 6 —"]);
    }

    #[test]
    fn a_day_that_has_not_begun_has_no_row() {
        assert_eq!(cells((0, 60)), [""; 0]);
        assert_eq!(cells((2, 60)), ["provisional 8 7 9 7 0 1 6 2", "open 0 0 9 7 0 0 0 —"]);
    }

    #[test]
    fn a_day_is_closed_and_then_sealed() {
        assert_eq!(cells((3, 0)), ["closed 8 7 9 7 0 1 6 2", "provisional 0 0 9 7 0 0 0 7"]);
        assert_eq!(cells((4, 0))[0], "sealed 8 7 9 7 0 1 6 2");
    }

    #[test]
    fn the_active_of_a_day_open_into_how_long_they_had_been_away() {
        let row = draft((2, 0), None).rows.remove(0);
        let terms = |column: usize| {
            let terms = row.entries[column].terms.iter();
            terms.map(|term| format!("{} {}", term.what, term.count)).collect::<Vec<_>>()
        };
        assert_eq!(terms(3), ["前一天也活跃 1", "上次活跃在 20 天前 2", "上次活跃在 92 天以前 4"]);
        assert_eq!(terms(4), ["2024-10-04 首次出现 3", "2024-10-05 首次出现 6"]);
        assert_eq!(terms(9), ["2024-10-04 活跃 3", "其中这一天又来 -1"]);
    }

    #[test]
    fn messages_are_not_known_by_channel() {
        let draft = draft((2, 0), Some("store"));
        assert_eq!(draft.rows[0].entries[2].cell, Cell::Unknown);
        assert!(draft.remarks[1].contains("消息数"));
    }
}
