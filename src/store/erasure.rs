//! Taking a customer away, as a value.

use crate::domain::customer::Customer;

/// Whether somebody is not to be taken away as they stand.
pub type Spares = fn(&Customer) -> bool;

/// What came of taking a customer away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Nothing of them is left.
    Gone,
    /// There was nothing.
    Nobody,
    /// They were spared, and are as they were.
    Spared,
}
