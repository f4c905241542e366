//! Being led: what a customer asked for waits until something else is done (a number bound, or shown again), and then goes
//! on by itself. The way is kept in the dialogue they are led into: when they leave that, they have changed their mind.

use super::actions::{Entry, Given, Outcome, View};
use super::customer::{Customer, Dialogue};
use super::fact::FactKind;
use super::ids::ActionKey;
use super::playbook::Playbook;
use super::question::Answer;
use super::reply::Reply;
use super::value::Value;

/// The slot of a dialogue that names the action that goes on when it is done.
const THEN: &str = "then";
/// The slot that keeps why the customer was led here until they are told.
const WHY: &str = "why";

/// Takes the customer where the outcome says they have to go first; the action they came to, whose outcome it is now.
pub(super) fn follow<'a>(playbook: &'a Playbook, view: &View<'_>, outcome: &mut Outcome) -> Option<&'a ActionKey> {
    let lead = outcome.lead.take()?;
    let (key, kind) = playbook.actions.get_key_value(&lead.to)?;
    let entry = Entry::Opened { words: lead.words };
    let view_there = View { action: key, entry: &entry, ..*view };
    let mut led = kind.as_action().decide(&view_there, &Given::default());
    let why = std::mem::take(&mut outcome.reply);
    if let Some(dialogue) = &mut led.dialogue {
        dialogue.slots.insert(THEN.to_owned(), Value::from(view.action.as_str()));
        // What is said now may be replaced by what comes of it.
        if let (true, Reply::Text(why)) = (led.wait, &why) {
            dialogue.slots.insert(WHY.to_owned(), Value::from(why.as_str()));
        }
    }
    led.reply = joined(why, std::mem::take(&mut led.reply));
    led.facts.splice(0..0, std::mem::take(&mut outcome.facts));
    led.faults.splice(0..0, std::mem::take(&mut outcome.faults));
    *outcome = led;
    Some(key)
}

/// What a customer was led here for stays with the dialogue from step to step.
pub(super) fn keep(before: Option<&Dialogue>, after: Option<&mut Dialogue>) {
    let (Some(before), Some(after)) = (before, after) else { return };
    if before.action == after.action
        && let Some(then) = before.slots.get(THEN)
    {
        after.slots.entry(THEN.to_owned()).or_insert_with(|| then.clone());
    }
}

/// Says with the first outcome why the customer was led here, once.
pub(super) fn explain(customer: &mut Customer, action: &ActionKey, outcome: &mut Outcome) {
    let Some(dialogue) = customer.dialogue.as_mut().filter(|dialogue| dialogue.action == *action) else { return };
    if outcome.reply.is_silent() {
        return;
    }
    if let Some(after) = &mut outcome.dialogue {
        after.slots.remove(WHY);
    }
    if let Some(Value::Text(why)) = dialogue.slots.remove(WHY) {
        outcome.reply = joined(Reply::Text(why), std::mem::take(&mut outcome.reply));
    }
}

/// What goes on now that this outcome has bound a number, or shown it again: the action and its outcome, with what the
/// first one says before it. `customer` is the one after it, `was` the dialogue before it.
pub(super) fn go_on<'a>(
    playbook: &'a Playbook,
    (was, done): (Option<&Dialogue>, &mut Outcome),
    view: &View<'_>,
) -> Option<(&'a ActionKey, Outcome)> {
    let bound = done.facts.iter().any(|fact| matches!(fact, FactKind::NumberBound { .. }));
    let dialogue = was.filter(|dialogue| bound && dialogue.action == *view.action)?;
    let Some(Value::Text(then)) = dialogue.slots.get(THEN) else { return None };
    let (key, kind) = playbook.actions.get_key_value(&ActionKey::from(then.as_str()))?;
    if let Some(over) = &mut done.dialogue {
        over.slots.remove(THEN);
    }
    let entry = Entry::Opened { words: "" };
    let there = View { action: key, entry: &entry, ..*view };
    // Nobody is asked within a commit: what has to be asked is asked right after it.
    let asks = kind.as_action().needs(&there).question.is_some();
    let given = Given { answer: asks.then_some(Answer::TimedOut), ..Given::default() };
    let mut next = kind.as_action().decide(&there, &given);
    // Whoever would be led back here would be led for ever.
    if next.lead.take().is_some() {
        return None;
    }
    next.reply = joined(std::mem::take(&mut done.reply), std::mem::take(&mut next.reply));
    Some((key, next))
}

