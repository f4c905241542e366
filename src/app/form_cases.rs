//! What a person decides about a form of which nobody knows how it ended.

use super::cases::{Decision, Desk, Taken, close_case};
use super::handed_in::{HandedIn, Standing, handed_in};
use super::settle::{Consequences, Setting, consequences};
use crate::domain::actions::form_decision;
use crate::domain::decide::resume;
use crate::domain::decision::Moment;
use crate::domain::ids::{AccountId, DedupeKey, OrderNumber, WorkId};
use crate::domain::order::Decided;
use crate::domain::question::Answer;
use crate::domain::value::Values;
use crate::domain::work::{Task, Work};
use crate::store::{Commit, Committed, StoreError};

const MAX_TRIES: usize = 16;
/// What became of it is worth telling for so long.
const SAY_WITHIN_SECS: i64 = 2 * 86_400;

/// Why a decision makes no sense for a form as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// It was said to be seen only, and waits for a decision.
    Undecided,
    /// A form takes no money.
    NoMoney,
    /// The business system is still asked.
    UnderWay,
    /// It has ended otherwise.
    Ended,
    /// What people do with a ticket is not followed.
    Ticket,
    /// The customer's record knows of it no more.
    Forgotten,
    /// It was said to be seen, and nobody had asked for that.
    NotCalled,
}

impl WhyNot {
    /// What is wrong, and how to mend it.
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Undecided => (
                "nobody knows how this form ended, and it stays open until somebody says",
                "look for its number in the business system, and decide done or undone",
            ),
            Self::NoMoney => ("a form takes no money, so none was returned", "decide done or undone"),
            Self::UnderWay => (
                "this form is still at the business system",
                "wait until it has ended, or a person is called for it (`fuwu order list`)",
            ),
            Self::Ended => (
                "this form has ended otherwise, and its customer was told",
                "decide seen to take its case off the list",
            ),
            Self::Ticket => (
                "this is a ticket: what is done about it is not followed here",
                "decide seen to take its case off the list, if there is one",
            ),
            Self::Forgotten => {
                ("the record of its customer knows of this form no more", "decide seen to take its case off the list")
            }
            Self::NotCalled => ("nobody was called for this form", "there is nothing to decide"),
        }
    }
}

/// Takes what a person decided about a number that is no order's: a form's, or a case without either.
///
/// # Errors
/// As the store answers.
pub(super) async fn decide(
    desk: &Desk<'_>,
    account: &AccountId,
    (number, decision): (&OrderNumber, Decision),
) -> Result<Taken, StoreError> {
    let store = desk.store;
    let Some(form) = handed_in(store, account, number).await? else {
        let is_closed = decision == Decision::Seen && close_case(store, account, number).await?;
        return Ok(if is_closed { Taken::Closed } else { Taken::Unknown });
    };
    let not = |form, why| Ok(Taken::FormNotSo(Box::new(form), why));
    let stands = form.stands();
    let decided = match decision {
        Decision::Seen if stands == Standing::Unknown && form.is_kept => return not(form, WhyNot::Undecided),
        Decision::Seen if close_case(store, account, number).await? => return Ok(Taken::Closed),
        Decision::Seen => return not(form, WhyNot::NotCalled),
        Decision::Of(Decided::Returned) => return not(form, WhyNot::NoMoney),
        Decision::Of(decided) => decided,
    };
    match (stands, decided) {
        (Standing::Unknown, _) if form.is_kept => {}
        (Standing::Unknown, _) => return not(form, WhyNot::Forgotten),
        (Standing::Placed, _) => return not(form, WhyNot::UnderWay),
        (Standing::Ticket, _) => return not(form, WhyNot::Ticket),
        // Said once more, perhaps because the first answer was lost.
        (Standing::Done, Decided::Done) | (Standing::Refused, Decided::Undone) => {
            if form.case.as_deref() == Some(UNKNOWN) {
                close_case(store, account, number).await?;
            }
            return Ok(Taken::Form(Box::new(form)));
        }
        (Standing::Done | Standing::Refused, _) => return not(form, WhyNot::Ended),
    }
    keep(desk, form, decided).await?;
    close_case(store, account, number).await?;
    Ok(handed_in(store, account, number).await?.map_or(Taken::Closed, |form| Taken::Form(Box::new(form))))
}

/// The reason of a case of which nobody knows how it ended.
const UNKNOWN: &str = "form_unknown";

/// Keeps what was decided, unless somebody else was faster: the customer is told, and what was held for it is taken or
/// given back.
async fn keep(desk: &Desk<'_>, form: HandedIn, decided: Decided) -> Result<(), StoreError> {
    let Desk { store, playbook, rules, now } = *desk;
    let HandedIn { of, action, number, .. } = form;
    for _ in 0..MAX_TRIES {
        let stored = store.load(&of).await?;
        let origin = DedupeKey(rand::random());
        let moment = Moment { now, at: now, key: origin, fresh: rand::random() };
        let work = form_decision(&action, (number.as_str(), origin, now));
        let answer = match decided {
            Decided::Done => Answer::Loaded(Values::new()),
            Decided::Undone | Decided::Returned => Answer::Refused { code: String::new() },
        };
        let mut decision = resume(playbook, &stored.customer, &work, (&answer, moment));
        if decision.customer == stored.customer {
            return Ok(());
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
            return Ok(());
        }
    }
    Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
}

