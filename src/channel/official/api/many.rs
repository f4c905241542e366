//! Twenty processes that share one vault, and a platform that is not kind to tokens.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;

use super::token::LEASE_SECS;
use super::{ApiError, Client, ClientSpec, ProcessVault, TokenVault, VaultFault, Vaulted};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

const PROCESSES: usize = 20;
const START: i64 = 1_772_424_000;

/// Each token it hands out kills the one before it, at once.
#[derive(Default)]
struct Unkind {
    issued: Mutex<u32>,
    alive: Mutex<Option<String>>,
    /// While there is one, tokens are handed out only when it rings.
    held: Mutex<Option<Arc<Notify>>>,
    refused: Mutex<u32>,
}

async fn token(platform: web::Data<Arc<Unkind>>) -> HttpResponse {
    let held = platform.held.lock().unwrap().clone();
    let token = {
        let mut issued = platform.issued.lock().unwrap();
        *issued += 1;
        format!("T{issued}")
    };
    if let Some(bell) = held {
        bell.notified().await;
    }
    *platform.alive.lock().unwrap() = Some(token.clone());
    HttpResponse::Ok().json(json!({ "access_token": token, "expires_in": 7200 }))
}

async fn send(platform: web::Data<Arc<Unkind>>, query: web::Query<Vec<(String, String)>>) -> HttpResponse {
    let used = query.iter().find(|(name, _)| name == "access_token").map(|(_, token)| token.clone());
    let is_alive = used.is_some() && *platform.alive.lock().unwrap() == used;
    if !is_alive {
        *platform.refused.lock().unwrap() += 1;
    }
    HttpResponse::Ok().json(json!({ "errcode": if is_alive { 0 } else { 40001 } }))
}

struct Crowd {
    platform: Arc<Unkind>,
    clients: Vec<Client>,
    clock: Arc<AtomicI64>,
    server: ServerHandle,
}

fn crowd(vault: Arc<dyn TokenVault>) -> Crowd {
    let platform = Arc::new(Unkind::default());
    let data = web::Data::new(Arc::clone(&platform));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/cgi-bin/stable_token", web::post().to(token))
            .default_service(web::to(send))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let base: url::Url = format!("http://{}/", server.addrs()[0]).parse().unwrap();
    let running = server.run();
    let server = running.handle();
    actix_web::rt::spawn(running);
    let clock = Arc::new(AtomicI64::new(START));
    let http = reqwest::Client::new();
    let client = || {
        let clock = Arc::clone(&clock);
        Client::of(ClientSpec {
            hosts: vec![base.clone()],
            app_id: "wx1".into(),
            app_secret: "s3cret".into(),
            http: http.clone(),
            vault: Arc::clone(&vault),
            clock: Arc::new(move || UnixSecs(clock.load(Ordering::SeqCst))),
        })
    };
    let clients = (0..PROCESSES).map(|_| client()).collect();
    Crowd { platform, clients, clock, server }
}

async fn says(client: &Client) -> Result<(), ApiError> {
    client.send(&"o1".into(), &Reply::Text("你好".into())).await
}

impl Crowd {
    async fn all_say(&self) -> Vec<Result<(), ApiError>> {
        join_all(self.clients.iter().map(says)).await
    }

    fn issued(&self) -> u32 {
        *self.platform.issued.lock().unwrap()
    }
}

#[actix_web::test]
async fn a_token_that_dies_is_asked_for_once_and_no_call_fails() {
    let crowd = crowd(Arc::<ProcessVault>::default());
    for expiry in 1..=5 {
        for _ in 0..3 {
            assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
        }
        assert_eq!(crowd.issued(), expiry);
        // Behind our back; nobody is told.
        *crowd.platform.alive.lock().unwrap() = None;
    }
    crowd.server.stop(false).await;
}

#[actix_web::test]
async fn before_its_end_one_renews_beside_the_calls_and_none_fails_when_the_old_one_is_killed() {
    let crowd = crowd(Arc::<ProcessVault>::default());
    assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    for expiry in 2..=4 {
        // In the last minute all of them want to renew.
        crowd.clock.fetch_add(7200 - 59, Ordering::SeqCst);
        while crowd.issued() < expiry {
            assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
        }
        for _ in 0..3 {
            assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
        }
        assert_eq!(crowd.issued(), expiry);
    }
    crowd.server.stop(false).await;
}

