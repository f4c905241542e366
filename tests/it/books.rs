//! The books of others held against ours, the morning after: what differs is listed for a person, and a book that is
//! missing or broken is asked for again and never believed.

use std::path::Path;

use fuwu::app::{Balanced, Book, BookFault, Subject, cases, read_brief};
use fuwu::domain::order::State;
use fuwu::domain::time::BusinessDay;
use fuwu::growth::brief::Edition;
use serde_json::{Value, json};

use crate::business::{copied, copy_playbook, edit};
use crate::harness::World;
use crate::orders_shop::{Mood, Shop, borrowed, order_of, pay, playbook_paid_by_wechat, stands_at, switch};
use crate::phone::Phone;

/// A business system's list of a day, as an operator joins it.
const DAY_BOOK: &str = r#"
[connectors.day_book]
method = "GET"
path = "/days/{{ day }}"
query = { page = "{{ page }}" }
timeout_ms = 2500
late_timeout_ms = 10000
refusal = { at = "/code", ok = "0" }

[connectors.day_book.fields.orders]
at = "/orders"
as = "list"
most = 31
fields = { order = { at = "/order", as = "text" }, amount = { at = "/amount_fen", as = "fen" } }

[connectors.day_book.example]
code = "0"
orders = [{ order = "20260109000000000000000001", amount_fen = 2000 }]
"#;
/// Until the bills of a day are there.
const UNTIL_TEN_SECS: i64 = 24 * 3600;

async fn balance(world: &World, book: Book) -> Result<Balanced, BookFault> {
    world.running.app.balance_books(world.running.app.account("demo").unwrap(), book).await
}

/// What waits for a person: the number, why, and how much.
async fn listed(world: &World) -> Vec<(String, String, i64)> {
    let cases = cases(world.store().as_ref(), &"demo".into()).await.unwrap();
    cases.into_iter().map(|case| (case.number.as_str().to_owned(), case.reason, case.amount_fen)).collect()
}

