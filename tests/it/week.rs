//! Weeks in the life of an account, each from a seed: customers talk, tap, order, fall silent, refuse, leave and come back,
//! the platform and the business system fail by turns, and messages are owed. At the end the platform's books must agree with
//! ours ([`books::breaches`]). `FUWU_WEEKS=100` lives so many, `FUWU_FIRST_WEEK=7` begins at that seed.

mod books;
#[path = "../../src/app/simulator/dice.rs"]
mod dice;
mod told;
mod weather;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::future::join_all;
use fuwu::app::ManualClock;
use fuwu::domain::ids::Openid;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::work::{Task, Work};
use fuwu::sandbox::model::{Body, Side};
use fuwu::store::{Commit, Committed, CustomerRef, Keep};
use serde_json::json;

use self::books::{Books, Breach, Owed, breaches};
use self::dice::Dice;
use self::told::{Sum, tell};
use self::weather::Fault;
use crate::door::{Door, Passed, Ways};
use crate::harness::{MONDAY, World, until};

const CUSTOMERS: usize = 12;
/// So many weeks are lived side by side: most of their time is waiting.
const SIDE_BY_SIDE: usize = 6;
/// Owed at most to one customer at a time: as many notes as a record keeps.
const MOST_OWED: usize = 4;
/// Longer than the week.
const OF_USE_SECS: i64 = 20 * 86_400;
/// What a message that is under way is claimed for. What is due by then is waited for, so that nobody sleeps through the
/// end of a call that they began.
const LEASE_SECS: i64 = 60;

/// A call on its way through our own machine is over after so many looks.
const IN_HAND_LOOKS: usize = 300;

struct Week {
    seed: u64,
    world: World,
    door: Door,
    dice: Dice,
    openids: Vec<Openid>,
    losing: Arc<AtomicBool>,
    books: Books,
    faults: Vec<Fault>,
}

