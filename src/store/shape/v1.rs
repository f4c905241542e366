//! Shapes as version 1 wrote them, for reading only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::v2::{Follow, Note};
use crate::domain::actions::Memory;
use crate::domain::customer::{Activity, Customer as Today, Dialogue, TappedKey};
use crate::domain::ids::ActionKey;
use crate::domain::reach::Windows;
use crate::domain::recent::Recent;
use crate::domain::time::UnixSecs;

/// A customer before the ways to them were kept. The types inside have not changed since; when one does, it needs its
/// old self here.
#[derive(Serialize, Deserialize)]
pub(super) struct Customer {
    recent: Recent,
    follow: Follow,
    activity: Option<Activity>,
    tapped: Vec<TappedKey>,
    windows: Windows,
    notes: Vec<Note>,
    dialogue: Option<Dialogue>,
    with_agent_since: Option<UnixSecs>,
    memory: BTreeMap<ActionKey, Memory>,
}

impl From<Customer> for Today {
    fn from(old: Customer) -> Self {
        let Customer { recent, follow, activity, tapped, windows, notes, dialogue, with_agent_since, memory } = old;
        let notes = notes.into_iter().map(Into::into).collect();
        let mut today = Self {
            recent,
            follow: follow.into(),
            activity,
            tapped,
            windows,
            notes,
            dialogue,
            with_agent_since,
            memory,
            ..Self::default()
        };
        today.take_over_orders();
        today
    }
}
