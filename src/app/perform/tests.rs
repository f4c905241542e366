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
use crate::domain::customer::Customer;
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::{Class, Inbound};
use crate::domain::question::Question;
use crate::domain::reach::BY_MESSAGE;
use crate::domain::sample::{NOON, text};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

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
async fn what_moves_money_is_given_up_once_and_not_asked_again() {
    let mut stand = Stand::new();
    let memo = [
        ("order", Value::from("20260101000000000000000001")),
        ("label", Value::from("5GB 流量月包")),
        ("amount", Value::Fen(2000)),
    ];
    let memo = memo.map(|(name, value)| (name.to_owned(), value)).into();
    let work = ask("buy_data", question("place_order", Some("K")), memo);
    stand.keep("o1", open_to_messages(), vec![work.clone()]).await;
    stand.clock.set(work.expires);
    for _ in 0..2 {
        assert_eq!(send(&stand, work.clone()).await, Tried::Finished);
    }
    assert_eq!(stand.happened(), Vec::<String>::new());
    let left = stand.left().await;
    let [Work { task: Task::Send(Reply::Text(words)), .. }] = left.as_slice() else { panic!("{left:?}") };
    assert!(words.contains("20260101000000000000000001"), "{words}");
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
