use super::*;
use crate::domain::time::UnixSecs;
use crate::growth::counter::{CounterKey, GAP_FAR, GAP_FIRST};
use crate::growth::counters::Counters;
use crate::growth::follow::MAX_TRANSITIONS;
use crate::growth::oracle::{Cells, Oracle};
use Metric::*;

/// A Monday.
const DAY: i32 = 20_458;
const L: Lateness = Lateness::DEFAULT;

fn at(day: i32, hour: i64) -> UnixSecs {
    BusinessDay(day).start().plus_secs(hour * 3_600)
}

fn fact(at: UnixSecs, arrived: UnixSecs, what: FactKind) -> Fact {
    Fact { at, arrived, key: DedupeKey(at.0 as u64), playbook: "p".into(), what }
}

fn now(day: i32, hour: i64, what: FactKind) -> Fact {
    fact(at(day, hour), at(day, hour), what)
}

fn counted(customer: &mut Customer, fact: Fact) -> Vec<(Metric, i32, i32, i64)> {
    let recorded = record(customer, &[fact], L);
    assert_eq!(recorded.quarantined, 0);
    recorded.increments.into_iter().map(|i| (i.key.metric, i.key.a, i.key.b, i.by)).collect()
}

fn follow() -> FactKind {
    by("")
}

fn by(channel: &str) -> FactKind {
    FactKind::Followed { scene: None, channel: channel.into() }
}

/// The counters after these facts, one after the other.
fn counters(facts: &[Fact]) -> Counters {
    let mut customer = Customer::default();
    let increments = facts.iter().flat_map(|fact| record(&mut customer, std::slice::from_ref(fact), L).increments);
    increments.map(|i| (i.key, i.by)).collect()
}

fn cells(counters: &Counters) -> Vec<(CounterKey, i64)> {
    counters.cells().collect()
}

#[test]
fn the_first_message_counts_in_every_metric_of_activity() {
    let mut customer = Customer::default();
    let week = BusinessDay(DAY).iso_week();
    let expected = [
        (Messages, DAY, 0, 1),
        (Hours, DAY, 9, 1),
        (Playbooks, DAY, 0, 1),
        (Gap, DAY, GAP_FIRST, 1),
        (Retained, DAY, 0, 1),
        (Latest, DAY, 0, 1),
        (RetainedWeekly, week, 0, 1),
    ];
    assert_eq!(counted(&mut customer, now(DAY, 9, FactKind::Messaged)), expected);
}

#[test]
fn a_second_message_of_the_day_is_only_a_message() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY, 9, FactKind::Messaged));
    let before = customer.clone();
    let expected = [(Messages, DAY, 0, 1), (Hours, DAY, 23, 1), (Playbooks, DAY, 0, 1)];
    assert_eq!(counted(&mut customer, now(DAY, 23, FactKind::Messaged)), expected);
    assert_eq!(customer, before);
}

#[test]
fn a_follower_who_writes_is_an_active_follower_for_thirty_days_or_until_they_leave() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY, 8, follow()));
    let active: Vec<_> = counted(&mut customer, now(DAY, 9, FactKind::Messaged));
    assert!(active.ends_with(&[(ActiveFollowers, DAY, 0, 1), (ActiveFollowers, DAY + 30, 0, -1)]));
    let expected = [
        (Unfollows, DAY + 3, 0, 1),
        (SpellEnded, DAY, 3, 1),
        (ActiveFollowers, DAY + 3, 0, -1),
        (ActiveFollowers, DAY + 30, 0, 1),
    ];
    assert_eq!(counted(&mut customer, now(DAY + 3, 9, FactKind::Unfollowed)), expected);
}

#[test]
fn a_follow_is_new_once_and_is_not_activity() {
    let mut customer = Customer::default();
    let first = [(Follows, DAY, 0, 1), (FirstFollows, DAY, 0, 1)];
    assert_eq!(counted(&mut customer, now(DAY, 8, follow())), first);
    assert_eq!(counted(&mut customer, now(DAY, 9, follow())), []);
    counted(&mut customer, now(DAY + 1, 9, FactKind::Unfollowed));
    let again = [(Follows, DAY + 200, 0, 1), (Refollows, DAY + 200, 0, 1)];
    assert_eq!(counted(&mut customer, now(DAY + 200, 9, follow())), again);
    assert_eq!((customer.activity, customer.follow.first_day), (None, Some(BusinessDay(DAY))));
}

