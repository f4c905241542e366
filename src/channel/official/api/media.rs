//! Media that live for 3 days, and what an upload has to be (platform.md 4.14). What stays is in [`super::material`].

use serde::Deserialize;
use serde_json::Value;

use super::call::{Call, Came};
use super::client::{Client, parsed};
use super::error::ApiError;
use super::exchange::Answer;
use super::lenient::{int, text};
use super::limits::{self, Checked, Invalid};
use super::multipart::{Form, Upload};
use crate::domain::time::UnixSecs;

/// A temporary medium lives so long; it is to be uploaded anew before.
pub const TEMPORARY_SECS: i64 = 3 * 86_400;

/// What a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// png, jpg, gif, permanent also bmp; 10 MB, temporary better 2 MB.
    Image,
    /// amr or mp3, permanent also wma and wav; 2 MB, 60 s.
    Voice,
    /// mp4; 10 MB.
    Video,
    /// jpg; 64 KB.
    Thumb,
}

impl MediaKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Thumb => "thumb",
        }
    }

    fn most_bytes(self) -> usize {
        match self {
            Self::Image | Self::Video => 10 << 20,
            Self::Voice => 2 << 20,
            Self::Thumb => 64 << 10,
        }
    }
}

/// A temporary medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Temporary {
    /// Names it.
    pub media_id: String,
    /// When it ends.
    pub ends: UnixSecs,
}

/// A medium as it comes back.
#[derive(Clone, PartialEq, Eq)]
pub enum Medium {
    /// A file.
    File {
        /// Its bytes.
        bytes: Vec<u8>,
        /// As the platform names the type; not to be relied on.
        content_type: String,
        /// As the platform names it.
        name: Option<String>,
    },
    /// Something that is told of: a video's address (`video_url`, `down_url`), articles (`news_item`).
    Told(Value),
}

impl std::fmt::Debug for Medium {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { bytes, content_type, .. } => write!(f, "File({} bytes, {content_type})", bytes.len()),
            // An address of what a customer sent opens it.
            Self::Told(told) => {
                let names: Vec<_> = told.as_object().into_iter().flat_map(|told| told.keys()).collect();
                write!(f, "Told({names:?})")
            }
        }
    }
}

#[derive(Deserialize)]
struct Uploaded {
    #[serde(alias = "thumb_media_id", deserialize_with = "text")]
    media_id: String,
    #[serde(deserialize_with = "int")]
    created_at: i64,
}

impl Client {
    /// Uploads a temporary medium. 100 000 a day.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a file that is too large or of another type.
    pub async fn upload_media(&self, kind: MediaKind, upload: Upload<'_>) -> Result<Temporary, ApiError> {
        check((kind, upload), &[])?;
        let call = Call::upload("cgi-bin/media/upload", Form::file(upload)?).with("type", kind.name());
        let Uploaded { media_id, created_at } = self.read(call).await?;
        Ok(Temporary { media_id, ends: UnixSecs(created_at).plus_secs(TEMPORARY_SECS) })
    }

    /// A temporary medium, or one that a customer sent.
    ///
    /// # Errors
    /// 40007 when it is gone.
    pub async fn media(&self, media_id: &str) -> Result<Medium, ApiError> {
        limits::required("media_id", media_id)?;
        self.fetch(Call::get("cgi-bin/media/get").with("media_id", media_id)).await
    }

    /// Uploads a picture for the body of an article (jpg or png, 1 MB) and answers its address.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for another type, or a larger one.
    pub async fn upload_article_image(&self, upload: Upload<'_>) -> Result<String, ApiError> {
        limits::range("media", size(upload.bytes), 1..=size_of_mib(1))?;
        ending("media", upload.name, &["jpg", "jpeg", "png"])?;
        let answer = self.ask(Call::upload("cgi-bin/media/uploadimg", Form::file(upload)?)).await?;
        answer.get("url").and_then(Value::as_str).map(str::to_owned).ok_or(ApiError::Busy)
    }

    pub(super) async fn fetch(&self, call: Call) -> Result<Medium, ApiError> {
        let call = call.for_a_file();
        Ok(match self.exchange(&call).await? {
            Answer::Json(told) => Medium::Told(parsed(&call.path, told)?),
            Answer::Raw(Came { body, content_type, file_name, .. }) => {
                Medium::File { bytes: body, content_type, name: file_name }
            }
        })
    }
}

