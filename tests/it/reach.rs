//! How what is owed to a customer gets to them, as conversations: by which path, when none is open, and never twice.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use fuwu::domain::ids::Openid;
use fuwu::domain::reach::{Cause, Hindrance};
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::sandbox::model::Act;
use fuwu::store::{Commit, Committed, CustomerRef, Keep};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{API_TOKEN, World, until};
use crate::phone::Phone;
use crate::process::run;

const A_DAY_SECS: i64 = 86_400;

/// Leaves messages in the outbox, due `after_secs` from now, of use for three days.
pub async fn owe(world: &World, openid: &Openid, (after_secs, texts): (i64, &[&str])) {
    let of = CustomerRef { account: "demo".into(), openid: openid.clone() };
    let due = UnixSecs(world.clock_now() + after_secs);
    let facts = world.store().facts(&of.account, 0, 10_000).await.unwrap();
    let origin = facts.iter().rfind(|logged| logged.of == of).map(|logged| logged.fact.key).unwrap();
    let work = |text: &&str| Work {
        id: format!("owed/{text}").as_str().into(),
        origin,
        due,
        expires: due.plus_secs(3 * A_DAY_SECS),
        task: Task::Send(Reply::Text((*text).to_owned())),
    };
    leave(world, &of, texts.iter().map(work).collect()).await;
}

/// Leaves work in the outbox. The outbox writes to the same record as long as it has something to end.
pub async fn leave(world: &World, of: &CustomerRef, outbox: Vec<Work>) {
    loop {
        let stored = world.store().load(of).await.unwrap();
        let commit = Commit {
            of: of.clone(),
            base: stored.version,
            customer: stored.customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox: outbox.clone(),
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        if world.store().commit(commit).await.unwrap() == Committed::Applied {
            return;
        }
    }
}

async fn notes(world: &World, openid: &Openid) -> usize {
    world.customer(openid).await.notes.len()
}

pub async fn is_idle(world: &World) -> bool {
    world.store().next_due().await.unwrap().is_none()
}

#[actix_web::test]
async fn what_is_owed_goes_by_the_window_as_long_as_it_carries_and_the_rest_comes_with_the_next_message() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("你好").await;
    let texts = ["第一件", "第二件", "第三件", "第四件", "第五件", "第六件"];
    owe(&world, &phone.openid, (0, &texts)).await;
    until("the outbox is idle", async || is_idle(&world).await).await;
    assert_eq!(texts.map(|text| phone.heard(text)), [1, 1, 1, 1, 1, 0], "five within one window");
    let order: Vec<String> =
        phone.chat().iter().map(|entry| entry.body.preview()).filter(|it| it.contains('件')).collect();
    assert!(order.is_sorted_by_key(|said| texts.iter().position(|text| said.contains(text))), "{order:?}");
    let answer = phone.say("谢谢").await;
    assert!(answer.starts_with("第六件") && answer.contains("不客气"), "{answer}");
    assert!(!phone.say("谢谢").await.contains("第六件"), "said once");
}

#[actix_web::test]
async fn what_no_window_carries_waits_as_a_note_over_a_restart() {
    let world = World::start().await;
    let openid = {
        let phone = Phone::following(&world, "小林").await;
        world.clock.advance_secs(120);
        owe(&world, &phone.openid, (0, &["到账了"])).await;
        until("it waits as a note", async || notes(&world, &phone.openid).await == 1).await;
        assert_eq!(phone.heard("到账了"), 0);
        phone.openid
    };
    let world = world.restart().await;
    let phone = Phone { world: &world, openid };
    assert!(phone.say("谢谢").await.starts_with("到账了"));
    assert_eq!((phone.heard("到账了"), notes(&world, &phone.openid).await), (1, 0));
}

#[actix_web::test]
async fn while_a_person_has_the_chat_nothing_is_said_and_afterwards_it_goes_by_the_window() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("你好").await;
    let agent = || "kefu@demo".to_owned();
    world.sandbox().send(&phone.openid, Act::AgentJoined { agent: agent() }).await.unwrap();
    owe(&world, &phone.openid, (0, &["到账了"])).await;
    until("it waits", async || notes(&world, &phone.openid).await == 1).await;
    assert_eq!((phone.say("在吗").await, phone.heard("到账了")), (String::new(), 0), "the person answers");
    world.clock.advance_secs(1);
    world.sandbox().send(&phone.openid, Act::AgentLeft { agent: agent() }).await.unwrap();
    phone.hears("到账了").await;
    until("the outbox is idle", async || is_idle(&world).await).await;
    assert_eq!((phone.heard("到账了"), notes(&world, &phone.openid).await), (1, 0));
}

