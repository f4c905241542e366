//! The demo account's secrets and the console's token: made on first start, kept with the data, never committed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::config::settings::Secret;
use crate::store::PseudonymKey;

const FILE: &str = "secrets.json";
const NEW_FILE: &str = "secrets.json.new";
/// 256 bits of letters and digits.
const KEY_CHARS: usize = 43;
const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What is made on first start.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secrets {
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) original_id: String,
    pub(super) token: String,
    pub(super) aes_key: String,
    pub(super) console_api_token: String,
    /// Names customers who left: without it none of them is recognised who comes back. Empty in an older file.
    #[serde(default)]
    pseudonym_key: String,
}

impl Secrets {
    /// The kept ones, or new ones. The file can be read by its owner only.
    pub(super) fn keep(data_dir: &Path) -> anyhow::Result<Self> {
        let secrets = match Self::read(data_dir)? {
            Some(kept) if !kept.pseudonym_key.is_empty() => return Ok(kept),
            Some(older) => Self { pseudonym_key: random_text(KEY_CHARS), ..older },
            None => Self::make(),
        };
        secrets.write(data_dir).with_context(|| format!("{} cannot be written", data_dir.join(FILE).display()))?;
        Ok(secrets)
    }

    /// The kept ones, if there are any.
    pub(super) fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
                format!(
                    "{} cannot be read; restore it from a backup. Without it new secrets are made: the phone page \
                     starts anew, and customers who left are not recognised when they come back",
                    path.display()
                )
            }),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// The key to customers who left: the one that is set, or the one made.
    pub(super) fn pseudonym_key(&self, settings: &Settings) -> PseudonymKey {
        let set = settings.pseudonym_key.as_ref().map(Secret::expose);
        PseudonymKey::new(set.unwrap_or(&self.pseudonym_key))
    }

    /// All of it or nothing: a crash must not leave half a file.
    fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(data_dir)?;
        let new = data_dir.join(NEW_FILE);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&new, data_dir.join(FILE))?;
        std::fs::File::open(data_dir)?.sync_all()?;
        Ok(())
    }

    fn make() -> Self {
        Self {
            app_id: format!("wx{}", random_text(16).to_lowercase()),
            app_secret: random_text(32),
            original_id: format!("gh_{}", random_text(12).to_lowercase()),
            token: random_text(32),
            aes_key: random_text(43),
            console_api_token: random_text(32),
            pseudonym_key: random_text(KEY_CHARS),
        }
    }
}

/// Letters and digits from the system's randomness, without bias.
fn random_text(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let byte = usize::from(rand::random::<u8>());
        // 248 is the largest multiple of 62 in a byte.
        if byte < 248 {
            text.extend(DIGITS.get(byte % DIGITS.len()).map(|digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_kept_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let made = Secrets::keep(dir.path()).unwrap();
        let kept = Secrets::keep(dir.path()).unwrap();
        assert_eq!((made.token.len(), made.aes_key.len()), (32, 43));
        assert_eq!((made.token, made.aes_key), (kept.token, kept.aes_key));
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_older_file_without_the_key_gets_one_and_keeps_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let made = Secrets::keep(dir.path()).unwrap();
        let mut older = serde_json::to_value(&made).unwrap();
        older.as_object_mut().unwrap().remove("pseudonym_key").unwrap();
        std::fs::write(dir.path().join(FILE), older.to_string()).unwrap();
        let (renewed, kept) = (Secrets::keep(dir.path()).unwrap(), Secrets::keep(dir.path()).unwrap());
        assert_eq!((renewed.token, renewed.pseudonym_key.len()), (made.token, KEY_CHARS));
        assert_eq!(renewed.pseudonym_key, kept.pseudonym_key);
        assert_ne!(renewed.pseudonym_key, made.pseudonym_key);
    }

    #[test]
    fn a_broken_file_says_how_to_mend_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let error = Secrets::keep(dir.path()).err().unwrap();
        assert!(format!("{error:#}").contains("restore it"));
    }
}
