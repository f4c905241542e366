//! What is settled when a store is first used, and can never be another afterwards.

use super::{Partitions, StoreError};
use crate::growth::lateness::Lateness;

/// The settings a store is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// `store.partitions`: over how many the customers are spread.
    pub partitions: u16,
    /// `numbers.lateness_days`: how many days late a delivery still counts on its own day (L of growth.md 1.1).
    pub lateness: Lateness,
}

impl Default for Spec {
    /// As `config/default.toml` has it.
    fn default() -> Self {
        Self { partitions: 64, lateness: Lateness::DEFAULT }
    }
}

impl Spec {
    /// Checks that a store made with `self` may be used under the settings `set`.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`], with what to set.
    pub fn check(self, set: Self) -> Result<(), StoreError> {
        let Self { partitions, lateness } = self;
        Partitions::new(set.partitions)?;
        if partitions != set.partitions {
            return Err(StoreError::Mismatch(format!(
                "the store was made with {partitions} partitions and store.partitions is {}; set it to {partitions}: \
                 customers cannot be spread anew",
                set.partitions
            )));
        }
        if lateness != set.lateness {
            let days = lateness.days();
            return Err(StoreError::Mismatch(format!(
                "the store counts deliveries up to {days} days late and numbers.lateness_days is {}; set it \
                 to {days}: days that are closed cannot be counted anew",
                set.lateness.days()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_used_only_under_the_settings_it_was_made_with() {
        let made = Spec::default();
        made.check(made).unwrap();
        let refusal = |set| made.check(set).unwrap_err().to_string();
        let partitions = refusal(Spec { partitions: 32, ..made });
        assert!(partitions.contains("made with 64 partitions and store.partitions is 32"), "{partitions}");
        let lateness = refusal(Spec { lateness: Lateness::new(3).unwrap(), ..made });
        assert!(lateness.contains("up to 2 days late and numbers.lateness_days is 3; set it to 2"), "{lateness}");
        assert!(refusal(Spec { partitions: 0, ..made }).contains("at least one"));
    }
}
