//! Orders as versions before the order machine remembered them. Nothing writes them any more; a record that holds some
//! is read as one that holds orders.

use serde::{Deserialize, Serialize};

use crate::domain::fact::OrderOutcome;
use crate::domain::ids::{ActionKey, DedupeKey};
use crate::domain::order::{Business, Order, Payment};
use crate::domain::pay::Fen;
use crate::domain::time::UnixSecs;
use crate::domain::value::Values;

/// What was remembered of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The order number.
    pub order: String,
    /// What was bought, as the customer read it.
    pub label: String,
    /// Amount in fen.
    pub amount_fen: i64,
    /// When it was placed.
    pub at: UnixSecs,
    /// How it stands.
    pub outcome: OrderOutcome,
}

impl Mark {
    /// The order that it is. What was bought is known by its label only.
    pub fn into_order(self, action: &ActionKey) -> Order {
        let business = match self.outcome {
            OrderOutcome::Placed => Business::Asked,
            OrderOutcome::Done => Business::Did,
            OrderOutcome::Refused => Business::Refused,
            OrderOutcome::Unknown => Business::Silent,
        };
        Order {
            number: self.order.as_str().into(),
            action: action.clone(),
            origin: DedupeKey(0),
            code: String::new(),
            label: self.label,
            amount: Fen(self.amount_fen),
            agreed_at: Some(self.at),
            moved_at: self.at,
            learned: None,
            payment: Payment::ByBusiness,
            business,
            person: None,
            details: Values::new(),
            puts: Default::default(),
            points: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::State;

    #[test]
    fn an_order_of_old_stands_where_it_stood() {
        for (outcome, state) in [
            (OrderOutcome::Placed, State::Fulfilling),
            (OrderOutcome::Done, State::Done),
            (OrderOutcome::Refused, State::Failed),
            (OrderOutcome::Unknown, State::NeedsPerson),
        ] {
            let mark = Mark { order: "7".into(), label: "包".into(), amount_fen: 500, at: UnixSecs(9), outcome };
            let order = mark.into_order(&"buy".into());
            assert_eq!((order.state(), order.number.as_str(), order.amount), (state, "7", Fen(500)));
            assert_eq!((order.action, order.agreed_at), ("buy".into(), Some(UnixSecs(9))));
        }
    }
}
