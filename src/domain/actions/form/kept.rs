//! What is remembered of the forms a customer filled.

use serde::{Deserialize, Serialize};

use super::super::{Memory, View};
use crate::domain::customer::Customer;
use crate::domain::fact::OrderOutcome;
use crate::domain::form::Progress;
use crate::domain::ids::{ActionKey, PoolKey};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

/// So many that were handed in are remembered of a customer.
const MAX_SENT: usize = 3;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The one that is being filled.
    pub draft: Option<Draft>,
    /// The latest that were handed in, oldest first.
    pub sent: Vec<Sent>,
}

/// One that is being filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Its number, computed from the delivery that began it: the idempotency key when it is handed in.
    pub number: String,
    /// How far it came.
    pub progress: Progress,
    /// It is taken away then.
    pub until: UnixSecs,
    /// Work that takes it away is on its way.
    pub is_timed: bool,
    /// What is held for it.
    pub hold: Option<Hold>,
}

/// Something of a pool that is held, or was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Of which pool.
    pub pool: PoolKey,
    /// What it is held for, as the pool knows it.
    pub by: String,
    /// Which; empty where all are alike.
    pub item: String,
    /// Until then.
    pub until: UnixSecs,
}

/// One that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its number.
    pub number: String,
    /// When.
    pub at: UnixSecs,
    /// How it stands.
    pub outcome: OrderOutcome,
    /// What was answered, as long as that is kept.
    pub answers: Values,
    /// What is held for it, until it is taken or given back.
    pub hold: Option<Hold>,
}

/// The forms of an action, whatever kind of action it is by now.
pub fn kept_of<'c>(customer: &'c Customer, action: &ActionKey) -> Option<&'c Kept> {
    let form = |memory: Option<&'c Memory>| match memory {
        Some(Memory::Form(kept)) => Some(kept),
        _ => None,
    };
    form(customer.memory.get(action)).or_else(|| form(customer.memory.get(&aside(action))))
}

/// Remembers for an action. What another kind of action remembers under the same key does not take the place of forms that
/// were handed in, nor the other way round.
pub fn remember(customer: &mut Customer, action: &ActionKey, memory: Memory) {
    let was = customer.memory.get(action);
    let is_form = |memory: &Memory| matches!(memory, Memory::Form(_));
    if is_form(&memory) && was.is_some_and(|was| !is_form(was)) {
        customer.memory.insert(aside(action), memory);
        return;
    }
    let is_put_aside = !is_form(&memory) && was.is_some_and(is_form);
    if let Some(forms) = customer.memory.insert(action.clone(), memory).filter(|_| is_put_aside) {
        customer.memory.insert(aside(action), forms);
    }
}

/// Where forms are kept while their key belongs to another kind of action: no key of a playbook looks so.
fn aside(action: &ActionKey) -> ActionKey {
    ActionKey::new(format!("{action} (form)"))
}

impl Kept {
    /// What the action of this view remembers.
    pub(super) fn of(view: &View<'_>) -> Self {
        kept_of(view.customer, view.action).cloned().unwrap_or_default()
    }

    /// Everything in it that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let draft = self.draft.iter_mut().flat_map(|draft| draft.progress.answers.values_mut());
        draft.chain(self.sent.iter_mut().flat_map(|sent| sent.answers.values_mut()))
    }

    /// Forgets what was written, for a customer who left; says whether anything on its way is left.
    pub fn forget(&mut self) -> bool {
        self.draft = None;
        self.sent.retain(Sent::is_open);
        self.sent.iter_mut().for_each(|sent| sent.answers.clear());
        !self.sent.is_empty()
    }

    /// The one of this number that was handed in.
    pub(super) fn sent_mut(&mut self, number: &str) -> Option<&mut Sent> {
        self.sent.iter_mut().find(|sent| sent.number == number)
    }

    pub(super) fn add(&mut self, sent: Sent) {
        self.sent.push(sent);
        while self.sent.len() > MAX_SENT {
            let over = self.sent.iter().position(|sent| !sent.is_open()).unwrap_or(0);
            self.sent.remove(over);
        }
    }

    #[cfg(test)]
    pub(in crate::domain::actions) fn sample() -> Self {
        let hold = || Hold { pool: "p".into(), by: "7/1".into(), item: "170".into(), until: UnixSecs(9) };
        let answers = Values::from([("a".to_owned(), Value::from("x"))]);
        let progress =
            Progress { answers: answers.clone(), at: "b".into(), wrong: 1, offers: vec!["170".into()], page: 2 };
        let draft = Draft { number: "7".into(), progress, until: UnixSecs(9), is_timed: true, hold: Some(hold()) };
        let outcome = OrderOutcome::Done;
        let sent = Sent { number: "6".into(), at: UnixSecs(3), outcome, answers, hold: None };
        Self { draft: Some(draft), sent: vec![sent] }
    }
}

impl Sent {
    /// Whether something is still to come of it: an answer, a person's decision, or what is held for it has to be taken or
    /// given back.
    pub fn is_open(&self) -> bool {
        matches!(self.outcome, OrderOutcome::Placed | OrderOutcome::Unknown) || self.hold.is_some()
    }
}

impl Draft {
    /// What is held for it at this moment.
    pub(super) fn held(&self, now: UnixSecs) -> Option<&str> {
        self.hold.as_ref().filter(|hold| hold.until > now).map(|hold| hold.item.as_str())
    }

    /// Whether what was held for it is free again without the customer having been told.
    pub(super) fn has_lapsed(&self, now: UnixSecs) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.until <= now)
    }

    /// Whether there is something to go on with.
    pub(super) fn is_begun(&self, now: UnixSecs) -> bool {
        !self.progress.answers.is_empty() && self.until > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_customer_who_left_only_what_is_on_its_way_is_kept_and_no_word_of_it() {
        let mut kept = Kept::sample();
        assert!(!kept.clone().forget());
        let mut held = kept.clone();
        held.sent[0].hold = kept.draft.as_ref().unwrap().hold.clone();
        assert!(held.forget(), "it is still to be taken, or given back");
        let mut unknown = kept.clone();
        unknown.sent[0].outcome = OrderOutcome::Unknown;
        assert!(unknown.forget(), "a person is still to decide");
        kept.sent[0].outcome = OrderOutcome::Placed;
        assert!(kept.forget());
        assert_eq!((kept.draft, kept.sent.len(), kept.sent[0].answers.len()), (None, 1, 0));
    }

    #[test]
    fn what_is_on_its_way_is_not_pushed_out_by_what_is_over() {
        let mut kept = Kept::default();
        let sent =
            |number: usize, outcome| Sent { number: number.to_string(), outcome, ..Kept::sample().sent.remove(0) };
        kept.add(sent(0, OrderOutcome::Placed));
        kept.add(sent(10, OrderOutcome::Unknown));
        (1..9).for_each(|number| kept.add(sent(number, OrderOutcome::Done)));
        let numbers: Vec<&str> = kept.sent.iter().map(|sent| sent.number.as_str()).collect();
        assert_eq!(numbers, ["0", "10", "8"]);
    }

    #[test]
    fn every_answer_is_where_the_seal_finds_it() {
        assert_eq!(Kept::sample().values_mut().count(), 2);
    }
}
