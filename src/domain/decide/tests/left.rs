//! What becomes of orders and answers when their customer or their action is gone.

use super::*;

/// A customer with an order on its way, the work that asks for it, and the follow state as it was at noon.
fn waiting_for_an_order(following: bool) -> (Customer, Work) {
    let mut customer = Customer::default();
    let mut work = None;
    for words in ["充流量", "1", "确认"] {
        let decision = decided(&customer, &text(words), &Given::default());
        (customer, work) = (decision.customer, decision.outbox.into_iter().next());
    }
    let day = Some(NOON.business_day());
    customer.follow = Follow { following, first_day: day, changed_at: Some(NOON), ..Follow::default() };
    (customer, work.unwrap())
}

#[test]
fn an_order_outlasts_its_customer_until_it_has_ended() {
    let (customer, work) = waiting_for_an_order(true);
    let decision = decided(&customer, &event(Event::Unsubscribed), &Given::default());
    let mut left = decision.customer;
    assert_eq!(left.recent.earned(DedupeKey(7)).unwrap().reply, Reply::Silent, "a retry of any delivery is known");
    assert!(!left.orders.is_empty());
    left.follow.following = false;
    assert_eq!((forget_left(&mut left, Forget::Tombstone), left.orders.is_empty()), (Keep::Known, false));
    let mut done = resume(&playbook(), &left, &work, (&loaded(), moment()));
    assert!(matches!(done.facts[..], [FactKind::OrderMoved { .. }]), "{:?}", done.facts);
    assert_eq!(forget_left(&mut done.customer, Forget::Tombstone), Keep::Tombstone);
    assert!(done.customer.orders.is_empty());
}

#[test]
fn an_unfollow_that_arrives_after_the_next_follow_takes_nothing_away() {
    let (customer, _) = waiting_for_an_order(true);
    let late = Inbound { at: NOON.plus_secs(-1), ..event(Event::Unsubscribed) };
    let decision = decided(&customer, &late, &Given::default());
    assert_eq!((decision.reply, decision.facts), (Reply::Silent, vec![FactKind::Unfollowed]));
    assert_eq!((decision.customer.dialogue, decision.customer.orders), (customer.dialogue, customer.orders));
}

#[test]
fn an_unfollow_that_arrives_after_what_the_customer_did_next_takes_nothing_away() {
    let mut customer = Customer { notes: vec![note("a")], ..Customer::default() };
    customer.follow = Follow { following: true, changed_at: Some(NOON.plus_secs(-100)), ..Follow::default() };
    customer.windows.open(reach::BY_TAP, NOON);
    let late = Inbound { at: NOON.plus_secs(-1), ..event(Event::Unsubscribed) };
    assert_eq!(decided(&customer, &late, &Given::default()).customer.notes, customer.notes);
    let now = Inbound { at: NOON, ..event(Event::Unsubscribed) };
    assert_eq!(decided(&customer, &now, &Given::default()).customer.notes, []);
}

#[test]
fn an_answer_for_an_action_that_is_gone_is_told_to_the_operator() {
    let question = Question { connector: "c".into(), values: Values::new(), idempotency_key: None };
    let task = Task::Ask { action: "gone".into(), question, memo: Values::new() };
    let work = Work { id: "w".into(), origin: DedupeKey(1), due: NOON, expires: NOON, task };
    let resumed = resume(&playbook(), &Customer::default(), &work, (&Answer::Down, moment()));
    assert_eq!((resumed.reply, resumed.faults.len()), (Reply::Silent, 1));
}

#[test]
fn an_order_goes_on_when_its_key_leads_to_another_kind_of_action() {
    let (customer, work) = waiting_for_an_order(true);
    let mut playbook = playbook();
    let other = playbook.actions.get(&playbook.moments.fallback).unwrap().clone();
    let Task::Ask { action, .. } = &work.task else { panic!() };
    playbook.actions.insert(action.clone(), other);
    let done = resume(&playbook, &customer, &work, (&loaded(), moment()));
    assert!(matches!(done.facts[..], [FactKind::OrderMoved { .. }]) && done.faults.len() == 1, "{done:?}");
    let Reply::Text(words) = &done.reply else { panic!("{:?}", done.reply) };
    assert!(words.contains("已经办好了"), "{words}");
    let number = customer.orders.all().next().unwrap().number.clone();
    let told = happened(&playbook, &customer, (&number, Happening::Unclear), moment());
    assert!(matches!(&told.reply, Reply::Text(words) if words.contains("由工作人员核实")), "{:?}", told.reply);
    assert_eq!(told.faults.len(), 1);
}