#[actix_web::test]
async fn what_is_due_after_a_restart_is_sent_once() {
    let world = World::start().await;
    let openid = {
        let phone = Phone::following(&world, "小林").await;
        phone.say("你好").await;
        owe(&world, &phone.openid, (0, &["早的"])).await;
        phone.hears("早的").await;
        owe(&world, &phone.openid, (600, &["晚的"])).await;
        phone.openid
    };
    let world = world.restart().await;
    world.clock.advance_secs(600);
    let phone = Phone { world: &world, openid };
    phone.hears("晚的").await;
    until("the outbox is idle", async || is_idle(&world).await).await;
    assert_eq!((phone.heard("早的"), phone.heard("晚的")), (1, 1));
}

/// What a platform of the test's own does with a message.
#[derive(Clone, Copy)]
enum Fate {
    /// It answers with this code.
    Says(i64),
    /// It shows the message, and the line breaks before its answer.
    AnswerLost,
}

/// A platform that gives tokens, and treats messages as it is told, then well.
#[derive(Clone, Default)]
struct Platform {
    fates: Arc<Mutex<VecDeque<Fate>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Platform {
    async fn start(fates: &[Fate]) -> (Self, String) {
        let platform = Self { fates: Arc::new(Mutex::new(fates.iter().copied().collect())), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let serving = platform.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.serve(stream).await;
            }
        });
        (platform, base)
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = request(&mut stream).await else { return };
        let mut answer = json!({ "errcode": 0, "errmsg": "ok" });
        if head.contains("/cgi-bin/stable_token") {
            answer = json!({ "access_token": "token", "expires_in": 7200 });
        } else if head.contains("/cgi-bin/message/custom/send") {
            self.asked.lock().unwrap().push(body["text"]["content"].as_str().unwrap().to_owned());
            let fate = self.fates.lock().unwrap().pop_front();
            match fate.unwrap_or(Fate::Says(0)) {
                Fate::AnswerLost => return,
                Fate::Says(code) => answer = json!({ "errcode": code, "errmsg": "said by the test" }),
            }
        }
        let answer = answer.to_string();
        let length = answer.len();
        let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}");
        stream.write_all(whole.as_bytes()).await.unwrap();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.lines().next().unwrap().parse::<usize>().unwrap());
            if body.len() >= length {
                return Some((head.to_owned(), serde_json::from_str(body).unwrap_or_default()));
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await.unwrap() {
            0 => return None,
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

async fn at(fates: &[Fate]) -> (World, Platform, String) {
    let (platform, base) = Platform::start(fates).await;
    (World::start_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &base)]).await, platform, base)
}

#[actix_web::test]
async fn a_refusal_teaches_that_no_window_is_open_until_the_customer_does_something() {
    let (world, platform, _) = at(&[Fate::Says(45015)]).await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("你好").await;
    owe(&world, &phone.openid, (0, &["一", "二", "三"])).await;
    until("all wait as notes", async || notes(&world, &phone.openid).await == 3).await;
    assert_eq!(platform.asked(), ["一"], "the platform was asked once");
    assert_eq!(world.customer(&phone.openid).await.ways.refused(), Some(Hindrance::NoWindow));
    assert!(phone.say("谢谢").await.starts_with("一\n\n二\n\n三"));
    owe(&world, &phone.openid, (0, &["四"])).await;
    until("the next one goes out", async || platform.asked().len() == 2).await;
}

