//! What becomes of a message that a template can carry, whatever the platform says.

use serde_json::json;

use super::super::stand::{Stand, account_at, app, carried, of};
use super::*;
use crate::app::dead_letters::Resent;
use crate::domain::customer::Customer;
use crate::domain::ids::DedupeKey;
use crate::domain::inbound::SubscriptionChoice;
use crate::domain::question::Question;
use crate::domain::reach::{BY_MESSAGE, BY_TAP, By, CallState, Cause, Hindrance, Path, Reach, Rights};
use crate::domain::sample::NOON;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::store::{Commit, Keep, Version};

const TEXT: &str = "到账了";

/// Follows, agreed to so many notices, and has no window open.
fn agreed(times: usize) -> Customer {
    let mut customer = Customer::default();
    let choice = SubscriptionChoice { template_id: "S".into(), accepted: true, scene: None };
    customer.ways.consents.answered(&vec![choice; times], NOON);
    customer
}

fn open_to_messages() -> Customer {
    let mut customer = agreed(1);
    customer.windows.open(BY_MESSAGE, NOON);
    customer
}

fn consents(customer: &Customer) -> u8 {
    customer.ways.consents.left(&"S".into())
}

/// What the platform is asked, without the mark.
fn notice() -> String {
    format!("notice S \"{TEXT}\"")
}

fn template() -> String {
    format!("template T \"{TEXT}\"")
}

fn by_window() -> Vec<String> {
    vec![format!("begins {TEXT}"), format!("ends {TEXT}")]
}

struct Scene {
    stand: Stand,
    id: &'static str,
}

impl Scene {
    async fn new(customer: Customer, codes: &[i64]) -> Self {
        Self::about("w/receipt", customer, codes).await
    }

    async fn about(id: &'static str, customer: Customer, codes: &[i64]) -> Self {
        let stand = Stand::new();
        stand.outside.codes.lock().unwrap().extend(codes);
        stand.keep("o1", customer, vec![carried(id, TEXT)]).await;
        Self { stand, id }
    }

    async fn tried(&self) -> Tried {
        let work = carried(self.id, TEXT);
        let claimed = Claimed { of: of("o1"), work, attempt: 1, lease_ends: self.stand.app.clock.now().plus_secs(60) };
        self.stand.app.perform(&self.stand.account(), &claimed).await.unwrap()
    }

    /// What was asked, and with which marks.
    fn asked(&mut self) -> (Vec<String>, Vec<String>) {
        let marked = |told: String| match told.rsplit_once(' ') {
            Some((told, mark)) if !told.starts_with("begins") && !told.starts_with("ends") && told.contains(' ') => {
                (told.to_owned(), mark.to_owned())
            }
            _ => (told, String::new()),
        };
        self.stand.happened().into_iter().map(marked).unzip()
    }

    fn calls(&mut self) -> Vec<String> {
        self.asked().0
    }

    async fn customer(&self) -> Customer {
        self.stand.customer("o1").await
    }

    async fn given_up(&self) -> Vec<Cause> {
        self.customer().await.ways.unsent().iter().map(|unsent| unsent.cause.clone()).collect()
    }
}

#[actix_web::test]
async fn an_open_window_goes_first_and_costs_no_consent() {
    let mut scene = Scene::new(open_to_messages(), &[]).await;
    assert_eq!(scene.tried().await, Tried::Finished);
    let customer = scene.customer().await;
    assert_eq!((scene.calls(), consents(&customer), customer.notes.len()), (by_window(), 1, 0));
}

#[actix_web::test]
async fn without_a_window_a_notice_goes_out_for_a_consent_and_then_template_messages_and_no_note_says_it_again() {
    let mut scene = Scene::new(agreed(2), &[]).await;
    for (left, asked) in [(1, notice()), (0, notice()), (0, template())] {
        let work = carried(&format!("w{left}{asked}/receipt"), TEXT);
        let claimed = Claimed { of: of("o1"), work, attempt: 1, lease_ends: NOON.plus_secs(60) };
        assert_eq!(scene.stand.app.perform(&scene.stand.account(), &claimed).await.unwrap(), Tried::Finished);
        let customer = scene.customer().await;
        assert_eq!((scene.calls(), consents(&customer), customer.notes.len()), (vec![asked], left, 0));
    }
    assert_eq!(scene.given_up().await, []);
}

#[actix_web::test]
async fn a_refusal_leads_to_the_next_path_and_at_last_to_a_note() {
    for (codes, asked, left) in [
        // The window was not open after all; the notice was, or was not agreed to after all.
        (&[45015][..], [by_window(), vec![notice()]].concat(), 0),
        (&[45047, 43101], [by_window(), vec![notice(), template()]].concat(), 0),
        // What is wrong with a template costs no consent.
        (&[45015, 47003], [by_window(), vec![notice(), template()]].concat(), 1),
        (&[45015, 40037, 40037], [by_window(), vec![notice(), template()]].concat(), 1),
    ] {
        let mut scene = Scene::new(open_to_messages(), codes).await;
        assert_eq!(scene.tried().await, Tried::Finished, "{codes:?}");
        let customer = scene.customer().await;
        let noted = usize::from(codes.len() == 3);
        assert_eq!((scene.calls(), consents(&customer), customer.notes.len()), (asked, left, noted), "{codes:?}");
        assert_eq!((scene.given_up().await, scene.stand.left().await), (vec![], vec![]), "{codes:?}");
    }
}