#[test]
fn an_unfollow_that_overtook_its_follow_still_ends_it() {
    let mut customer = Customer::default();
    assert_eq!(counted(&mut customer, now(DAY, 9, FactKind::Unfollowed)), []);
    counted(&mut customer, fact(at(DAY, 8), at(DAY, 10), follow()));
    assert!(!customer.follow.following);
    assert_eq!(customer.follow.changed_at, Some(at(DAY, 9)));
}

#[test]
fn a_late_message_is_counted_on_its_own_day_and_journalled() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY + 1, 9, FactKind::Messaged));
    let late = record(&mut customer, &[fact(at(DAY, 9), at(DAY + 2, 1), FactKind::Messaged)], L);
    assert_eq!((late.late, late.quarantined), (1, 0));
    // All but the latest active day, which is only known as of now.
    assert!(late.increments.iter().all(|i| (i.key.metric == Latest) == i.late_on.is_none()));
    assert!(late.increments.iter().all(|i| i.late_on.is_none_or(|day| day == BusinessDay(DAY + 2))));
    let gaps: Vec<_> =
        late.increments.iter().filter(|i| i.key.metric == Gap).map(|i| (i.key.a, i.key.b, i.by)).collect();
    assert_eq!(gaps, [(DAY + 1, GAP_FIRST, -1), (DAY, GAP_FIRST, 1), (DAY + 1, 1, 1)]);
}

#[test]
fn what_comes_too_late_or_from_the_future_changes_nothing_but_the_quarantine() {
    for (happened, arrived, why) in [(at(DAY, 23), at(DAY + 3, 0), "late"), (at(DAY, 1), at(DAY, 0), "future")] {
        let mut customer = Customer::default();
        let facts = [FactKind::Messaged, follow(), FactKind::HandedOver].map(|what| fact(happened, arrived, what));
        let recorded = record(&mut customer, &facts, L);
        let key = |i: &Increment| (i.key.metric, i.key.a, i.key.dimension.clone(), i.by, i.late_on);
        assert_eq!(
            recorded.increments.iter().map(key).collect::<Vec<_>>(),
            [(Quarantined, arrived.business_day().0, why.to_owned(), 1, None)]
        );
        assert_eq!((recorded.quarantined, customer), (1, Customer::default()));
    }
}

#[test]
fn what_is_no_activity_is_not_counted() {
    let facts = [FactKind::HandedOver, FactKind::Reported { kind: "LOCATION".into() }];
    let mut customer = Customer::default();
    let recorded = record(&mut customer, &facts.map(|what| now(DAY, 9, what)), L);
    assert_eq!((recorded, customer), (Recorded::default(), Customer::default()));
}

#[test]
fn a_tap_counts_its_key_once_per_customer_and_day() {
    let mut customer = Customer::default();
    let mut tap = |day, hour| {
        let of_key = record(&mut customer, &[now(day, hour, FactKind::Tapped { key: "plan".into() })], L).increments;
        let of_key = of_key.into_iter().filter(|i| i.key.dimension == "plan");
        of_key.map(|i| (i.key.metric, i.key.a, i.key.b, i.by)).collect::<Vec<_>>()
    };
    assert_eq!(tap(DAY, 8), [(MenuTaps, DAY, 0, 1), (MenuTappers, DAY, GAP_FAR, 1)]);
    assert_eq!(tap(DAY, 9), [(MenuTaps, DAY, 0, 1)]);
    assert_eq!(tap(DAY + 2, 9), [(MenuTaps, DAY + 2, 0, 1), (MenuTappers, DAY + 2, 2, 1)]);
}

