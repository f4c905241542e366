//! What becomes of late outcomes and of messages, whatever the outside does.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::super::admission::Admission;
use super::super::handle::{DECIDED_WITHIN_SECS, Hearing};
use super::super::stand::{Stand, account_at, app, message, of};
use super::*;
use crate::app::Clock;
use crate::app::dead_letters::{Resent, dead_letters};
use crate::domain::customer::Customer;
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::{Class, Inbound};
use crate::domain::order::Happening;
use crate::domain::question::Question;
use crate::domain::reach::{BY_MESSAGE, BY_TAP, CallState, Cause, Hindrance, Path, Reach};
use crate::domain::reply::Reply;
use crate::domain::sample::{NOON, money_back, paid, payable, text, wechat_order};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::store::Version;

mod orders;

fn question(connector: &str, idempotency_key: Option<&str>) -> Question {
    Question { connector: connector.into(), values: Values::new(), idempotency_key: idempotency_key.map(str::to_owned) }
}

fn ask(action: &str, question: Question, memo: Values) -> Work {
    let task = Task::Ask { action: action.into(), question, memo };
    Work { id: "ask".into(), origin: DedupeKey(7), due: NOON, expires: NOON.plus_secs(60), task }
}

fn delivery(inbound: Inbound, within: Duration) -> Delivery {
    let (deadline, arrived) = (Instant::now() + within, NOON);
    Delivery { of: of("o1"), inbound, deadline, arrived, fresh: 7, hearing: Hearing::Waits, may_be_there: false }
}

fn open_to_messages() -> Customer {
    let mut customer = Customer::default();
    customer.windows.open(BY_MESSAGE, NOON);
    customer
}

async fn send(stand: &Stand, work: Work) -> Tried {
    let claimed = Claimed { of: of("o1"), work, attempt: 1, lease_ends: NOON.plus_secs(60) };
    stand.app.perform(&stand.account(), &claimed).await.unwrap()
}

#[actix_web::test]
async fn a_question_ends_while_there_is_still_time_to_answer() {
    let mut stand = Stand::new();
    // Three seconds went by before the question: the store was slow.
    let delivery = delivery(text("查话费"), Duration::from_millis(1000));
    let mut place = Admission::default().admit(Class::Customer).await.unwrap();
    let settled = stand.app.decide_and_commit(&stand.account(), &delivery, &mut place).await.unwrap();
    assert!(Instant::now() < delivery.deadline, "half a second was to be left");
    let Reply::Text(words) = settled.earned.reply else { panic!("nothing was said") };
    assert!(words.contains("正在帮您查话费"), "{words}");
    assert_eq!(stand.happened(), ["asked"]);
}

#[actix_web::test]
async fn an_outcome_without_words_leaves_the_interim_answer_standing() {
    let stand = Stand::new();
    *stand.outside.business.lock().unwrap() =
        Some(json!({ "code": "0", "points": { "points": 1, "expiring": 0 }, "expires_on": "2026-12-31" }));
    let interim = Reply::Text("正在查".into());
    let mut customer = open_to_messages();
    customer.recent.remember(DedupeKey(7), interim.clone(), NOON);
    // The operator took the action away meanwhile, so nobody knows the words.
    let work = ask("taken_away", question("points", None), Values::new());
    stand.keep("o1", customer, vec![work.clone()]).await;
    let delivery = delivery(text("查话费"), Duration::from_secs(4));
    assert_eq!(stand.app.perform_while_waiting(&stand.account(), &delivery, work).await.unwrap(), None);
    assert_eq!(stand.customer("o1").await.recent.earned(DedupeKey(7)).unwrap().reply, interim);
    assert_eq!(stand.left().await, []);
}

#[actix_web::test]
async fn an_outcome_whose_text_cannot_be_filled_still_has_words() {
    let stand = Stand::new();
    *stand.outside.business.lock().unwrap() =
        Some(json!({ "code": "0", "points": { "points": 1, "expiring": 0 }, "expires_on": "2026-12-31" }));
    // The text speaks of a balance, and the answer holds none.
    let work = ask("query_balance", question("points", None), Values::new());
    stand.keep("o1", open_to_messages(), vec![work.clone()]).await;
    let delivery = delivery(text("查话费"), Duration::from_secs(4));
    let earned = stand.app.perform_while_waiting(&stand.account(), &delivery, work).await.unwrap().unwrap();
    assert!(matches!(&earned.reply, Reply::Text(words) if words.contains("暂时")), "{:?}", earned.reply);
    assert_eq!(stand.customer("o1").await.recent.earned(DedupeKey(7)).unwrap().reply, earned.reply);
}

