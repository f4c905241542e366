//! The orders of one customer, as their record keeps them.

use serde::{Deserialize, Serialize};

use super::Order;
use crate::domain::ids::{ActionKey, DedupeKey, OrderNumber};
use crate::domain::value::Value;

/// So many orders are kept of a customer. Those that have ended give way, the oldest first; what is still under way never
/// does, and whoever has so many under way is asked to wait.
pub const MOST_ORDERS: usize = 12;

/// Orders, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders(Vec<Order>);

impl Orders {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.0.iter()
    }

    /// The order of this number.
    pub fn get(&self, number: &OrderNumber) -> Option<&Order> {
        self.0.iter().find(|order| order.number == *number)
    }

    /// The latest that this action took.
    pub fn latest_of(&self, action: &ActionKey) -> Option<&Order> {
        self.0.iter().rfind(|order| order.action == *action)
    }

    /// Whether one more can be taken.
    pub fn has_room(&self) -> bool {
        self.0.len() < MOST_ORDERS || self.0.iter().any(Order::is_over)
    }

    /// Keeps this one, in place of what was kept under its number.
    pub fn put(&mut self, order: Order) {
        if let Some(known) = self.0.iter_mut().find(|known| known.number == order.number) {
            *known = order;
            return;
        }
        self.0.push(order);
        let newest = self.0.len() - 1;
        if self.0.len() > MOST_ORDERS
            && let Some(ended) = self.0.iter().take(newest).position(Order::is_over)
        {
            self.0.remove(ended);
        }
    }

    /// What this delivery ordered may have been put to the business system by a record that is lost.
    pub fn may_have_been_put(&mut self, origin: DedupeKey) {
        self.0.iter_mut().filter(|order| order.origin == origin).for_each(|order| order.puts.before = true);
    }

    /// Everything in them that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().flat_map(|order| order.details.values_mut())
    }

    /// Whether one of them is under way: money or a service is still owed, or a person has to look at it.
    pub fn are_open(&self) -> bool {
        self.0.iter().any(|order| !order.is_over())
    }

    /// Keeps only what has not ended: it is still done as it was ordered, and how it ends is still to be recorded when
    /// somebody has left.
    pub fn forget(&mut self) {
        self.0.retain(|order| !order.is_over());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::{Happening, Paid, Payment, Verdict, judge};
    use crate::domain::pay::{Fen, TransactionId};
    use crate::domain::time::UnixSecs;
    use crate::domain::value::Values;

    fn order(number: usize, happenings: &[Happening]) -> Order {
        let draft = Order {
            number: OrderNumber::new(format!("{number:06}")),
            action: if number.is_multiple_of(2) { "even".into() } else { "odd".into() },
            code: "c".into(),
            label: "包".into(),
            origin: DedupeKey(7),
            amount: Fen(100),
            agreed_at: None,
            moved_at: UnixSecs(0),
            learned: None,
            payment: Payment::ByBusiness,
            business: Default::default(),
            person: None,
            details: Values::new(),
            puts: Default::default(),
            points: 0,
        };
        happenings.iter().fold(draft, |order, happening| match judge(&order, happening, UnixSecs(1)) {
            Verdict::New { order, .. } => *order,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_has_ended_gives_way_and_what_is_under_way_stays() {
        let mut orders = Orders::default();
        assert!(orders.is_empty() && orders.has_room());
        for number in 0..MOST_ORDERS {
            let ended = [Happening::Agreed, Happening::Fulfilled];
            orders.put(order(number, if number == 1 || number == 3 { &ended } else { &ended[..1] }));
        }
        assert!(orders.has_room());
        orders.put(order(20, &[Happening::Agreed]));
        orders.put(order(21, &[Happening::Agreed]));
        assert_eq!(orders.all().count(), MOST_ORDERS);
        assert!(orders.get(&"000001".into()).is_none() && orders.get(&"000003".into()).is_none());
        assert!(!orders.has_room(), "all of them are under way");
        assert_eq!(orders.latest_of(&"odd".into()).unwrap().number, "000021".into());
        orders.put(order(21, &[Happening::Agreed, Happening::Refused]));
        assert_eq!(orders.all().count(), MOST_ORDERS);
        assert!(orders.has_room());
        orders.forget();
        assert!(orders.get(&"000021".into()).is_none() && orders.get(&"000020".into()).is_some());
        assert_eq!(orders.latest_of(&"none".into()), None);
    }

    #[test]
    fn a_draft_gives_way_like_what_has_ended_and_money_that_came_twice_does_not() {
        let mut orders = Orders::default();
        for number in 0..MOST_ORDERS {
            orders.put(order(number, if number == 5 { &[] } else { &[Happening::Agreed] }));
        }
        assert!(orders.has_room());
        orders.put(order(20, &[Happening::Agreed]));
        assert!(orders.get(&"000005".into()).is_none() && !orders.has_room());
        let paid = |transaction: &str| {
            let transaction = TransactionId::new(transaction).unwrap();
            Happening::Paid(Paid { transaction, total: Fen(100), at: UnixSecs(1) })
        };
        let mut by_wechat = order(21, &[]);
        by_wechat.payment = Payment::ByWeChat(Default::default());
        for happening in [Happening::Agreed, paid("T"), Happening::Fulfilled, paid("U")] {
            let Verdict::New { order, .. } = judge(&by_wechat, &happening, UnixSecs(1)) else {
                panic!("{happening:?}")
            };
            by_wechat = *order;
        }
        assert!(by_wechat.state().is_final() && !by_wechat.is_over() && by_wechat.needs_person());
    }

    #[test]
    fn who_has_left_is_still_sent_what_they_ordered_and_leaves_no_word_of_what_has_ended() {
        let mut orders = Orders::default();
        for (number, happenings) in [(1, &[Happening::Agreed][..]), (2, &[Happening::Agreed, Happening::Fulfilled])] {
            let mut told = order(number, happenings);
            told.details.insert("address".into(), "某路 1 号".into());
            orders.put(told);
        }
        assert!(orders.are_open());
        orders.forget();
        assert_eq!(orders.get(&"000001".into()).unwrap().details.len(), 1);
        assert!(orders.get(&"000002".into()).is_none() && orders.are_open());
        orders.put(order(1, &[Happening::Agreed, Happening::Refused]));
        assert!(!orders.are_open());
    }
}
