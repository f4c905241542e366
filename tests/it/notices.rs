//! The outcome of an order finds a customer whose window has closed: by a notice they agreed to, else by a template
//! message, else with their next visit; and never twice, whatever becomes of the platform's answers.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use fuwu::domain::customer::Customer;
use fuwu::domain::order::State;
use fuwu::domain::reach::{Cause, Hindrance};
use fuwu::sandbox::model::Side;
use fuwu::store::CustomerRef;
use serde_json::{Value, json};

use crate::harness::{World, until};
use crate::phone::Phone;
use crate::process::run;

const NOTICE: &str = "TPLorder-progress-notice";
const BY_NOTICE: &str = "cgi-bin/message/subscribe/bizsend";
const BY_TEMPLATE: &str = "cgi-bin/message/template/send";

impl Phone<'_> {
    /// Everything that came by a template so far: by which kind, and what it says.
    fn notices(&self) -> Vec<(String, String)> {
        let chat = self.chat();
        let carried = chat.iter().filter(|entry| entry.side == Side::Account).filter_map(|entry| {
            let kind = entry.details.iter().find(|detail| ["模板消息", "订阅通知"].contains(&detail.as_str()))?;
            Some((kind.clone(), serde_json::to_string(&entry.body).unwrap()))
        });
        carried.collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.notices().into_iter().map(|(kind, _)| kind).collect()
    }

    /// Allows one notice, and waits until the account has heard of it.
    async fn agrees(&self) {
        let before = self.consents().await;
        // Two equal answers within one second are one to the platform's numbering.
        self.world.clock.advance_secs(1);
        let url = self.world.url(&format!("/sandbox/api/customers/{}/consent", self.openid));
        let answer = self.world.http.post(url).json(&json!({ "template_id": NOTICE, "accept": true })).send().await;
        assert_eq!(answer.unwrap().status(), 202);
        until("the consent is known", async || self.consents().await == before + 1).await;
    }

    /// The record as it is written; what the store keeps at hand may be outdated for a moment.
    async fn record(&self) -> Customer {
        let of = CustomerRef { account: "demo".into(), openid: self.openid.clone() };
        self.world.store().held(&of).await.unwrap().unwrap().stored.customer
    }

    async fn consents(&self) -> u8 {
        self.record().await.ways.consents.left(&NOTICE.into())
    }

    async fn notes(&self) -> usize {
        self.record().await.notes.len()
    }

    async fn given_up(&self) -> Vec<Cause> {
        let customer = self.record().await;
        customer.ways.unsent().iter().map(|unsent| unsent.cause.clone()).collect()
    }

    /// Orders by taps alone, which open a window of one minute, while the business system is out.
    async fn orders(&self) {
        self.world.business(json!({ "out": true })).await;
        assert!(self.tap_link("充流量").await.contains("想充哪个"));
        assert!(self.tap_link("1").await.contains("请您确认"));
        let interim = self.tap_link("确认").await;
        assert!(interim.contains("正在办理"), "{interim}");
    }

    /// The business system is back, and asked again after the window has closed.
    async fn outcome_is_known(&self) {
        self.world.business(json!({ "out": false })).await;
        self.world.clock.advance_secs(600);
        until("the order is done", async || self.order_is_done().await).await;
    }

    async fn order_is_done(&self) -> bool {
        let orders = self.record().await.orders;
        !orders.is_empty() && orders.all().all(|order| order.state() == State::Done)
    }
}

/// Nothing is left but what looks after an order from time to time.
async fn is_idle(world: &World) -> bool {
    world.store().next_due().await.unwrap().is_none_or(|due| due.0 >= world.clock_now() + 200)
}

async fn idle(world: &World) {
    until("the outbox is idle", async || is_idle(world).await).await;
}

#[actix_web::test]
async fn an_outcome_comes_by_a_template_message_when_the_window_has_closed_and_is_not_said_again() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.orders().await;
    phone.outcome_is_known().await;
    idle(&world).await;
    let notices = phone.notices();
    let [(kind, said)] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!(kind, "模板消息");
    for part in ["1GB 流量日包", "已办好", "5.00元", "2026-03-02 10:1"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!phone.say("谢谢").await.contains("办好了"), "said once");
    let openid = phone.openid;
    let world = world.restart().await;
    let phone = Phone { world: &world, openid };
    idle(&world).await;
    assert_eq!((phone.kinds().len(), phone.heard("有效期"), phone.notes().await), (1, 0, 0));
}

#[actix_web::test]
async fn within_an_open_window_the_receipt_comes_as_ever_and_costs_no_consent() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.agrees().await;
    phone.orders().await;
    phone.say("在吗").await;
    phone.outcome_is_known().await;
    phone.hears("有效期").await;
    idle(&world).await;
    assert_eq!((phone.kinds(), phone.heard("有效期"), phone.consents().await), (vec![], 1, 1));
}