#[actix_web::test]
async fn what_no_window_carries_comes_with_the_next_message() {
    for code in [45015, 45047] {
        let stand = Stand::new();
        stand.outside.codes.lock().unwrap().push_back(code);
        stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
        assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Finished);
        assert_eq!(stand.left().await, []);
        assert_eq!(stand.customer("o1").await.notes.len(), 1, "{code}");
        let earned = stand.app.handle(&stand.account(), text("谢谢")).await.unwrap();
        let Reply::Text(words) = earned.reply else { panic!("nothing was said") };
        assert!(words.starts_with("到账了\n\n"), "{words}");
        assert_eq!(stand.customer("o1").await.notes, []);
    }
}

#[actix_web::test]
async fn what_nobody_is_there_to_read_is_dropped() {
    let mut stand = Stand::new();
    stand.outside.codes.lock().unwrap().push_back(43004);
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
    assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Finished);
    assert_eq!((stand.left().await, stand.customer("o1").await.notes), (vec![], vec![]));
    assert_eq!(stand.happened(), ["begins 到账了", "ends 到账了"]);
}

/// A machine that sleeps so long between two looks at the clock.
struct Sleeps {
    secs: i64,
    looks: AtomicI64,
}

impl Clock for Sleeps {
    fn now(&self) -> UnixSecs {
        NOON.plus_secs(self.looks.fetch_add(1, Ordering::Relaxed) * self.secs)
    }
}

#[actix_web::test]
async fn what_was_read_when_a_repetition_may_be_forgotten_is_not_decided() {
    for (secs, version) in [(DECIDED_WITHIN_SECS, 1), (DECIDED_WITHIN_SECS + 1, 0)] {
        let dir = tempfile::tempdir().unwrap();
        let nowhere = "http://127.0.0.1:9/".parse().unwrap();
        let app = app(account_at(nowhere), dir.path(), Arc::new(Sleeps { secs, looks: AtomicI64::new(0) }));
        let account = Arc::clone(app.account("demo").unwrap());
        let mut place = Admission::default().admit(Class::Customer).await.unwrap();
        let arrived = app.clock.now();
        let delivery = Delivery { arrived, ..delivery(text("您好"), Duration::from_secs(4)) };
        let settled = app.decide_and_commit(&account, &delivery, &mut place).await;
        assert_eq!(settled.is_ok(), version == 1, "after {secs} s");
        assert_eq!(app.store.load(&of("o1")).await.unwrap().version.0, version);
    }
}

/// What the platform says, and what becomes of the message, the window and the record.
#[actix_web::test]
async fn every_refusal_teaches_the_record_what_it_says() {
    let noted = |because| (Tried::Finished, 1, Some(because));
    for (code, (tried, notes, because)) in [
        (45015, noted(Some(Hindrance::NoWindow))),
        (48002, noted(Some(Hindrance::Blocked))),
        (45047, noted(None)),
        (45011, (Tried::Until(NOON.plus_secs(60)), 0, None)),
        // The account's fault, not the customer's.
        (48001, noted(None)),
        (43004, (Tried::Finished, 0, Some(Some(Hindrance::Away)))),
        (43019, (Tried::Finished, 0, Some(Some(Hindrance::Blacklisted)))),
    ] {
        let stand = Stand::new();
        stand.outside.codes.lock().unwrap().push_back(code);
        stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
        assert_eq!(send(&stand, message("w", "到账了")).await, tried, "{code}");
        let customer = stand.customer("o1").await;
        assert_eq!((customer.notes.len(), customer.ways.refused()), (notes, because.flatten()), "{code}");
        let left = if code == 45047 { 0 } else { 5 };
        assert_eq!(customer.windows.room(NOON).map(|room| room.left), Some(left), "{code}: none was shown");
        let given_up: Vec<Cause> = customer.ways.unsent().iter().map(|unsent| unsent.cause.clone()).collect();
        let expected = if notes == 0 { because.flatten().map(Cause::Hindered) } else { None };
        assert_eq!(given_up, Vec::from_iter(expected), "{code}");
        let listed = dead_letters(stand.app.store().as_ref(), &"demo".into()).await.unwrap();
        assert_eq!(listed.into_iter().map(|listed| listed.cause).collect::<Vec<_>>(), given_up, "{code}");
    }
}

#[actix_web::test]
async fn a_token_that_cannot_be_replaced_puts_a_message_off_and_the_next_one_sends_it() {
    let mut stand = Stand::new();
    // The platform hands out the same one whatever is asked: refused, refused again, and no other to be had.
    stand.outside.codes.lock().unwrap().extend([40001, 40001]);
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
    assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Again);
    let customer = stand.customer("o1").await;
    assert_eq!((customer.notes.len(), customer.windows.room(NOON).map(|room| room.left)), (0, Some(5)));
    assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Finished);
    assert_eq!(stand.happened().iter().filter(|event| event.starts_with("ends")).count(), 3);
    assert_eq!((stand.left().await, stand.customer("o1").await.notes), (vec![], vec![]));
}

