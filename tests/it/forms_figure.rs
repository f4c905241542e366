//! Many forms handed in while the program is killed again and again, and the business system falls silent after taking
//! one, answers late or refuses: each form ends once, as the business system's book says, and none is taken twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::app::Clock as _;
use fuwu::app::pool::fulfil;
use fuwu::channel::official::Mode;
use fuwu::domain::actions::{FormSent, forms_of};
use fuwu::domain::fact::{FactKind, OrderOutcome};
use fuwu::domain::ids::Openid;
use fuwu::domain::pool::{PoolRule, Wish};
use fuwu::domain::question::Answer;
use fuwu::domain::reply::Reply;
use fuwu::domain::value::Value;
use fuwu::store::CustomerRef;
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use crate::business::edit;
use crate::hand::{Hand, event, message_at};
use crate::harness::API_TOKEN;
use crate::orders_figure::audit::Entry;
use crate::orders_figure::outside::{Counter, Outside, Till};
use crate::orders_figure::program::{Lapse, Place};
use crate::orders_shop::playbook_paid_by_wechat;
use crate::process::Process;

/// What everybody fills, each of them once: the words, and the action.
const FORMS: [(&str, &str); 3] = [("线上办卡", "apply_card"), ("甲乙丙", "apply_told"), ("丁戊己", "apply_blind")];
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(1_800);

/// `FUWU_FIGURE_FORMS=300` makes the figure of it: the real program on the machine's clock.
fn size() -> (usize, i64) {
    match std::env::var("FUWU_FIGURE_FORMS") {
        Ok(forms) => (forms.parse().unwrap(), 0),
        Err(_) => (48, 30),
    }
}

struct Course {
    place: Place,
    process: Mutex<Option<Process>>,
    outside: Outside,
    hand: Hand,
    http: reqwest::Client,
    customers: Vec<Openid>,
    numbers: Vec<String>,
    agreed: AtomicUsize,
    messages: AtomicUsize,
    began: Instant,
}

/// The demo's form put to a system that knows one again, to one that does not and can be asked, and to one that can not.
fn playbook(dir: &Path, origin: &str, numbers: &[String]) -> Vec<(String, String)> {
    let env = playbook_paid_by_wechat(dir, Some(origin));
    let at = |name: &str| dir.join("playbook").join(name);
    std::fs::remove_file(at("tests/apply.toml")).unwrap();
    let file = at("actions/apply.toml");
    edit(&file, "settle_secs = 3600", "settle_secs = 86400");
    let text = std::fs::read_to_string(&file).unwrap();
    let (form, _) = text.split_once("[repair]").unwrap();
    let keywords = at("keywords.toml");
    let mut rules = std::fs::read_to_string(&keywords).unwrap();
    let connectors = at("connectors.toml");
    let all = std::fs::read_to_string(&connectors).unwrap();
    let parts = all.split("[connectors.").filter(|part| part.starts_with("apply_card"));
    let own: String = parts.map(|part| format!("[connectors.{part}")).collect();
    let mut more = String::new();
    for ((words, action), counter) in FORMS[1..].iter().zip([Counter::Tells, Counter::Blind]) {
        std::fs::write(at(&format!("actions/{action}.toml")), form.replace("apply_card", action)).unwrap();
        rules += &format!("\n[[rule]]\naction = \"{action}\"\nexact = [\"{words}\"]\n");
        let status = if counter == Counter::Tells { "status = \"form_status\"\n" } else { "" };
        more += &own
            .replace("apply_card", action)
            .replace("\"/applications\"", &format!("\"{}\"", counter.path()))
            .replace("idempotency_header = \"Idempotency-Key\"\n", &format!("idempotent = false\n{status}"));
    }
    std::fs::write(&keywords, rules).unwrap();
    let mut all = all.replace("\"/applications\"", &format!("\"{}\"", Counter::Knows.path())) + "\n" + &more;
    all += r#"
[connectors.form_status]
method = "GET"
path = "/told/orders/{{ number }}"
timeout_ms = 400
late_timeout_ms = 400
refusal = { at = "/code", ok = "0" }
fields = { ready_on = { at = "/ready_on", as = "text" } }
example = { code = "0", ready_on = "2026-01-03" }
"#;
    std::fs::write(&connectors, all).unwrap();
    let pool = format!("[sim_numbers]\nhold_secs = 3600\nitems = {numbers:?}\n");
    std::fs::write(at("pools/sim_numbers.toml"), pool).unwrap();
    env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// One form in our books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    /// As the record says.
    stands: Option<OrderOutcome>,
    is_held: bool,
    /// The ends it came to, by the facts.
    ends: Vec<OrderOutcome>,
}

