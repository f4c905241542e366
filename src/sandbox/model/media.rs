//! Media, temporary and permanent (platform.md 4.14): what is known of them; their bytes lie on the shelf.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::Fresh;
use super::fault::ApiFault;
use super::fields::{number, text};

const LIFE_SECS: i64 = 3 * 86_400;
/// Temporary media the sandbox remembers; the oldest give way.
const TEMPORARY: usize = 500;
/// Permanent media of one type; the platform's library holds 1000, of images 100 000.
const PERMANENT: usize = 1000;

/// Bytes the sandbox holds in all.
const TOTAL_BYTES: usize = 256 * 1024 * 1024;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A voice message.
    Voice,
    /// A video.
    Video,
    /// A small picture.
    Thumb,
}

/// How long a file is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Temporary media.
    ThreeDays,
    /// Permanent media.
    ForEver,
}

/// A file as it is uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// What it is.
    pub kind: MediaKind,
    /// Its file name.
    pub name: String,
    /// Its length.
    pub bytes: usize,
    /// Of a video: its title.
    pub title: String,
    /// Of a video: what it is about.
    pub introduction: String,
}

/// A file the platform holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// As it came.
    pub upload: Upload,
    /// When, in Unix seconds.
    pub at: i64,
    /// Whether it stays.
    pub permanent: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Media(BTreeMap<String, Medium>);

impl MediaKind {
    /// As the calls name it.
    pub fn parse(name: &str) -> Result<Self, ApiFault> {
        Ok(match name {
            "image" => Self::Image,
            "voice" => Self::Voice,
            "video" => Self::Video,
            "thumb" => Self::Thumb,
            _ => return Err(ApiFault::new(40004, "invalid media type")),
        })
    }

    /// As the calls name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Thumb => "thumb",
        }
    }

    fn endings(self, keep: Keep) -> &'static [&'static str] {
        match (self, keep) {
            (Self::Image, Keep::ThreeDays) => &["png", "jpeg", "jpg", "gif"],
            (Self::Image, Keep::ForEver) => &["bmp", "png", "jpeg", "jpg", "gif"],
            (Self::Voice, Keep::ThreeDays) => &["amr", "mp3"],
            (Self::Voice, Keep::ForEver) => &["mp3", "wma", "wav", "amr"],
            (Self::Video, _) => &["mp4"],
            (Self::Thumb, _) => &["jpg", "jpeg"],
        }
    }

    fn limit(self) -> (usize, ApiFault) {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Image => (10 * MIB, ApiFault::new(40009, "invalid image size")),
            Self::Voice => (2 * MIB, ApiFault::new(40010, "invalid voice size")),
            Self::Video => (10 * MIB, ApiFault::new(40011, "invalid video size")),
            Self::Thumb => (64 * 1024, ApiFault::new(40012, "invalid thumb size")),
        }
    }
}

impl Upload {
    /// Whether the platform takes it.
    pub fn check(&self, keep: Keep) -> Result<(), ApiFault> {
        let (most, too_large) = self.kind.limit();
        let ending = self.name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        if self.bytes == 0 {
            return Err(ApiFault::new(41005, "media data missing"));
        }
        if !self.kind.endings(keep).contains(&ending.as_str()) {
            return Err(ApiFault::new(40005, "invalid file type"));
        }
        if self.bytes > most { Err(too_large) } else { Ok(()) }
    }
}

impl Media {
    /// Takes a file: its id, and the ids whose bytes may go.
    pub fn add(&mut self, upload: Upload, keep: Keep, fresh: Fresh) -> Result<(String, Vec<String>), ApiFault> {
        upload.check(keep)?;
        let permanent = keep == Keep::ForEver;
        let held: usize = self.0.values().map(|medium| medium.upload.bytes).sum();
        if held + upload.bytes > TOTAL_BYTES {
            return Err(ApiFault::new(45001, "media size out of limit: the sandbox is full"));
        }
        let gone = if permanent {
            if self.count(upload.kind) >= PERMANENT {
                return Err(ApiFault::new(45001, "media size out of limit: the library is full"));
            }
            Vec::new()
        } else {
            self.give_way(fresh.now)
        };
        let id = format!("{}{:016x}_{}", if permanent { "P" } else { "T" }, fresh.random, self.0.len());
        self.0.insert(id.clone(), Medium { upload, at: fresh.now, permanent });
        Ok((id, gone))
    }

