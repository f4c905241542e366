//! Interaction windows and what is left of them (platform.md 4.9).

use serde::{Deserialize, Serialize};

use super::fault::ApiFault;

/// What opened a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// A message of the customer: 5 messages within 48 hours.
    Message,
    /// A tap, a follow or a scan: 3 messages within a minute.
    Tap,
}

impl Trigger {
    fn life_secs(self) -> i64 {
        match self {
            Self::Message => 48 * 3600,
            Self::Tap => 60,
        }
    }

    fn messages(self) -> u8 {
        match self {
            Self::Message => 5,
            Self::Tap => 3,
        }
    }
}

/// The windows of one customer. A new trigger replaces the older window of its kind; a message spends from every open
/// one. How overlapping windows add up is not documented, so this is the strict reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Windows(Vec<Window>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    trigger: Trigger,
    opened_at: i64,
    left: u8,
}

impl Window {
    fn is_open(&self, now: i64) -> bool {
        now.saturating_sub(self.opened_at) < self.trigger.life_secs()
    }
}

impl Windows {
    /// The customer did something that opens a window.
    pub fn open(&mut self, trigger: Trigger, at: i64) {
        self.0.retain(|w| w.trigger != trigger && w.is_open(at));
        self.0.push(Window { trigger, opened_at: at, left: trigger.messages() });
    }

    /// The customer left.
    pub fn close(&mut self) {
        self.0.clear();
    }

    /// One customer-service message goes out: 45015 without an open window, 45047 when nothing is left of it.
    pub fn spend(&mut self, now: i64) -> Result<(), ApiFault> {
        let mut open: Vec<&mut Window> = self.0.iter_mut().filter(|w| w.is_open(now)).collect();
        if open.is_empty() {
            return Err(ApiFault::new(45015, "response out of time limit or subscription is canceled"));
        }
        if open.iter().all(|w| w.left == 0) {
            return Err(ApiFault::new(45047, "out of response count limit"));
        }
        for window in &mut open {
            window.left = window.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Messages that could be sent now.
    pub fn left(&self, now: i64) -> u8 {
        self.0.iter().filter(|w| w.is_open(now)).map(|w| w.left).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<(), ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |()| 0)
    }

    #[test]
    fn a_message_opens_five_for_two_days() {
        let mut windows = Windows::default();
        assert_eq!(code(windows.spend(0)), 45015);
        windows.open(Trigger::Message, 0);
        let codes: Vec<i32> = (0..6).map(|_| code(windows.spend(100))).collect();
        assert_eq!(codes, [0, 0, 0, 0, 0, 45047]);
        windows.open(Trigger::Message, 200);
        assert_eq!(windows.left(200 + 48 * 3600 - 1), 5);
        assert_eq!(code(windows.spend(200 + 48 * 3600)), 45015);
    }

    #[test]
    fn a_tap_opens_three_for_a_minute_beside_the_message_window() {
        let mut windows = Windows::default();
        windows.open(Trigger::Tap, 0);
        assert_eq!((windows.left(59), windows.left(60)), (3, 0));
        windows.open(Trigger::Message, 60);
        windows.open(Trigger::Tap, 61);
        for _ in 0..4 {
            assert_eq!(code(windows.spend(62)), 0);
        }
        assert_eq!(windows.left(62), 1, "the tap window is spent, the message window has one left");
    }

    #[test]
    fn nothing_reaches_a_customer_who_left() {
        let mut windows = Windows::default();
        windows.open(Trigger::Message, 0);
        windows.close();
        assert_eq!(code(windows.spend(1)), 45015);
    }
}
