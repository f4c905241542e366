//! Many real processes of one account on one Redis, before a platform that kills the old token whenever it hands out a new
//! one: each token is asked for once, and no message fails for it. `FUWU_PROCESSES=40` makes forty of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::future::join_all;
use fuwu::domain::ids::Openid;
use fuwu::sandbox::model::{Body, Side};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::business::{copied, copy_playbook, edit};
use crate::door::{Door, Ways, tokens_of};
use crate::harness::{TOKEN, until};
use crate::process::Process;
use crate::redis_servers::RedisServer;
use crate::sandbox_double::{Answer, Double};

const KEY: &str = "a-pseudonym-key-of-the-tests-and-nobody-else";
/// A token of the platform lives so long here.
const LIFE_SECS: i64 = 8;
/// The business system takes so long; who waits in the chat is told that it takes a while after half of it.
const BUSINESS: Duration = Duration::from_millis(600);
const CUSTOMERS: usize = 24;
/// So many ask at once: of one connector a process asks as many again behind the customers' backs.
const AT_ONCE: usize = 10;
const QUESTIONS: [&str; 3] = ["查话费", "查流量", "查套餐"];

/// What stands before the processes: a balancer, and the business system behind them.
struct Before {
    behind: Mutex<Vec<String>>,
    turn: AtomicUsize,
    http: reqwest::Client,
    serial: AtomicUsize,
}

async fn balance(before: Data<Before>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let turn = before.turn.fetch_add(1, Ordering::Relaxed);
    let process = {
        let behind = before.behind.lock().unwrap();
        behind[turn % behind.len()].clone()
    };
    let url = format!("{process}/wechat/demo?{}", request.query_string());
    let answer = before.http.post(url).header("content-type", "text/xml").body(body).send().await.unwrap();
    let status = actix_web::http::StatusCode::from_u16(answer.status().as_u16()).unwrap();
    HttpResponse::build(status).content_type("text/xml").body(answer.bytes().await.unwrap())
}

/// Answers late, and never twice the same.
async fn business(before: Data<Before>) -> HttpResponse {
    tokio::time::sleep(BUSINESS).await;
    let n = before.serial.fetch_add(1, Ordering::Relaxed) + 1;
    HttpResponse::Ok().json(json!({
        "code": "0", "month": "2026-01", "cycle_end": "2026-01-31", "expires_on": "2026-12-31",
        "plan": { "name": "套餐", "fee_fen": n, "data_total_kib": n, "voice_total_min": n, "voice_left_min": n },
        "days": [{ "day": "2026-03-02", "used_kib": n }],
        "data": { "total_kib": n, "used_kib": n, "left_kib": n * 1_048_576 },
        "balance": { "balance_fen": n, "charge_fen": n },
        "points": { "points": n, "expiring": n },
    }))
}

fn listen() -> (Data<Before>, String, ServerHandle) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (behind, turn, serial) = (Mutex::default(), AtomicUsize::new(0), AtomicUsize::new(0));
    let before = Data::new(Before { behind, turn, http, serial });
    let data = before.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/wechat/demo", web::post().to(balance))
            .route("/business/{what}", web::get().to(business))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", server.addrs()[0]);
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    (before, origin, handle)
}

/// What the processes share.
struct Shared {
    dir: PathBuf,
    redis: String,
    /// Where the balancer and the business system are.
    origin: String,
}

