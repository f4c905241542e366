//! What inviters get: a right for each stage, given once whatever is asked again.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Inviter;
use crate::domain::ids::ActionKey;
use crate::domain::time::UnixSecs;

/// What somebody has got, or will get, for a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// Since when they have it.
    pub since: UnixSecs,
    /// How it stands.
    pub state: RightState,
}

/// How a right stands. It is stored by the order of its variants: a new one goes to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RightState {
    /// It was asked for where it comes from.
    Asked,
    /// It is theirs: what they were given, where that has a name (a coupon's code).
    Given(Option<String>),
    /// There was none left, or the business system would not give it: it is asked for again from time to time.
    Failed(String),
}

impl RightState {
    /// Whether anything may still become of it.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Given(_))
    }

    /// Its name in the API and in lists.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Given(_) => "given",
            Self::Failed(_) => "failed",
        }
    }
}

/// The number of a reward, which is the idempotency key wherever it is asked for: of one inviter, campaign and stage it is
/// always the same (design.md: value is keyed on the fact).
pub fn number(campaign: &ActionKey, inviter: Inviter, stage: &str) -> String {
    let hash = Sha256::digest(format!("{campaign}\0{inviter}\0{stage}"));
    let head = hash.iter().take(12).map(|byte| format!("{byte:02x}"));
    format!("R{}", head.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_inviter_campaign_and_stage_the_number_is_always_the_same() {
        let spring = ActionKey::from("spring");
        let first = number(&spring, Inviter(1), "first");
        assert_eq!((first.len(), &first), (25, &number(&spring, Inviter(1), "first")));
        for other in [number(&spring, Inviter(2), "first"), number(&spring, Inviter(1), "second")] {
            assert_ne!(first, other);
        }
        assert_ne!(first, number(&"autumn".into(), Inviter(1), "first"));
    }
}
