//! The platform: tries each delivery up to three times, shows what it is answered, and takes customer-service messages.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::plan::{Act, Delivery, Jump, Plan};
use super::plants::Plant;
use super::world::{Event, State, World, number_of, openid};
use crate::channel::official::api::{Call, Came, Carrier, Lost};

/// The platform waits so long for an answer (platform.md 1.5).
pub const WAITS_MS: u64 = 5_000;
/// So often it tries.
pub const TRIES: usize = 3;

/// What is to be done at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    Jump(Jump),
    /// One of the tries, from 0 on.
    Try {
        delivery: usize,
        nth: usize,
    },
    /// A further copy, numbered after the tries.
    Copy {
        delivery: usize,
        nth: usize,
    },
}

/// What came of one try.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub nth: usize,
    pub began_ms: u64,
    pub ended_ms: u64,
    /// By our clock.
    pub ended_secs: i64,
    /// The body; without one, 503 or nobody there.
    pub body: Option<Vec<u8>>,
}

/// How a delivery stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Begun, ended or broken off.
    pub begun: Vec<(usize, u64)>,
    pub outcomes: Vec<Outcome>,
    /// The platform got an answer in time.
    pub received: bool,
}

/// A customer-service message that was shown.
#[derive(Clone, Debug)]
pub struct Shown {
    pub of: u64,
    pub text: String,
    pub at_ms: u64,
    /// We had given up on it by then.
    pub is_late: bool,
}

/// What we know of a message when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowing {
    /// We may be told, unless the answer is lost on its way.
    Asking,
    /// We gave up on it earlier.
    GaveUp,
}

/// A message on its way.
struct Letter {
    arrives_ms: u64,
    of: u64,
    text: String,
    arrived: bool,
}

pub struct Platform {
    agenda: BTreeMap<(u64, usize), Item>,
    planned: usize,
    pub standings: Vec<Standing>,
    pub shown: Vec<Shown>,
    letters: Vec<Letter>,
    followers: BTreeSet<u64>,
    /// What was refused because the customer does not follow.
    pub turned_down: Vec<(u64, String)>,
}

impl Platform {
    pub fn new(plan: &Plan) -> Self {
        let mut platform = Self {
            agenda: BTreeMap::new(),
            planned: 0,
            standings: vec![Standing::default(); plan.deliveries.len()],
            shown: Vec::new(),
            letters: Vec::new(),
            followers: (0..plan.customers()).collect(),
            turned_down: Vec::new(),
        };
        for (at_ms, jump) in &plan.jumps {
            platform.plan(*at_ms, Item::Jump(*jump));
        }
        for (n, delivery) in plan.deliveries.iter().enumerate() {
            platform.plan(delivery.at_ms, Item::Try { delivery: n, nth: 0 });
            for (nth, after_ms) in delivery.copies_ms.iter().enumerate() {
                platform.plan(delivery.at_ms + after_ms, Item::Copy { delivery: n, nth: TRIES + nth });
            }
        }
        platform
    }

    pub fn plan(&mut self, at_ms: u64, item: Item) {
        self.planned += 1;
        self.agenda.insert((at_ms, self.planned), item);
    }

    /// When something is to be done next.
    pub fn next_ms(&self) -> Option<u64> {
        self.agenda.keys().next().map(|(at_ms, _)| *at_ms)
    }

    pub fn take_next(&mut self) -> Option<(u64, Item)> {
        self.agenda.pop_first().map(|((at_ms, _), item)| (at_ms, item))
    }
}

/// The message in clear. What it says of time never changes: a retry repeats every word.
pub fn xml(plan: &Plan, n: usize) -> String {
    let Delivery { customer, at_secs, act, .. } = &plan.deliveries[n];
    let at = plan.start + at_secs;
    let event = |name: &str, key: &str| {
        format!("<CreateTime>{at}</CreateTime><MsgType>event</MsgType><Event>{name}</Event><EventKey>{key}</EventKey>")
    };
    let rest = match act {
        Act::Say(words) => format!(
            "<CreateTime>{at}</CreateTime><MsgType>text</MsgType><Content>{words}</Content><MsgId>{}</MsgId>",
            n + 1
        ),
        Act::Picture => format!(
            "<CreateTime>{at}</CreateTime><MsgType>image</MsgType><PicUrl>http://p/</PicUrl><MediaId>m</MediaId>\
             <MsgId>{}</MsgId>",
            n + 1
        ),
        Act::Tap(key) => event("CLICK", key),
        Act::Follow => event("subscribe", ""),
        Act::Unfollow => event("unsubscribe", ""),
        Act::Scan => event("SCAN", "store:1"),
        Act::Garbled => format!("<MsgType>text</MsgType><Content>delivery {n}</Content>"),
    };
    let from = openid(*customer);
    format!("<xml><ToUserName>gh_simulated</ToUserName><FromUserName>{from}</FromUserName>{rest}</xml>")
}

impl State {
    /// A try begins; unless it is answered, another follows.
    pub fn posts(&mut self, delivery: usize, nth: usize, at_ms: u64) {
        self.platform.standings[delivery].begun.push((nth, at_ms));
        if nth + 1 < TRIES {
            self.platform.plan(at_ms + WAITS_MS, Item::Try { delivery, nth: nth + 1 });
        }
        let act = self.plan.deliveries[delivery].act;
        let customer = self.plan.deliveries[delivery].customer;
        match act {
            Act::Unfollow if nth == 0 => drop(self.platform.followers.remove(&customer)),
            Act::Follow if nth == 0 => drop(self.platform.followers.insert(customer)),
            _ => {}
        }
        self.note(Event::Posts { delivery, nth });
    }

