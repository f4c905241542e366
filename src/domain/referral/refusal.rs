//! Why an invite does not count: a closed set, since both sides read it and numbers are told apart by it.

use serde::{Deserialize, Serialize};

/// A reason (scrm.md 2.1 step 6, growth.md part 4). It is stored by the order of its variants and counted by
/// [`Refusal::number`]: a new one goes to the end of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The friend has followed before, or follows already: who comes back is never new.
    NotNew,
    /// The code is their own.
    OwnCode,
    /// The friend is the one who invited the code's owner.
    Mutual,
    /// The code's owner works here.
    Staff,
    /// The operator has shut out one of the two.
    Blocked,
    /// The campaign has not begun.
    NotStarted,
    /// The campaign is over.
    Ended,
    /// The playbook has no such campaign.
    NoCampaign,
    /// The code's owner followed later than the friend: credit only ever goes to who was there first, so that nobody can
    /// be in a circle of invites.
    NotEarlier,
    /// A code that was written down came too long after the follow.
    TooLate,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::NotNew,
        Self::OwnCode,
        Self::Mutual,
        Self::Staff,
        Self::Blocked,
        Self::NotStarted,
        Self::Ended,
        Self::NoCampaign,
        Self::NotEarlier,
        Self::TooLate,
    ];

    /// As it is counted, from 1 on.
    pub fn number(self) -> i32 {
        match self {
            Self::NotNew => 1,
            Self::OwnCode => 2,
            Self::Mutual => 3,
            Self::Staff => 4,
            Self::Blocked => 5,
            Self::NotStarted => 6,
            Self::Ended => 7,
            Self::NoCampaign => 8,
            Self::NotEarlier => 9,
            Self::TooLate => 10,
        }
    }

    /// The reason that is counted so.
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    /// As reports and files name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotNew => "not_new",
            Self::OwnCode => "own_code",
            Self::Mutual => "mutual",
            Self::Staff => "staff",
            Self::Blocked => "blocked",
            Self::NotStarted => "not_started",
            Self::Ended => "ended",
            Self::NoCampaign => "no_campaign",
            Self::NotEarlier => "not_earlier",
            Self::TooLate => "too_late",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_number_and_a_name_of_its_own() {
        let numbers: std::collections::BTreeSet<_> = Refusal::ALL.map(Refusal::number).into();
        let names: std::collections::BTreeSet<_> = Refusal::ALL.map(Refusal::as_str).into();
        assert_eq!((numbers.len(), names.len()), (Refusal::ALL.len(), Refusal::ALL.len()));
        assert!(numbers.iter().all(|number| (1..100).contains(number)), "growth::referral counts on it");
        for reason in Refusal::ALL {
            assert_eq!(Refusal::of_number(reason.number()), Some(reason));
        }
        assert_eq!(Refusal::of_number(0), None);
    }
}
