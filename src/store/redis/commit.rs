//! A decision as the script reads it (`scripts/apply.lua`, `read_commit`).

use std::collections::BTreeMap;

use super::args::Args;
use crate::domain::fact::Fact;
use crate::domain::forget::Keep;
use crate::domain::time::BusinessDay;
use crate::growth::cells::RunKey;
use crate::growth::counter::{CounterKey, Increment};
use crate::growth::lateness::Lateness;
use crate::growth::residue::of_lost_words;
use crate::store::pseudonym::Names;
use crate::store::{Commit, CustomerRef, SharedName, StoreError, shape};

/// Facts with words that a customer left in the log, by their places there.
pub(super) type Worded = Vec<(String, Vec<u8>)>;

/// What becomes of the words of a commit's customer.
#[derive(Debug)]
pub(super) enum Words {
    /// They stay.
    Stay,
    /// They go: those of the commit, and these of the log.
    Go(Worded),
}

/// Writes a commit.
pub(super) fn write(
    args: &mut Args,
    commit: &Commit,
    (names, lateness): (&Names, Lateness),
    words: &Words,
) -> Result<(), StoreError> {
    let (mut increments, mut facts, mut bare) = (commit.increments.clone(), Vec::new(), Vec::new());
    for fact in &commit.facts {
        match (fact.without_words(), words) {
            (Some(without), Words::Go(_)) => {
                increments.extend(of_lost_words(fact, &without, lateness));
                facts.push(("0", shape::write(&without)?));
            }
            (Some(_), Words::Stay) => facts.push(("1", shape::write(fact)?)),
            (None, _) => facts.push(("0", shape::write(fact)?)),
        }
    }
    let worded = if let Words::Go(worded) = words { worded.as_slice() } else { &[] };
    for (seq, body) in worded {
        let fact: Fact = shape::read(body)?;
        if let Some(without) = fact.without_words() {
            increments.extend(of_lost_words(&fact, &without, lateness));
            bare.push((seq, shape::write(&without)?));
        }
    }
    name(args, &commit.of, names);
    args.push(names.kept(&commit.of, commit.keep).as_str()).push(commit.base.0.to_be_bytes());
    let mut customer = commit.customer.clone();
    let said = customer.recent.take_replies();
    args.push(shape::write(&customer)?);
    args.push(if said.is_empty() { Vec::new() } else { shape::write(&said)? });
    args.push(commit.customer.left_on().map_or(String::new(), |day| day.0.to_string()));
    args.push(if commit.keep == Keep::Known { "0" } else { "1" });
    count(args, &[(commit.of.account.as_str(), &increments)])?;
    args.len(facts.len());
    for (words, body) in facts {
        args.push(words).push(body);
    }
    args.len(bare.len());
    for (seq, body) in bare {
        args.push(seq.as_str()).push(body);
    }
    args.len(commit.settled.len());
    for work in &commit.settled {
        args.push(work.as_str());
    }
    args.len(commit.spent.len());
    for spent in &commit.spent {
        args.push(SharedName::spent(spent.key).part);
    }
    args.len(commit.outbox.len());
    for work in &commit.outbox {
        args.push(work.id.as_str()).number(work.due.0).push(shape::write(work)?);
    }
    Ok(())
}

/// Account, openid and the name a tombstone would have.
pub(super) fn name(args: &mut Args, of: &CustomerRef, names: &Names) {
    let tombstone = names.tombstone(of);
    args.push(of.account.as_str()).push(of.openid.as_str()).push(tombstone.as_ref().map_or("", |name| name.as_str()));
}

/// Counter changes of accounts added up by cell, and then late ones by arrival.
pub(super) fn count(args: &mut Args, changes: &[(&str, &[Increment])]) -> Result<(), StoreError> {
    let mut cells = BTreeMap::<(&str, &CounterKey), i64>::new();
    let mut late = BTreeMap::<(BusinessDay, &CounterKey), i64>::new();
    for (account, Increment { key, by, late_on }) in
        changes.iter().flat_map(|(account, increments)| increments.iter().map(move |increment| (*account, increment)))
    {
        add(cells.entry((account, key)).or_default(), *by)?;
        if let Some(arrived) = late_on {
            add(late.entry((*arrived, key)).or_default(), *by)?;
        }
    }
    cells.retain(|_, by| *by != 0);
    late.retain(|_, by| *by != 0);
    args.len(cells.len());
    for ((account, key), by) in cells {
        let (RunKey { metric, a, dimension, block }, place) = RunKey::of(key.clone());
        args.push(format!("{account}\0{}", metric as u8)).push(format!("{a}:{block}")).number(a);
        let place = u8::try_from(place).map_err(|_| StoreError::Unavailable("a counter has no place".into()))?;
        args.push([&[place], dimension.as_bytes()].concat()).number(by);
    }
    args.len(late.len());
    for ((arrived, key), by) in late {
        args.number(arrived.0).push(cell(key)).number(by);
    }
    Ok(())
}

/// A cell as a field of a hash.
pub(super) fn cell(CounterKey { metric, a, b, dimension }: &CounterKey) -> String {
    format!("{}:{a}:{b}:{dimension}", *metric as u8)
}

/// No sum of real events comes near the edge.
fn add(sum: &mut i64, by: i64) -> Result<(), StoreError> {
    *sum = sum.checked_add(by).ok_or_else(|| StoreError::Unavailable("a counter would pass its edge".into()))?;
    Ok(())
}