#[actix_web::test]
async fn nobody_waits_for_a_renewal_while_the_old_token_lives() {
    let crowd = crowd(Arc::<ProcessVault>::default());
    assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    let bell = Arc::new(Notify::new());
    *crowd.platform.held.lock().unwrap() = Some(Arc::clone(&bell));
    crowd.clock.fetch_add(7200 - 59, Ordering::SeqCst);
    // The old one lives on while the new one is on its way.
    while crowd.issued() < 2 {
        assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    }
    assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    assert_eq!((crowd.issued(), *crowd.platform.refused.lock().unwrap()), (2, 0));
    bell.notify_one();
    assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    assert_eq!(crowd.issued(), 2);
    crowd.server.stop(false).await;
}

#[actix_web::test]
async fn one_that_stops_in_the_middle_is_taken_over_when_its_lease_ends() {
    let crowd = crowd(Arc::<ProcessVault>::default());
    *crowd.platform.held.lock().unwrap() = Some(Arc::default());
    let stopped = crowd.clients[0].clone();
    let stopped = actix_web::rt::spawn(async move { says(&stopped).await });
    while crowd.issued() < 1 {
        tokio::task::yield_now().await;
    }
    stopped.abort();
    *crowd.platform.held.lock().unwrap() = None;
    crowd.clock.fetch_add(LEASE_SECS, Ordering::SeqCst);
    assert_eq!(join_all(crowd.clients[1..].iter().map(says)).await, vec![Ok(()); PROCESSES - 1]);
    assert_eq!(crowd.issued(), 2);
    crowd.server.stop(false).await;
}

/// A store that fails so many times, or until somebody says that it is back.
#[derive(Default)]
struct Fickle {
    inner: ProcessVault,
    fails: AtomicI64,
}

impl Fickle {
    const AWAY: i64 = i64::MAX / 2;

    fn answers(&self) -> Result<(), VaultFault> {
        if self.fails.fetch_sub(1, Ordering::SeqCst) > 0 { Err(VaultFault) } else { Ok(()) }
    }
}

#[async_trait]
impl TokenVault for Fickle {
    async fn read(&self, name: &'static str) -> Result<Vaulted, VaultFault> {
        self.answers()?;
        self.inner.read(name).await
    }

    async fn swap(&self, name: &'static str, from: u64, body: Vec<u8>) -> Result<bool, VaultFault> {
        self.answers()?;
        self.inner.swap(name, from, body).await
    }
}

#[actix_web::test]
async fn a_vault_that_misses_a_question_is_asked_again_before_a_process_goes_without_it() {
    let vault = Arc::<Fickle>::default();
    let crowd = crowd(Arc::clone(&vault) as Arc<dyn TokenVault>);
    vault.fails.store(1, Ordering::SeqCst);
    assert_eq!(says(&crowd.clients[0]).await, Ok(()));
    assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    assert_eq!(crowd.issued(), 1, "it was kept for all");
    crowd.server.stop(false).await;
}

#[actix_web::test]
async fn while_the_vault_is_away_nobody_renews_a_token_that_still_lives() {
    let vault = Arc::<Fickle>::default();
    let crowd = crowd(Arc::clone(&vault) as Arc<dyn TokenVault>);
    assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    vault.fails.store(Fickle::AWAY, Ordering::SeqCst);
    // In the last minute all of them want to renew.
    crowd.clock.fetch_add(7200 - 59, Ordering::SeqCst);
    while vault.fails.load(Ordering::SeqCst) > Fickle::AWAY - 2 * PROCESSES as i64 {
        assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    }
    assert_eq!(crowd.issued(), 1);
    vault.fails.store(0, Ordering::SeqCst);
    crowd.clock.fetch_add(10, Ordering::SeqCst);
    while crowd.issued() < 2 {
        assert_eq!(crowd.all_say().await, vec![Ok(()); PROCESSES]);
    }
    crowd.server.stop(false).await;
}

#[actix_web::test]
async fn without_the_vault_a_process_asks_for_itself() {
    let away = Fickle { fails: AtomicI64::new(Fickle::AWAY), ..Fickle::default() };
    let crowd = crowd(Arc::new(away));
    let (first, same) = (&crowd.clients[0], crowd.clients[0].clone());
    assert_eq!(join_all([says(first), says(&same)]).await, [Ok(()), Ok(())]);
    assert_eq!(crowd.issued(), 1);
    crowd.server.stop(false).await;
}