    fn give_way(&mut self, now: i64) -> Vec<String> {
        let mut temporary: Vec<(i64, String)> =
            self.0.iter().filter(|(_, m)| !m.permanent).map(|(id, m)| (m.at, id.clone())).collect();
        temporary.sort();
        let over = temporary.len().saturating_sub(TEMPORARY - 1);
        let ended = temporary.iter().filter(|(at, _)| now - at > LIFE_SECS).count();
        let gone: Vec<String> = temporary.into_iter().take(over.max(ended)).map(|(_, id)| id).collect();
        for id in &gone {
            self.0.remove(id);
        }
        gone
    }

    /// A file that may be used now; one of a customer's own is known by its id (`sandbox_image_…`) for three days.
    pub fn usable(&self, id: &str, now: i64) -> Result<Option<&Medium>, ApiFault> {
        match self.0.get(id) {
            Some(medium) if medium.permanent || now - medium.at <= LIFE_SECS => Ok(Some(medium)),
            None if sent_at(id).is_some_and(|at| now - at <= LIFE_SECS) => Ok(None),
            _ => Err(ApiFault::media()),
        }
    }

    /// A file that is still here, whether or not it may be used.
    pub fn known(&self, id: &str) -> Option<&Medium> {
        self.0.get(id)
    }

    /// A permanent file.
    pub fn permanent(&self, id: &str) -> Result<&Medium, ApiFault> {
        self.0.get(id).filter(|medium| medium.permanent).ok_or_else(ApiFault::media)
    }

    /// Removes a permanent file.
    pub fn delete(&mut self, id: &str) -> Result<(), ApiFault> {
        self.permanent(id)?;
        self.0.remove(id);
        Ok(())
    }

    /// Permanent files of one type.
    pub fn count(&self, kind: MediaKind) -> usize {
        self.0.values().filter(|medium| medium.permanent && medium.upload.kind == kind).count()
    }

    /// What `batchget_material` answers; `url` makes the address of a picture.
    pub fn page(&self, body: &Value, url: impl Fn(&str) -> String) -> Result<Value, ApiFault> {
        let kind = MediaKind::parse(text(body, "/type"))?;
        let (offset, count) = window(body)?;
        let mut all: Vec<(&String, &Medium)> =
            self.0.iter().filter(|(_, medium)| medium.permanent && medium.upload.kind == kind).collect();
        all.sort_by_key(|(_, medium)| std::cmp::Reverse(medium.at));
        let item = |(id, medium): &(&String, &Medium)| json!({ "media_id": id, "name": medium.upload.name, "update_time": medium.at, "url": url(id) });
        let items: Vec<Value> = all.iter().skip(offset).take(count).map(item).collect();
        Ok(json!({ "total_count": all.len(), "item_count": items.len(), "item": items }))
    }
}

/// `offset` and `count` (1 to 20) of the calls that list.
pub fn window(body: &Value) -> Result<(usize, usize), ApiFault> {
    let read = |name: &str| number(body, name).and_then(|n| usize::try_from(n).ok());
    let count = read("/count").filter(|count| (1..=20).contains(count));
    Ok((read("/offset").unwrap_or(0), count.ok_or_else(|| ApiFault::parameter("count"))?))
}

