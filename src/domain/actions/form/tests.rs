use std::cell::RefCell;

use proptest::prelude::*;

use super::super::desk::{Desk, said};
use super::super::{ActionKind, Memory};
use super::*;
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::pool::{Pool, PoolRule};
use crate::domain::private::Private;
use crate::domain::question::Answer;
use crate::domain::value::Value;
use crate::domain::work::{Task, Work};

mod between;
mod goods;
mod orphan;
mod unknown;

const FORM: &str = r#"
    connector = "apply"
    expires_secs = 600
    resume_days = 3
    keep_days = 0

    [[steps]]
    name = "way"
    label = "取卡方式"
    ask = "怎么取卡？"
    choices = [{ code = "mail", label = "邮寄到家" }, { code = "shop", label = "营业厅自取" }]

    [[steps]]
    name = "address"
    label = "收货地址"
    ask = "寄到哪里？"
    as = "address"
    when = { step = "way", is = ["mail"] }

    [[steps]]
    name = "person"
    label = "姓名"
    ask = "{{ way }}，怎么称呼？"
    as = "name"

    [[steps]]
    name = "sim"
    label = "新号码"
    ask = "选一个："
    as = "pool"
    pool = "numbers"

    [texts]
    item = "{{ place }}. {{ label }}"
    keep = "上次填的是 {{ value }}"
    first = "已经是第一项"
    wrong = "{{ label }}不对：{{ reason }}"
    reasons = { too_short = "太短了", default = "没看懂" }
    stuck = "{{ label }}填不上？转人工，或者取消"
    summary = "请核对"
    line = "{{ place }}. {{ label }}：{{ value }}"
    summary_end = "确认、改 2，或者取消"
    unclear = "说确认、改 2，或者取消"
    cancelled = "取消了"
    expired = "太久了"
    resume = "上次填到{{ label }}，继续吗？"
    again = "接着填{{ label }}"
    again_summary = "接着确认"
    sending = "{{ number }} 正在办"
    done = "{{ person }} {{ sim }} 办好了 {{ eta }}"
    refused = { ID = "{{ person }} 证件不符", default = "没办成" }
    unknown = "核实 {{ number }}"
    taken = "慢了一步"
    empty = "没有了"
    unavailable = "查不到"
    standing = { placed = "在办 {{ number }}", done = "好了 {{ number }}", refused = "没成 {{ number }}", unknown = "核实中 {{ number }}" }
"#;

fn form() -> Form {
    toml::from_str(FORM).unwrap()
}

fn desk(form: &Form) -> Desk<'_> {
    let items = ["17000000001", "17000000002"].map(str::to_owned).into();
    let rule = PoolRule { items, count: None, hold_secs: 900 };
    Desk { pool: Some((rule, RefCell::new(Pool::default()))), ..Desk::new(form) }
}

fn kept(desk: &Desk<'_>) -> Kept {
    match desk.memory() {
        Some(Memory::Form(kept)) => kept.clone(),
        _ => Kept::default(),
    }
}

fn asks(out: &super::super::Outcome, what: &str) -> Vec<Work> {
    out.outbox.iter().filter(|work| work.id.as_str().ends_with(what)).cloned().collect()
}

/// The pool does what the outbox asks of it.
fn at_the_pool(desk: &Desk<'_>, works: &[Work]) {
    for work in works {
        let Task::Ask { question, .. } = &work.task else { panic!() };
        desk.at_the_pool(question);
    }
}

fn free(desk: &Desk<'_>) -> usize {
    let (rule, pool) = desk.pool.as_ref().unwrap();
    pool.borrow().left(&rule.goods(), desk.now)
}

const ALL: [&str; 4] = ["1", "南京市鼓楼区中山路1号", "张小明", "1"];

fn filled<'a>(form: &'a Form, words: &[&str]) -> Desk<'a> {
    let mut desk = desk(form);
    desk.tap();
    for word in words {
        desk.say(word);
    }
    desk
}

/// Handed in: the work that does it.
fn handed_in(desk: &mut Desk<'_>) -> (super::super::Outcome, Values) {
    let out = desk.say("确认");
    let Task::Ask { memo, .. } = &out.outbox[0].task else { panic!("{out:?}") };
    let memo = memo.clone();
    (out, memo)
}