impl Week {
    async fn begin(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let losing = Arc::new(AtomicBool::new(false));
        let clock = Arc::<Mutex<Option<Arc<ManualClock>>>>::default();
        let ways = {
            let (losing, clock, lost) = (Arc::clone(&losing), Arc::clone(&clock), Mutex::new(Dice::of(dice.next())));
            Ways {
                loses: Box::new(move |call: &Passed| {
                    losing.load(Ordering::SeqCst) && call.is_message() && lost.lock().unwrap().hits(500)
                }),
                clock: Box::new(move || clock.lock().unwrap().as_ref().map_or(MONDAY.0, |clock| now(clock))),
            }
        };
        let door = Door::open(ways);
        let world = World::start_with(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &door.base("fuwu"))]).await;
        *clock.lock().unwrap() = Some(Arc::clone(&world.clock));
        door.leads_to(world.url("/sandbox/platform"));
        until("the menu is published", async || !world.get_json("/sandbox/api/state").await["button"].is_null()).await;
        let openids = (0..CUSTOMERS).map(|n| world.sandbox().add_customer(&format!("客户{n}")).unwrap()).collect();
        let (books, faults) = (Books::default(), Vec::new());
        let mut week = Self { seed, world, door, dice, openids, losing, books, faults };
        for n in 0..CUSTOMERS {
            let openid = week.openids[n].clone();
            week.books.customers.insert(openid.as_str().to_owned(), books::Customer::default());
            week.follow(&openid).await;
        }
        week
    }

    fn now(&self) -> i64 {
        now(&self.world.clock)
    }

    fn customer(&mut self, openid: &Openid) -> &mut books::Customer {
        self.books.customers.get_mut(openid.as_str()).unwrap()
    }

    async fn follow(&mut self, openid: &Openid) {
        self.world.clock.advance_secs(1);
        self.world.sandbox().follow(openid).await.unwrap();
        self.customer(openid).follows = true;
    }

    async fn say(&mut self, openid: &Openid, words: &str) {
        self.world.clock.advance_secs(1);
        self.world.sandbox().say(openid, words).await.unwrap();
    }

    async fn tap(&mut self, openid: &Openid, key: &str) {
        self.world.clock.advance_secs(1);
        self.world.sandbox().tap(openid, key).await.unwrap();
    }

    async fn refuse(&mut self, openid: &Openid, refuses: bool) {
        let url = self.world.url(&format!("/sandbox/api/customers/{openid}/standing"));
        let answer = self.world.http.post(url).json(&json!({ "refuses": refuses })).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let now = self.now();
        self.customer(openid).refused.push((now, refuses));
    }

    /// Something a customer does, or nothing.
    async fn act(&mut self, openid: &Openid) {
        let customer = self.customer(openid);
        let (follows, refuses) = (customer.follows, customer.refused.last().is_some_and(|(_, refuses)| *refuses));
        match self.dice.between(0, 99) {
            0..30 if !follows => self.follow(openid).await,
            _ if !follows => {}
            0..40 if refuses => {
                self.refuse(openid, false).await;
                // Nothing tells the account of it but what they do next.
                self.say(openid, "我又开了").await;
            }
            0..18 => self.say(openid, "你好").await,
            18..26 => self.say(openid, "谢谢").await,
            26..34 => self.say(openid, "查话费").await,
            34..40 => self.tap(openid, "offers").await,
            40..46 => self.tap(openid, "query_balance").await,
            46..52 => {
                self.tap(openid, "buy_data").await;
                self.say(openid, "1").await;
                self.say(openid, "确认").await;
            }
            52..55 => {
                self.world.clock.advance_secs(1);
                self.world.sandbox().unfollow(openid).await.unwrap();
                let now = self.now();
                let customer = self.customer(openid);
                customer.follows = false;
                customer.left.push(now);
            }
            55..58 => self.refuse(openid, true).await,
            _ => {}
        }
    }

    /// Leaves messages in the outbox of a follower.
    async fn owe(&mut self, openid: &Openid) {
        let open = self.books.owed.iter().filter(|owed| owed.to == openid.as_str() && !self.is_over(owed)).count();
        if !self.customer(openid).follows || open >= MOST_OWED {
            return;
        }
        let number = self.books.owed.len();
        let words = format!("〔{}周{number}号〕", self.seed);
        let due = UnixSecs(self.now() + self.dice.pick(&[0_i64, 0, 0, 40, 3 * 3600]));
        let of = CustomerRef { account: "demo".into(), openid: openid.clone() };
        let facts = self.world.store().facts(&of.account, 0, 100_000).await.unwrap();
        let origin = facts.iter().rfind(|logged| logged.of == of).map(|logged| logged.fact.key).unwrap();
        let work = Work {
            id: words.as_str().into(),
            origin,
            due,
            expires: due.plus_secs(OF_USE_SECS),
            task: Task::Send(Reply::Text(words.clone())),
        };
        loop {
            let stored = self.world.store().load(&of).await.unwrap();
            let commit = Commit {
                of: of.clone(),
                base: stored.version,
                customer: stored.customer,
                increments: Vec::new(),
                facts: Vec::new(),
                outbox: vec![work.clone()],
                settled: Vec::new(),
                spent: Vec::new(),
                keep: Keep::Known,
            };
            if self.world.store().commit(commit).await.unwrap() == Committed::Applied {
                break;
            }
        }
        self.books.owed.push(Owed { words, to: openid.as_str().to_owned(), at: self.now() });
    }

    /// Whether nothing more is to be expected of it.
    fn is_over(&self, owed: &Owed) -> bool {
        let is_told = || self.heard(&owed.to).iter().any(|heard| heard.contains(owed.words.as_str()));
        let has_left = || self.books.customers[&owed.to].left.iter().any(|left| *left >= owed.at);
        self.books.dead.contains_key(&owed.words) || is_told() || has_left()
    }

    fn heard(&self, openid: &str) -> Vec<String> {
        let chat = self.world.sandbox().history(&openid.into(), 0).unwrap();
        chat.into_iter()
            .filter_map(|entry| match (entry.side, entry.body) {
                (Side::Account, Body::Text { text }) => Some(text),
                _ => None,
            })
            .collect()
    }

    /// What goes wrong until the next step.
    async fn weather(&mut self, fault: Option<Fault>) {
        let sandbox = self.world.sandbox();
        sandbox.switch_faults(&weather::calm()).unwrap();
        if let Some(fault) = fault {
            sandbox.switch_faults(&fault.switches()).unwrap();
            if fault == Fault::TokenReplaced {
                sandbox.replace_tokens();
            }
        }
        self.losing.store(fault == Some(Fault::AnswersLost), Ordering::SeqCst);
        self.world.business(fault.map_or_else(|| Fault::Slow.business(), Fault::business)).await;
        self.faults.extend(fault);
    }

    /// Waits until what is due has been tried, also again as far as that is soon.
    async fn settle(&mut self) {
        // A system that stays away is waited for in vain.
        for _ in 0..12 {
            let mut looks = 0;
            until("what is due is tried", async || {
                looks += 1;
                let (due, now) = (self.due().await, self.now());
                // What comes back exactly then is in hand, or happens to be due.
                let is_in_hand = |due| due == now + LEASE_SECS && looks < IN_HAND_LOOKS;
                self.door.is_idle() && due.is_none_or(|due| due > now && !is_in_hand(due))
            })
            .await;
            self.look().await;
            match self.due().await {
                Some(due) if due <= self.now() + LEASE_SECS => self.world.clock.advance_secs((due - self.now()).max(0)),
                _ => return,
            }
        }
    }

    async fn due(&self) -> Option<i64> {
        self.world.store().next_due().await.unwrap().map(|due| due.0)
    }

    /// Notes what was given up; a record keeps the newest only.
    async fn look(&mut self) {
        for openid in self.openids.clone() {
            for unsent in self.world.customer(&openid).await.ways.unsent() {
                // By its words: a note that is said by itself is work of another name.
                if let Task::Send(Reply::Text(words)) = &unsent.work.task {
                    self.books.dead.entry(words.clone()).or_insert((unsent.cause.clone(), unsent.at.0));
                }
            }
        }
    }

    async fn live(&mut self) {
        while self.now() < MONDAY.0 + 7 * 86_400 {
            let fault = weather::of_step(&mut self.dice);
            self.weather(fault).await;
            let since = self.now();
            for openid in self.openids.clone() {
                if self.dice.hits(350) {
                    self.act(&openid).await;
                }
                if self.dice.hits(250) {
                    self.owe(&openid).await;
                }
            }
            self.settle().await;
            if fault.is_some_and(Fault::is_scarcity) {
                self.books.scarce.push((since, self.now()));
            }
            self.weather(None).await;
            let pause = self.dice.pick(&[5 * 3600, 9 * 3600, 14 * 3600, 18 * 3600]);
            self.world.clock.advance_secs(i64::try_from(pause + self.dice.between(0, 900)).unwrap());
        }
    }

    /// Somebody looks at the orders that wait for a person: such an order is kept an eye on until then.
    async fn decide(&self) {
        let listed = self.world.get_json("/api/v1/orders").await;
        for case in listed["orders"].as_array().unwrap() {
            let number = case["number"].as_str().unwrap();
            let url = self.world.url(&format!("/api/v1/orders/{number}/decide?decision=done"));
            let answer = self.world.http.post(url).bearer_auth(crate::harness::API_TOKEN).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
    }

    /// All is well again, and whatever is still to be done is done.
    async fn end(mut self) -> (Books, Vec<Fault>) {
        self.weather(None).await;
        for _ in 0..60 {
            self.settle().await;
            self.decide().await;
            let Some(due) = self.due().await else { break };
            self.world.clock.advance_secs((due - self.now()).max(0));
        }
        assert_eq!(self.due().await, None, "week {}: there is still work", self.seed);
        let state = self.world.get_json("/sandbox/api/state").await;
        for openid in self.openids.clone() {
            let record = self.world.customer(&openid).await;
            let heard = self.heard(openid.as_str());
            let counted = |words: &str| heard.iter().filter(|heard| heard.contains(words)).count();
            let promised = (counted("查到马上告诉您"), counted("久等了"));
            self.books.promised.insert(openid.as_str().to_owned(), promised);
            let face = state["customers"].as_array().unwrap().iter().find(|face| face["openid"] == openid.as_str());
            let room = face.and_then(|face| face["messages_left"].as_u64()).unwrap();
            let words = |reply: &Reply| if let Reply::Text(text) = reply { text.clone() } else { format!("{reply:?}") };
            let notes = record.notes.iter().map(|note| words(&note.reply)).collect();
            let customer = self.customer(&openid);
            (customer.heard, customer.room, customer.notes) = (heard, room, notes);
        }
        self.books.now = self.now();
        self.books.calls = self.door.passed();
        let Self { world, door, books, faults, .. } = self;
        world.running.stop().await.unwrap();
        door.close().await;
        (books, faults)
    }
}

