//! The store as the shell sees it: calls take time, fail before or after they had effect, and are overtaken.

use async_trait::async_trait;

use super::plants::Plant;
use super::platform::Knowing;
use super::shop::{Now, Shop};
use super::world::{Event, State, Trouble, World, number_of};
use crate::domain::ids::AccountId;
use crate::domain::reply::Reply;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CounterKey, Increment};
use crate::growth::counters::Counters;
use crate::store::{
    Bulk, Claimed, Commit, Committed, CounterRange, CustomerRef, Erasure, Held, Logged, Numbers, Quarantined, Shared,
    SharedChange, SharedKind, SharedName, Spares, Store, StoreError, Stored,
};

/// How a call fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Well,
    Slow(u64),
    Fails,
    AnswerLost,
    AppliedLater(u64),
    Conflict,
}

/// What is asked, and about whom.
type Call = (&'static str, Option<u64>);

/// A call on its way.
#[derive(Clone, Copy)]
struct Trip {
    fate: Fate,
    there_ms: u64,
    back_ms: u64,
}

fn lost() -> StoreError {
    StoreError::Unavailable("the simulation says so".to_owned())
}

fn never() -> StoreError {
    StoreError::Unavailable("not simulated".to_owned())
}

impl State {
    fn fate_of_write(&mut self) -> Fate {
        if self.healed {
            return Fate::Well;
        }
        let rates = self.plan.rates;
        match () {
            () if self.dice.hits(rates.store_fails) => Fate::Fails,
            () if self.dice.hits(rates.store_loses_answer) => Fate::AnswerLost,
            () if self.plant == Some(Plant::AppliesLater) && self.dice.hits(200) => {
                Fate::AppliedLater(self.dice.between(1, 8_000))
            }
            () if self.dice.hits(rates.store_conflicts) => Fate::Conflict,
            () if self.dice.hits(rates.store_slow) => Fate::Slow(self.slowly()),
            () => Fate::Well,
        }
    }

    fn fate_of_read(&mut self) -> Fate {
        let rates = self.plan.rates;
        match () {
            () if self.healed => Fate::Well,
            () if self.dice.hits(rates.read_fails) => Fate::Fails,
            () if self.dice.hits(rates.store_slow / 2) => Fate::Slow(self.slowly()),
            () => Fate::Well,
        }
    }

    fn slowly(&mut self) -> u64 {
        match self.dice.between(0, 9) {
            0..=5 => self.dice.between(500, 3_500),
            6..=8 => self.dice.between(3_500, 9_000),
            _ => self.dice.between(20_000, 90_000),
        }
    }

    fn delay(&mut self) -> u64 {
        if self.dice.hits(700) { self.dice.between(0, 8) } else { self.dice.between(8, 120) }
    }

    fn trouble(&mut self, of: Option<u64>, lasts_ms: u64, fate: Fate) {
        let from_ms = self.now_ms();
        let failed = !matches!(fate, Fate::Slow(_));
        self.troubles.push(Trouble { from_ms, to_ms: from_ms + lasts_ms, of, failed });
    }
}

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Self::Well => "store: well",
            Self::Slow(ms) if ms > 9_000 => "store: very slow",
            Self::Slow(ms) if ms > 3_500 => "store: slower than the time limit",
            Self::Slow(_) => "store: slow",
            Self::Fails => "store: fails",
            Self::AnswerLost => "store: done, answer lost",
            Self::AppliedLater(_) => "store: fails, and applies later",
            Self::Conflict => "store: conflict",
        }
    }
}

impl World {
    async fn read<T: Send>(&self, (does, of): Call, get: impl FnOnce(&Shop) -> T + Send) -> Result<T, StoreError> {
        let (fate, ms) = {
            let mut state = self.lock();
            let fate = state.fate_of_read();
            let ms = if let Fate::Slow(ms) = fate { ms } else { state.dice.between(0, 4) };
            if fate != Fate::Well {
                state.count(if fate == Fate::Fails { "store: read fails" } else { "store: read slow" });
                state.trouble(of, ms, fate);
                state.note(Event::Store { does, of, fate: fate.name(), came: "" });
            }
            (fate, ms)
        };
        self.step(ms).await;
        if fate == Fate::Fails { Err(lost()) } else { Ok(get(&self.lock().shop)) }
    }

