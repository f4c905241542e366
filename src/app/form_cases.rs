//! What a person decides about a form of which nobody knows how it ended.

use super::cases::{Desk, Taken};
use super::settle::{Consequences, Setting, consequences};
use crate::domain::actions::{Memory, form_decision};
use crate::domain::customer::Customer;
use crate::domain::decide::resume;
use crate::domain::decision::Moment;
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::ids::{AccountId, ActionKey, DedupeKey, OrderNumber, WorkId};
use crate::domain::order::Decided;
use crate::domain::question::Answer;
use crate::domain::value::Values;
use crate::domain::work::{Task, Work};
use crate::store::{Commit, Committed, CustomerRef, Store, StoreError};

/// Facts read at once.
const PAGE: usize = 4_096;
const MAX_TRIES: usize = 16;
/// What became of it is worth telling for so long.
const SAY_WITHIN_SECS: i64 = 2 * 86_400;

/// Takes what a person decided about the form of this number: the customer is told, and what was held for it is taken or
/// given back.
///
/// # Errors
/// As the store answers.
pub(super) async fn decide(
    desk: &Desk<'_>,
    account: &AccountId,
    (number, decided): (&OrderNumber, Decided),
) -> Result<Taken, StoreError> {
    let Desk { store, playbook, rules, now } = *desk;
    let Some((of, action)) = whose_form(store, account, number).await? else { return Ok(Taken::Unknown) };
    for _ in 0..MAX_TRIES {
        let stored = store.load(&of).await?;
        let origin = DedupeKey(rand::random());
        let moment = Moment { now, at: now, key: origin, fresh: rand::random() };
        let work = form_decision(&action, (number.as_str(), origin, now));
        let answer = match decided {
            Decided::Done => Answer::Loaded(Values::new()),
            Decided::Undone => Answer::Refused { code: String::new() },
        };
        // What ended meanwhile, or was forgotten, has nothing left to be decided but the case.
        if !is_open(&stored.customer, (&action, number)) {
            return Ok(Taken::Closed);
        }
        let mut decision = resume(playbook, &stored.customer, &work, (&answer, moment));
        if decision.customer == stored.customer {
            tracing::error!(%account, %action, "a form cannot be decided: its action is not in the playbook any more");
            return Ok(Taken::Unknown);
        }
        let reply = std::mem::take(&mut decision.reply);
        if !reply.is_silent() {
            let id = WorkId::new(format!("{}/receipt", work.id));
            let expires = now.plus_secs(SAY_WITHIN_SECS);
            decision.outbox.push(Work { id, origin, due: now, expires, task: Task::Send(reply) });
        }
        let setting = Setting { of: &of, playbook, moment, rules };
        let Consequences { customer, facts, recorded, outbox, keep } = consequences(setting, decision);
        let commit = Commit {
            of: of.clone(),
            base: stored.version,
            customer,
            increments: recorded.increments,
            facts,
            outbox,
            settled: Vec::new(),
            spent: Vec::new(),
            keep,
        };
        if store.commit(commit).await? == Committed::Applied {
            return Ok(Taken::Closed);
        }
    }
    Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
}

fn is_open(customer: &Customer, (action, number): (&ActionKey, &OrderNumber)) -> bool {
    let Some(Memory::Form(kept)) = customer.memory.get(action) else { return false };
    kept.sent.iter().any(|sent| sent.number == number.as_str() && sent.outcome == OrderOutcome::Unknown)
}

/// Whose a form is, and of which action, by its fact. Reads the log until it finds one.
async fn whose_form(
    store: &dyn Store,
    account: &AccountId,
    number: &OrderNumber,
) -> Result<Option<(CustomerRef, ActionKey)>, StoreError> {
    let mut after = 0;
    loop {
        let page = store.facts(account, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.seq;
        for logged in page {
            match &logged.fact.what {
                FactKind::Applied { action, number: applied, .. } if applied == number.as_str() => {
                    return Ok(Some((logged.of, action.clone())));
                }
                _ => {}
            }
        }
    }
}