impl Course {
    /// Delivers until it is acknowledged, as the platform and its repetitions would; what was answered.
    async fn deliver(&self, openid: &Openid, xml: &str) -> String {
        let began = Instant::now();
        loop {
            if let Ok(posted) = self.hand.try_post(self.hand.push(xml)).await
                && posted.status == 200
            {
                return match self.hand.hear(openid.as_str(), &posted) {
                    Reply::Text(text) => text,
                    _ => String::new(),
                };
            }
            assert!(began.elapsed() < PATIENCE, "it never takes {xml}: {}", self.place.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn say(&self, openid: &Openid, words: &str) -> String {
        let id = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let text =
            format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>");
        self.deliver(openid, &message_at(self.place.lapse.now().0, openid.as_str(), &text)).await
    }

    async fn fills(&self, openid: &Openid, words: &str) {
        self.say(openid, words).await;
        self.say(openid, "1").await;
        // Somebody else may be quicker.
        let mut answer = self.say(openid, "1").await;
        while !answer.contains("姓名") {
            assert!(self.began.elapsed() < PATIENCE, "{answer}");
            answer = self.say(openid, "1").await;
        }
        for words in ["欧阳小明", "11010519491231002X", "2"] {
            self.say(openid, words).await;
        }
        let summary = self.say(openid, "13800138000").await;
        assert!(summary.contains("确认"), "{summary}");
        self.say(openid, "确认").await;
        self.agreed.fetch_add(1, Ordering::SeqCst);
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

    async fn kill_now_and_then(self: &Arc<Self>, forms: usize, kills: usize) {
        for kill in 0..kills {
            let after = (kill + 1) * forms / (kills + 1);
            while self.agreed.load(Ordering::SeqCst) < after {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis((kill as u64 * 7_919) % 400)).await;
            self.kill();
            let wrong = faults(&self.lines().await, &self.outside.books(), IsOver::NotYet);
            assert_eq!(wrong, Vec::<String>::new(), "at kill {kill}");
            self.start().await;
        }
    }

    /// Our books: what the records say, and the ends that the facts tell of.
    async fn lines(&self) -> BTreeMap<String, Line> {
        let store = self.place.store().await;
        let mut lines: BTreeMap<String, Line> = BTreeMap::new();
        for openid in &self.customers {
            let of = CustomerRef { account: "demo".into(), openid: openid.clone() };
            let customer = store.load(&of).await.unwrap().customer;
            for (_, action) in FORMS {
                let sent = forms_of(&customer, &action.into()).map(|kept| kept.sent.clone()).unwrap_or_default();
                for FormSent { number, outcome, hold, .. } in sent {
                    let line = Line { stands: Some(outcome), is_held: hold.is_some(), ends: Vec::new() };
                    assert_eq!(lines.insert(number, line), None, "a number of two forms");
                }
            }
        }
        let mut after = 0;
        loop {
            let page = store.facts(&"demo".into(), after, 50_000).await.unwrap();
            let Some(last) = page.last() else { return lines };
            after = last.seq;
            for logged in page {
                if let FactKind::Applied { number, outcome, .. } = logged.fact.what
                    && matches!(outcome, OrderOutcome::Done | OrderOutcome::Refused)
                {
                    lines.entry(number).or_default().ends.push(outcome);
                }
            }
        }
    }

    async fn cases(&self) -> Vec<(String, String)> {
        let url = format!("http://{}/api/v1/orders", self.place.origin());
        let answer = self.http.get(url).bearer_auth(API_TOKEN).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", self.place.last_words()));
        let listed: Json = answer.error_for_status().unwrap().json().await.unwrap();
        let text = |case: &Json, name: &str| case[name].as_str().unwrap().to_owned();
        listed["orders"].as_array().unwrap().iter().map(|case| (text(case, "number"), text(case, "reason"))).collect()
    }

    /// Waits until every form has ended, and decides what waits for a person as somebody would who looks into the business
    /// system's book; how many that were.
    async fn ends(&self) -> usize {
        let (began, mut decided) = (Instant::now(), 0);
        loop {
            let cases = self.cases().await;
            for (number, reason) in &cases {
                assert_eq!(reason, "form_unknown", "{number}");
                let decision = if self.outside.is_done(number) { "done" } else { "undone" };
                let path = format!("/api/v1/orders/{number}/decide?decision={decision}");
                let url = format!("http://{}{path}", self.place.origin());
                let answer = self.http.post(url).bearer_auth(API_TOKEN).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
                decided += 1;
            }
            let lines = self.lines().await;
            let faults = faults(&lines, &self.outside.books(), IsOver::Yes);
            if faults.is_empty() && cases.is_empty() {
                return decided;
            }
            let some = &faults[..faults.len().min(5)];
            assert!(began.elapsed() < PATIENCE, "{some:?} {cases:?} {}", self.place.last_words());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// How many numbers of the pool anybody could still have.
    async fn free(&self) -> i64 {
        let (store, now) = (self.place.store().await, self.place.lapse.now());
        let rule = PoolRule { items: self.numbers.clone(), count: None, hold_secs: 3_600 };
        let asked = (&"demo".into(), &"sim_numbers".into(), Some(&rule));
        let answer = fulfil(store.as_ref(), asked, (&Wish::Offers { by: "x".into(), page: 0 }, now)).await.unwrap();
        match answer {
            Answer::Loaded(values) => match values["left"] {
                Value::Integer(left) => left,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

/// What does not agree, in words.
fn faults(lines: &BTreeMap<String, Line>, book: &BTreeMap<String, Entry>, is_over: IsOver) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in lines {
        let done = book.get(number).map_or(0, |entry| entry.done);
        let agrees = match (line.stands, line.ends.as_slice()) {
            (Some(OrderOutcome::Done), [OrderOutcome::Done]) => done == 1 && !(line.is_held && is_over == IsOver::Yes),
            (Some(OrderOutcome::Refused), [OrderOutcome::Refused]) => {
                done == 0 && !(line.is_held && is_over == IsOver::Yes)
            }
            (Some(OrderOutcome::Placed | OrderOutcome::Unknown), []) => done <= 1 && is_over == IsOver::NotYet,
            _ => false,
        };
        if !agrees {
            faults.push(format!("{number}: {line:?}, and the business system did it {done} times"));
        }
    }
    // What was put is known to us: it is handed in by a commit before it leaves.
    faults.extend(
        book.keys().filter(|number| !lines.contains_key(*number)).map(|number| format!("{number} is nobody's")),
    );
    faults
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsOver {
    NotYet,
    Yes,
}

#[test]
fn a_book_that_does_not_agree_is_found() {
    use OrderOutcome::{Done, Placed, Refused, Unknown};
    let wrong = |line: Line, done: u32, is_over| {
        let book = [("1".to_owned(), Entry { put: 1, done, amount_fen: 0 })].into();
        !faults(&[("1".to_owned(), line)].into(), &book, is_over).is_empty()
    };
    let line = |stands, ends: &[OrderOutcome]| Line { stands: Some(stands), is_held: false, ends: ends.to_vec() };
    assert!(!wrong(line(Done, &[Done]), 1, IsOver::Yes) && !wrong(line(Refused, &[Refused]), 0, IsOver::Yes));
    assert!(!wrong(line(Placed, &[]), 1, IsOver::NotYet) && !wrong(line(Unknown, &[]), 0, IsOver::NotYet));
    assert!(wrong(line(Done, &[Done]), 2, IsOver::Yes), "done twice");
    assert!(wrong(line(Done, &[Done]), 0, IsOver::NotYet), "not done");
    assert!(wrong(line(Refused, &[Refused]), 1, IsOver::NotYet), "done, and said to be refused");
    assert!(wrong(line(Done, &[Done, Done]), 1, IsOver::Yes), "ended twice");
    assert!(wrong(line(Done, &[Refused, Done]), 1, IsOver::Yes), "ended otherwise before");
    assert!(wrong(line(Placed, &[]), 0, IsOver::Yes) && wrong(line(Unknown, &[]), 0, IsOver::Yes), "not ended");
    assert!(wrong(Line { is_held: true, ..line(Done, &[Done]) }, 1, IsOver::Yes), "still held");
    assert!(wrong(Line { ends: vec![Done], ..Line::default() }, 1, IsOver::Yes), "no record knows it");
    let nobodys = [("2".to_owned(), Entry::default())].into();
    assert_eq!(faults(&BTreeMap::new(), &nobodys, IsOver::Yes).len(), 1);
}

#[actix_web::test]
async fn every_form_ends_once_and_as_the_business_systems_book_says_though_the_program_is_killed() {
    let (forms, rate) = size();
    let kills = forms.div_ceil(16);
    let dir = tempfile::tempdir().unwrap();
    let lapse = Lapse::at_rate(rate);
    let (outside, till) = (Outside::open(), Till::open(Arc::new(move || lapse.now().0)));
    let numbers: Vec<String> = (0..forms + AT_ONCE).map(|nth| format!("1700{nth:07}")).collect();
    let mut env = playbook(dir.path(), &outside.origin, &numbers);
    env.extend(till.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
    env.push(("FUWU__ACCOUNTS__DEMO__API_BASE".to_owned(), outside.origin.clone()));
    let place = Place::new(dir.path().to_owned(), lapse, env);
    let customers = (0..forms.div_ceil(FORMS.len())).map(|nth| Openid::new(format!("oForms{nth:022}"))).collect();
    let course = Arc::new(Course {
        process: Mutex::default(),
        hand: Hand::to(place.origin().parse().unwrap(), Mode::Safe),
        // A connection that was kept may end with the program that it led to.
        http: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap(),
        place,
        outside,
        customers,
        numbers,
        agreed: AtomicUsize::default(),
        messages: AtomicUsize::default(),
        began: Instant::now(),
    });
    course.start().await;
    let killer = tokio::spawn({
        let course = Arc::clone(&course);
        async move { course.kill_now_and_then(forms, kills).await }
    });
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let all = course.customers.clone().into_iter().enumerate().map(|(nth, openid)| {
        let (course, turns) = (Arc::clone(&course), Arc::clone(&turns));
        tokio::spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            course.deliver(&openid, &event(openid.as_str(), "subscribe", "")).await;
            for turn in 0..FORMS.len() {
                if nth * FORMS.len() + turn < forms {
                    course.fills(&openid, FORMS[(nth + turn) % FORMS.len()].0).await;
                }
            }
        })
    });
    for filled in join_all(all.collect::<Vec<_>>()).await {
        filled.unwrap();
    }
    killer.await.unwrap();
    let driven = course.began.elapsed();
    let decided = course.ends().await;
    course.kill();

    let lines = course.lines().await;
    let count = |outcome| lines.values().filter(|line| line.stands == Some(outcome)).count();
    let (done, refused) = (count(OrderOutcome::Done), count(OrderOutcome::Refused));
    let book = course.outside.books();
    println!(
        "{} forms handed in within {:.0} s and ended in {:.0} s, {kills} kills: {done} done, {refused} refused, {decided} \
         decided by a person; {} put more than once, none done twice",
        lines.len(),
        driven.as_secs_f64(),
        course.began.elapsed().as_secs_f64(),
        book.values().filter(|entry| entry.put > 1).count(),
    );
    assert_eq!(faults(&lines, &book, IsOver::Yes), Vec::<String>::new());
    assert_eq!(lines.len(), forms, "a form for every agreement that was acknowledged");
    // What was done has its number, and every other number is anybody's.
    assert_eq!(course.free().await, i64::try_from(course.numbers.len() - done).unwrap());
    // Of what nobody can ask about, all that is unclear goes to a person.
    assert!(decided >= course.outside.unclear_at(Counter::Blind), "{decided} went to a person");
}
