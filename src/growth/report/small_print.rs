//! What stands below every report: the zone, what is not final, what an unfollow deletes, what failed its check.

use super::table::{Cell, ColumnKind, Table};
use super::{AsOf, Asked, Compare, Context, compare};
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;
use crate::growth::lateness::DayState;

/// The sentences for `table`; `remarks` are those about these numbers and no others.
pub(super) fn small_print(
    asked: &Asked,
    (clock, table): (AsOf, &Table),
    remarks: Vec<String>,
    context: &Context,
) -> Vec<String> {
    let mut print = Vec::new();
    if let Some(day) = asked.as_of {
        print.push(format!("这是 {day} 关账时的数字，之后才到的迟到事件不计入。"));
    }
    if let Some(channel) = &asked.channel {
        print.push(by_channel(channel));
    }
    print.extend(not_final(asked, clock));
    if asked.compare == Compare::Previous {
        print.push(compare::remark(asked.period));
    }
    print.extend(remarks);
    let numbers = |row: &Vec<Cell>| {
        table.columns.iter().zip(row).any(|(c, cell)| c.kind == ColumnKind::Number && *cell == Cell::Unknown)
    };
    if table.rows.iter().any(numbers) {
        print.push("— 表示还不知道，不是 0。".to_owned());
    }
    print.extend(context.notes.iter().cloned());
    print.push("业务日按北京时间（+08:00）0 点切分，一周从星期一开始。".to_owned());
    if !context.failed_checks.is_empty() {
        print.push("下面的自检没有通过，相关日期的数字暂时不可信，请联系维护人员：".to_owned());
        print.extend(context.failed_checks.iter().cloned());
    }
    print
}

fn by_channel(channel: &Channel) -> String {
    let whom = match channel.as_str() {
        "" => "不是扫渠道码来的客户".to_owned(),
        Channel::OTHER => "扫其他码来的客户".to_owned(),
        channel => format!("从渠道 {channel} 来的客户"),
    };
    format!("只统计{whom}；渠道由客户一生的第一次关注决定，以后不变。")
}

/// Which days of the period can still change, and how.
fn not_final(asked: &Asked, clock: AsOf) -> Vec<String> {
    let in_state = |state| {
        let days = asked.period.days().filter(move |day| clock.state(*day) == Some(state));
        let days: Vec<BusinessDay> = days.collect();
        Some((*days.first()?, *days.last()?))
    };
    let named = |(first, last): (BusinessDay, BusinessDay)| {
        if first == last { first.to_string() } else { format!("{first} 至 {last}") }
    };
    let said = |state, words: String| in_state(state).map(|days| format!("{}{words}", named(days)));
    let late = clock.lateness.days();
    [
        said(DayState::Open, " 还没过完，数字还在变。".to_owned()),
        said(DayState::Provisional, " 刚过完，零点前后的消息可能还在路上，数字待定。".to_owned()),
        said(DayState::Closed, format!(" 已关账；迟到不超过 {late} 天的事件仍会计入发生的那天，数字可能略有变化。")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