#[actix_web::test]
async fn what_is_wrong_with_the_account_or_this_machine_is_no_reason_to_give_a_message_up() {
    for code in [40164, 40243, 89503] {
        let stand = Stand::new();
        stand.outside.codes.lock().unwrap().push_back(code);
        stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
        assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Again, "{code}");
        let customer = stand.customer("o1").await;
        assert_eq!((customer.notes.len(), customer.windows.room(NOON).map(|room| room.left)), (0, Some(5)));
        assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Finished);
        assert_eq!(stand.left().await, vec![]);
    }
}

#[actix_web::test]
async fn nothing_is_written_down_as_begun_before_there_is_a_token() {
    let stand = Stand::new();
    stand.outside.no_token.lock().unwrap().push_back(40164);
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
    assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Again);
    let customer = stand.customer("o1").await;
    assert_eq!((customer.ways.call(&"w".into()), customer.notes.len()), (CallState::None, 0));
    let mut stand = Stand::new();
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
    let late = Claimed { of: of("o1"), work: message("w", "到账了"), attempt: 1, lease_ends: NOON.plus_secs(5) };
    let tried = stand.app.perform(&stand.account(), &late).await.unwrap();
    assert_eq!((tried, stand.happened()), (Tried::NotPut, vec![]), "somebody else may take it up before it has left");
    let customer = stand.customer("o1").await;
    assert_eq!(customer.ways.call(&"w".into()), CallState::None);
}

/// A message that the platform answers with this code once what happens meanwhile has happened.
async fn meanwhile(code: i64, customer: Customer, happens: impl AsyncFnOnce(&Stand)) -> (Stand, Tried) {
    let mut stand = Stand::new();
    let bell = Arc::new(tokio::sync::Notify::new());
    *stand.outside.held.lock().unwrap() = Some(("到账了", Arc::clone(&bell)));
    stand.outside.codes.lock().unwrap().push_back(code);
    stand.keep("o1", customer, vec![message("w", "到账了")]).await;
    let (app, account) = (Arc::clone(&stand.app), stand.account());
    let claimed = Claimed { of: of("o1"), work: message("w", "到账了"), attempt: 1, lease_ends: NOON.plus_secs(60) };
    let sending = tokio::spawn(async move { app.perform(&account, &claimed).await.unwrap() });
    assert_eq!(stand.events.recv().await.unwrap(), "begins 到账了");
    happens(&stand).await;
    bell.notify_one();
    let tried = sending.await.unwrap();
    (stand, tried)
}

#[actix_web::test]
async fn who_writes_while_a_message_is_refused_for_the_window_of_before_is_told_after_all() {
    for code in [45015, 45047] {
        let mut customer = Customer::default();
        customer.windows.open(BY_TAP, NOON);
        let (stand, tried) = meanwhile(code, customer, async |stand| {
            stand.app.handle(&stand.account(), text("谢谢")).await.unwrap();
        })
        .await;
        assert_eq!((tried, stand.customer("o1").await.notes.len()), (Tried::Again, 0), "{code}");
        assert_eq!(stand.left().await.len(), 1, "{code}");
    }
}

#[actix_web::test]
async fn of_somebody_who_was_erased_during_a_call_nothing_is_written_again() {
    let (stand, tried) = meanwhile(43004, open_to_messages(), async |stand| {
        assert!(stand.app.store.erase(&of("o1")).await.unwrap());
    })
    .await;
    assert_eq!(tried, Tried::Finished);
    assert_eq!(stand.app.store.load(&of("o1")).await.unwrap().version, Version(0));
}

