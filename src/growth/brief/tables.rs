//! As tables, for CSV and spreadsheets.

use super::cohorts::WeekCell;
use super::daily::Daily;
use super::details::Details;
use super::named::{Difference, Named};
use super::weekly::Weekly;
use super::weekly_words::DEFINITIONS;
use crate::growth::report::{Cell, Column, ColumnKind, Table};

/// A row of the first table: section, name, value, and the value it is held against.
type Row = (&'static str, String, Cell, Cell);

pub(super) fn daily(daily: &Daily) -> Vec<(&'static str, Table)> {
    let mut rows = numbers(&daily.numbers, daily.week_before.as_ref());
    rows.extend(service(&daily.details));
    rows.extend(quality(&daily.details));
    let about = daily.day.to_string();
    let mut tables = vec![("日报", first("daily", &about, rows)), ("更正", changed(&daily.details.changes))];
    tables.extend(daily.platform.as_deref().map(|differences| ("对账", platform(differences))));
    tables.push(("要做的事", list("todo", "要做的事", &daily.todo)));
    tables
}

pub(super) fn weekly(weekly: &Weekly) -> Vec<(&'static str, Table)> {
    let mut rows = numbers(&weekly.numbers, weekly.week_before.as_ref());
    rows.extend(service(&weekly.details));
    for standing in &weekly.standing {
        let name = |part: &str| format!("{part}_{}", standing.after_days);
        let known = |count| if standing.ripe.whole > 0 { Cell::Count(count) } else { Cell::Unknown };
        rows.push(("standing", name("follows"), known(standing.ripe.whole), Cell::Unknown));
        rows.push(("standing", name("still"), known(standing.ripe.part), Cell::Unknown));
    }
    rows.extend(quality(&weekly.details));
    vec![
        ("周报", first("weekly", &weekly.week, rows)),
        ("近几周", trend(weekly)),
        ("留存", cohorts(weekly)),
        ("更正", changed(&weekly.details.changes)),
        ("小结", list("words", "这一周", &weekly.words)),
    ]
}

/// The numbers by the names they are stored under, so that no list of them falls behind.
fn numbers<T: serde::Serialize>(now: &T, before: Option<&T>) -> Vec<Row> {
    let object = |numbers: &T| match serde_json::to_value(numbers) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    let before = before.map(object).unwrap_or_default();
    let cell = |value: Option<&serde_json::Value>| {
        value.and_then(serde_json::Value::as_i64).map_or(Cell::Unknown, Cell::Count)
    };
    let rows = object(now).into_iter().map(|(name, value)| {
        let held_against = cell(before.get(&name));
        ("number", name, cell(Some(&value)), held_against)
    });
    rows.collect()
}

fn service(details: &Details) -> Vec<Row> {
    let count = |name: &str, count| ("service", name.to_owned(), Cell::Count(count), Cell::Unknown);
    let mut rows: Vec<Row> = named("channel", &details.channels).collect();
    rows.extend(named("menu", &details.menu));
    rows.push(count("unanswered", details.unanswered));
    rows.extend(named("unanswered", &details.unanswered_words));
    if let Some(stars) = details.stars {
        rows.extend([count("stars", stars.stars), count("ratings", stars.ratings)]);
    }
    rows
}

fn quality(details: &Details) -> Vec<Row> {
    let count = |name: &str, count| ("quality", name.to_owned(), Cell::Count(count), Cell::Unknown);
    let failed = details.failed.iter().map(|line| ("failed", line.clone(), Cell::Unknown, Cell::Unknown));
    [count("quarantined", details.quarantined), count("late", details.late)].into_iter().chain(failed).collect()
}

fn named<'a>(section: &'static str, names: &'a [Named]) -> impl Iterator<Item = Row> + 'a {
    names.iter().map(move |named| (section, named.name.clone(), Cell::Count(named.count), Cell::Unknown))
}

/// Columns with fixed names and titles.
fn columns<const N: usize>(columns: [(&'static str, &'static str); N]) -> Vec<Column> {
    let kind = |name| match name {
        "day" => ColumnKind::Day,
        "period" | "section" | "name" | "what" | "late" | "text" | "week" | "channel" | "cohort" => ColumnKind::Text,
        _ => ColumnKind::Number,
    };
    columns.into_iter().map(|(name, title)| Column::plain(kind(name), name, title)).collect()
}

fn table(name: &'static str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Table {
    let small_print = DEFINITIONS.map(str::to_owned).to_vec();
    Table { name, version: 1, columns, rows, small_print, ..Table::default() }
}

fn first(name: &'static str, about: &str, rows: Vec<Row>) -> Table {
    let heads = columns([
        ("period", "日期"),
        ("section", "类别"),
        ("name", "名称"),
        ("value", "数值"),
        ("week_before", "一周前"),
    ]);
    let rows = rows.into_iter().map(|(section, name, value, before)| {
        vec![Cell::Text(about.to_owned()), Cell::Text(section.to_owned()), Cell::Text(name), value, before]
    });
    table(name, heads, rows.collect())
}

fn changed(changes: &[super::changes::Change]) -> Table {
    let heads = columns([("day", "日期"), ("what", "数字"), ("was", "当时"), ("now", "现在"), ("late", "因为晚到")]);
    let rows = changes.iter().map(|change| {
        let late = if change.late { "是" } else { "否" };
        let what = Cell::Text(change.what.clone());
        vec![Cell::Day(change.day), what, Cell::Count(change.was), Cell::Count(change.now), Cell::Text(late.into())]
    });
    table("changed", heads, rows.collect())
}

fn platform(differences: &[Difference]) -> Table {
    let heads = columns([("what", "数字"), ("ours", "我们"), ("platform", "微信后台")]);
    let rows = differences.iter().map(|difference| {
        let what = Cell::Text(difference.what.clone());
        vec![what, Cell::Count(difference.ours), Cell::Count(difference.theirs)]
    });
    table("platform", heads, rows.collect())
}

fn list(name: &'static str, title: &'static str, lines: &[String]) -> Table {
    let rows = lines.iter().map(|line| vec![Cell::Text(line.clone())]);
    table(name, columns([("text", title)]), rows.collect())
}

fn trend(weekly: &Weekly) -> Table {
    let heads = columns([
        ("week", "周"),
        ("follows", "新关注"),
        ("unfollows", "取关"),
        ("net", "净增"),
        ("total", "粉丝总数"),
        ("wau", "WAU"),
        ("new", "新增活跃"),
        ("returning", "连续活跃"),
        ("resurrected", "回流"),
        ("dormant", "转沉默"),
        ("messages", "客户消息"),
    ]);
    let rows = weekly.trend.iter().map(|week| {
        let n = &week.numbers;
        let counts = [n.follows, n.unfollows, n.net(), n.total, n.wau, n.new, n.returning, n.resurrected];
        let mut row = vec![Cell::Text(week.week.clone())];
        row.extend(counts.map(Cell::Count));
        row.extend([n.dormant.map_or(Cell::Unknown, Cell::Count), Cell::Count(n.messages)]);
        row
    });
    table("trend", heads, rows.collect())
}

fn cohorts(weekly: &Weekly) -> Table {
    let heads = columns([
        ("channel", "来源"),
        ("cohort", "新来的那周"),
        ("size", "人数"),
        ("w1", "第1周"),
        ("w2", "第2周"),
        ("w3", "第3周"),
        ("w4", "第4周"),
    ]);
    let rows = weekly.cohorts.iter().map(|cohort| {
        let head = [Cell::Text(cohort.channel.clone()), Cell::Text(cohort.week.clone()), Cell::Count(cohort.size)];
        let weeks = cohort.weeks.iter().map(|cell| match cell {
            WeekCell::Known(active) => Cell::Count(*active),
            WeekCell::Ripening { passed, of } => Cell::Text(format!("{passed}/{of} 天")),
        });
        head.into_iter().chain(weeks).collect()
    });
    table("cohorts", heads, rows.collect())
}