    /// `conflict` is what is answered when somebody else is said to have been faster, where that can be.
    async fn write<T: Send>(
        &self,
        (does, of): Call,
        trip: Trip,
        (conflict, change): (Option<T>, impl FnOnce(&mut Shop, Now) -> (T, &'static str) + Send),
    ) -> Result<T, StoreError> {
        self.step(trip.there_ms).await;
        match (trip.fate, conflict) {
            (Fate::Fails | Fate::AppliedLater(_), _) => Err(lost()),
            (Fate::Conflict, Some(conflict)) => Ok(conflict),
            _ => {
                let came = {
                    let mut state = self.lock();
                    let now = state.moment();
                    let (came, name) = change(&mut state.shop, now);
                    state.note(Event::Store { does, of, fate: trip.fate.name(), came: name });
                    came
                };
                self.step(trip.back_ms).await;
                if trip.fate == Fate::AnswerLost { Err(lost()) } else { Ok(came) }
            }
        }
    }

    fn sets_out(&self, (does, of): Call, can_conflict: bool) -> Trip {
        let mut state = self.lock();
        let mut fate = state.fate_of_write();
        state.writes += 1;
        if let Some((nth, planned)) = state.planned_fault
            && nth == state.writes
        {
            fate = planned;
        }
        if matches!(fate, Fate::Conflict | Fate::AppliedLater(_)) && !can_conflict {
            fate = Fate::Well;
        }
        let mut there_ms = state.delay();
        let mut back_ms = state.delay();
        if let Fate::Slow(ms) = fate {
            if state.dice.hits(500) { there_ms += ms } else { back_ms += ms }
        }
        if fate != Fate::Well {
            state.count(fate.name());
        }
        if !matches!(fate, Fate::Well | Fate::Conflict) {
            let later_ms = if let Fate::AppliedLater(ms) = fate { ms } else { 0 };
            state.trouble(of, there_ms + back_ms + later_ms, fate);
        }
        if matches!(fate, Fate::Fails | Fate::AppliedLater(_) | Fate::Conflict) {
            state.note(Event::Store { does, of, fate: fate.name(), came: "" });
        }
        Trip { fate, there_ms, back_ms }
    }

    /// The commit is applied after its answer said it was not, unless the process dies before.
    fn applies_later(&self, commit: Commit, after_ms: u64) {
        let world = self.clone();
        tokio::spawn(async move {
            world.step(after_ms).await;
            let mut state = world.lock();
            let now = state.moment();
            let of = number_of(&commit.of.openid);
            let came = named(state.shop.commit(commit, now));
            state.note(Event::Store { does: "commit", of, fate: "applied later", came });
        });
    }

    fn plant_before(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut state = self.lock();
        let plant = state.plant;
        match plant {
            Some(Plant::RefusesSilently) if state.dice.hits(300) && !state.healed => Err(lost()),
            Some(Plant::AcknowledgesEarly) => {
                let world = self.clone();
                tokio::spawn(async move {
                    world.step(800).await;
                    let mut state = world.lock();
                    let now = state.moment();
                    state.shop.sync(now);
                });
                Ok(())
            }
            Some(Plant::SendsBeforeCommit) => {
                for work in &commit.outbox {
                    if let (Some(Reply::Text(text)), Some(of)) = (work.task.reply(), number_of(&commit.of.openid)) {
                        state.show((of, text), Knowing::Asking);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn named(committed: Committed) -> &'static str {
    match committed {
        Committed::Applied => "applied",
        Committed::Stale => "stale",
        Committed::Settled => "settled",
    }
}

#[async_trait]
impl Store for World {
    async fn load(&self, of: &CustomerRef) -> Result<Stored, StoreError> {
        self.read(("load", number_of(&of.openid)), |shop| shop.load(of)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.plant_before(&commit)?;
        let call = ("commit", number_of(&commit.of.openid));
        let trip = self.sets_out(call, true);
        if let Fate::AppliedLater(ms) = trip.fate {
            self.applies_later(commit.clone(), trip.there_ms + ms);
        }
        let apply = |shop: &mut Shop, now| {
            let committed = shop.commit(commit, now);
            (committed, named(committed))
        };
        self.write(call, trip, (Some(Committed::Stale), apply)).await
    }

    async fn commit_all(&self, _bulk: Bulk) -> Result<Committed, StoreError> {
        Err(never())
    }

    async fn counters(&self, _account: &AccountId, ranges: &[CounterRange]) -> Result<Counters, StoreError> {
        self.read(("counters", None), |shop| shop.counters(ranges)).await
    }

    async fn journal(
        &self,
        _account: &AccountId,
        _from: BusinessDay,
        _to: BusinessDay,
    ) -> Result<Vec<(BusinessDay, CounterKey, i64)>, StoreError> {
        Ok(self.lock().shop.numbers().journal)
    }

    async fn numbers(&self, _account: &AccountId) -> Result<Numbers, StoreError> {
        Ok(self.lock().shop.numbers())
    }

    async fn facts(&self, _account: &AccountId, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let facts = self.lock().shop.facts();
        Ok(facts.into_iter().filter(|logged| logged.seq > after).take(limit).collect())
    }

    async fn claim_due(&self, now: UnixSecs, lease_secs: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        if self.lock().shop.next_due().is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let claim = |shop: &mut Shop, _| (shop.claim_due(now, lease_secs, limit), "claimed");
        let call = ("claim", None);
        self.write(call, self.sets_out(call, false), (None, claim)).await
    }

    async fn defer(&self, of: &CustomerRef, claimed: &Claimed, due: UnixSecs) -> Result<(), StoreError> {
        let defer = |shop: &mut Shop, _| (shop.defer(of, claimed, due), "deferred");
        let call = ("defer", number_of(&of.openid));
        self.write(call, self.sets_out(call, false), (None, defer)).await
    }

    async fn next_due(&self) -> Result<Option<UnixSecs>, StoreError> {
        Ok(self.lock().shop.next_due())
    }

    async fn quarantine(&self, entry: Quarantined) -> Result<(), StoreError> {
        let keep = |shop: &mut Shop, _| (shop.quarantine(entry), "kept");
        let call = ("quarantine", None);
        self.write(call, self.sets_out(call, false), (None, keep)).await
    }

    async fn quarantined(&self, _account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        Ok(self.lock().shop.quarantined.iter().rev().take(limit).cloned().collect())
    }

    async fn shared(&self, _account: &AccountId, name: &SharedName) -> Result<Shared, StoreError> {
        self.read(("shared", None), |shop| shop.shared(name.kind, &name.part)).await
    }

    async fn shared_of(&self, _: &AccountId, _: SharedKind) -> Result<Vec<(String, Shared)>, StoreError> {
        Err(never())
    }

    async fn put_shared(&self, change: SharedChange) -> Result<Committed, StoreError> {
        let put = |shop: &mut Shop, _| {
            let committed = shop.put_shared(change);
            (committed, named(committed))
        };
        let call = ("put shared", None);
        self.write(call, self.sets_out(call, false), (None, put)).await
    }

    async fn held(&self, _of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        Err(never())
    }

    async fn erase_unless(&self, _of: &CustomerRef, _spares: Spares) -> Result<Erasure, StoreError> {
        Err(never())
    }

    async fn expire(&self, _: &AccountId, _: BusinessDay, _: usize) -> Result<usize, StoreError> {
        Err(never())
    }

    async fn residue(&self, _account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        Ok(Vec::new())
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
