//! From a decision to a commit: facts get their time and version, counters follow from the facts.

use super::{App, Rules};
use crate::domain::customer::Customer;
use crate::domain::decision::{Decision, Moment};
use crate::domain::fact::Fact;
use crate::domain::forget::{Keep, forget_left};
use crate::domain::playbook::Playbook;
use crate::domain::referral::credit::credits;
use crate::domain::work::Work;
use crate::growth::record::{Recorded, record};
use crate::store::{Commit, CustomerRef, Version};

/// Whom a decision is about, when, and under which playbook.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) of: &'a CustomerRef,
    pub(super) playbook: &'a Playbook,
    pub(super) moment: Moment,
    pub(super) rules: &'a Rules,
}

/// What a decision comes to.
pub(super) struct Consequences {
    pub(super) customer: Customer,
    pub(super) facts: Vec<Fact>,
    pub(super) recorded: Recorded,
    pub(super) outbox: Vec<Work>,
    pub(super) keep: Keep,
}

/// The one way from a decision to facts and counters, for a customer's message as for a replay.
pub(super) fn consequences(setting: Setting<'_>, decision: Decision) -> Consequences {
    let Setting { of, playbook, moment, rules } = setting;
    for fault in &decision.faults {
        tracing::error!(account = %of.account, playbook = %playbook.version, %fault, "a text could not be filled");
    }
    let stamp =
        |what| Fact { at: moment.at, arrived: moment.now, key: moment.key, playbook: playbook.version.clone(), what };
    let facts: Vec<Fact> = decision.facts.into_iter().map(stamp).collect();
    let mut customer = decision.customer;
    let invited = customer.invited();
    let recorded = record(&mut customer, &facts, rules.lateness);
    let mut outbox = decision.outbox;
    outbox.extend(credits(invited.as_ref(), &mut customer, (&facts, moment)));
    let keep = forget_left(&mut customer, rules.discretion.forget);
    Consequences { customer, facts, recorded, outbox, keep }
}

impl App {
    pub(super) fn commit_of(&self, setting: Setting<'_>, base: Version, decision: Decision) -> Commit {
        let Consequences { customer, facts, recorded, outbox, keep } = consequences(setting, decision);
        Commit {
            of: setting.of.clone(),
            base,
            customer,
            increments: recorded.increments,
            facts,
            outbox,
            settled: Vec::new(),
            spent: Vec::new(),
            keep,
        }
    }
}
