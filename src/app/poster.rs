//! Codes and posters: a customer's own, which is made when it is asked for and renewed before it dies, and the permanent one
//! of a channel.
//!
//! What the platform made is kept in a shared record, so that no process asks for it twice. Whoever is slower at writing it
//! uses what the quicker one wrote. A store that has forgotten the record makes another code: the old one goes on working,
//! since both carry the same scene.

mod record;

use sha2::{Digest, Sha256};

use super::{App, ServedAccount};
use crate::channel::official::api::{
    ApiError, Client, CodeLife, CodeScene, MOST_CODE_SECS, MediaKind, Reaction, Reason, Upload,
};
use crate::domain::ids::{AccountId, Scene};
use crate::domain::poster::Poster;
use crate::domain::time::UnixSecs;
use crate::store::{Committed, Shared, SharedChange, SharedKind, SharedName, Store, StoreError};
use record::{KeptCode, KeptMedia};

/// So many others may be quicker, one after the other.
const MAX_TRIES: usize = 16;
/// So many records are taken away in one write.
const AT_ONCE: usize = 200;

/// Whose poster.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The campaign's key.
    pub campaign: &'a str,
    /// What the code carries: 1 to 64 characters.
    pub scene: &'a Scene,
    /// The picture and the place of the code.
    pub poster: &'a Poster,
}

/// What came of the wish for a poster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// The platform keeps it under this media id, for some hours at least.
    Media(String),
    /// The account makes no such codes or keeps no pictures, and asking again would not help: words have to do.
    NoCode,
    /// Not now: then again, or as patience says.
    Later(Option<UnixSecs>),
}

/// A permanent code of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelCode {
    /// Leads to the platform's picture of it (platform.md 4.6).
    pub ticket: String,
    /// The text inside the code.
    pub url: String,
    /// Whether the platform was asked for it now; an older one is on record.
    pub is_new: bool,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeFault {
    /// The platform did not make it.
    #[error(transparent)]
    Platform(#[from] ApiError),
    /// The store did not say whether there is one, or could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(format!("{}:{part}", part.len()));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Wanted<'_> {
    fn name(&self) -> SharedName {
        let part = format!("poster/{}", hash(&[self.campaign, self.scene.as_str()]));
        SharedName { kind: SharedKind::Poster, part }
    }
}

impl App {
    /// Makes a customer's poster, or finds the one that was made: its code lives for a week at least, its media id for some
    /// hours, and it shows the picture as it is now.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn poster(&self, account: &ServedAccount, wanted: &Wanted<'_>) -> Result<Made, StoreError> {
        let (store, name) = (self.store.as_ref(), wanted.name());
        for _ in 0..MAX_TRIES {
            let shared = store.shared(account.id(), &name).await?;
            let now = self.clock.now();
            let kept = KeptCode::read(&shared.body).filter(|kept| kept.lasts(now));
            if let Some(id) = kept.as_ref().and_then(|kept| kept.media_of(wanted.poster, now)) {
                return Ok(Made::Media(id.to_owned()));
            }
            let made = match kept {
                None => self.new_code(account, wanted.scene).await,
                Some(kept) => self.new_picture(account, wanted.poster, kept).await,
            };
            let made = match made {
                Ok(made) => made,
                Err(error) => return Ok(not_made(account.id(), &error)),
            };
            // Whether it was written or somebody was quicker: what is there now is used.
            put(store, (account.id(), &name), (&shared, Some(&made))).await?;
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one poster")))
    }

    async fn new_code(&self, account: &ServedAccount, scene: &Scene) -> Result<KeptCode, ApiError> {
        let scene = CodeScene::Text(scene.as_str().to_owned());
        let code = account.platform.create_code(&scene, CodeLife::Secs(MOST_CODE_SECS)).await?;
        let secs = code.expire_seconds.unwrap_or(MOST_CODE_SECS.into());
        let ends = Some(self.clock.now().plus_secs(secs));
        Ok(KeptCode { ticket: code.ticket, url: code.url, ends, media: None })
    }

    async fn new_picture(
        &self,
        account: &ServedAccount,
        poster: &Poster,
        kept: KeptCode,
    ) -> Result<KeptCode, ApiError> {
        let (composer, url) = (poster.clone(), kept.url.clone());
        let composed = tokio::task::spawn_blocking(move || composer.compose(&url)).await;
        let bytes = composed.map_err(|_| ApiError::Unreached)?.map_err(|fault| {
            tracing::error!(account = %account.id(), cause = fault.cause, mend = fault.mend, "a poster cannot be made");
            ApiError::Unsendable
        })?;
        let upload = Upload { name: "poster.jpg", bytes: &bytes };
        let temporary = account.platform.upload_media(MediaKind::Image, upload).await?;
        let picture = poster.fingerprint().to_owned();
        Ok(KeptCode { media: Some(KeptMedia { id: temporary.media_id, ends: temporary.ends, picture }), ..kept })
    }

    /// The platform knows this media id no more: the next one who wants the poster uploads it anew.
    ///
    /// # Errors
    /// As the store answers.
    pub(super) async fn forget_picture(
        &self,
        account: &ServedAccount,
        wanted: &Wanted<'_>,
        media_id: &str,
    ) -> Result<(), StoreError> {
        let name = wanted.name();
        let shared = self.store.shared(account.id(), &name).await?;
        let Some(kept) = KeptCode::read(&shared.body) else { return Ok(()) };
        if kept.media.as_ref().is_some_and(|media| media.id == media_id) {
            let without = KeptCode { media: None, ..kept };
            // Somebody else's change was a renewal.
            put(self.store.as_ref(), (account.id(), &name), (&shared, Some(&without))).await?;
        }
        Ok(())
    }

    /// Forgets codes whose life is over.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn forget_posters(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for account in self.accounts.keys() {
            let all = self.store.shared_of(account, SharedKind::Poster).await?;
            let ended = |shared: &Shared| KeptCode::read(&shared.body).is_none_or(|kept| kept.has_ended(now));
            let old: Vec<(String, Shared)> = all.into_iter().filter(|(_, shared)| ended(shared)).collect();
            for some in old.chunks(AT_ONCE) {
                let taken = some.iter().map(|(part, shared)| {
                    let name = SharedName { kind: SharedKind::Poster, part: part.clone() };
                    async move { put(self.store.as_ref(), (account, &name), (shared, None)).await }
                });
                futures_util::future::try_join_all(taken).await?;
            }
        }
        Ok(())
    }
}

