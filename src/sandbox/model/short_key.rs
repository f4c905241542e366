//! Short keys for long data (platform.md 4.6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::Fresh;
use super::fault::ApiFault;
use super::fields::{number, text};

const LONGEST_BYTES: usize = 4096;
const LONGEST_LIFE_SECS: i64 = 2_592_000;
const KEPT: usize = 2000;

/// The keys that live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShortKeys(BTreeMap<String, Short>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Short {
    data: String,
    made_at: i64,
    expires_at: i64,
}

impl ShortKeys {
    /// A new key of 15 characters; the one that ends first gives way when the sandbox is full.
    pub fn make(&mut self, body: &Value, fresh: Fresh) -> Result<Value, ApiFault> {
        let data = text(body, "/long_data");
        if !(1..=LONGEST_BYTES).contains(&data.len()) {
            return Err(ApiFault::parameter("long_data"));
        }
        let life = number(body, "/expire_seconds").unwrap_or(LONGEST_LIFE_SECS);
        if !(1..=LONGEST_LIFE_SECS).contains(&life) {
            return Err(ApiFault::parameter("expire_seconds"));
        }
        self.0.retain(|_, short| short.expires_at > fresh.now);
        if self.0.len() >= KEPT {
            let first = self.0.iter().min_by_key(|(_, short)| short.expires_at).map(|(key, _)| key.clone());
            first.and_then(|key| self.0.remove(&key));
        }
        let key = format!("{:015x}", fresh.random >> 4);
        let short = Short { data: data.to_owned(), made_at: fresh.now, expires_at: fresh.now + life };
        self.0.insert(key.clone(), short);
        Ok(json!({ "errcode": 0, "errmsg": "ok", "short_key": key }))
    }

    /// What a key stands for, and how long it still lives.
    pub fn fetch(&self, body: &Value, now: i64) -> Result<Value, ApiFault> {
        let short = self.0.get(text(body, "/short_key")).filter(|short| short.expires_at > now);
        let short = short.ok_or_else(|| ApiFault::parameter("short_key"))?;
        Ok(json!({
            "errcode": 0,
            "errmsg": "ok",
            "long_data": short.data,
            "create_time": short.made_at,
            "expire_seconds": short.expires_at - now,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_its_data_until_it_ends() {
        let mut keys = ShortKeys::default();
        let fresh = Fresh { now: 100, random: u64::MAX };
        let made = keys.make(&json!({ "long_data": "详情", "expire_seconds": "60" }), fresh).unwrap();
        let key = made["short_key"].as_str().unwrap();
        assert_eq!(key.len(), 15);
        let fetch = |now| keys.fetch(&json!({ "short_key": key }), now);
        assert_eq!(
            (&fetch(130).unwrap()["long_data"], &fetch(130).unwrap()["expire_seconds"]),
            (&json!("详情"), &json!(30))
        );
        assert_eq!(fetch(160).map_err(|f| f.errcode), Err(40035));
    }

    #[test]
    fn limits_hold() {
        let mut keys = ShortKeys::default();
        let mut code = |body: Value| keys.make(&body, Fresh { now: 0, random: 1 }).map_or_else(|f| f.errcode, |_| 0);
        assert_eq!(code(json!({ "long_data": "x".repeat(4096) })), 0);
        assert_eq!(code(json!({ "long_data": "x".repeat(4097) })), 40035);
        assert_eq!(code(json!({ "long_data": "" })), 40035);
        assert_eq!(code(json!({ "long_data": "x", "expire_seconds": 2_592_001 })), 40035);
    }
}
