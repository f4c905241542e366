//! 拉新, the referral programme (growth.md 1.7, 1.8, part 4): who came by whose code, and what becomes of it. Pure.
//!
//! The friend's record is the truth: how their invite stands follows from their follows and their active days alone
//! ([`invite`]), so that it does not depend on the order in which deliveries come. Whenever it changes, the inviter is
//! sent how it stands now ([`news`]) and keeps it ([`drive`]).

pub mod campaign;
pub mod code;
pub mod compliance;
pub mod credit;
pub mod drive;
pub mod invite;
pub mod news;
pub mod opened;
pub mod points;
pub mod refusal;
pub mod reward;
pub mod telling;
pub mod terms;
pub mod verdict;

use std::fmt;

use serde::{Deserialize, Serialize};

/// An inviter, as numbers and facts name them: a keyed hash of the openid that leads back to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inviter(pub u64);

impl fmt::Display for Inviter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A friend, as an inviter's record names them: a keyed hash of the openid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Friend(pub u64);

impl fmt::Display for Friend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