async fn seen(world: &World, number: &str) {
    let url = world.url(&format!("/api/v1/orders/{number}/decide?decision=seen"));
    let answer = world.http.post(url).bearer_auth(crate::harness::API_TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Names the list of a day in the copied playbook below `dir`.
fn with_day_book(dir: &Path) {
    let file = dir.join("playbook/connectors.toml");
    edit(&file, "base_url = ", "day_book = \"day_book\"\nbase_url = ");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + DAY_BOOK).unwrap();
}

/// Two customers who paid on Monday, one for what was done and one for what was refused; their orders' numbers.
async fn monday(world: &World) -> (String, String) {
    let mut numbers = Vec::new();
    for (name, ends) in [("小林", State::Done), ("小周", State::Refunded)] {
        let phone = Phone::following(world, name).await;
        for words in ["充流量", "2", "确认"] {
            phone.say(words).await;
        }
        stands_at(world, &phone.openid, State::AwaitingPayment).await;
        pay(world, &phone.openid).await.unwrap();
        numbers.push(stands_at(world, &phone.openid, ends).await.number.as_str().to_owned());
    }
    let refused = numbers.pop().unwrap();
    (numbers.pop().unwrap(), refused)
}

/// A shop that does the first order and refuses the second.
fn shop() -> Shop {
    let first = std::sync::OnceLock::new();
    Shop::open(move |number| if first.get_or_init(|| number.to_owned()) == number { Mood::Does } else { Mood::Refuses })
}

#[actix_web::test]
async fn the_bill_of_the_day_before_agrees_and_what_does_not_is_listed_for_a_person() {
    let (shop, dir) = (shop(), tempfile::tempdir().unwrap());
    let env = playbook_paid_by_wechat(dir.path(), Some(&shop.address));
    let world = World::start_with(&borrowed(&env)).await;
    let (done, refused) = monday(&world).await;
    let first = if done < refused { done.clone() } else { refused.clone() };
    world.clock.advance_secs(14 * 3600);
    assert_eq!(balance(&world, Book::Till).await.unwrap(), Balanced::Early, "it is midnight");
    world.clock.advance_secs(UNTIL_TEN_SECS - 14 * 3600);

    let missing = balance_with(&world, json!("missing")).await.unwrap();
    assert!(matches!(missing, Balanced::Missing(_)), "nothing is believed of a day that has none: {missing:?}");
    switch(&world, json!({ "spoiled_bills": 1 })).await;
    let broken = balance_with(&world, Value::Null).await.unwrap_err();
    assert!(matches!(&broken, BookFault::Broken(cause) if cause.contains("hash")), "{broken}");
    switch(&world, json!({ "system_error": 9 })).await;
    let passing = balance_with(&world, Value::Null).await.unwrap_err();
    assert!(matches!(passing, BookFault::Passing(_)), "{passing}");
    switch(&world, json!({ "system_error": 0 })).await;
    assert_eq!(listed(&world).await, [], "nothing of a book that cannot be used is believed");

    assert_eq!(balance_with(&world, Value::Null).await.unwrap(), Balanced::Done);
    assert_eq!(listed(&world).await, [], "both sides say the same");
    assert_eq!(balance_with(&world, json!("adds")).await.unwrap(), Balanced::Done);
    assert_eq!(listed(&world).await, [], "a day that agreed is not asked about again");

    // Each on a day of its own: the same orders, were they of that day.
    let twists = [
        ("adds", "STRANGE0001", "book_paid_unknown", 2000),
        ("less", first.as_str(), "book_paid_otherwise", 1999),
        ("drops", first.as_str(), "book_paid_nowhere", 2000),
        ("returns", first.as_str(), "book_returned_unknown", 2000),
    ];
    for (twist, number, reason, fen) in twists {
        forget_balance(&world).await;
        balance_with(&world, json!(twist)).await.unwrap();
        let listed = listed(&world).await;
        assert!(listed.contains(&(number.to_owned(), reason.to_owned(), fen)), "{twist}: {listed:?}");
        for (number, ..) in listed {
            seen(&world, &number).await;
        }
    }
    let page = world.http.get(world.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("fuwu_books_differences_total"), "{page}");
    let of = |name: &str, label: &str| {
        let line = page.lines().find(|line| line.starts_with(name) && line.contains(label));
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{name} {label}: {page}")).to_owned()
    };
    for (what, fen) in [("charged", "4000"), ("fulfilled", "2000"), ("returned", "2000")] {
        assert_eq!(of("fuwu_order_fen_total", &format!("what=\"{what}\"")), fen, "{what}");
    }
    for (state, fen) in [("done", "2000"), ("refunded", "2000"), ("paid", "0"), ("fulfilling", "0")] {
        assert_eq!(of("fuwu_orders_standing_fen", &format!("state=\"{state}\"")), fen, "{state}");
    }
}

async fn balance_with(world: &World, twist: Value) -> Result<Balanced, BookFault> {
    switch(world, json!({ "twisted_bills": twist })).await;
    balance(world, Book::Till).await
}

/// Takes away what was noted of the day, as if nobody had looked.
async fn forget_balance(world: &World) {
    use fuwu::store::{SharedChange, SharedKind};
    let account = "demo".into();
    for (part, shared) in world.store().shared_of(&account, SharedKind::Books).await.unwrap() {
        let name = fuwu::store::SharedName { kind: SharedKind::Books, part };
        let change = SharedChange { account: account.clone(), name, base: shared.version, body: None };
        world.store().put_shared(change).await.unwrap();
    }
}

/// A business system of the test's own that lists 62 orders of a day, in pages of 31 or always the same one, some of them
/// twice.
async fn lists(pages: bool) -> (String, actix_web::dev::ServerHandle) {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let page = move |query: web::Query<std::collections::HashMap<String, usize>>| async move {
        let page = if pages { query["page"] } else { 1 };
        let line = |nth: usize| json!({ "order": format!("STRANGE{:03}", nth.min(60)), "amount_fen": 100 });
        let orders: Vec<Value> = (0..62).skip((page - 1) * 31).take(31).map(line).collect();
        HttpResponse::Ok().json(json!({ "code": "0", "orders": orders }))
    };
    let server = HttpServer::new(move || App::new().route("/days/{day}", web::get().to(page)));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address, handle)
}

