//! The engine on Redis or Valkey: for an account that more than one process serves.
//!
//! Customers are spread over partitions as on the embedded store. A partition is a *home*: everything of it shares one
//! hash tag, so it lies on one node, and one script there reads or changes it in one atomic step. What belongs to no
//! customer has a home of its own. A bulk, which spans homes, is decided by one record ([`bulk`]).

mod args;
mod bulk;
mod commit;
mod counters;
mod engine;
mod forget;
mod health;
mod keys;
mod link;
mod log;
mod marks;
mod meeting;
mod moving;
mod opening;
mod outbox;
mod presence;
mod scour;
mod script;
mod shared;

pub use engine::Redis;
pub use health::{NodeHealth, Part, RedisHealth, Said, redis_health};