#[test]
fn it_asks_shows_what_was_answered_masked_and_hands_it_in() {
    let form = form();
    assert_eq!(form.faults(), []);
    let mut desk = desk(&form);
    assert_eq!(said(&desk.tap()), "怎么取卡？\n1. 邮寄到家\n2. 营业厅自取");
    assert_eq!(said(&desk.say("邮寄")), "寄到哪里？");
    assert_eq!(said(&desk.say("南京市鼓楼区中山路1号")), "邮寄到家，怎么称呼？");
    assert_eq!(said(&desk.say("张小明")), "选一个：\n1. 17000000001\n2. 17000000002");
    let summary = said(&desk.say("2"));
    assert_eq!(
        summary,
        "请核对\n1. 取卡方式：邮寄到家\n2. 收货地址：南京市****山路1号\n3. 姓名：张*明\n4. 新号码：17000000002\n确认、改 2，或者取消"
    );
    let (out, memo) = handed_in(&mut desk);
    let Task::Ask { question, .. } = &out.outbox[0].task else { panic!() };
    let number = question.idempotency_key.clone().unwrap();
    assert_eq!((said(&out), out.wait), (format!("{number} 正在办"), true));
    assert_eq!(question.values["address"], Value::Private(Private::new("南京市鼓楼区中山路1号")));
    assert_eq!([&question.values["way"], &question.values["number"]], [&Value::from("mail"), &Value::from(&*number)]);
    assert_eq!(said(&desk.say("确认")), format!("在办 {number}"));
    let fields = Values::from([("eta".to_owned(), Value::from("明天"))]);
    let done = desk.answer(&memo, &Answer::Loaded(fields.clone()));
    assert_eq!(said(&done), "张** 17000000002 办好了 明天");
    let applied = |outcome| FactKind::Applied { action: "demo".into(), number: number.clone(), outcome };
    assert_eq!(
        [&out.facts[..], &done.facts[..]].concat(),
        [applied(OrderOutcome::Placed), applied(OrderOutcome::Done)]
    );
    let take = asks(&done, "take");
    let mut left = desk.customer.clone();
    left.forget();
    assert!(!left.memory.is_empty(), "the number is still to be taken");
    at_the_pool(&desk, &take);
    let Task::Ask { memo: taken, .. } = &take[0].task else { panic!() };
    desk.answer(taken, &Answer::Loaded(Values::new()));
    desk.customer.clone_into(&mut left);
    left.forget();
    assert!(left.memory.is_empty());
    desk.now = desk.now.plus_secs(9 * 86_400);
    assert_eq!(free(&desk), 1, "taken for good");
    assert!(kept(&desk).sent[0].answers.is_empty(), "handed in, and kept no longer");
    assert_eq!(desk.answer(&memo, &Answer::Loaded(fields)).facts, [], "it ends once");
}

#[test]
fn wrong_answers_are_told_why_and_the_third_one_offers_a_way_out() {
    let form = form();
    let mut desk = filled(&form, &ALL[..1]);
    let turns = ["南京", "<南京市鼓楼区>", "南京"].map(|words| said(&desk.say(words)));
    assert_eq!(turns, ["收货地址不对：太短了", "收货地址不对：没看懂", "收货地址填不上？转人工，或者取消"]);
    assert_eq!(said(&desk.say("南京市鼓楼区中山路1号")), "邮寄到家，怎么称呼？");
}

#[test]
fn back_shows_what_was_answered_and_a_change_leads_back_to_the_summary() {
    let form = form();
    let mut desk = filled(&form, &ALL);
    assert_eq!(said(&desk.say("改 3")), "邮寄到家，怎么称呼？\n上次填的是 张*明");
    assert!(said(&desk.say("李小红")).contains("姓名：李*红"));
    desk.say("上一步");
    assert!(said(&desk.say("不变")).starts_with("请核对"));
    let mut desk = filled(&form, &[]);
    assert!(said(&desk.say("返回")).starts_with("已经是第一项\n怎么取卡？"));
}

#[test]
fn after_something_else_the_open_question_is_asked_in_a_line() {
    let form = form();
    let mut desk = filled(&form, &ALL[..2]);
    let back = |desk: &Desk<'_>| {
        let dialogue = desk.customer.dialogue.clone().unwrap();
        form.comes_back(&desk.view(&super::super::Entry::Opened { words: "" }), &dialogue)
    };
    let out = back(&desk).unwrap();
    assert_eq!((said(&out).as_str(), out.dialogue), ("接着填姓名", desk.customer.dialogue.clone()));
    desk.say("张小明");
    desk.say("1");
    let out = back(&desk).unwrap();
    assert_eq!(said(&out), "接着确认");
    desk.customer.dialogue = out.dialogue;
    assert_eq!(said(&desk.say("好的")), "说确认、改 2，或者取消", "that may be about something else");
    desk.customer.dialogue.as_mut().unwrap().step = SUMMARY_EXPRESSLY.into();
    assert!(desk.say("确认").wait);
    assert_eq!(back(&desk), None);
}

