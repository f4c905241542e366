//! Shapes as version 2 wrote them, for reading only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::actions::Memory;
use crate::domain::customer::{
    Activity, Customer as Today, Dialogue, Follow as TodaysFollow, Standing as TodaysStanding, TappedKey,
    Transition as TodaysTransition, Turn,
};
use crate::domain::ids::{ActionKey, Channel, Scene};
use crate::domain::reach::{Ways, Windows};
use crate::domain::recent::Recent;
use crate::domain::reply::Reply;
use crate::domain::time::{BusinessDay, UnixSecs};

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

/// A follow state before personal codes.
#[derive(Serialize, Deserialize)]
pub(super) struct Follow {
    following: bool,
    first_day: Option<BusinessDay>,
    spell_day: Option<BusinessDay>,
    first_scene: Option<Scene>,
    first_channel: Channel,
    changed_at: Option<UnixSecs>,
    recent: Vec<Transition>,
    before: Option<Standing>,
}

#[derive(Serialize, Deserialize)]
struct Transition {
    at: UnixSecs,
    turn: Turn,
    scene: Option<Scene>,
    channel: Channel,
}

#[derive(Serialize, Deserialize)]
struct Standing {
    following: bool,
    first_day: Option<BusinessDay>,
    spell_day: Option<BusinessDay>,
    first_scene: Option<Scene>,
    first_channel: Channel,
    changed_at: Option<UnixSecs>,
}

impl From<Follow> for TodaysFollow {
    fn from(old: Follow) -> Self {
        let Follow { following, first_day, spell_day, first_scene, first_channel, changed_at, recent, before } = old;
        let transition =
            |Transition { at, turn, scene, channel }| TodaysTransition { at, turn, scene, channel, offer: None };
        Self {
            following,
            first_day,
            spell_day,
            first_scene,
            first_channel,
            changed_at,
            recent: recent.into_iter().map(transition).collect(),
            before: before.map(Into::into),
            first_at: first_day.map(BusinessDay::start),
            first_offer: None,
            first_left: None,
        }
    }
}

impl From<Standing> for TodaysStanding {
    fn from(old: Standing) -> Self {
        let Standing { following, first_day, spell_day, first_scene, first_channel, changed_at } = old;
        let first_at = first_day.map(BusinessDay::start);
        Self { following, first_day, spell_day, first_scene, first_channel, changed_at, first_at, ..Self::default() }
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
            follow: follow.into(),
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
