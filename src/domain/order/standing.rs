//! From what is known of an order to how it stands.

use super::{Back, Business, Decided, Money, Order, Paid, Payment, Reason, State};

impl Order {
    /// How it stands.
    pub fn state(&self) -> State {
        if self.agreed_at.is_none() {
            return State::Draft;
        }
        match &self.payment {
            Payment::ByBusiness => self.without_payment(),
            Payment::ByWeChat(money) => match &money.paid {
                None => self.unpaid(money),
                Some(paid) => self.paid_for(money, paid),
            },
        }
    }

    fn without_payment(&self) -> State {
        match (self.business, self.person) {
            (Business::Did | Business::DidAfterAll, _) => State::Done,
            (Business::Refused, _) => State::Failed,
            (Business::Silent, None) => State::NeedsPerson,
            (Business::Silent, Some(Decided::Done)) => State::Done,
            (Business::Silent, Some(Decided::Undone | Decided::Returned)) => State::Failed,
            (Business::Asked, _) => State::Fulfilling,
            (Business::NotAsked, _) => State::Confirmed,
        }
    }

    fn unpaid(&self, money: &Money) -> State {
        match (money.ended, self.person, &money.prepay_id) {
            (Some(Reason::PaymentSilent), None, _) => State::NeedsPerson,
            (Some(Reason::PaymentSilent), Some(Decided::Done), _) => State::Done,
            (Some(_), _, _) => State::Failed,
            (None, _, Some(_)) => State::AwaitingPayment,
            (None, _, None) => State::Confirmed,
        }
    }

    fn paid_for(&self, money: &Money, paid: &Paid) -> State {
        let decided = self.person.is_some();
        let is_whole = paid.total == self.amount && money.left() == paid.total;
        match (money.back, self.business) {
            (Back::No, Business::Did | Business::DidAfterAll) => State::Done,
            (Back::No, Business::Asked) => State::Fulfilling,
            (Back::No | Back::Failed | Back::Unclear, _) if self.person == Some(Decided::Done) => State::Done,
            (Back::No, Business::NotAsked) if is_whole => State::Paid,
            (Back::No | Back::Failed | Back::Unclear, _) => State::NeedsPerson,
            // Done and paid back, and nobody wanted both.
            (Back::Asked, Business::DidAfterAll) if !decided => State::NeedsPerson,
            (Back::Asked, _) => State::Refunding,
            // It is done, or may still be, and then nothing has paid for it.
            (
                Back::Done | Back::DoneOutside,
                Business::Did | Business::DidAfterAll | Business::Asked | Business::Silent,
            ) if !decided => State::NeedsPerson,
            (Back::Done | Back::DoneOutside, _) => State::Refunded,
        }
    }
}
