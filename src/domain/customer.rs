//! One customer of one account: everything a decision may depend on, in one record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::actions::Memory;
use super::ids::{ActionKey, Scene};
use super::notes::Note;
use super::reach::Windows;
use super::recent::Recent;
use super::time::{BusinessDay, UnixSecs};
use super::value::Values;

/// A customer's record. It is stored as one value with a format version (`store::shape`): when a field changes,
/// that version rises and the old shape is still read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Deliveries of the last minutes and the replies they earned.
    pub recent: Recent,
    /// Following, and since when.
    pub follow: Follow,
    /// On which days the customer was active (growth.md 5.1).
    pub activity: Option<Activity>,
    /// Through which windows the customer can be reached now (platform.md 4.9).
    pub windows: Windows,
    /// What could not be said yet.
    pub notes: Vec<Note>,
    /// The dialogue the customer is in.
    pub dialogue: Option<Dialogue>,
    /// A person has the chat since then; the playbook is silent.
    pub with_agent_since: Option<UnixSecs>,
    /// What single actions remember of the customer.
    pub memory: BTreeMap<ActionKey, Memory>,
}

/// The follow state (growth.md 1.3): only transitions count, so repeated pushes are harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Whether the customer follows now.
    pub following: bool,
    /// The day of the first follow ever; a later one is a re-follow and never new.
    pub first_day: Option<BusinessDay>,
    /// The day the present spell began.
    pub spell_day: Option<BusinessDay>,
    /// The scene of the first follow: the first-touch channel, fixed for good.
    pub first_scene: Option<Scene>,
    /// When the latest transition happened by the platform's clock.
    pub changed_at: Option<UnixSecs>,
    /// End (exclusive) of the emitted active-follower coverage (growth.md 5.2, `cu`).
    pub covered_until: Option<BusinessDay>,
}

/// 24 bytes of activity history (growth.md 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The first active day.
    pub first: BusinessDay,
    /// The latest active day.
    pub last: BusinessDay,
    /// Bit i is set when the customer was active on day `last - i`.
    pub bits: u128,
}

/// Where the customer stands in a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The action whose dialogue it is.
    pub action: ActionKey,
    /// The action's own name of the step.
    pub step: String,
    /// What was chosen so far.
    pub slots: Values,
    /// From then on it is over.
    pub expires: UnixSecs,
}