#[test]
fn votes_and_stars_are_counted_by_what_was_chosen() {
    let vote = FactKind::Voted { action: "topic".into(), topic: "w1".into(), option: "a".into() };
    let stars = FactKind::Rated { action: "rate".into(), stars: 4 };
    let recorded = record(&mut Customer::default(), &[now(DAY, 9, vote), now(DAY, 9, stars)], L);
    let key = |i: &Increment| (i.key.metric, i.key.a, i.key.b, i.key.dimension.clone());
    let expected = [(Votes, 0, 0, "topic/w1/a".to_owned()), (Ratings, DAY, 4, "rate".to_owned())];
    assert_eq!(recorded.increments.iter().map(key).collect::<Vec<_>>(), expected);
}

#[test]
fn somebody_who_comes_and_goes_all_day_cannot_grow_the_record() {
    let mut customer = Customer::default();
    let mut follows = 0;
    for minute in 0..200 {
        let what = if minute % 2 == 0 { follow() } else { FactKind::Unfollowed };
        let moment = at(DAY, 9).plus_secs(minute * 60);
        let increments = counted(&mut customer, fact(moment, moment, what));
        follows += increments.iter().filter(|i| i.0 == Follows).map(|i| i.3).sum::<i64>();
    }
    assert_eq!((customer.follow.recent.len(), follows), (MAX_TRANSITIONS, 100));
    let too_old = record(&mut customer, &[fact(at(DAY, 9).plus_secs(30), at(DAY, 13), FactKind::Unfollowed)], L);
    assert_eq!(too_old.quarantined, 1);
    // Activity of that day is not affected: how the day ended is known.
    counted(&mut customer, now(DAY, 13, FactKind::Messaged));
}

#[test]
fn a_machine_whose_clock_is_a_day_ahead_settles_nothing_too_early() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY, 9, follow()));
    counted(&mut customer, fact(at(DAY + 3, 9), at(DAY + 3, 9), FactKind::Messaged));
    let late = counted(&mut customer, fact(at(DAY, 8), at(DAY + 2, 9), FactKind::Unfollowed));
    assert_eq!((late, customer.follow.recent.len()), (vec![], 2));
}

#[test]
fn what_is_settled_leaves_the_record() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY, 9, follow()));
    assert_eq!(customer.follow.recent.len(), 1);
    counted(&mut customer, now(DAY + 4, 9, FactKind::Messaged));
    assert_eq!((customer.follow.recent.len(), customer.follow.before.clone()), (0, None));
    assert!(customer.follow.following);
    // The same push again, very late: known.
    assert_eq!(counted(&mut customer, fact(at(DAY, 9), at(DAY + 1, 9), follow())), []);
}

#[test]
fn everything_a_customer_does_counts_under_the_channel_they_came_by_first() {
    let facts = [
        now(DAY, 8, by("hall")),
        now(DAY, 9, FactKind::Messaged),
        now(DAY + 1, 9, FactKind::Unfollowed),
        now(DAY + 9, 9, by("poster")),
        now(DAY + 9, 10, FactKind::Messaged),
    ];
    let counters = counters(&facts);
    assert_eq!(counters.of_channel(&"poster".into()), Counters::default());
    let of_hall = counters.of_channel(&"hall".into());
    assert_eq!(of_hall.get(Gap, (DAY + 9, 9)), 1);
    assert_eq!((of_hall.sum(Refollows, DAY + 9), of_hall.sum(SpellEnded, DAY)), (1, 1));
    let without = counters.cells().filter(|(key, _)| !key.metric.has_channel());
    assert!(without.into_iter().all(|(key, _)| key.metric == Playbooks || key.dimension.is_empty()));
    assert_eq!(of_hall.cells().count(), counters.cells().filter(|(key, _)| key.metric.has_channel()).count());
}

#[test]
fn who_was_active_on_an_earlier_day_than_the_code_has_no_channel() {
    for (follows, channel) in [(DAY - 400, "hall"), (DAY, "hall"), (DAY + 1, ""), (DAY + 3, "")] {
        let written = now(DAY, 9, FactKind::Messaged);
        let followed = now(follows, 10, by("hall"));
        let facts = if follows < DAY { [followed, written] } else { [written, followed] };
        let counters = counters(&facts);
        assert_eq!(counters.of_channel(&channel.into()).get(Gap, (DAY, GAP_FIRST)), 1, "follow on {follows}");
        assert_eq!(counters.of_channel(&"hall".into()).sum(FirstFollows, follows), 1);
    }
}

