//! Parametric QR codes and short keys (platform.md 4.6). Certified service accounts only (48001 otherwise).

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::int;
use super::limits::{self, Checked, Invalid};

/// A temporary code lives so long at most: 30 days. A short key, too.
pub const MOST_CODE_SECS: u32 = 2_592_000;
/// The largest number a permanent code can carry.
const MOST_PERMANENT_ID: i64 = 100_000;

/// What a code carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeScene {
    /// A number, not 0; up to 100 000 on a permanent code.
    Id(u32),
    /// 1 to 64 characters. Letters, digits and `_-:` survive everywhere.
    Text(String),
}

/// How long a code lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLife {
    /// 1 s to [`MOST_CODE_SECS`]. After its end a scan does nothing, not even for the customer: make it anew in time.
    Secs(u32),
    /// For good: it cannot be deleted, and an account has 100 000 (45029).
    Permanent,
}

/// A code that was made.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Code {
    /// Leads to its picture.
    pub ticket: String,
    /// How long it lives; `None` for a permanent one.
    #[serde(default, deserialize_with = "secs")]
    pub expire_seconds: Option<i64>,
    /// The text inside the picture, for a picture of one's own.
    pub url: String,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({:?} s)", self.expire_seconds)
    }
}

impl Code {
    /// Where the picture is: no token is needed there, so it may be shown to anybody.
    pub fn show_url(&self) -> Option<Url> {
        Url::parse_with_params("https://mp.weixin.qq.com/cgi-bin/showqrcode", [("ticket", &self.ticket)]).ok()
    }
}

fn secs<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    int(from).map(|secs| (secs > 0).then_some(secs))
}

/// What stands behind a short key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LongData {
    /// It.
    pub long_data: String,
    /// When the key was made, in Unix seconds.
    #[serde(deserialize_with = "int")]
    pub create_time: i64,
    /// How long it still lives.
    #[serde(deserialize_with = "int")]
    pub expire_seconds: i64,
}

impl Client {
    /// Makes a code. 100 000 calls a day; twice for a permanent scene is the same code.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a scene or a life that the platform does not take; 45029 when there are no permanent
    /// codes left.
    pub async fn create_code(&self, scene: &CodeScene, life: CodeLife) -> Result<Code, ApiError> {
        self.read(Call::post("cgi-bin/qrcode/create", request(scene, life)?)).await
    }

    /// Puts up to 4 KB behind a key of 15 characters, which fits into a code's scene.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn shorten(&self, data: &str, expire_seconds: u32) -> Result<String, ApiError> {
        limits::bytes("long_data", data, 1..=4096)?;
        limits::range("expire_seconds", expire_seconds.into(), 1..=MOST_CODE_SECS.into())?;
        let body = json!({ "long_data": data, "expire_seconds": expire_seconds });
        let answer = self.ask(Call::post("cgi-bin/shorten/gen", body)).await?;
        answer.get("short_key").and_then(Value::as_str).map(str::to_owned).ok_or(ApiError::Busy)
    }

    /// What is behind a short key.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn lengthen(&self, key: &str) -> Result<LongData, ApiError> {
        limits::required("short_key", key)?;
        self.read(Call::post("cgi-bin/shorten/fetch", json!({ "short_key": key }))).await
    }
}

fn request(scene: &CodeScene, life: CodeLife) -> Result<Value, Invalid> {
    check(scene, life)?;
    let action = match (scene, life) {
        (CodeScene::Id(_), CodeLife::Secs(_)) => "QR_SCENE",
        (CodeScene::Text(_), CodeLife::Secs(_)) => "QR_STR_SCENE",
        (CodeScene::Id(_), CodeLife::Permanent) => "QR_LIMIT_SCENE",
        (CodeScene::Text(_), CodeLife::Permanent) => "QR_LIMIT_STR_SCENE",
    };
    let scene = match scene {
        CodeScene::Id(id) => json!({ "scene_id": id }),
        CodeScene::Text(text) => json!({ "scene_str": text }),
    };
    let info = json!({ "scene": scene });
    Ok(match life {
        CodeLife::Secs(secs) => json!({ "expire_seconds": secs, "action_name": action, "action_info": info }),
        CodeLife::Permanent => json!({ "action_name": action, "action_info": info }),
    })
}

