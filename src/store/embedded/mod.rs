//! The embedded store: one SQLite file, `fuwu.db`, and no server.
//!
//! * One thread writes. It takes what waits, applies it in one transaction, and answers when that is fsynced: many
//!   clients share one fsync (group commit).
//! * Another one carries the log over into the file, so that nobody waits for it.
//! * Reads have connections of their own and see the last committed state (WAL): they never wait for the writer, and
//!   whatever was acknowledged before a read began is in it.
//! * Records read or written last are kept in memory, so many bytes of them and no more.
//! * A lock on `fuwu.lock` keeps a second process from writing; reading beside a running server is allowed.
//!
//! Rows of customers, facts and outgoing work carry their partition. Counters do not: partitions exist so that many
//! writers never meet on one counter, and here one thread writes them all, folded per batch; their sum over partitions
//! is the counter itself.

mod batch;
mod bulk;
mod carrier;
mod company;
mod connection;
mod counters;
mod customers;
mod engine;
mod erase;
mod failure;
mod forget;
mod health;
mod lock;
mod moving;
mod outbox;
mod places;
mod quarantine;
mod readers;
mod records;
mod renew;
mod request;
mod schema;
mod shared;
mod writer;

pub use engine::Embedded;
pub use health::{EmbeddedHealth, embedded_health};

#[cfg(test)]
mod batch_tests;
#[cfg(test)]
mod bulk_tests;
