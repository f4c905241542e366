//! What all reports have in common: which counters are read, the period before beside the numbers, the small print.

use std::borrow::Cow;

use super::by_channel;
use super::compare;
use super::draft::Draft;
use super::small_print::small_print;
use super::unanswered;
use super::{AsOf, Asked, By, Compare, Context, Period, ReportName, Table, definition, draft_of, needed_for};
use crate::domain::ids::PlaybookVersion;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// The counters a report must be given. No cell is named twice, so that whatever is read can be added up.
pub fn needed(asked: &Asked) -> Vec<CounterRange> {
    let mut ranges: Vec<_> = asked.periods().flat_map(|period| needed_for(asked, period)).collect();
    if asked.report.is_by_day() {
        let (from, to) = (asked.period.from().0, asked.period.to().0);
        ranges
            .extend([CounterRange::new(Metric::Playbooks, from, to), CounterRange::new(Metric::Quarantined, from, to)]);
    }
    ranges.sort();
    let mut apart: Vec<CounterRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut() {
            Some(last) if last.metric == range.metric && range.from <= last.to.saturating_add(1) => {
                last.to = last.to.max(range.to);
                last.last_b = last.last_b.max(range.last_b);
            }
            _ => apart.push(range),
        }
    }
    apart
}

/// Builds a report from the counters that [`needed`] asked for. Days that have not begun have no row. For one with
/// [`Asked::as_of`] the counters must be [`super::as_it_stood`] on that day.
pub fn build(asked: &Asked, clock: AsOf, counters: &Counters, context: &Context) -> Table {
    let clock = asked.moment(clock);
    let (playbooks, quarantined) = (playbooks(asked, counters), quarantined(asked, counters));
    let counters = match &asked.channel {
        Some(channel) => Cow::Owned(counters.of_channel(channel)),
        None => Cow::Borrowed(counters),
    };
    let mut draft_now = match asked.by {
        By::Channel => {
            by_channel::told_apart(asked, &counters, |asked, counters| drafted(asked, (clock, counters), context))
        }
        By::Nothing | By::Referrer | By::Reason => drafted(asked, (clock, &counters), context),
    };
    if asked.report == ReportName::Unanswered {
        unanswered::cut(&mut draft_now);
    }
    let mut remarks = std::mem::take(&mut draft_now.remarks);
    remarks.extend(quarantined);
    let mut table = draft_now.into_table(definition(asked), asked.explain);
    table.small_print = small_print(asked, (clock, &table), remarks, context);
    table.playbooks = playbooks;
    table
}

/// The rows, and what they are compared with.
fn drafted(asked: &Asked, (clock, counters): (AsOf, &Counters), context: &Context) -> Draft {
    let draft = |period: Period| draft_of(asked, period, (clock, counters), context);
    match asked.compare {
        Compare::Nothing => draft(asked.period),
        Compare::Previous => compare::beside(asked, clock, (draft(asked.period), draft(asked.period.previous()))),
    }
}

/// The playbooks that answered in the period, by the first day they did.
fn playbooks(asked: &Asked, counters: &Counters) -> Vec<(BusinessDay, PlaybookVersion)> {
    let mut seen: Vec<(BusinessDay, PlaybookVersion)> = Vec::new();
    if asked.report.is_by_day() {
        for day in asked.period.days() {
            for (_, version, _) in counters.row(Metric::Playbooks, day.0).filter(|(_, _, value)| *value > 0) {
                if seen.iter().all(|(_, known)| known.as_str() != version) {
                    seen.push((day, version.into()));
                }
            }
        }
    }
    seen
}

