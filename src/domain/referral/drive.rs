//! What an inviter's record keeps of one campaign: every invite, how it stands, and how many of them count.
//!
//! What counts is computed from the invites whenever it is asked for, caps included, so it does not depend on the order
//! in which news came (growth.md part 4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Friend;
use super::Inviter;
use super::invite::State;
use super::news::{News, Word};
use super::refusal::Refusal;
use super::reward::Right;
use super::telling::Telling;
use super::terms::{ClawBack, Terms};
use crate::domain::time::{BusinessDay, UnixSecs};

/// At most so many invites of a campaign are kept one by one; of more the latest are left out, whenever they became
/// known. Far above every cap that makes sense.
pub const MOST_INVITES: usize = 2_000;
/// So many invites that never counted are kept, the newest.
const MOST_TURNED_AWAY: usize = 20;
/// So many days after nothing can change any more invites are kept as numbers only.
const SETTLED_AFTER_DAYS: i32 = 10;

/// One campaign of one inviter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drive {
    /// When they first asked for their code; `None` when a friend came before that.
    pub joined: Option<UnixSecs>,
    /// The invites, by the friend's first follow.
    pub invites: Vec<Entry>,
    /// Friends who came by the code and were no first follow, the oldest first.
    pub turned_away: Vec<TurnedAway>,
    /// What invites of long ago came to.
    pub settled: Settled,
    /// The inviter, as numbers name them; known from the first friend on.
    pub inviter: Inviter,
    /// What the inviter was told, and was not.
    pub telling: Telling,
    /// When it is looked at by itself next.
    pub look_at: Option<UnixSecs>,
    /// What was given for stages, by the stage's key: each once.
    pub rights: BTreeMap<String, Right>,
}

/// One invite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The friend.
    pub friend: Friend,
    /// Their first follow.
    pub at: UnixSecs,
    /// The newest news of it.
    pub revision: u32,
    /// [`Terms::within_days`].
    pub within_days: u8,
    /// [`Terms::hold_days`].
    pub hold_days: u8,
    /// [`Terms::claw_back`].
    pub claw_back: ClawBack,
    /// How it stands; `None` when it turned out to be somebody else's, kept so that older news do not bring it back.
    pub state: Option<State>,
}

/// A friend who came by the code and was no first follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// The friend.
    pub friend: Friend,
    /// When.
    pub at: UnixSecs,
    /// Why it did not count.
    pub reason: Refusal,
}

/// Invites that are kept as numbers only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Those of this day and the days before it.
    pub through: Option<BusinessDay>,
    /// By what became of them.
    pub fates: BTreeMap<Ended, u32>,
}

/// What became of an invite in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ended {
    /// It counts.
    Counted,
    /// It would count, but there were more on that day than a day may have.
    OverCap,
    /// The friend left too early.
    Left,
    /// The friend did not do what the terms ask for in time.
    Lapsed,
    /// It never counted.
    Refused,
}

/// How an invite stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The friend has yet to do what the terms ask for.
    Waiting {
        /// The last day for it.
        until: BusinessDay,
    },
    /// Done; the friend has yet to stay.
    Held {
        /// The last day of the hold.
        until: BusinessDay,
    },
    /// It will not change any more, except by news of those days that come late.
    Ended(Ended),
    /// It never counted.
    Refused(Refusal),
}

/// How many invites may count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Of friends who came on the same day.
    pub per_day: u32,
    /// In all.
    pub in_all: u32,
}

/// What news came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing new.
    Nothing,
    /// A friend came.
    Came,
    /// A friend has done what the terms ask for.
    Qualified,
    /// A friend left within the hold.
    Left,
    /// A friend came and does not count.
    Refused(Refusal),
    /// It was somebody else's friend after all, or something changed that nobody is told of.
    Corrected,
}

impl Entry {
    fn of(news: &News) -> Self {
        let Terms { within_days, hold_days, claw_back, .. } = news.terms;
        let News { friend, at, revision, state, .. } = *news;
        Self { friend, at, revision, within_days, hold_days, claw_back, state }
    }

    fn day(&self) -> BusinessDay {
        self.at.business_day()
    }

    /// How it stands on a day, caps aside; `None` for somebody else's.
    fn fate(&self, today: BusinessDay) -> Option<Fate> {
        let (qualified_on, left_on) = match self.state? {
            State::Refused(reason) => return Some(Fate::Refused(reason)),
            State::Attributed { qualified_on, left_on } => (qualified_on, left_on),
        };
        if left_on.is_some() && self.claw_back != ClawBack::Never {
            return Some(Fate::Ended(Ended::Left));
        }
        let (asked_until, held_until) =
            (self.day().plus_days(i32::from(self.within_days)), self.day().plus_days(i32::from(self.hold_days)));
        Some(match qualified_on {
            None if today <= asked_until => Fate::Waiting { until: asked_until },
            None => Fate::Ended(Ended::Lapsed),
            Some(_) if today <= held_until => Fate::Held { until: held_until },
            Some(_) => Fate::Ended(Ended::Counted),
        })
    }

    /// The day after which nothing changes.
    fn last_day(&self) -> BusinessDay {
        self.day().plus_days(i32::from(self.within_days.max(self.hold_days)))
    }
}

