//! Choices that are tapped late: after another order was begun, or when the dialogue has run out.

use super::paying::by_wechat;
use super::*;
use crate::domain::actions::{Given, Kind};
use crate::domain::customer::Customer;
use crate::domain::decide::{Subject, decide, resume};
use crate::domain::decision::{Decision, Moment};
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::{Inbound, Message, What};
use crate::domain::order::Order as Kept;
use crate::domain::playbook::Playbook;
use crate::domain::reply::Reply;
use crate::domain::route::{Route, route};
use crate::domain::sample::{inbound, playbook, tap as press};
use crate::domain::taps::{menu, tap};
use crate::domain::time::UnixSecs;

/// Two actions that are ordered alike, and whose questions are tapped.
fn shop() -> Playbook {
    let mut playbook = playbook();
    let mut order = Order { taps: true, ..by_wechat() };
    let template = |text: &str| crate::domain::template::Template::new(text).unwrap();
    order.confirm = template("要 {{ label }} 吗？\n{{ tap('确认') }}　{{ tap('取消') }}");
    order.paying.as_mut().unwrap().payable = template("请付 {{ amount }} 元\n{{ tap('取消') }}");
    for key in ["first", "second"] {
        playbook.actions.insert(key.into(), Kind::Order(order.clone().prepared()));
    }
    playbook
}

struct Talk {
    playbook: Playbook,
    customer: Customer,
    now: UnixSecs,
    key: u64,
}

impl Talk {
    fn new() -> Self {
        Self { playbook: shop(), customer: Customer::default(), now: MORNING, key: 0 }
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, at: self.now, key: DedupeKey(self.key), fresh: 0 }
    }

    fn hears(&mut self, inbound: Inbound) -> Decision {
        self.key += 1;
        self.now = self.now.plus_secs(1);
        let inbound = Inbound { at: self.now, ..inbound };
        let moment = self.moment();
        let route = route(&self.playbook, &self.customer, &inbound, moment);
        let subject = Subject { customer: &self.customer, inbound: &inbound, moment, awaited: true, invited: None };
        let decision = decide(&self.playbook, subject, &route, &Given::default());
        self.customer = decision.customer.clone();
        decision
    }

    fn says(&mut self, words: &str) -> Decision {
        self.hears(text(words, None))
    }

    /// A tap on what a message showed as these words.
    fn taps(&mut self, shown: &Decision, words: &str) -> Decision {
        let (content, id) = tap(said(shown), words).unwrap_or_else(|| panic!("{words} in {shown:?}"));
        self.hears(text(&content, Some(id)))
    }

    /// The question of an action, up to where it asks for agreement.
    fn asked(&mut self, action: &str) -> Decision {
        self.hears(press(action));
        self.says("2")
    }

    /// The payment can begin, which is told late: by a message of its own.
    fn payable_late(&mut self, placed: &Decision) -> Decision {
        let prepay = placed.outbox.iter().find(|work| work.id.as_str().ends_with("/prepay")).unwrap();
        let answer = Answer::Loaded(Values::from([("prepay_id".to_owned(), Value::from("wx1"))]));
        let late = resume(&self.playbook, &self.customer, prepay, (&answer, self.moment()));
        self.customer = late.customer.clone();
        late
    }

    fn orders(&self) -> Vec<&Kept> {
        self.customer.orders.all().collect()
    }
}

fn text(content: &str, menu_id: Option<String>) -> Inbound {
    inbound(What::Message(Message::Text { content: content.to_owned(), menu_id }))
}

fn said(decision: &Decision) -> &str {
    match &decision.reply {
        Reply::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

const OLD: &str = "之前的选项";

#[test]
fn a_late_message_of_an_order_is_not_about_the_one_that_was_begun_since() {
    let mut talk = Talk::new();
    let question = talk.asked("first");
    let placed = talk.taps(&question, "确认");
    let second = talk.asked("second");
    let late = talk.payable_late(&placed);
    assert!(menu(said(&late)).is_some(), "it leaves as a menu: {}", said(&late));
    let open = talk.customer.dialogue.clone();
    // Neither is called off by it: where the customer stands, it is an old choice.
    let tapped = talk.taps(&late, "取消");
    assert!(said(&tapped).contains(OLD) && said(&tapped).contains("要 5GB 月包 吗"), "{}", said(&tapped));
    assert_eq!((tapped.outbox, &talk.customer.dialogue), (vec![], &open));
    assert_eq!(talk.orders().iter().map(|order| order.state()).collect::<Vec<_>>(), [State::AwaitingPayment]);
    // Nor does the first question agree to the second order; its own does.
    let tapped = talk.taps(&question, "确认");
    assert!(said(&tapped).contains(OLD), "{}", said(&tapped));
    assert_eq!(talk.orders().len(), 1);
    talk.taps(&second, "确认");
    assert_eq!(talk.orders().len(), 2);
}

#[test]
fn a_late_message_of_the_order_they_stand_at_calls_that_one_off() {
    let mut talk = Talk::new();
    let question = talk.asked("first");
    let placed = talk.taps(&question, "确认");
    let late = talk.payable_late(&placed);
    let tapped = talk.taps(&late, "取消");
    assert_eq!(said(&tapped), "正在取消");
    assert!(tapped.outbox[0].id.as_str().ends_with("/close"), "{:?}", tapped.outbox);
}

#[test]
fn a_tap_on_a_dialogue_that_has_run_out_is_told_so_and_orders_nothing() {
    let mut talk = Talk::new();
    let question = talk.asked("first");
    talk.now = talk.now.plus_secs(300);
    let tapped = talk.taps(&question, "确认");
    assert_eq!(said(&tapped), "太久了");
    assert_eq!((talk.orders().len(), &talk.customer.dialogue), (0, &None));
    let again = talk.taps(&question, "确认");
    assert!(said(&again).contains(OLD), "{}", said(&again));
    // So long after nobody remembers what it was about.
    let question = talk.asked("first");
    talk.now = talk.now.plus_secs(2 * 86_400);
    let tapped = talk.taps(&question, "确认");
    assert!(said(&tapped).contains(OLD), "{}", said(&tapped));
    assert_eq!(talk.orders().len(), 0);
}

#[test]
fn who_asks_for_their_orders_after_one_gets_the_list_where_there_is_one() {
    let mut talk = Talk::new();
    let question = talk.asked("first");
    talk.taps(&question, "确认");
    assert!(said(&talk.says("我的订单")).contains("还在办"), "without a list, how this one stands");
    let rules: Vec<crate::domain::keywords::KeywordRule> = toml::Value::Array(vec![
        toml::toml! { action = "offers"
        contains = ["订单"] }
        .into(),
    ])
    .try_into()
    .unwrap();
    talk.playbook.keywords = crate::domain::keywords::Keywords::new(rules).unwrap();
    let asked = text("我的订单", None);
    let routed = route(&talk.playbook, &talk.customer, &asked, talk.moment());
    assert!(matches!(routed, Route::Act { key, .. } if key.as_str() == "offers"), "{routed:?}");
    for words in ["确认", "办好了吗"] {
        let asked = text(words, None);
        let routed = route(&talk.playbook, &talk.customer, &asked, talk.moment());
        assert!(matches!(routed, Route::Act { key, .. } if key.as_str() == "first"), "{words}: {routed:?}");
    }
}