#[test]
fn a_late_first_follow_takes_all_activity_to_its_channel_and_journals_what_is_over() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY, 9, FactKind::Messaged));
    counted(&mut customer, now(DAY + 1, 9, FactKind::Messaged));
    let moved = record(&mut customer, &[fact(at(DAY, 8), at(DAY + 1, 10), by("hall"))], L).increments;
    let key = |i: &Increment| (i.key.metric, i.key.a, i.key.dimension.clone(), i.by, i.late_on.is_some());
    let gaps: Vec<_> = moved.iter().filter(|i| i.key.metric == Gap).map(key).collect();
    let expected = [
        (Gap, DAY, "", -1, true),
        (Gap, DAY + 1, "", -1, false),
        (Gap, DAY, "hall", 1, true),
        (Gap, DAY + 1, "hall", 1, false),
    ];
    assert_eq!(gaps, expected.map(|(metric, a, channel, by, over)| (metric, a, channel.to_owned(), by, over)));
}

#[test]
fn an_earlier_first_follow_or_an_earlier_first_day_moves_everything_whatever_came_first() {
    let (one, two) = (now(DAY + 2, 8, by("hall")), fact(at(DAY + 1, 8), at(DAY + 2, 23), by("poster")));
    let wrote = [DAY + 1, DAY + 2].map(|day| fact(at(day, 9), at(DAY + 2, 23), FactKind::Messaged));
    let long_before = fact(at(DAY - 2, 9), at(DAY, 0), FactKind::Messaged);
    let left = fact(at(DAY + 2, 7), at(DAY + 2, 23), FactKind::Unfollowed);
    let [first, second] = wrote;
    let facts = [one, first, two, left, second, long_before];
    let ahead = cells(&counters(&facts));
    assert!(ahead.iter().any(|(key, _)| key.metric == Refollows && key.dimension == "poster"));
    assert!(ahead.iter().filter(|(key, _)| key.metric == Gap).all(|(key, _)| key.dimension.is_empty()));
    for turned in 1..facts.len() {
        let mut facts = facts.clone();
        facts.rotate_left(turned);
        assert_eq!(cells(&counters(&facts)), ahead);
        facts.reverse();
        assert_eq!(cells(&counters(&facts)), ahead);
    }
}

#[test]
fn of_two_follows_in_one_second_it_does_not_matter_which_is_told_first() {
    let facts = [now(DAY, 8, by("poster")), now(DAY, 8, by("hall")), now(DAY, 9, FactKind::Messaged)];
    let [one, two, wrote] = facts.clone();
    assert_eq!(cells(&counters(&facts)), cells(&counters(&[wrote, two, one])));
    assert_eq!(counters(&facts).of_channel(&"hall".into()).sum(Follows, DAY), 1);
}

#[test]
fn a_late_fact_after_an_unfollow_is_applied_to_its_own_day() {
    let mut customer = Customer::default();
    counted(&mut customer, now(DAY, 8, by("hall")));
    counted(&mut customer, now(DAY + 1, 8, FactKind::Unfollowed));
    let late = record(&mut customer, &[fact(at(DAY, 23), at(DAY + 2, 0), FactKind::Messaged)], L);
    assert_eq!((late.late, late.quarantined), (1, 0));
    let key = |i: &Increment| (i.key.metric, i.key.a, i.key.b, i.by);
    let changes: Vec<_> = late.increments.iter().map(key).collect();
    assert!(changes.contains(&(Gap, DAY, GAP_FIRST, 1)) && changes.contains(&(ActiveFollowers, DAY + 1, 0, -1)));
    let too_late = record(&mut customer, &[fact(at(DAY, 23), at(DAY + 3, 0), FactKind::Messaged)], L);
    assert_eq!(too_late.increments.iter().map(key).collect::<Vec<_>>(), [(Quarantined, DAY + 3, 0, 1)]);
}