#[actix_web::test]
async fn one_who_does_not_follow_is_reached_by_a_notice_and_by_nothing_else() {
    for (times, asked) in [(1, vec![notice()]), (0, vec![])] {
        let mut customer = agreed(times);
        let windows = customer.windows.clone();
        customer.ways.learn(Hindrance::Away, (&windows, &windows), NOON);
        let mut scene = Scene::about("w", customer, &[]).await;
        scene.tried().await;
        assert_eq!(scene.calls(), asked);
        let given_up = if times == 0 { vec![Cause::Hindered(Hindrance::Away)] } else { vec![] };
        assert_eq!(scene.given_up().await, given_up);
    }
}

#[actix_web::test]
async fn what_was_put_off_gives_its_consent_back_and_takes_it_again() {
    let mut scene = Scene::new(agreed(1), &[45011]).await;
    assert_eq!(scene.tried().await, Tried::Until(NOON.plus_secs(60)));
    assert_eq!(consents(&scene.customer().await), 1);
    scene.stand.clock.advance_secs(60);
    assert_eq!(scene.tried().await, Tried::Finished);
    assert_eq!((consents(&scene.customer().await), scene.calls()), (0, vec![notice(), notice()]));
}

#[actix_web::test]
async fn a_notice_whose_answer_was_lost_is_not_sent_again_and_its_consent_is_spent() {
    for (id, notes) in [("w", 0), ("w/receipt", 1)] {
        let mut scene = Scene::about(id, agreed(2), &[-1]).await;
        for _ in 0..2 {
            assert_eq!(scene.tried().await, Tried::Finished);
        }
        let customer = scene.customer().await;
        assert_eq!((scene.calls(), consents(&customer), customer.notes.len()), (vec![notice()], 1, notes), "{id}");
        assert_eq!(scene.given_up().await, [Cause::Unknown]);
    }
}

#[actix_web::test]
async fn a_template_message_whose_answer_was_lost_is_asked_for_again_under_the_same_mark() {
    let mut scene = Scene::new(agreed(0), &[-1, -1]).await;
    for secs in [30, 60] {
        assert_eq!(scene.tried().await, Tried::Until(NOON.plus_secs(secs)));
        let begun = CallState::Begun { by: Path::Template, at: NOON };
        assert_eq!(scene.customer().await.ways.call(&"w/receipt".into()), begun);
        scene.stand.clock.set(NOON.plus_secs(secs));
    }
    assert_eq!(scene.tried().await, Tried::Finished);
    let (asked, marks) = scene.asked();
    assert_eq!(asked, vec![template(); 3]);
    assert!(marks.iter().all(|mark| *mark == carried("w/receipt", "").mark()), "{marks:?}");
    let customer = scene.customer().await;
    assert_eq!((customer.notes.len(), customer.ways.unsent().len()), (0, 0));
}

#[actix_web::test]
async fn a_template_message_is_never_asked_for_again_once_the_platform_may_have_forgotten_it() {
    // After a day it is of no use any more, and nobody is told of it.
    for (at, asked, noted) in [(539, 1, 1), (540, 0, 1), (-1, 0, 1), (86_400, 0, 0)] {
        let mut customer = agreed(0);
        customer.ways.begin(&"w/receipt".into(), (Path::Template, NOON));
        let mut scene = Scene::new(customer, &[-1]).await;
        scene.stand.clock.set(NOON.plus_secs(at));
        assert_eq!(scene.tried().await, Tried::Finished, "after {at} s");
        let customer = scene.customer().await;
        assert_eq!((scene.calls().len(), customer.notes.len()), (asked, noted), "after {at} s");
        assert_eq!(scene.given_up().await, [Cause::Unknown], "after {at} s");
    }
}

#[actix_web::test]
async fn a_refusal_after_a_lost_answer_says_nothing_of_the_first_call() {
    let mut scene = Scene::new(agreed(0), &[-1, 43004]).await;
    assert_eq!(scene.tried().await, Tried::Until(NOON.plus_secs(30)));
    assert_eq!(scene.tried().await, Tried::Finished);
    assert_eq!(scene.given_up().await, [Cause::Unknown]);
    assert_eq!((scene.calls().len(), scene.customer().await.ways.refused()), (2, None));
}

#[actix_web::test]
async fn a_notice_that_somebody_began_to_send_and_did_not_end_is_not_sent_again_by_any_path() {
    let mut customer = agreed(3);
    customer.ways.begin(&"w/receipt".into(), (Path::Subscription, NOON));
    customer.windows.open(BY_TAP, NOON);
    let mut scene = Scene::new(customer, &[]).await;
    assert_eq!(scene.tried().await, Tried::Finished);
    assert_eq!((scene.calls(), scene.given_up().await), (vec![], vec![Cause::Unknown]));
}

