//! Opening: a store is used only as it was made, by a version that knows it.

use super::args::Args;
use super::engine::Redis;
use super::keys::Home;
use super::link::{Fault, Link};
use super::{health, script};
use crate::growth::lateness::Lateness;
use crate::store::moving::half_copied;
use crate::store::pseudonym::Names;
use crate::store::{Partitions, PseudonymKey, Spec, StoreError};

/// The format of what is stored.
const FORMAT: i64 = 1;
/// Where it stands what a store was made with.
const META: &str = "{fuwu}:meta:";

/// What a store was made with, name by name.
pub(super) struct Made(Vec<(String, String)>);

impl Redis {
    /// Opens the store that `url` names, or makes one there with this `spec`: `redis://…`, `rediss://…`,
    /// `redis+sentinel://h1:26379,h2:26379/0?master=NAME`, `redis+cluster://h1:6379,h2:6379`.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] when the URL cannot be used, the servers are not fit for a store, or the store was made
    /// with another `spec` or key or by another version or program; nothing is changed then. [`StoreError::Unavailable`]
    /// when nobody answers there.
    pub async fn open(url: &str, spec: Spec, key: PseudonymKey) -> Result<Self, StoreError> {
        let (store, made) = Self::open_or_make(url, spec, key).await?;
        made.check_whole()?;
        Ok(store)
    }

    /// Opens the store that `url` names, or makes one there, to fill it from another store.
    ///
    /// # Errors
    /// As [`Self::open`], but a store that is filled in part is opened.
    pub(crate) async fn open_to_fill(url: &str, spec: Spec, key: PseudonymKey) -> Result<Self, StoreError> {
        Self::open_or_make(url, spec, key).await.map(|(store, _)| store)
    }

    async fn open_or_make(url: &str, spec: Spec, key: PseudonymKey) -> Result<(Self, Made), StoreError> {
        Partitions::new(spec.partitions)?;
        let link = Link::open(url).await?;
        health::check(&link).await?;
        let made = match Made::read(&link).await? {
            Some(made) => made,
            None => {
                let mut args = Args::default();
                args.len(5).push("format").number(FORMAT).push("partitions").number(spec.partitions);
                args.push("lateness_days").number(spec.lateness.days()).push("key").push(fingerprint(&key));
                args.push("id").push((rand::random::<u64>() >> 1).to_string());
                // Somebody else may have been first, so what is there now counts.
                Made(link.run(&script::OPEN, &Home::common(), &args).await?)
            }
        };
        made.spec()?.check(spec)?;
        made.check_key(&key)?;
        Ok((Self::over(link, (spec, Some(key)))?, made))
    }

    /// Opens the store that `url` names to look into it, and changes nothing; with a key also customers who left are
    /// found.
    ///
    /// # Errors
    /// As [`Self::open`]; also when there is no store yet.
    pub async fn open_read_only(
        url: &str,
        (spec, key): (Option<Spec>, Option<PseudonymKey>),
    ) -> Result<Self, StoreError> {
        let link = Link::open(url).await?;
        let made = Made::read(&link).await?.ok_or_else(|| {
            StoreError::Mismatch("there is no store at store.url yet; `fuwu serve` makes one there".into())
        })?;
        let found = made.spec()?;
        made.check_whole()?;
        if let Some(spec) = spec {
            found.check(spec)?;
        }
        if let Some(key) = &key {
            made.check_key(key)?;
        }
        Self::over(link, (found, key))
    }

    fn over(link: Link, (spec, key): (Spec, Option<PseudonymKey>)) -> Result<Self, StoreError> {
        let names = Names { partitions: Partitions::new(spec.partitions)?, key };
        Ok(Self::new(link, spec, names))
    }
}

impl Made {
    /// What the store was made with, when there is one.
    ///
    /// # Errors
    /// As [`Redis::open`].
    pub(super) async fn read(link: &Link) -> Result<Option<Self>, StoreError> {
        let mut args = Args::default();
        let read: Result<_, Fault> = link.tried(&script::OPEN, &Home::common(), args.len(0)).await;
        match read {
            Ok(made) => Ok(Some(Self(made)).filter(|made| !made.0.is_empty())),
            Err(fault) => Err(match fault.code() {
                Some("WRONGTYPE") => StoreError::Mismatch(format!(
                    "another program keeps something under {META}; let store.url name another database (…/1) or server"
                )),
                Some("NOPERM") => StoreError::Mismatch(format!(
                    "the user of store.url may not do what a store needs: {fault} (ACL SETUSER … ~{{fuwu* +@all)"
                )),
                _ if fault.to_string().contains("unknown command") => StoreError::Mismatch(format!(
                    "the server runs no scripts ({fault}); a store needs EVAL and EVALSHA: undo its rename-command"
                )),
                _ => fault.into(),
            }),
        }
    }

    fn with(&self, what: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == what).map(|(_, value)| value.as_str())
    }

    fn number(&self, what: &str) -> i64 {
        self.with(what).and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// # Errors
    /// [`StoreError::Mismatch`] for what this version does not know.
    pub(super) fn spec(&self) -> Result<Spec, StoreError> {
        if self.with("format").is_none() {
            return Err(StoreError::Mismatch(format!(
                "what is kept under {META} was not written by fuwu; let store.url name another database (…/1) or server"
            )));
        }
        let format = self.number("format");
        if format != FORMAT {
            let which = if format > FORMAT { "a newer" } else { "another" };
            return Err(StoreError::Mismatch(format!(
                "the store was written by {which} version of fuwu (format {format}, this one knows {FORMAT}); run that \
                 version"
            )));
        }
        let lateness = i32::try_from(self.number("lateness_days")).ok().and_then(Lateness::new);
        let partitions = u16::try_from(self.number("partitions")).unwrap_or_default();
        Ok(Spec { partitions, lateness: lateness.unwrap_or_default() })
    }

    /// What is there in part is not used.
    fn check_whole(&self) -> Result<(), StoreError> {
        if self.with("half").is_some() { Err(half_copied()) } else { Ok(()) }
    }

    /// With another key nobody who left would be recognised.
    fn check_key(&self, key: &PseudonymKey) -> Result<(), StoreError> {
        if self.with("key") == Some(fingerprint(key).as_str()) {
            return Ok(());
        }
        Err(StoreError::Mismatch(
            "the store was made with another pseudonym key; take `pseudonym_key` from secrets.json in the data_dir of \
             the process that made it, and set privacy.pseudonym_key (or FUWU__PRIVACY__PSEUDONYM_KEY) to it"
                .into(),
        ))
    }
}

/// Tells one key from another and says nothing about either.
fn fingerprint(key: &PseudonymKey) -> String {
    key.mark(&[b"fingerprint"]).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
