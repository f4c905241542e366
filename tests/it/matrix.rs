//! Several accounts in one process: each with its own playbook, menu, secrets, platform and numbers. Nothing crosses.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use fuwu::app::Published;
use fuwu::channel::official::Mode;
use fuwu::channel::official::deliver::Chat;
use fuwu::domain::ids::{DedupeKey, Openid};
use fuwu::domain::reply::Reply;
use fuwu::domain::work::{Task, Work};
use fuwu::growth::counter::Metric;
use fuwu::store::{CounterRange, CustomerRef, SharedKind};
use serde_json::{Value, json};

use crate::hand::{Hand, Posted, event, text};
use crate::harness::{AES_KEY, API_TOKEN, APP_ID, MONDAY, ORIGINAL_ID, TOKEN, World, until};
use crate::reach::leave;
use crate::redis_servers::RedisServer;

/// Who follows every account under the same name.
const OPENID: &str = "oPenIdThatBothAccountsKnow01";

/// An account and what is its own.
#[derive(Clone, Copy)]
struct Own {
    id: &'static str,
    token: &'static str,
    aes_key: &'static str,
    app_id: &'static str,
    original_id: &'static str,
    /// What its assistant is called.
    name: &'static str,
}

const ACCOUNTS: [Own; 3] = [
    Own { id: "demo", token: TOKEN, aes_key: AES_KEY, app_id: APP_ID, original_id: ORIGINAL_ID, name: "小禾" },
    Own {
        id: "second",
        token: "secondtoken2026",
        aes_key: "U2Vjb25kQWNjb3VudEtleU9mVGhlTWF0cml4VGVzdHM",
        app_id: "wxfedcba9876543210",
        original_id: "gh_second000000",
        name: "小麦",
    },
    Own {
        id: "third",
        token: "thirdtoken2026",
        aes_key: "VGhpcmRBY2NvdW50S2V5T2ZUaGVNYXRyaXhUZXN0czA",
        app_id: "wx00000000deadbeef",
        original_id: "gh_third0000000",
        name: "小豆",
    },
];

/// The one platform of all of them, as in life: any account's token would do for any call, so only who used which tells
/// whether something crossed.
#[derive(Default)]
struct Platform {
    /// Path, token and body of every call but those for a token.
    asked: Mutex<Vec<(String, String, Value)>>,
    /// The AppID and secret of everybody who asked for a token.
    known: Mutex<Vec<(String, String)>>,
    /// Tokens that are good no longer.
    revoked: Mutex<HashSet<String>>,
}

impl Platform {
    /// The token that an account has now: the next one when the last was revoked.
    fn token(&self, app_id: &str) -> String {
        let revoked = self.revoked.lock().unwrap();
        (0..).map(|nth| format!("token-{nth}-of-{app_id}")).find(|token| !revoked.contains(token)).unwrap()
    }

    /// What was asked with a token of this account.
    fn asked_by(&self, own: Own, path: &str) -> Vec<Value> {
        let is_own = |token: &str| token.ends_with(&format!("-of-{}", own.app_id)) && !self.is_revoked(token);
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(of, token, _)| of == path && is_own(token)).map(|(.., body)| body.clone()).collect()
    }

    fn is_revoked(&self, token: &str) -> bool {
        self.revoked.lock().unwrap().contains(token)
    }

    /// How often this account asked for a token.
    fn tokens_of(&self, own: Own) -> usize {
        let secret = format!("secret-of-{}", own.id);
        self.known.lock().unwrap().iter().filter(|known| **known == (own.app_id.to_owned(), secret.clone())).count()
    }
}

async fn answer(request: HttpRequest, platform: web::Data<Platform>, body: web::Bytes) -> HttpResponse {
    let body = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    if request.path() == "/cgi-bin/stable_token" {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        platform.known.lock().unwrap().push((text("appid"), text("secret")));
        return HttpResponse::Ok().json(json!({ "access_token": platform.token(&text("appid")), "expires_in": 7200 }));
    }
    let token = request.query_string().split("access_token=").nth(1).unwrap_or_default().to_owned();
    let code = if platform.is_revoked(&token) { 40001 } else { 0 };
    platform.asked.lock().unwrap().push((request.path().to_owned(), token, body));
    HttpResponse::Ok().json(json!({ "errcode": code, "errmsg": "" }))
}

