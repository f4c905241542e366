//! Parametric QR codes (platform.md 4.6).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::ApiFault;
use crate::domain::ids::{Openid, Scene};

/// Codes the demo account has from the start: `(scene, where it hangs)`.
pub const DEMO_SCENES: [(&str, &str); 4] = [
    ("store:nanjing", "南京路营业厅的桌牌"),
    ("poster:metro", "地铁站海报"),
    ("bill:paper", "纸质账单背面"),
    ("fair:2026", "开学季摊位"),
];

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Names the code in calls and events.
    pub ticket: String,
    /// What the code carries.
    pub scene: Scene,
    /// The text inside the picture.
    pub url: String,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
    /// From then on a scan does nothing; `None` for a permanent code.
    pub expires_at: Option<i64>,
    /// Where it hangs, for people.
    pub label: String,
}

/// What `qrcode/create` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRequest {
    /// What the code shall carry.
    pub scene: Scene,
    /// Its life in seconds; `None` for a permanent code.
    pub life_secs: Option<i64>,
}

/// Whether a scan of the code does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    /// It does.
    Yes,
    /// It has expired.
    Expired,
}

/// The code of one customer that a friend can scan.
pub fn friend_scene(openid: &Openid) -> String {
    let tail: String = openid.as_str().chars().rev().take(10).collect::<Vec<_>>().into_iter().rev().collect();
    format!("friend:{tail}")
}

const LONGEST_LIFE_SECS: i64 = 2_592_000;
const DEFAULT_LIFE_SECS: i64 = 60;

impl CodeRequest {
    /// A code that lives for ever.
    pub fn permanent(scene: impl Into<String>) -> Self {
        Self { scene: Scene::new(scene), life_secs: None }
    }

    /// Reads the body of `qrcode/create`.
    pub fn parse(body: &Value) -> Result<Self, ApiFault> {
        let invalid = || ApiFault::new(40053, "invalid action info");
        let action = body.get("action_name").and_then(Value::as_str).ok_or_else(invalid)?;
        let scene = body.pointer("/action_info/scene").ok_or_else(invalid)?;
        let number = scene.get("scene_id").and_then(Value::as_u64);
        let text = scene.get("scene_str").and_then(Value::as_str);
        let life = body.get("expire_seconds").and_then(Value::as_i64).unwrap_or(DEFAULT_LIFE_SECS);
        if !(1..=LONGEST_LIFE_SECS).contains(&life) {
            return Err(ApiFault::new(40035, "invalid parameter: expire_seconds"));
        }
        let in_range = |top: u64| number.filter(|n| (1..=top).contains(n)).map(|n| n.to_string()).ok_or_else(invalid);
        let in_words = || text.filter(|t| (1..=64).contains(&t.chars().count())).map(str::to_owned).ok_or_else(invalid);
        let (scene, life_secs) = match action {
            "QR_SCENE" => (in_range(u64::from(u32::MAX))?, Some(life)),
            "QR_STR_SCENE" => (in_words()?, Some(life)),
            "QR_LIMIT_SCENE" => (in_range(100_000)?, None),
            "QR_LIMIT_STR_SCENE" => (in_words()?, None),
            _ => return Err(invalid()),
        };
        Ok(Self { scene: Scene::new(scene), life_secs })
    }
}

impl Code {
    /// Whether a scan does anything at `now`.
    pub fn usable(&self, now: i64) -> Usable {
        if self.expires_at.is_some_and(|end| end <= now) { Usable::Expired } else { Usable::Yes }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(action: &str, scene: Value) -> Result<CodeRequest, i32> {
        CodeRequest::parse(&json!({ "action_name": action, "action_info": { "scene": scene } })).map_err(|f| f.errcode)
    }

    #[test]
    fn four_kinds_of_code_with_their_ranges() {
        let life = |r: Result<CodeRequest, i32>| r.map(|c| (c.scene.to_string(), c.life_secs));
        assert_eq!(
            life(ask("QR_SCENE", json!({ "scene_id": 4_294_967_295_u64 }))),
            Ok(("4294967295".into(), Some(60)))
        );
        assert_eq!(life(ask("QR_STR_SCENE", json!({ "scene_str": "ref:7f3a" }))), Ok(("ref:7f3a".into(), Some(60))));
        assert_eq!(life(ask("QR_LIMIT_SCENE", json!({ "scene_id": 100_000 }))), Ok(("100000".into(), None)));
        assert_eq!(life(ask("QR_LIMIT_STR_SCENE", json!({ "scene_str": "门店" }))), Ok(("门店".into(), None)));
    }

    #[test]
    fn a_scene_out_of_range_or_of_the_wrong_kind_is_refused() {
        assert_eq!(ask("QR_SCENE", json!({ "scene_id": 0 })), Err(40053));
        assert_eq!(ask("QR_LIMIT_SCENE", json!({ "scene_id": 100_001 })), Err(40053));
        assert_eq!(ask("QR_STR_SCENE", json!({ "scene_id": 5 })), Err(40053));
        assert_eq!(ask("QR_STR_SCENE", json!({ "scene_str": "x".repeat(65) })), Err(40053));
        assert_eq!(ask("QR_OTHER", json!({ "scene_str": "x" })), Err(40053));
        let too_long = json!({ "expire_seconds": 2_592_001, "action_name": "QR_STR_SCENE", "action_info": { "scene": { "scene_str": "x" } } });
        assert_eq!(CodeRequest::parse(&too_long).map_err(|f| f.errcode), Err(40035));
    }

    #[test]
    fn each_customer_has_a_code_of_their_own() {
        let one = friend_scene(&Openid::new("oAAAAAAAAAAAAAAAAAA0123456789"));
        assert_eq!(one, "friend:0123456789");
    }
}
