//! Forms under way whose action is taken out of the playbook, or becomes something else.

use super::*;
use crate::domain::actions::{Kind, remember, sign_in};
use crate::domain::customer::Customer;
use crate::domain::decide::{abandon, resume};
use crate::domain::decision::{Decision, Moment};
use crate::domain::ids::{ActionKey, DedupeKey};
use crate::domain::playbook::Playbook;
use crate::domain::reply::Reply;
use crate::domain::sample::playbook;
use crate::domain::time::BusinessDay;

/// Playbooks in which the action is gone, or is another kind.
fn without_the_form() -> Vec<Playbook> {
    let others = ["welcome", "pack", "balance"].map(|key| {
        let mut playbook = playbook();
        let other: Kind = playbook.actions[&ActionKey::from(key)].clone();
        playbook.actions.insert("demo".into(), other);
        playbook
    });
    [playbook()].into_iter().chain(others).collect()
}

fn moment() -> Moment {
    let now = super::super::super::desk::MORNING.plus_secs(60);
    Moment { now, at: now, key: DedupeKey(3), fresh: 0 }
}

fn said(decision: &Decision) -> &str {
    match &decision.reply {
        Reply::Text(text) => text,
        _ => "",
    }
}

fn named(decision: &Decision, what: &str) -> Vec<Work> {
    decision.outbox.iter().filter(|work| work.id.as_str().contains(what)).cloned().collect()
}

/// Somebody who has just handed one in, and the work that does it.
fn under_way() -> (Customer, Work) {
    let form = form();
    let mut desk = filled(&form, &ALL);
    let (out, _) = handed_in(&mut desk);
    (desk.customer.clone(), out.outbox[0].clone())
}

fn stands(decision: &Decision) -> OrderOutcome {
    kept_of(&decision.customer, &"demo".into()).unwrap().sent[0].outcome
}

#[test]
fn it_comes_to_its_end_and_the_customer_is_told() {
    use OrderOutcome::{Done, Refused};
    for playbook in without_the_form() {
        let (customer, work) = under_way();
        for (answer, outcome, words, goods) in [
            (Answer::Loaded(Values::new()), Done, "已经办好了", "/take"),
            (Answer::Refused { code: "ID".into() }, Refused, "没有办成", "/back"),
        ] {
            let ended = resume(&playbook, &customer, &work, (&answer, moment()));
            assert!(said(&ended).contains(words) && said(&ended).contains("编号 2026"), "{ended:?}");
            assert_eq!((stands(&ended), named(&ended, goods).len()), (outcome, 1));
            assert!(matches!(ended.facts[..], [FactKind::Applied { outcome: told, .. }] if told == outcome));
            assert!(ended.faults[0].contains("demo"), "an operator is told: {:?}", ended.faults);
            let kept = kept_of(&ended.customer, &"demo".into()).unwrap();
            assert!(kept.sent[0].answers.is_empty() && kept.sent[0].hold.is_some(), "{kept:?}");
            let settled = resume(&playbook, &ended.customer, &named(&ended, goods)[0], (&answer, moment()));
            assert_eq!(kept_of(&settled.customer, &"demo".into()).unwrap().sent[0].hold, None);
            let again = resume(&playbook, &ended.customer, &work, (&answer, moment()));
            assert_eq!((again.reply, again.facts, again.outbox), (Reply::Silent, vec![], vec![]), "it ends once");
        }
    }
}

#[test]
fn where_nobody_knows_a_person_is_called_and_decides() {
    for playbook in without_the_form() {
        let (customer, work) = under_way();
        for unknown in [
            abandon(&playbook, &customer, &work, moment()),
            resume(&playbook, &customer, &work, (&Answer::Down, moment())),
        ] {
            assert!(said(&unknown).contains("由工作人员核实"), "{unknown:?}");
            assert_eq!((stands(&unknown), named(&unknown, "/call/form_unknown").len()), (OrderOutcome::Unknown, 1));
            let call = &named(&unknown, "/call/")[0];
            let called = resume(&playbook, &unknown.customer, call, (&Answer::Loaded(Values::new()), moment()));
            assert_eq!(called.faults, Vec::<String>::new(), "that needs no action");
            let number = kept_of(&unknown.customer, &"demo".into()).unwrap().sent[0].number.clone();
            let decided = decision(&"demo".into(), (&number, DedupeKey(9), moment().now));
            let done = resume(&playbook, &unknown.customer, &decided, (&Answer::Loaded(Values::new()), moment()));
            assert_eq!((stands(&done), said(&done).contains("已经办好了")), (OrderOutcome::Done, true));
        }
        let silent = resume(&playbook, &customer, &work, (&Answer::TimedOut, moment()));
        assert_eq!((silent.customer, silent.outbox), (customer, vec![]), "it is asked on");
    }
}

#[test]
fn what_another_kind_of_action_remembers_does_not_take_its_place() {
    let (mut customer, work) = under_way();
    let streak = Memory::SignedIn(sign_in::Streak { last: BusinessDay(3), days: 2, total: 5 });
    remember(&mut customer, &"demo".into(), streak.clone());
    assert_eq!(customer.memory[&"demo".into()], streak);
    for playbook in without_the_form() {
        let ended = resume(&playbook, &customer, &work, (&Answer::Loaded(Values::new()), moment()));
        assert_eq!((stands(&ended), said(&ended).contains("已经办好了")), (OrderOutcome::Done, true));
        assert_eq!(ended.customer.memory[&"demo".into()], streak, "nor the other way round");
    }
    // The action is the form again.
    let form = form();
    let mut desk = Desk { customer, ..desk(&form) };
    assert!(super::said(&desk.tap()).starts_with("在办 "));
}

#[test]
fn what_was_written_is_taken_away_in_time_also_then() {
    let form = form();
    let mut desk = desk(&form);
    desk.tap();
    let erase = asks(&desk.say("邮寄"), "erase").pop().unwrap();
    let moment = Moment { now: erase.due, at: erase.due, ..moment() };
    for playbook in without_the_form() {
        let after = resume(&playbook, &desk.customer, &erase, (&Answer::Loaded(Values::new()), moment));
        assert_eq!(kept_of(&after.customer, &"demo".into()).unwrap().draft, None);
        assert_eq!((after.reply, after.faults), (Reply::Silent, vec![]));
    }
}

#[test]
fn a_form_that_became_a_ticket_says_how_it_stands_where_it_has_no_other_words() {
    let (customer, work) = under_way();
    let ticket = form();
    let ticket = Form { connector: None, texts: Texts { refused: BTreeMap::new(), ..ticket.texts }, ..ticket };
    let mut playbook = playbook();
    playbook.actions.insert("demo".into(), Kind::Form(ticket));
    let ended = resume(&playbook, &customer, &work, (&Answer::Refused { code: "ID".into() }, moment()));
    assert!(stands(&ended) == OrderOutcome::Refused && said(&ended).starts_with("没成 "), "{ended:?}");
    let unreached = resume(&playbook, &customer, &work, (&Answer::Down, moment()));
    assert_eq!(named(&unreached, "/call/form_unknown").len(), 1, "nobody is left to put it to");
}