#[actix_web::test]
async fn a_message_for_which_no_note_has_room_is_kept_for_the_operator() {
    let stand = Stand::new();
    let names: Vec<String> = (0..7).map(|nth| format!("w{nth}")).collect();
    stand.keep("o1", Customer::default(), names.iter().map(|name| message(name, name)).collect()).await;
    for name in &names {
        assert_eq!(send(&stand, message(name, name)).await, Tried::Finished);
    }
    let customer = stand.customer("o1").await;
    let kept: Vec<&Reply> = customer.notes.iter().map(|note| &note.reply).collect();
    assert_eq!(
        kept,
        names[..5].iter().map(|name| Reply::Text(name.clone())).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    let given_up: Vec<(String, Cause)> =
        customer.ways.unsent().iter().map(|unsent| (unsent.work.id.to_string(), unsent.cause.clone())).collect();
    let crowded = |name: &str| (name.to_owned(), Cause::Hindered(Hindrance::Crowded));
    assert_eq!(given_up, [crowded("w5"), crowded("w6")]);
}

#[actix_web::test]
async fn an_account_without_the_right_does_not_ask_for_every_message() {
    let mut stand = Stand::new();
    stand.outside.codes.lock().unwrap().push_back(48001);
    stand.keep("o1", open_to_messages(), vec![message("w", "一"), message("x", "二")]).await;
    send(&stand, message("w", "一")).await;
    send(&stand, message("x", "二")).await;
    assert_eq!((stand.happened(), stand.customer("o1").await.notes.len()), (begun_and_ended("一"), 2));
}

fn begun_and_ended(text: &str) -> Vec<String> {
    vec![format!("begins {text}"), format!("ends {text}")]
}

#[actix_web::test]
async fn a_message_whose_answer_was_lost_is_not_sent_again_and_a_receipt_comes_once_more_with_the_next_message() {
    for (id, notes) in [("w", 0), ("w/receipt", 1)] {
        let mut stand = Stand::new();
        stand.outside.codes.lock().unwrap().push_back(-1);
        stand.keep("o1", open_to_messages(), vec![message(id, "到账了")]).await;
        for _ in 0..2 {
            assert_eq!(send(&stand, message(id, "到账了")).await, Tried::Finished);
        }
        assert_eq!((stand.happened(), stand.left().await), (begun_and_ended("到账了"), vec![]));
        let customer = stand.customer("o1").await;
        let [unsent] = customer.ways.unsent() else { panic!("{:?}", customer.ways) };
        assert_eq!((&unsent.cause, unsent.work.id.as_str(), customer.notes.len()), (&Cause::Unknown, id, notes));
        assert_eq!(customer.windows.room(NOON).map(|room| room.left), Some(4), "it may have been shown");
    }
}

#[actix_web::test]
async fn a_message_that_somebody_began_to_send_and_did_not_end_is_not_sent_again() {
    let mut stand = Stand::new();
    let mut customer = open_to_messages();
    customer.windows.spend(NOON);
    customer.ways.begin(&"w".into(), (Path::CustomerService, NOON));
    stand.keep("o1", customer, vec![message("w", "到账了")]).await;
    assert_eq!(send(&stand, message("w", "到账了")).await, Tried::Finished);
    assert_eq!((stand.happened(), stand.left().await), (Vec::<String>::new(), vec![]));
    assert_eq!(stand.customer("o1").await.ways.unsent().len(), 1);
}

#[actix_web::test]
async fn what_was_tried_until_it_was_of_no_use_is_kept_as_tried_in_vain() {
    let stand = Stand::new();
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了"), message("x", "晚了")]).await;
    stand.clock.set(NOON.plus_secs(3600));
    let late = |id: &str, attempt| Claimed { of: of("o1"), work: message(id, "到账了"), attempt, lease_ends: NOON };
    for (id, attempt) in [("w", 3), ("x", 1)] {
        assert_eq!(stand.app.perform(&stand.account(), &late(id, attempt)).await.unwrap(), Tried::Finished);
    }
    let customer = stand.customer("o1").await;
    let causes: Vec<&Cause> = customer.ways.unsent().iter().map(|unsent| &unsent.cause).collect();
    assert_eq!(causes, [&Cause::InVain, &Cause::Hindered(Hindrance::Expired)]);
}

#[actix_web::test]
async fn an_operator_sends_again_what_can_be_reached_now_and_only_once() {
    let mut stand = Stand::new();
    stand.outside.codes.lock().unwrap().push_back(-1);
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
    send(&stand, message("w", "到账了")).await;
    let resend = || async { stand.app.resend(&of("o1"), &"w".into()).await.unwrap() };
    assert!(matches!(resend().await, Resent::OnItsWay(Reach::CustomerService { left: 4, .. })));
    assert_eq!(resend().await, Resent::Unknown);
    let [again] = &stand.left().await[..] else { panic!("one was to be left") };
    assert!(again.id != message("w", "").id && again.expires > NOON);
    assert_eq!(send(&stand, again.clone()).await, Tried::Finished);
    assert_eq!(stand.happened(), [begun_and_ended("到账了"), begun_and_ended("到账了")].concat());
}

#[actix_web::test]
async fn what_cannot_be_reached_now_is_not_sent_again_and_stays() {
    let stand = Stand::new();
    stand.outside.codes.lock().unwrap().push_back(-1);
    stand.keep("o1", open_to_messages(), vec![message("w", "到账了")]).await;
    send(&stand, message("w", "到账了")).await;
    stand.clock.set(NOON.plus_secs(2 * 86_400));
    let resent = stand.app.resend(&of("o1"), &"w".into()).await.unwrap();
    assert!(matches!(resent, Resent::NotNow(Reach::NextVisit { because: Hindrance::NoWindow, .. })), "{resent:?}");
    assert_eq!(stand.customer("o1").await.ways.unsent().len(), 1);
    assert_eq!(stand.app.resend(&of("nobody"), &"w".into()).await.unwrap(), Resent::Unknown);
}
