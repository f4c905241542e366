//! From the setting `store.url` to an engine.

use std::path::Path;
use std::sync::Arc;

use super::{Embedded, Moving, PseudonymKey, Redis, Seal, Sealed, Spec, Store, StoreError};

/// The engine that a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    /// A file in `data_dir`.
    Embedded,
    /// A server, or several.
    Redis,
}

/// Opens the store that `url` names, or makes one there: `embedded:` lives in `data_dir`, `redis://…`, `rediss://…`,
/// `redis+sentinel://…` and `redis+cluster://…` on Redis.
///
/// # Errors
/// [`StoreError::Mismatch`] when no engine is called that or the store was made with another `spec`,
/// [`StoreError::Locked`] when another process holds it, else what opening it met.
pub async fn open(url: &str, data_dir: &Path, spec: Spec, key: PseudonymKey) -> Result<Arc<dyn Store>, StoreError> {
    let seal = Seal::new(&key)?;
    let engine: Arc<dyn Store> = match engine(url)? {
        Engine::Embedded => Arc::new(Embedded::open(data_dir, spec, key)?),
        Engine::Redis => {
            let store = Arc::new(Redis::open(url, spec, key).await?);
            store.attend().await?;
            store
        }
    };
    Ok(Arc::new(Sealed::new(engine, seal)))
}

/// Opens two stores to copy from one to the other: the first is only read, the second is made or filled. Nobody else may
/// write to either ([`Moving::hold`]).
///
/// # Errors
/// As [`open`]; the second may be half copied, the first may not, and is not made.
pub async fn open_to_copy(
    (from, to): (&str, &str),
    data_dir: &Path,
    (spec, key): (Spec, PseudonymKey),
) -> Result<(Arc<dyn Moving>, Arc<dyn Moving>), StoreError> {
    let source: Arc<dyn Moving> = match (engine(from)?, engine(to)?) {
        (Engine::Embedded, Engine::Embedded) => {
            return Err(StoreError::Mismatch("--from and --to are the same store".into()));
        }
        (Engine::Embedded, _) => {
            let store = Embedded::open_to_empty(data_dir, key.clone())?;
            store.spec().check(spec)?;
            Arc::new(store)
        }
        (Engine::Redis, _) => Arc::new(Redis::open_read_only(from, (Some(spec), Some(key.clone()))).await?),
    };
    // Before anything is made where it goes.
    source.hold().await?;
    match open_to_fill(to, data_dir, (spec, key)).await {
        Ok(target) => Ok((source, target)),
        Err(refusal) => {
            source.let_go().await?;
            Err(refusal)
        }
    }
}

async fn open_to_fill(
    url: &str,
    data_dir: &Path,
    (spec, key): (Spec, PseudonymKey),
) -> Result<Arc<dyn Moving>, StoreError> {
    Ok(match engine(url)? {
        Engine::Embedded => Arc::new(Embedded::open_to_fill(data_dir, spec, key)?),
        Engine::Redis => Arc::new(Redis::open_to_fill(url, spec, key).await?),
    })
}

/// Whether `url` names the embedded store.
///
/// # Errors
/// As [`open`], when no engine is called that.
pub fn is_embedded(url: &str) -> Result<bool, StoreError> {
    engine(url).map(|engine| engine == Engine::Embedded)
}

fn engine(url: &str) -> Result<Engine, StoreError> {
    // What follows the scheme may hold a password, so no message repeats it.
    let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
    match scheme {
        "embedded" if url == "embedded:" => Ok(Engine::Embedded),
        "embedded" => Err(StoreError::Mismatch(
            "store.url: nothing may follow `embedded:`; the folder of the embedded store is `data_dir`".into(),
        )),
        "redis" | "rediss" | "redis+sentinel" | "redis+cluster" => Ok(Engine::Redis),
        _ => Err(StoreError::Mismatch("store.url: no store is called that; set store.url to `embedded:`".into())),
    }
}

/// Opens the store that `url` names for reading, also beside the process that writes it.
///
/// # Errors
/// As [`open`]; also when there is no store yet.
pub async fn open_read_only(url: &str, data_dir: &Path, spec: Spec) -> Result<Arc<dyn Store>, StoreError> {
    if engine(url)? == Engine::Redis {
        return Ok(Arc::new(Redis::open_read_only(url, (Some(spec), None)).await?));
    }
    let store = Embedded::open_read_only(data_dir)?;
    store.spec().check(spec)?;
    Ok(Arc::new(store))
}

/// As [`open_read_only`], for somebody who asks about single customers and has the key to those who left.
///
/// # Errors
/// As [`open_read_only`].
pub async fn open_to_export(url: &str, data_dir: &Path, key: PseudonymKey) -> Result<Arc<dyn Store>, StoreError> {
    let seal = Seal::new(&key)?;
    let engine: Arc<dyn Store> = match engine(url)? {
        Engine::Redis => Arc::new(Redis::open_read_only(url, (None, Some(key))).await?),
        Engine::Embedded => Arc::new(Embedded::open_read_only(data_dir)?.knowing(key)),
    };
    Ok(Arc::new(Sealed::new(engine, seal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::lateness::Lateness;

    async fn refusal(url: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        open(url, dir.path(), Spec::default(), PseudonymKey::new("k")).await.err().unwrap().to_string()
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_is_said_and_its_password_is_not_repeated() {
        for url in ["redis://:hunter2@127.0.0.1:1/0", "redis+cluster://:hunter2@127.0.0.1:1"] {
            let sentence = refusal(url).await;
            assert!(sentence.contains("Redis") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[tokio::test]
    async fn an_unknown_engine_is_refused() {
        assert!(refusal("postgres://h").await.contains("embedded:"));
        assert!(refusal("").await.contains("embedded:"));
        assert!(refusal("embedded:/elsewhere").await.contains("data_dir"));
    }

    #[tokio::test]
    async fn the_embedded_store_is_opened_in_the_data_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(open("embedded:", &dir.path().join("data"), Spec::default(), PseudonymKey::new("k")).await.is_ok());
        assert!(dir.path().join("data/fuwu.db").exists());
    }

    #[tokio::test]
    async fn reading_and_writing_ask_for_the_settings_the_store_was_made_with() {
        let dir = tempfile::tempdir().unwrap();
        let made = Spec { partitions: 7, lateness: Lateness::new(0).unwrap() };
        let key = || PseudonymKey::new("k");
        drop(open("embedded:", dir.path(), made, key()).await.unwrap());
        for other in [Spec { partitions: 8, ..made }, Spec { lateness: Lateness::DEFAULT, ..made }] {
            let written = open("embedded:", dir.path(), other, key()).await.err();
            for refused in [written, open_read_only("embedded:", dir.path(), other).await.err()] {
                let refused = refused.unwrap();
                assert!(matches!(refused, StoreError::Mismatch(_)), "{refused:?}");
            }
        }
        drop(open_read_only("embedded:", dir.path(), made).await.unwrap());
        drop(open("embedded:", dir.path(), made, key()).await.unwrap());
    }
}
