//! A course: customers order and pay while the program is killed again and again; then everything comes to its end, a
//! person decides what waits for one, and the books are laid side by side.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::app::Clock as _;
use fuwu::channel::official::Mode;
use fuwu::domain::ids::Openid;
use fuwu::domain::order::State;
use fuwu::domain::reply::Reply;
use fuwu::sandbox::pay::model::{Act, Order};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::audit::{ThreeBooks, moved, ours, records};
use super::outside::{Counter, Outside, Till, percent};
use super::program::{Lapse, Place};
use crate::business::edit;
use crate::hand::{Hand, event, message_at};
use crate::harness::API_TOKEN;
use crate::orders_shop::playbook_paid_by_wechat;
use crate::process::Process;

/// So many of a hundred orders nobody pays, and so many more are called off.
const UNPAID: u8 = 4;
const CALLED_OFF: u8 = 3;
/// What customers buy, each of them each of these once: the words, and the action.
const WARES: [&str; 4] = ["充流量", "甲乙丙", "丁戊己", "庚辛壬"];
/// So many customers are at it at once.
const AT_ONCE: usize = 32;
/// The books are read at so many of the kills; it takes a while of many.
const MOST_LOOKS: usize = 24;
/// So many decisions are made on the command line; the others by the API, which is the same.
const BY_COMMAND: usize = 3;
/// Nothing takes longer than this: of ten thousand orders a few meet a silent business system six times in a row, and are
/// put again after half an hour.
const PATIENCE: Duration = Duration::from_secs(4_500);

/// How much of it.
pub struct Size {
    pub orders: usize,
    pub kills: usize,
    /// 0 is the real program on the machine's clock.
    pub rate: i64,
}

struct Course {
    place: Place,
    process: Mutex<Option<Process>>,
    outside: Outside,
    till: Till,
    hand: Hand,
    http: reqwest::Client,
    origin: String,
    customers: Vec<Openid>,
    agreed: AtomicUsize,
    wordless: AtomicUsize,
    told: Mutex<BTreeSet<String>>,
    messages: AtomicUsize,
    began: Instant,
}

