//! Temporary media (platform.md 4.14).

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde_json::{Value, json};

use super::api::{Answer, Api, File, Run, get, post};
use super::call::Call;
use super::served::attached;
use crate::sandbox::model::{ApiFault, Keep, MediaKind, Upload};
use crate::sandbox::service::Sandbox;

/// What stands for a picture a customer sent: the sandbox's phone has no camera.
const PLACEHOLDER: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xFF\xD9";
const INLINE_BYTES: usize = 1024 * 1024;

/// The calls.
pub const APIS: &[Api] = &[
    post("cgi-bin/media/upload", upload).daily(100_000, 500),
    Api { run: Run::Either(download), ..get("cgi-bin/media/get", nothing) }.daily(200_000, 1000),
    Api { run: Run::Either(voice), ..get("cgi-bin/media/get/jssdk", nothing) }.daily(200_000, 1000),
    post("cgi-bin/media/uploadimg", upload_inline),
];

fn nothing(_: &Call<'_>) -> Result<Value, ApiFault> {
    Ok(Value::Null)
}

/// The file of a form, and what the platform keeps of it.
pub fn uploaded(call: &Call<'_>, keep: Keep) -> Result<(String, Upload), ApiFault> {
    let kind = MediaKind::parse(call.parameter("type"))?;
    let part = call.part("media").ok_or_else(|| ApiFault::new(41005, "media data missing"))?;
    let about: Value = match call.part("description") {
        Some(described) => {
            serde_json::from_slice(described.bytes).map_err(|_| ApiFault::new(47001, "data format error"))?
        }
        None => Value::Null,
    };
    let words = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let upload = Upload {
        kind,
        name: part.file.clone(),
        bytes: part.bytes.len(),
        title: words("title"),
        introduction: words("introduction"),
    };
    let sandbox = call.sandbox;
    let (id, gone) = sandbox.keeper().change().media.add(upload.clone(), keep, sandbox.fresh())?;
    sandbox.shelf().remove(&gone);
    sandbox.shelf().put(&id, Bytes::copy_from_slice(part.bytes)).map_err(|fault| {
        tracing::warn!(%fault, "an uploaded file cannot be kept");
        ApiFault::new(-1, "system error")
    })?;
    Ok((id, upload))
}

fn upload(call: &Call<'_>) -> Result<Value, ApiFault> {
    let (id, upload) = uploaded(call, Keep::ThreeDays)?;
    let name = if upload.kind == MediaKind::Thumb { "thumb_media_id" } else { "media_id" };
    Ok(json!({ "type": upload.kind.name(), name: id, "created_at": call.sandbox.now() }))
}

fn download(call: &Call<'_>) -> Result<Answer, ApiFault> {
    let id = call.parameter("media_id");
    let sandbox = call.sandbox;
    let (video, name) = {
        let state = sandbox.keeper().read();
        let medium = state.media.usable(id, sandbox.now())?;
        let sent_as = |kind: &str| id.starts_with(&format!("sandbox_{kind}_"));
        let video = medium.map_or_else(|| sent_as("video"), |m| m.upload.kind == MediaKind::Video);
        let own_name = || format!("{id}.{}", if sent_as("voice") || sent_as("voice16k") { "amr" } else { "jpg" });
        (video, medium.map_or_else(own_name, |m| m.upload.name.clone()))
    };
    if video {
        return Ok(json!({ "video_url": sandbox.media_url(id) }).into());
    }
    let bytes = sandbox.shelf().get(id).unwrap_or_else(|| Bytes::from_static(PLACEHOLDER));
    Ok(Answer::File(File { name, bytes }))
}

/// Voice of better quality, of messages and of the page's own recorder.
fn voice(call: &Call<'_>) -> Result<Answer, ApiFault> {
    let id = call.parameter("media_id");
    let now = call.sandbox.now();
    let is_voice = {
        let state = call.sandbox.keeper().read();
        state.media.usable(id, now)?.map_or(id.starts_with("sandbox_voice"), |m| m.upload.kind == MediaKind::Voice)
    };
    if is_voice { download(call) } else { Err(ApiFault::media()) }
}

/// A picture for the body of an article: it is not kept, only named.
fn upload_inline(call: &Call<'_>) -> Result<Value, ApiFault> {
    let part = call.part("media").ok_or_else(|| ApiFault::new(41005, "media data missing"))?;
    let ending = part.file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if !["jpg", "jpeg", "png"].contains(&ending.as_str()) {
        return Err(ApiFault::new(40005, "invalid file type"));
    }
    if part.bytes.is_empty() || part.bytes.len() >= INLINE_BYTES {
        return Err(ApiFault::new(40009, "invalid image size"));
    }
    Ok(json!({ "url": format!("http://mmbiz.qpic.cn/mmbiz/{:016x}/0", call.sandbox.fresh().random) }))
}

/// What a `video_url`, a `down_url` or the address of a picture leads to.
pub async fn file(sandbox: Data<Sandbox>, id: Path<String>) -> HttpResponse {
    let name = {
        let state = sandbox.keeper().read();
        match state.media.usable(&id, sandbox.now()) {
            Ok(Some(medium)) => medium.upload.name.clone(),
            _ => return HttpResponse::NotFound().finish(),
        }
    };
    match sandbox.shelf().get(&id) {
        Some(bytes) => attached(File { name, bytes }),
        None => HttpResponse::NotFound().finish(),
    }
}