impl Drive {
    /// Takes news of an invite. News that are older than what is known, or said again, change nothing.
    pub fn hear(&mut self, news: &News) -> Heard {
        let day = news.at.business_day();
        let place = self.invites.binary_search_by_key(&(news.at, news.friend), |entry| (entry.at, entry.friend));
        // An earlier follow that became known moved the invite to another place.
        let known = self.invites.iter().position(|entry| entry.friend == news.friend);
        let before = match known.and_then(|at| self.invites.get(at)) {
            Some(entry) if entry.revision >= news.revision => return Heard::Nothing,
            Some(entry) => entry.state,
            None if self.settled.through.is_some_and(|through| day <= through) => return Heard::Nothing,
            None => None,
        };
        match (known, place) {
            (Some(known), Ok(place)) if known == place => {
                if let Some(entry) = self.invites.get_mut(known) {
                    *entry = Entry::of(news);
                }
            }
            (known, _) => {
                if let Some(known) = known {
                    self.invites.remove(known);
                }
                let place = self.invites.partition_point(|entry| (entry.at, entry.friend) < (news.at, news.friend));
                self.invites.insert(place, Entry::of(news));
                self.invites.truncate(MOST_INVITES);
            }
        }
        what_changed(before, news.state)
    }

    /// Takes what is said of an invite of this inviter's, and keeps what has to be told of it.
    pub fn take(&mut self, word: &Word, inviter: Inviter) {
        match word {
            Word::Stands(news) => {
                let heard = self.hear(news);
                self.telling.keep(heard);
            }
            Word::TurnedAway { friend, .. } => {
                self.turn_away(*friend);
            }
        }
        self.inviter = inviter;
    }

    /// Keeps a friend who came by the code and was no first follow; whether that is new.
    pub fn turn_away(&mut self, friend: TurnedAway) -> bool {
        if self.turned_away.iter().any(|known| (known.friend, known.reason) == (friend.friend, friend.reason)) {
            return false;
        }
        self.turned_away.push(friend);
        let surplus = self.turned_away.len().saturating_sub(MOST_TURNED_AWAY);
        self.turned_away.drain(..surplus);
        true
    }

    /// Every invite that is not somebody else's, as it stands on a day, by the friend's first follow.
    pub fn fates(&self, today: BusinessDay, caps: Caps) -> Vec<(&Entry, Fate)> {
        let (mut day, mut counted_that_day) = (None, 0_u32);
        let mut counted = self.settled_as(Ended::Counted);
        let mut all = Vec::new();
        for entry in &self.invites {
            let Some(mut fate) = entry.fate(today) else { continue };
            if day.replace(entry.day()) != Some(entry.day()) {
                counted_that_day = 0;
            }
            if fate == Fate::Ended(Ended::Counted) {
                if counted_that_day < caps.per_day && counted < caps.in_all {
                    counted_that_day += 1;
                    counted += 1;
                } else {
                    fate = Fate::Ended(Ended::OverCap);
                }
            }
            all.push((entry, fate));
        }
        all
    }

    /// How many invites count on a day.
    pub fn counted(&self, today: BusinessDay, caps: Caps) -> u32 {
        let kept = self.fates(today, caps).into_iter().filter(|(_, fate)| *fate == Fate::Ended(Ended::Counted));
        self.settled_as(Ended::Counted) + u32::try_from(kept.count()).unwrap_or(u32::MAX)
    }

    /// How many invites of long ago ended so.
    pub fn settled_as(&self, ended: Ended) -> u32 {
        self.settled.fates.get(&ended).copied().unwrap_or_default()
    }

    /// The next day on which an invite may come to count by itself.
    pub fn next_ripe(&self, today: BusinessDay) -> Option<BusinessDay> {
        let held = self.invites.iter().filter_map(|entry| match entry.fate(today) {
            Some(Fate::Held { until }) => Some(until.plus_days(1)),
            _ => None,
        });
        held.min()
    }

    /// Keeps invites of days on which nothing can change any more as numbers only: the oldest whole days of them.
    pub fn settle(&mut self, today: BusinessDay, caps: Caps) {
        let is_over = |entry: &Entry| entry.last_day().plus_days(SETTLED_AFTER_DAYS) < today;
        let Some(open) = self.invites.iter().position(|entry| !is_over(entry)).or(Some(self.invites.len())) else {
            return;
        };
        let first_open = self.invites.get(open).map(Entry::day);
        let whole = self.invites.partition_point(|entry| first_open.is_none_or(|day| entry.day() < day));
        if whole == 0 {
            return;
        }
        let ended: Vec<Ended> = self
            .fates(today, caps)
            .into_iter()
            .filter(|(entry, _)| first_open.is_none_or(|day| entry.day() < day))
            .map(|(_, fate)| match fate {
                Fate::Ended(ended) => ended,
                Fate::Refused(_) => Ended::Refused,
                // Not after its last day.
                Fate::Waiting { .. } | Fate::Held { .. } => Ended::Lapsed,
            })
            .collect();
        for ended in ended {
            *self.settled.fates.entry(ended).or_default() += 1;
        }
        self.settled.through = self.invites.get(whole - 1).map(Entry::day);
        self.invites.drain(..whole);
    }
}

fn what_changed(before: Option<State>, after: Option<State>) -> Heard {
    use State::{Attributed, Refused};
    match (before, after) {
        (_, Some(Refused(reason))) if before != after => Heard::Refused(reason),
        (None | Some(Refused(_)), Some(Attributed { left_on: None, .. })) => Heard::Came,
        (Some(Attributed { left_on: None, .. }), Some(Attributed { left_on: Some(_), .. })) => Heard::Left,
        (Some(Attributed { qualified_on: None, .. }), Some(Attributed { qualified_on: Some(_), left_on: None })) => {
            Heard::Qualified
        }
        _ => Heard::Corrected,
    }
}

#[cfg(test)]
mod tests;
