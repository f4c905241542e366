//! Forms that hold something of a pool: what is taken, given back, free again, or somebody else's.

use super::*;

#[test]
fn what_was_taken_by_somebody_else_in_between_is_not_thought_to_be_theirs() {
    let denied = || Answer::Loaded(Values::from([("denied".to_owned(), Value::from("not_free"))]));
    let goods = |out: &super::super::Outcome| match &asks(out, "take")[..] {
        [Work { task: Task::Ask { memo, .. }, .. }] => memo.clone(),
        other => panic!("{other:?}"),
    };
    let form = form();
    let mut desk = filled(&form, &ALL);
    let (_, memo) = handed_in(&mut desk);
    let done = desk.answer(&memo, &Answer::Loaded(Values::from([("eta".to_owned(), Value::from("明天"))])));
    let out = desk.answer(&goods(&done), &denied());
    assert_eq!(called(&out)[0].1, "form_goods_taken");
    assert_eq!(out.reply, crate::domain::reply::Reply::Silent, "the business system gave it to them");
    // A ticket has gone nowhere yet: it is chosen again.
    let ticket = Form { connector: None, keep_days: 5, ..form.clone() };
    let ticket =
        Form { texts: Texts { done: Template::new("编号 {{ number }}").unwrap(), ..ticket.texts }, ..ticket };
    let mut desk = filled(&ticket, &ALL);
    let done = desk.say("确认");
    let out = desk.answer(&goods(&done), &denied());
    assert_eq!(called(&out).len(), 1);
    assert!(said(&out).starts_with("没成 ") && said(&out).ends_with("上次填到新号码，继续吗？"), "{out:?}");
    assert!(said(&desk.say("继续")).starts_with("选一个："));
    let summary = said(&desk.say("1"));
    assert!(summary.starts_with("请核对") && summary.contains("张*明"), "{summary}");
    assert!(matches!(desk.say("确认").facts[..], [FactKind::TicketOpened { .. }]), "under a number of its own");
}

#[test]
fn somebody_else_was_quicker() {
    let form = form();
    let mut desk = filled(&form, &ALL[..3]);
    let other = |desk: &Desk<'_>, item: &str| {
        let wish = crate::domain::pool::Wish::Hold { by: format!("x{item}"), item: Some(item.into()), secs: None };
        desk.at_the_pool(&wish.question(&"numbers".into()));
    };
    other(&desk, "17000000001");
    assert_eq!(said(&desk.say("1")), "慢了一步\n1. 17000000002");
    other(&desk, "17000000002");
    assert_eq!(said(&desk.say("1")), "没有了");
    desk.pool = None;
    assert_eq!(said(&desk.say("换一批")), "查不到");
    assert_eq!(kept(&desk).draft.unwrap().progress.answers.len(), 3, "nothing is lost");
}

#[test]
fn what_ran_out_before_it_was_agreed_to_is_chosen_again() {
    let form = Form { expires_secs: 86_400, ..form() };
    let mut desk = filled(&form, &ALL);
    desk.now = desk.now.plus_secs(901);
    assert_eq!(free(&desk), 2);
    let lapsed = form.clone();
    let out = desk.say("确认");
    assert_eq!((out.wait, said(&out).as_str()), (false, "慢了一步\n选一个：\n1. 17000000001\n2. 17000000002"));
    assert_eq!(said(&desk.say("9")), "新号码不对：没看懂", "from now on it is asked as ever");
    assert!(said(&desk.say("2")).starts_with("请核对"));
    assert!(desk.say("确认").wait);
    // In its own words, and also where another answer leads there.
    let texts = Texts { lapsed: Some(Template::new("又放回去了，再选：").unwrap()), ..lapsed.texts.clone() };
    let form = Form { texts, ..lapsed };
    let mut desk = filled(&form, &ALL);
    desk.say("改 3");
    desk.now = desk.now.plus_secs(901);
    assert!(said(&desk.say("李小红")).starts_with("又放回去了，再选：\n选一个："));
    let mut desk = filled(&form, &ALL);
    desk.now = desk.now.plus_secs(901);
    assert_eq!(said(&desk.say("算了")), "取消了", "who goes is let go");
    let mut desk = filled(&form, &ALL);
    desk.now = desk.now.plus_secs(901);
    desk.pool = None;
    assert_eq!(said(&desk.say("确认")), "查不到");
}

#[test]
fn a_change_of_mind_gives_back_what_was_held() {
    let form = form();
    let mut desk = filled(&form, &ALL);
    assert_eq!(free(&desk), 1);
    desk.say("改4");
    let out = desk.say("1");
    at_the_pool(&desk, &asks(&out, "back"));
    assert_eq!(free(&desk), 1, "one of the two");
    let cancelled = desk.say("算了");
    at_the_pool(&desk, &asks(&cancelled, "back"));
    assert_eq!((said(&cancelled).as_str(), free(&desk), kept(&desk).draft), ("取消了", 2, None));
    let mut desk = filled(&form, &ALL);
    let out = desk.say("重新填");
    at_the_pool(&desk, &asks(&out, "back"));
    assert_eq!(free(&desk), 2);
}

#[test]
fn a_form_may_take_from_a_stock() {
    let without: Vec<Step> = form().steps.into_iter().filter(|step| step.pool().is_none()).collect();
    let form = Form { steps: without, stock: Some("phones".into()), ..form() };
    let stock = |count| {
        let rule = PoolRule { items: Vec::new(), count: Some(count), hold_secs: 900 };
        let mut desk = Desk { pool: Some((rule, RefCell::new(Pool::default()))), ..Desk::new(&form) };
        desk.tap();
        ALL[..3].iter().for_each(|words| drop(desk.say(words)));
        desk
    };
    let mut desk = stock(1);
    let (out, memo) = handed_in(&mut desk);
    assert_eq!((out.wait, free(&desk)), (true, 0));
    let refused = desk.answer(&memo, &Answer::Refused { code: "?".into() });
    at_the_pool(&desk, &asks(&refused, "back"));
    assert_eq!(free(&desk), 1);
    let mut none = stock(0);
    assert_eq!(said(&none.say("确认")), "没有了");
    assert!(none.customer.dialogue.is_some(), "the summary stays open");
    none.pool = None;
    assert_eq!(said(&none.say("确认")), "查不到");
}
