//! What must be so at the end of a week, by the books of the platform's model against those of fuwu.

use std::collections::BTreeMap;

use fuwu::domain::reach::{Cause, Hindrance};
use fuwu::domain::time::UnixSecs;

use crate::door::Passed;

/// The interface that messages go by.
const SEND: &str = "cgi-bin/message/custom/send";

/// A message that was owed to a customer. Its words are its own.
#[derive(Clone, Debug)]
pub struct Owed {
    pub words: String,
    pub to: String,
    pub at: i64,
}

/// How a customer stands at the end, by the platform's books.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// Everything the phone shows of the account.
    pub heard: Vec<String>,
    /// When they left, each time.
    pub left: Vec<i64>,
    /// Whether they switched off receiving, or not, by time.
    pub refused: Vec<(i64, bool)>,
    pub follows: bool,
    /// Messages that could be sent now.
    pub room: u64,
    /// By fuwu's books: the words that wait for their next message.
    pub notes: Vec<String>,
}

impl Customer {
    fn refuses_at(&self, at: i64) -> bool {
        self.refused.iter().rev().find(|(since, _)| *since <= at).is_some_and(|(_, refuses)| *refuses)
    }

    fn is_reachable(&self, now: i64) -> bool {
        self.follows && !self.refuses_at(now) && self.room > 0
    }

    fn hears(&self, words: &str) -> usize {
        self.heard.iter().map(|heard| heard.matches(words).count()).sum()
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub now: i64,
    pub owed: Vec<Owed>,
    pub customers: BTreeMap<String, Customer>,
    /// What fuwu has given up, by the words, and why and when.
    pub dead: BTreeMap<String, (Cause, i64)>,
    /// The words of what is still in fuwu's outbox.
    pub waiting: Vec<String>,
    /// Calls, as the platform's door has seen them.
    pub calls: Vec<Passed>,
    /// From when to when the platform was told to refuse messages for their number.
    pub scarce: Vec<(i64, i64)>,
    /// How often a customer was told that an answer takes a while, and how often one came late.
    pub promised: BTreeMap<String, (usize, usize)>,
}

/// What is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A customer read it twice, or the platform took it twice.
    Twice(String),
    /// It is nowhere: not told, not waiting, not given up, and nobody left.
    Lost(String),
    /// It waits though the customer can be reached.
    Unsent(String),
    /// It was given up, and the platform's books do not say why.
    Unfounded(String),
    /// The platform refused for a number that no fault had used up, or was asked again though it had said no for the day.
    Quota(String),
}

pub fn breaches(books: &Books) -> Vec<Breach> {
    let mut found: Vec<Breach> = books.owed.iter().filter_map(|owed| of_owed(books, owed)).collect();
    for (openid, customer) in &books.customers {
        if customer.is_reachable(books.now) {
            found.extend(customer.notes.iter().map(|words| Breach::Unsent(words.clone())));
        }
        if let Some((promised, kept)) = books.promised.get(openid)
            && kept > promised
        {
            found.push(Breach::Twice(format!("{openid}: {promised} late answers promised, {kept} came")));
        }
    }
    found.extend(of_quota(books));
    found
}

fn of_owed(books: &Books, owed: &Owed) -> Option<Breach> {
    let Owed { words, to, at } = owed;
    let customer = books.customers.get(to)?;
    let taken = books.calls.iter().filter(|call| call.said.contains(words.as_str()) && call.code == Some(0)).count();
    if customer.hears(words) > 1 || taken > 1 {
        return Some(Breach::Twice(words.clone()));
    }
    if let Some((cause, given_up_at)) = books.dead.get(words) {
        return (!is_founded(books, owed, (cause, *given_up_at)))
            .then(|| Breach::Unfounded(format!("{words}: {cause:?}")));
    }
    if customer.hears(words) == 1 || customer.left.iter().any(|left| left >= at) {
        return None;
    }
    let is_noted = customer.notes.iter().any(|note| note.contains(words.as_str()));
    match is_noted || books.waiting.contains(words) {
        // One that waits while its customer can be reached is told of with the notes.
        true if is_noted || !customer.is_reachable(books.now) => None,
        true => Some(Breach::Unsent(words.clone())),
        false => Some(Breach::Lost(words.clone())),
    }
}

