//! Permanent media (platform.md 4.14).

use serde_json::{Value, json};

use super::account::ok;
use super::api::{Answer, Api, File, Run, either, post};
use super::call::Call;
use super::media::uploaded;
use crate::sandbox::model::{ApiFault, Keep, MediaKind, text};

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/material/add_material", add),
    Api { run: Run::Either(read), ..post("cgi-bin/material/get_material", count) },
    post("cgi-bin/material/del_material", delete),
    either("cgi-bin/material/get_materialcount", count),
    post("cgi-bin/material/batchget_material", page),
];

fn add(call: &Call<'_>) -> Result<Value, ApiFault> {
    if call.parameter("type") == "video" && call.part("description").is_none() {
        return Err(ApiFault::parameter("description"));
    }
    let (id, upload) = uploaded(call, Keep::ForEver)?;
    Ok(match upload.kind {
        MediaKind::Image | MediaKind::Thumb => json!({ "media_id": id, "url": call.sandbox.media_url(&id) }),
        MediaKind::Voice | MediaKind::Video => json!({ "media_id": id }),
    })
}

fn read(call: &Call<'_>) -> Result<Answer, ApiFault> {
    let body = call.json()?;
    let id = text(&body, "/media_id");
    let upload = call.sandbox.keeper().read().media.permanent(id)?.upload.clone();
    if upload.kind == MediaKind::Video {
        let down_url = call.sandbox.media_url(id);
        return Ok(json!({ "title": upload.title, "description": upload.introduction, "down_url": down_url }).into());
    }
    let bytes = call.sandbox.shelf().get(id).unwrap_or_default();
    Ok(Answer::File(File { name: upload.name, bytes }))
}

fn delete(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    let id = text(&body, "/media_id");
    {
        let mut state = call.sandbox.keeper().change();
        state.media.permanent(id)?;
        let menus = state.menu.iter().chain(state.conditional.iter().map(|conditional| &conditional.menu));
        if menus.into_iter().any(|menu| menu.uses_media(id)) {
            return Err(ApiFault::new(48005, "forbid to delete material used by auto-reply or menu"));
        }
        state.media.delete(id)?;
    }
    call.sandbox.shelf().remove(&[id.to_owned()]);
    Ok(ok())
}

fn count(call: &Call<'_>) -> Result<Value, ApiFault> {
    let state = call.sandbox.keeper().read();
    let of = |kind| state.media.count(kind);
    Ok(json!({
        "voice_count": of(MediaKind::Voice),
        "video_count": of(MediaKind::Video),
        "image_count": of(MediaKind::Image),
        "news_count": 0,
    }))
}

fn page(call: &Call<'_>) -> Result<Value, ApiFault> {
    let body = call.json()?;
    call.sandbox.keeper().read().media.page(&body, |id| call.sandbox.media_url(id))
}
