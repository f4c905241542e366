//! What lives on while the program is killed: the business system, the platform that takes messages, the till.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use fuwu::sandbox::pay::{self, Pay, PaySpec};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::audit::Entry;
use crate::harness::APP_ID;
use crate::orders_shop::Mood;

/// A number from 0 to 99 that depends on nothing but the text.
pub fn percent(salt: &str, text: &str) -> u8 {
    Sha256::digest(format!("{salt}/{text}").as_bytes())[0] % 100
}

/// How the business system meets an order, by its number.
pub fn mood(number: &str) -> Mood {
    match percent("mood", number) {
        0..10 => Mood::DoesInSilence,
        10..15 => Mood::Refuses,
        15..25 => Mood::DoesLate,
        _ => Mood::Does,
    }
}

/// Where an order is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Put again it is known.
    Knows,
    /// Put again it is done again; it says how an order stands.
    Tells,
    /// Put again it is done again, and nobody can ask.
    Blind,
}

impl Counter {
    pub fn path(self) -> &'static str {
        match self {
            Self::Knows => "/orders",
            Self::Tells => "/told/orders",
            Self::Blind => "/blind/orders",
        }
    }
}

type Books = Mutex<BTreeMap<String, (Counter, Entry)>>;

/// The business system and the platform's API, on a port of their own.
pub struct Outside {
    books: Data<Books>,
    pub origin: String,
    server: ServerHandle,
}

impl Drop for Outside {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Outside {
    pub fn open() -> Self {
        let books = Data::new(Books::default());
        let shared = books.clone();
        let server = HttpServer::new(move || {
            let app = App::new().app_data(shared.clone()).route("/told/orders/{number}", web::get().to(stands));
            let counters = [Counter::Knows, Counter::Tells, Counter::Blind];
            let app = counters.into_iter().fold(app, |app, counter| {
                let put = move |books, request, body| put(counter, (books, request, body));
                app.route(counter.path(), web::post().to(put))
            });
            app.default_service(web::to(platform))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(1).bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { books, origin, server: handle }
    }

    pub fn books(&self) -> BTreeMap<String, Entry> {
        self.books.lock().unwrap().iter().map(|(number, (_, entry))| (number.clone(), *entry)).collect()
    }

    pub fn is_done(&self, number: &str) -> bool {
        self.books.lock().unwrap().get(number).is_some_and(|(_, entry)| entry.done > 0)
    }

    /// How many of a counter's orders were done in silence or late.
    pub fn unclear_at(&self, counter: Counter) -> usize {
        let books = self.books.lock().unwrap();
        let unclear = |(number, (at, entry)): &(&String, &(Counter, Entry))| {
            *at == counter && entry.done > 0 && matches!(mood(number), Mood::DoesInSilence | Mood::DoesLate)
        };
        books.iter().filter(unclear).count()
    }
}

/// Tokens, and messages that are taken and go nowhere: who is not there does not answer them.
async fn platform() -> HttpResponse {
    HttpResponse::Ok()
        .json(json!({ "errcode": 0, "errmsg": "ok", "access_token": "of the tests", "expires_in": 7200, "msgid": 1 }))
}

fn receipt() -> Value {
    json!({ "code": "0", "balance_fen": 6650, "data_left_kib": 1024, "valid_until": "2026-03-31",
        "ready_on": "2026-03-05" })
}

async fn put(counter: Counter, (books, request, body): (Data<Books>, HttpRequest, Bytes)) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap();
    // An order, or a form.
    let number = body["order"].as_str().or(body["number"].as_str()).unwrap().to_owned();
    let key = request.headers().get("Idempotency-Key").map(|key| key.to_str().unwrap().to_owned());
    assert!(key.is_none_or(|key| key == number), "the key of an order is its number");
    let mood = mood(&number);
    let is_first = {
        let mut books = books.lock().unwrap();
        let (_, entry) = books.entry(number).or_insert((counter, Entry::default()));
        entry.put += 1;
        entry.amount_fen = body["amount_fen"].as_str().map_or(0, |fen| fen.parse().unwrap());
        let is_first = entry.put == 1;
        entry.done += u32::from(mood != Mood::Refuses && (is_first || counter != Counter::Knows));
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

async fn stands(books: Data<Books>, number: web::Path<String>) -> HttpResponse {
    let known = books.lock().unwrap().get(number.as_str()).copied();
    HttpResponse::Ok().json(match known {
        Some((_, entry)) if entry.done > 0 => receipt(),
        Some(_) => json!({ "code": "PRICE_CHANGED" }),
        None => json!({ "code": "NO_SUCH_ORDER" }),
    })
}

/// A payment platform of its own that keeps nothing on disk.
pub struct Till {
    pub pay: Pay,
    base: String,
    server: ServerHandle,
}

impl Drop for Till {
    fn drop(&mut self) {
        self.pay.close();
        drop(self.server.stop(false));
    }
}

impl Till {
    pub fn open(clock: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let pay = Pay::open(PaySpec {
            app_id: APP_ID.into(),
            data_file: None,
            clock,
            http: reqwest::Client::new(),
            within: Duration::from_secs(5),
        })
        .unwrap();
        let mounted = Data::new(pay.clone());
        let server = HttpServer::new(move || {
            App::new().app_data(mounted.clone()).service(web::scope("/sandbox/pay").configure(pay::configure))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/sandbox/pay", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { pay, base, server: handle }
    }

    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let own = self.pay.credentials().unwrap();
        vec![
            ("FUWU__ACCOUNTS__DEMO__PAY__MCHID", own.mchid),
            ("FUWU__ACCOUNTS__DEMO__PAY__SERIAL", own.serial),
            ("FUWU__ACCOUNTS__DEMO__PAY__PRIVATE_KEY", own.private_key_pem),
            ("FUWU__ACCOUNTS__DEMO__PAY__API_V3_KEY", own.api_v3_key),
            ("FUWU__ACCOUNTS__DEMO__PAY__PUBLIC_KEY_ID", own.public_key_id),
            ("FUWU__ACCOUNTS__DEMO__PAY__PUBLIC_KEY", own.public_key_pem),
            ("FUWU__ACCOUNTS__DEMO__PAY__API_BASE", self.base.clone()),
        ]
    }

    /// What is wrong in the n-th round.
    pub fn go_wrong(&self, nth: usize) {
        let notices = match nth % 5 {
            0 => json!({ "repeat": 3, "reorder": true, "late_secs": null, "forge": null }),
            1 => json!({ "repeat": null, "reorder": null, "late_secs": 90, "forge": null }),
            2 => json!({ "repeat": 1, "reorder": null, "late_secs": null, "forge": "signature" }),
            3 => json!({ "repeat": null, "reorder": true, "late_secs": null, "forge": "amount", "lost_notices": 5 }),
            _ => json!({ "repeat": null, "reorder": null, "late_secs": null, "forge": "seal" }),
        };
        let mut all = json!({ "lost_answers": 2, "system_error_after": 2, "system_error": 2, "forged_answers": 1 });
        all.as_object_mut().unwrap().extend(notices.as_object().unwrap().clone());
        self.pay.switch_faults(&all).unwrap();
    }

    /// Nothing is wrong any more.
    pub fn calm_down(&self) {
        let calm = json!({ "repeat": null, "reorder": null, "late_secs": null, "forge": null, "lost_notices": 0,
            "lost_answers": 0, "system_error": 0, "system_error_after": 0, "forged_answers": 0 });
        self.pay.switch_faults(&calm).unwrap();
    }
}
