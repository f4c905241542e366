//! A customer's own order in the chat's browser, over real HTTP: who looks, what is shown, and what a stranger gets.

use std::collections::BTreeMap;

use fuwu::backend::pay::Order as Asked;
use fuwu::domain::ids::{DedupeKey, Openid, OrderNumber};
use fuwu::domain::order::{Happening, Money, Order, Payment, Verdict, judge};
use fuwu::domain::pay::{Fen, OutTradeNo};
use fuwu::domain::value::Values;
use fuwu::store::{Commit, Committed, CustomerRef, Keep};
use serde_json::{Value, json};

use crate::harness::World;
use crate::phone::Phone;

pub const LABEL: &str = "5GB 流量月包 <b>\"热\"</b>";

/// An order that awaits 20 yuan, at the payment platform too, kept with its customer.
pub async fn awaiting(world: &World, openid: &Openid, number: &str) -> Order {
    let merchant = world.running.app.account("demo").unwrap().merchant.clone().unwrap();
    let asked = Asked {
        out_trade_no: OutTradeNo::new(number).unwrap(),
        description: "5GB 流量月包".into(),
        total: Fen(2_000),
        payer: openid.clone(),
        notify_url: world.url("/pay/demo/notify").parse().unwrap(),
        expires_at: world.clock_now_secs().plus_secs(1800),
        attach: String::new(),
    };
    let prepay_id = merchant.prepay(&asked).await.unwrap().to_string();
    let draft = Order {
        number: OrderNumber::from(number),
        action: "buy_data".into(),
        origin: DedupeKey(7),
        code: "M5G".into(),
        label: LABEL.into(),
        amount: Fen(2_000),
        agreed_at: None,
        moved_at: world.clock_now_secs(),
        learned: None,
        payment: Payment::ByWeChat(Money { payable_until: asked.expires_at, ..Money::default() }),
        business: Default::default(),
        person: None,
        details: Values::new(),
        puts: Default::default(),
        points: 0,
    };
    keep(world, openid, draft).await;
    happens(world, (openid, number), &[Happening::Agreed, Happening::Payable { prepay_id }]).await
}

/// Tells a kept order what happened.
pub async fn happens(world: &World, (openid, number): (&Openid, &str), happenings: &[Happening]) -> Order {
    let mut order = world.customer(openid).await.orders.get(&number.into()).unwrap().clone();
    for happening in happenings {
        let Verdict::New { order: after, .. } = judge(&order, happening, world.clock_now_secs()) else {
            panic!("{happening:?}");
        };
        order = *after;
    }
    keep(world, openid, order.clone()).await;
    order
}

async fn keep(world: &World, openid: &Openid, order: Order) {
    let of = CustomerRef { account: "demo".into(), openid: openid.clone() };
    let stored = world.store().load(&of).await.unwrap();
    let mut customer = stored.customer;
    customer.orders.put(order);
    let commit = Commit {
        of,
        base: stored.version,
        customer,
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Known,
    };
    assert_eq!(world.store().commit(commit).await.unwrap(), Committed::Applied);
}

/// A browser with cookies of its own that follows nothing by itself.
struct Browser<'w> {
    world: &'w World,
    cookies: BTreeMap<String, String>,
}