/// The platform does not refuse a scene out of range: it makes another number of it.
fn check(scene: &CodeScene, life: CodeLife) -> Checked {
    let most = if life == CodeLife::Permanent { MOST_PERMANENT_ID } else { u32::MAX.into() };
    match scene {
        CodeScene::Id(id) => limits::range("scene_id", (*id).into(), 1..=most)?,
        CodeScene::Text(text) => limits::chars("scene_str", text, 1..=64)?,
    }
    match life {
        CodeLife::Secs(secs) => limits::range("expire_seconds", secs.into(), 1..=MOST_CODE_SECS.into()),
        CodeLife::Permanent => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[test]
    fn each_kind_of_code_has_its_name() {
        let (id, text) = (CodeScene::Id(7), CodeScene::Text("ref:7f3a".into()));
        let of = |scene: &CodeScene, life| request(scene, life).unwrap().to_string();
        insta::assert_snapshot!(of(&id, CodeLife::Secs(60)), @r#"{"expire_seconds":60,"action_name":"QR_SCENE","action_info":{"scene":{"scene_id":7}}}"#);
        insta::assert_snapshot!(of(&text, CodeLife::Secs(60)), @r#"{"expire_seconds":60,"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"ref:7f3a"}}}"#);
        insta::assert_snapshot!(of(&id, CodeLife::Permanent), @r#"{"action_name":"QR_LIMIT_SCENE","action_info":{"scene":{"scene_id":7}}}"#);
        insta::assert_snapshot!(of(&text, CodeLife::Permanent), @r#"{"action_name":"QR_LIMIT_STR_SCENE","action_info":{"scene":{"scene_str":"ref:7f3a"}}}"#);
    }

    #[test]
    fn what_the_platform_would_twist_is_refused() {
        let text = |len: usize| CodeScene::Text("s".repeat(len));
        for (scene, life, field) in [
            (CodeScene::Id(0), CodeLife::Secs(60), "scene_id"),
            (CodeScene::Id(100_001), CodeLife::Permanent, "scene_id"),
            (text(0), CodeLife::Permanent, "scene_str"),
            (text(65), CodeLife::Secs(60), "scene_str"),
            (text(64), CodeLife::Secs(0), "expire_seconds"),
            (text(64), CodeLife::Secs(MOST_CODE_SECS + 1), "expire_seconds"),
        ] {
            assert_eq!(request(&scene, life).unwrap_err().field, field);
        }
        assert!(request(&CodeScene::Id(u32::MAX), CodeLife::Secs(MOST_CODE_SECS)).is_ok());
    }

    #[actix_web::test]
    async fn a_code_is_made_and_its_picture_is_found_by_the_escaped_ticket() {
        let stage = stage(&[
            r#"{"ticket":"gQ+/a==","expire_seconds":60,"url":"http://weixin.qq.com/q/02a"}"#,
            r#"{"ticket":"t","url":"http://weixin.qq.com/q/02b"}"#,
            r#"{"short_key":"aB3-_"}"#,
            r#"{"long_data":"x","create_time":"1","expire_seconds":2}"#,
        ]);
        let scene = CodeScene::Text("ref:7f3a".into());
        let code = stage.client.create_code(&scene, CodeLife::Secs(60)).await.unwrap();
        let shown = code.show_url().unwrap();
        assert_eq!(shown.as_str(), "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQ%2B%2Fa%3D%3D");
        assert_eq!(code.expire_seconds, Some(60));
        let permanent = stage.client.create_code(&scene, CodeLife::Permanent).await.unwrap();
        assert_eq!((permanent.expire_seconds, permanent.url.as_str()), (None, "http://weixin.qq.com/q/02b"));
        assert_eq!(stage.client.shorten("数据", 60).await.as_deref(), Ok("aB3-_"));
        let data = LongData { long_data: "x".into(), create_time: 1, expire_seconds: 2 };
        assert_eq!(stage.client.lengthen("aB3-_").await, Ok(data));
        assert_eq!(stage.asked()[2].json(), serde_json::json!({"long_data": "数据", "expire_seconds": 60}));
        stage.close().await;
    }
}