#[actix_web::test]
async fn nothing_is_sent_twice_when_the_platforms_answer_is_lost_and_an_operator_may_send_it_again() {
    let (world, platform, base) = at(&[Fate::AnswerLost]).await;
    let openid = {
        let phone = Phone::following(&world, "小林").await;
        phone.say("你好").await;
        owe(&world, &phone.openid, (0, &["甲", "乙"])).await;
        until("the outbox is idle", async || is_idle(&world).await).await;
        assert_eq!(platform.asked(), ["甲", "乙"]);
        phone.openid
    };
    let world = world.restart_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &base)]).await;
    world.clock.advance_secs(3600);
    let phone = Phone { world: &world, openid };
    assert!(!phone.say("谢谢").await.contains('甲'), "it may have arrived");
    assert_eq!(platform.asked(), ["甲", "乙"]);
    let customer = world.customer(&phone.openid).await;
    assert_eq!(customer.ways.unsent().iter().map(|it| &it.cause).collect::<Vec<_>>(), [&Cause::Unknown]);

    let listed = world.get_json("/api/v1/dead-letters").await;
    assert_eq!(listed["dead_letters"][0]["id"], "owed/甲");
    assert!(listed["dead_letters"][0]["cause"].as_str().unwrap().contains("没有回应"), "{listed}");
    assert!(!listed.to_string().contains(phone.openid.as_str()), "the list names nobody");
    let resend = async |openid: &str, id: &str| {
        let url = world.url(&format!("/api/v1/customers/{openid}/resend"));
        let request = world.http.post(url).query(&[("id", id)]).bearer_auth(API_TOKEN);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    world.clock.advance_secs(3 * A_DAY_SECS);
    let (status, why) = resend(phone.openid.as_str(), "owed/甲").await;
    assert_eq!((status, why["error"].as_str().unwrap().contains("45015")), (409, true), "{why}");
    phone.say("在吗").await;
    let (status, path) = resend(phone.openid.as_str(), "owed/甲").await;
    assert_eq!((status, path["path"].as_str().unwrap().contains("还能发 5 条")), (200, true), "{path}");
    until("it is sent again", async || platform.asked().len() == 3).await;
    assert_eq!(platform.asked()[2], "甲");
    assert_eq!(resend(phone.openid.as_str(), "owed/甲").await.0, 404, "once");
    assert_eq!(resend("oNobody", "owed/甲").await.0, 404);
}

#[actix_web::test]
async fn who_was_put_on_the_blacklist_is_not_written_to_again_and_the_operator_sees_why() {
    let (world, platform, _) = at(&[Fate::Says(43019)]).await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("你好").await;
    owe(&world, &phone.openid, (0, &["一", "二"])).await;
    // The store may show a record as it was for a moment after its work is done with.
    until("both are given up", async || world.customer(&phone.openid).await.ways.unsent().len() == 2).await;
    assert!(is_idle(&world).await);
    assert_eq!((platform.asked().len(), notes(&world, &phone.openid).await), (1, 0));
    let customer = world.customer(&phone.openid).await;
    let blacklisted = Cause::Hindered(Hindrance::Blacklisted);
    assert_eq!(customer.ways.unsent().iter().map(|it| &it.cause).collect::<Vec<_>>(), [&blacklisted; 2]);
    // Whoever is forgotten is forgotten here too.
    let of = CustomerRef { account: "demo".into(), openid: phone.openid.clone() };
    assert!(world.store().erase(&of).await.unwrap());
    assert_eq!(world.customer(&phone.openid).await.ways.unsent(), []);
}

#[actix_web::test]
async fn an_operator_reads_what_was_given_up_and_why_and_cannot_send_what_no_path_carries() {
    let (world, _platform, _) = at(&[Fate::AnswerLost]).await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("你好").await;
    owe(&world, &phone.openid, (0, &["receipt-of-the-test"])).await;
    // A moment after the work is done with.
    let id = "owed/receipt-of-the-test";
    let listed = || String::from_utf8(run(world.dir.path(), &[], &["explain", "push"]).stdout).unwrap();
    until("it is given up and listed", async || listed().contains(id)).await;
    let openid = phone.openid.clone();
    let World { running, dir, .. } = world;
    let explain = |args: &[&str]| {
        let output = run(dir.path(), &[], &[&["explain", "push"], args].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, list) = explain(&[]);
    assert!(code == Some(0) && list.contains(id) && !list.contains(openid.as_str()), "beside the server: {list}");
    running.stop().await.unwrap();

    let (code, one) = explain(&[id]);
    assert!(code == Some(0) && one.contains("客户可能已经收到") && one.contains("互动窗口没有开"), "{one}");
    let (_, words) = explain(&[id, "--body"]);
    assert_eq!((one.lines().count(), words.lines().count()), (2, 3), "{words}");
    let (code, all) = explain(&[openid.as_str()]);
    assert!(code == Some(0) && all.starts_with("现在 now：等客户下次来再说") && all.contains(id), "{all}");
    let (code, refused) = explain(&[openid.as_str(), "--resend"]);
    assert!(code == Some(1) && refused.contains("现在发不了") && refused.contains("45015"), "{refused}");
    let (code, nobody) = explain(&["oNobody"]);
    assert!(code == Some(1) && nobody.contains("no such customer"), "{nobody}");
}
