//! What a mass message says (platform.md 4.13).

use serde_json::{Value, json};

use super::limits::{self, Checked, Invalid};

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MassMessage {
    /// Articles of a draft ([`super::Client::add_draft`]), which is used up by it.
    Draft {
        /// Of the draft.
        media_id: String,
        /// What happens when the platform finds that it is a permitted reprint.
        reprint: Reprint,
    },
    /// Words.
    Text(String),
    /// A voice message.
    Voice(String),
    /// 1 to 20 pictures, with words above them.
    Images {
        /// Of the pictures.
        media_ids: Vec<String>,
        /// Above them, possibly empty.
        recommend: String,
    },
    /// A video.
    Video {
        /// Of the video.
        media_id: String,
        /// Its title.
        title: String,
        /// Its description.
        description: String,
    },
    /// A card.
    Card(String),
}

/// What happens to a permitted reprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reprint {
    /// It is not sent.
    #[default]
    Stop,
    /// It is sent.
    Send,
}

pub(super) fn with_message(mut body: Value, message: &MassMessage) -> Result<Value, Invalid> {
    check(message)?;
    let (kind, field, content) = match message {
        MassMessage::Draft { media_id, .. } => ("mpnews", "mpnews", json!({ "media_id": media_id })),
        MassMessage::Text(words) => ("text", "text", json!({ "content": words })),
        MassMessage::Voice(id) => ("voice", "voice", json!({ "media_id": id })),
        MassMessage::Images { media_ids, recommend } => {
            let content = json!({ "media_ids": media_ids, "recommend": recommend, "need_open_comment": 0,
                                  "only_fans_can_comment": 0 });
            ("image", "images", content)
        }
        MassMessage::Video { media_id, title, description } => {
            ("mpvideo", "mpvideo", json!({ "media_id": media_id, "title": title, "description": description }))
        }
        MassMessage::Card(id) => ("wxcard", "wxcard", json!({ "card_id": id })),
    };
    if let Some(body) = body.as_object_mut() {
        body.insert(field.into(), content);
        body.insert("msgtype".into(), json!(kind));
        if let MassMessage::Draft { reprint, .. } = message {
            body.insert("send_ignore_reprint".into(), json!(i32::from(*reprint == Reprint::Send)));
        }
    }
    Ok(body)
}

fn check(message: &MassMessage) -> Checked {
    match message {
        MassMessage::Draft { media_id, .. } | MassMessage::Voice(media_id) | MassMessage::Video { media_id, .. } => {
            limits::required("media_id", media_id)
        }
        MassMessage::Text(words) => limits::bytes("text.content", words, 1..=2048),
        MassMessage::Images { media_ids, .. } => limits::count("images.media_ids", media_ids.len(), 1..=20),
        MassMessage::Card(id) => limits::required("wxcard.card_id", id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_shape() {
        let of = |message: MassMessage| with_message(json!({}), &message).unwrap().to_string();
        let id = || "M".to_owned();
        insta::assert_snapshot!(of(MassMessage::Voice(id())), @r#"{"voice":{"media_id":"M"},"msgtype":"voice"}"#);
        insta::assert_snapshot!(of(MassMessage::Card(id())), @r#"{"wxcard":{"card_id":"M"},"msgtype":"wxcard"}"#);
        let draft = MassMessage::Draft { media_id: id(), reprint: Reprint::Stop };
        insta::assert_snapshot!(of(draft), @r#"{"mpnews":{"media_id":"M"},"msgtype":"mpnews","send_ignore_reprint":0}"#);
        let images = MassMessage::Images { media_ids: vec![id()], recommend: "看".into() };
        insta::assert_snapshot!(of(images), @r#"{"images":{"media_ids":["M"],"recommend":"看","need_open_comment":0,"only_fans_can_comment":0},"msgtype":"image"}"#);
        let video = MassMessage::Video { media_id: id(), title: "T".into(), description: "D".into() };
        insta::assert_snapshot!(of(video), @r#"{"mpvideo":{"media_id":"M","title":"T","description":"D"},"msgtype":"mpvideo"}"#);
        let long = MassMessage::Text("长".repeat(683));
        assert_eq!(with_message(json!({}), &long).unwrap_err().field, "text.content");
    }
}