#[test]
fn a_dialogue_that_ran_out_is_gone_on_with_days_later() {
    let form = form();
    let mut desk = filled(&form, &ALL[..2]);
    desk.now = desk.now.plus_secs(2 * 86_400);
    assert_eq!(said(&desk.say("李小红")), "上次填到姓名，继续吗？", "what comes so late may be about something else");
    assert!(!desk.wants("李小红"));
    assert_eq!(said(&desk.say("继续")), "邮寄到家，怎么称呼？");
    // Also when another dialogue came in between.
    desk.customer.dialogue = None;
    assert_eq!(said(&desk.tap()), "上次填到姓名，继续吗？");
    assert_eq!(said(&desk.say("重新填")), "怎么取卡？\n1. 邮寄到家\n2. 营业厅自取");
    assert!(kept(&desk).draft.unwrap().progress.answers.is_empty());
    let mut late = filled(&form, &ALL[..2]);
    late.now = late.now.plus_secs(3 * 86_400 + 9);
    late.customer.dialogue = None;
    assert_eq!(said(&late.tap()), "怎么取卡？\n1. 邮寄到家\n2. 营业厅自取", "too late");
}

#[test]
fn what_was_written_is_taken_away_when_its_time_has_come() {
    let form = form();
    let mut desk = desk(&form);
    desk.tap();
    let out = desk.say("邮寄");
    let [timer] = &asks(&out, "erase")[..] else { panic!("{out:?}") };
    let Task::Ask { memo, .. } = timer.task.clone() else { panic!() };
    assert_eq!(timer.due, desk.now.plus_secs(3 * 86_400));
    assert_eq!(asks(&desk.say("南京市鼓楼区中山路1号"), "erase"), [], "one is enough");
    desk.now = timer.due;
    let again = desk.answer(&memo, &Answer::Loaded(Values::new()));
    let [put_off] = &asks(&again, "erase")[..] else { panic!("{again:?}") };
    assert_eq!((put_off.id.clone(), kept(&desk).draft.unwrap().progress.answers.len()), (timer.id.clone(), 2));
    desk.now = put_off.due;
    desk.answer(&memo, &Answer::Loaded(Values::new()));
    assert_eq!(kept(&desk).draft, None);
}

#[test]
fn what_is_kept_for_staff_is_taken_away_after_its_days() {
    let ticket = Form { connector: None, keep_days: 5, ..form() };
    let ticket =
        Form { texts: Texts { done: Template::new("编号 {{ number }}").unwrap(), ..ticket.texts }, ..ticket };
    let mut desk = filled(&ticket, &ALL);
    let out = desk.say("确认");
    let [FactKind::TicketOpened { number, text, .. }] = &out.facts[..] else { panic!("{out:?}") };
    assert_eq!(said(&out), format!("编号 {number}"));
    assert!(text.contains("收货地址：南*") && !text.contains("鼓楼"), "{text}");
    assert_eq!(kept(&desk).sent[0].answers.len(), 4);
    let timer = asks(&out, "erase").pop().unwrap();
    assert_eq!(timer.due, desk.now.plus_secs(5 * 86_400));
    let Task::Ask { memo, .. } = &timer.task else { panic!() };
    desk.answer(memo, &Answer::Loaded(Values::new()));
    assert!(kept(&desk).sent[0].answers.is_empty());
    assert_eq!(asks(&out, "take").len(), 1);
}

#[test]
fn a_refusal_gives_back_what_was_held_and_what_was_written_can_be_mended() {
    let form = form();
    let mut desk = filled(&form, &ALL);
    let (out, memo) = handed_in(&mut desk);
    let refused = desk.answer(&memo, &Answer::Refused { code: "ID".into() });
    assert_eq!(said(&refused), "张** 证件不符");
    at_the_pool(&desk, &asks(&refused, "back"));
    assert_eq!(free(&desk), 2);
    desk.customer.dialogue = None;
    assert_eq!(said(&desk.tap()), "上次填到新号码，继续吗？", "which is not held any more");
    desk.say("继续");
    desk.say("1");
    let (again, _) = handed_in(&mut desk);
    assert_ne!(again.outbox[0].id, out.outbox[0].id, "another number");
}

/// The person that is called, and why.
fn called(out: &super::super::Outcome) -> Vec<(String, String)> {
    let question = |work: &Work| match &work.task {
        Task::Ask { question, .. } if question.connector.as_str() == "order:call" => Some(question.values.clone()),
        _ => None,
    };
    out.outbox.iter().filter_map(question).map(|of| (of["order"].to_string(), of["reason"].to_string())).collect()
}