    pub fn is_received(&self, delivery: usize) -> bool {
        self.platform.standings[delivery].received
    }

    /// The answer to a try has left us.
    pub fn answered(&mut self, delivery: usize, mut outcome: Outcome) {
        let nth = outcome.nth;
        outcome.ended_ms = self.now_ms();
        outcome.ended_secs = self.ours().0;
        let in_time = outcome.ended_ms - outcome.began_ms < WAITS_MS;
        let lost = self.plan.deliveries[delivery].lost.get(nth).copied().unwrap_or(false);
        if lost && outcome.body.is_some() {
            self.count("network: answer lost");
        }
        match &outcome.body {
            Some(body) => {
                let said = String::from_utf8_lossy(body);
                let said = said.split_once("<Content><![CDATA[").map_or(&*said, |(_, rest)| rest);
                let said = said.split("]]>").next().unwrap_or_default().to_owned();
                self.note(Event::Answered { delivery, nth, said });
                self.platform.standings[delivery].received |= in_time && !lost;
            }
            None => self.note(Event::Unanswered { delivery, nth }),
        }
        self.platform.standings[delivery].outcomes.push(outcome);
    }

    /// Letters that have arrived by now are shown.
    pub fn letters_arrive(&mut self) {
        let now = self.now_ms();
        let mut due: Vec<usize> = (0..self.platform.letters.len())
            .filter(|n| !self.platform.letters[*n].arrived && self.platform.letters[*n].arrives_ms <= now)
            .collect();
        due.sort_by_key(|n| (self.platform.letters[*n].arrives_ms, *n));
        for n in due {
            self.platform.letters[n].arrived = true;
            let Letter { of, text, .. } = &self.platform.letters[n];
            let (of, text) = (*of, text.clone());
            self.show((of, &text), Knowing::GaveUp);
        }
    }

    pub fn letters_are_out(&self) -> bool {
        self.platform.letters.iter().any(|letter| !letter.arrived)
    }

    pub fn show(&mut self, (of, text): (u64, &str), knowing: Knowing) {
        let delayed = self.plant == Some(Plant::ShowsLate) && self.dice.hits(300);
        let at_ms = self.now_ms() + if delayed { 60_000 } else { 0 };
        let is_late = knowing == Knowing::GaveUp;
        self.note(Event::Shows { of, text: text.to_owned() });
        self.platform.shown.push(Shown { of, text: text.to_owned(), at_ms, is_late });
    }
}

/// How a call fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Well,
    NeverArrives,
    ShownAnswerLost,
    ArrivesLate,
    Says(i64),
    SaysSlowly,
}

const FATES: &[(Fate, &str)] = &[
    (Fate::NeverArrives, "platform: cannot be reached"),
    (Fate::ShownAnswerLost, "platform: shown, answer lost"),
    (Fate::ArrivesLate, "platform: shown after we gave up"),
    (Fate::Says(-1), "platform: busy"),
    (Fate::Says(45015), "platform: 45015"),
    (Fate::Says(45047), "platform: 45047"),
    (Fate::Says(40001), "platform: 40001"),
    (Fate::Says(48001), "platform: 48001"),
    (Fate::SaysSlowly, "platform: slow"),
];

/// The line to the platform.
pub struct Line(pub World);

#[async_trait]
impl Carrier for Line {
    async fn carry(&self, call: &Call, _token: Option<&str>, _attempt: usize) -> Result<Came, Lost> {
        self.answer(call.path(), call.json()).await.map(|answer| Came::json(&answer)).ok_or(Lost::Unknown)
    }
}

impl Line {
    async fn answer(&self, path: &str, body: Option<&Value>) -> Option<Value> {
        if path.ends_with("stable_token") {
            let ms = self.0.lock().dice.between(1, 200);
            self.0.step(ms).await;
            return Some(json!({"access_token": "T", "expires_in": 7200}));
        }
        let body = body?;
        let of = number_of(&body.get("touser")?.as_str()?.into())?;
        let text = body.get("text").and_then(|text| text.get("content")?.as_str()).unwrap_or_default().to_owned();
        self.0.step(1).await;
        let (fate, there_ms, back_ms) = {
            let mut state = self.0.lock();
            let rate = if state.healed { 0 } else { state.plan.rates.platform };
            let (fate, name) = if state.dice.hits(rate) { state.dice.pick(FATES) } else { (Fate::Well, "well") };
            if fate != Fate::Well {
                state.count(name);
            }
            state.note(Event::Sends { of, text: text.clone(), fate: name });
            let there_ms = state.dice.between(1, 300);
            let back_ms = if fate == Fate::SaysSlowly { state.dice.between(1_000, 9_000) } else { 5 };
            if fate == Fate::ArrivesLate {
                let arrives_ms = state.now_ms() + state.dice.between(10_000, 30_000);
                let text = text.clone();
                state.platform.letters.push(Letter { arrives_ms, of, text, arrived: false });
            }
            (fate, there_ms, back_ms)
        };
        self.0.step(there_ms).await;
        let says = match fate {
            // The client gives up after ten seconds.
            Fate::NeverArrives | Fate::ArrivesLate => {
                self.0.step(10_000).await;
                return None;
            }
            Fate::Says(code) => code,
            Fate::Well | Fate::SaysSlowly | Fate::ShownAnswerLost => {
                let mut state = self.0.lock();
                state.letters_arrive();
                if state.platform.followers.contains(&of) {
                    state.show((of, &text), Knowing::Asking);
                    0
                } else {
                    state.platform.turned_down.push((of, text.clone()));
                    43004
                }
            }
        };
        self.0.step(back_ms).await;
        (fate != Fate::ShownAnswerLost).then(|| json!({"errcode": says}))
    }
}
