//! The payment platform as a state machine: no network, no clock, no randomness. Time is handed in.

mod bills;
mod books;
mod fault;
mod notices;
mod orders;
mod refunds;
mod switches;
mod twist;

#[cfg(test)]
mod trials;

pub use books::{Books, Flow};
pub use fault::Fault;
pub use notices::{Notification, Sent};
pub use orders::{Act, Number, Order, State};
pub use refunds::{Outcome, Refund, RefundState};
pub(super) use switches::take;
pub use switches::{Forgery, Switches, Twist};