#[test]
fn numbers_of_people_do_not_stand_in_a_ticket() {
    let note: Step = toml::from_str("name = \"note\"\nlabel = \"补充\"\nask = \"补充？\"\nas = \"text\"").unwrap();
    let form = form();
    let mut steps = form.steps.clone();
    steps.push(note);
    let texts = Texts { done: Template::new("编号 {{ number }}").unwrap(), ..form.texts.clone() };
    let ticket = Form { connector: None, keep_days: 5, steps, texts, ..form };
    let mut desk = filled(&ticket, &ALL);
    desk.say("打 138 0013 8000，证件 11010519491231002X");
    let out = desk.say("确认");
    let [FactKind::TicketOpened { text, .. }] = &out.facts[..] else { panic!("{out:?}") };
    assert!(!text.contains("0013") && !text.contains("19491231") && text.contains("补充：打 ***"), "{text}");
    assert!(text.contains("新号码：17000000001"), "what it is about is read: {text}");
}

#[test]
fn a_delivery_decided_again_hands_in_the_same() {
    let form = form();
    let desk = filled(&form, &ALL);
    let dialogue = desk.customer.dialogue.clone().unwrap();
    let entry = super::super::Entry::Continued { dialogue: &dialogue, words: "确认" };
    assert_eq!(desk.decide(&entry), desk.decide(&entry));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let fields = |change: &dyn Fn(&mut Form)| {
        let mut form = form();
        change(&mut form);
        form.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    let text = |text: &str| Template::new(text).unwrap();
    assert_eq!(fields(&|form| form.expires_secs = 1), ["expires_secs"]);
    assert_eq!(fields(&|form| form.settle_secs = 99_999), ["settle_secs"]);
    assert_eq!(fields(&|form| form.resume_days = 31), ["resume_days"]);
    assert_eq!(fields(&|form| form.keep_days = 366), ["keep_days"]);
    assert_eq!(fields(&|form| form.connector = None), ["keep_days"]);
    assert_eq!(fields(&|form| form.stock = Some("s".into())), ["stock"]);
    assert_eq!(fields(&|form| form.texts.taken = None), ["texts"]);
    assert_eq!(fields(&|form| form.texts.stuck = text("再试试")), ["texts.stuck"]);
    assert_eq!(fields(&|form| form.texts.summary_end = text("确认吗")), ["texts.summary_end"]);
    assert_eq!(fields(&|form| drop(form.texts.refused.remove("default"))), ["texts.refused"]);
    assert_eq!(fields(&|form| drop(form.texts.reasons.remove("default"))), ["texts.reasons"]);
    assert_eq!(fields(&|form| drop(form.texts.reasons.insert("x".into(), "y".into()))), ["texts.reasons.x"]);
    assert_eq!(fields(&|form| form.steps[1].name = "number".into()), ["steps[1].name"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, the customer reads something, no text is left unfilled (the desk looks), nothing private is said in
    /// clear, and no more of the pool is held than one.
    #[test]
    fn whatever_is_said_something_is_answered_and_nothing_leaks(
        all in proptest::collection::vec(
            prop_oneof![
                4 => proptest::sample::select(vec![
                    "1", "2", "邮寄", "南京市鼓楼区中山路1号", "张小明", "上一步", "不变", "改 1", "改2", "改4", "确认", "好的",
                    "换一批", "重新填", "继续", "取消", "我的订单", "", "138",
                ]).prop_map(str::to_owned),
                1 => "\\PC{0,20}",
            ],
            0..40,
        ),
        wait_secs in proptest::collection::vec(0..2_000_i64, 40),
    ) {
        let form = form();
        let mut desk = desk(&form);
        desk.tap();
        for (words, secs) in all.iter().zip(wait_secs) {
            desk.now = desk.now.plus_secs(secs);
            let open = desk.customer.dialogue.clone().filter(|dialogue| dialogue.expires > desk.now);
            let out = if open.is_some() && desk.wants(words) { desk.say(words) } else { desk.tap() };
            let text = said(&out);
            prop_assert!(!text.is_empty() && text != "Silent", "{words:?} at {open:?}");
            prop_assert!(!text.contains("鼓楼") && !text.contains("小明"), "{text}");
            at_the_pool(&desk, &[asks(&out, "back"), asks(&out, "take")].concat());
            prop_assert!(free(&desk) + 1 + kept(&desk).sent.len() >= 2, "{words:?}");
        }
    }
}
