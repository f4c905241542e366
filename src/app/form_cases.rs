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
            // A form takes no money: whatever was given back, it was not done.
            Decided::Undone | Decided::Returned => Answer::Refused { code: String::new() },
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

#[cfg(test)]
mod tests {
    use super::super::cases::{Case, Decision, cases};
    use super::super::stand::{Stand, of};
    use super::*;
    use crate::domain::pool::Wish;
    use crate::domain::question::Question;
    use crate::domain::reply::Reply;
    use crate::domain::sample::NOON;
    use crate::domain::time::UnixSecs;
    use crate::store::{Keep, Version};

    const NUMBER: &str = "20260101123456789012345678";

    /// A customer who applied for a card; nobody knows what became of it, and 17000000016 is taken for them.
    async fn unknown(stand: &Stand) {
        use crate::domain::actions::{FormHold, FormKept, FormSent};
        let by = format!("{NUMBER}/1");
        let hold = FormHold { pool: "sim_numbers".into(), by: by.clone(), item: "17000000016".into(), until: NOON };
        let sent = FormSent {
            number: NUMBER.into(),
            at: NOON,
            outcome: OrderOutcome::Unknown,
            answers: Values::new(),
            hold: Some(hold),
        };
        let mut customer = Customer::default();
        customer.windows.open(crate::domain::reach::BY_MESSAGE, NOON);
        customer.memory.insert("apply_card".into(), Memory::Form(FormKept { draft: None, sent: vec![sent] }));
        let what =
            FactKind::Applied { action: "apply_card".into(), number: NUMBER.into(), outcome: OrderOutcome::Unknown };
        let moment = Moment { now: NOON, at: NOON, key: DedupeKey(7), fresh: 7 };
        let playbook = stand.account().playbook();
        let decision = crate::domain::decision::Decision { customer, facts: vec![what], ..Default::default() };
        let (of, rules) = (of("o1"), &stand.app.rules);
        let setting = Setting { of: &of, playbook: &playbook, moment, rules };
        let Consequences { customer, facts, recorded, outbox, .. } = consequences(setting, decision);
        let commit = Commit {
            of: of.clone(),
            base: Version(0),
            customer,
            increments: recorded.increments,
            facts,
            outbox,
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        assert_eq!(stand.app.store.commit(commit).await.unwrap(), Committed::Applied);
        let take = Wish::Take { by, item: Some("17000000016".into()) };
        at_the_pool(stand, &take.question(&"sim_numbers".into())).await;
        let case = Case {
            number: NUMBER.into(),
            at: NOON,
            reason: "form_unknown".into(),
            amount_fen: 0,
            origin: None,
            stays: false,
        };
        stand.app.open_case(&stand.account(), &case).await.unwrap();
    }

    async fn at_the_pool(stand: &Stand, question: &Question) -> Values {
        match stand.app.answer_own(&stand.account(), question).await {
            Some(Answer::Loaded(values)) => values,
            other => panic!("{other:?}"),
        }
    }

    /// Whether somebody else could have the number now.
    async fn is_free(stand: &Stand) -> bool {
        let hold = Wish::Hold { by: "x".into(), item: Some("17000000016".into()), secs: Some(1) };
        let got = at_the_pool(stand, &hold.question(&"sim_numbers".into())).await.contains_key("got");
        at_the_pool(stand, &Wish::GiveBack { by: "x".into() }.question(&"sim_numbers".into())).await;
        got
    }

    #[actix_web::test]
    async fn a_person_decides_the_customer_is_told_and_the_number_is_theirs_or_anybodys() {
        for (decided, words, is_free_then) in
            [(Decided::Done, "已经办好了", false), (Decided::Undone, "没有办成", true)]
        {
            let stand = Stand::new();
            unknown(&stand).await;
            stand.clock.set(UnixSecs(NOON.0 + 30 * 86_400));
            assert!(!is_free(&stand).await, "nobody else is given it meanwhile");
            let account = stand.account();
            let number = OrderNumber::new(NUMBER);
            let decide = || stand.app.decide_case(&account, (&number, Decision::Of(decided)));
            assert_eq!(decide().await.unwrap(), Taken::Closed);
            assert_eq!(cases(stand.app.store().as_ref(), account.id()).await.unwrap(), []);
            let left = stand.left().await;
            let said = left.iter().find_map(|work| work.task.reply());
            assert!(
                matches!(said, Some(Reply::Text(text)) if text.contains(words) && text.contains(NUMBER)),
                "{left:?}"
            );
            for work in &left {
                if let Task::Ask { question, .. } = &work.task
                    && Wish::read(question).is_some()
                {
                    at_the_pool(&stand, question).await;
                }
            }
            assert_eq!(is_free(&stand).await, is_free_then, "{decided:?}");
            // Decided once more nothing happens.
            let before = stand.customer("o1").await;
            decide().await.unwrap();
            assert_eq!(stand.customer("o1").await, before);
        }
    }

    #[actix_web::test]
    async fn what_is_called_by_no_form_is_unknown() {
        let stand = Stand::new();
        unknown(&stand).await;
        let number = OrderNumber::new("20260101000000000000000000");
        let taken = stand.app.decide_case(&stand.account(), (&number, Decision::Of(Decided::Done))).await.unwrap();
        assert_eq!(taken, Taken::Unknown);
    }
}