#[actix_web::test]
async fn a_lacking_right_is_learned_for_its_interface_alone() {
    let mut scene = Scene::new(agreed(2), &[48001]).await;
    assert_eq!(scene.tried().await, Tried::Finished);
    assert_eq!((scene.calls(), consents(&scene.customer().await)), (vec![notice(), template()], 2));
    let rights = scene.stand.app.rights(&scene.stand.account(), NOON);
    let has = [Path::CustomerService, Path::Subscription, Path::Template].map(|path| rights.has(path));
    assert_eq!(has, [true, false, true]);
}

#[actix_web::test]
async fn an_account_whose_kind_has_no_templates_never_asks_for_them() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody is there: whoever asked would hear that it was not reached.
    let account = account_at("http://127.0.0.1:9/".parse().unwrap());
    let rights = Rights::of_test().less(Path::Template);
    let app = app(ServedAccount { rights, ..account }, dir.path(), Arc::new(crate::app::ManualClock::at(NOON)));
    let account = Arc::clone(app.account("demo").unwrap());
    let work = carried("w", TEXT);
    let commit = Commit {
        of: of("o1"),
        base: Version(0),
        customer: agreed(1),
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: vec![work.clone()],
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Known,
    };
    assert_eq!(app.store.commit(commit).await.unwrap(), Committed::Applied);
    let claimed = Claimed { of: of("o1"), work, attempt: 1, lease_ends: NOON.plus_secs(60) };
    assert_eq!(app.perform(&account, &claimed).await.unwrap(), Tried::Finished);
    assert_eq!(app.store.load(&of("o1")).await.unwrap().customer.notes.len(), 1);
}

#[actix_web::test]
async fn what_was_given_up_is_sent_again_by_any_path_that_is_open_under_a_mark_of_its_own() {
    let scene = Scene::new(agreed(1), &[-1]).await;
    scene.tried().await;
    let resent = scene.stand.app.resend(&of("o1"), &"w/receipt".into()).await.unwrap();
    assert!(
        matches!(&resent, Resent::OnItsWay(Reach::Template { template }) if template.as_str() == "T"),
        "{resent:?}"
    );
    let left = scene.stand.left().await;
    let again = left.iter().find(|work| work.id.as_str().starts_with("again-")).unwrap();
    assert_ne!(again.mark(), carried("w/receipt", "").mark());
    assert_eq!(again.task, carried("w/receipt", TEXT).task);
}

/// The order, its outcome known at noon, and what is left to be said of it.
async fn outcome(answer: serde_json::Value) -> Work {
    let stand = Stand::new();
    *stand.outside.business.lock().unwrap() = Some(answer);
    let memo = [
        ("order", Value::from("20260101000000000000000001")),
        ("label", Value::from("5GB 流量月包")),
        ("amount", Value::Fen(2000)),
        ("description", Value::from("用到月底")),
    ];
    let memo: Values = memo.map(|(name, value)| (name.to_owned(), value)).into();
    let asked = [
        ("code", Value::from("M5G")),
        ("amount_fen", Value::Integer(2000)),
        ("order", Value::from("20260101000000000000000001")),
    ];
    let values: Values = asked.map(|(name, value)| (name.to_owned(), value)).into();
    let question = Question { connector: "place_order".into(), values, idempotency_key: Some("K".into()) };
    let task = Task::Ask { action: "buy_data".into(), question, memo };
    let work = Work { id: "order/K".into(), origin: DedupeKey(7), due: NOON, expires: NOON.plus_secs(60), task };
    stand.keep("o1", Customer::default(), vec![work.clone()]).await;
    let claimed = Claimed { of: of("o1"), work, attempt: 1, lease_ends: NOON.plus_secs(60) };
    assert_eq!(stand.app.perform(&stand.account(), &claimed).await.unwrap(), Tried::Finished);
    stand.left().await.remove(0)
}

#[actix_web::test]
async fn the_outcome_of_an_order_bears_the_notices_of_its_account_filled() {
    for (answer, state) in [
        (json!({ "code": "0", "balance_fen": 1, "data_left_kib": 1, "valid_until": "2026-01-31" }), "已办好"),
        (json!({ "code": "INSUFFICIENT_BALANCE" }), "没有办成"),
    ] {
        let said = outcome(answer).await;
        assert!(said.is_receipt());
        let ways: Vec<_> = said.task.carriers().iter().map(|it| (it.by, it.fields["phrase2"].as_str())).collect();
        assert_eq!(ways, [(By::Subscription(crate::domain::reach::Term::Once), state), (By::Template, state)]);
        let fields = &said.task.carriers()[1].fields;
        let told = ["thing1", "amount3", "character_string5"].map(|key| fields[key].as_str());
        assert_eq!(told, ["5GB 流量月包", "20.00元", "20260101000000000000000001"]);
        assert_eq!(fields["time4"], UnixSecs(NOON.0).to_minutes());
    }
}