/// When a customer sent what has this id: the time is the upper part of its message id.
fn sent_at(id: &str) -> Option<i64> {
    let msg_id: u64 = id.strip_prefix("sandbox_")?.rsplit_once('_')?.1.parse().ok()?;
    i64::try_from(msg_id >> 30).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(kind: MediaKind, name: &str, bytes: usize) -> Upload {
        Upload { kind, name: name.into(), bytes, title: String::new(), introduction: String::new() }
    }

    fn code<T>(result: Result<T, ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |_| 0)
    }

    const FRESH: Fresh = Fresh { now: 1_767_225_600, random: 7 };

    #[test]
    fn files_have_types_and_sizes() {
        use MediaKind::{Image, Thumb, Video, Voice};
        let check = |kind, name: &str, bytes, keep| code(upload(kind, name, bytes).check(keep));
        assert_eq!(check(Image, "a.PNG", 1, Keep::ThreeDays), 0);
        assert_eq!((check(Image, "a.bmp", 1, Keep::ThreeDays), check(Image, "a.bmp", 1, Keep::ForEver)), (40005, 0));
        assert_eq!((check(Image, "a.jpg", 0, Keep::ThreeDays), check(Image, "a", 1, Keep::ThreeDays)), (41005, 40005));
        let mib = 1024 * 1024;
        assert_eq!(
            (check(Image, "a.jpg", 10 * mib, Keep::ThreeDays), check(Image, "a.jpg", 10 * mib + 1, Keep::ThreeDays)),
            (0, 40009)
        );
        assert_eq!(
            (check(Voice, "a.mp3", 2 * mib + 1, Keep::ThreeDays), check(Video, "a.mp4", 10 * mib + 1, Keep::ThreeDays)),
            (40010, 40011)
        );
        assert_eq!(
            (check(Thumb, "a.jpg", 65_536, Keep::ThreeDays), check(Thumb, "a.jpg", 65_537, Keep::ThreeDays)),
            (0, 40012)
        );
        assert_eq!(code(MediaKind::parse("news")), 40004);
    }

    #[test]
    fn a_temporary_file_ends_after_three_days_and_a_permanent_one_stays() {
        let mut media = Media::default();
        let (temporary, _) = media.add(upload(MediaKind::Image, "a.png", 9), Keep::ThreeDays, FRESH).unwrap();
        let (permanent, _) = media.add(upload(MediaKind::Image, "b.png", 9), Keep::ForEver, FRESH).unwrap();
        let at = |id: &str, later| code(media.usable(id, FRESH.now + later));
        assert_eq!((at(&temporary, LIFE_SECS), at(&temporary, LIFE_SECS + 1)), (0, 40007));
        assert_eq!((at(&permanent, 10 * LIFE_SECS), at("nothing", 0)), (0, 40007));
        let sent = format!("sandbox_image_{}", u64::try_from(FRESH.now).unwrap() << 30);
        assert_eq!((at(&sent, LIFE_SECS), at(&sent, LIFE_SECS + 1)), (0, 40007));
        assert_eq!(
            (code(media.delete(&temporary)), code(media.delete(&permanent)), code(media.delete(&permanent))),
            (40007, 0, 40007)
        );
    }

    #[test]
    fn old_temporary_files_give_way() {
        let mut media = Media::default();
        let mut gone = Vec::new();
        for random in 0..=TEMPORARY as u64 {
            gone =
                media.add(upload(MediaKind::Image, "a.png", 9), Keep::ThreeDays, Fresh { random, ..FRESH }).unwrap().1;
        }
        assert_eq!((gone.len(), media.0.len()), (1, TEMPORARY));
        let later = Fresh { now: FRESH.now + LIFE_SECS + 1, random: 1 };
        assert_eq!(media.add(upload(MediaKind::Image, "a.png", 9), Keep::ThreeDays, later).unwrap().1.len(), TEMPORARY);
        let page = media.page(&json!({ "type": "image", "offset": 0, "count": 21 }), str::to_owned);
        assert_eq!(code(page), 40035);
    }
}
