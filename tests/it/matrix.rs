//! Several accounts in one process: each with its own playbook, menu, secrets, platform and numbers. Nothing crosses.

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
use fuwu::store::{Commit, Committed, CounterRange, CustomerRef, Keep, SharedKind};
use serde_json::{Value, json};

use crate::hand::{Hand, Posted, event, text};
use crate::harness::{AES_KEY, API_TOKEN, APP_ID, MONDAY, ORIGINAL_ID, TOKEN, World, until};

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

/// A platform of one account: it gives one token and takes no other.
struct Platform {
    token: String,
    /// Path, token and body of every call but those for a token.
    asked: Mutex<Vec<(String, String, Value)>>,
    /// The AppIDs that asked for a token.
    known: Mutex<Vec<String>>,
}

async fn answer(request: HttpRequest, platform: web::Data<Platform>, body: web::Bytes) -> HttpResponse {
    let body = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    if request.path() == "/cgi-bin/stable_token" {
        platform.known.lock().unwrap().push(body["appid"].as_str().unwrap().to_owned());
        return HttpResponse::Ok().json(json!({ "access_token": platform.token, "expires_in": 7200 }));
    }
    let token = request.query_string().split("access_token=").nth(1).unwrap_or_default().to_owned();
    let code = if token == platform.token { 0 } else { 40001 };
    platform.asked.lock().unwrap().push((request.path().to_owned(), token, body));
    HttpResponse::Ok().json(json!({ "errcode": code, "errmsg": "" }))
}

fn platform(id: &str) -> (Arc<Platform>, String) {
    let platform =
        web::Data::new(Platform { token: format!("token-of-{id}"), asked: Mutex::default(), known: Mutex::default() });
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
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(target, text.replace("小禾", name).replace("查套餐\", \"key", &format!("{name}\", \"key")))
                .unwrap();
        }
    }
}

struct Matrix {
    world: World,
    platforms: Vec<Arc<Platform>>,
    _files: tempfile::TempDir,
}

impl Matrix {
    async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (mut env, mut platforms) = (Vec::new(), Vec::new());
        for own in ACCOUNTS {
            let (playbook, menus) =
                (files.path().join(own.id).join("playbook"), files.path().join(own.id).join("menus"));
            rewrite(&root.join("config/playbook"), &playbook, own.name);
            rewrite(&root.join("menus"), &menus, own.name);
            let (platform, base) = platform(own.id);
            platforms.push(platform);
            for (key, value) in [
                ("TOKEN", own.token.to_owned()),
                ("AES_KEY", own.aes_key.to_owned()),
                ("APP_ID", own.app_id.to_owned()),
                ("APP_SECRET", format!("secret-of-{}", own.id)),
                ("ORIGINAL_ID", own.original_id.to_owned()),
                ("API_BASE", base),
                ("PLAYBOOK", playbook.display().to_string()),
                ("MENUS", menus.display().to_string()),
            ] {
                env.push((format!("FUWU__ACCOUNTS__{}__{key}", own.id.to_uppercase()), value));
            }
        }
        let env: Vec<_> = env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Self { world: World::start_with(&env).await, platforms, _files: files }
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

    async fn count(&self, own: Own, metric: Metric) -> i64 {
        let told = self.world.store().counters(&own.id.into(), &[CounterRange::all(metric)]).await.unwrap();
        told.cells().map(|(_, n)| n).sum()
    }

    /// Outgoing words for this account's customer, under a name that every account uses.
    async fn owe(&self, own: Own, words: &str) {
        let of = whose(own);
        let stored = self.world.store().load(&of).await.unwrap();
        let (due, expires) = (MONDAY, MONDAY.plus_secs(3600));
        let task = Task::Send(Reply::Text(words.into()));
        let work = Work { id: "send/of-all".into(), origin: DedupeKey(7), due, expires, task };
        let commit = Commit {
            of,
            base: stored.version,
            customer: stored.customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox: vec![work],
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        assert!(matches!(self.world.store().commit(commit).await.unwrap(), Committed::Applied));
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
    let matrix = Matrix::start().await;
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
    let matrix = Matrix::start().await;
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
    let before = matrix.world.store().load(&whose(third)).await.unwrap();
    let path = format!("/api/v1/customers/{OPENID}?account=second");
    let erase = matrix.world.http.delete(matrix.world.url(&path)).bearer_auth(API_TOKEN).send().await.unwrap();
    assert!(erase.status().is_success(), "{erase:?}");
    assert!(matrix.world.store().held(&whose(second)).await.unwrap().is_none());
    assert!(matrix.world.store().held(&whose(demo)).await.unwrap().is_some());
    assert_eq!(matrix.world.store().load(&whose(third)).await.unwrap(), before);
    matrix.world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn each_accounts_menu_and_messages_go_out_with_its_own_token() {
    let matrix = Matrix::start().await;
    for own in ACCOUNTS {
        matrix.follow(own).await;
        matrix.say(own, 1, "你好").await;
        matrix.owe(own, &format!("words of {}", own.id)).await;
        // Only the sandbox's account has its menu published by itself.
        let account = matrix.world.running.app.account(own.id).unwrap();
        assert!(matches!(account.publish_menu(Published::Unknown).await, Published::Known(Some(_))));
    }
    for (own, platform) in ACCOUNTS.into_iter().zip(&matrix.platforms) {
        let asked = |path: &str| {
            let asked = platform.asked.lock().unwrap();
            asked.iter().filter(|(of, ..)| of == path).map(|(.., body)| body.clone()).collect::<Vec<_>>()
        };
        for path in ["/cgi-bin/menu/create", "/cgi-bin/message/custom/send"] {
            until(&format!("{path} of {} is called", own.id), async || !asked(path).is_empty()).await;
        }
        assert!(asked("/cgi-bin/menu/create")[0].to_string().contains(&format!("\"name\":\"{}\"", own.name)));
        let sent = asked("/cgi-bin/message/custom/send");
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(
            (&sent[0]["touser"], &sent[0]["text"]["content"]),
            (&json!(OPENID), &json!(format!("words of {}", own.id)))
        );
        assert_eq!(*platform.known.lock().unwrap(), [own.app_id]);
        assert!(platform.asked.lock().unwrap().iter().all(|(_, token, _)| *token == platform.token));
        let vault = matrix.world.store().shared_of(&own.id.into(), SharedKind::Token).await.unwrap();
        assert_eq!(vault.len(), 1, "{}", own.id);
    }
    matrix.world.running.stop().await.unwrap();
}