/// The demo's playbook, where data packs are paid by WeChat Pay and put to a system that knows an order again, to one that
/// does not and can be asked, to one that can not be asked, or are charged by the business system.
fn playbook(dir: &Path, origin: &str, pay_secs: u32) -> Vec<(String, String)> {
    let env = playbook_paid_by_wechat(dir, Some(origin));
    let buy = dir.join("playbook/actions/buy.toml");
    edit(&buy, "pay = \"wechat\"\n", &format!("pay = \"wechat\"\npay_secs = {pay_secs}\n"));
    edit(&buy, "settle_secs = 3600", "settle_secs = 86400");
    // Whoever reads an answer finds the number in it.
    edit(&buy, "payable = \"", "payable = \"订单号 {{ order }}。");
    edit(&buy, "placed = \"\"\"\n", "placed = \"\"\"\n订单号 {{ order }}。");
    edit(&buy, "PRICE_CHANGED = \"", "PRICE_CHANGED = \"订单号 {{ order }}。");
    let text = std::fs::read_to_string(&buy).unwrap();
    let variants = [
        ("buy_told", "put_told", "wechat"),
        ("buy_blind", "put_blind", "wechat"),
        ("buy_direct", "place_order", "business"),
    ];
    for (action, connector, pay) in variants {
        let own = text
            .replace("[buy_data", &format!("[{action}"))
            .replace("connector = \"place_order\"", &format!("connector = \"{connector}\""))
            .replace("pay = \"wechat\"", &format!("pay = \"{pay}\""));
        std::fs::write(dir.join(format!("playbook/actions/{action}.toml")), own).unwrap();
    }
    let keywords = dir.join("playbook/keywords.toml");
    let mut rules = std::fs::read_to_string(&keywords).unwrap();
    for (words, action) in WARES[1..].iter().zip(variants.map(|(action, ..)| action)) {
        rules += &format!("\n[[rule]]\naction = \"{action}\"\nexact = [\"{words}\"]\n");
    }
    std::fs::write(&keywords, rules).unwrap();
    let connectors = dir.join("playbook/connectors.toml");
    let text = std::fs::read_to_string(&connectors).unwrap();
    let own = text.split("[connectors.").find(|part| part.starts_with("place_order]")).unwrap();
    let fields: String = text
        .split("[connectors.")
        .filter(|part| part.starts_with("place_order."))
        .map(|part| format!("[connectors.{part}"))
        .collect();
    let mut all = text.clone();
    for (name, counter, status) in
        [("put_told", Counter::Tells, "status = \"order_status\"\n"), ("put_blind", Counter::Blind, "")]
    {
        let once = format!("idempotent = false\n{status}");
        let one = format!("\n[connectors.{own}{fields}")
            .replace("place_order", name)
            .replace("\"/orders\"", &format!("\"{}\"", counter.path()))
            .replace("idempotency_header = \"Idempotency-Key\"\n", &once);
        all += &one;
    }
    all += r#"
[connectors.order_status]
method = "GET"
path = "/told/orders/{{ order }}"
timeout_ms = 400
late_timeout_ms = 400
refusal = { at = "/code", ok = "0" }
fields = { balance = { at = "/balance_fen", as = "fen" }, data_left = { at = "/data_left_kib", as = "kib" }, valid_until = { at = "/valid_until", as = "text" } }
example = { code = "0", balance_fen = 1, data_left_kib = 1, valid_until = "2026-01-31" }
"#;
    std::fs::write(&connectors, all).unwrap();
    env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Course {
    /// Delivers until it is acknowledged, as the platform and its repetitions would; what was answered.
    async fn deliver(&self, openid: &Openid, xml: &str) -> Option<String> {
        let began = Instant::now();
        loop {
            if let Ok(posted) = self.hand.try_post(self.hand.push(xml)).await
                && posted.status == 200
            {
                return match self.hand.hear(openid.as_str(), &posted) {
                    Reply::Text(text) => Some(text),
                    _ => None,
                };
            }
            assert!(began.elapsed() < PATIENCE, "it never takes {xml}: {}", self.place.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn say(&self, openid: &Openid, words: &str) -> Option<String> {
        let id = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let text =
            format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>");
        self.deliver(openid, &message_at(self.place.lapse.now().0, openid.as_str(), &text)).await
    }

    async fn buys_everything(&self, openid: &Openid, wares: &[&str]) {
        self.deliver(openid, &event(openid.as_str(), "subscribe", "")).await;
        for words in wares {
            self.buys(openid, words).await;
        }
    }

    async fn buys(&self, openid: &Openid, words: &str) {
        self.say(openid, words).await;
        self.say(openid, "2").await;
        let answer = self.say(openid, "确认").await.unwrap_or_default();
        let nth = self.agreed.fetch_add(1, Ordering::SeqCst);
        if nth.is_multiple_of(20) {
            self.till.go_wrong(nth / 20);
        }
        let told = answer.split("订单号 ").nth(1).and_then(|rest| rest.get(..26)).map(str::to_owned);
        let told = told.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        if told.is_none() {
            self.wordless.fetch_add(1, Ordering::Relaxed);
        }
        let number = match told {
            Some(number) => number,
            // The answer was lost, or the delivery waits for the store: the till will know.
            None if words != WARES[3] => match self.found(openid).await {
                Some(number) => number,
                None => return,
            },
            None => return,
        };
        self.told.lock().unwrap().insert(number.clone());
        if words == WARES[3] {
            return;
        }
        let chance = percent("payer", &number);
        if chance < UNPAID {
            return;
        }
        if chance < UNPAID + CALLED_OFF {
            self.say(openid, "取消").await;
            return;
        }
        if self
            .patiently(|| self.till.pay.look(|books| books.orders.contains_key(&number)).then_some(()))
            .await
            .is_none()
        {
            return;
        }
        // Too late, it is closed: that is an end, too.
        let _ = self.till.pay.act_on((&number, openid.as_str()), Act::Pay);
    }

    /// What is there at last; `None` when it could not be paid in time any more, which is for the books to say.
    async fn patiently<T>(&self, look: impl Fn() -> Option<T>) -> Option<T> {
        let began = Instant::now();
        while began.elapsed() < self.place.lapse.lasts(300) {
            if let Some(found) = look() {
                return Some(found);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// The order of a customer at the till that nobody was told of.
    async fn found(&self, openid: &Openid) -> Option<String> {
        let told = self.told.lock().unwrap().clone();
        let is_new = |order: &&Order| order.openid == openid.as_str() && !told.contains(&order.out_trade_no);
        let number =
            || self.till.pay.look(|books| books.orders.values().find(is_new).map(|order| order.out_trade_no.clone()));
        self.patiently(number).await
    }

    async fn start(self: &Arc<Self>) {
        let course = Arc::clone(self);
        // Not here: it asks what this thread serves before it is there.
        let process = tokio::task::spawn_blocking(move || course.place.start()).await.unwrap();
        *self.process.lock().unwrap() = Some(process);
    }

    fn kill(&self) {
        if let Some(process) = self.process.lock().unwrap().take() {
            process.kill();
        }
    }

    /// All three books while nobody writes ours.
    async fn books(&self) -> ThreeBooks {
        let told = self.told.lock().unwrap().clone();
        let ours = ours(self.place.store().await.as_ref(), &self.customers).await;
        ThreeBooks { ours, business: self.outside.books(), till: self.till.pay.look(moved), told }
    }

    /// Kills it at moments spread over all orders; what was wrong at the moment of a kill.
    async fn kill_now_and_then(self: &Arc<Self>, orders: usize, kills: usize) -> usize {
        let mut looks = 0;
        for kill in 0..kills {
            let after = (kill + 1) * orders / (kills + 1);
            while self.agreed.load(Ordering::SeqCst) < after {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis((kill as u64 * 7_919) % 400)).await;
            self.kill();
            if kill % kills.div_ceil(MOST_LOOKS) == 0 {
                let books = self.books().await;
                println!(
                    "kill {kill} after {:.0} s: {:?} {:?}",
                    self.began.elapsed().as_secs_f64(),
                    books.tally(),
                    books.sums()
                );
                assert_eq!(books.faults_now(), Vec::<String>::new(), "at kill {kill}");
                looks += 1;
            }
            self.start().await;
            // Some die young.
            if kill % 3 == 2 {
                self.kill();
                self.start().await;
            }
        }
        looks
    }

    /// What waits for a person: the number and why.
    async fn cases(&self) -> Vec<(String, String)> {
        let answer = self.http.get(format!("{}/api/v1/orders", self.origin)).bearer_auth(API_TOKEN).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", self.place.last_words()));
        let listed: Value = answer.error_for_status().unwrap().json().await.unwrap();
        let text = |case: &Value, name: &str| case[name].as_str().unwrap().to_owned();
        listed["orders"].as_array().unwrap().iter().map(|case| (text(case, "number"), text(case, "reason"))).collect()
    }

    /// Decides as somebody would who looks into the business system's books; whether the order was decided. What has gone on
    /// by itself meanwhile cannot be, and what is odd about it was looked at.
    async fn decide(&self, (number, reason): (&str, &str), by_command: bool) -> bool {
        assert!(reason != "unknown_order", "{number} is not known to us");
        let decision = if self.outside.is_done(number) { "done" } else { "undone" };
        if by_command {
            let said = self.place.command(&["order", "decide", number, decision]);
            let told = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(said.status.success() || told.contains("cannot be decided so"), "{number} {decision}: {said:?}");
            if said.status.success() {
                return true;
            }
        } else {
            let (status, told) = self.says(number, decision).await;
            assert!(matches!(status, 200 | 409), "{number} {decision} for {reason}: {told}");
            if status == 200 {
                return true;
            }
        }
        let (status, told) = self.says(number, "seen").await;
        assert!(matches!(status, 200 | 404 | 409), "{number} seen for {reason}: {told}");
        false
    }

    async fn says(&self, number: &str, decision: &str) -> (u16, String) {
        let url = format!("{}/api/v1/orders/{number}/decide?decision={decision}", self.origin);
        let answer = self.http.post(url).bearer_auth(API_TOKEN).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until every order has ended and no case is open, and decides what waits for a person; how many that were.
    async fn ends(&self) -> usize {
        let (began, mut decided) = (Instant::now(), BTreeSet::new());
        loop {
            let cases = self.cases().await;
            for (number, reason) in &cases {
                if !decided.contains(number) && self.decide((number, reason), decided.len() < BY_COMMAND).await {
                    decided.insert(number.clone());
                }
            }
            let records = records(self.place.store().await.as_ref(), &self.customers).await;
            let open: Vec<_> = records.iter().filter(|(_, line)| !line.is_over && line.state != State::Draft).collect();
            if open.is_empty() && cases.is_empty() {
                // What is told once more, long after, changes nothing.
                self.till.pay.hurry().await;
                if self.till.pay.look(|books| books.on_their_way()) == 0 {
                    return decided.len();
                }
            }
            let some = &open[..open.len().min(5)];
            assert!(began.elapsed() < PATIENCE, "{} never end: {some:?} {cases:?}", open.len());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Runs one on the store that `url` names.
pub async fn run(size: &Size, url: Option<&str>) {
    let dir = tempfile::tempdir().unwrap();
    let lapse = Lapse::at_rate(size.rate);
    let (outside, till) = (Outside::open(), Till::open(Arc::new(move || lapse.now().0)));
    let pay_secs = if size.rate == 0 { 180 } else { 300 };
    let mut env = playbook(dir.path(), &outside.origin, pay_secs);
    env.extend(till.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
    env.push(("FUWU__ACCOUNTS__DEMO__API_BASE".to_owned(), outside.origin.clone()));
    env.extend(url.map(|url| ("FUWU__STORE__URL".to_owned(), url.to_owned())));
    let place = Place::new(PathBuf::from(dir.path()), lapse, env);
    let origin = place.origin();
    let customers: Vec<Openid> =
        (0..size.orders.div_ceil(WARES.len())).map(|nth| Openid::new(format!("oFigure{nth:021}"))).collect();
    let course = Arc::new(Course {
        process: Mutex::default(),
        hand: Hand::to(origin.parse().unwrap(), Mode::Safe),
        // A connection that was kept may end with the program that it led to.
        http: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap(),
        origin: format!("http://{origin}"),
        place,
        outside,
        till,
        customers,
        agreed: AtomicUsize::default(),
        wordless: AtomicUsize::default(),
        told: Mutex::default(),
        messages: AtomicUsize::default(),
        began: Instant::now(),
    });
    course.start().await;

    let is_over = Arc::new(AtomicBool::new(false));
    let notices = tokio::spawn({
        let (course, is_over) = (Arc::clone(&course), Arc::clone(&is_over));
        async move {
            while !is_over.load(Ordering::Relaxed) {
                course.till.pay.catch_up().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let killer = tokio::spawn({
        let (course, size) = (Arc::clone(&course), (size.orders, size.kills));
        async move { course.kill_now_and_then(size.0, size.1).await }
    });
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let buyers = course.customers.iter().enumerate().map(|(nth, openid)| {
        let (course, turns, openid) = (Arc::clone(&course), Arc::clone(&turns), openid.clone());
        let mut wares = WARES.to_vec();
        wares.rotate_left(nth % WARES.len());
        wares.truncate((size.orders - nth * WARES.len()).min(WARES.len()));
        tokio::spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            course.buys_everything(&openid, &wares).await;
        })
    });
    for bought in join_all(buyers.collect::<Vec<_>>()).await {
        bought.unwrap();
    }
    let looks = killer.await.unwrap();
    let driven = course.began.elapsed();
    course.till.calm_down();
    let decided = course.ends().await;
    is_over.store(true, Ordering::Relaxed);
    notices.await.unwrap();
    course.kill();

    let books = course.books().await;
    let (tally, sums) = (books.tally(), books.sums());
    println!(
        "{} orders agreed in {:.0} s and ended in {:.0} s, {} kills, books read at {looks} of them: {tally:?}; {decided} \
         decided by a person; {} told late; {} put more than once, none done twice; {sums:?} fen; the merchant has {} fen",
        books.ours.len(),
        driven.as_secs_f64(),
        course.began.elapsed().as_secs_f64(),
        size.kills + size.kills / 3,
        course.wordless.load(Ordering::Relaxed),
        books.business.values().filter(|entry| entry.put > 1).count(),
        course.till.pay.look(|books| books.balance_fen()),
    );
    assert_eq!(books.faults(), Vec::<String>::new());
    assert_eq!(course.till.pay.look(|books| books.faults()), Vec::<String>::new());
    assert_eq!(books.ours.len(), size.orders, "an order for every agreement that was acknowledged");
    assert_eq!(course.till.pay.look(|books| books.balance_fen()), sums.fulfilled);
    // Of what nobody can ask about, all that is unclear goes to a person.
    assert!(decided >= course.outside.unclear_at(Counter::Blind), "{decided} went to a person");
}
