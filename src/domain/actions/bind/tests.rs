use super::super::ActionKind as _;
use super::super::desk::{Desk, said};
use super::*;
use crate::domain::fact::FactKind;
use crate::domain::private::Private;
use crate::domain::value::Value;
use crate::domain::work::{Task, Work};

fn bind() -> Bind {
    toml::from_str(
        r#"
        send_code = "send"
        check_code = "check"
        expires_secs = 300
        most_codes = 3
        most_tries = 2
        [texts]
        ask_number = "请输入手机号"
        unclear_number = "不像手机号"
        sending = "正在发到 {{ number }}"
        sent = "发到 {{ number }} 了"
        unclear_code = "请输入 {{ number }} 收到的数字"
        checking = "正在核对"
        wrong_code = "不对，还能试 {{ left }} 次"
        too_many = "太多了"
        bound = "绑好了 {{ number }}"
        list = "您的号码"
        item = "{{ place }} {{ number }}"
        current = "{{ place }} {{ number }} 使用中"
        list_end = "回复序号换号"
        chosen = "换成 {{ number }}"
        unbound = "解绑了 {{ number }}"
        full = "满了"
        cancelled = "好的"
        expired = "太久了"
        unavailable = "系统忙"
        [texts.refused]
        default = "发不了 {{ number }}"
        BLOCKED = "{{ number }} 停机了"
        "#,
    )
    .unwrap()
}

/// The question that was put, and what is remembered of it.
fn put(out: &Outcome) -> (String, Values, Values) {
    let [work] = out.outbox.as_slice() else { panic!("one piece of work expected: {:?}", out.outbox) };
    let Task::Ask { question, memo, .. } = &work.task else { panic!("{work:?}") };
    assert!(out.wait && question.idempotency_key.is_some());
    (question.connector.to_string(), question.values.clone(), memo.clone())
}

fn loaded() -> Answer {
    Answer::Loaded(Values::new())
}

fn refused(code: &str) -> Answer {
    Answer::Refused { code: code.into() }
}

/// Says a number and a code, and both are right.
fn bound<'a>(bind: &'a Bind, numbers: &[&str]) -> Desk<'a> {
    let mut desk = Desk::new(bind);
    for number in numbers {
        if !desk.customer.numbers.is_empty() {
            // The codes of the day before are not of today.
            desk.now = desk.now.plus_secs(86_400);
            desk.tap();
            desk.say("添加");
        } else {
            desk.tap();
        }
        let memo = put(&desk.say(number)).2;
        desk.answer(&memo, &loaded());
        let memo = put(&desk.say("123456")).2;
        desk.answer(&memo, &loaded());
    }
    desk
}

#[test]
fn a_number_is_bound_by_the_code_that_was_sent_there() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    assert_eq!(said(&desk.tap()), "请输入手机号");
    let sending = desk.say("138 0013 8000");
    assert_eq!(said(&sending), "正在发到 138****8000");
    let (connector, values, memo) = put(&sending);
    assert_eq!(connector, "send");
    assert_eq!(values["number"], Value::Private(Private::new("13800138000")));
    assert_eq!(values[crate::domain::question::MOST_A_DAY], Value::Integer(3), "whoever asks");
    assert_eq!(said(&desk.answer(&memo, &loaded())), "发到 138****8000 了");
    let checking = desk.say("１２３４５６");
    let (connector, values, memo) = put(&checking);
    assert_eq!((connector.as_str(), said(&checking).as_str()), ("check", "正在核对"));
    assert_eq!(values.get("code"), Some(&Value::Private(Private::new("123456"))));
    let done = desk.answer(&memo, &loaded());
    assert_eq!(
        (said(&done).as_str(), done.facts),
        ("绑好了 138****8000", vec![FactKind::NumberBound { action: "demo".into() }])
    );
    let current = desk.customer.numbers.current().unwrap();
    assert_eq!((&current.number, current.shown_at), (&Value::Private(Private::new("13800138000")), desk.now));
    assert!(!desk.wants("123456") && !desk.wants("取消"), "there is nothing left to say");
    assert_eq!(bind.expired(desk.customer.dialogue.as_ref().unwrap()), None);
}

#[test]
fn slips_are_told_and_other_subjects_go_their_way() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    assert_eq!(said(&desk.say("1380013800")), "不像手机号");
    assert!(!desk.wants("查话费"));
    let memo = put(&desk.say("13800138000")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("BLOCKED"))), "138****8000 停机了");
    let memo = put(&desk.say("13800138001")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("?"))), "发不了 138****8001");
    let memo = put(&desk.say("13800138002")).2;
    desk.answer(&memo, &loaded());
    assert_eq!(said(&desk.say("12 3")), "请输入 138****8002 收到的数字");
    assert!(!desk.wants("查话费"));
    assert_eq!(said(&desk.abandon(&memo)), "系统忙");
}

