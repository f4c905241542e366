//! The stores: one contract, two engines, one conformance suite that every engine must pass
//! (`tests/it/store_conformance`).
//!
//! Only this room knows keys and stored shapes.

mod aside;
mod contract;
mod embedded;
mod erasure;
mod forgetful;
pub mod journal;
mod moving;
mod open;
mod partition;
mod pseudonym;
mod redis;
mod sealed;
mod shape;
mod spec;

pub use contract::*;
pub use embedded::{Embedded, EmbeddedHealth, embedded_health};
pub use erasure::{Erasure, Spares};
pub use forgetful::{Forgetful, Mark};
pub use moving::{Content, Half, Kept, KeptWork, Moving, Origin, Page, Stage, Step};
pub use open::{is_embedded, open, open_read_only, open_to_copy, open_to_export};
pub use partition::{Partition, Partitions};
pub use pseudonym::PseudonymKey;
pub use redis::{NodeHealth, Part, Redis, RedisHealth, Said, redis_health};
pub use sealed::{Seal, Sealed};
pub use spec::Spec;
