//! The rules on what leaves the house: messages to customers, orders to the business system, and what is said of them.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Entry;
use super::plan::{Act, Jump};
use super::rules::{Found, Rule};
use super::world::{State, number_of, openid};
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::OrderNumber;
use crate::domain::order::State as Standing;
use crate::domain::reach::{Cause, Hindrance};
use crate::store::CustomerRef;

pub fn check(state: &State, facts: &[(u64, Fact)], found: &mut Found) {
    let look = Words { state, facts };
    look.intent_first(found);
    look.shown_once(found);
    look.in_order(found);
    look.told(found);
    look.true_orders(found);
}

struct Words<'a> {
    state: &'a State,
    facts: &'a [(u64, Fact)],
}

/// Everything said of orders, `办成 N 号` and the like.
fn claims(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs: Vec<_> = words.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter_map(|(said, order)| {
        let said = ["办成", "不成", "不明"].into_iter().find(|known| said.ends_with(known))?;
        Some((said, order)).filter(|(_, order)| order.len() > 20)
    })
}

impl<'a> Words<'a> {
    fn sends(&self) -> impl Iterator<Item = &'a Entry> {
        self.state.shop.ledger.entries.iter().filter(|entry| entry.text().is_some())
    }

    fn of(&self, customer: u64) -> impl Iterator<Item = &'a Entry> {
        self.sends().filter(move |entry| number_of(&entry.openid) == Some(customer))
    }

    fn intent_first(&self, found: &mut Found) {
        for shown in &self.state.platform.shown {
            let mut owed = self.of(shown.of);
            let meant = owed.any(|entry| entry.text() == Some(&shown.text) && entry.committed_ms <= shown.at_ms);
            found.unless(meant, Rule::IntentFirst, || format!("“{}” was sent before it was committed", shown.text));
        }
        let orders: BTreeMap<&str, u64> =
            self.state.shop.ledger.entries.iter().rev().fold(BTreeMap::new(), |mut orders, entry| {
                orders.extend(entry.order().map(|order| (order, entry.committed_ms)));
                orders
            });
        for (order, asked_ms) in &self.state.business.asked {
            let meant = orders.get(order.as_str()).is_some_and(|committed_ms| committed_ms <= asked_ms);
            found.unless(meant, Rule::IntentFirst, || format!("{order} was asked for before it was committed"));
        }
    }

    /// Whether something outside can explain that a message was shown again, or out of turn.
    fn excused(&self, of: u64, (from_ms, to_ms): (u64, u64)) -> bool {
        let died = self.state.downs.iter().any(|(at, _)| (from_ms..=to_ms).contains(at));
        let failed = self
            .state
            .troubles
            .iter()
            .any(|t| t.failed && t.of.is_none_or(|it| it == of) && t.from_ms <= to_ms && t.to_ms >= from_ms);
        died || failed
    }

    /// Once for each time it was owed: neither a lost answer nor a death is an excuse.
    fn shown_once(&self, found: &mut Found) {
        let mut by_text: BTreeMap<(u64, &str), usize> = BTreeMap::new();
        for shown in &self.state.platform.shown {
            *by_text.entry((shown.of, &shown.text)).or_default() += 1;
        }
        for ((of, text), times) in by_text {
            let owed = self.of(of).filter(|entry| entry.text() == Some(text)).count();
            found.unless(times <= owed, Rule::ShownOnce, || {
                format!("“{text}” was shown {times} times, owed {owed} times")
            });
        }
    }

    fn in_order(&self, found: &mut Found) {
        if self.state.plan.jumps.iter().any(|(_, jump)| matches!(jump, Jump::Off { .. })) {
            return;
        }
        for customer in 0..self.state.plan.customers() {
            // Only words that are said once can be told apart.
            let texts: Vec<&str> = self.of(customer).filter_map(Entry::text).collect();
            let once = |entry: &&Entry| texts.iter().filter(|text| entry.text() == Some(**text)).count() == 1;
            let mut last: Option<(u64, &Entry)> = None;
            for entry in self.of(customer).filter(once) {
                let is_it = |shown: &&super::platform::Shown| {
                    // One that the platform shows after we gave up on it tells nothing of our order.
                    shown.of == customer && !shown.is_late && Some(shown.text.as_str()) == entry.text()
                };
                let Some(shown) = self.state.platform.shown.iter().find(is_it) else { continue };
                if let Some((before_ms, before)) = last
                    && shown.at_ms < before_ms
                    && before.work.due <= entry.work.due
                {
                    let excused = self.excused(customer, (before.committed_ms, before_ms));
                    found.unless(excused, Rule::InOrder, || {
                        format!("“{}” overtook “{}”", shown.text, before.text().unwrap_or_default())
                    });
                }
                last = Some(last.map_or((shown.at_ms, entry), |(ms, e)| {
                    if ms > shown.at_ms { (ms, e) } else { (shown.at_ms, entry) }
                }));
            }
        }
    }

    /// What was owed was shown, or waits as a note, or is of no use to anybody.
    fn told(&self, found: &mut Found) {
        for entry in self.sends() {
            let Some(end) = &entry.end else { continue };
            let of = number_of(&entry.openid).unwrap();
            let text = entry.text().unwrap();
            let shown = self.state.platform.shown.iter().any(|shown| shown.of == of && shown.text == text);
            let turned_down = self.state.platform.turned_down.iter().any(|(it, said)| *it == of && said == text);
            let given_up = match &end.given_up {
                None => false,
                // Nobody else makes it unknown whether a message arrived.
                Some(Cause::Unknown) => self.something_failed(),
                // The platform's word holds until the customer does something.
                Some(Cause::Hindered(Hindrance::Away)) => {
                    self.state.platform.turned_down.iter().any(|(it, _)| *it == of)
                }
                Some(Cause::Hindered(_) | Cause::InVain | Cause::Refused { .. }) => end.expired,
            };
            let reason = shown || end.noted || end.left || turned_down || end.expired || given_up;
            found.unless(reason, Rule::Told, || format!("“{text}” was never said"));
        }
    }

    fn something_failed(&self) -> bool {
        let State { downs, troubles, counts, .. } = self.state;
        !downs.is_empty() || !troubles.is_empty() || counts.keys().any(|what| what.starts_with("platform: "))
    }

    fn true_orders(&self, found: &mut Found) {
        let mut placed: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (customer, fact) in self.facts {
            if let FactKind::OrderMoved { order, from: Standing::Draft, .. } = &fact.what
                && *order != OrderNumber::default()
            {
                placed.entry(order.as_str()).or_default().push(*customer);
            }
        }
        for (order, by) in &placed {
            found.unless(by.len() == 1, Rule::TrueOrders, || format!("{order} was placed {} times", by.len()));
        }
        for (order, deed) in &self.state.business.deeds {
            let charged = deed.charged;
            found.unless(charged <= 1, Rule::TrueOrders, || format!("{order} was charged {charged} times"));
        }
        for (of, said, order) in self.everything_said() {
            let deed = self.state.business.deeds.get(&order);
            let is_true = match said {
                "办成" => deed.is_some_and(|deed| deed.charged == 1),
                "不成" => deed.is_some_and(|deed| deed.charged == 0 && deed.refused),
                _ => true,
            };
            found.unless(is_true, Rule::TrueOrders, || format!("{of} was told “{said} {order}”, but {deed:?}"));
        }
        self.orders_end(found);
    }

    /// Everything customers were told of orders, by whatever path.
    fn everything_said(&self) -> BTreeSet<(u64, &'static str, String)> {
        let mut all = BTreeSet::new();
        let mut hear = |of: u64, text: &str| {
            for (said, order) in claims(text) {
                let said = ["办成", "不成", "不明"].into_iter().find(|known| *known == said).unwrap();
                all.insert((of, said, order.to_owned()));
            }
        };
        for (n, standing) in self.state.platform.standings.iter().enumerate() {
            for body in standing.outcomes.iter().filter_map(|outcome| outcome.body.as_deref()) {
                let text = std::str::from_utf8(body).unwrap();
                let text = text.split_once("<Content><![CDATA[").map_or("", |(_, rest)| rest);
                hear(self.state.plan.deliveries[n].customer, text.split("]]>").next().unwrap_or_default());
            }
        }
        for shown in &self.state.platform.shown {
            hear(shown.of, &shown.text);
        }
        all
    }

    /// How an order ended is known in the end, and whoever placed it was told, or will be.
    fn orders_end(&self, found: &mut Found) {
        let said = self.everything_said();
        for customer in 0..self.state.plan.customers() {
            let of = CustomerRef { account: "demo".into(), openid: openid(customer) };
            let record = self.state.shop.load(&of).customer;
            if record.away_since().is_some() {
                continue;
            }
            for order in record.orders.all() {
                let (number, state) = (order.number.as_str(), order.state());
                let deed = self.state.business.deeds.get(number);
                let agrees = match state {
                    Standing::Done => deed.is_some_and(|deed| deed.charged == 1),
                    Standing::Failed => deed.is_some_and(|deed| deed.refused && deed.charged == 0),
                    Standing::NeedsPerson => true,
                    _ => false,
                };
                found.unless(agrees, Rule::TrueOrders, || format!("{number} ended {state:?}, but {deed:?}"));
                let word = match state {
                    Standing::Done => "办成",
                    Standing::Failed => "不成",
                    _ => "不明",
                };
                let heard = said.contains(&(customer, word, number.to_owned()));
                let noted = record.notes.iter().any(|note| format!("{:?}", note.reply).contains(number));
                // The answer is remembered for the platform's next try, but there was none.
                let waits = self.unanswered(customer, number) || self.unheard(customer, (word, number));
                let turned_down =
                    self.state.platform.turned_down.iter().any(|(of, text)| *of == customer && text.contains(number));
                let left = self.of(customer).any(|entry| {
                    entry.end.as_ref().is_some_and(|end| end.left || self.leaves_after(customer, end.ended_ms))
                        && entry.text().is_some_and(|it| it.contains(number))
                });
                let jumped = self.jumped_between_tries(customer, number);
                found.unless(heard || noted || waits || turned_down || left || jumped, Rule::Told, || {
                    format!("{customer} was never told that {number} ended {state:?}")
                });
            }
        }
    }

    /// Whether it was the answer to a delivery that nobody could be given: we died between commit and answer, or were too
    /// slow, and the platform had no try left.
    fn unheard(&self, customer: u64, (word, order): (&str, &str)) -> bool {
        let keys = super::rules::keys(&self.state.plan);
        let said = |text: &str| claims(text).any(|(said, it)| said == word && it == order);
        let mut earned =
            self.state.shop.ledger.earned.iter().filter(|(of, _, text)| number_of(of) == Some(customer) && said(text));
        // After a death that outlasts the platform's tries a copy of the delivery finds nothing to repeat.
        let died = !self.state.downs.is_empty();
        let silent = |body: &Option<Vec<u8>>| body.as_deref().is_none_or(|body| died && body == b"success");
        earned.any(|(_, key, _)| {
            let n = keys.iter().position(|it| it == &Some(*key));
            n.is_some_and(|n| self.state.platform.standings[n].outcomes.iter().all(|outcome| silent(&outcome.body)))
        })
    }

    /// Whether we are told later than that that the customer has left: nothing waits for them then.
    fn leaves_after(&self, customer: u64, ms: u64) -> bool {
        let mut standings = self.state.plan.deliveries.iter().zip(&self.state.platform.standings);
        standings.any(|(delivery, standing)| {
            let leaves = delivery.customer == customer && delivery.act == Act::Unfollow;
            leaves && standing.begun.iter().any(|(_, at_ms)| *at_ms > ms)
        })
    }

    /// The delivery that placed an order.
    fn placed_by(&self, customer: u64, order: &str) -> Option<usize> {
        let origin = self.state.shop.ledger.entries.iter().find(|entry| entry.order() == Some(order))?.work.origin;
        let n = super::rules::keys(&self.state.plan).iter().position(|key| *key == Some(origin))?;
        (self.state.plan.deliveries[n].customer == customer).then_some(n)
    }

    /// Whether the clock jumped while the platform tried to deliver what placed the order: a reply that is half a minute
    /// old is not repeated, and the platform has given up by then.
    fn jumped_between_tries(&self, customer: u64, order: &str) -> bool {
        let Some(n) = self.placed_by(customer, order) else { return false };
        let begun = || self.state.platform.standings[n].begun.iter().map(|(_, began_ms)| *began_ms);
        let (Some(first), Some(last)) = (begun().min(), begun().max()) else { return false };
        self.state.plan.jumps.iter().any(|(at_ms, _)| (first..=last).contains(at_ms))
    }

    /// Whether no try of the delivery that placed the order was ever answered.
    fn unanswered(&self, customer: u64, order: &str) -> bool {
        let none = |n: usize| self.state.platform.standings[n].outcomes.iter().all(|outcome| outcome.body.is_none());
        self.placed_by(customer, order).is_some_and(none)
    }
}
