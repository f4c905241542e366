//! `accounts.ID.pay`: the merchant of an account (platform.md 6.1).

use std::io;
use std::path::PathBuf;

use url::Url;

use super::secret::Secret;

/// A merchant of the payment platform.
#[derive(Clone, Debug)]
pub struct Pay {
    /// `mchid`.
    pub mchid: String,
    /// `serial`: of the merchant's API certificate.
    pub serial: String,
    /// `private_key` or `private_key_file`.
    pub private_key: KeySource,
    /// `api_v3_key`: exactly 32 bytes.
    pub api_v3_key: Secret,
    /// `public_key_id` with `public_key` or `public_key_file`; without them the platform's certificates are fetched.
    pub public_key: Option<(String, KeySource)>,
    /// `api_base`; `None` for the platform's own addresses.
    pub api_base: Option<Url>,
}

/// Where a PEM is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In the setting.
    Text(Secret),
    /// In a file.
    File(PathBuf),
}

impl KeySource {
    /// The PEM.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> io::Result<Secret> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::File(path) => std::fs::read_to_string(path).map(Secret::new),
        }
    }
}

/// The settings of the section.
pub(super) const NAMES: [&str; 9] = [
    "mchid",
    "serial",
    "private_key",
    "private_key_file",
    "api_v3_key",
    "public_key_id",
    "public_key",
    "public_key_file",
    "api_base",
];

/// 8 to 10 digits.
pub(super) fn is_mchid(text: &str) -> bool {
    (8..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Hex, as the merchant's page shows it.
pub(super) fn is_serial(text: &str) -> bool {
    (8..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_where_it_is_and_never_printed() {
        let text = KeySource::Text(Secret::new("PEM-TEXT"));
        assert_eq!(text.read().unwrap().expose(), "PEM-TEXT");
        assert!(!format!("{text:?}").contains("PEM-TEXT"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apiclient_key.pem");
        assert!(KeySource::File(path.clone()).read().is_err());
        std::fs::write(&path, "PEM-FILE").unwrap();
        assert_eq!(KeySource::File(path).read().unwrap().expose(), "PEM-FILE");
    }
}
