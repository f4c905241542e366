use super::super::{Compare, Context, Period, ReportName, build as report};
use super::*;
use crate::domain::referral::refusal::Refusal;
use crate::growth::counter::CounterKey;
use crate::growth::lateness::Lateness;

const DAY: i32 = 20_458;

fn attributed(qualified: bool, left: bool, (within_days, hold_days): (u8, u8)) -> Invite {
    Invite::Attributed(Funnel { qualified, left, within_days, hold_days })
}

/// Friends of two campaigns and two inviters.
fn counters() -> Counters {
    let (week, fortnight) = ((7, 5), (7, 14));
    let cells = [
        (0, "spring/a", attributed(true, false, week), 3),
        (0, "spring/b", attributed(true, true, week), 1),
        (0, "spring/b", attributed(false, false, week), 2),
        (0, "spring/b", Invite::Refused(Refusal::OwnCode), 2),
        (0, "spring/a", Invite::Refused(Refusal::Ended), 1),
        (0, "spring/a", Invite::Again(Refusal::NotNew), 4),
        (1, "spring/a", attributed(true, false, week), 1),
        (1, "spring/b", attributed(false, true, fortnight), 1),
        (1, "autumn/a", attributed(true, false, (0, 0)), 5),
        (-7, "spring/a", attributed(true, false, week), 6),
        (-6, "gone/a", Invite::Refused(Refusal::Staff), 1),
    ];
    let mut counters = Counters::default();
    for (day, by, invite, count) in cells {
        let campaign = by.split_once('/').unwrap().0;
        for (metric, dimension) in [(Metric::InvitesBy, by), (Metric::Invites, campaign)] {
            let key = CounterKey { metric, a: DAY + day, b: invite.number(), dimension: dimension.to_owned() };
            counters.add(key, count);
        }
    }
    counters
}

fn asked(by: By, days: (i32, i32)) -> Asked {
    let period = Period::new(BusinessDay(DAY + days.0), BusinessDay(DAY + days.1)).unwrap();
    Asked { by, ..Asked::new(ReportName::Referral, period) }
}

fn clock(days: i32) -> AsOf {
    AsOf { now: BusinessDay(DAY + days).start().plus_secs(3_600), lateness: Lateness::default() }
}