fn platform() -> (Arc<Platform>, String) {
    let platform = web::Data::new(Platform::default());
    let shared = platform.clone();
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    (platform.into_inner(), base)
}

/// The demo's files in another name.
fn rewrite(from: &Path, to: &Path, name: &str) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            rewrite(&path, &target, name);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            // A picture stays as it is.
            let Ok(text) = std::str::from_utf8(&bytes) else {
                std::fs::write(target, bytes).unwrap();
                continue;
            };
            std::fs::write(target, text.replace("小禾", name).replace("查套餐\", \"key", &format!("{name}\", \"key")))
                .unwrap();
        }
    }
}

/// Where the accounts' customers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Embedded,
    Redis,
}

struct Matrix {
    world: World,
    platform: Arc<Platform>,
    _redis: Option<RedisServer>,
    _files: tempfile::TempDir,
}

impl Matrix {
    async fn start(on: On) -> Self {
        let files = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (platform, base) = platform();
        let redis = (on == On::Redis).then(|| RedisServer::start(&[]));
        let mut env = Vec::new();
        env.extend(redis.as_ref().map(|redis| ("FUWU__STORE__URL".to_owned(), redis.url())));
        for own in ACCOUNTS {
            let (playbook, menus) =
                (files.path().join(own.id).join("playbook"), files.path().join(own.id).join("menus"));
            rewrite(&root.join("config/playbook"), &playbook, own.name);
            rewrite(&root.join("menus"), &menus, own.name);
            for (key, value) in [
                ("TOKEN", own.token.to_owned()),
                ("AES_KEY", own.aes_key.to_owned()),
                ("APP_ID", own.app_id.to_owned()),
                ("APP_SECRET", format!("secret-of-{}", own.id)),
                ("ORIGINAL_ID", own.original_id.to_owned()),
                ("API_BASE", base.clone()),
                ("PLAYBOOK", playbook.display().to_string()),
                ("MENUS", menus.display().to_string()),
            ] {
                env.push((format!("FUWU__ACCOUNTS__{}__{key}", own.id.to_uppercase()), value));
            }
        }
        let env: Vec<_> = env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Self { world: World::start_with(&env).await, platform, _redis: redis, _files: files }
    }

    /// Delivers to `to` what `by` signed.
    fn hand(&self, by: Own, to: Own) -> Hand {
        let mut hand = self.world.hand(Mode::Safe);
        hand.sender.token = by.token.into();
        hand.sender.aes_key = by.aes_key.into();
        hand.sender.app_id = by.app_id.into();
        hand.webhook = self.world.url(&format!("/wechat/{}", to.id));
        hand
    }

    async fn say(&self, own: Own, id: u64, words: &str) -> String {
        let hand = self.hand(own, own);
        let xml = text(OPENID, id, words).replace(ORIGINAL_ID, own.original_id);
        heard(&hand, own, &hand.deliver(&xml).await)
    }

    async fn follow(&self, own: Own) {
        let xml = event(OPENID, "subscribe", "").replace(ORIGINAL_ID, own.original_id);
        assert_eq!(self.hand(own, own).deliver(&xml).await.status, 200);
    }

    /// The rows of a report of Monday.
    async fn report(&self, own: Own, name: &str) -> Vec<Value> {
        let path = format!("/api/v1/reports/{name}?account={}&from=2026-03-02&to=2026-03-02", own.id);
        self.world.get_json(&path).await["rows"].as_array().unwrap().clone()
    }

    async fn count(&self, own: Own, metric: Metric) -> i64 {
        let told = self.world.store().counters(&own.id.into(), &[CounterRange::all(metric)]).await.unwrap();
        told.cells().map(|(_, n)| n).sum()
    }

    /// Outgoing words for this account's customer, under a name that every account uses.
    async fn owe(&self, own: Own, (name, words): (&str, &str)) {
        let (due, expires) = (MONDAY, MONDAY.plus_secs(3600));
        let task = Task::Send(Reply::Text(words.into()));
        let work = Work { id: name.into(), origin: DedupeKey(7), due, expires, task };
        leave(&self.world, &whose(own), vec![work]).await;
    }
}

fn whose(own: Own) -> CustomerRef {
    CustomerRef { account: own.id.into(), openid: Openid::from(OPENID) }
}