#[test]
fn only_codes_that_were_sent_count_and_the_last_one_stays_good_when_there_is_no_other() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    for _ in 0..5 {
        let memo = put(&desk.say("13800138000")).2;
        desk.answer(&memo, &refused("BLOCKED"));
    }
    for words in ["13800138000", "重发", "重发"] {
        let memo = put(&desk.say(words)).2;
        desk.answer(&memo, &loaded());
    }
    let out = desk.say("重发");
    assert_eq!((said(&out).as_str(), out.outbox), ("太多了", vec![]), "three were sent today");
    let memo = put(&desk.say("123456")).2;
    assert_eq!(said(&desk.answer(&memo, &loaded())), "绑好了 138****8000");
    let mut bind = bind.clone();
    bind.texts.no_more = Some(Template::new("{{ number }} 的还能用").unwrap());
    let mut desk = Desk::new(&bind);
    desk.tap();
    for words in ["13800138000", "重发", "重发"] {
        let memo = put(&desk.say(words)).2;
        desk.answer(&memo, &loaded());
    }
    assert_eq!(said(&desk.say("重发")), "138****8000 的还能用");
}

#[test]
fn asking_for_another_code_that_is_not_sent_gives_no_further_tries() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.answer(&memo, &loaded());
    let memo = put(&desk.say("1111")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("WRONG"))), "不对，还能试 1 次");
    let memo = put(&desk.say("重发")).2;
    desk.answer(&memo, &refused("TOO_SOON"));
    let memo = put(&desk.say("2222")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("WRONG"))), "太多了");
    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.answer(&memo, &loaded());
    put(&desk.say("1111"));
    let memo = put(&desk.say("重发")).2;
    desk.answer(&memo, &loaded());
    let memo = put(&desk.say("2222")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("WRONG"))), "不对，还能试 1 次", "a new code is tried anew");
}

#[test]
fn who_called_it_off_is_not_bound_and_hears_no_more_of_it() {
    let bind = bind();
    let silent = crate::domain::reply::Reply::Silent;
    for answer in [loaded(), refused("WRONG"), Answer::Down] {
        let mut desk = Desk::new(&bind);
        desk.tap();
        let memo = put(&desk.say("13800138000")).2;
        desk.answer(&memo, &loaded());
        let memo = put(&desk.say("123456")).2;
        assert_eq!(said(&desk.say("取消")), "好的");
        let out = desk.answer(&memo, &answer);
        assert_eq!((&out.reply, out.facts, out.outbox), (&silent, vec![], vec![]), "{answer:?}");
        assert!(desk.customer.numbers.is_empty() && !desk.wants("123456"));
        assert_eq!(desk.abandon(&memo).reply, silent);
    }
    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.say("取消");
    assert_eq!(desk.answer(&memo, &loaded()).reply, silent, "there is nothing to say the code to");
    assert_eq!(desk.answer(&memo, &refused("BLOCKED")).reply, silent);
}

#[test]
fn who_went_elsewhere_is_told_that_the_code_is_of_no_use_any_more() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.answer(&memo, &loaded());
    let memo = put(&desk.say("111111")).2;
    desk.customer.dialogue = None;
    assert_eq!(said(&desk.answer(&memo, &refused("WRONG"))), "太久了", "and not that there were too many");
    let mut bind = bind.clone();
    bind.texts.unchecked = Some(Template::new("核对不了").unwrap());
    let desk = Desk { kind: &bind, ..desk };
    let mut desk = desk;
    assert_eq!(said(&desk.abandon(&memo)), "核对不了");
}

#[test]
fn what_surely_was_not_reached_is_put_again_while_the_customer_waits_and_then_told() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    let first = desk.say("13800138000");
    let (mut id, mut memo) = (first.outbox[0].id.clone(), put(&first).2);
    let mut tries = 0;
    loop {
        let again = desk.answer(&memo, &Answer::Down);
        let [work] = &again.outbox[..] else {
            assert_eq!(said(&again), "系统忙");
            break;
        };
        let (Task::Ask { question, memo: next, .. }, Task::Ask { question: before, .. }) =
            (&work.task, &first.outbox[0].task)
        else {
            panic!()
        };
        assert!(question == before && work.id != id && work.expires == first.outbox[0].expires);
        (id, memo, desk.now, tries) = (work.id.clone(), next.clone(), work.due, tries + 1);
    }
    assert_eq!(tries, 29, "every ten seconds of five minutes");
    // Whoever asked for another one waits for that.
    let mut desk = Desk::new(&bind);
    desk.tap();
    let old = put(&desk.say("13800138000")).2;
    let new = put(&desk.say("重发")).2;
    assert_eq!(desk.answer(&old, &Answer::Down).outbox, []);
    assert_eq!(desk.answer(&new, &Answer::Down).outbox.len(), 1);
    desk.answer(&new, &loaded());
    let check = put(&desk.say("123456")).2;
    let again = desk.answer(&check, &Answer::Down);
    let [Work { task: Task::Ask { question, .. }, .. }] = &again.outbox[..] else { panic!("{again:?}") };
    assert_eq!(question.values["code"], Value::Private(Private::new("123456")));
}