fn joined(first: Reply, second: Reply) -> Reply {
    match (first, second) {
        (Reply::Text(first), Reply::Text(second)) => Reply::Text(format!("{first}\n{second}")),
        (first, Reply::Silent) => first,
        (_, second) => second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::actions::Kind;
    use crate::domain::decide::{Subject, decide, resume};
    use crate::domain::decision::Decision;
    use crate::domain::private::Private;
    use crate::domain::route::route;
    use crate::domain::sample::{NOON, moment, playbook, tap, text};
    use crate::domain::value::Values;
    use crate::domain::work::Task;

    /// The sample's playbook, whose balance is of a bound number now.
    fn of_number() -> Playbook {
        let mut playbook = playbook();
        let query = r#"
            connector = "balance"
            reply = "{{ number }} 余额 {{ balance }} 元"
            waiting = "正在查"
            unavailable = "查不到"
            number = { bind = "bind", unbound = "先绑定。", shown_within_minutes = 30, again = "再验证。" }
        "#;
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/playbook/actions/query.toml"));
        let mut actions: toml::Table = toml::from_str(&text.unwrap()).unwrap();
        let mut bind = actions.remove("bind_number").unwrap().as_table().unwrap().clone();
        bind.remove("kind");
        let query: toml::Table = toml::from_str(query).unwrap();
        playbook.actions.insert("balance".into(), Kind::read("query", query).unwrap().unwrap());
        playbook.actions.insert("bind".into(), Kind::read("bind", bind).unwrap().unwrap());
        playbook
    }

    fn says(playbook: &Playbook, customer: &Customer, words: &str) -> Decision {
        let inbound = if words.is_empty() { tap("balance") } else { text(words) };
        let route = route(playbook, customer, &inbound, moment());
        let given =
            Given { answer: route.needs(customer, moment()).question.map(|_| Answer::TimedOut), ..Given::default() };
        decide(
            playbook,
            Subject { customer, inbound: &inbound, moment: moment(), awaited: true, invited: None },
            &route,
            &given,
        )
    }

    /// What becomes of the question that the decision left, when this is the answer.
    fn answered(playbook: &Playbook, before: &Decision, answer: Answer) -> Decision {
        resume(playbook, &before.customer, &before.outbox[0], (&answer, moment()))
    }

    fn said(decision: &Decision) -> &str {
        let Reply::Text(text) = &decision.reply else { panic!("{decision:?}") };
        text
    }

    fn loaded() -> Answer {
        Answer::Loaded(Values::new())
    }

    #[test]
    fn a_customer_without_a_number_binds_one_and_is_brought_back_to_the_question() {
        let playbook = of_number();
        let led = says(&playbook, &Customer::default(), "");
        assert!(said(&led).starts_with("先绑定。\n请回复您的手机号"), "{}", said(&led));
        let slip = says(&playbook, &led.customer, "1380013");
        let number = says(&playbook, &slip.customer, "13800138000");
        let sent = answered(&playbook, &number, loaded());
        let code = says(&playbook, &sent.customer, "123456");
        let bound = answered(&playbook, &code, loaded());
        assert!(said(&bound).contains("绑定好了") && said(&bound).ends_with("正在查"), "{}", said(&bound));
        let [work] = &bound.outbox[..] else { panic!("{:?}", bound.outbox) };
        let Task::Ask { action, question, .. } = &work.task else { panic!("{work:?}") };
        let number = Value::Private(Private::new("13800138000"));
        assert_eq!((action.as_str(), &question.values["number"]), ("balance", &number));
        let balance = Answer::Loaded([("balance".to_owned(), Value::Fen(8650))].into());
        assert_eq!(said(&resume(&playbook, &bound.customer, work, (&balance, moment()))), "138****8000 余额 86.50 元");
    }

    #[test]
    fn whoever_leaves_the_way_is_not_brought_back() {
        let playbook = of_number();
        let led = says(&playbook, &Customer::default(), "");
        let away = says(&playbook, &led.customer, "取消");
        let mut later = away.customer.clone();
        later.dialogue = None;
        let begun = playbook.actions[&ActionKey::from("bind")].as_action();
        let entry = Entry::Opened { words: "" };
        let key = ActionKey::from("bind");
        let view = View { action: &key, customer: &later, entry: &entry, moment: moment(), invited: None };
        let mut done = begun.decide(&view, &Given::default());
        done.facts.push(FactKind::NumberBound { action: key.clone() });
        assert_eq!(go_on(&playbook, (done.dialogue.clone().as_ref(), &mut done), &view), None);
    }

    #[test]
    fn a_number_shown_long_ago_is_shown_again_and_why_is_said_with_what_comes_of_it() {
        let playbook = of_number();
        let mut customer = Customer::default();
        customer.numbers.bind(Value::Private(Private::new("13800138000")), NOON.plus_secs(-1801));
        let led = says(&playbook, &customer, "");
        assert!(said(&led).starts_with("再验证。\n正在给 138****8000 发验证码"), "{}", said(&led));
        assert!(led.wait_for.is_some());
        let sent = answered(&playbook, &led, loaded());
        assert!(said(&sent).starts_with("再验证。\n验证码已经发到 138****8000"), "{}", said(&sent));
        let code = says(&playbook, &sent.customer, "123456");
        let wrong = answered(&playbook, &code, Answer::Refused { code: "WRONG".into() });
        assert!(said(&wrong).starts_with("验证码不对"), "said once: {}", said(&wrong));
        let code = says(&playbook, &wrong.customer, "654321");
        let shown = answered(&playbook, &code, loaded());
        assert!(said(&shown).ends_with("正在查"), "{}", said(&shown));
        assert_eq!(shown.customer.numbers.current().unwrap().shown_at, NOON);
    }

    #[test]
    fn a_way_that_leads_nowhere_is_none() {
        let mut playbook = of_number();
        playbook.actions.remove(&ActionKey::from("bind"));
        assert_eq!(said(&says(&playbook, &Customer::default(), "")), "先绑定。");
    }
}
