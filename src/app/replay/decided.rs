//! The customers of a chunk while it is decided, and the numbers that changed.

use std::collections::HashMap;

use super::line::{Entry, Line, Recorded};
use super::{Progress, Replay};
use crate::app::settle::{Consequences, Setting, consequences};
use crate::channel::official::Unusable;
use crate::domain::actions::{Given, Needs};
use crate::domain::customer::Customer;
use crate::domain::decide::{Subject, decide};
use crate::domain::decision::Moment;
use crate::domain::fact::Fact;
use crate::domain::ids::AccountId;
use crate::domain::inbound::Inbound;
use crate::domain::playbook::Playbook;
use crate::domain::question::{Answer, Question};
use crate::domain::route::route;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::work::{Task, Work};
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::store::{Bulk, Commit, CounterRange, CustomerRef, Quarantined, StoreError, Stored, Version};

/// A customer of the chunk.
struct Slot {
    of: CustomerRef,
    base: Version,
    customer: Customer,
    facts: Vec<Fact>,
    applied: bool,
}

/// Increments, added up over the chunk: of one account, by the day they are journalled on.
type Sums = HashMap<(usize, Option<BusinessDay>, CounterKey), i64>;

/// A chunk that is being decided.
pub(super) struct Decided<'c> {
    replay: &'c Replay,
    slots: Vec<Slot>,
    /// By account and openid.
    places: HashMap<(usize, &'c str), usize>,
    sums: Sums,
    quarantined: Vec<Quarantined>,
    /// Votes by account: those of the store, and those of this chunk on top.
    votes: HashMap<usize, HashMap<String, i64>>,
    pub(super) progress: Progress,
}

impl<'c> Decided<'c> {
    /// Reads the customers that the lines are about.
    pub(super) async fn begin(replay: &'c Replay, lines: &'c [Line], progress: Progress) -> Result<Self, StoreError> {
        let mut places = HashMap::new();
        let mut all = Vec::new();
        for line in lines {
            let Entry::Delivery(Recorded { account, what: Ok(inbound), .. }) = &line.entry else { continue };
            let Some((id, _)) = replay.accounts.get(*account) else { continue };
            places.entry((*account, inbound.openid.as_str())).or_insert_with(|| {
                all.push(CustomerRef { account: id.clone(), openid: inbound.openid.clone() });
                all.len() - 1
            });
        }
        let stored = replay.store.load_all(&all).await?;
        let slot = |(of, Stored { version, customer }): (CustomerRef, Stored)| Slot {
            of,
            base: version,
            customer,
            facts: Vec::new(),
            applied: false,
        };
        Ok(Self {
            replay,
            slots: all.into_iter().zip(stored).map(slot).collect(),
            places,
            sums: Sums::new(),
            quarantined: Vec::new(),
            votes: HashMap::new(),
            progress,
        })
    }

    /// Decides the lines in their order.
    pub(super) async fn decide(&mut self, lines: &'c [Line]) -> Result<(), StoreError> {
        for line in lines {
            self.progress.lines += 1;
            self.progress.offset = line.end;
            match &line.entry {
                Entry::Blank => continue,
                Entry::Useless(cause) => self.progress.list(cause.clone()),
                Entry::Delivery(recorded) => self.delivery(recorded).await?,
            }
            self.progress.tallies.read += 1;
        }
        Ok(())
    }

    async fn delivery(&mut self, recorded: &'c Recorded) -> Result<(), StoreError> {
        let Some((account, playbook)) = self.replay.accounts.get(recorded.account) else { return Ok(()) };
        self.progress.arrive(recorded.at);
        match &recorded.what {
            Ok(inbound) => self.inbound(playbook, (recorded.account, recorded.at), inbound).await,
            Err(unusable) => {
                self.set_aside(account, recorded.at, unusable);
                Ok(())
            }
        }
    }

    /// As the webhook does.
    fn set_aside(&mut self, account: &AccountId, arrived: UnixSecs, unusable: &Unusable) {
        self.progress.list(unusable.reason.into());
        self.progress.tallies.kept += 1;
        let reason = unusable.reason.as_str().to_owned();
        let body = unusable.body.clone();
        self.quarantined.push(Quarantined { account: account.clone(), arrived, reason, body });
    }

