//! The money of one order that is paid by WeChat Pay: what came, and what went back.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::domain::pay::{Fen, OutRefundNo, TransactionId};
use crate::domain::time::UnixSecs;

/// So many payments beyond the first are kept of one order; there should never be one.
const MOST_TWICE: usize = 4;
/// The platform gives money back in so many parts at most (platform.md 6.5).
const MOST_RETURNED: usize = 50;

/// What is known of a payment by WeChat Pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Until when it can be paid.
    pub payable_until: UnixSecs,
    /// What is paid with (platform.md 6.3), once it is there; good for two hours.
    pub prepay_id: Option<String>,
    /// Why it cannot be paid any more, or nobody can say whether it was.
    pub ended: Option<Reason>,
    /// What came in.
    pub paid: Option<Paid>,
    /// What came in for the same order beyond that: there should never be any.
    pub twice: Vec<Paid>,
    /// How its way back stands.
    pub back: Back,
    /// How many refunds we have asked for: the latest one bears this number.
    pub asked: u8,
    /// What is back with the customer, each refund once.
    pub returned: Vec<Returned>,
}

/// Money that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// WeChat Pay's number of it.
    pub transaction: TransactionId,
    /// How much.
    pub total: Fen,
    /// When.
    pub at: UnixSecs,
}

/// Money that went back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// By which refund.
    pub number: OutRefundNo,
    /// Of which payment.
    pub transaction: TransactionId,
    /// How much.
    pub back: Fen,
}

/// What is known of money on its way back. Stored by the order of these: a new one goes to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Back {
    /// None is, or not all of it and not by us.
    #[default]
    No,
    /// We have asked WeChat Pay for it.
    Asked,
    /// WeChat Pay cannot: a person has to.
    Failed,
    /// It is back, as we asked.
    Done,
    /// It is back, and it was not us who asked: somebody did it at WeChat Pay.
    DoneOutside,
    /// We have asked for it, and WeChat Pay gave no clear answer in all the time it was asked.
    Unclear,
}

/// What a payment is to those that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The first.
    New,
    /// Known.
    Same,
    /// One more.
    Second,
    /// At odds with what is known of it, or one too many.
    AtOdds,
}

impl Money {
    /// All that came in.
    pub fn came(&self) -> Fen {
        sum(self.paid.iter().chain(&self.twice).map(|paid| paid.total))
    }

    /// All that went back.
    pub fn went_back(&self) -> Fen {
        sum(self.returned.iter().map(|returned| returned.back))
    }

    /// How much of a payment is back.
    pub fn returned_of(&self, transaction: &TransactionId) -> Fen {
        sum(self.returned.iter().filter(|returned| returned.transaction == *transaction).map(|returned| returned.back))
    }

    /// What of the payment is still with us: so much is asked for when it is to go back.
    pub fn left(&self) -> Fen {
        self.paid.as_ref().map_or(Fen(0), |paid| self.left_of(paid))
    }

    /// What of one payment is still with us.
    pub(super) fn left_of(&self, paid: &Paid) -> Fen {
        paid.total.minus(self.returned_of(&paid.transaction)).unwrap_or_default().max(Fen(0))
    }

    /// What came in a second time and is still with us.
    pub fn twice_left(&self) -> Fen {
        sum(self.twice.iter().map(|paid| self.left_of(paid)))
    }

    /// Notes a payment, and says what it is to those that are known.
    pub(super) fn note(&mut self, paid: &Paid) -> Known {
        let known = self.paid.iter().chain(&self.twice).find(|known| known.transaction == paid.transaction);
        match known {
            Some(known) if known.total == paid.total => Known::Same,
            Some(_) => Known::AtOdds,
            None if self.paid.is_none() => {
                self.paid = Some(paid.clone());
                Known::New
            }
            None if self.twice.len() < MOST_TWICE => {
                self.twice.push(paid.clone());
                Known::Second
            }
            None => Known::AtOdds,
        }
    }

    /// Notes a refund; `false` when it is known.
    pub(super) fn give_back(&mut self, returned: Returned) -> bool {
        let is_known = self.returned.iter().any(|known| known.number == returned.number);
        if !is_known && self.returned.len() < MOST_RETURNED {
            self.returned.push(returned);
        }
        !is_known
    }

    /// Asks for what is left: under a new number, unless nobody knows what became of the last one.
    pub(super) fn ask_back(&mut self) {
        if self.back != Back::Unclear {
            self.asked = self.asked.saturating_add(1);
        }
        self.back = Back::Asked;
    }
}

fn sum(all: impl Iterator<Item = Fen>) -> Fen {
    Fen(all.fold(0, |sum, fen| sum.saturating_add(fen.0)))
}
