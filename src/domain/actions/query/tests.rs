use super::super::desk::{Desk, said};
use super::*;
use crate::domain::private::Private;
use crate::domain::time::UnixSecs;

fn query(more: &str) -> Query {
    let settings = format!(
        r#"
        connector = "c"
        reply = "{{{{ name }}}}：\n{{{{ bills }}}}"
        waiting = "稍等"
        late = "久等了"
        unavailable = "查不到"
        {more}
        [lists.bills]
        item = '{{{{ month }}}} {{{{ sum }}}} {{{{ tap("看", month) }}}}'
        none = "没有账单"
        "#
    );
    toml::from_str(&settings).unwrap()
}

const OF_NUMBER: &str =
    "number = { bind = \"bind\", unbound = \"先绑定\", shown_within_minutes = 30, again = \"再验证\" }";

fn loaded(bills: usize, name: &str) -> Answer {
    let bill = |n: usize| {
        let sum = Value::Fen(100 * i64::try_from(n).unwrap());
        Values::from([("month".to_owned(), Value::from(format!("<{n}>"))), ("sum".to_owned(), sum)])
    };
    let bills = Value::List((1..=bills).map(bill).collect());
    Answer::Loaded([("bills".to_owned(), bills), ("name".to_owned(), Value::from(name))].into())
}

fn told(query: &Query, answer: Answer) -> Outcome {
    let desk = Desk::new(query);
    let entry = super::super::Entry::Opened { words: "" };
    query.decide(&desk.view(&entry), &Given { answer: Some(answer), ..Given::default() })
}

#[test]
fn a_list_is_told_line_by_line_and_nothing_in_it_is_obeyed() {
    let query = query("");
    let out = told(&query, loaded(2, "<a>"));
    let Reply::Text(text) = &out.reply else { panic!("{out:?}") };
    assert!(text.starts_with("＜a>：\n＜1> 1.00 <a href="), "{text}");
    assert_eq!(text.matches("weixin://").count(), 2, "the playbook's own links are links: {text}");
    assert_eq!(said(&told(&query, loaded(0, "n"))), "n：\n没有账单");
    assert_eq!(said(&told(&query, Answer::Down)), "查不到");
}

#[test]
fn a_list_longer_than_a_message_is_told_as_far_as_it_goes() {
    let query = query("");
    let out = told(&query, loaded(200, "n"));
    let Reply::Text(text) = &out.reply else { panic!("{out:?}") };
    assert!(text.len() <= FITS_BYTES && text.len() > FITS_BYTES / 2, "{}", text.len());
    assert!(text.contains("＜1> 1.00") && !text.contains("＜200>"), "the first ones are told");
    assert_eq!(out.faults, []);
}

#[test]
fn an_old_answer_is_told_with_its_age() {
    let query = query("cached = \"（{{ age }}前）\"");
    let Answer::Loaded(mut fields) = loaded(0, "n") else { panic!() };
    fields.insert(AGE.to_owned(), Value::Age(200));
    assert_eq!(said(&told(&query, Answer::Loaded(fields))), "n：\n没有账单\n（3 分钟前）");
    assert_eq!(said(&told(&query, loaded(0, "n"))), "n：\n没有账单");
}

#[test]
fn a_question_of_a_number_goes_by_way_of_binding_one() {
    let query = query(OF_NUMBER);
    let mut desk = Desk::new(&query);
    let entry = super::super::Entry::Opened { words: "" };
    let asked = |desk: &Desk<'_>| query.needs(&desk.view(&entry)).question.map(|question| question.values);
    assert_eq!(asked(&desk), None, "nobody is asked about no number");
    let out = query.decide(&desk.view(&entry), &Given::default());
    assert_eq!((said(&out).as_str(), out.lead), ("先绑定", Some(Lead { to: "bind".into(), words: "" })));

    let number = Value::Private(Private::new("13800138000"));
    desk.customer.numbers.bind(number.clone(), desk.now);
    assert_eq!(asked(&desk), Some(Values::from([("number".to_owned(), number.clone())])));
    let given = |answer| Given { answer: Some(answer), ..Given::default() };
    let out = query.decide(&desk.view(&entry), &given(Answer::TimedOut));
    let Task::Ask { question, memo, .. } = &out.outbox[0].task else { panic!() };
    assert_eq!((&question.values["number"], &memo["number"]), (&number, &number));

    desk.now = UnixSecs(desk.now.0 + 30 * 60);
    assert!(asked(&desk).is_some());
    desk.now = UnixSecs(desk.now.0 + 1);
    let out = query.decide(&desk.view(&entry), &Given::default());
    assert_eq!((said(&out).as_str(), out.lead), ("再验证", Some(Lead { to: "bind".into(), words: "验证" })));
    assert_eq!(asked(&desk), None);
}

#[test]
fn a_late_answer_tells_whose_number_it_is_about() {
    let mut query = query(OF_NUMBER);
    query.reply = Template::new("{{ number }} {{ bills }}").unwrap();
    let mut desk = Desk::new(&query);
    let number = Value::Private(Private::new("13800138000"));
    let memo = Values::from([("number".to_owned(), number.clone())]);
    desk.customer.numbers.bind(number, desk.now);
    assert_eq!(said(&desk.answer(&memo, &loaded(0, "n"))), "久等了\n138****8000 没有账单");
}

#[test]
fn nothing_is_told_about_a_number_that_was_unbound_meanwhile() {
    let query = query(OF_NUMBER);
    let mut desk = Desk::new(&query);
    let memo = Values::from([("number".to_owned(), Value::Private(Private::new("13800138000")))]);
    let silent = crate::domain::reply::Reply::Silent;
    for (bound, expected) in [("13800138001", true), ("13800138000", false)] {
        desk.customer.numbers.bind(Value::Private(Private::new(bound)), desk.now);
        let told = [
            desk.answer(&memo, &loaded(0, "n")).reply,
            desk.answer(&memo, &Answer::Down).reply,
            desk.abandon(&memo).reply,
        ];
        assert_eq!(told.map(|reply| reply == silent), [expected; 3], "{bound}");
    }
}

#[test]
fn what_cannot_work_is_told_with_its_field() {
    let fields = |more: &str| query(more).faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>();
    assert_eq!(fields(OF_NUMBER), [""; 0]);
    assert_eq!(
        fields("number = { bind = \"b\", unbound = \"x\", shown_within_minutes = 0 }"),
        ["number.shown_within_minutes", "number"]
    );
    let known = |_: &ConnectorKey| ["name", "bills.month", "bills.sum"].map(str::to_owned).into();
    let query = query("");
    let texts = query.texts(&known);
    let allowed = |field: &str| texts.iter().find(|text| text.field == field).unwrap().allowed.clone();
    assert_eq!(allowed("reply"), ["bills", "name"].map(str::to_owned).into());
    assert_eq!(allowed("lists.bills.item"), ["month", "sum"].map(str::to_owned).into());
}
