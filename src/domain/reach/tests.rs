//! The pure function as a table, and what must hold whatever the record says.

use proptest::prelude::*;

use super::*;
use crate::domain::customer::Follow;
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::SubscriptionChoice;
use crate::domain::question::Question;
use crate::domain::time::BusinessDay;

const NOW: UnixSecs = UnixSecs(1_000_000);
const END: UnixSecs = UnixSecs(1_086_400);

fn wrote() -> Customer {
    let mut customer = Customer::default();
    customer.windows.open(BY_MESSAGE, NOW.plus_secs(-100));
    customer
}

fn agreed(mut customer: Customer, template: &str) -> Customer {
    let choice = SubscriptionChoice { template_id: template.into(), accepted: true, scene: None };
    customer.ways.consents.answered(&[choice], NOW);
    customer
}

fn refused(mut customer: Customer, because: Hindrance) -> Customer {
    let windows = customer.windows.clone();
    customer.ways.learn(because, (&windows, &windows), NOW);
    customer
}

fn left() -> Customer {
    let follow = Follow { first_day: Some(BusinessDay(1)), changed_at: Some(NOW), ..Follow::default() };
    Customer { follow, ..Customer::default() }
}

fn carrier(template: &str, by: By) -> Carrier {
    Carrier { template: template.into(), by, fields: BTreeMap::new(), link: String::new() }
}

fn text() -> Reply {
    Reply::Text("到账了".into())
}

/// With one template of each kind.
fn carried(customer: &Customer, rights: &Rights) -> Reach {
    let carriers = [carrier("T", By::Template), carrier("S", By::Subscription(Term::Once))];
    let said = text();
    let message = Message { carriers: &carriers, ..Message::late(&said, END) };
    reach(&message, customer, rights, NOW)
}

fn plain(customer: &Customer) -> Reach {
    reach(&Message::late(&text(), END), customer, &Rights::default(), NOW)
}

fn by_window(left: u8) -> Reach {
    Reach::CustomerService { left, until: NOW.plus_secs(48 * 3600 - 100) }
}

fn later(because: Hindrance) -> Reach {
    Reach::NextVisit { until: END, because }
}

fn nowhere(because: Hindrance) -> Reach {
    Reach::Nowhere { because }
}

#[test]
fn every_hindrance_has_its_path_or_none() {
    let mut spent = wrote();
    (0..5).for_each(|_| spent.windows.spend(NOW));
    let with_person = Customer { with_agent_since: Some(NOW.plus_secs(-5)), ..wrote() };
    let forgotten_person = Customer { with_agent_since: Some(NOW.plus_secs(-86_400)), ..wrote() };
    let table = [
        ("a window is open", wrote(), by_window(5)),
        ("no window", Customer::default(), later(Hindrance::NoWindow)),
        ("the count is used up", spent, later(Hindrance::UsedUp)),
        ("a person has the chat", with_person, later(Hindrance::WithPerson)),
        ("a person had it a day ago", forgotten_person, by_window(5)),
        ("45015 for an open window", refused(wrote(), Hindrance::NoWindow), later(Hindrance::NoWindow)),
        ("48002", refused(wrote(), Hindrance::Blocked), later(Hindrance::Blocked)),
        ("43019", refused(wrote(), Hindrance::Blacklisted), nowhere(Hindrance::Blacklisted)),
        ("43004", refused(wrote(), Hindrance::Away), nowhere(Hindrance::Away)),
        ("has left", left(), nowhere(Hindrance::Away)),
    ];
    for (what, customer, expected) in table {
        assert_eq!(plain(&customer), expected, "{what}");
    }
    let no_right = Rights::without([Path::CustomerService]);
    assert_eq!(reach(&Message::late(&text(), END), &wrote(), &no_right, NOW), later(Hindrance::NoRight));
}

