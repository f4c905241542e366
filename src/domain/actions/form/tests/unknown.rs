//! Forms of which nobody knows how they ended.

use super::*;

#[test]
fn without_an_answer_a_person_looks_at_it_and_no_second_one_is_begun_meanwhile() {
    let form = form();
    let mut desk = filled(&form, &ALL);
    let (_, memo) = handed_in(&mut desk);
    assert!(said(&desk.tap()).starts_with("在办"));
    assert_eq!(desk.answer(&memo, &Answer::TimedOut).reply, crate::domain::reply::Reply::Silent);
    let out = desk.abandon(&memo);
    assert!(said(&out).starts_with("核实 "));
    assert_eq!(
        (asks(&out, "take").len(), kept(&desk).sent[0].answers.len()),
        (1, 4),
        "whoever looks at it can read it"
    );
    // The answer that comes after all.
    assert!(said(&desk.answer(&memo, &Answer::Refused { code: "X".into() })).contains("没办成"));
}

#[test]
fn what_nobody_knows_goes_to_a_person_and_is_held_until_that_one_decides() {
    let form = form();
    for (answer, said_then, free_then) in
        [(Answer::Loaded(Values::new()), "好了 ", 1), (Answer::Refused { code: String::new() }, "没成 ", 2)]
    {
        let mut desk = filled(&form, &ALL);
        let (_, memo) = handed_in(&mut desk);
        let unknown = desk.abandon(&memo);
        let number = memo["number"].to_string();
        assert_eq!(called(&unknown), [(number.clone(), "form_unknown".to_owned())]);
        let take = asks(&unknown, "take");
        at_the_pool(&desk, &take);
        let Task::Ask { memo: taken, .. } = &take[0].task else { panic!() };
        desk.answer(taken, &Answer::Loaded(Values::new()));
        desk.now = desk.now.plus_secs(30 * 86_400);
        assert_eq!(free(&desk), 1, "nobody else is given it meanwhile");
        desk.customer.forget();
        assert!(!desk.customer.memory.is_empty(), "also when the customer left");
        let work = decision(&"demo".into(), (&number, crate::domain::ids::DedupeKey(9), desk.now));
        let Task::Ask { memo: decided, .. } = &work.task else { panic!() };
        let out = desk.answer(decided, &answer);
        assert!(said(&out).starts_with(said_then), "{out:?}");
        assert!(matches!(out.facts[..], [FactKind::Applied { .. }]));
        at_the_pool(&desk, &[asks(&out, "back"), asks(&out, "take")].concat());
        assert_eq!(free(&desk), free_then, "{answer:?}");
        let again = desk.answer(decided, &answer);
        assert_eq!((again.facts, again.outbox), (vec![], vec![]), "it is decided once");
    }
}

#[test]
fn what_surely_was_not_reached_is_put_again_as_new_work_until_a_person_is_called() {
    let form = Form { settle_secs: 100, ..form() };
    let mut desk = filled(&form, &ALL);
    let (out, mut memo) = handed_in(&mut desk);
    let (ends, mut ids) = (out.outbox[0].expires, vec![out.outbox[0].id.clone()]);
    let first = out.outbox[0].clone();
    loop {
        let again = desk.answer(&memo, &Answer::Down);
        let [work] = &again.outbox[..] else {
            assert!(said(&again).starts_with("核实 "), "{again:?}");
            assert_eq!(called(&again).len(), 1);
            break;
        };
        assert!(work.due > desk.now && work.expires == ends && !ids.contains(&work.id), "{work:?}");
        let (Task::Ask { question, memo: next, .. }, Task::Ask { question: before, .. }) = (&work.task, &first.task)
        else {
            panic!()
        };
        assert_eq!(question, before, "under the same number");
        assert_eq!(again.reply, crate::domain::reply::Reply::Silent);
        memo = next.clone();
        ids.push(work.id.clone());
        desk.now = work.due;
    }
    assert_eq!(ids.len(), 4);
    assert!(said(&desk.open("我的订单")).starts_with("核实中"));
    // Who left has taken along what was written: it cannot be put again.
    let mut left = filled(&form, &ALL);
    let (_, memo) = handed_in(&mut left);
    left.customer.forget();
    assert_eq!(called(&left.answer(&memo, &Answer::Down)).len(), 1);
    // Work of before there was a time in it.
    let mut old = filled(&form, &ALL);
    let (_, mut memo) = handed_in(&mut old);
    memo.remove("until");
    assert_eq!(called(&old.answer(&memo, &Answer::Down)).len(), 1);
}