fn heard(hand: &Hand, own: Own, posted: &Posted) -> String {
    assert_eq!(posted.status, 200, "{posted:?}");
    let chat = Chat { openid: OPENID, original_id: own.original_id, max_articles: 8 };
    format!("{:?}", hand.sender.hear(&chat, &posted.body).unwrap())
}

#[actix_web::test]
async fn a_delivery_signed_for_one_account_is_refused_by_every_other() {
    refused_elsewhere(On::Embedded).await;
}

#[actix_web::test]
async fn a_delivery_signed_for_one_account_is_refused_by_every_other_on_redis() {
    refused_elsewhere(On::Redis).await;
}

async fn refused_elsewhere(on: On) {
    let matrix = Matrix::start(on).await;
    for by in ACCOUNTS {
        for to in ACCOUNTS.into_iter().filter(|to| to.id != by.id) {
            let part = |token: Own, key: Own, app: Own| Own {
                token: token.token,
                aes_key: key.aes_key,
                app_id: app.app_id,
                ..by
            };
            // All of it another's, and each secret alone.
            for signed in [by, part(by, to, to), part(to, by, to), part(to, to, by)] {
                let xml = text(OPENID, 1, "你好").replace(ORIGINAL_ID, to.original_id);
                let posted = matrix.hand(signed, to).deliver(&xml).await;
                assert_eq!(posted.status, 403, "{} to {}: {posted:?}", by.id, to.id);
            }
        }
    }
    for own in ACCOUNTS {
        assert_eq!(matrix.count(own, Metric::Messages).await, 0, "{}", own.id);
        let aside = matrix.world.store().quarantined(&own.id.into(), 9).await.unwrap();
        assert!(aside.is_empty(), "{}", own.id);
    }
    matrix.world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn one_openid_is_as_many_customers_as_accounts_and_erased_of_one_it_stays_with_the_others() {
    one_of_each(On::Embedded).await;
}

#[actix_web::test]
async fn one_openid_is_as_many_customers_as_accounts_and_erased_of_one_it_stays_with_the_others_on_redis() {
    one_of_each(On::Redis).await;
}

async fn one_of_each(on: On) {
    let matrix = Matrix::start(on).await;
    for own in ACCOUNTS {
        matrix.follow(own).await;
    }
    // The same message id in all of them: no delivery is another's repetition.
    for (own, times) in ACCOUNTS.into_iter().zip(1..) {
        for id in 1..=times {
            let answer = matrix.say(own, id, "你好").await;
            assert!(answer.contains(&format!("{}在呢", own.name)), "{}: {answer}", own.id);
        }
    }
    // Verified, and yet unusable: it is set aside where it came.
    let [demo, second, third] = ACCOUNTS;
    assert_eq!(matrix.hand(second, second).deliver("<xml>broken").await.status, 200);
    for (own, times) in ACCOUNTS.into_iter().zip(1..) {
        assert_eq!(matrix.count(own, Metric::FirstFollows).await, 1, "{}", own.id);
        assert_eq!(matrix.count(own, Metric::Messages).await, times, "{}", own.id);
        let aside = matrix.world.store().quarantined(&own.id.into(), 9).await.unwrap();
        assert_eq!(aside.len(), usize::from(own.id == "second"), "{}", own.id);
        let path = format!("/api/v1/reports/activity?account={}&from=2026-03-02&to=2026-03-02", own.id);
        let report = matrix.world.get_json(&path).await;
        assert_eq!(report["rows"][0]["messages"], times, "{}: {report}", own.id);
        let facts = matrix.world.store().facts(&own.id.into(), 0, 99).await.unwrap();
        assert!(!facts.is_empty());
    }
    // A tap and words that nobody answers, at one of them.
    let tap = event(OPENID, "CLICK", "query_data").replace(ORIGINAL_ID, second.original_id);
    assert_eq!(matrix.hand(second, second).deliver(&tap).await.status, 200);
    matrix.say(second, 77, "只有小麦听得见的话").await;
    for own in ACCOUNTS {
        let taps: i64 = matrix.report(own, "menu").await.iter().map(|row| row["taps"].as_i64().unwrap()).sum();
        assert_eq!(taps, i64::from(own.id == "second"), "{}", own.id);
        let unanswered = json!(matrix.report(own, "unanswered").await).to_string();
        assert_eq!(unanswered.contains("只有小麦听得见的话"), own.id == "second", "{}: {unanswered}", own.id);
    }
    let before = matrix.world.store().load(&whose(third)).await.unwrap();
    let reports = async |own: Own| {
        let mut told = Vec::new();
        for name in ["followers", "activity", "menu", "unanswered"] {
            told.push(matrix.report(own, name).await);
        }
        told
    };
    let told = [reports(demo).await, reports(third).await];
    let path = format!("/api/v1/customers/{OPENID}?account=second");
    let erase = matrix.world.http.delete(matrix.world.url(&path)).bearer_auth(API_TOKEN).send().await.unwrap();
    assert!(erase.status().is_success(), "{erase:?}");
    assert!(matrix.world.store().held(&whose(second)).await.unwrap().is_none());
    assert!(matrix.world.store().held(&whose(demo)).await.unwrap().is_some());
    assert_eq!(matrix.world.store().load(&whose(third)).await.unwrap(), before);
    assert_eq!([reports(demo).await, reports(third).await], told);
    let exported = async |own: Own| {
        let path = format!("/api/v1/customers/{OPENID}?account={}", own.id);
        matrix.world.http.get(matrix.world.url(&path)).bearer_auth(API_TOKEN).send().await.unwrap().status().as_u16()
    };
    assert_eq!([exported(demo).await, exported(second).await, exported(third).await], [200, 404, 200]);
    matrix.world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn each_accounts_menu_and_messages_go_out_with_its_own_token() {
    own_tokens(On::Embedded).await;
}

#[actix_web::test]
async fn each_accounts_menu_and_messages_go_out_with_its_own_token_on_redis() {
    own_tokens(On::Redis).await;
}

async fn own_tokens(on: On) {
    const SEND: &str = "/cgi-bin/message/custom/send";
    let matrix = Matrix::start(on).await;
    let platform = &matrix.platform;
    for own in ACCOUNTS {
        matrix.follow(own).await;
        matrix.say(own, 1, "你好").await;
        matrix.owe(own, ("send/of-all", &format!("words of {}", own.id))).await;
        // Only the sandbox's account has its menu published by itself.
        let account = matrix.world.running.app.account(own.id).unwrap();
        assert!(matches!(account.publish_menu(Published::Unknown).await, Published::Known(Some(_))));
    }
    let arrived = async |own: Own, count: usize| {
        until(&format!("{} says {count}", own.id), async || platform.asked_by(own, SEND).len() >= count).await;
        let sent = platform.asked_by(own, SEND);
        assert_eq!(sent.len(), count, "{}: {sent:?}", own.id);
        for one in sent {
            assert_eq!(one["touser"], json!(OPENID));
            assert!(one["text"]["content"].as_str().unwrap().ends_with(&format!("words of {}", own.id)), "{one}");
        }
    };
    for own in ACCOUNTS {
        arrived(own, 1).await;
        let menus = platform.asked_by(own, "/cgi-bin/menu/create");
        let is_own = |menu: &Value| menu.to_string().contains(&format!("\"name\":\"{}\"", own.name));
        assert!(!menus.is_empty() && menus.iter().all(is_own), "{menus:?}");
        assert_eq!(platform.tokens_of(own), 1, "{}", own.id);
        let vault = matrix.world.store().shared_of(&own.id.into(), SharedKind::Token).await.unwrap();
        assert_eq!(vault.len(), 1, "{}", own.id);
    }
    // One account's token dies: it alone gets another, and nobody lends it theirs.
    let [_, second, _] = ACCOUNTS;
    platform.revoked.lock().unwrap().insert(format!("token-0-of-{}", second.app_id));
    for own in ACCOUNTS {
        matrix.owe(own, ("send/again", &format!("more words of {}", own.id))).await;
    }
    for own in ACCOUNTS {
        // What went out with the token that is revoked is not counted any more.
        arrived(own, if own.id == second.id { 1 } else { 2 }).await;
        assert_eq!(platform.tokens_of(own), if own.id == second.id { 2 } else { 1 }, "{}", own.id);
    }
    assert_eq!(platform.known.lock().unwrap().len(), ACCOUNTS.len() + 1, "every AppID with its own secret");
    matrix.world.running.stop().await.unwrap();
}