#[test]
fn templates_carry_what_no_window_does() {
    let once = |left| Reach::Subscription { template: "S".into(), left: Some(left) };
    let template = Reach::Template { template: "T".into() };
    let (service, subscription) = (Rights::of_service(), Rights::of_subscription());
    let nobody = Customer::default;
    let table = [
        ("a window goes first", agreed(wrote(), "S"), &service, by_window(5)),
        ("then a consent", agreed(nobody(), "S"), &service, once(1)),
        ("two of them", agreed(agreed(nobody(), "S"), "S"), &service, once(2)),
        ("then a template", nobody(), &service, template.clone()),
        ("a consent for another one", agreed(nobody(), "X"), &service, template),
        ("a subscription account has none", nobody(), &subscription, later(Hindrance::NoWindow)),
        ("a test account has no notices", agreed(left(), "S"), &Rights::of_test(), nowhere(Hindrance::Away)),
        ("who left and agreed", agreed(left(), "S"), &service, once(1)),
        ("who left", left(), &service, nowhere(Hindrance::Away)),
        ("who blocks messages", refused(nobody(), Hindrance::Blocked), &service, later(Hindrance::Blocked)),
        ("blocks and agreed", agreed(refused(nobody(), Hindrance::Blocked), "S"), &service, once(1)),
    ];
    for (what, customer, rights, expected) in table {
        assert_eq!(carried(&customer, rights), expected, "{what}");
    }
    let lasting = [carrier("S", By::Subscription(Term::Lasting))];
    let said = text();
    let message = Message { carriers: &lasting, ..Message::late(&said, END) };
    let expected = Reach::Subscription { template: "S".into(), left: None };
    assert_eq!(reach(&message, &agreed(nobody(), "S"), &service, NOW), expected);
}

#[test]
fn what_is_waited_for_is_said_at_once_and_what_has_no_words_or_no_use_never() {
    let say = |reply: &Reply, expires: UnixSecs, waited_until: Option<UnixSecs>| {
        let message = Message { waited_until, ..Message::late(reply, expires) };
        reach(&message, &Customer::default(), &Rights::default(), NOW)
    };
    let soon = NOW.plus_secs(3);
    assert_eq!(say(&text(), END, Some(soon)), Reach::Reply { until: soon });
    assert_eq!(say(&text(), END, Some(NOW)), later(Hindrance::NoWindow), "nobody waits any more");
    assert_eq!(say(&text(), NOW, None), nowhere(Hindrance::Expired));
    let hand_over = Reply::HandOver { agent: None };
    assert_eq!(say(&hand_over, END, Some(soon)), Reach::Reply { until: soon });
    for reply in [hand_over, Reply::Silent, Reply::Text(" \n".into()), Reply::Articles(vec![])] {
        assert_eq!(say(&reply, END, None), nowhere(Hindrance::Unsayable), "{reply:?}");
    }
}

#[test]
fn a_late_answer_takes_the_path_that_is_open() {
    let reply = text();
    let work = Work {
        id: "w".into(),
        origin: DedupeKey(1),
        due: UnixSecs(0),
        expires: UnixSecs(86_400),
        task: Task::Send(Reply::Silent),
    };
    let mut customer = Customer::default();
    customer.windows.open(BY_TAP, UnixSecs(0));
    assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(59)), Delivery::Send);
    assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(60)), Delivery::Note);
    assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(86_400)), Delivery::Drop);
    let question = Question { connector: "c".into(), values: Default::default(), idempotency_key: Some("k".into()) };
    let task = Task::Ask { action: "a".into(), question, memo: Default::default() };
    let receipt = Work { task, ..work.clone() };
    assert_eq!(deliver_later(&customer, &reply, &receipt, UnixSecs(86_400)), Delivery::Note);
    assert_eq!(deliver_later(&customer, &Reply::Silent, &work, UnixSecs(59)), Delivery::Drop);
    customer.follow = Follow { first_day: Some(BusinessDay(1)), changed_at: Some(UnixSecs(1)), ..Follow::default() };
    assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(59)), Delivery::Drop, "has left");
    customer.windows.open(BY_TAP, UnixSecs(2));
    assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(59)), Delivery::Send, "is back");
}