#[actix_web::test]
async fn a_notice_takes_a_consent_each_and_after_the_last_one_comes_a_template_message() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.agrees().await;
    phone.agrees().await;
    for (nth, left, kind) in [(1, 1, "订阅通知"), (2, 0, "订阅通知"), (3, 0, "模板消息")] {
        phone.orders().await;
        phone.outcome_is_known().await;
        until("it has come", async || phone.kinds().len() == nth).await;
        idle(&world).await;
        assert_eq!((phone.kinds().last().unwrap().as_str(), phone.consents().await), (kind, left));
    }
    assert_eq!((phone.notes().await, phone.given_up().await), (0, vec![]));
}

#[actix_web::test]
async fn a_consent_that_the_platform_does_not_know_is_forgotten_and_the_template_carries_it() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.agrees().await;
    let fault = json!({ "errcodes": { BY_NOTICE: { "errcode": 43101, "errmsg": "user refuse to accept the msg" } } });
    world.sandbox().switch_faults(&fault).unwrap();
    phone.orders().await;
    phone.outcome_is_known().await;
    until("it has come", async || phone.kinds() == ["模板消息"]).await;
    idle(&world).await;
    assert_eq!((phone.consents().await, phone.notes().await), (0, 0));
}

#[actix_web::test]
async fn without_any_right_the_outcome_waits_for_the_next_visit_and_what_comes_of_it_is_told() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.agrees().await;
    phone.orders().await;
    world.sandbox().change_conditions(&json!({ "kind": "subscription" })).unwrap();
    phone.outcome_is_known().await;
    until("it waits as a note", async || phone.notes().await == 1).await;
    idle(&world).await;
    assert_eq!((phone.kinds(), phone.consents().await, phone.given_up().await), (vec![], 1, vec![]));
    assert!(phone.say("谢谢").await.starts_with("办好了"));
    assert_eq!(phone.notes().await, 0);
}

#[actix_web::test]
async fn the_platforms_report_that_a_customer_blocks_messages_is_remembered() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    let url = world.url(&format!("/sandbox/api/customers/{}/standing", phone.openid));
    assert_eq!(world.http.post(url).json(&json!({ "refuses": true })).send().await.unwrap().status(), 200);
    phone.orders().await;
    phone.outcome_is_known().await;
    idle(&world).await;
    // The platform takes the message, and says later that the customer blocks it.
    world.clock.advance_secs(60);
    let blocked = async || {
        world.sandbox().catch_up().await;
        phone.record().await.ways.refused() == Some(Hindrance::Blocked)
    };
    until("the report is known", blocked).await;
    assert_eq!((phone.kinds().len(), phone.notes().await), (0, 0));
}

#[actix_web::test]
async fn an_operator_reads_what_waits_and_which_templates_can_carry_it() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    world.sandbox().switch_faults(&json!({ "quota_reached": [BY_TEMPLATE] })).unwrap();
    phone.orders().await;
    phone.outcome_is_known().await;
    // What looks after the order is over by then, and the platform is asked about its quota every quarter of an hour.
    idle(&world).await;
    world.clock.advance_secs(301);
    let waits = async || world.store().next_due().await.unwrap().is_some_and(|due| due.0 > world.clock_now() + 500);
    until("it is put off", waits).await;
    let openid = phone.openid.clone();
    let World { running, dir, .. } = world;
    let output = run(dir.path(), &[], &["explain", "push", openid.as_str(), "--body"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("等待发出") && told.contains("现在发 sent now："), "{told}");
    assert!(told.contains("TPLorder-progress-template：") && told.contains("phrase2 已办好"), "{told}");
    running.stop().await.unwrap();
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The call is done, and its answer is lost.
    Lost,
    /// The call is done, and nothing is heard of it for ever.
    Silent,
}

/// Stands between fuwu and the platform.
#[derive(Clone, Default)]
struct Line {
    target: Arc<Mutex<Option<String>>>,
    fates: Arc<Mutex<Vec<(&'static str, Fate)>>>,
    /// The calls that were done, with the mark of each.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Line {
    /// Listens; before it is told where the platform is, it is pleased with everything.
    async fn open() -> (Self, String) {
        let line = Self::default();
        let shared = web::Data::new(line.clone());
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(carry)));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        (line, base)
    }

    fn leads_to(&self, world: &World) {
        *self.target.lock().unwrap() = Some(world.url("/sandbox/platform"));
    }

    fn leads_nowhere(&self) {
        *self.target.lock().unwrap() = None;
    }

    fn next(&self, path: &'static str, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates.iter().map(|fate| (path, *fate)));
    }

    fn calls(&self, path: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(own, _)| own.contains(path)).map(|(_, mark)| mark.clone()).collect()
    }
}