#[cfg(test)]
mod tests {
    use super::super::Clock as _;
    use super::super::cases::{Case, cases};
    use super::super::stand::{Stand, of};
    use super::*;
    use crate::domain::actions::Memory;
    use crate::domain::customer::Customer;
    use crate::domain::fact::{FactKind, OrderOutcome};
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
        stand.app.open_case(&stand.account(), &case()).await.unwrap();
    }

    fn case() -> Case {
        Case {
            number: NUMBER.into(),
            at: NOON,
            reason: UNKNOWN.into(),
            amount_fen: 0,
            origin: None,
            stays: false,
            forgotten: None,
        }
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
        for (decided, words, is_free_then, stands) in [
            (Decided::Done, "已经办好了", false, Standing::Done),
            (Decided::Undone, "没有办成", true, Standing::Refused),
        ] {
            let stand = Stand::new();
            unknown(&stand).await;
            stand.clock.set(UnixSecs(NOON.0 + 30 * 86_400));
            assert!(!is_free(&stand).await, "nobody else is given it meanwhile");
            let account = stand.account();
            let number = OrderNumber::new(NUMBER);
            let decide = || stand.app.decide_case(&account, (&number, Decision::Of(decided)));
            let Taken::Form(form) = decide().await.unwrap() else { panic!() };
            assert_eq!(form.history, [(NOON, Standing::Unknown), (stand.clock.now(), stands)]);
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
            assert!(matches!(decide().await.unwrap(), Taken::Form(form) if form.stands() == stands));
            assert_eq!(stand.customer("o1").await, before);
            let otherwise = if decided == Decided::Done { Decided::Undone } else { Decided::Done };
            assert_eq!(why_not(&stand, Decision::Of(otherwise)).await, Some(WhyNot::Ended));
            assert_eq!(stand.customer("o1").await, before);
        }
    }

    async fn why_not(stand: &Stand, decision: Decision) -> Option<WhyNot> {
        match stand.app.decide_case(&stand.account(), (&OrderNumber::new(NUMBER), decision)).await.unwrap() {
            Taken::FormNotSo(_, why) => Some(why),
            _ => None,
        }
    }

    async fn open_reasons(stand: &Stand) -> Vec<String> {
        let open = cases(stand.app.store().as_ref(), stand.account().id()).await.unwrap();
        open.into_iter().map(|case| case.reason).collect()
    }

    #[actix_web::test]
    async fn a_decision_that_makes_no_sense_is_answered_and_the_form_stays_open() {
        let stand = Stand::new();
        unknown(&stand).await;
        let before = stand.customer("o1").await;
        assert_eq!(why_not(&stand, Decision::Seen).await, Some(WhyNot::Undecided));
        assert_eq!(why_not(&stand, Decision::Of(Decided::Returned)).await, Some(WhyNot::NoMoney));
        assert_eq!((open_reasons(&stand).await, stand.customer("o1").await), (vec![UNKNOWN.to_owned()], before));
        // Once it has ended, what is odd about it is taken off the list by being seen.
        stand.app.decide_case(&stand.account(), (&NUMBER.into(), Decision::Of(Decided::Done))).await.unwrap();
        assert_eq!(why_not(&stand, Decision::Seen).await, Some(WhyNot::NotCalled));
        let taken = Case { reason: "form_goods_taken".into(), ..case() };
        stand.app.open_case(&stand.account(), &taken).await.unwrap();
        assert_eq!(why_not(&stand, Decision::Of(Decided::Undone)).await, Some(WhyNot::Ended));
        stand.app.decide_case(&stand.account(), (&NUMBER.into(), Decision::Of(Decided::Done))).await.unwrap();
        assert_eq!(open_reasons(&stand).await, ["form_goods_taken"], "that it is done says nothing of this");
        let seen = stand.app.decide_case(&stand.account(), (&NUMBER.into(), Decision::Seen)).await.unwrap();
        assert_eq!((seen, open_reasons(&stand).await), (Taken::Closed, vec![]));
        for why in [
            WhyNot::Undecided,
            WhyNot::NoMoney,
            WhyNot::UnderWay,
            WhyNot::Ended,
            WhyNot::Ticket,
            WhyNot::Forgotten,
            WhyNot::NotCalled,
        ] {
            let (cause, mend) = why.told();
            assert!(cause.len() > 10 && mend.len() > 10, "{why:?}");
        }
    }

    #[actix_web::test]
    async fn what_is_called_by_no_form_is_unknown() {
        let stand = Stand::new();
        unknown(&stand).await;
        let number = OrderNumber::new("20260101000000000000000000");
        for decision in [Decision::Of(Decided::Done), Decision::Seen] {
            let taken = stand.app.decide_case(&stand.account(), (&number, decision)).await.unwrap();
            assert_eq!(taken, Taken::Unknown);
        }
    }
}
