//! Random friends who come by personal codes, through the engine, and the reports against the definitions of growth.md 1.7
//! taken by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{By, Cell, ReportName, Table};
use super::*;
use crate::domain::customer::Customer;
use crate::domain::fact::{Fact, FactKind, Invited};
use crate::domain::ids::DedupeKey;
use crate::domain::referral::refusal::Refusal;
use crate::domain::referral::terms::Terms;
use crate::domain::referral::{Friend, Inviter};
use crate::growth::counters::Counters;
use crate::growth::record::record;

const CAMPAIGNS: [&str; 2] = ["autumn", "spring"];

/// A personal code as the playbook sees it.
#[derive(Clone, Debug)]
struct Code {
    campaign: usize,
    inviter: u64,
    terms: usize,
    refused: Option<Refusal>,
}

impl Code {
    fn terms(&self) -> Terms {
        let (active_days, within_days, hold_days) = [(1, 7, 5), (0, 0, 14), (2, 10, 3)][self.terms];
        Terms { active_days, within_days, hold_days, ..Terms::default() }
    }

    /// Some inviters follow later than some of the friends.
    fn since(&self) -> UnixSecs {
        START.start().plus_secs([-3, 2, 9][self.inviter as usize - 1] * DAY_SECS + 77)
    }

    fn invited(&self, (friend, written): (usize, bool)) -> FactKind {
        FactKind::Invited(Box::new(Invited {
            campaign: CAMPAIGNS[self.campaign].into(),
            inviter: Inviter(self.inviter),
            since: self.since(),
            friend: Friend(friend as u64),
            terms: self.terms(),
            refused: self.refused,
            written,
            code: "i_x".into(),
        }))
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Follow(Option<Code>),
    Leave,
    Say,
    Write(Code),
}

#[derive(Clone, Debug)]
struct Did {
    customer: usize,
    at: UnixSecs,
    deed: Deed,
}

fn code() -> impl Strategy<Value = Code> {
    let refused = prop_oneof![3 => Just(None), 1 => proptest::sample::select(&Refusal::ALL[..]).prop_map(Some)];
    (0..2usize, 1..4u64, 0..3usize, refused).prop_map(|(campaign, inviter, terms, refused)| Code {
        campaign,
        inviter,
        terms,
        refused,
    })
}

fn deeds(customers: usize, days: i64) -> impl Strategy<Value = Vec<Did>> {
    let deed = prop_oneof![
        4 => proptest::option::weighted(0.8, code()).prop_map(Deed::Follow),
        2 => Just(Deed::Leave),
        4 => Just(Deed::Say),
        1 => code().prop_map(Deed::Write),
    ];
    let did = (0..customers, 0..days * DAY_SECS, deed).prop_map(|(customer, secs, deed)| Did {
        customer,
        at: START.start().plus_secs(secs),
        deed,
    });
    proptest::collection::vec(did, 1..80).prop_map(|mut all| {
        all.sort_by_key(|did| (did.customer, did.at));
        all.dedup_by_key(|did| (did.customer, did.at));
        all.sort_by_key(|did| did.at);
        all
    })
}

fn counted(all: &[Did]) -> Counters {
    let mut customers = BTreeMap::<usize, Customer>::new();
    let mut counters = Counters::default();
    for (n, did) in all.iter().enumerate() {
        let followed = FactKind::Followed { scene: None, channel: Default::default() };
        let what = match &did.deed {
            Deed::Follow(None) => vec![followed],
            Deed::Follow(Some(code)) => vec![code.invited((did.customer, false)), followed],
            Deed::Leave => vec![FactKind::Unfollowed],
            Deed::Say => vec![FactKind::Messaged],
            Deed::Write(code) => vec![code.invited((did.customer, true)), FactKind::Messaged],
        };
        let fact = |what| Fact { at: did.at, arrived: did.at, key: DedupeKey(n as u64), playbook: "p".into(), what };
        let facts: Vec<Fact> = what.into_iter().map(fact).collect();
        let customer = customers.entry(did.customer).or_default();
        for increment in record(customer, &facts, Lateness::default()).increments {
            counters.add(increment.key, increment.by);
        }
    }
    counters
}

/// What became of one code that somebody came by.
#[derive(Clone, Debug)]
struct Outcome {
    day: i32,
    code: Code,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Attributed { qualified: bool, left: bool },
    Refused(Refusal),
    Again(Refusal),
}

/// By the definitions, from everything one customer did, in order; and the day of their first follow.
fn outcomes(all: &[&Did]) -> (Vec<Outcome>, Option<i32>) {
    let day = |at: UnixSecs| at.business_day().0;
    let mut outcomes = Vec::new();
    let mut again = |at, code: &Code, reason| {
        outcomes.push(Outcome { day: day(at), code: code.clone(), fate: Fate::Again(code.refused.unwrap_or(reason)) });
    };
    let (mut following, mut first, mut left_on) = (false, None::<(UnixSecs, Option<Code>)>, None);
    let mut written = None::<(UnixSecs, Code)>;
    let mut active = BTreeSet::new();
    for did in all {
        match &did.deed {
            Deed::Follow(code) if !following => {
                following = true;
                match (&first, code) {
                    (None, code) => first = Some((did.at, code.clone())),
                    (Some(_), Some(code)) => again(did.at, code, Refusal::NotNew),
                    (Some(_), None) => {}
                }
            }
            Deed::Leave if following => {
                following = false;
                left_on = left_on.or(Some(day(did.at)));
            }
            Deed::Write(code) => {
                active.insert(day(did.at));
                match &written {
                    None => written = Some((did.at, code.clone())),
                    Some(_) => again(did.at, code, Refusal::NotNew),
                }
            }
            Deed::Say => {
                active.insert(day(did.at));
            }
            Deed::Follow(_) | Deed::Leave => {}
        }
    }
    let in_time = |followed: UnixSecs, at: UnixSecs| (0..=DAY_SECS).contains(&at.secs_since(followed));
    let credit = match (&first, &written) {
        (Some((at, Some(code))), vain) => {
            vain.iter().for_each(|(at, vain)| again(*at, vain, Refusal::NotNew));
            Some((*at, code.clone()))
        }
        (Some((at, None)), Some((wrote, code))) if in_time(*at, *wrote) => Some((*at, code.clone())),
        (Some((_, None)), Some((wrote, code))) => {
            again(*wrote, code, Refusal::TooLate);
            None
        }
        _ => None,
    };
    if let Some((at, code)) = credit {
        let (f, terms) = (day(at), code.terms());
        let days = active.iter().filter(|day| (1..=i32::from(terms.within_days)).contains(&(**day - f))).count();
        let fate = match code.refused {
            Some(reason) => Fate::Refused(reason),
            None if code.since() >= at => Fate::Refused(Refusal::NotEarlier),
            None => Fate::Attributed {
                qualified: days >= usize::from(terms.active_days),
                left: left_on.is_some_and(|left| left - f <= i32::from(terms.hold_days)),
            },
        };
        outcomes.push(Outcome { day: f, code, fate });
    }
    (outcomes, first.map(|(at, _)| day(at)))
}

/// All outcomes, and the first follows of every day.
fn all_outcomes(all: &[Did]) -> (Vec<Outcome>, BTreeMap<i32, i64>) {
    let (mut outcomes_of_all, mut first_follows) = (Vec::new(), BTreeMap::new());
    for customer in all.iter().map(|did| did.customer).collect::<BTreeSet<_>>() {
        let theirs: Vec<&Did> = all.iter().filter(|did| did.customer == customer).collect();
        let (outcomes, first) = outcomes(&theirs);
        outcomes_of_all.extend(outcomes);
        first.into_iter().for_each(|day| *first_follows.entry(day).or_default() += 1);
    }
    (outcomes_of_all, first_follows)
}

/// The numbers of a row, from attributed to coded.
fn numbers(of: &[&Outcome], day: i32, now: UnixSecs) -> Vec<Cell> {
    let count = |fits: &dyn Fn(Fate) -> bool| how_many(of, |outcome| fits(outcome.fate));
    let attributed = |fate| matches!(fate, Fate::Attributed { .. });
    let longest = |days: fn(Terms) -> u8| {
        let ours = of.iter().filter(|outcome| attributed(outcome.fate));
        day + ours.map(|outcome| i32::from(days(outcome.code.terms()))).max().unwrap_or(0)
    };
    let (within, hold) = (longest(|terms| terms.within_days), longest(|terms| terms.hold_days));
    let refused = count(&|fate| matches!(fate, Fate::Refused(_)));
    vec![
        Cell::Count(count(&attributed)),
        ripe(within, now, count(&|fate| matches!(fate, Fate::Attributed { qualified: true, .. }))),
        ripe(hold, now, count(&|fate| matches!(fate, Fate::Attributed { left: true, .. }))),
        Cell::Count(refused),
        Cell::Unknown,
        ripe(within.max(hold), now, count(&|fate| fate == Fate::Attributed { qualified: true, left: false })),
        Cell::Count(count(&|fate| matches!(fate, Fate::Again(_)))),
        Cell::Count(count(&attributed) + refused),
    ]
}

fn reason(fate: Fate) -> &'static str {
    match fate {
        Fate::Attributed { .. } => "",
        Fate::Refused(reason) | Fate::Again(reason) => reason.as_str(),
    }
}