#[test]
fn nobody_guesses_a_code_not_even_by_sending_many_at_once() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.answer(&memo, &loaded());
    let first = put(&desk.say("1111")).2;
    let second = put(&desk.say("2222")).2;
    let third = desk.say("3333");
    assert_eq!((said(&third).as_str(), third.outbox), ("太多了", vec![]));
    assert_eq!(said(&desk.answer(&first, &refused("WRONG"))), "太多了", "the dialogue is over by now");
    desk.answer(&second, &refused("WRONG"));
    assert!(desk.customer.numbers.is_empty());

    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.answer(&memo, &loaded());
    let memo = put(&desk.say("1111")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("WRONG"))), "不对，还能试 1 次");
    let memo = put(&desk.say("2222")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("WRONG"))), "太多了");
    assert!(!desk.wants("3333"));
}

#[test]
fn a_late_answer_about_one_number_leaves_the_dialogue_about_another_alone() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    let first = put(&desk.say("13800138000")).2;
    desk.say("返回");
    let second = put(&desk.say("13800138001")).2;
    assert_eq!(said(&desk.answer(&first, &refused("BLOCKED"))), "138****8000 停机了");
    desk.answer(&second, &loaded());
    let memo = put(&desk.say("123456")).2;
    assert_eq!(said(&desk.answer(&memo, &loaded())), "绑好了 138****8001");
}

#[test]
fn numbers_are_listed_chosen_and_unbound_by_their_places() {
    let bind = bind();
    let mut desk = bound(&bind, &["13800138000", "13900139000"]);
    assert_eq!(said(&desk.tap()), "您的号码\n1 138****8000\n2 139****9000 使用中\n回复序号换号");
    assert_eq!(said(&desk.say("1")), "换成 138****8000");
    desk.tap();
    assert!(!desk.wants("解绑"), "which of them?");
    assert_eq!(said(&desk.say("9")), "您的号码\n1 138****8000 使用中\n2 139****9000\n回复序号换号");
    assert_eq!(said(&desk.say("解绑2")), "解绑了 139****9000");
    desk.tap();
    assert_eq!(said(&desk.say("解绑")), "解绑了 138****8000", "there is only one");
    assert_eq!(said(&desk.tap()), "请输入手机号");
    assert_eq!(said(&desk.say("取消")), "好的");
}

#[test]
fn a_bound_number_is_shown_again_and_no_sixth_one_is_taken() {
    let bind = bind();
    let mut desk = bound(&bind, &["13800138000", "13800138001", "13800138002", "13800138003", "13800138004"]);
    let since = desk.customer.numbers.current().unwrap().since;
    desk.now = desk.now.plus_secs(86_400);
    desk.tap();
    assert_eq!(said(&desk.say("添加")), "满了");
    let memo = put(&desk.open("验证号码")).2;
    desk.answer(&memo, &loaded());
    let memo = put(&desk.say("1234")).2;
    assert_eq!(said(&desk.answer(&memo, &loaded())), "绑好了 138****8004");
    let current = desk.customer.numbers.current().unwrap();
    assert_eq!((current.since, current.shown_at), (since, desk.now));
}

#[test]
fn what_cannot_work_is_told_with_its_field() {
    let wrong = Bind { expires_secs: 1, most_codes: 0, most_tries: 11, ..bind() };
    let mut fields: Vec<String> = wrong.faults().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["expires_secs", "most_codes", "most_tries"]);
    let same = Bind { check_code: "send".into(), ..bind() };
    assert_eq!(same.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>(), ["check_code"]);
    let mut wrong = bind();
    wrong.texts.refused.clear();
    fields = wrong.faults().into_iter().map(|fault| fault.field).collect();
    assert_eq!((fields, bind().faults()), (vec!["texts.refused".to_owned()], vec![]));
}

#[test]
fn a_second_code_that_is_not_sent_leaves_the_first_one_good() {
    let bind = bind();
    let mut desk = Desk::new(&bind);
    desk.tap();
    let memo = put(&desk.say("13800138000")).2;
    desk.answer(&memo, &loaded());
    let memo = put(&desk.say("重发")).2;
    assert_eq!(said(&desk.answer(&memo, &refused("TOO_SOON"))), "发不了 138****8000");
    let memo = put(&desk.say("123456")).2;
    assert_eq!(said(&desk.answer(&memo, &loaded())), "绑好了 138****8000");
}
