//! Shapes as version 2 wrote them, for reading only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::actions::Memory;
use crate::domain::customer::{Activity, Customer as Today, Dialogue, Follow, TappedKey};
use crate::domain::ids::ActionKey;
use crate::domain::reach::{Ways, Windows};
use crate::domain::recent::Recent;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

/// A note before it was known whether it is about money.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    reply: Reply,
    expires: UnixSecs,
}

impl From<Note> for crate::domain::notes::Note {
    fn from(Note { reply, expires }: Note) -> Self {
        Self { reply, expires, is_receipt: false }
    }
}

/// A customer before orders and numbers had places of their own. The types inside have not changed since; when one does,
/// it needs its old self here.
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
    ways: Ways,
}

impl From<Customer> for Today {
    fn from(old: Customer) -> Self {
        let Customer { recent, follow, activity, tapped, windows, notes, dialogue, with_agent_since, memory, ways } =
            old;
        let mut today = Self {
            recent,
            follow,
            activity,
            tapped,
            windows,
            notes: notes.into_iter().map(Into::into).collect(),
            dialogue,
            with_agent_since,
            memory,
            ways,
            ..Self::default()
        };
        today.take_over_orders();
        today
    }
}