    async fn inbound(
        &mut self,
        playbook: &'c Playbook,
        (account, now): (usize, UnixSecs),
        inbound: &'c Inbound,
    ) -> Result<(), StoreError> {
        let place = self.places.get(&(account, inbound.openid.as_str())).copied();
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) else { return Ok(()) };
        if slot.customer.recent.earned(inbound.key).is_some() {
            self.progress.tallies.duplicates += 1;
            return Ok(());
        }
        // The decision would forget them too, after it has copied them.
        slot.customer.recent.forget_old_replies(now);
        let moment = Moment { now, at: inbound.at, key: inbound.key, fresh: rand::random() };
        let route = route(playbook, &slot.customer, inbound, moment);
        let Needs { question, tally } = route.needs(&slot.customer, moment);
        let tally = match &tally {
            Some(prefix) => count(self.replay, (&mut self.votes, &self.sums), (account, prefix)).await?,
            None => Vec::new(),
        };
        // Nobody is asked, as if the answer were still on its way.
        let given = Given { answer: question.as_ref().map(|_| Answer::TimedOut), tally };
        let subject = Subject { customer: &slot.customer, inbound, moment };
        let decision = decide(playbook, subject, &route, &given);
        let setting = Setting { of: &slot.of, playbook, moment };
        let consequences = consequences(setting, decision);
        self.count_work(question.as_ref(), &consequences.outbox);
        self.apply(place, account, consequences);
        Ok(())
    }

    fn apply(&mut self, place: Option<usize>, account: usize, made: Consequences) {
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) else { return };
        slot.customer = made.customer;
        slot.facts.extend(made.facts);
        slot.applied = true;
        for Increment { key, by, late_on } in made.recorded.increments {
            if key.metric == Metric::Votes
                && let Some(votes) = self.votes.get_mut(&account)
            {
                *votes.entry(key.dimension.clone()).or_default() += by;
            }
            *self.sums.entry((account, late_on, key)).or_default() += by;
        }
        let tallies = &mut self.progress.tallies;
        if made.recorded.quarantined > 0 {
            tallies.quarantined += 1;
        } else {
            tallies.applied += 1;
            tallies.late += u64::from(made.recorded.late > 0);
        }
    }

    /// A question that would be asked again later is one question.
    fn count_work(&mut self, asked: Option<&Question>, outbox: &[Work]) {
        let tallies = &mut self.progress.tallies;
        tallies.questions += u64::from(asked.is_some());
        for work in outbox {
            match &work.task {
                Task::Send(_) => tallies.messages += 1,
                Task::Ask { question, .. } if question.idempotency_key.is_some() => tallies.orders += 1,
                Task::Ask { question, .. } => tallies.questions += u64::from(asked != Some(question)),
            }
        }
    }

    /// What is to be stored, the note left out.
    pub(super) fn into_bulk(self) -> (Bulk, Progress) {
        let mut increments: Vec<Vec<Increment>> = self.replay.accounts.iter().map(|_| Vec::new()).collect();
        for ((account, late_on, key), by) in self.sums {
            if let Some(of_account) = increments.get_mut(account).filter(|_| by != 0) {
                of_account.push(Increment { key, by, late_on });
            }
        }
        let mut increments: HashMap<&AccountId, Vec<Increment>> =
            self.replay.accounts.iter().map(|(id, _)| id).zip(increments).collect();
        let latest = self.progress.latest;
        let commit = |mut slot: Slot| {
            // Nobody waits for a reply of the past, and a record without one is half as long.
            slot.customer.recent.forget_old_replies(latest);
            Commit {
                increments: increments.remove(&slot.of.account).unwrap_or_default(),
                of: slot.of,
                base: slot.base,
                customer: slot.customer,
                facts: slot.facts,
                outbox: Vec::new(),
                settled: Vec::new(),
            }
        };
        let commits = self.slots.into_iter().filter(|slot| slot.applied).map(commit).collect();
        (Bulk { commits, quarantined: self.quarantined, note: None }, self.progress)
    }
}

/// The votes whose dimension begins with `prefix`, by what follows it.
async fn count(
    replay: &Replay,
    (votes, sums): (&mut HashMap<usize, HashMap<String, i64>>, &Sums),
    (account, prefix): (usize, &str),
) -> Result<Vec<(String, i64)>, StoreError> {
    if !votes.contains_key(&account) {
        let Some((id, _)) = replay.accounts.get(account) else { return Ok(Vec::new()) };
        let range = CounterRange { metric: Metric::Votes, from: 0, to: 0 };
        let stored = replay.store.counters(id, range).await?;
        let mut known: HashMap<String, i64> = stored.into_iter().map(|(key, n)| (key.dimension, n)).collect();
        for ((of, _, key), by) in sums {
            if *of == account && key.metric == Metric::Votes {
                *known.entry(key.dimension.clone()).or_default() += by;
            }
        }
        votes.insert(account, known);
    }
    let known = votes.get(&account).into_iter().flatten();
    let mut options: Vec<(String, i64)> =
        known.filter_map(|(dimension, n)| Some((dimension.strip_prefix(prefix)?.to_owned(), *n))).collect();
    options.sort_unstable();
    Ok(options)
}
