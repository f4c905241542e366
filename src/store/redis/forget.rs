//! Everything about one customer: what is held, and taking it away.

use std::collections::BTreeSet;

use super::args::Args;
use super::commit::{self, Worded, Words};
use super::counters::{cell, number};
use super::engine::Redis;
use super::keys::Home;
use super::script;
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
use crate::domain::forget::Keep;
use crate::domain::ids::{AccountId, DedupeKey};
use crate::domain::time::BusinessDay;
use crate::domain::work::Work;
use crate::growth::counter::Increment;
use crate::growth::residue::{contribution, of_lost_words};
use crate::store::journal::KEPT_SECS;
use crate::store::{
    Commit, Committed, CustomerRef, Erasure, Held, Logged, Partition, SharedName, Spares, StoreError, Stored, Version,
    shape,
};

/// The customer may be busy while they are erased.
const MAX_TRIES: usize = 64;

/// Version, number of the record, facts with words by their places, outgoing work, the record.
type Row = (Vec<u8>, u64, Vec<(String, Vec<u8>)>, Vec<Vec<u8>>, Vec<u8>);

/// Somebody as they stand.
struct Standing {
    stored: Stored,
    id: u64,
    worded: Worded,
    outbox: Vec<Vec<u8>>,
}

impl Redis {
    async fn standing(&self, of: &CustomerRef) -> Result<Option<Standing>, StoreError> {
        let mut args = Args::default();
        commit::name(&mut args, of, self.names());
        let home = Home::of(self.names().partitions.of(of));
        let Some((_, id, worded, outbox, record)) = self.link.run::<Option<Row>>(&script::HELD, &home, &args).await?
        else {
            return Ok(None);
        };
        Ok(Some(Standing { stored: super::engine::stored(Some(&record))?, id, worded, outbox }))
    }

    /// What becomes of the words of a commit's customer: only one that forgets has to ask.
    pub(super) async fn words(&self, commit: &Commit) -> Result<Words, StoreError> {
        if commit.keep == Keep::Known {
            return Ok(Words::Stay);
        }
        // Made from another version, the commit is stale whatever is in it.
        Ok(Words::Go(self.standing(&commit.of).await?.map_or_else(Worded::new, |standing| standing.worded)))
    }

    pub(super) async fn held_of(&self, of: &CustomerRef) -> Result<Option<Held>, StoreError> {
        let quarantined: Vec<_> = self.naming(of).await?.into_iter().map(|(_, entry)| entry).collect();
        let Some(Standing { mut stored, id, outbox, .. }) = self.standing(of).await? else {
            let nothing = Held { stored: Stored::default(), facts: Vec::new(), outbox: Vec::new(), quarantined };
            return Ok((!nothing.quarantined.is_empty()).then_some(nothing));
        };
        let whole = self.load_of(of).await?;
        if whole.version == stored.version {
            stored = whole;
        }
        let facts = self.facts_of(of, id).await?;
        let facts = facts.into_iter().map(|logged| Logged { of: of.clone(), ..logged }).collect();
        let outbox = outbox.iter().map(|work| shape::read::<Work>(work)).collect::<Result<_, _>>()?;
        Ok(Some(Held { stored, facts, outbox, quarantined }))
    }

    async fn facts_of(&self, of: &CustomerRef, id: u64) -> Result<Vec<Logged>, StoreError> {
        self.facts_in(&of.account, (self.names().partitions.of(of), 0), (Some(id), usize::MAX)).await
    }

    /// Takes one customer away, and has the servers write their files anew ([`Self::scour`] says what remains true).
    pub(super) async fn erase_of(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        let taken = self.take_all_away(of, spares).await?;
        if taken == Erasure::Spared {
            return Ok(taken);
        }
        let named: Vec<String> = self.naming(of).await?.into_iter().map(|(id, _)| id).collect();
        self.release(&of.account, &named).await?;
        if taken == Erasure::Nobody && named.is_empty() {
            return Ok(taken);
        }
        self.scour().await;
        Ok(Erasure::Gone)
    }

