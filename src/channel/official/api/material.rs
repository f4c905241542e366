//! The library: media that stay (platform.md 4.14).

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::int;
use super::limits::{self, Invalid};
use super::media::{MediaKind, Medium, check};
use super::multipart::{Form, Upload};

/// A permanent medium.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Permanent {
    /// Names it.
    pub media_id: String,
    /// Of a picture; it is shown on the platform's own pages only.
    #[serde(default)]
    pub url: Option<String>,
}

/// How many permanent media there are; 100 000 pictures and articles, 1000 of each other kind at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct MediaCount {
    /// Voices.
    #[serde(deserialize_with = "int")]
    pub voice_count: i64,
    /// Videos.
    #[serde(deserialize_with = "int")]
    pub video_count: i64,
    /// Pictures.
    #[serde(deserialize_with = "int")]
    pub image_count: i64,
    /// Articles.
    #[serde(deserialize_with = "int")]
    pub news_count: i64,
}

/// Some of a long list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ItemPage {
    /// Over all pages.
    #[serde(deserialize_with = "int")]
    pub total_count: i64,
    /// As the platform tells them.
    #[serde(rename = "item", default)]
    pub items: Vec<Value>,
}

/// A video's words in the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoWords<'a> {
    /// Its title.
    pub title: &'a str,
    /// What it is about.
    pub introduction: &'a str,
}

impl Client {
    /// Puts a medium into the library.
    ///
    /// # Errors
    /// As [`Client::upload_media`]; a video needs its words.
    pub async fn add_material(
        &self,
        kind: MediaKind,
        upload: Upload<'_>,
        words: Option<VideoWords<'_>>,
    ) -> Result<Permanent, ApiError> {
        check((kind, upload), &["bmp", "wma", "wav"])?;
        let form = Form::file(upload)?;
        let form = match (kind, words) {
            (MediaKind::Video, Some(VideoWords { title, introduction })) => {
                limits::required("description.title", title)?;
                let description = json!({ "title": title, "introduction": introduction });
                form.with("description", &description.to_string())
            }
            (MediaKind::Video, None) => return Err(Invalid::new("description", "视频要有标题和简介").into()),
            _ => form,
        };
        let call = Call::upload("cgi-bin/material/add_material", form).with("type", kind.name()).once();
        self.read(call).await
    }

    /// A permanent medium.
    ///
    /// # Errors
    /// 40007 when it is gone.
    pub async fn material(&self, media_id: &str) -> Result<Medium, ApiError> {
        limits::required("media_id", media_id)?;
        self.fetch(Call::post("cgi-bin/material/get_material", json!({ "media_id": media_id }))).await
    }

    /// Takes a medium out of the library.
    ///
    /// # Errors
    /// 48005 while a menu or an automatic reply uses it.
    pub async fn delete_material(&self, media_id: &str) -> Result<(), ApiError> {
        limits::required("media_id", media_id)?;
        self.ask(Call::post("cgi-bin/material/del_material", json!({ "media_id": media_id })).once()).await.map(drop)
    }

    /// How much is in the library.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn material_count(&self) -> Result<MediaCount, ApiError> {
        self.read(Call::get("cgi-bin/material/get_materialcount")).await
    }

    /// The library from `offset` on, 1 to 20 at a time; thumbs stand among the pictures.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn materials(&self, kind: MediaKind, (offset, most): (u32, u8)) -> Result<ItemPage, ApiError> {
        limits::range("count", most.into(), 1..=20)?;
        let body = json!({ "type": kind.name(), "offset": offset, "count": most });
        self.read(Call::post("cgi-bin/material/batchget_material", body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn a_medium_is_kept_and_a_video_with_its_words() {
        let stage = stage(&[r#"{"media_id":"P","url":"http://mmbiz.qpic.cn/a"}"#, r#"{"media_id":"V"}"#]);
        let png = Upload { name: "a.png", bytes: b"x" };
        assert!(stage.client.add_material(MediaKind::Image, png, None).await.unwrap().url.is_some());
        let (mp4, words) = (Upload { name: "a.mp4", bytes: b"x" }, VideoWords { title: "新春", introduction: "" });
        let bare = stage.client.add_material(MediaKind::Video, mp4, None).await;
        assert!(matches!(bare, Err(ApiError::Invalid(_))));
        assert_eq!(stage.client.add_material(MediaKind::Video, mp4, Some(words)).await.unwrap().media_id, "V");
        let description = "name=\"description\"\r\n\r\n{\"title\":\"新春\",\"introduction\":\"\"}\r\n";
        assert!(stage.asked()[1].text().contains(description));
        stage.close().await;
    }

    #[actix_web::test]
    async fn the_library_is_counted_listed_and_emptied() {
        let stage = stage(&[
            r#"{"voice_count":"1","video_count":2,"image_count":3,"news_count":4}"#,
            r#"{"total_count":3,"item_count":1,"item":[{"media_id":"P","name":"a.png"}]}"#,
            "{}",
        ]);
        assert_eq!(stage.client.material_count().await.unwrap().image_count, 3);
        let page = stage.client.materials(MediaKind::Image, (0, 20)).await.unwrap();
        assert_eq!((page.total_count, page.items.len()), (3, 1));
        stage.client.delete_material("P").await.unwrap();
        assert_eq!(stage.asked()[1].json(), json!({"type": "image", "offset": 0, "count": 20}));
        stage.close().await;
    }
}
