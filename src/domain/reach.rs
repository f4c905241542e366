//! Reach: through which path a customer can be told something now (platform.md 4.9).

use serde::{Deserialize, Serialize};

use super::customer::Customer;
use super::inbound::{Event, Message, What};
use super::reply::Reply;
use super::time::UnixSecs;
use super::work::{Task, Work};

/// What opens a window, how long it stays open and how many messages it carries (platform.md 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Seconds it stays open.
    pub secs: i64,
    /// Customer-service messages it carries.
    pub messages: u8,
}

/// A message of the customer: 48 hours, 5 messages.
pub const BY_MESSAGE: Opening = Opening { secs: 48 * 3600, messages: 5 };
/// A tap, a follow or a scan: one minute, 3 messages.
pub const BY_TAP: Opening = Opening { secs: 60, messages: 3 };

/// The customer's open windows. A new trigger of a kind replaces the older one of that kind; what remains is the
/// larger of the two, and the platform's own word is the truth (platform.md 4.9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    by_message: Option<Window>,
    by_tap: Option<Window>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    closes: UnixSecs,
    left: u8,
}

/// How the customer can be told something now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A customer-service message; so many are left.
    CustomerService {
        /// Messages left in the best open window.
        left: u8,
    },
    /// No window is open: keep it as a note for the next visit.
    NextVisit,
}

/// What kind of window `what` opens, if any (platform.md 2.3, 4.9).
pub fn opening(what: &What) -> Option<Opening> {
    match what {
        What::Message(Message::Text { menu_id: Some(_), .. }) => Some(BY_TAP),
        What::Message(Message::Device { .. }) => None,
        What::Message(_) => Some(BY_MESSAGE),
        What::Event(event) => match event {
            Event::Subscribed { .. } | Event::Scanned { .. } | Event::MenuTapped { .. } | Event::CodeRead { .. } => {
                Some(BY_TAP)
            }
            _ => None,
        },
    }
}

impl Windows {
    /// The customer did something that opens a window at `at`.
    pub fn open(&mut self, opening: Opening, at: UnixSecs) {
        let window = Window { closes: at.plus_secs(opening.secs), left: opening.messages };
        let of_its_kind = if opening == BY_MESSAGE { &mut self.by_message } else { &mut self.by_tap };
        // A delivery that comes late must not close what a newer one has opened.
        if of_its_kind.as_ref().is_none_or(|known| known.closes <= window.closes) {
            *of_its_kind = Some(window);
        }
    }

    /// The customer left: nothing can be sent any more.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// Whether something the customer did after `moment` opened a window, whether or not it is still open.
    pub fn opened_after(&self, moment: UnixSecs) -> bool {
        let after = |window: &Option<Window>, opening: Opening| {
            window.as_ref().is_some_and(|window| window.closes > moment.plus_secs(opening.secs))
        };
        after(&self.by_message, BY_MESSAGE) || after(&self.by_tap, BY_TAP)
    }

    /// The path that is open at `now`.
    pub fn reach(&self, now: UnixSecs) -> Reach {
        let left = [&self.by_message, &self.by_tap]
            .into_iter()
            .flatten()
            .filter(|w| w.closes > now)
            .map(|w| w.left)
            .max()
            .unwrap_or(0);
        if left == 0 { Reach::NextVisit } else { Reach::CustomerService { left } }
    }

    /// One customer-service message was sent: every open window carries one less.
    pub fn spend(&mut self, now: UnixSecs) {
        for window in [&mut self.by_message, &mut self.by_tap].into_iter().flatten() {
            if window.closes > now {
                window.left = window.left.saturating_sub(1);
            }
        }
    }
}

/// What becomes of an answer that comes later than the delivery that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is sent now, as a customer-service message.
    Send,
    /// It waits as a note for the customer's next message.
    Note,
    /// It is of no use any more, or nobody is there to read it.
    Drop,
}

/// By which path a late answer to `work` goes.
pub fn deliver_later(customer: &Customer, reply: &Reply, work: &Work, now: UnixSecs) -> Delivery {
    // A chat can only be handed over in answer to a message (platform.md part 3).
    let unsayable = matches!(reply, Reply::Silent | Reply::HandOver { .. });
    if unsayable || customer.away_since().is_some() || useful_until(work, now) <= now {
        return Delivery::Drop;
    }
    match customer.windows.reach(now) {
        Reach::CustomerService { .. } => Delivery::Send,
        Reach::NextVisit => Delivery::Note,
    }
}

