//! What is kept of a code: where it leads, how long it lives, and the picture with it that the platform keeps.

use serde::{Deserialize, Serialize};

use crate::domain::poster::Poster;
use crate::domain::time::UnixSecs;
use crate::store::StoreError;

/// A code with less life than this is made anew: a poster hangs in chats for days after it was handed out.
const LEAST_CODE_SECS: i64 = 7 * 86_400;
/// A media id with less life than this is made anew: a message may wait for its turn.
const LEAST_MEDIA_SECS: i64 = 6 * 3_600;

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptCode {
    pub(super) ticket: String,
    /// The text inside it.
    pub(super) url: String,
    /// When it ends; `None` for a permanent one.
    pub(super) ends: Option<UnixSecs>,
    #[serde(default)]
    pub(super) media: Option<KeptMedia>,
}

/// A poster with the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptMedia {
    pub(super) id: String,
    pub(super) ends: UnixSecs,
    /// The fingerprint of the poster it was made from.
    pub(super) picture: String,
}

impl KeptCode {
    /// What a newer version wrote, or nobody, is made anew.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::Shape { what: "code", cause: error.to_string() })
    }

    /// Whether it can be handed out.
    pub(super) fn lasts(&self, now: UnixSecs) -> bool {
        self.ends.is_none_or(|ends| ends.secs_since(now) >= LEAST_CODE_SECS)
    }

    /// Whether nobody can scan it any more.
    pub(super) fn has_ended(&self, now: UnixSecs) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }

    /// Its picture, if it is this poster and will be there for a while.
    pub(super) fn media_of(&self, poster: &Poster, now: UnixSecs) -> Option<&str> {
        let media = self.media.as_ref()?;
        let good = media.picture == poster.fingerprint() && media.ends.secs_since(now) >= LEAST_MEDIA_SECS;
        good.then_some(media.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::poster::tests::{settings, small_png};

    #[test]
    fn a_code_is_renewed_a_week_and_a_picture_six_hours_before_the_end() {
        let poster = |left| Poster::new(settings(left, 0, 160), &small_png()).unwrap();
        let picture = poster(0).fingerprint().to_owned();
        let media = Some(KeptMedia { id: "M".into(), ends: UnixSecs(LEAST_MEDIA_SECS + 5), picture });
        let ends = UnixSecs(LEAST_CODE_SECS + 9);
        let kept = KeptCode { ticket: "T".into(), url: "u".into(), ends: Some(ends), media };
        assert_eq!(KeptCode::read(&kept.write().unwrap()), Some(kept.clone()));
        assert!(kept.lasts(UnixSecs(9)) && !kept.lasts(UnixSecs(10)));
        assert!(!kept.has_ended(UnixSecs(10)) && kept.has_ended(ends));
        assert_eq!(kept.media_of(&poster(0), UnixSecs(5)), Some("M"));
        assert_eq!(kept.media_of(&poster(0), UnixSecs(6)), None);
        assert_eq!(kept.media_of(&poster(1), UnixSecs(5)), None, "another place for the code is another poster");
        let permanent = KeptCode { ends: None, ..kept };
        assert!(permanent.lasts(UnixSecs(i64::MAX)) && !permanent.has_ended(UnixSecs(i64::MAX)));
        assert_eq!(KeptCode::read(b"{\"url\":1}"), None);
    }
}
