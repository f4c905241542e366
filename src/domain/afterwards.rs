//! What becomes of the answer to a delivery that is decided when its sender waits no longer.

use super::customer::Customer;
use super::decision::Decision;
use super::ids::{DedupeKey, WorkId};
use super::question::ASKED_BEFORE;
use super::reply::Reply;
use super::time::UnixSecs;
use super::value::Value;
use super::work::{Task, Work};

/// An answer that comes late is worth reading for a day.
const READ_WITHIN_SECS: i64 = 86_400;

/// The answer becomes a message of its own, by whatever path is open when it is sent ([`super::reach`]). Where an outcome
/// will follow by itself, the interim answer before it is not said.
pub fn say_by_message(decision: &mut Decision, (origin, now): (DedupeKey, UnixSecs)) {
    let reply = std::mem::take(&mut decision.reply);
    let outcome_follows = decision.wait_for.take().is_some();
    decision.customer.recent.forget_reply(origin);
    if outcome_follows || reply.is_silent() {
        return;
    }
    decision.outbox.push(message(reply, (origin, now)));
}

/// An answer that was decided, and heard by nobody, becomes a message; nothing else happens.
pub fn say_unheard(mut customer: Customer, reply: Reply, (origin, now): (DedupeKey, UnixSecs)) -> Decision {
    customer.recent.forget_reply(origin);
    Decision { customer, outbox: vec![message(reply, (origin, now))], ..Decision::default() }
}

fn message(reply: Reply, (origin, now): (DedupeKey, UnixSecs)) -> Work {
    let id = WorkId::new(format!("late/{:016x}", origin.0));
    Work { id, origin, due: now, expires: now.plus_secs(READ_WITHIN_SECS), task: Task::Send(reply) }
}

/// A delivery that a forgetful store has lost is decided once more: what it asked for then may have been asked, so that
/// what must not be put twice is asked after first, now and wherever an order it placed goes on.
pub fn ask_first(decision: &mut Decision, origin: DedupeKey) {
    for work in &mut decision.outbox {
        if let Task::Ask { question, memo, .. } = &mut work.task
            && question.idempotency_key.is_some()
        {
            memo.insert(ASKED_BEFORE.to_owned(), Value::Integer(1));
        }
    }
    decision.customer.orders.may_have_been_put(origin);
}

/// The answer was heard when the delivery was decided before.
pub fn say_nothing(decision: &mut Decision) {
    decision.reply = Reply::Silent;
    decision.wait_for = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::question::Question;
    use crate::domain::value::Values;

    const KEY: DedupeKey = DedupeKey(7);

    fn decided(reply: Reply) -> Decision {
        let mut decision = Decision { reply: reply.clone(), ..Decision::default() };
        decision.customer.recent.remember(KEY, reply, UnixSecs(100));
        decision
    }

    #[test]
    fn an_answer_nobody_waits_for_is_sent() {
        let mut decision = decided(Reply::Text("余额 10 元".into()));
        say_by_message(&mut decision, (KEY, UnixSecs(500)));
        assert!(decision.reply.is_silent());
        let [work] = decision.outbox.as_slice() else { panic!("{:?}", decision.outbox) };
        assert_eq!(work.task, Task::Send(Reply::Text("余额 10 元".into())));
        assert_eq!((work.due, work.expires), (UnixSecs(500), UnixSecs(86_900)));
        // A retry is not told as well.
        assert!(decision.customer.recent.earned(KEY).unwrap().reply.is_silent());
    }

    #[test]
    fn an_answer_that_nobody_heard_is_sent_once_and_changes_nothing_else() {
        let customer = decided(Reply::Text("好".into())).customer;
        let said = say_unheard(customer, Reply::Text("好".into()), (KEY, UnixSecs(500)));
        assert_eq!((said.outbox.len(), said.facts.len(), said.reply), (1, 0, Reply::Silent));
        assert_eq!(said.outbox[0].id, WorkId::new("late/0000000000000007"));
        assert!(said.customer.recent.earned(KEY).unwrap().reply.is_silent(), "known, and not said again");
    }

    #[test]
    fn silence_stays_silence_and_an_interim_answer_gives_way_to_its_outcome() {
        let mut silent = decided(Reply::Silent);
        say_by_message(&mut silent, (KEY, UnixSecs(500)));
        assert_eq!(silent.outbox, []);
        let mut interim = Decision { wait_for: Some("ask".into()), ..decided(Reply::Text("正在查询".into())) };
        say_by_message(&mut interim, (KEY, UnixSecs(500)));
        assert_eq!((interim.outbox.len(), interim.wait_for), (0, None));
    }

    #[test]
    fn what_a_lost_record_may_have_asked_is_asked_after_first() {
        let ask = |key: Option<&str>| {
            let question =
                Question { connector: "place".into(), values: Values::new(), idempotency_key: key.map(str::to_owned) };
            Task::Ask { action: "buy".into(), question, memo: Values::new() }
        };
        let work = |task| Work { task, ..message(Reply::Silent, (KEY, UnixSecs(1))) };
        let mut decision = decided(Reply::Silent);
        decision.outbox = vec![work(ask(Some("K"))), work(ask(None)), work(Task::Send(Reply::Silent))];
        let placed = crate::domain::sample::wechat_order("1", &[]);
        let origin = placed.origin;
        decision.customer.orders.put(placed);
        ask_first(&mut decision, origin);
        let is_marked = |work: &Work| matches!(&work.task, Task::Ask { memo, .. } if memo.contains_key(ASKED_BEFORE));
        assert_eq!(decision.outbox.iter().map(is_marked).collect::<Vec<_>>(), [true, false, false]);
        assert!(decision.customer.orders.all().all(|order| order.puts.before));
        let mut elsewhere = decided(Reply::Silent);
        elsewhere.customer.orders.put(crate::domain::sample::wechat_order("1", &[]));
        ask_first(&mut elsewhere, DedupeKey(origin.0 ^ 1));
        assert!(elsewhere.customer.orders.all().all(|order| !order.puts.before), "an order of before");
    }

    #[test]
    fn what_was_heard_is_not_said_again() {
        let mut decision = Decision { wait_for: Some("ask".into()), ..decided(Reply::Text("好".into())) };
        say_nothing(&mut decision);
        assert_eq!((decision.reply, decision.wait_for, decision.outbox.len()), (Reply::Silent, None, 0));
    }
}
