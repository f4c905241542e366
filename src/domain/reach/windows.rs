//! The windows within which a customer takes customer-service messages (platform.md 4.9).

use serde::{Deserialize, Serialize};

use crate::domain::inbound::{Event, Message, What};
use crate::domain::time::UnixSecs;

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

/// What the open windows carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Messages left; 0 when the count is used up.
    pub left: u8,
    /// Until when.
    pub until: UnixSecs,
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

    /// What the best window carries that is open at `now`; `None` when none is open.
    pub fn room(&self, now: UnixSecs) -> Option<Room> {
        let open = [&self.by_message, &self.by_tap].into_iter().flatten().filter(|window| window.closes > now);
        let rooms = open.map(|window| Room { left: window.left, until: window.closes });
        rooms.max_by_key(|room| (room.left, room.until))
    }

    /// One customer-service message is sent: every open window carries one less.
    pub fn spend(&mut self, now: UnixSecs) {
        for window in self.open_at(now) {
            window.left = window.left.saturating_sub(1);
        }
    }

    /// A message that was spent at `spent` did not leave after all. A window that was opened since owes nothing.
    pub fn give_back(&mut self, asked: &Self, spent: UnixSecs) {
        for (window, asked, opening) in
            [(&mut self.by_message, &asked.by_message, BY_MESSAGE), (&mut self.by_tap, &asked.by_tap, BY_TAP)]
        {
            if let (Some(window), Some(asked)) = (window, asked)
                && window.closes == asked.closes
                && asked.closes > spent
                && asked.left > 0
            {
                window.left = opening.messages.min(window.left.saturating_add(1));
            }
        }
    }

    /// The platform says that the count is used up (45047).
    pub fn used_up(&mut self, now: UnixSecs) {
        for window in self.open_at(now) {
            window.left = 0;
        }
    }

    /// Whether nothing was opened between the two, whatever was sent.
    pub fn opened_like(&self, other: &Self) -> bool {
        let closes = |window: &Option<Window>| window.as_ref().map(|window| window.closes);
        closes(&self.by_message) == closes(&other.by_message) && closes(&self.by_tap) == closes(&other.by_tap)
    }

    fn open_at(&mut self, now: UnixSecs) -> impl Iterator<Item = &mut Window> {
        [&mut self.by_message, &mut self.by_tap].into_iter().flatten().filter(move |window| window.closes > now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn left(windows: &Windows, now: i64) -> Option<u8> {
        windows.room(UnixSecs(now)).map(|room| room.left)
    }

    #[test]
    fn a_message_opens_two_days_and_five_messages() {
        let mut windows = Windows::default();
        assert_eq!(left(&windows, 0), None);
        windows.open(BY_MESSAGE, UnixSecs(0));
        for before in (1..=5).rev() {
            assert_eq!(left(&windows, 100), Some(before));
            windows.spend(UnixSecs(100));
        }
        assert_eq!(left(&windows, 100), Some(0), "open, and used up");
        windows.open(BY_MESSAGE, UnixSecs(200));
        assert_eq!((left(&windows, 199 + 48 * 3600), left(&windows, 200 + 48 * 3600)), (Some(5), None));
    }

    #[test]
    fn the_better_of_two_open_windows_counts() {
        let mut windows = Windows::default();
        windows.open(BY_TAP, UnixSecs(0));
        assert_eq!(windows.room(UnixSecs(5)), Some(Room { left: 3, until: UnixSecs(60) }));
        windows.open(BY_MESSAGE, UnixSecs(10));
        assert_eq!(windows.room(UnixSecs(20)), Some(Room { left: 5, until: UnixSecs(10 + 48 * 3600) }));
        assert_eq!(left(&windows, 70), Some(5));
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
        assert_eq!(left(&windows, 999 + 48 * 3600), Some(4));
    }

    #[test]
    fn what_did_not_leave_is_given_back_to_the_window_it_was_taken_from() {
        let mut windows = Windows::default();
        windows.open(BY_MESSAGE, UnixSecs(0));
        let asked = windows.clone();
        windows.spend(UnixSecs(1));
        windows.open(BY_TAP, UnixSecs(2));
        windows.give_back(&asked, UnixSecs(1));
        let mut fresh = asked.clone();
        fresh.open(BY_TAP, UnixSecs(2));
        assert_eq!(windows, fresh);
        windows.give_back(&asked, UnixSecs(1));
        assert_eq!(left(&windows, 3), Some(5), "never more than it carries");
    }

    #[test]
    fn the_platforms_word_that_the_count_is_used_up_ends_it_until_the_next_act() {
        let mut windows = Windows::default();
        windows.open(BY_MESSAGE, UnixSecs(0));
        let asked = windows.clone();
        windows.used_up(UnixSecs(1));
        assert_eq!((left(&windows, 2), windows.opened_like(&asked)), (Some(0), true));
        windows.open(BY_TAP, UnixSecs(3));
        assert_eq!((left(&windows, 4), windows.opened_like(&asked)), (Some(3), false));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Opens(Opening),
        Waits(i64),
        Sends,
        SendsInVain,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => Just(Step::Opens(BY_MESSAGE)),
            1 => Just(Step::Opens(BY_TAP)),
            2 => (1..200_000_i64).prop_map(Step::Waits),
            2 => (1..30_i64).prop_map(Step::Waits),
            6 => Just(Step::Sends),
            1 => Just(Step::SendsInVain),
        ]
    }

    proptest! {
        /// Counted anew from the log of what happened, by the rule as the platform words it.
        #[test]
        fn never_more_is_sent_than_the_windows_carry_and_nothing_after_they_closed(
            steps in prop::collection::vec(step(), 0..80)
        ) {
            let mut windows = Windows::default();
            let mut now = UnixSecs(1_000_000);
            let mut opened: Vec<(Opening, UnixSecs)> = Vec::new();
            let mut sent: Vec<usize> = Vec::new();
            for step in steps {
                match step {
                    Step::Opens(opening) => {
                        windows.open(opening, now);
                        opened.push((opening, now));
                    }
                    Step::Waits(secs) => now = now.plus_secs(secs),
                    Step::Sends | Step::SendsInVain if windows.room(now).is_none_or(|room| room.left == 0) => {}
                    Step::SendsInVain => {
                        let asked = windows.clone();
                        windows.spend(now);
                        windows.give_back(&asked, now);
                        prop_assert_eq!(&windows, &asked);
                    }
                    Step::Sends => {
                        windows.spend(now);
                        sent.push(opened.len());
                        let carries = opened.iter().enumerate().any(|(nth, (opening, at))| {
                            let since = sent.iter().filter(|acts| **acts > nth).count();
                            now.secs_since(*at) < opening.secs && since <= usize::from(opening.messages)
                        });
                        prop_assert!(carries, "no window carries this one");
                    }
                }
            }
        }
    }
}