/// What a refusal means for the poster (platform.md 4.0).
fn not_made(account: &AccountId, error: &ApiError) -> Made {
    let made = match (error, error.reaction()) {
        (ApiError::NotBefore { at, .. }, _) => Made::Later(Some(*at)),
        // Nothing is lost when it is made twice.
        (ApiError::Busy | ApiError::Unreached, _) => Made::Later(None),
        // Once somebody has mended it, the same call may do.
        (_, Reaction::Refresh | Reaction::Alert(Reason::Account)) => Made::Later(None),
        _ => Made::NoCode,
    };
    let mend = error.in_words();
    if made == Made::NoCode {
        tracing::error!(%account, %error, mend, "a poster cannot be made; customers are given words in its place");
    } else {
        tracing::warn!(%account, %error, mend, "a poster is made later");
    }
    made
}

async fn put(
    store: &dyn Store,
    (account, name): (&AccountId, &SharedName),
    (from, to): (&Shared, Option<&KeptCode>),
) -> Result<Committed, StoreError> {
    let body = to.map(KeptCode::write).transpose()?;
    store.put_shared(SharedChange { account: account.clone(), name: name.clone(), base: from.version, body }).await
}

/// The permanent code of a scene. The platform is asked for it once, and then it is on record: an account has 100,000 and
/// can delete none (platform.md 4.6).
///
/// # Errors
/// As the platform or the store answers; 45029 when all codes are made.
pub async fn channel_code(
    (store, platform): (&dyn Store, &Client),
    account: &AccountId,
    scene: &Scene,
) -> Result<ChannelCode, CodeFault> {
    let name = SharedName { kind: SharedKind::Poster, part: format!("code/{}", hash(&[scene.as_str()])) };
    let mut is_new = false;
    for _ in 0..MAX_TRIES {
        let shared = store.shared(account, &name).await?;
        if let Some(KeptCode { ticket, url, .. }) = KeptCode::read(&shared.body) {
            return Ok(ChannelCode { ticket, url, is_new });
        }
        let code = platform.create_code(&CodeScene::Text(scene.as_str().to_owned()), CodeLife::Permanent).await?;
        let made = KeptCode { ticket: code.ticket, url: code.url, ends: None, media: None };
        is_new |= put(store, (account, &name), (&shared, Some(&made))).await? == Committed::Applied;
    }
    Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one code")).into())
}

#[cfg(test)]
mod tests;