/// What arrived in the period and is in no number.
fn quarantined(asked: &Asked, counters: &Counters) -> Option<String> {
    let days = asked.report.is_by_day().then(|| asked.period.days())?;
    let count: i64 = days.map(|day| counters.sum(Metric::Quarantined, day.0)).sum();
    (count > 0).then(|| format!("期间另有 {count} 条推送来得太晚、时间不可信或无法使用，没有计入，可在隔离区查看。"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    /// A Monday.
    const DAY: BusinessDay = BusinessDay(20_458);

    fn asked(report: ReportName, days: i32) -> Asked {
        Asked::new(report, Period::new(DAY, DAY.plus_days(days - 1)).unwrap())
    }

    fn clock(days: i32) -> AsOf {
        AsOf { now: DAY.plus_days(days).start().plus_secs(3_600), lateness: Lateness::default() }
    }

    fn cells(cells: &[(Metric, i32, i32, &str, i64)]) -> Counters {
        let key =
            |metric, day: i32, b, text: &str| CounterKey { metric, a: DAY.0 + day, b, dimension: text.to_owned() };
        cells.iter().map(|(metric, day, b, text, by)| (key(*metric, *day, *b, text), *by)).collect()
    }

    #[test]
    fn no_counter_is_read_twice() {
        for report in ReportName::ALL {
            for days in [1, 7, 8, 30] {
                let asked = Asked { compare: Compare::Previous, ..asked(report, days) };
                let mut ranges = needed(&asked);
                ranges.sort();
                let overlap =
                    ranges.windows(2).any(|pair| pair[0].metric == pair[1].metric && pair[0].to >= pair[1].from);
                assert!(!overlap, "{report:?} over {days} days: {ranges:?}");
            }
        }
    }

    #[test]
    fn a_day_is_compared_with_the_same_weekday_and_not_before_it_is_over() {
        let counters = cells(&[
            (Metric::Messages, 0, 0, "", 9),
            (Metric::Messages, 1, 0, "", 4),
            (Metric::Messages, -7, 0, "", 5),
            (Metric::Messages, -6, 0, "", 6),
        ]);
        let asked = Asked { compare: Compare::Previous, ..asked(ReportName::Activity, 2) };
        let table = build(&asked, clock(1), &counters, &Context::default());
        let of = |row, name: &str| table.cell(row, name).unwrap().to_string();
        assert_eq!([of(0, "messages"), of(0, "messages_previous"), of(0, "messages_change")], ["9", "5", "4"]);
        assert_eq!([of(1, "messages"), of(1, "messages_previous"), of(1, "messages_change")], ["4", "6", "—"]);
        assert!(table.small_print.iter().any(|line| line.contains(&DAY.plus_days(-7).to_string())));
        let terms = &table.terms[&(0, table.column("messages_change").unwrap())];
        assert_eq!(terms.iter().map(|term| term.count).collect::<Vec<_>>(), [9, -5]);
    }

    #[test]
    fn entries_of_a_menu_and_words_are_compared_by_name() {
        let counters = cells(&[
            (Metric::MenuTaps, 0, 0, "a", 1),
            (Metric::MenuTaps, 0, 0, "b", 5),
            (Metric::MenuTaps, -7, 0, "a", 4),
            (Metric::MenuTaps, -7, 0, "gone", 2),
            (Metric::Unanswered, 0, 0, "hi", 3),
            (Metric::Unanswered, -7, 0, "hi", 1),
            (Metric::Unanswered, -7, 0, "ho", 1),
            (Metric::Unanswered, 0, 0, "new", 1),
        ]);
        let shown = |report, columns: [&str; 4]| {
            let asked = Asked { compare: Compare::Previous, ..asked(report, 1) };
            let table = build(&asked, clock(1), &counters, &Context::default());
            let row = |row| columns.map(|name| table.cell(row, name).unwrap().to_string()).join(" ");
            (0..table.rows.len()).map(row).collect::<Vec<_>>()
        };
        let menu = shown(ReportName::Menu, ["key", "taps", "taps_previous", "taps_change"]);
        assert_eq!(menu, ["b 5 0 5", "a 1 4 -3", "gone 0 2 -2"]);
        let words = shown(ReportName::Unanswered, ["text", "times", "times_previous", "times_change"]);
        assert_eq!(words, ["hi 3 1 2", "new 1 0 1"]);
    }

    #[test]
    fn a_channel_sees_its_own_customers_and_everybodys_playbooks() {
        let counters = cells(&[
            (Metric::Gap, 0, -1, "store", 2),
            (Metric::Gap, 0, -1, "", 5),
            (Metric::Playbooks, 0, 0, "v1", 3),
            (Metric::Playbooks, 1, 0, "v1", 3),
            (Metric::Playbooks, 1, 0, "v2", 3),
            (Metric::Quarantined, 1, 0, "", 4),
        ]);
        let of_channel = Asked { channel: Some("store".into()), ..asked(ReportName::Activity, 2) };
        let table = build(&of_channel, clock(5), &counters, &Context::default());
        assert_eq!(table.cell(0, "dau"), Some(&super::super::Cell::Count(2)));
        assert_eq!(table.playbooks, [(DAY, "v1".into()), (DAY.plus_days(1), "v2".into())]);
        let print = table.small_print.join("\n");
        assert!(print.contains("渠道 store") && print.contains("4 条推送"), "{print}");
        let unique = Asked { channel: Some("store".into()), ..asked(ReportName::Unique, 2) };
        let table = build(&unique, clock(5), &counters, &Context::default());
        assert_eq!((table.cell(0, "customers"), table.playbooks.len()), (Some(&super::super::Cell::Count(2)), 0));
    }

    #[test]
    fn the_small_print_says_what_can_still_change_and_what_failed() {
        let context = Context {
            notes: vec!["取消关注后只保留脱敏记录。".into()],
            failed_checks: vec!["2026-01-05: x".into()],
            ..Context::default()
        };
        let print = build(&asked(ReportName::Followers, 5), clock(4), &Counters::default(), &context).small_print;
        let day = |days| DAY.plus_days(days).to_string();
        assert!(print[0].starts_with(&format!("{} 还没过完", day(4))), "{print:?}");
        assert!(print[1].starts_with(&format!("{} 至 {} 已关账", day(2), day(3))), "{print:?}");
        for told in ["再次关注不是新粉丝", "+08:00", "取消关注后只保留脱敏记录。", "2026-01-05: x", "自检没有通过"]
        {
            assert!(print.iter().any(|line| line.contains(told)), "{told}: {print:?}");
        }
        let sealed = build(&asked(ReportName::Followers, 5), clock(40), &Counters::default(), &Context::default());
        assert!(!sealed.small_print.join("").contains("已关账"));
    }

    #[test]
    fn every_definition_has_its_own_id() {
        let of = |measure| {
            let asked = Asked { measure, ..asked(ReportName::Retention, 1) };
            build(&asked, clock(1), &Counters::default(), &Context::default()).definition()
        };
        use super::super::Measure;
        let ids = [Measure::OnDay, Measure::OnOrAfter, Measure::Weekly].map(of);
        assert_eq!(ids, ["retention@1", "retention.unbounded@1", "retention.weekly@1"]);
    }

    #[test]
    fn every_column_says_what_it_means_and_every_number_how_it_is_computed() {
        for report in ReportName::ALL {
            let asked = Asked { compare: Compare::Previous, ..asked(report, 1) };
            for column in build(&asked, clock(1), &Counters::default(), &Context::default()).columns {
                assert!(column.meaning.ends_with('。'), "{report:?} {}", column.name);
                let is_number = column.kind == super::super::ColumnKind::Number;
                assert_eq!(is_number, !column.formula.is_empty(), "{report:?} {}", column.name);
            }
        }
    }
}