async fn carry(line: web::Data<Line>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let target = line.target.lock().unwrap().clone();
    let Some(target) = target else {
        return HttpResponse::Ok().json(json!({ "errcode": 0, "access_token": "T0", "expires_in": 7200 }));
    };
    let path = request.path().to_owned();
    let url = format!("{target}{}", request.uri());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let answer = http.request(method, url).body(body.to_vec()).send().await.unwrap().bytes().await.unwrap();
    let is_done = serde_json::from_slice::<Value>(&answer).is_ok_and(|answer| answer["errcode"] == 0);
    if !is_done {
        return HttpResponse::Ok().content_type("application/json").body(answer);
    }
    let mark = serde_json::from_slice::<Value>(&body).unwrap_or_default()["client_msg_id"].as_str().map(str::to_owned);
    line.seen.lock().unwrap().push((path.clone(), mark.unwrap_or_default()));
    let fate = {
        let mut fates = line.fates.lock().unwrap();
        fates.iter().position(|(of, _)| path.contains(of)).map(|at| fates.remove(at).1)
    };
    match fate {
        None => HttpResponse::Ok().content_type("application/json").body(answer),
        Some(Fate::Lost) => HttpResponse::BadGateway().finish(),
        Some(Fate::Silent) => std::future::pending().await,
    }
}

async fn on_the_line() -> (World, Line, String) {
    let (line, base) = Line::open().await;
    let world = World::start_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &base)]).await;
    line.leads_to(&world);
    (world, line, base)
}

#[actix_web::test]
async fn a_template_message_whose_answers_are_lost_is_asked_for_again_and_shown_once() {
    let (world, line, _) = on_the_line().await;
    let phone = Phone::following(&world, "小林").await;
    line.next(BY_TEMPLATE, &[Fate::Lost, Fate::Lost]);
    phone.orders().await;
    phone.outcome_is_known().await;
    for calls in [1, 2, 3] {
        until("it was asked for", async || line.calls(BY_TEMPLATE).len() == calls).await;
        let put_off = async || match calls {
            3 => is_idle(&world).await,
            _ => world.store().next_due().await.unwrap().is_some_and(|due| due.0 == world.clock_now() + 30),
        };
        until("it is put off, or done", put_off).await;
        world.clock.advance_secs(30);
    }
    idle(&world).await;
    let marks = line.calls(BY_TEMPLATE);
    assert!(marks.len() == 3 && marks.iter().all(|mark| mark.len() == 32 && *mark == marks[0]), "{marks:?}");
    assert_eq!((phone.kinds(), phone.notes().await, phone.given_up().await), (vec!["模板消息".into()], 0, vec![]));
}

#[actix_web::test]
async fn a_notice_whose_answer_is_lost_is_not_sent_again_and_the_outcome_comes_once_more_with_the_next_visit() {
    let (world, line, _) = on_the_line().await;
    let phone = Phone::following(&world, "小林").await;
    phone.agrees().await;
    phone.agrees().await;
    line.next(BY_NOTICE, &[Fate::Lost]);
    phone.orders().await;
    phone.outcome_is_known().await;
    idle(&world).await;
    assert_eq!((line.calls(BY_NOTICE).len(), line.calls(BY_TEMPLATE).len()), (1, 0));
    assert_eq!((phone.kinds(), phone.consents().await), (vec!["订阅通知".into()], 1));
    assert_eq!((phone.given_up().await, phone.notes().await), (vec![Cause::Unknown], 1));
    assert!(phone.say("谢谢").await.starts_with("办好了"));
}

#[actix_web::test]
async fn whoever_finds_a_call_begun_after_a_restart_asks_again_for_a_template_message_and_for_no_notice() {
    for (consents, path, notes, calls) in [(0, BY_TEMPLATE, 0, 2), (1, BY_NOTICE, 1, 1)] {
        let (world, line, base) = on_the_line().await;
        let openid = {
            let phone = Phone::following(&world, "小林").await;
            for _ in 0..consents {
                phone.agrees().await;
            }
            line.next(path, &[Fate::Silent]);
            phone.orders().await;
            phone.outcome_is_known().await;
            until("it was sent", async || phone.kinds().len() == 1).await;
            phone.openid
        };
        // The answer is still waited for when the process stops: the call is left as begun.
        line.leads_nowhere();
        let world = world.restart_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &base)]).await;
        line.leads_to(&world);
        let phone = Phone { world: &world, openid };
        world.clock.advance_secs(61);
        idle(&world).await;
        assert_eq!((line.calls(path).len(), phone.kinds().len()), (calls, 1), "{path}");
        assert_eq!((phone.notes().await, phone.given_up().await.len()), (notes, notes), "{path}");
    }
}