fn shown(asked: &Asked, now: i32) -> Vec<String> {
    let table = report(asked, clock(now), &counters(), &Context::default());
    let cell = |cell: &Cell| match cell {
        Cell::Day(day) => (day.0 - DAY).to_string(),
        Cell::Text(words) if words.is_empty() => "·".to_owned(),
        other => other.to_string(),
    };
    table.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn friends_are_told_by_campaign_and_day_and_nothing_is_told_before_it_is_final() {
    let plain = asked(By::Nothing, (0, 1));
    let over = [
        "autumn 0 0 0 0 0 — 0 0 0",
        "autumn 1 5 5 0 0 — 5 0 5",
        "spring 0 6 4 1 3 — 3 4 9",
        "spring 1 2 1 1 0 — 1 0 2",
    ];
    assert_eq!(shown(&plain, 40), over);
    // The 7 days of the first day are over, those of the second are not, nor is its longer hold.
    assert_eq!(shown(&plain, 8)[2..], ["spring 0 6 4 1 3 — 3 4 9", "spring 1 2 — — 0 — — 0 2"]);
    assert_eq!(shown(&plain, 6)[2..], ["spring 0 6 — 1 3 — — 4 9", "spring 1 2 — — 0 — — 0 2"], "the hold is shorter");
    let begun = ["autumn 0 0 — — 0 — — 0 0", "spring 0 6 — — 3 — — 4 9"];
    assert_eq!(shown(&plain, 0), begun, "only days that have begun");
    assert_eq!(shown(&plain, 9)[1], "autumn 1 5 5 0 0 — 5 0 5", "terms without a wait are known when the day is over");
    assert!(shown(&asked(By::Nothing, (20, 30)), 40).is_empty());
}

#[test]
fn rows_by_referrer_and_by_reason_add_up_to_the_plain_ones() {
    let by_referrer = [
        "autumn 1 a · 5 5 0 0 — 5 0 5",
        "spring 0 a · 3 3 0 0 — 3 0 3",
        "spring 0 a ended 0 0 0 1 — 0 0 1",
        "spring 0 a not_new 0 0 0 0 — 0 4 0",
        "spring 0 b · 3 1 1 0 — 0 0 3",
        "spring 0 b own_code 0 0 0 2 — 0 0 2",
        "spring 1 a · 1 1 0 0 — 1 0 1",
        "spring 1 b · 1 0 1 0 — 0 0 1",
    ];
    assert_eq!(shown(&asked(By::Referrer, (0, 1)), 40), by_referrer);
    let by_reason = [
        "autumn 1 · 5 5 0 0 — 5 0 5",
        "spring 0 · 6 4 1 0 — 3 0 6",
        "spring 0 ended 0 0 0 1 — 0 0 1",
        "spring 0 not_new 0 0 0 0 — 0 4 0",
        "spring 0 own_code 0 0 0 2 — 0 0 2",
        "spring 1 · 2 1 1 0 — 1 0 2",
    ];
    assert_eq!(shown(&asked(By::Reason, (0, 1)), 40), by_reason);
    let table = report(&asked(By::Reason, (0, 1)), clock(40), &counters(), &Context::default());
    let told = table.small_print.iter().find(|line| line.starts_with("原因：")).unwrap();
    assert!(told.contains("own_code：用的是自己的邀请码") && !told.contains("staff"), "{told}");
}

#[test]
fn a_number_opens_into_what_became_of_the_friends_and_why_others_were_refused() {
    let table = report(&asked(By::Nothing, (0, 0)), clock(40), &counters(), &Context::default());
    let terms = |name: &str| {
        let terms = table.terms.get(&(0, table.column(name).unwrap())).cloned().unwrap_or_default();
        terms.into_iter().map(|term| (term.what.to_string(), term.count)).collect::<Vec<_>>()
    };
    let of = |told: &[(&str, i64)]| told.iter().map(|(what, n)| ((*what).to_owned(), *n)).collect::<Vec<_>>();
    assert_eq!(terms("clawed_back"), of(&[("达标，离开了", 1)]));
    assert_eq!(terms("refused"), of(&[("用的是自己的邀请码", 2), ("朋友来的时候活动已经结束", 1)]));
    assert_eq!(terms("coded").iter().map(|(_, n)| n).sum::<i64>(), 9);
}

#[test]
fn a_campaign_is_compared_with_itself_on_the_same_weekday() {
    let before = Asked { compare: Compare::Previous, ..asked(By::Nothing, (0, 1)) };
    let table = report(&before, clock(40), &counters(), &Context::default());
    let of = |row: usize, name: &str| table.cell(row, name).unwrap().to_string();
    let told = |row| {
        let name = format!("{} {}", of(row, "campaign"), of(row, "day"));
        (name, ["attributed", "attributed_previous", "attributed_change"].map(|column| of(row, column)).join(" "))
    };
    let expected = [
        ("autumn 2026-01-05", "0 0 0"),
        ("autumn 2026-01-06", "5 0 5"),
        ("gone 2026-01-05", "0 0 0"),
        ("gone 2026-01-06", "0 0 0"),
        ("spring 2026-01-05", "6 6 0"),
        ("spring 2026-01-06", "2 0 2"),
    ];
    let expected = expected.map(|(name, told)| (name.to_owned(), told.to_owned()));
    assert_eq!((0..table.rows.len()).map(told).collect::<Vec<_>>(), expected);
    assert_eq!((of(3, "refused_previous"), of(3, "refused_change")), ("1".into(), "-1".into()));
}

#[test]
fn rewards_are_told_where_they_are_known_and_what_a_kept_follower_cost_once_all_is_over() {
    let granted = |count, cost_fen| Granted { count, cost_fen };
    let rewards = |cost_fen| {
        let at = |campaign: &str, day| (campaign.to_owned(), BusinessDay(DAY + day));
        Rewards(BTreeMap::from([
            (at("spring", 0), granted(2, Some(1_000))),
            (at("spring", 1), granted(1, Some(500))),
            (at("autumn", 1), granted(4, cost_fen)),
        ]))
    };
    let told = |rewards, now| {
        let context = Context { rewards: Some(rewards), ..Context::default() };
        report(&asked(By::Nothing, (0, 1)), clock(now), &counters(), &context)
    };
    let table = told(rewards(None), 40);
    let column: Vec<_> = (0..4).map(|row| table.cell(row, "rewards_granted").unwrap().to_string()).collect();
    assert_eq!(column, ["0", "4", "2", "1"]);
    let costs = |table: &super::super::Table| {
        table.small_print.iter().filter(|line| line.contains("平均每位")).cloned().collect::<Vec<_>>()
    };
    // 8 were attributed, 2 left.
    assert_eq!(costs(&table), ["活动 spring 这段时间发出 15.00 元的奖励，留下 6 位新粉丝，平均每位 2.50 元。"]);
    assert_eq!(
        costs(&told(rewards(Some(1_234)), 40))[0],
        "活动 autumn 这段时间发出 12.34 元的奖励，留下 5 位新粉丝，平均每位 2.47 元。"
    );
    assert!(costs(&told(rewards(None), 8)).is_empty(), "the longer hold is not over");
}