fn text(words: impl ToString) -> Cell {
    Cell::Text(words.to_string())
}

fn sum(table: &Table, column: &str) -> i64 {
    let column = table.column(column).unwrap();
    table.rows.iter().map(|row| if let Cell::Count(count) = row[column] { count } else { 0 }).sum()
}

proptest! {
    #[test]
    fn the_referral_report_is_what_the_definitions_say(
        all in deeds(8, 20), (from, len) in (-2..20i32, 0..25i32), now in 0..45 * DAY_SECS
    ) {
        let now = START.start().plus_secs(now);
        let known: Vec<Did> = all.into_iter().filter(|did| did.at <= now).collect();
        let (counters, (outcomes, _)) = (counted(&known), all_outcomes(&known));
        let plain = asked(ReportName::Referral, from, len);
        let inside: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| plain.period.holds(BusinessDay(outcome.day))).collect();
        let mut expected = Vec::new();
        for (n, campaign) in CAMPAIGNS.into_iter().enumerate() {
            let theirs: Vec<&Outcome> = inside.iter().copied().filter(|outcome| outcome.code.campaign == n).collect();
            if theirs.is_empty() {
                continue;
            }
            for day in plain.period.days().take_while(|day| day.start() <= now) {
                let ours: Vec<&Outcome> = theirs.iter().copied().filter(|outcome| outcome.day == day.0).collect();
                let place = vec![text(campaign), Cell::Day(day)];
                expected.push([place, numbers(&ours, day.0, now)].concat());
            }
        }
        let table = table(&plain, now, &counters);
        prop_assert_eq!(&table.rows, &expected);

        // Every reason adds up: attributed and refused by each reason are all first follows by a personal code.
        let by_reason = self::table(&Asked { by: By::Reason, ..plain.clone() }, now, &counters);
        let mut reasons = BTreeMap::<String, i64>::new();
        for row in &by_reason.rows {
            if let (Cell::Text(reason), Cell::Count(refused)) = (&row[2], &row[6]) {
                *reasons.entry(reason.clone()).or_default() += refused;
            }
        }
        for refusal in Refusal::ALL {
            let by_hand = how_many(&inside, |outcome| outcome.fate == Fate::Refused(refusal));
            prop_assert_eq!(reasons.get(refusal.as_str()).copied().unwrap_or_default(), by_hand, "{:?}", refusal);
        }
        let first_follows = how_many(&inside, |outcome| !matches!(outcome.fate, Fate::Again(_)));
        prop_assert_eq!(sum(&table, "attributed") + reasons.values().sum::<i64>(), first_follows);
        prop_assert_eq!(sum(&table, "coded"), first_follows);
    }

    #[test]
    fn rows_by_referrer_and_by_reason_are_what_the_definitions_say(
        all in deeds(8, 20), (from, len) in (-2..20i32, 0..25i32), now in 0..45 * DAY_SECS
    ) {
        let now = START.start().plus_secs(now);
        let known: Vec<Did> = all.into_iter().filter(|did| did.at <= now).collect();
        let (counters, (outcomes, _)) = (counted(&known), all_outcomes(&known));
        let plain = asked(ReportName::Referral, from, len);
        for by in [By::Referrer, By::Reason] {
            let mut groups = BTreeMap::<(usize, i32, u64, &str), Vec<&Outcome>>::new();
            for outcome in outcomes.iter().filter(|outcome| plain.period.holds(BusinessDay(outcome.day))) {
                let Outcome { day, code, fate } = outcome;
                let inviter = if by == By::Referrer { code.inviter } else { 0 };
                groups.entry((code.campaign, *day, inviter, reason(*fate))).or_default().push(outcome);
            }
            let expected: Vec<Vec<Cell>> = groups
                .into_iter()
                .map(|((campaign, day, inviter, reason), group)| {
                    let mut row = vec![text(CAMPAIGNS[campaign]), Cell::Day(BusinessDay(day))];
                    row.extend((by == By::Referrer).then(|| text(Inviter(inviter))));
                    row.push(text(reason));
                    [row, numbers(&group, day, now)].concat()
                })
                .collect();
            prop_assert_eq!(table(&Asked { by, ..plain.clone() }, now, &counters).rows, expected);
        }
    }

    #[test]
    fn k_and_the_cycle_time_are_what_the_definitions_say(
        all in deeds(12, 40), (from, len) in (-5..40i32, 0..25i32), now in 0..60 * DAY_SECS
    ) {
        let now = START.start().plus_secs(now);
        let known: Vec<Did> = all.into_iter().filter(|did| did.at <= now).collect();
        let (counters, (outcomes, first_follows)) = (counted(&known), all_outcomes(&known));
        // The day of the inviter's own follow, and the days until the friend's.
        let attributed: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| matches!(outcome.fate, Fate::Attributed { .. })).collect();
        let lag = |outcome: &&Outcome| {
            let since = outcome.code.since().business_day().0;
            (since, outcome.day - since)
        };
        let lags: Vec<(i32, i32)> = attributed.iter().map(lag).collect();
        let kept: Vec<&Outcome> = attributed
            .iter()
            .copied()
            .filter(|outcome| outcome.fate == Fate::Attributed { qualified: true, left: false })
            .collect();
        let kept: Vec<(i32, i32)> = kept.iter().map(lag).collect();
        let k = asked(ReportName::KFactor, from, len);
        let table = table(&k, now, &counters);
        for (row, day) in k.period.days().take_while(|day| day.start() <= now).enumerate() {
            let within = |n: i32| how_many(&lags, |(since, lag)| *since == day.0 && *lag <= n);
            let size = Cell::Count(first_follows.get(&day.0).copied().unwrap_or_default());
            let expected: Vec<Cell> =
                [size].into_iter().chain((1..=30).map(|n| ripe(day.0 + n, now, within(n)))).collect();
            prop_assert_eq!(&cells(&table, row)[..31], expected);
            let kept = [7, 30].map(|n| {
                let kept = how_many(&kept, |(since, lag)| *since == day.0 && *lag <= n);
                let came_then = attributed.iter().filter(|outcome| (day.0..=day.0 + n).contains(&outcome.day));
                let last = came_then.map(|outcome| {
                    let Terms { within_days, hold_days, .. } = outcome.code.terms();
                    outcome.day + i32::from(within_days.max(hold_days))
                });
                ripe(last.chain([day.0 + n]).max().unwrap(), now, kept)
            });
            prop_assert_eq!(&cells(&table, row)[31..], kept);
        }
        let cycle = asked(ReportName::Cycle, from, len);
        let table = self::table(&cycle, now, &counters);
        let mut inside: Vec<i32> = lags
            .into_iter()
            .filter(|(since, lag)| cycle.period.holds(BusinessDay(since + lag)))
            .map(|(_, lag)| lag)
            .collect();
        inside.sort_unstable();
        for (n, row) in table.rows.iter().take(31).enumerate() {
            let n = n as i32;
            let exactly = how_many(&inside, |lag| *lag == n);
            prop_assert_eq!(row, &vec![text(n), Cell::Count(exactly), Cell::Count(how_many(&inside, |lag| *lag <= n))]);
        }
        if cycle.period.from().start() <= now {
            prop_assert_eq!(sum(&table, "friends"), inside.len() as i64);
            // The lower median: of an even number the earlier of the two in the middle.
            if let Some(median) = inside.get((inside.len().max(1) - 1) / 2) {
                let told = format!("中位数：{} 位朋友里，至少一半在邀请人关注后 {median} 天内来", inside.len());
                prop_assert!(table.small_print.iter().any(|line| line.starts_with(&told)), "{:?}", table.small_print);
            }
        }
    }
}