pub(super) fn check((kind, upload): (MediaKind, Upload<'_>), also: &[&str]) -> Checked {
    limits::range("media", size(upload.bytes), 1..=i64::try_from(kind.most_bytes()).unwrap_or(i64::MAX))?;
    let allowed: &[&str] = match kind {
        MediaKind::Image => &["png", "jpg", "jpeg", "gif", "bmp"],
        MediaKind::Voice => &["amr", "mp3", "wma", "wav"],
        MediaKind::Video => &["mp4"],
        MediaKind::Thumb => &["jpg", "jpeg"],
    };
    let only_permanent = ["bmp", "wma", "wav"];
    let allowed: Vec<&str> =
        allowed.iter().copied().filter(|name| !only_permanent.contains(name) || also.contains(name)).collect();
    ending("media", upload.name, &allowed)
}

fn ending(field: &str, name: &str, allowed: &[&str]) -> Checked {
    let found = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let why = || format!("平台只接受 {} 文件", allowed.join("、"));
    if allowed.contains(&found.as_str()) { Ok(()) } else { Err(Invalid::new(field, why())) }
}

fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

fn size_of_mib(mib: i64) -> i64 {
    mib << 20
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stage::{stage, staged};
    use super::*;

    const PNG: Upload<'_> = Upload { name: "a.png", bytes: b"\x89PNG" };

    #[actix_web::test]
    async fn media_are_uploaded_with_name_and_type() {
        let stage = stage(&[
            r#"{"type":"image","media_id":"M","created_at":"1000"}"#,
            r#"{"type":"thumb","thumb_media_id":"TH","created_at":1000}"#,
            r#"{"url":"http://mmbiz.qpic.cn/b"}"#,
        ]);
        let client = &stage.client;
        let ends = UnixSecs(1000 + TEMPORARY_SECS);
        let temporary = client.upload_media(MediaKind::Image, PNG).await.unwrap();
        assert_eq!(temporary, Temporary { media_id: "M".into(), ends });
        let jpg = Upload { name: "a.jpg", bytes: b"x" };
        assert_eq!(client.upload_media(MediaKind::Thumb, jpg).await.unwrap().media_id, "TH");
        assert_eq!(client.upload_article_image(jpg).await.as_deref(), Ok("http://mmbiz.qpic.cn/b"));
        let asked = stage.asked();
        assert_eq!(asked[0].parameter("type"), Some("image"));
        assert!(asked[0].text().contains("name=\"media\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"));
        stage.close().await;
    }

    #[actix_web::test]
    async fn an_error_is_never_taken_for_a_file() {
        let stage = staged(vec![
            (200, b"\xff\xd8\xff picture".to_vec()),
            (200, br#"{"errcode":40001,"errmsg":"invalid credential"}"#.to_vec()),
            (200, b"\xff\xd8\xff".to_vec()),
            (200, br#"{"errcode":40007,"errmsg":"invalid media_id rid: 1-2-3"}"#.to_vec()),
            (200, br#"{"video_url":"http://v"}"#.to_vec()),
        ]);
        let file = stage.client.media("M").await.unwrap();
        let Medium::File { bytes, name, .. } = &file else { panic!("{file:?}") };
        assert_eq!((bytes.as_slice(), name.as_deref()), (&b"\xff\xd8\xff picture"[..], Some("a.jpg")));
        assert!(matches!(stage.client.media("M").await, Ok(Medium::File { .. })), "the refused token was replaced");
        let error = stage.client.media("M").await.unwrap_err();
        assert_eq!((error.code(), error.rid()), (Some(40007), Some("1-2-3")));
        assert_eq!(stage.client.media("V").await, Ok(Medium::Told(json!({"video_url": "http://v"}))));
        stage.close().await;
    }

    #[actix_web::test]
    async fn what_somebody_in_between_says_is_neither_a_file_nor_a_success() {
        let page = || (403, b"<html>forbidden</html>".to_vec());
        let stage = staged(vec![page(), page(), page(), (403, br#"{"message":"forbidden"}"#.to_vec())]);
        assert_eq!(stage.client.media("M").await, Err(ApiError::Busy));
        let said = crate::domain::reply::Reply::Text("你好".into());
        assert_eq!(stage.client.send(&"o1".into(), &said).await, Err(ApiError::Busy));
        assert_eq!(stage.asked().len(), 4);
        stage.close().await;
    }

    #[test]
    fn what_is_told_of_a_medium_does_not_show_where_it_is() {
        let told = Medium::Told(json!({"video_url": "http://v/of-a-customer"}));
        assert_eq!(format!("{told:?}"), r#"Told(["video_url"])"#);
    }

    #[test]
    fn files_that_the_platform_does_not_take_are_known_by_name_and_size() {
        let told = |kind, name, len: usize, also: &[&str]| {
            check((kind, Upload { name, bytes: &vec![0; len] }), also)
                .err()
                .map(|invalid| invalid.why)
                .unwrap_or_default()
        };
        assert_eq!(told(MediaKind::Thumb, "a.jpg", 65_537, &[]), "是 65537，要在 1 到 65536 之间");
        assert_eq!(told(MediaKind::Image, "a.bmp", 1, &[]), "平台只接受 png、jpg、jpeg、gif 文件");
        assert_eq!(told(MediaKind::Image, "a.BMP", 1, &["bmp"]), "");
        assert!(!told(MediaKind::Voice, "a.mp3", 0, &[]).is_empty());
    }
}
