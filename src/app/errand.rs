//! Errands: what outgoing work asks of us and not of a business system.

use super::{App, ServedAccount};
use crate::domain::ids::OrderNumber;
use crate::domain::question::{Answer, Errand, Question};
use crate::domain::value::{Value, Values};
use crate::store::{CustomerRef, StoreError};

/// How an errand stands after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// It is done, one way or the other.
    Answered(Answer),
    /// There is nothing to be said yet: it is tried again after so many seconds.
    NotYet(i64),
}

/// What an errand is about.
pub(super) struct Sent<'a> {
    pub(super) errand: Errand,
    pub(super) question: &'a Question,
    pub(super) of: &'a CustomerRef,
    /// Which try this is, counted from 1.
    pub(super) attempt: u32,
}

impl Sent<'_> {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.question.values.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.question.values.get(name) {
            Some(Value::Integer(n)) => Some(*n),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> OrderNumber {
        OrderNumber::new(self.text("order").unwrap_or_default())
    }
}

impl App {
    /// Tries an errand.
    ///
    /// # Errors
    /// As the store answers.
    pub(super) async fn run_errand(&self, account: &ServedAccount, sent: &Sent<'_>) -> Result<Went, StoreError> {
        let done = Went::Answered(Answer::Loaded(Values::new()));
        match sent.errand {
            Errand::Prepay | Errand::Query | Errand::Close | Errand::Refund => self.at_the_till(account, sent).await,
            Errand::Call => self.call_person(account, sent).await.map(|()| done),
            Errand::Keep => self.keep_case(account, sent).await.map(|()| done),
            Errand::Forget => Ok(done),
        }
    }
}
