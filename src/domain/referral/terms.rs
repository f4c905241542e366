//! The terms of an invite, fixed for good when the friend comes (growth.md 1.8): a later edit never prices the past anew.

use serde::{Deserialize, Serialize};

use crate::domain::ids::ActionKey;

/// What has to happen until an invite counts, and what takes it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// On so many different days after the first the friend has to be active; none: it is enough to come.
    pub active_days: u8,
    /// Counting from the day after the first follow, within so many days.
    pub within_days: u8,
    /// The friend stays for so many days after the day of the first follow.
    pub hold_days: u8,
    /// Instead of active days: an order of this action that is done within the time.
    pub goal: Option<ActionKey>,
    /// What an unfollow within `hold_days` takes back.
    pub claw_back: ClawBack,
}

/// What a friend who leaves too early takes back (scrm.md 2.1 step 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClawBack {
    /// Nothing: it is only counted.
    Never,
    /// The invite. A reward is given once an invite is held no longer, so there is none to take back.
    #[default]
    Invite,
}

impl Terms {
    /// The longest wait that a campaign may set; a customer's days are known for longer than this.
    pub const MOST_DAYS: u8 = 60;
}