    /// Decides it, by the version that was looked at.
    async fn take_all_away(&self, of: &CustomerRef, spares: Spares) -> Result<Erasure, StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(standing) = self.standing(of).await? else { return Ok(Erasure::Nobody) };
            if spares(&standing.stored.customer) {
                return Ok(Erasure::Spared);
            }
            let facts = self.facts_of(of, standing.id).await?;
            if self.take_away(of, (standing, facts)).await? == Committed::Applied {
                return Ok(Erasure::Gone);
            }
        }
        Err(StoreError::Unavailable("the customer was too busy to be erased; ask again".into()))
    }

    async fn take_away(
        &self,
        of: &CustomerRef,
        (standing, facts): (Standing, Vec<Logged>),
    ) -> Result<Committed, StoreError> {
        let lateness = self.spec().lateness;
        let (mut moved, mut bare, mut places) = (Vec::new(), Vec::<Fact>::new(), Vec::new());
        let latest = facts.iter().map(|logged| logged.fact.arrived).max().unwrap_or_default();
        let of_late = facts.iter().filter(|logged| latest.secs_since(logged.fact.arrived) <= KEPT_SECS);
        let spent: BTreeSet<DedupeKey> =
            of_late.map(|logged| logged.fact.key).chain(standing.stored.customer.recent.keys()).collect();
        for Logged { seq, fact, .. } in facts {
            places.push(super::log::number_of(seq));
            match fact.without_words() {
                Some(without) => {
                    moved.extend(of_lost_words(&fact, &without, lateness));
                    bare.push(without);
                }
                None => bare.push(fact),
            }
        }
        let residue = contribution(&bare, lateness);
        let mut args = Args::default();
        commit::name(&mut args, of, self.names());
        args.push(standing.stored.version.0.to_be_bytes());
        commit::count(&mut args, &[(of.account.as_str(), &moved)])?;
        args.len(residue.len());
        for Increment { key, by, late_on } in residue {
            let arrived = late_on.map_or(String::new(), |day| day.0.to_string());
            args.push(format!("{arrived}:{}", commit::cell(&key))).number(by);
        }
        args.len(places.len());
        for place in places {
            args.push(place.to_string());
        }
        args.len(spent.len());
        for key in spent {
            args.push(SharedName::spent(key).part);
        }
        let home = Home::of(self.names().partitions.of(of));
        self.decide((&script::ERASE, &home), &args).await
    }

    /// What erased customers counted, added up.
    pub(super) async fn residue_of(&self, account: &AccountId) -> Result<Vec<Increment>, StoreError> {
        let mut sums = std::collections::BTreeMap::new();
        for (_, home) in self.homes() {
            let mut ask = redis::cmd("HGETALL");
            ask.arg(home.residue(account));
            let kept: Vec<(Vec<u8>, Vec<u8>)> = self.link.ask(&ask).await?;
            for (field, value) in &kept {
                let at = field.iter().position(|byte| *byte == b':').unwrap_or_default();
                let (arrived, rest) = field.split_at_checked(at).unwrap_or_default();
                let late_on = if arrived.is_empty() { None } else { Some(number(arrived)?) };
                let late_on = late_on.and_then(|day| i32::try_from(day).ok()).map(BusinessDay);
                *sums.entry((cell(rest.get(1..).unwrap_or_default())?, late_on)).or_insert(0) += number(value)?;
            }
        }
        let left = sums.into_iter().filter(|(_, by)| *by != 0);
        Ok(left.map(|((key, late_on), by)| Increment { key, by, late_on }).collect())
    }

    /// Takes name and record from those who left long ago.
    pub(super) async fn expire_of(
        &self,
        account: &AccountId,
        left_before: BusinessDay,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let mut expired = 0;
        for partition in 0..self.spec().partitions {
            if expired == limit {
                break;
            }
            let mut args = Args::default();
            args.push(account.as_str()).number(left_before.0).len(limit - expired);
            let names: Vec<Vec<u8>> = self.link.run(&script::OVERDUE, &Home::of(Partition(partition)), &args).await?;
            for name in names {
                let of = super::log::named(&name)?;
                // Whoever came back meanwhile is left alone: the commit is stale, or the record says that they are here.
                let Stored { version, customer } = self.load_of(&of).await?;
                if version != Version(0) && customer.left_on().is_some_and(|day| day < left_before) {
                    expired += usize::from(self.commit_of(forgotten(of, version)).await? == Committed::Applied);
                }
            }
        }
        Ok(expired)
    }
}

/// Leaves nothing of somebody but their facts.
fn forgotten(of: CustomerRef, base: Version) -> Commit {
    Commit {
        of,
        base,
        customer: Customer::default(),
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Nothing,
    }
}
