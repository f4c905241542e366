//! Outgoing work: what a commit leaves to be done, kept in the outbox until it is.

use serde::{Deserialize, Serialize};

use super::ids::{ActionKey, DedupeKey, WorkId};
use super::question::Question;
use super::reply::Reply;
use super::time::UnixSecs;
use super::value::Values;

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
