//! What an onlooker writes down of all that is committed: outgoing work from its beginning to its end.

use crate::domain::ids::{DedupeKey, Openid, WorkId};
use crate::domain::reach::Cause;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::work::{Task, Work};
use crate::store::{Commit, Keep};

/// One piece of outgoing work.
#[derive(Clone, Debug)]
pub struct Entry {
    pub openid: Openid,
    pub work: Work,
    pub committed_ms: u64,
    pub end: Option<End>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct End {
    /// The commit that settled it keeps it as a note.
    pub noted: bool,
    /// It was of no use any more by our clock.
    pub expired: bool,
    /// The commit that settled it keeps it as given up, for this cause.
    pub given_up: Option<Cause>,
    /// The customer left, and all that was owed to them was dropped.
    pub left: bool,
    pub ended_ms: u64,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub entries: Vec<Entry>,
    /// What deliveries earned, in order of commit.
    pub earned: Vec<(Openid, DedupeKey, String)>,
    /// How far our clock ever was.
    latest: UnixSecs,
}

impl Entry {
    /// What it says, if it says something.
    pub fn text(&self) -> Option<&str> {
        match self.work.task.reply() {
            Some(Reply::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The idempotency key it asks with.
    pub fn order(&self) -> Option<&str> {
        match &self.work.task {
            Task::Ask { question, .. } => question.idempotency_key.as_deref(),
            Task::Send(_) | Task::Tell { .. } | Task::Poster { .. } | Task::Credit { .. } => None,
        }
    }
}

impl Ledger {
    pub fn clock_is_at(&mut self, ours: UnixSecs) {
        self.latest = self.latest.max(ours);
    }

    pub fn committed(&mut self, commit: &Commit, (at_ms, ours): (u64, UnixSecs)) {
        self.clock_is_at(ours);
        let latest = self.latest;
        let openid = &commit.of.openid;
        let recent = &commit.customer.recent;
        for (key, earned) in recent.keys().filter_map(|key| Some((key, recent.earned(key)?))) {
            if let Reply::Text(text) = earned.reply {
                self.earned.push((openid.clone(), key, text));
            }
        }
        for id in &commit.settled {
            let noted = |reply: &Reply| commit.customer.notes.iter().any(|note| note.reply == *reply);
            if let Some(entry) = self.open(openid, id) {
                let noted = entry.work.task.reply().is_some_and(noted);
                let expired = entry.work.expires <= latest;
                let left = commit.customer.away_since().is_some();
                let kept = commit.customer.ways.unsent().iter().find(|unsent| unsent.work.id == entry.work.id);
                let given_up = kept.map(|unsent| unsent.cause.clone());
                entry.end = Some(End { noted, expired, given_up, left, ended_ms: at_ms });
            }
        }
        for work in &commit.outbox {
            if self.open(openid, &work.id).is_none() {
                let entry = Entry { openid: openid.clone(), work: work.clone(), committed_ms: at_ms, end: None };
                self.entries.push(entry);
            }
        }
        if commit.keep != Keep::Known {
            for entry in self.entries.iter_mut().filter(|entry| entry.openid == *openid && entry.end.is_none()) {
                let (noted, expired, given_up) = (false, false, None);
                entry.end = Some(End { noted, expired, given_up, left: true, ended_ms: at_ms });
            }
        }
    }

    fn open(&mut self, openid: &Openid, id: &WorkId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.openid == *openid && entry.work.id == *id && entry.end.is_none())
    }
}
