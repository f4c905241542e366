//! Turns: what one customer is told goes out one after the other, in the order it was due; customers do not wait for
//! each other.

use std::collections::{HashMap, VecDeque};

use crate::domain::ids::WorkId;
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, CustomerRef};

/// A message that waited longer than this since it was claimed is claimed again first: its lease might end before it
/// is sent, and somebody else would send it too.
const FRESH_SECS: i64 = 15;

/// Whose messages are on their way, what waits behind them, and who has to wait for a message that was put off.
#[derive(Debug, Default)]
pub(super) struct Turns {
    lines: HashMap<CustomerRef, Line>,
    put_off: HashMap<CustomerRef, PutOff>,
}

/// Nobody overtakes `first`, which comes back at `until`.
#[derive(Debug)]
struct PutOff {
    first: WorkId,
    until: UnixSecs,
    /// What came before it all the same and was put off behind it, once: the store then hands out `first` first.
    held: Vec<WorkId>,
    /// What was put off behind it, and until when: nobody overtakes these either.
    behind: VecDeque<(WorkId, UnixSecs)>,
}

#[derive(Debug)]
struct Line {
    sending: WorkId,
    /// The same, claimed again meanwhile: only this claim can still put it off.
    again: Option<Claimed>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    claimed: Claimed,
    since: UnixSecs,
}

/// What is to be done with a claimed message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is sent now.
    Now(Claimed),
    /// It waits in line.
    Waits,
    /// It must not overtake one that was put off until then.
    Until(Claimed, UnixSecs),
}

/// What follows when a message has been done with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This one is sent.
    Send(Box<Claimed>),
    /// These have waited too long and are put off until then.
    PutOff(Vec<Claimed>, UnixSecs),
    /// Nothing.
    Nothing,
}

impl Turns {
    /// How many messages wait in line.
    pub(super) fn waiting(&self) -> usize {
        self.lines.values().map(|line| line.waiting.len()).sum()
    }

    /// A message was claimed at `now`.
    pub(super) fn take(&mut self, claimed: Claimed, now: UnixSecs) -> Turn {
        if let Some(put_off) = self.put_off.get_mut(&claimed.of) {
            if let Some(until) = put_off.holds(&claimed.work.id, now) {
                return Turn::Until(claimed, until);
            }
            // It is back, or will not be: somebody else has it.
            if !put_off.goes_on(&claimed.work.id) {
                self.put_off.remove(&claimed.of);
            }
        }
        let id = &claimed.work.id;
        let Some(line) = self.lines.get_mut(&claimed.of) else {
            self.lines.insert(claimed.of.clone(), Line { sending: id.clone(), again: None, waiting: VecDeque::new() });
            return Turn::Now(claimed);
        };
        // Claimed again because a lease ended here: it keeps its place, under the new lease.
        match line.waiting.iter_mut().find(|waiting| waiting.claimed.work.id == *id) {
            Some(waiting) => *waiting = Waiting { claimed, since: now },
            None if line.sending == *id => line.again = Some(claimed),
            None => line.waiting.push_back(Waiting { claimed, since: now }),
        }
        Turn::Waits
    }

    /// The customer's message has gone out, or is of no use any more.
    pub(super) fn finished(&mut self, of: &CustomerRef, now: UnixSecs) -> Next {
        let Some(line) = self.lines.get_mut(of) else { return Next::Nothing };
        line.again = None;
        let first = line.waiting.front();
        match first.map(|first| (first.claimed.work.id.clone(), now.secs_since(first.since) <= FRESH_SECS)) {
            None => {
                self.lines.remove(of);
                Next::Nothing
            }
            Some((id, is_fresh)) => {
                line.sending = id;
                if !is_fresh {
                    let soon = now.plus_secs(1);
                    return Next::PutOff(self.put_off(of, soon), soon);
                }
                line.waiting.pop_front().map_or(Next::Nothing, |next| Next::Send(Box::new(next.claimed)))
            }
        }
    }

