//! Which action a delivery means: a dialogue that waits for words, a menu key, a keyword, a moment.

use super::actions::{Entry, Kind, Needs};
use super::customer::Customer;
use super::decision::Moment;
use super::ids::ActionKey;
use super::inbound::Inbound;
use super::playbook::Playbook;

/// Where a delivery goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route<'a> {
    /// An action answers.
    Act {
        /// Its key.
        key: &'a ActionKey,
        /// The action.
        kind: &'a Kind,
        /// How the customer came to it.
        entry: Entry<'a>,
    },
    /// Nothing is said: a report of the platform, or a person has the chat.
    Quiet,
}

/// Finds the action.
pub fn route<'a>(
    _playbook: &'a Playbook,
    _customer: &'a Customer,
    _inbound: &'a Inbound,
    _moment: Moment,
) -> Route<'a> {
    Route::Quiet
}

impl Route<'_> {
    /// What must be known before the decision.
    pub fn needs(&self, _customer: &Customer, _moment: Moment) -> Needs {
        Needs::default()
    }
}
