//! The money of orders as metrics, in fen: what came in, what was done for it, what went back. What is under way is
//! charged + called_off - fulfilled - returned. These count since the process began; where all orders stand is told anew
//! every day, from the facts ([`tell_standing`]).

use std::collections::BTreeMap;

use super::App;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::ids::AccountId;
use crate::domain::order::{Reason, State};

/// Money of orders that are paid by WeChat Pay, by account, action and what became of it.
const MOVED: &str = "fuwu_order_fen_total";
/// What all orders cost that stand at a state, by account and state.
const STANDING: &str = "fuwu_orders_standing_fen";

/// What a step of an order means for money.
fn meant((from, to): (State, State), reason: Reason) -> Option<&'static str> {
    match (from, to, reason) {
        (_, _, Reason::MoneyCame | Reason::PaidTooLate | Reason::AmountDiffers) => Some("charged"),
        (_, State::Done, _) => Some("fulfilled"),
        (State::Done, ..) => Some("called_off"),
        (_, State::Refunded, _) => Some("returned"),
        _ => None,
    }
}

impl App {
    /// Counts what committed facts tell of money that we took ourselves.
    pub(super) fn count_money(&self, account: &AccountId, facts: &[Fact]) {
        for fact in facts {
            let FactKind::OrderMoved { action, amount_fen, from, to, reason, .. } = &fact.what else { continue };
            let Some(what) = meant((*from, *to), *reason) else { continue };
            let playbook = self.accounts.get(account).map(|served| served.playbook());
            let kind = playbook.as_ref().and_then(|playbook| playbook.actions.get(action));
            if kind.is_none_or(|kind| kind.as_action().takes_payments()) {
                let labels = [("account", account.to_string()), ("action", action.to_string()), ("what", what.into())];
                metrics::counter!(MOVED, &labels).increment(u64::try_from(*amount_fen).unwrap_or_default());
            }
        }
    }
}

/// Where the orders of an account stand, in fen, by all the facts there are of them.
#[derive(Debug, Default)]
pub(super) struct Standing(BTreeMap<State, i64>);

impl Standing {
    /// One more fact.
    pub(super) fn learn(&mut self, what: &FactKind) {
        if let FactKind::OrderMoved { amount_fen, from, to, .. } = what {
            *self.0.entry(*from).or_default() -= amount_fen;
            *self.0.entry(*to).or_default() += amount_fen;
        }
    }
}

/// Tells where all orders of an account stand. Drafts are no orders.
#[expect(clippy::cast_precision_loss, reason = "fen far below the integers that a metric holds exactly")]
pub(super) fn tell_standing(account: &AccountId, Standing(standing): &Standing) {
    for state in State::ALL.into_iter().filter(|state| *state != State::Draft) {
        let fen = standing.get(&state).copied().unwrap_or_default();
        let labels = [("account", account.to_string()), ("state", state.as_str().to_owned())];
        metrics::gauge!(STANDING, &labels).set(fen as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: State, to: State) -> FactKind {
        let (order, action, reason) = ("1".into(), "buy".into(), Reason::Agreed);
        FactKind::OrderMoved { order, action, amount_fen: 2000, from, to, reason }
    }

    #[test]
    fn what_is_charged_is_fulfilled_returned_or_under_way() {
        use Reason as Why;
        use State as At;
        let done = [
            (At::AwaitingPayment, At::Paid, Why::MoneyCame),
            (At::Paid, At::Fulfilling, Why::Asked),
            (At::Fulfilling, At::Done, Why::BusinessDid),
        ];
        let called_off = [(At::Done, At::Refunding, Why::PersonDecided), (At::Refunding, At::Refunded, Why::MoneyBack)];
        let late = [(At::Failed, At::Refunding, Why::PaidTooLate), (At::Refunding, At::Refunded, Why::MoneyBack)];
        let under_way = |steps: &[(At, At, Why)]| {
            let of = |(from, to, why): &(At, At, Why)| match meant((*from, *to), *why) {
                Some("charged" | "called_off") => 1,
                Some(_) => -1,
                None => 0,
            };
            steps.iter().map(of).sum::<i32>()
        };
        assert_eq!((under_way(&done[..1]), under_way(&done[..2]), under_way(&done)), (1, 1, 0));
        assert_eq!(under_way(&[done.as_slice(), called_off.get(..1).unwrap()].concat()), 1);
        assert_eq!(
            under_way(&[done, [called_off[0], called_off[1], (At::Draft, At::Confirmed, Why::Agreed)]].concat()),
            0
        );
        assert_eq!((under_way(&late[..1]), under_way(&late)), (1, 0));
    }

    #[test]
    fn every_order_stands_somewhere_once() {
        let mut standing = Standing::default();
        for (from, to) in [
            (State::Draft, State::Confirmed),
            (State::Confirmed, State::AwaitingPayment),
            (State::Draft, State::Confirmed),
            (State::AwaitingPayment, State::Failed),
        ] {
            standing.learn(&moved(from, to));
        }
        standing.learn(&FactKind::Messaged);
        let at = |state| standing.0.get(&state).copied().unwrap_or_default();
        assert_eq!(at(State::Confirmed) + at(State::AwaitingPayment) + at(State::Failed), 4000);
        assert_eq!((at(State::AwaitingPayment), at(State::Failed), at(State::Draft)), (0, 2000, -4000));
    }
}
