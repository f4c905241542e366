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
    put_off: HashMap<CustomerRef, UnixSecs>,
}

#[derive(Debug)]
struct Line {
    sending: WorkId,
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
    Send(Claimed),
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
        match self.put_off.get(&claimed.of).copied() {
            Some(until) if until > now => return Turn::Until(claimed, until),
            Some(_) => drop(self.put_off.remove(&claimed.of)),
            None => {}
        }
        let id = &claimed.work.id;
        let Some(line) = self.lines.get_mut(&claimed.of) else {
            self.lines.insert(claimed.of.clone(), Line { sending: id.clone(), waiting: VecDeque::new() });
            return Turn::Now(claimed);
        };
        // Claimed again because a lease ended here: it keeps its place, under the new lease.
        match line.waiting.iter_mut().find(|waiting| waiting.claimed.work.id == *id) {
            Some(waiting) => *waiting = Waiting { claimed, since: now },
            None if line.sending == *id => {}
            None => line.waiting.push_back(Waiting { claimed, since: now }),
        }
        Turn::Waits
    }

    /// The customer's message has gone out, or is of no use any more.
    pub(super) fn finished(&mut self, of: &CustomerRef, now: UnixSecs) -> Next {
        let Some(line) = self.lines.get_mut(of) else { return Next::Nothing };
        match line.waiting.front().map(|first| now.secs_since(first.since) <= FRESH_SECS) {
            None => {
                self.lines.remove(of);
                Next::Nothing
            }
            Some(false) => {
                let soon = now.plus_secs(1);
                Next::PutOff(self.put_off(of, soon), soon)
            }
            Some(true) => line.waiting.pop_front().map_or(Next::Nothing, |next| {
                line.sending = next.claimed.work.id.clone();
                Next::Send(next.claimed)
            }),
        }
    }

    /// The customer's message comes back at `until`; gives back what waited behind it and has to wait as long.
    pub(super) fn put_off(&mut self, of: &CustomerRef, until: UnixSecs) -> Vec<Claimed> {
        self.put_off.insert(of.clone(), until);
        let waiting = self.lines.remove(of).map(|line| line.waiting).unwrap_or_default();
        waiting.into_iter().map(|waiting| waiting.claimed).collect()
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
        Claimed { of: of(openid), work, attempt: 1 }
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
        assert_eq!(turns.finished(&of("a"), NOW), Next::Send(message("a", "2")));
        assert_eq!(turns.finished(&of("a"), NOW), Next::Send(message("a", "3")));
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
        assert_eq!(turns.finished(&of("a"), again), Next::Send(Claimed { attempt: 2, ..message("a", "2") }));
    }
}