/// A process for each of these entrances to the platform, with a folder of its own.
fn processes(bases: &[String], shared: &Shared) -> Vec<Process> {
    let Shared { dir, redis, origin } = shared;
    copy_playbook(dir);
    let connectors = dir.join("playbook/connectors.toml");
    edit(
        &connectors,
        "base_url = \"sandbox:\"",
        &format!("base_url = \"{origin}/business\"\nallow_addresses = [\"127.0.0.1\"]"),
    );
    edit(&connectors, "timeout_ms = 2000", "timeout_ms = 300");
    let copied = copied(dir);
    let start = |n: usize, base: &str| {
        let own = dir.join(format!("p{n}"));
        std::fs::create_dir(&own).unwrap();
        let mut env = vec![
            ("FUWU__STORE__URL", redis.as_str()),
            ("FUWU__PRIVACY__PSEUDONYM_KEY", KEY),
            ("FUWU__ACCOUNTS__DEMO__API_BASE", base),
        ];
        env.extend(copied.iter().map(|(name, value)| (*name, value.as_str())));
        Process::start(&own, &env)
    };
    std::thread::scope(|scope| {
        let starts: Vec<_> = bases
            .iter()
            .enumerate()
            .map(|(n, base)| {
                scope.spawn({
                    let start = &start;
                    move || start(n, base)
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    })
}

struct Crowd {
    double: Double,
    customers: Vec<Openid>,
    turns: Semaphore,
}

impl Crowd {
    async fn following(double: Double) -> Self {
        let customers: Vec<Openid> =
            (3..CUSTOMERS).map(|n| double.sandbox.add_customer(&format!("客户{n}")).unwrap()).collect();
        for openid in &customers {
            assert_eq!(double.sandbox.follow(openid).await.unwrap().faults, Vec::<String>::new());
        }
        Self { double, customers, turns: Semaphore::new(AT_ONCE) }
    }

    /// The late answers a customer got.
    fn late(&self, openid: &Openid) -> Vec<String> {
        let chat = self.double.sandbox.history(openid, 0).unwrap();
        let said = chat.into_iter().filter_map(|entry| match (entry.side, entry.body) {
            (Side::Account, Body::Text { text }) => Some(text),
            _ => None,
        });
        said.filter(|said| said.starts_with("久等了")).collect()
    }

    /// Asks so many questions, each when the one before has been answered.
    async fn asks(&self, (nth, openid): (usize, &Openid), questions: usize) {
        for n in 0..questions {
            let _turn = self.turns.acquire().await.unwrap();
            let seen = self.double.sandbox.say(openid, QUESTIONS[(nth + n) % QUESTIONS.len()]).await.unwrap();
            assert!(seen.faults.is_empty() && seen.text().contains("查到马上告诉您"), "{seen:?}");
            until(&format!("question {n} is answered"), async || self.late(openid).len() > n).await;
        }
    }
}

#[actix_web::test]
async fn of_many_processes_one_asks_for_each_token_and_no_message_fails_when_the_old_one_is_killed() {
    let count: usize = std::env::var("FUWU_PROCESSES").map_or(20, |count| count.parse().unwrap());
    let questions: usize = std::env::var("FUWU_QUESTIONS").map_or(6, |count| count.parse().unwrap());
    let (redis, dir) = (RedisServer::start(&[]), tempfile::tempdir().unwrap());
    let (before, origin, server) = listen();
    let webhook = format!("{origin}/wechat/demo").parse().unwrap();
    let real = |spec: &mut fuwu::sandbox::SandboxSpec| {
        spec.clock = Arc::new(|| chrono::Utc::now().timestamp());
        spec.patience = fuwu::sandbox::Patience::default();
        spec.webhook_url = Some(webhook);
        (spec.token, spec.app_secret) = (TOKEN.into(), "secret-of-the-tests".into());
    };
    let double = Double::start_with(real, |_, _| Answer::Never).await;
    let unkind = json!({ "token_life_secs": LIFE_SECS, "token_grace_secs": 0 });
    assert_eq!(double.post("/sandbox/api/conditions", &unkind).await.0, 200);
    let door = Door::open(Ways::straight());
    door.leads_to(format!("{}/sandbox/platform", double.origin));

    let began = Instant::now();
    let bases: Vec<String> = (0..count).map(|n| door.base(&format!("p{n}"))).collect();
    let shared = Shared { dir: dir.path().to_owned(), redis: redis.url(), origin };
    // Not here: they ask what this thread serves before they are there.
    let fleet = tokio::task::spawn_blocking(move || processes(&bases, &shared)).await.unwrap();
    println!("{count} processes started in {:.1} s", began.elapsed().as_secs_f64());
    *before.behind.lock().unwrap() = fleet.iter().map(|process| process.url("")).collect();
    let crowd = Crowd::following(double).await;

    let began = Instant::now();
    let expected = crowd.customers.len() * questions;
    let asking = join_all(crowd.customers.iter().enumerate().map(|customer| crowd.asks(customer, questions)));
    // By turns the tokens are replaced behind our back, and end before their time as far as the processes can tell.
    let troubling = async {
        let mut replaced = 0;
        for step in 1..8 {
            until("the next messages have gone out", async || door.messages() >= expected * step / 8).await;
            if step % 2 == 1 {
                crowd.double.sandbox.replace_tokens();
                replaced += 1;
            } else {
                let forward = json!({ "forward_secs": LIFE_SECS });
                assert_eq!(crowd.double.post("/sandbox/api/clock", &forward).await.0, 200);
            }
        }
        replaced
    };
    let (_, replaced) = futures_util::future::join(asking, troubling).await;

    // What is shown has passed, and its answer may still be on its way.
    until("the last answers are back", async || door.messages() >= expected).await;
    let calls = door.passed();
    let (asked, in_vain) = tokens_of(&calls);
    let refused = calls.iter().filter(|call| matches!(call.code, Some(40001 | 40014 | 42001))).count();
    let senders: BTreeSet<&String> = calls.iter().filter(|call| call.is_message()).map(|call| &call.by).collect();
    let callers: BTreeSet<&String> = calls.iter().map(|call| &call.by).collect();
    println!(
        "{count} processes ({} of them sent), {} messages, {asked} tokens asked for, {in_vain} of them in vain, {replaced} \
         replaced behind our back, {refused} calls refused for their token and repeated, {:.0} s",
        senders.len(),
        door.messages(),
        began.elapsed().as_secs_f64()
    );
    assert_eq!(
        in_vain,
        0,
        "one request for each token there was: {:?}",
        calls.iter().filter(|c| c.is_token_request()).collect::<Vec<_>>()
    );
    assert!(asked > replaced, "they also ended by themselves");
    assert_eq!(callers.len(), count, "every process needed a token");
    assert!(senders.len() > count / 2, "the work was spread: {senders:?}");
    for call in calls.iter().filter(|call| call.is_message()) {
        assert!(matches!(call.code, Some(0 | 40001 | 40014 | 42001)), "{call:?}");
    }
    // All arrived, each once.
    let mut all: Vec<String> = Vec::new();
    for openid in &crowd.customers {
        let late = crowd.late(openid);
        assert_eq!(late.len(), questions, "{late:?}");
        all.extend(late);
    }
    assert_eq!((all.len(), door.messages()), (expected, expected));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), expected, "and none is another one's");
    for process in fleet {
        let log = process.log();
        assert!(!log.contains("waits as a note") && !log.contains("could not be sent"), "{log}");
    }
    door.close().await;
    server.stop(false).await;
    crowd.double.stop().await;
}
