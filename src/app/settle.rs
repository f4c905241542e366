//! From a decision to a commit: facts get their time and version, counters follow from the facts.

use super::App;
use crate::domain::decision::{Decision, Moment};
use crate::domain::fact::Fact;
use crate::domain::playbook::Playbook;
use crate::growth::record::record;
use crate::store::{Commit, CustomerRef, Version};

/// Whom a decision is about, when, and under which playbook.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) of: &'a CustomerRef,
    pub(super) playbook: &'a Playbook,
    pub(super) moment: Moment,
}

impl App {
    pub(super) fn commit_of(&self, setting: Setting<'_>, base: Version, decision: Decision) -> Commit {
        let Setting { of, playbook, moment } = setting;
        for fault in &decision.faults {
            tracing::error!(account = %of.account, playbook = %playbook.version, %fault, "a text could not be filled");
        }
        let stamp = |what| Fact {
            at: moment.at,
            arrived: moment.now,
            key: moment.key,
            playbook: playbook.version.clone(),
            what,
        };
        let facts: Vec<Fact> = decision.facts.into_iter().map(stamp).collect();
        let mut customer = decision.customer;
        let recorded = record(&mut customer, &facts, self.lateness);
        Commit {
            of: of.clone(),
            base,
            customer,
            increments: recorded.increments,
            facts,
            outbox: decision.outbox,
            settled: Vec::new(),
        }
    }
}
