//! A merchant and the payment platform face to face over HTTP, on a clock of the test's own.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use fuwu::backend::pay::{
    Client, ClientSpec, Merchant, MerchantSpec, Notice, NoticeRefused, Notified, Order, PublicKeySpec, RefundOrder,
    http_client,
};
use fuwu::domain::pay::{Fen, OutRefundNo, OutTradeNo, Payment, Refund};
use fuwu::domain::time::UnixSecs;
use fuwu::sandbox::pay::{self, Pay, PaySpec};
use serde_json::{Value, json};
use url::Url;

pub const APP_ID: &str = "wx0123456789abcdef";
/// 2026-01-01 08:00:00 +08:00.
pub const START: i64 = 1_767_225_600;
pub const PAYER: &str = "oTESTopenid0000000000000001";

type Told = Arc<Mutex<Vec<Result<Notified, NoticeRefused>>>>;

struct Desk {
    client: OnceLock<Client>,
    told: Told,
    is_shut: AtomicBool,
}

pub struct Till {
    pub pay: Pay,
    pub client: Client,
    pub now: Arc<AtomicI64>,
    pub origin: String,
    desk: Data<Desk>,
    http: reqwest::Client,
    server: ServerHandle,
}

impl Drop for Till {
    fn drop(&mut self) {
        self.pay.close();
        drop(self.server.stop(false));
    }
}

/// A client that reaches the platform at `hosts`.
pub fn client(spec: MerchantSpec, hosts: Vec<Url>, now: &Arc<AtomicI64>) -> Client {
    let now = Arc::clone(now);
    let clock = Arc::new(move || UnixSecs(now.load(Ordering::SeqCst)));
    let http = http_client().unwrap();
    Client::new(Merchant::new(spec).unwrap(), ClientSpec { hosts, http, clock, within: Duration::from_secs(5) })
}

impl Till {
    /// A merchant who verifies by the platform's public key.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A merchant who verifies by the platform's certificates.
    pub async fn with_certificates() -> Self {
        let till = Self::start_with(|spec| spec.public_key = None).await;
        till.switch(json!({ "by_certificate": true })).await;
        till
    }

    pub async fn start_with(change: impl FnOnce(&mut MerchantSpec)) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let ticking = Arc::clone(&now);
        let pay = Pay::open(PaySpec {
            app_id: APP_ID.into(),
            data_file: None,
            clock: Arc::new(move || ticking.load(Ordering::SeqCst)),
            http: reqwest::Client::new(),
            within: Duration::from_secs(5),
        })
        .unwrap();
        let mut spec = spec(&pay);
        change(&mut spec);
        let desk = Data::new(Desk { client: OnceLock::new(), told: Told::default(), is_shut: AtomicBool::new(false) });
        let (mounted, inside) = (Data::new(pay.clone()), desk.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(mounted.clone())
                .app_data(inside.clone())
                .route("/pay/demo/notify", web::post().to(notified))
                .service(web::scope("/sandbox/api/pay").configure(pay::configure_api))
                .service(web::scope("/sandbox/pay").configure(pay::configure))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let origin = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let client = client(spec, vec![format!("{origin}/sandbox/pay").parse().unwrap()], &now);
        let _ = desk.client.set(client.clone());
        Self { pay, client, now, origin, desk, http: reqwest::Client::new(), server: handle }
    }

    pub fn base(&self) -> Url {
        format!("{}/sandbox/pay", self.origin).parse().unwrap()
    }

    pub async fn switch(&self, change: Value) {
        let (status, answer) = self.post("faults", change).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/sandbox/api/pay/{path}", self.origin);
        let response = self.http.post(url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/sandbox/api/pay/{path}", self.origin);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Lets time pass and everything that falls due meanwhile happen.
    pub async fn pass(&self, secs: i64) {
        self.now.fetch_add(secs, Ordering::SeqCst);
        self.pay.catch_up().await;
    }

    /// Whether the merchant answers notifications.
    pub fn shut(&self, is_shut: bool) {
        self.desk.is_shut.store(is_shut, Ordering::SeqCst);
    }

    /// What came since the last look, once all that is due has been delivered.
    pub async fn told(&self) -> Vec<Result<Notified, NoticeRefused>> {
        self.pay.catch_up().await;
        std::mem::take(&mut *self.desk.told.lock().unwrap())
    }

    pub fn order(&self, nth: u32, total: i64) -> Order {
        Order {
            out_trade_no: number(nth),
            description: "流量包 1GB".into(),
            total: Fen(total),
            payer: PAYER.into(),
            notify_url: format!("{}/pay/demo/notify", self.origin).parse().unwrap(),
            expires_at: UnixSecs(START + 3 * 86_400),
            attach: "campaign=7".into(),
        }
    }

    pub fn refund(&self, nth: u32, of: u32, (refund, total): (i64, i64)) -> RefundOrder {
        RefundOrder {
            out_refund_no: OutRefundNo::new(format!("R{nth}@a|b")).unwrap(),
            out_trade_no: number(of),
            refund: Fen(refund),
            total: Fen(total),
            reason: "不想要了".into(),
            notify_url: None,
        }
    }

    /// What the customer does on the pay page of an order that is made for it.
    pub async fn act(&self, order: &Order, act: &str) -> (u16, Value) {
        let prepay_id = self.client.prepay(order).await.unwrap();
        let page = self.client.pay_page(&prepay_id).unwrap().bridge();
        self.post("act", json!({ "openid": order.payer, "page": page, "act": act })).await
    }

    pub async fn paid(&self, nth: u32, total: i64) -> Order {
        let order = self.order(nth, total);
        assert_eq!(self.act(&order, "pay").await, (200, json!({ "state": "SUCCESS" })));
        order
    }
}

/// A number with everything in it that must be encoded on the way.
pub fn number(nth: u32) -> OutTradeNo {
    OutTradeNo::new(format!("RG|2026*-_{nth}")).unwrap()
}

/// What the platform gives the merchant.
pub fn spec(pay: &Pay) -> MerchantSpec {
    let own = pay.credentials().unwrap();
    MerchantSpec {
        mchid: own.mchid,
        app_id: APP_ID.into(),
        serial: own.serial,
        private_key_pem: own.private_key_pem,
        api_v3_key: own.api_v3_key,
        public_key: Some(PublicKeySpec { id: own.public_key_id, pem: own.public_key_pem }),
    }
}

pub fn payments(told: &[Result<Notified, NoticeRefused>]) -> Vec<&Payment> {
    told.iter()
        .filter_map(|one| match one {
            Ok(Notified { notice: Notice::Payment(payment), .. }) => Some(payment),
            _ => None,
        })
        .collect()
}

pub fn refunds(told: &[Result<Notified, NoticeRefused>]) -> Vec<&Refund> {
    told.iter()
        .filter_map(|one| match one {
            Ok(Notified { notice: Notice::Refund(refund), .. }) => Some(refund),
            _ => None,
        })
        .collect()
}

async fn notified(desk: Data<Desk>, req: HttpRequest, body: Bytes) -> HttpResponse {
    if desk.is_shut.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let headers = req.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let opened = desk.client.get().unwrap().open_notice(headers, &body).await;
    let is_taken = opened.as_ref().map_or_else(|refused| refused.is_genuine(), |_| true);
    desk.told.lock().unwrap().push(opened);
    if is_taken { HttpResponse::Ok().finish() } else { HttpResponse::Unauthorized().finish() }
}