    /// The customer's message comes back at `until`; gives back what waited behind it and has to wait as long.
    pub(super) fn put_off(&mut self, of: &CustomerRef, until: UnixSecs) -> Vec<Claimed> {
        let Some(Line { sending: first, again, waiting }) = self.lines.remove(of) else { return Vec::new() };
        let behind = waiting.iter().map(|waiting| (waiting.claimed.work.id.clone(), until)).collect();
        self.put_off.insert(of.clone(), PutOff { first, until, held: Vec::new(), behind });
        again.into_iter().chain(waiting.into_iter().map(|waiting| waiting.claimed)).collect()
    }
}

impl PutOff {
    /// Until when a message waits that was claimed at `now`; `None` when it does not.
    fn holds(&mut self, id: &WorkId, now: UnixSecs) -> Option<UnixSecs> {
        if self.first == *id || self.until <= now && self.held.contains(id) {
            return None;
        }
        if self.until <= now {
            self.held.push(id.clone());
        }
        let until = self.until.max(now.plus_secs(1));
        match self.behind.iter_mut().find(|(behind, _)| behind == id) {
            Some((_, known)) => *known = until,
            None => self.behind.push_back((id.clone(), until)),
        }
        Some(until)
    }

    /// This one goes, since the first has come or never will: now nobody overtakes the next one, if there is one.
    fn goes_on(&mut self, id: &WorkId) -> bool {
        self.behind.retain(|(behind, _)| behind != id);
        let Some((first, until)) = self.behind.pop_front() else { return false };
        (self.first, self.until) = (first, until);
        self.held.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DedupeKey;
    use crate::domain::reply::Reply;
    use crate::domain::work::{Task, Work};

    const NOW: UnixSecs = UnixSecs(1_000);

    fn message(openid: &str, id: &str) -> Claimed {
        let task = Task::Send(Reply::Text(id.into()));
        let work = Work { id: id.into(), origin: DedupeKey(1), due: NOW, expires: NOW.plus_secs(9_999), task };
        Claimed { of: of(openid), work, attempt: 1, lease_ends: NOW.plus_secs(60) }
    }

    fn of(openid: &str) -> CustomerRef {
        CustomerRef { account: "demo".into(), openid: openid.into() }
    }

    #[test]
    fn one_customers_messages_go_in_turn_and_nobody_else_waits() {
        let mut turns = Turns::default();
        assert_eq!(turns.take(message("a", "1"), NOW), Turn::Now(message("a", "1")));
        assert_eq!(turns.take(message("a", "2"), NOW), Turn::Waits);
        assert_eq!(turns.take(message("a", "3"), NOW), Turn::Waits);
        assert_eq!(turns.take(message("b", "1"), NOW), Turn::Now(message("b", "1")));
        assert_eq!(turns.waiting(), 2);
        assert_eq!(turns.finished(&of("a"), NOW), Next::Send(Box::new(message("a", "2"))));
        assert_eq!(turns.finished(&of("a"), NOW), Next::Send(Box::new(message("a", "3"))));
        assert_eq!(turns.finished(&of("a"), NOW), Next::Nothing);
        assert_eq!(turns.take(message("a", "4"), NOW), Turn::Now(message("a", "4")), "nothing is left behind");
    }

    #[test]
    fn nothing_overtakes_a_message_that_was_put_off() {
        let mut turns = Turns::default();
        turns.take(message("a", "1"), NOW);
        turns.take(message("a", "2"), NOW);
        let later = NOW.plus_secs(3);
        assert_eq!(turns.put_off(&of("a"), later), [message("a", "2")]);
        assert_eq!(turns.take(message("a", "3"), NOW.plus_secs(2)), Turn::Until(message("a", "3"), later));
        assert_eq!(turns.take(message("a", "1"), later), Turn::Now(message("a", "1")));
    }

    #[test]
    fn what_waited_for_long_is_claimed_again_before_it_is_sent() {
        let mut turns = Turns::default();
        turns.take(message("a", "1"), NOW);
        turns.take(message("a", "2"), NOW);
        let late = NOW.plus_secs(FRESH_SECS + 1);
        assert_eq!(turns.finished(&of("a"), late), Next::PutOff(vec![message("a", "2")], late.plus_secs(1)));
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn what_is_claimed_again_keeps_its_place_and_goes_out_once() {
        let mut turns = Turns::default();
        for id in ["1", "2", "3"] {
            turns.take(message("a", id), NOW);
        }
        let again = NOW.plus_secs(60);
        for id in ["1", "2", "3"] {
            assert_eq!(turns.take(Claimed { attempt: 2, ..message("a", id) }, again), Turn::Waits);
        }
        assert_eq!(turns.waiting(), 2);
        assert_eq!(turns.finished(&of("a"), again), Next::Send(Box::new(Claimed { attempt: 2, ..message("a", "2") })));
    }

    #[test]
    fn nothing_newer_goes_before_a_message_that_was_put_off_at_the_moment_it_comes_back() {
        let mut turns = Turns::default();
        turns.take(message("a", "1"), NOW);
        let back = NOW.plus_secs(1);
        assert_eq!(turns.put_off(&of("a"), back), []);
        // Claimed before that moment and looked at after it, or due a second earlier and in the same handful.
        assert_eq!(turns.take(message("a", "2"), back), Turn::Until(message("a", "2"), back.plus_secs(1)));
        assert_eq!(turns.take(message("a", "1"), back), Turn::Now(message("a", "1")));
        assert_eq!(turns.take(message("a", "2"), back.plus_secs(1)), Turn::Waits);
    }

    #[test]
    fn nothing_newer_goes_before_what_was_put_off_behind_another() {
        let mut turns = Turns::default();
        turns.take(message("a", "1"), NOW);
        turns.put_off(&of("a"), NOW.plus_secs(1));
        let (back, later) = (NOW.plus_secs(1), NOW.plus_secs(2));
        assert_eq!(turns.take(message("a", "2"), back), Turn::Until(message("a", "2"), later));
        assert_eq!(turns.take(message("a", "1"), back), Turn::Now(message("a", "1")));
        assert_eq!(turns.take(message("a", "3"), back), Turn::Until(message("a", "3"), later));
        assert_eq!(turns.finished(&of("a"), back), Next::Nothing);
        assert_eq!(turns.take(message("a", "4"), back), Turn::Until(message("a", "4"), later));
        assert_eq!(turns.take(message("a", "2"), later), Turn::Now(message("a", "2")));
        assert_eq!(turns.take(message("a", "3"), later), Turn::Waits);
        assert_eq!(turns.take(message("a", "4"), later), Turn::Waits);
        assert_eq!(turns.put_off.len(), 0, "nothing is left behind");
    }

    #[test]
    fn who_does_not_come_back_is_waited_for_once() {
        let mut turns = Turns::default();
        turns.take(message("a", "1"), NOW);
        turns.put_off(&of("a"), NOW.plus_secs(1));
        let (late, later) = (NOW.plus_secs(99), NOW.plus_secs(100));
        assert_eq!(turns.take(message("a", "2"), late), Turn::Until(message("a", "2"), later));
        assert_eq!(turns.take(message("a", "2"), later), Turn::Now(message("a", "2")));
        assert_eq!(turns.put_off.len(), 0, "and then no more");
    }

    #[test]
    fn what_was_claimed_again_while_it_was_sent_is_put_off_under_the_new_claim() {
        let mut turns = Turns::default();
        turns.take(message("a", "1"), NOW);
        turns.take(message("a", "2"), NOW);
        let again = Claimed { attempt: 2, ..message("a", "1") };
        assert_eq!(turns.take(again.clone(), NOW), Turn::Waits);
        assert_eq!(turns.put_off(&of("a"), NOW.plus_secs(1)), [again, message("a", "2")]);
    }
}