#[actix_web::test]
async fn a_list_is_read_page_by_page_and_one_that_never_ends_is_not_believed() {
    for pages in [true, false] {
        let ((address, server), dir) = (lists(pages).await, tempfile::tempdir().unwrap());
        let env = playbook_paid_by_wechat(dir.path(), Some(&address));
        with_day_book(dir.path());
        let world = World::start_with(&borrowed(&env)).await;
        world.clock.advance_secs(UNTIL_TEN_SECS);
        let came = balance(&world, Book::Business).await;
        let listed = listed(&world).await;
        if pages {
            assert_eq!(came.unwrap(), Balanced::Done);
            assert_eq!(listed.len(), 61, "one of 62 stands there twice");
            let twice = ("STRANGE060".to_owned(), "book_done_twice".to_owned(), 100);
            assert!(listed.contains(&twice), "{listed:?}");
        } else {
            assert!(matches!(came.unwrap_err(), BookFault::Broken(cause) if cause.contains("page")));
            assert_eq!(listed, []);
        }
        server.stop(false).await;
    }
}

#[actix_web::test]
async fn what_the_business_system_did_and_we_do_not_know_of_is_listed_for_a_person() {
    let dir = tempfile::tempdir().unwrap();
    copy_playbook(dir.path());
    with_day_book(dir.path());
    let world = World::start_with(&borrowed(&copied(dir.path()))).await;
    let phone = Phone::following(&world, "小林").await;
    for words in ["充流量", "2", "确认"] {
        phone.say(words).await;
    }
    let order = stands_at(&world, &phone.openid, State::Done).await;
    world.clock.advance_secs(UNTIL_TEN_SECS);
    assert_eq!(balance(&world, Book::Till).await.unwrap(), Balanced::Done, "nothing was paid, and no bill says so");
    assert_eq!(balance(&world, Book::Business).await.unwrap(), Balanced::Done);
    assert_eq!(listed(&world).await, []);

    // On Tuesday somebody has it done without us.
    let body = json!({ "openid": phone.openid.as_str(), "code": "D1G", "amount_fen": 500, "order": "BYHAND01" });
    let request = world.http.post(world.url("/sandbox/telecom/orders")).header("Idempotency-Key", "BYHAND01");
    assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    world.clock.advance_secs(UNTIL_TEN_SECS);
    world.business(json!({ "out": true })).await;
    assert!(matches!(balance(&world, Book::Business).await.unwrap_err(), BookFault::Passing(_)));
    world.business(json!({ "out": false })).await;
    assert_eq!(balance(&world, Book::Business).await.unwrap(), Balanced::Done);
    assert_eq!(listed(&world).await, [("BYHAND01".to_owned(), "book_done_unknown".to_owned(), 500)]);

    let (playbook, clock) = (world.running.app.account("demo").unwrap().playbook(), world.running.app.as_of());
    let account = "demo".into();
    let subject = Subject { store: world.store().as_ref(), account: &account, playbook: &playbook, clock };
    let tuesday = BusinessDay::parse("2026-03-03").unwrap();
    let brief = read_brief(&subject, Edition::Daily(tuesday), None).await.unwrap();
    for told in [brief.text(), brief.markdown()] {
        assert!(told.contains("1 笔订单等人核对，共 5.00 元"), "{told}");
    }
    seen(&world, "BYHAND01").await;
    assert_eq!(listed(&world).await, []);
    assert_eq!(order_of(&world, &phone.openid).await, order);
}