/// Whether the platform's books confirm why a message was given up.
fn is_founded(books: &Books, owed: &Owed, (cause, at): (&Cause, i64)) -> bool {
    let Some(customer) = books.customers.get(&owed.to) else { return false };
    let no_answer = |call: &&Passed| call.lost || matches!(call.code, None | Some(-1));
    match cause {
        Cause::Unknown => {
            books.calls.iter().filter(|call| call.said.contains(owed.words.as_str())).any(|call| no_answer(&call))
        }
        Cause::Hindered(Hindrance::Away) => customer.left.iter().any(|left| *left <= at),
        Cause::Hindered(Hindrance::Blocked) => customer.refuses_at(at),
        _ => false,
    }
}

/// Where the platform is asked what is left of a quota.
const QUOTA: &str = "cgi-bin/openapi/quota/get";
/// A call may leave before the no to the one before it has come back, slow as that may be.
const ON_ITS_WAY_SECS: i64 = 3;

fn of_quota(books: &Books) -> Vec<Breach> {
    let day = |at: i64| UnixSecs(at).business_day();
    let mut found = Vec::new();
    for refused in books.calls.iter().filter(|call| matches!(call.code, Some(45009 | 45011))) {
        let is_excused =
            refused.path == SEND && books.scarce.iter().any(|(from, to)| (*from..=*to).contains(&refused.at));
        if !is_excused {
            found.push(Breach::Quota(format!("{:?} of {} at {}", refused.code, refused.path, refused.at)));
        }
        let again = |call: &&Passed| {
            call.path == refused.path && call.at > refused.at + ON_ITS_WAY_SECS && day(call.at) == day(refused.at)
        };
        // Unless the platform has said meanwhile that there are calls left: somebody may have cleared the quota.
        let is_told = |call: &Passed| {
            let between = refused.at..=call.at;
            let asks = |asked: &Passed| asked.path == QUOTA && asked.code == Some(0) && between.contains(&asked.at);
            refused.code == Some(45009) && books.calls.iter().any(asks)
        };
        if let Some(call) = books.calls.iter().filter(again).find(|call| !is_told(call)) {
            found.push(Breach::Quota(format!("{} was asked at {} after its no at {}", call.path, call.at, refused.at)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_416_800;

    /// One message, told as it should be.
    fn sound() -> Books {
        let customer = Customer { heard: vec!["甲1".into()], follows: true, room: 4, ..Customer::default() };
        Books {
            now: NOW,
            owed: vec![Owed { words: "甲1".into(), to: "o1".into(), at: NOW - 100 }],
            customers: [("o1".to_owned(), customer)].into(),
            calls: vec![call(0, NOW - 90)],
            ..Books::default()
        }
    }

    fn call(code: i64, at: i64) -> Passed {
        Passed { path: SEND.into(), said: "甲1".into(), code: Some(code), at, ..Passed::default() }
    }

    /// The breaches after something went wrong.
    fn after(spoil: impl Fn(&mut Books, &mut Customer)) -> Vec<Breach> {
        let mut books = sound();
        let mut customer = books.customers.remove("o1").unwrap();
        spoil(&mut books, &mut customer);
        books.customers.insert("o1".into(), customer);
        breaches(&books)
    }

    fn unsent(customer: &mut Customer) {
        customer.heard.clear();
    }

    #[test]
    fn a_sound_week_breaks_no_rule() {
        assert_eq!(breaches(&sound()), []);
    }

    #[test]
    fn what_is_read_or_taken_twice_is_found() {
        assert_eq!(after(|_, customer| customer.heard.push("好\n\n甲1".into())), [Breach::Twice("甲1".into())]);
        assert_eq!(after(|books, _| books.calls.push(call(0, NOW))), [Breach::Twice("甲1".into())]);
        let found = after(|books, _| books.promised.extend([("o1".into(), (1, 2))]));
        assert!(matches!(&found[..], [Breach::Twice(_)]), "{found:?}");
        assert_eq!(after(|books, _| books.promised.extend([("o1".into(), (2, 1))])), []);
    }

    #[test]
    fn what_is_nowhere_is_lost_unless_the_customer_left_after_it_was_owed() {
        assert_eq!(after(|_, customer| unsent(customer)), [Breach::Lost("甲1".into())]);
        for (left, expected) in [(NOW - 50, vec![]), (NOW - 200, vec![Breach::Lost("甲1".into())])] {
            let found = after(|_, customer| {
                unsent(customer);
                customer.left.push(left);
            });
            assert_eq!(found, expected, "{left}");
        }
    }

    #[test]
    fn what_waits_though_the_customer_can_be_reached_is_found() {
        let noted = |room: u64, refused: bool| {
            after(move |_, customer| {
                unsent(customer);
                customer.notes.push("甲1".into());
                (customer.room, customer.refused) = (room, vec![(NOW - 60, refused)]);
            })
        };
        assert_eq!(noted(1, false), [Breach::Unsent("甲1".into())]);
        assert_eq!((noted(0, false), noted(1, true)), (vec![], vec![]));
        let in_hand = |room: u64| {
            after(move |books, customer| {
                unsent(customer);
                books.waiting.push("甲1".into());
                customer.room = room;
            })
        };
        assert_eq!((in_hand(1), in_hand(0)), (vec![Breach::Unsent("甲1".into())], vec![]));
    }

    #[test]
    fn what_was_given_up_needs_a_reason_that_the_platform_confirms() {
        let given_up = |cause: Cause, spoil: fn(&mut Books, &mut Customer)| {
            let found = after(|books, customer| {
                unsent(customer);
                books.dead.insert("甲1".into(), (cause.clone(), NOW - 80));
                spoil(books, customer);
            });
            found.is_empty()
        };
        assert!(!given_up(Cause::Unknown, |_, _| {}), "the platform answered");
        assert!(given_up(Cause::Unknown, |books, _| books.calls[0].lost = true));
        assert!(given_up(Cause::Unknown, |books, _| books.calls[0].code = None));
        let away = || Cause::Hindered(Hindrance::Away);
        assert!(!given_up(away(), |_, customer| customer.left.push(NOW - 10)), "later");
        assert!(given_up(away(), |_, customer| customer.left.push(NOW - 85)));
        assert!(!given_up(Cause::InVain, |_, _| {}) && !given_up(Cause::Hindered(Hindrance::Blocked), |_, _| {}));
    }

    #[test]
    fn a_number_that_no_fault_used_up_and_a_no_that_was_not_heeded_are_found() {
        let found = after(|books, _| books.calls.insert(0, call(45009, NOW - 95)));
        assert_eq!(found.len(), 2, "not excused, and asked again: {found:?}");
        let excused = |again_at: i64| {
            after(move |books, _| {
                books.calls = vec![call(45009, NOW - 95), call(45009, NOW - 95), call(0, again_at)];
                books.scarce.push((NOW - 95, NOW - 95));
            })
        };
        assert_eq!(excused(NOW - 95), [], "on their way together");
        assert_eq!(excused(NOW + 14 * 3600), [], "from midnight on");
        assert_eq!(excused(NOW + 14 * 3600 - 1).len(), 2);
        let told = |code: i64, told_at: i64| {
            let found = after(move |books, _| {
                let asked = Passed { path: QUOTA.into(), said: Default::default(), ..call(code, told_at) };
                books.calls = vec![call(45009, NOW - 95), asked, call(0, NOW)];
                books.scarce.push((NOW - 95, NOW - 95));
            });
            found.len()
        };
        assert_eq!([told(0, NOW - 50), told(45009, NOW - 50), told(0, NOW - 96), told(0, NOW + 1)], [0, 2, 1, 1]);
    }
}
