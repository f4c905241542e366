//! What a script is handed: bytes one after the other, a list as its length and then its items.

use redis::{RedisWrite, ToRedisArgs};
use serde::{Deserialize, Serialize};

/// Arguments in the order a script reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Args(Vec<Vec<u8>>);

impl Args {
    /// One more.
    pub(super) fn push(&mut self, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.0.push(bytes.into());
        self
    }

    /// A number, in digits.
    pub(super) fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        self.push(number.into().to_string())
    }

    /// How many items follow.
    pub(super) fn len(&mut self, items: usize) -> &mut Self {
        self.push(items.to_string())
    }

    /// All of these.
    pub(super) fn append(&mut self, more: &Self) -> &mut Self {
        self.0.extend_from_slice(&more.0);
        self
    }
}

impl ToRedisArgs for Args {
    fn write_redis_args<W: RedisWrite + ?Sized>(&self, out: &mut W) {
        for bytes in &self.0 {
            out.write_arg(bytes);
        }
    }

    fn num_of_args(&self) -> usize {
        self.0.len()
    }
}
