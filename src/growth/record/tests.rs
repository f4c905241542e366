use super::*;
use crate::growth::counter::{GAP_FAR, GAP_FIRST};
use crate::growth::follow::MAX_TRANSITIONS;
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
    FactKind::Followed { scene: None, channel: Default::default() }
}

#[test]
fn the_first_message_counts_in_every_metric_of_activity() {
    let mut customer = Customer::default();
    let week = BusinessDay(DAY).iso_week();
    let expected = [
        (Messages, DAY, 0, 1),
        (Hours, DAY, 9, 1),
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
    let expected = [(Messages, DAY, 0, 1), (Hours, DAY, 23, 1)];
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
    let first = [(Follows, DAY, 0, 1), (FirstFollows, DAY, 0, 1), (FirstFollowScenes, DAY, 0, 1)];
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
    assert!(late.increments.iter().all(|i| i.late_on == Some(BusinessDay(DAY + 2))));
    let gaps: Vec<_> =
        late.increments.iter().filter(|i| i.key.metric == Gap).map(|i| (i.key.a, i.key.b, i.by)).collect();
    assert_eq!(gaps, [(DAY, GAP_FIRST, 1), (DAY + 1, GAP_FIRST, -1), (DAY + 1, 1, 1)]);
}

#[test]
fn what_comes_too_late_or_from_the_future_changes_nothing_but_the_quarantine() {
    for (happened, arrived) in [(at(DAY, 23), at(DAY + 3, 0)), (at(DAY, 1), at(DAY, 0))] {
        let mut customer = Customer::default();
        let facts = [FactKind::Messaged, follow(), FactKind::HandedOver].map(|what| fact(happened, arrived, what));
        let recorded = record(&mut customer, &facts, L);
        let key = |i: &Increment| (i.key.metric, i.key.a, i.by, i.late_on);
        assert_eq!(
            recorded.increments.iter().map(key).collect::<Vec<_>>(),
            [(Quarantined, arrived.business_day().0, 1, None)]
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
