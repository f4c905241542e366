//! The decision: from an action, a delivery and the facts loaded to a reply, changes and outgoing work.

use super::actions::Given;
use super::customer::Customer;
use super::decision::{Decision, Moment};
use super::inbound::Inbound;
use super::playbook::Playbook;
use super::question::Answer;
use super::route::Route;
use super::work::Work;

/// Whom a decision is about, and why it is made now.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The customer before.
    pub customer: &'a Customer,
    /// The delivery.
    pub inbound: &'a Inbound,
    /// Time and what is fresh.
    pub moment: Moment,
}

/// Decides one delivery. The follow state and the activity history are left to `growth::record`, which changes them
/// together with the counters.
pub fn decide(_playbook: &Playbook, subject: Subject<'_>, _route: &Route<'_>, _given: &Given) -> Decision {
    Decision { customer: subject.customer.clone(), ..Decision::default() }
}

/// Decides what becomes of outgoing work of kind [`super::work::Task::Ask`] now that its answer is there. The reply is
/// what the customer is told, by whatever path is open.
pub fn resume(_playbook: &Playbook, customer: &Customer, _work: &Work, _answer: (&Answer, Moment)) -> Decision {
    Decision { customer: customer.clone(), ..Decision::default() }
}
