//! The demo account's secrets and the console's token: made on first start, kept with the data, never committed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const FILE: &str = "secrets.json";
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
}

impl Secrets {
    /// The kept ones, or new ones. The file can be read by its owner only.
    pub(super) fn keep(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "{} cannot be read; remove it to have new secrets made (the phone page starts anew)",
                    path.display()
                )
            }),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {
                let made = Self::make();
                std::fs::create_dir_all(data_dir)?;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
                file.write_all(&serde_json::to_vec_pretty(&made)?)?;
                file.sync_all()?;
                Ok(made)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    fn make() -> Self {
        Self {
            app_id: format!("wx{}", random_text(16).to_lowercase()),
            app_secret: random_text(32),
            original_id: format!("gh_{}", random_text(12).to_lowercase()),
            token: random_text(32),
            aes_key: random_text(43),
            console_api_token: random_text(32),
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
    fn a_broken_file_says_how_to_mend_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let error = Secrets::keep(dir.path()).err().unwrap();
        assert!(format!("{error:#}").contains("remove it"));
    }
}
