//! Outgoing work: what a commit leaves to be done, kept in the outbox until it is.

use serde::{Deserialize, Serialize};

use super::ids::{ActionKey, DedupeKey, WorkId};
use super::question::Question;
use super::reply::Reply;
use super::time::UnixSecs;
use super::value::{Value, Values};

/// One piece of outgoing work of one customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Named by what it is about: committing it twice leaves one.
    pub id: WorkId,
    /// The delivery that asked for it.
    pub origin: DedupeKey,
    /// When it is first tried.
    pub due: UnixSecs,
    /// After this it is of no use to the customer.
    pub expires: UnixSecs,
    /// What is to be done.
    pub task: Task,
}

/// Names work that one delivery asks for: `waiting/0000000000000007`.
pub fn id_for(purpose: &str, origin: DedupeKey) -> WorkId {
    WorkId::new(format!("{purpose}/{:016x}", origin.0))
}

impl Work {
    /// Everything in it that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let both = match &mut self.task {
            Task::Ask { question, memo, .. } => Some(question.values.values_mut().chain(memo.values_mut())),
            Task::Send(_) => None,
        };
        both.into_iter().flatten()
    }
}

const RECEIPT: &str = "/receipt";

impl Work {
    /// The name of the work that says what came of this: a receipt where it is about money.
    pub fn word_of_it(&self) -> WorkId {
        let about_money =
            matches!(&self.task, Task::Ask { question, .. } if question.idempotency_key.is_some()) || self.is_receipt();
        WorkId::new(format!("{}{}", self.id, if about_money { RECEIPT } else { "/say" }))
    }

    /// Whether it says what became of the customer's money: read twice rather than never.
    pub fn is_receipt(&self) -> bool {
        self.id.as_str().ends_with(RECEIPT)
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Say this as a customer-service message, or keep it as a note when no window is open.
    Send(Reply),
    /// Ask the business system again and resume the action with its answer.
    Ask {
        /// The action that asks.
        action: ActionKey,
        /// The question. With an idempotency key it moves money: it is asked until an answer is there.
        question: Question,
        /// What the action wants to remember until the answer is there.
        memo: Values,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_money_is_known_by_its_name() {
        let ask = |idempotency_key: Option<&str>| {
            let idempotency_key = idempotency_key.map(str::to_owned);
            let question = Question { connector: "c".into(), values: Values::new(), idempotency_key };
            let task = Task::Ask { action: "a".into(), question, memo: Values::new() };
            Work { id: "w".into(), origin: DedupeKey(1), due: UnixSecs(0), expires: UnixSecs(1), task }
        };
        assert_eq!(ask(None).word_of_it(), "w/say".into());
        let receipt = Work { id: ask(Some("k")).word_of_it(), ..ask(None) };
        assert!(receipt.is_receipt() && Work { id: receipt.word_of_it(), ..ask(None) }.is_receipt());
        assert!(!ask(Some("k")).is_receipt(), "the question itself is none");
    }
}
