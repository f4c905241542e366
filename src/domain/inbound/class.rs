//! How much a delivery matters when there are more than can be served (reliability.md part 5).

use super::{Coupon, Event, What};

/// A class of deliveries. Under load the last one is put off first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Something of value hangs on it: a follow, a scan, a card used or paid.
    Value,
    /// A customer looks at the screen and waits.
    Customer,
    /// The platform tells something; nobody waits.
    Report,
}

impl Class {
    /// Every class, the most valuable first.
    pub const ALL: [Self; 3] = [Self::Value, Self::Customer, Self::Report];

    /// Its label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Customer => "customer",
            Self::Report => "report",
        }
    }
}

impl What {
    /// The class a delivery belongs to.
    pub fn class(&self) -> Class {
        match self {
            Self::Message(_) => Class::Customer,
            Self::Event(event) => match event {
                Event::Subscribed { .. }
                | Event::Unsubscribed
                | Event::Scanned { .. }
                | Event::SubscriptionsAnswered(_)
                | Event::SubscriptionsChanged(_)
                | Event::AuthorizationRevoked(_)
                | Event::AccountCancelled(_)
                | Event::Coupon(
                    Coupon::Taken { .. } | Coupon::Gifted { .. } | Coupon::Consumed { .. } | Coupon::Paid { .. },
                ) => Class::Value,
                Event::LinkOpened { .. } | Event::MiniProgramOpened { .. } => Class::Report,
                _ if self.is_customer_initiated() => Class::Customer,
                _ => Class::Report,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inbound::Message;

    #[test]
    fn a_follow_is_worth_most_and_a_report_waits_for_everybody() {
        let class = |event: Event| What::Event(event).class();
        assert_eq!(class(Event::Subscribed { scene: None, ticket: None, other_key: None }), Class::Value);
        assert_eq!(class(Event::Unsubscribed), Class::Value);
        assert_eq!(class(Event::Scanned { scene: "a".into(), ticket: None }), Class::Value);
        assert_eq!(class(Event::MenuTapped { key: "a".into() }), Class::Customer);
        assert_eq!(What::Message(Message::Unsupported).class(), Class::Customer);
        // The page opens whether we answer or not.
        assert_eq!(class(Event::LinkOpened { url: String::new(), menu_id: None }), Class::Report);
        assert_eq!(class(Event::LocationReported { latitude: None, longitude: None, precision: None }), Class::Report);
    }
}