#[test]
fn words_without_an_answer_are_counted_so_that_they_can_be_read() {
    let facts = ["怎麼查ＩＰ？", "怎么查ip", "13800138000 是谁"];
    let asked = facts.map(|text| now(DAY, 9, FactKind::Unanswered { text: text.into() }));
    let counted: Vec<_> = cells(&counters(&asked)).into_iter().map(|(key, by)| (key.dimension, by)).collect();
    assert_eq!(counted, [("怎么查ip".to_owned(), 2), ("＊ 是谁".to_owned(), 1)]);
}

#[test]
fn somebody_who_comes_and_goes_all_day_keeps_their_channel() {
    let mut facts = vec![now(DAY + 1, 1, FactKind::Messaged)];
    for minute in 0..40 {
        let what = if minute % 2 == 0 { by("hall") } else { FactKind::Unfollowed };
        let moment = at(DAY + 1, 9).plus_secs(minute * 60);
        facts.push(fact(moment, moment, what));
    }
    facts.push(now(DAY + 1, 20, by("poster")));
    let counters = counters(&facts);
    assert_eq!(counters.of_channel(&"hall".into()).sum(Follows, DAY + 1), 21);
    assert_eq!(counters.of_channel(&"hall".into()).sum_to(ActiveFollowers, DAY + 30), 1);
    assert_eq!(counters.sum_to(ActiveFollowers, DAY), 0);
}

#[test]
fn a_first_follow_that_is_settled_at_once_covers_no_day_before_it() {
    let wrote = now(DAY, 1, FactKind::Messaged);
    let first = fact(at(DAY + 1, 1), at(DAY + 2, 23), by("poster"));
    let turns = (0..MAX_TRANSITIONS as i64).map(|minute| {
        let what = if minute % 2 == 0 { by("hall") } else { FactKind::Unfollowed };
        let moment = at(DAY + 2, 9).plus_secs(minute * 60);
        fact(moment, moment, what)
    });
    let late: Vec<Fact> = [wrote.clone()].into_iter().chain(turns.clone()).chain([first.clone()]).collect();
    let in_order: Vec<Fact> = [wrote, first].into_iter().chain(turns).collect();
    assert_eq!(counters(&in_order).sum_to(ActiveFollowers, DAY + 1), 1);
    assert_eq!(cells(&counters(&late)), cells(&counters(&in_order)));
}

#[test]
fn a_late_sunday_that_begins_its_week_is_journalled_for_the_week_too() {
    let sunday = (DAY..DAY + 7).find(|day| BusinessDay(day + 1).iso_week() > BusinessDay(*day).iso_week()).unwrap();
    let late = fact(at(sunday, 9), at(sunday + 1, 9), FactKind::Messaged);
    let increments = record(&mut Customer::default(), &[late], L).increments;
    let weekly: Vec<_> = increments.iter().filter(|i| i.key.metric == RetainedWeekly).map(|i| i.late_on).collect();
    assert_eq!(weekly, [Some(BusinessDay(sunday + 1))]);
}

#[test]
fn a_refused_delivery_that_was_forgotten_and_comes_again_is_refused_again() {
    let said = |hour| {
        let facts = [FactKind::Messaged, FactKind::Unanswered { text: "x".into() }];
        facts.map(|what| fact(at(DAY, 12), at(DAY, hour), what))
    };
    let (one, two) = (said(8), said(9));
    let mut customer = Customer::default();
    let increments = [&one, &two].into_iter().flat_map(|facts| record(&mut customer, facts, L).increments);
    let counted: Counters = increments.map(|i| (i.key, i.by)).collect();
    let oracle = Oracle::of(one.iter().chain(&two).map(|fact| (1, fact)), L.days());
    assert_eq!(cells(&counted).into_iter().map(|(_, by)| by).collect::<Vec<_>>(), [2]);
    assert_eq!(counted.cells().collect::<Cells>(), oracle.cells);
}
