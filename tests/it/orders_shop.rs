//! What orders need outside: a business system with books of its own that is told how to behave, and a till where the
//! customers of a world pay.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use fuwu::backend::pay::PrepayId;
use fuwu::domain::ids::Openid;
use fuwu::domain::order::{Order, State};
use fuwu::sandbox::pay::model::{Act, Books};
use serde_json::{Value, json};

use crate::business::{copied, copy_playbook, edit};
use crate::harness::{World, until};

/// How the business system meets an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Does it and says so.
    Does,
    /// Does it, and the connection breaks before it says so; asked again it says so.
    DoesInSilence,
    /// Does it, and says so too late; asked again it says so at once.
    DoesLate,
    /// Says no.
    Refuses,
}

/// One order in the books of the business system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// How often it was put.
    pub put: u32,
    /// How often it was done.
    pub done: u32,
    /// Whether it was refused.
    pub refused: bool,
    pub amount_fen: i64,
}

type Plan = Box<dyn Fn(&str) -> Mood + Send + Sync>;

struct Inside {
    books: Mutex<BTreeMap<String, Entry>>,
    plan: Plan,
    /// Whether it knows an order that is put again.
    knows: bool,
}

/// A business system that takes orders at `/orders` and says how they stand at `/orders/NUMBER`.
pub struct Shop {
    inside: Data<Inside>,
    pub address: String,
    server: ServerHandle,
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Shop {
    /// One that behaves by the order's number.
    pub fn open(plan: impl Fn(&str) -> Mood + Send + Sync + 'static) -> Self {
        Self::knowing((true, TcpListener::bind("127.0.0.1:0").unwrap()), plan)
    }

    /// One that does an order as often as it is put.
    pub fn forgetful(plan: impl Fn(&str) -> Mood + Send + Sync + 'static) -> Self {
        Self::knowing((false, TcpListener::bind("127.0.0.1:0").unwrap()), plan)
    }

    /// The same at an address where nobody listened before.
    pub fn forgetful_at(listener: TcpListener, plan: impl Fn(&str) -> Mood + Send + Sync + 'static) -> Self {
        Self::knowing((false, listener), plan)
    }

    fn knowing((knows, listener): (bool, TcpListener), plan: impl Fn(&str) -> Mood + Send + Sync + 'static) -> Self {
        let inside = Data::new(Inside { books: Mutex::default(), plan: Box::new(plan), knows });
        let shared = inside.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route("/orders", web::post().to(put))
                .route("/orders/{number}", web::get().to(stands))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(1).listen(listener).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { inside, address, server: handle }
    }

    pub fn books(&self) -> BTreeMap<String, Entry> {
        self.inside.books.lock().unwrap().clone()
    }

    pub fn entry(&self, order: &Order) -> Entry {
        self.books().get(order.number.as_str()).copied().unwrap_or_default()
    }
}

fn receipt() -> Value {
    json!({ "code": "0", "balance_fen": 6650, "data_left_kib": 1024, "valid_until": "2026-03-31" })
}

async fn put(inside: Data<Inside>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let number = body["order"].as_str().unwrap().to_owned();
    let key = request.headers().get("Idempotency-Key").map(|key| key.to_str().unwrap().to_owned());
    assert!(key.is_none_or(|key| key == number), "the key of an order is its number");
    let mood = (inside.plan)(&number);
    let is_first = {
        let mut books = inside.books.lock().unwrap();
        let entry = books.entry(number).or_default();
        entry.put += 1;
        entry.amount_fen = body["amount_fen"].as_str().unwrap().parse().unwrap();
        let is_first = entry.put == 1;
        if mood == Mood::Refuses {
            entry.refused = true;
        } else if is_first || !inside.knows {
            entry.done += 1;
        }
        is_first
    };
    match mood {
        Mood::Refuses => HttpResponse::Ok().json(json!({ "code": "PRICE_CHANGED" })),
        Mood::DoesInSilence if is_first => {
            let nothing = stream::once(async { Err::<Bytes, Error>(actix_web::error::ErrorBadGateway("broken")) });
            HttpResponse::Ok().no_chunking(1).streaming(nothing)
        }
        Mood::DoesLate if is_first => {
            tokio::time::sleep(Duration::from_millis(900)).await;
            HttpResponse::Ok().json(receipt())
        }
        _ => HttpResponse::Ok().json(receipt()),
    }
}

async fn stands(inside: Data<Inside>, number: web::Path<String>) -> HttpResponse {
    let known = inside.books.lock().unwrap().get(number.as_str()).copied();
    HttpResponse::Ok().json(match known {
        Some(entry) if entry.done > 0 => receipt(),
        Some(_) => json!({ "code": "PRICE_CHANGED" }),
        None => json!({ "code": "NO_SUCH_ORDER" }),
    })
}

/// The words of a playbook whose data packs are paid by WeChat Pay.
const PAYING: &str = r#"
[buy_data.paying]
payable = "{{ link(\"去付款\", pay_url) }}：{{ label }}，{{ amount }} 元，{{ until }} 前有效。不要了回复取消。"
closing = "正在取消{{ label }}。"
paid = "收到您付的 {{ amount }} 元，正在办理{{ label }}。"
unpaid = "{{ label }}没有付款，订单已经关闭。"
refunding = "{{ amount }} 元正在原路退回。"
refunded = "{{ amount }} 元已经退回，请查收。"
"#;

/// A copy of the demo's playbook below `dir` whose packs are paid by WeChat Pay and done by the business system at
/// `address`; the environment that uses it.
pub fn playbook_paid_by_wechat(dir: &Path, address: Option<&str>) -> Vec<(&'static str, String)> {
    copy_playbook(dir);
    let buy = dir.join("playbook/actions/buy.toml");
    edit(&buy, "connector = \"place_order\"\n", "connector = \"place_order\"\npay = \"wechat\"\n");
    let text = std::fs::read_to_string(&buy).unwrap();
    std::fs::write(&buy, text + PAYING).unwrap();
    // The demo's conversations are about packs that are charged to the balance.
    std::fs::remove_file(dir.join("playbook/tests/buy.toml")).unwrap();
    if let Some(address) = address {
        let connectors = dir.join("playbook/connectors.toml");
        let own = format!("base_url = \"{address}\"\nallow_addresses = [\"127.0.0.1\"]");
        edit(&connectors, "base_url = \"sandbox:\"", &own);
        edit(&connectors, "timeout_ms = 2500\nlate_timeout_ms = 10000", "timeout_ms = 400\nlate_timeout_ms = 400");
    }
    copied(dir).into()
}

/// As settings of a world.
pub fn borrowed<'e>(env: &'e [(&'static str, String)]) -> Vec<(&'static str, &'e str)> {
    env.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The customer's only order.
pub async fn order_of(world: &World, openid: &Openid) -> Order {
    world.customer(openid).await.orders.all().next_back().expect("an order").clone()
}

/// What the pay page hands to the platform.
pub fn page(world: &World, order: &Order) -> Value {
    let prepay_id = order.money().unwrap().prepay_id.clone().expect("it can be paid");
    let prepay_id: PrepayId = serde_json::from_value(json!(prepay_id)).unwrap();
    let account = world.running.app.account("demo").unwrap();
    account.merchant.as_ref().unwrap().pay_page(&prepay_id).unwrap().bridge()
}

/// The customer pays on the order's page at the sandbox of the world.
pub async fn pay(world: &World, openid: &Openid) -> Result<(), &'static str> {
    let page = page(world, &order_of(world, openid).await);
    let paid = world.sandbox().pay().act(openid.as_str(), &page, Act::Pay).map(drop);
    world.sandbox().pay().catch_up().await;
    paid
}

/// The books of the payment platform.
pub fn pay_books(world: &World) -> Books {
    world.sandbox().pay().books()
}

pub async fn switch(world: &World, change: Value) {
    world.sandbox().pay().switch_faults(&change).unwrap();
}

/// Waits until the customer's order stands there, while time passes.
pub async fn stands_at(world: &World, openid: &Openid, state: State) -> Order {
    stands_in_time(world, openid, (state, 5)).await
}

/// The same, time passing in steps of so many seconds, and not before what is due has been tried.
pub async fn stands_in_time(world: &World, openid: &Openid, (state, step_secs): (State, i64)) -> Order {
    let mut looks = 0;
    until(&format!("the order stands at {state:?}"), async || {
        looks += 1;
        let is_idle = world.store().next_due().await.unwrap().is_none_or(|due| due.0 > world.clock_now());
        if looks % 10 == 0 && is_idle {
            world.clock.advance_secs(step_secs);
        }
        world.sandbox().pay().catch_up().await;
        order_of(world, openid).await.state() == state
    })
    .await;
    order_of(world, openid).await
}
