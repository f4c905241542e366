//! What the settings say once for every decision.

use super::Discretion;
use crate::growth::lateness::Lateness;

/// The rules under which deliveries are counted and customers forgotten.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `numbers.lateness_days`.
    pub lateness: Lateness,
    /// `privacy.…`.
    pub discretion: Discretion,
}