struct Seen {
    status: u16,
    location: String,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl<'w> Browser<'w> {
    fn new(world: &'w World) -> Self {
        Self { world, cookies: BTreeMap::new() }
    }

    async fn get(&mut self, url: &str) -> Seen {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.world.http.get(url).header("cookie", cookies.join("; "));
        let answer = request.send().await.unwrap();
        for set in answer.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
        let header =
            |name: &str| answer.headers().get(name).map(|h| h.to_str().unwrap().to_owned()).unwrap_or_default();
        Seen {
            status: answer.status().as_u16(),
            location: header("location"),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    fn page(&self, number: &str) -> String {
        self.world.url(&format!("/orders/demo/{number}"))
    }

    /// To the consent page as this customer, and back: where the platform sends them.
    async fn consent(&mut self, number: &str, openid: &Openid) -> String {
        let sent = self.get(&self.page(number)).await;
        assert_eq!(sent.status, 302, "{}", sent.body);
        self.agree(&sent.location, openid).await
    }

    async fn agree(&mut self, consent: &str, openid: &Openid) -> String {
        let consent = consent.split('#').next().unwrap();
        self.get(&format!("{consent}&openid={openid}")).await.location
    }

    /// The page, after whoever looks was recognised.
    async fn enter(&mut self, number: &str, openid: &Openid) -> Seen {
        let back = self.consent(number, openid).await;
        let clean = self.get(&back).await;
        assert_eq!((clean.status, clean.location.as_str()), (303, number));
        self.get(&self.page(number)).await
    }

    async fn state(&mut self, number: &str) -> (u16, Value) {
        let seen = self.get(&format!("{}/state", self.page(number))).await;
        (seen.status, serde_json::from_str(&seen.body).unwrap())
    }
}

#[actix_web::test]
async fn a_customer_is_recognised_without_being_asked_and_reads_their_own_order() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut browser = Browser::new(&world);
    let sent = browser.get(&browser.page("202603021234")).await;
    let wants = ["response_type=code", "scope=snsapi_base", "#wechat_redirect"];
    assert!(wants.iter().all(|part| sent.location.contains(part)), "{}", sent.location);
    assert!(!sent.location.contains(lin.openid.as_str()));
    let cookie = sent.headers["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/orders/demo/202603021234", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let back = browser.agree(&sent.location, &lin.openid).await;
    let clean = browser.get(&back).await;
    let visit = clean.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap());
    let visit = visit.into_iter().find(|cookie| cookie.starts_with("fuwu_visit=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/orders/demo;", "Max-Age=3600"] {
        assert!(visit.contains(part), "{visit}");
    }
    assert!(!visit.contains("Secure") && !visit.contains(lin.openid.as_str()));
    let page = browser.get(&browser.page("202603021234")).await;
    assert_eq!(page.status, 200);
    for words in [
        "等您付款",
        "请在 10:30 前付款",
        "¥",
        "20.00",
        "202603021234",
        "&lt;b&gt;&quot;热&quot;&lt;/b&gt;",
        "2026-03-02 10:00",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.headers[name], value);
    }
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    world.running.stop().await.unwrap();
}

/// What the page carries is what the payment platform and the platform's scripts take, and fresh at each view.
#[actix_web::test]
async fn the_page_carries_what_pays_the_order_signed_for_this_view() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut browser = Browser::new(&world);
    let first = carried(&browser.enter("202603021234", &lin.openid).await.body);
    let with_query = browser.get(&format!("{}?from=singlemessage", browser.page("202603021234"))).await;
    let second = carried(&with_query.body);
    assert_ne!(first["bridge"]["nonceStr"], second["bridge"]["nonceStr"]);
    let check = async |config: &Value, query: &str| {
        let address = format!("{}{query}", world.url("/orders/demo/202603021234"));
        let asked = world.http.post(world.url("/sandbox/api/page-config"));
        asked.json(&json!({ "address": address, "config": config })).send().await.unwrap().status().as_u16()
    };
    assert_eq!((check(&first["config"], "").await, check(&first["config"], "?a=1").await), (200, 403));
    assert_eq!((check(&second["config"], "?from=singlemessage").await, check(&second["config"], "").await), (200, 403));
    let act = async |openid: &Openid, page: &Value, path: &str| {
        let asked = world.http.post(world.url(&format!("/sandbox/api/pay/{path}")));
        let body = json!({ "openid": openid, "page": page, "act": "pay" });
        let answer = asked.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let sheet = json!({ "description": "5GB 流量月包", "total_fen": 2000 });
    assert_eq!(act(&lin.openid, &first["bridge"], "sheet").await, (200, sheet));
    let mut forged = first["bridge"].clone();
    forged["package"] = json!("prepay_id=wx0");
    assert_eq!(act(&lin.openid, &forged, "sheet").await.0, 409);
    let chen = Phone::following(&world, "小陈").await;
    assert_eq!(act(&chen.openid, &first["bridge"], "sheet").await.0, 409, "nobody else pays it");
    assert_eq!(act(&lin.openid, &second["choose"], "act").await, (200, json!({ "state": "SUCCESS" })));
    assert_eq!(act(&lin.openid, &first["bridge"], "act").await.1["error"], "订单已支付", "the other tab");
    world.running.stop().await.unwrap();
}

/// The data of the page, as its script reads it.
fn carried(page: &str) -> Value {
    let read = |name: &str| {
        let text = page.split_once(&format!("data-{name}=\"")).unwrap().1.split_once('"').unwrap().0;
        serde_json::from_str::<Value>(&text.replace("&quot;", "\"").replace("&amp;", "&")).unwrap()
    };
    json!({ "bridge": read("bridge"), "choose": read("choose"), "config": read("config") })
}

#[actix_web::test]
async fn somebody_elses_order_is_as_unknown_as_one_that_does_not_exist() {
    let world = World::start().await;
    let (lin, chen) = (Phone::following(&world, "小林").await, Phone::following(&world, "小陈").await);
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut browser = Browser::new(&world);
    let theirs = browser.enter("202603021234", &chen.openid).await;
    let none = browser.get(&browser.page("202603029999")).await;
    assert_eq!((theirs.status, none.status), (404, 404));
    assert!(theirs.body.contains("没有这张订单"));
    assert_eq!(theirs.body, none.body, "to the last byte");
    let names = |seen: &Seen| seen.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&theirs), names(&none));
    assert_eq!(browser.state("202603021234").await, (404, json!({})));
    assert_eq!(browser.state("202603029999").await, (404, json!({})));
    for bad in ["1", "2026%2F..%2F..", "20260302123%00", &"9".repeat(33), "订单202603", "2026-03-02"] {
        let seen = browser.get(&browser.page(bad)).await;
        assert_eq!((seen.status, seen.body == none.body), (404, true), "{bad}");
    }
    let elsewhere = browser.get(&world.url("/orders/other/202603021234")).await;
    assert_eq!((elsewhere.status, elsewhere.body == none.body), (404, true));
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn a_snapshot_user_is_refused_with_words_and_stays_nobody() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut browser = Browser::new(&world);
    let sent = browser.get(&browser.page("202603021234")).await;
    let consent = sent.location.split('#').next().unwrap();
    let back = browser.get(&format!("{consent}&openid={}&snapshot=1", lin.openid)).await.location;
    let refused = browser.get(&back).await;
    assert!(refused.status == 403 && refused.body.contains("页面快照"), "{} {}", refused.status, refused.body);
    assert!(!browser.cookies.contains_key("fuwu_visit"));
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn what_another_browser_was_given_is_worth_nothing_in_this_one() {
    let world = World::start().await;
    let (lin, chen) = (Phone::following(&world, "小林").await, Phone::following(&world, "小陈").await);
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut attacker = Browser::new(&world);
    let theirs = attacker.consent("202603021234", &chen.openid).await;

    // A link with somebody's code and state, opened by a customer who was never here, and by one who has been on the way.
    let mut victim = Browser::new(&world);
    let once_more = victim.get(&theirs).await;
    assert_eq!(once_more.status, 302, "asked anew, with a state of their own");
    assert!(once_more.location.contains("again%3D1") && !victim.cookies.contains_key("fuwu_visit"));
    let again = format!("{theirs}&again=1");
    let refused = victim.get(&again).await;
    assert!(refused.status == 403 && refused.body.contains("没能认出您"), "and not for ever");
    let own = victim.agree(&once_more.location, &lin.openid).await;
    assert_eq!(victim.get(&own).await.status, 303);

    // Who is recognised stays who they are, whatever code comes along.
    let kept = victim.cookies["fuwu_visit"].clone();
    assert_eq!((victim.get(&theirs).await.status, &victim.cookies["fuwu_visit"]), (303, &kept));
    assert_eq!(victim.get(&victim.page("202603021234")).await.status, 200);

    // The right state with a code that is used up, made up, or left out.
    let mut late = Browser::new(&world);
    let back = late.consent("202603021234", &lin.openid).await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(late.get(&back.replace(&code, "made-up")).await.status, 302);
    let mut denied = Browser::new(&world);
    let back = denied.consent("202603021234", &lin.openid).await;
    let state = back.split("state=").nth(1).unwrap().to_owned();
    let no_code = denied.get(&format!("{}?state={state}", denied.page("202603021234"))).await;
    assert!(no_code.status == 403 && no_code.body.contains("没能认出您"), "{}", no_code.status);
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn nothing_in_an_address_leads_to_another_site() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut browser = Browser::new(&world);
    let evil = "https://evil.example/";
    for query in ["redirect_uri=", "state=x&redirect_uri=", "next=", "back=", "again=", "host="] {
        let url = format!("{}?{query}{evil}", browser.page("202603021234"));
        let request = world.http.get(&url).header("x-forwarded-host", "evil.example").header("referer", evil);
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned()).unwrap_or_default();
        assert!(!location.contains("evil.example"), "{query}: {location}");
        assert!(!answer.text().await.unwrap().contains("evil.example"));
    }
    browser.enter("202603021234", &lin.openid).await;
    let clean = browser.get(&format!("{}?code=1&state=//evil.example", browser.page("202603021234"))).await;
    assert_eq!((clean.status, clean.location.as_str()), (303, "202603021234"));
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn a_visit_that_was_changed_or_is_over_is_none() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    awaiting(&world, &lin.openid, "202603021234").await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.enter("202603021234", &lin.openid).await.status, 200);
    let own = browser.cookies["fuwu_visit"].clone();
    for changed in [String::new(), "x".into(), format!("{own}A"), own.chars().rev().collect(), lin.openid.to_string()] {
        browser.cookies.insert("fuwu_visit".into(), changed.clone());
        assert_eq!(browser.state("202603021234").await.0, 401, "{changed}");
        browser.cookies.insert("fuwu_visit".into(), changed);
        assert_eq!(browser.get(&browser.page("202603021234")).await.status, 302);
    }
    // One by the same name that came first does not hide it.
    browser.cookies.insert("fuwu_visit".into(), format!("x; fuwu_visit={own}"));
    assert_eq!(browser.state("202603021234").await.0, 200);
    browser.cookies.insert("fuwu_visit".into(), own);
    world.clock.advance_secs(3599);
    assert_eq!(browser.state("202603021234").await.0, 200);
    world.clock.advance_secs(1);
    assert_eq!(browser.state("202603021234").await, (401, json!({})));
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn the_state_follows_what_the_server_knows() {
    let world = World::start().await;
    let lin = Phone::following(&world, "小林").await;
    let number = "202603021234";
    awaiting(&world, &lin.openid, number).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.state(number).await, (401, json!({})));
    browser.enter(number, &lin.openid).await;
    let told = |state: &str, payable, paid| (200, json!({ "state": state, "payable": payable, "paid": paid }));
    assert_eq!(browser.state(number).await, told("awaiting_payment", true, false));
    world.clock.advance_secs(1800);
    let over = browser.get(&browser.page(number)).await;
    assert!(over.body.contains("付款时间已过") && !over.body.contains("id=\"pay\""));
    assert_eq!(browser.state(number).await, told("awaiting_payment", false, false));
    let expired = Happening::Unpaid(fuwu::domain::order::Reason::PaymentExpired);
    happens(&world, (&lin.openid, number), &[expired]).await;
    assert_eq!(browser.state(number).await, told("failed", false, false));
    assert!(browser.get(&browser.page(number)).await.body.contains("没有扣钱"));
    world.running.stop().await.unwrap();
}