#[test]
fn every_path_and_every_cause_has_words_in_both_languages() {
    let at = |moment: UnixSecs| format!("[{}]", moment.0);
    let told = |reach: &Reach| Told { reach, at }.to_string();
    let all = [
        (Reach::Reply { until: UnixSecs(7) }, "当场回复，[7] 前"),
        (Reach::CustomerService { left: 3, until: UnixSecs(60) }, "客服消息，还能发 3 条，[60] 前"),
        (Reach::Subscription { template: "S".into(), left: Some(2) }, "还剩 2 次"),
        (Reach::Subscription { template: "S".into(), left: None }, "长期订阅通知 S"),
        (Reach::Template { template: "T".into() }, "模板消息 T"),
        (Reach::NextVisit { until: UnixSecs(9), because: Hindrance::UsedUp }, "条数用完了（45047）"),
        (
            nowhere(Hindrance::Blacklisted),
            "发不了：客户在黑名单里（43019）。not at all: the customer is on the blacklist",
        ),
    ];
    for (reach, words) in all {
        let told = told(&reach);
        assert!(told.contains(words) && told.bytes().any(|byte| byte.is_ascii_lowercase()), "{told}");
    }
    let causes = [Cause::Hindered(Hindrance::Expired), Cause::InVain, Cause::Refused { code: 47003 }, Cause::Unknown];
    let told: BTreeSet<String> = causes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wrote,
    Tapped,
    Agreed,
    Waits(i64),
    Tells,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Wrote),
        1 => Just(Step::Tapped),
        1 => Just(Step::Agreed),
        2 => (1..100_000_i64).prop_map(Step::Waits),
        2 => (1..40_i64).prop_map(Step::Waits),
        8 => Just(Step::Tells),
    ]
}

proptest! {
    /// Whatever happens, no path carries more than was opened for it: counted by somebody who only knows the acts.
    #[test]
    fn no_path_carries_more_than_it_was_opened_for(steps in prop::collection::vec(step(), 0..120)) {
        let mut customer = Customer::default();
        let mut now = NOW;
        let carriers = [carrier("S", By::Subscription(Term::Once))];
        let (mut since_wrote, mut since_tapped) = (None::<(UnixSecs, u32)>, None::<(UnixSecs, u32)>);
        let (mut agreed_times, mut notices) = (0, 0);
        for step in steps {
            match step {
                Step::Wrote => {
                    customer.windows.open(BY_MESSAGE, now);
                    since_wrote = Some((now, 0));
                }
                Step::Tapped => {
                    customer.windows.open(BY_TAP, now);
                    since_tapped = Some((now, 0));
                }
                Step::Agreed => {
                    customer = agreed(customer, "S");
                    agreed_times += 1;
                }
                Step::Waits(secs) => now = now.plus_secs(secs),
                Step::Tells => {
                    let said = text();
                    let message = Message { carriers: &carriers, ..Message::late(&said, now.plus_secs(1)) };
                    match reach(&message, &customer, &Rights::default(), now) {
                        Reach::CustomerService { left, until } => {
                            customer.windows.spend(now);
                            since_wrote = since_wrote.map(|(at, sent)| (at, sent + 1));
                            since_tapped = since_tapped.map(|(at, sent)| (at, sent + 1));
                            let by = |since: Option<(UnixSecs, u32)>, opening: Opening| {
                                since.is_some_and(|(at, sent)| {
                                    now.secs_since(at) < opening.secs && sent <= u32::from(opening.messages)
                                })
                            };
                            prop_assert!(by(since_wrote, BY_MESSAGE) || by(since_tapped, BY_TAP));
                            prop_assert!(left > 0 && until > now);
                        }
                        Reach::Subscription { template, left } => {
                            customer.ways.consents.spend(&template, Term::Once);
                            notices += 1;
                            prop_assert!(notices <= agreed_times && left.is_some_and(|left| left > 0));
                        }
                        Reach::NextVisit { until, .. } => prop_assert!(until > now),
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
            }
        }
    }
}