fn now(clock: &ManualClock) -> i64 {
    fuwu::app::Clock::now(clock).0
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[actix_web::test]
async fn whatever_a_week_brings_nothing_is_sent_twice_lost_or_left_unsent_and_no_quota_is_exceeded() {
    let (first, weeks) = (setting("FUWU_FIRST_WEEK", 1), setting("FUWU_WEEKS", 6));
    let (began, mut sum) = (Instant::now(), Sum::default());
    let mut failed: Vec<(u64, Vec<Breach>)> = Vec::new();
    let seeds: Vec<u64> = (first..first + weeks).collect();
    for seeds in seeds.chunks(SIDE_BY_SIDE) {
        let lives = seeds.iter().map(|seed| async {
            let mut week = Week::begin(*seed).await;
            week.live().await;
            let (books, faults) = week.end().await;
            (*seed, books, faults)
        });
        for (seed, books, faults) in join_all(lives).await {
            let found = breaches(&books);
            for breach in &found {
                println!("week {seed}: {breach:?}");
                tell(&books, breach);
            }
            if !found.is_empty() {
                failed.push((seed, found));
            }
            sum.add(&books, faults);
        }
    }
    sum.print(began);
    assert_eq!(failed, []);
    assert!(sum.told * 2 > sum.owed && sum.refused > 0 && sum.lost > 0, "the weeks were busy and troubled");
}