/// Two customers at one machine: each has a browser of their own inside the chat, and it opens the account's pages only.
#[actix_web::test]
async fn the_browser_inside_the_chat_is_its_customers_own() {
    let world = World::start().await;
    let (lin, chen) = (Phone::following(&world, "小林").await, Phone::following(&world, "小陈").await);
    awaiting(&world, &lin.openid, "202603021234").await;
    let open = async |openid: &str, path: &str| {
        let answer = world.http.get(world.url(&format!("/sandbox/web/{openid}/{path}"))).send().await.unwrap();
        let policy = answer.headers().get("content-security-policy").map(|p| p.to_str().unwrap().to_owned());
        (answer.status().as_u16(), policy.unwrap_or_default(), answer.text().await.unwrap())
    };
    let (status, policy, page) = open(lin.openid.as_str(), "orders/demo/202603021234").await;
    assert!(status == 200 && page.contains("等您付款"), "{status} {page}");
    assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.contains("/sandbox/web-bridge.js") && !page.contains("res.wx.qq.com"), "{page}");
    assert!(page.contains(&format!("data-address=\"{}\"", world.url("/orders/demo/202603021234"))), "{page}");
    let (status, _, page) = open(chen.openid.as_str(), "orders/demo/202603021234").await;
    assert!(status == 404 && page.contains("没有这张订单"));
    assert_eq!(open(lin.openid.as_str(), "orders/demo/202603021234/state").await.0, 200);
    assert_eq!(open(chen.openid.as_str(), "orders/demo/202603021234/state").await.0, 404);
    assert_eq!(open("oNobody", "orders/demo/202603021234").await.0, 404);
    for shut in ["console/", "sandbox/api/state", "api/v1/openapi.json", "metrics", "wechat/demo", "%2e%2e/console/"] {
        assert_eq!(open(lin.openid.as_str(), shut).await.0, 404, "{shut}");
    }
    let set = json!({ "snapshot": true });
    let third = Phone::following(&world, "周阿姨二").await;
    let standing = world.http.post(world.url(&format!("/sandbox/api/customers/{}/standing", third.openid)));
    assert_eq!(standing.json(&set).send().await.unwrap().status(), 200);
    let (status, _, page) = open(third.openid.as_str(), "orders/demo/202603021234").await;
    assert!(status == 403 && page.contains("页面快照"), "{page}");
    world.running.stop().await.unwrap();
}
