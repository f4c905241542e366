//! The phone numbers a customer has shown to be theirs, by a code that the business system sent there (scrm.md 2.16).

use serde::{Deserialize, Serialize};

use super::time::UnixSecs;
use super::value::Value;

/// So many numbers a customer may bind.
pub const MOST_NUMBERS: usize = 5;

/// Bound numbers and the current one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    bound: Vec<Bound>,
    /// The place in `bound` of the one that queries and orders are about.
    current: u8,
}

/// A bound number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The number: [`Value::Private`], or [`Value::Sealed`] when the key it was sealed with is lost.
    pub number: Value,
    /// When it was bound.
    pub since: UnixSecs,
    /// When the customer last showed that it is theirs: sensitive queries ask again after a while.
    pub shown_at: UnixSecs,
}

impl Numbers {
    /// Whether none is bound.
    pub fn is_empty(&self) -> bool {
        self.bound.is_empty()
    }

    /// All of them, in the order they were bound.
    pub fn all(&self) -> &[Bound] {
        &self.bound
    }

    /// Everything in them that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.bound.iter_mut().map(|bound| &mut bound.number)
    }

    /// The one that queries and orders are about.
    pub fn current(&self) -> Option<&Bound> {
        self.bound.get(usize::from(self.current))
    }

    /// Whether one more may be bound.
    pub fn has_room(&self) -> bool {
        self.bound.len() < MOST_NUMBERS
    }

    /// Binds this number, or notes that it was shown again, and makes it the current one. `false` when there is no room.
    pub fn bind(&mut self, number: Value, at: UnixSecs) -> bool {
        let place = self.bound.iter().position(|bound| bound.number == number);
        let place = match place {
            Some(place) => {
                if let Some(bound) = self.bound.get_mut(place) {
                    bound.shown_at = at;
                }
                place
            }
            None if self.has_room() => {
                self.bound.push(Bound { number, since: at, shown_at: at });
                self.bound.len() - 1
            }
            None => return false,
        };
        self.current = u8::try_from(place).unwrap_or(0);
        true
    }

    /// Makes the number at this place the current one. `false` when there is none.
    pub fn choose(&mut self, place: usize) -> bool {
        let is_there = place < self.bound.len();
        if is_there {
            self.current = u8::try_from(place).unwrap_or(0);
        }
        is_there
    }

    /// Unbinds the number at this place; of the others the current one stays so, or the first becomes it.
    pub fn unbind(&mut self, place: usize) -> Option<Bound> {
        if place >= self.bound.len() {
            return None;
        }
        let gone = self.bound.remove(place);
        let current = usize::from(self.current);
        let now = match current.cmp(&place) {
            std::cmp::Ordering::Less => current,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => current - 1,
        };
        self.current = u8::try_from(now).unwrap_or(0);
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::private::Private;

    fn number(last: u8) -> Value {
        Value::Private(Private::new(format!("1380013800{last}")))
    }

    #[test]
    fn several_numbers_one_of_them_current() {
        let mut numbers = Numbers::default();
        assert!(numbers.is_empty() && numbers.current().is_none() && !numbers.choose(0));
        for last in 0..5 {
            assert!(numbers.bind(number(last), UnixSecs(last.into())));
        }
        assert!(!numbers.has_room() && !numbers.bind(number(9), UnixSecs(9)));
        assert!(numbers.bind(number(1), UnixSecs(20)), "shown again, it needs no room");
        let current = numbers.current().unwrap();
        assert_eq!((&current.number, current.since, current.shown_at), (&number(1), UnixSecs(1), UnixSecs(20)));
        assert_eq!(numbers.unbind(0).unwrap().number, number(0));
        assert_eq!(numbers.current().unwrap().number, number(1), "the current one stays so");
        assert_eq!(numbers.unbind(0).unwrap().number, number(1));
        assert_eq!(numbers.current().unwrap().number, number(2));
        assert!(numbers.choose(2) && !numbers.choose(3) && numbers.unbind(3).is_none());
        assert_eq!(numbers.current().unwrap().number, number(4));
        assert_eq!(numbers.unbind(1).unwrap().number, number(3));
        assert_eq!(numbers.current().unwrap().number, number(4));
        assert!(numbers.unbind(0).is_some() && numbers.unbind(0).is_some() && numbers.is_empty());
    }
}