/// Until when a late answer to `work` may wait as a note. What became of the customer's money is worth telling also
/// after we have stopped asking.
pub fn useful_until(work: &Work, now: UnixSecs) -> UnixSecs {
    const ABOUT_MONEY_SECS: i64 = 30 * 86_400;
    match &work.task {
        Task::Ask { question, .. } if question.idempotency_key.is_some() => now.plus_secs(ABOUT_MONEY_SECS),
        Task::Ask { .. } | Task::Send(_) => work.expires,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Follow;
    use crate::domain::ids::DedupeKey;
    use crate::domain::question::Question;
    use crate::domain::time::BusinessDay;

    #[test]
    fn a_message_opens_two_days_and_five_messages() {
        let mut windows = Windows::default();
        assert_eq!(windows.reach(UnixSecs(0)), Reach::NextVisit);
        windows.open(BY_MESSAGE, UnixSecs(0));
        for left in (1..=5).rev() {
            assert_eq!(windows.reach(UnixSecs(100)), Reach::CustomerService { left });
            windows.spend(UnixSecs(100));
        }
        assert_eq!(windows.reach(UnixSecs(100)), Reach::NextVisit);
        windows.open(BY_MESSAGE, UnixSecs(200));
        assert_eq!(windows.reach(UnixSecs(200 + 48 * 3600)), Reach::NextVisit);
    }

    #[test]
    fn the_better_of_two_open_windows_counts() {
        let mut windows = Windows::default();
        windows.open(BY_TAP, UnixSecs(0));
        windows.open(BY_MESSAGE, UnixSecs(10));
        assert_eq!(windows.reach(UnixSecs(20)), Reach::CustomerService { left: 5 });
        assert_eq!(windows.reach(UnixSecs(70)), Reach::CustomerService { left: 5 });
    }

    #[test]
    fn a_tap_on_a_link_in_the_chat_counts_as_a_tap() {
        let text = Message::Text { content: "查流量".into(), menu_id: Some("1".into()) };
        assert_eq!(opening(&What::Message(text)), Some(BY_TAP));
    }

    #[test]
    fn a_late_delivery_does_not_close_a_newer_window() {
        let mut windows = Windows::default();
        windows.open(BY_MESSAGE, UnixSecs(1000));
        windows.spend(UnixSecs(1000));
        windows.open(BY_MESSAGE, UnixSecs(10));
        assert_eq!(windows.reach(UnixSecs(999 + 48 * 3600)), Reach::CustomerService { left: 4 });
    }

    #[test]
    fn a_late_answer_takes_the_path_that_is_open() {
        let reply = Reply::Text("到账了".into());
        let work = Work {
            id: "w".into(),
            origin: DedupeKey(1),
            due: UnixSecs(0),
            expires: UnixSecs(86_400),
            task: Task::Send(Reply::Silent),
        };
        let mut customer = Customer::default();
        customer.windows.open(BY_TAP, UnixSecs(0));
        assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(59)), Delivery::Send);
        assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(60)), Delivery::Note);
        assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(86_400)), Delivery::Drop);
        let question =
            Question { connector: "c".into(), values: Default::default(), idempotency_key: Some("k".into()) };
        let task = Task::Ask { action: "a".into(), question, memo: Default::default() };
        let receipt = Work { task, ..work.clone() };
        assert_eq!(deliver_later(&customer, &reply, &receipt, UnixSecs(86_400)), Delivery::Note);
        assert_eq!(deliver_later(&customer, &Reply::Silent, &work, UnixSecs(59)), Delivery::Drop);
        let hand_over = Reply::HandOver { agent: None };
        assert_eq!(deliver_later(&customer, &hand_over, &work, UnixSecs(59)), Delivery::Drop);
        customer.follow =
            Follow { first_day: Some(BusinessDay(1)), changed_at: Some(UnixSecs(1)), ..Follow::default() };
        assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(59)), Delivery::Drop, "has left");
        customer.windows.open(BY_TAP, UnixSecs(2));
        assert_eq!(deliver_later(&customer, &reply, &work, UnixSecs(59)), Delivery::Send, "is back");
    }
}
