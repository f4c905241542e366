//! What was decided: a value that says what should happen. The shell makes it so, in one commit.

use super::customer::Customer;
use super::fact::FactKind;
use super::ids::{DedupeKey, WorkId};
use super::notice::Noticed;
use super::reply::Reply;
use super::time::UnixSecs;
use super::work::Work;

/// What a decision is made from besides the playbook and the customer: everything that varies, handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Now, by our clock.
    pub now: UnixSecs,
    /// When the customer acted, by the platform's clock.
    pub at: UnixSecs,
    /// The delivery that asks.
    pub key: DedupeKey,
    /// 64 fresh random bits, the same when the decision is made again after a conflict.
    pub fresh: u64,
}

/// A decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What is said at once.
    pub reply: Reply,
    /// The customer afterwards.
    pub customer: Customer,
    /// What happened, in order.
    pub facts: Vec<FactKind>,
    /// What is left to be done.
    pub outbox: Vec<Work>,
    /// The one piece of `outbox` whose outcome may still become the answer, if it is there in time. Until then
    /// `reply` is the interim answer.
    pub wait_for: Option<WorkId>,
    /// The notice that may carry the reply, if it comes when no window is open.
    pub notice: Option<Noticed>,
    /// What in the playbook did not work, for the operator: action and cause. Never shown to a customer.
    pub faults: Vec<String>,
}
