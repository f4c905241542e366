//! The business system: does an order once for each key, and answers, or not, or late.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::plants::Plant;
use super::world::{Event, State, World};
use crate::backend::{Came, Carrier, Request, Unreadable};

/// A request on its way. It goes on when nobody waits for it any more.
struct Ticket {
    arrives_ms: u64,
    /// The idempotency key; a mere question has none.
    key: Option<String>,
    did: Option<Value>,
    /// It is turned away unread.
    turned_away: bool,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// So often it was charged.
    pub charged: u32,
    pub refused: bool,
    /// When the first request for it was sent.
    pub asked_ms: u64,
}

#[derive(Default)]
pub struct Business {
    tickets: Vec<Ticket>,
    pub deeds: BTreeMap<String, Deed>,
    /// When each key was first asked for.
    pub asked: BTreeMap<String, u64>,
    serial: u64,
}

/// How a request fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Well,
    Unreachable,
    LostOnTheWay,
    AnswerLost,
    ArrivesLate,
    AnswersLate,
    TurnedAway(u16),
    DoneButFails(u16),
    DoneButGarbled,
}

const FATES: &[(Fate, &str)] = &[
    (Fate::Unreachable, "business: cannot be reached"),
    (Fate::LostOnTheWay, "business: lost on the way"),
    (Fate::AnswerLost, "business: done, answer lost"),
    (Fate::ArrivesLate, "business: arrives late"),
    (Fate::AnswersLate, "business: done, answers late"),
    (Fate::TurnedAway(500), "business: 500"),
    (Fate::TurnedAway(409), "business: 409"),
    (Fate::TurnedAway(429), "business: 429"),
    (Fate::DoneButFails(502), "business: done, 502"),
    (Fate::DoneButGarbled, "business: done, garbled"),
];

impl State {
    /// Whatever has arrived by now is done.
    pub fn business_goes_on(&mut self) {
        let now = self.now_ms();
        let mut due: Vec<usize> = (0..self.business.tickets.len())
            .filter(|n| self.business.tickets[*n].did.is_none() && self.business.tickets[*n].arrives_ms <= now)
            .collect();
        due.sort_by_key(|n| (self.business.tickets[*n].arrives_ms, *n));
        for ticket in due {
            self.do_one(ticket);
        }
    }

    /// Whether something is still on its way.
    pub fn business_is_busy(&self) -> bool {
        self.business.tickets.iter().any(|ticket| ticket.did.is_none())
    }

    fn do_one(&mut self, ticket: usize) {
        self.business.serial += 1;
        let serial = self.business.serial;
        let plant = self.plant;
        let Ticket { key, turned_away, .. } = &self.business.tickets[ticket];
        let (key, turned_away) = (key.clone(), *turned_away);
        let answer = match key {
            _ if turned_away => json!({}),
            None => json!({"code": "0", "serial": serial}),
            Some(key) => {
                let again = self.business.deeds.contains_key(&key);
                let asked_ms = self.business.asked[&key];
                // One in four is refused, always the same ones.
                let refused = key.bytes().map(u64::from).sum::<u64>() % 4 == 0;
                let deed = self.business.deeds.entry(key).or_insert(Deed { charged: 0, refused, asked_ms });
                if !refused && (!again || plant == Some(Plant::ChargesTwice)) {
                    deed.charged += 1;
                }
                if plant == Some(Plant::Undoes) {
                    deed.charged = 0;
                }
                if again {
                    self.count("business: asked again with the same key");
                }
                if refused { json!({"code": "NO_MONEY"}) } else { json!({"code": "0", "serial": serial}) }
            }
        };
        self.note(Event::Did { ticket, came: answer.to_string() });
        self.business.tickets[ticket].did = Some(answer);
    }
}

#[async_trait]
impl Carrier for World {
    async fn carry(&self, request: Request) -> Came {
        self.step(1).await;
        let (ticket, fate, there_ms, back_ms) = self.lock().take(&request);
        if fate == Fate::Unreachable {
            self.step(there_ms).await;
            return Came::Unsent;
        }
        self.step(there_ms).await;
        let did = {
            let mut state = self.lock();
            state.business_goes_on();
            state.business.tickets[ticket].did.clone()
        };
        self.step(back_ms).await;
        match fate {
            Fate::LostOnTheWay | Fate::AnswerLost => Came::Lost,
            Fate::TurnedAway(status) | Fate::DoneButFails(status) => {
                Came::Answered(StatusCode::from_u16(status).unwrap(), Ok(json!({})))
            }
            Fate::DoneButGarbled => Came::Answered(StatusCode::OK, Err(Unreadable::NotJson)),
            _ => Came::Answered(StatusCode::OK, did.ok_or(Unreadable::Empty)),
        }
    }
}

impl State {
    /// A request sets out; when it arrives it is done, whoever waits for it by then.
    fn take(&mut self, request: &Request) -> (usize, Fate, u64, u64) {
        let rate = if self.healed { 0 } else { self.plan.rates.business };
        let (fate, name) = if self.dice.hits(rate) { self.dice.pick(FATES) } else { (Fate::Well, "well") };
        if fate != Fate::Well {
            self.count(name);
        }
        let there_ms = match fate {
            Fate::ArrivesLate => self.dice.between(2_000, 60_000),
            _ => self.dice.between(1, 400),
        };
        let back_ms = match fate {
            Fate::AnswersLate => self.dice.between(1_500, 20_000),
            _ => self.dice.between(1, 400),
        };
        let key = request.idempotency.as_ref().map(|(_, key)| key.to_str().unwrap().to_owned());
        let now = self.now_ms();
        if let Some(key) = &key {
            self.business.asked.entry(key.clone()).or_insert(now);
        }
        let ticket = self.business.tickets.len();
        self.note(Event::Asked { ticket, key: key.clone().unwrap_or_default(), fate: name });
        let never = matches!(fate, Fate::Unreachable | Fate::LostOnTheWay | Fate::TurnedAway(_));
        self.business.tickets.push(Ticket { arrives_ms: now + there_ms, key, did: None, turned_away: never });
        (ticket, fate, there_ms, back_ms)
    }
}
