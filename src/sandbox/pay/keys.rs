//! The keys of both sides: made when they are first needed, kept beside the sandbox's state, readable by its owner only.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::write_time;
use super::pair::{BadKey, Pair};
use crate::sandbox::SandboxError;

/// A certificate of the platform lives five years; one that was replaced, a day more.
const LIFE_SECS: i64 = 5 * 365 * 86_400;
const OVERLAP_SECS: i64 = 86_400;

/// What the merchant's page gives out. The private key and the APIv3 key are secrets: it has no `Debug`.
#[derive(Clone)]
pub struct Credentials {
    /// The merchant's number.
    pub mchid: String,
    /// The serial number of the merchant's certificate.
    pub serial: String,
    /// The merchant's private key, PEM.
    pub private_key_pem: String,
    /// The APIv3 key.
    pub api_v3_key: String,
    /// The id of the platform's public key.
    pub public_key_id: String,
    /// The platform's public key, PEM.
    pub public_key_pem: String,
}

/// The keys.
pub struct Keys {
    /// The merchant's number.
    pub mchid: String,
    /// The serial number of the merchant's certificate.
    pub serial: String,
    /// The merchant's pair.
    pub merchant: Pair,
    /// The id of the platform's public key.
    pub public_id: String,
    public: Pair,
    certificates: Vec<Certificate>,
    api_v3_key: String,
}

struct Certificate {
    serial: Vec<u8>,
    from: i64,
    until: i64,
    pair: Pair,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    mchid: String,
    serial: String,
    merchant: String,
    public_id: String,
    public: String,
    certificates: Vec<KeptCertificate>,
    api_v3_key: String,
}

#[derive(Serialize, Deserialize)]
struct KeptCertificate {
    serial: String,
    from: i64,
    until: i64,
    pair: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn random_serial() -> Vec<u8> {
    let mut serial: [u8; 20] = rand::random();
    // Positive, and of full length.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3F | 0x40;
    }
    serial.to_vec()
}

fn random_text(chars: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let one = || LETTERS.get(usize::from(rand::random::<u16>()) % LETTERS.len()).copied().unwrap_or(b'A');
    (0..chars).map(|_| char::from(one())).collect()
}

impl Certificate {
    fn make((from, until): (i64, i64)) -> Result<Self, BadKey> {
        Ok(Self { serial: random_serial(), from, until, pair: Pair::make()? })
    }
}

impl Keys {
    /// Those that lie in `file`, or new ones.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn keep(file: Option<&Path>, now: i64) -> Result<Self, SandboxError> {
        if let Some(kept) = file.map(read).transpose()?.flatten() {
            return Ok(kept);
        }
        let made = Self::make(now).map_err(|fault| SandboxError::BadAccount(fault.to_string()))?;
        if let Some(file) = file {
            made.write(file)?;
        }
        Ok(made)
    }

    fn make(now: i64) -> Result<Self, BadKey> {
        Ok(Self {
            mchid: format!("19{:08}", rand::random::<u32>() % 100_000_000),
            serial: hex(&random_serial()),
            merchant: Pair::make()?,
            public_id: format!("PUB_KEY_ID_01{:026}", rand::random::<u64>()),
            public: Pair::make()?,
            certificates: vec![Certificate::make((now - OVERLAP_SECS, now + LIFE_SECS))?],
            api_v3_key: random_text(32),
        })
    }

    /// A new certificate takes over; the former one is good for another day.
    pub fn rotate(&mut self, now: i64) -> Result<String, BadKey> {
        for former in &mut self.certificates {
            former.until = former.until.min(now + OVERLAP_SECS);
        }
        self.certificates.retain(|certificate| now < certificate.until);
        let made = Certificate::make((now - 60, now + LIFE_SECS))?;
        let serial = hex(&made.serial);
        self.certificates.push(made);
        Ok(serial)
    }

    /// What the merchant's page gives out.
    pub fn credentials(&self) -> Result<Credentials, BadKey> {
        Ok(Credentials {
            mchid: self.mchid.clone(),
            serial: self.serial.clone(),
            private_key_pem: self.merchant.private_pem()?,
            api_v3_key: self.api_v3_key.clone(),
            public_key_id: self.public_id.clone(),
            public_key_pem: self.public.public_pem()?,
        })
    }

    /// The serial and the pair that sign: the public key's, or those of the newest certificate.
    pub fn signs(&self, by: By) -> (String, &Pair) {
        match (by, self.certificates.last()) {
            (By::Certificate, Some(newest)) => (hex(&newest.serial), &newest.pair),
            _ => (self.public_id.clone(), &self.public),
        }
    }

    /// The answer of `/v3/certificates`.
    pub fn listed(&self, now: i64) -> Result<Value, BadKey> {
        let valid = self.certificates.iter().filter(|certificate| now < certificate.until);
        let one = |own: &Certificate| {
            let pem = own.pair.certificate(&own.serial, (own.from, own.until))?;
            Ok(json!({
                "serial_no": hex(&own.serial), "effective_time": write_time(own.from),
                "expire_time": write_time(own.until),
                "encrypt_certificate": self.sealed(pem.as_bytes(), "certificate")?,
            }))
        };
        Ok(json!({ "data": valid.map(one).collect::<Result<Vec<_>, BadKey>>()? }))
    }

    /// Sealed with the APIv3 key.
    pub fn sealed(&self, clear: &[u8], associated_data: &str) -> Result<Value, BadKey> {
        seal(&self.api_v3_key, clear, associated_data)
    }

    /// Writes them, all or nothing.
    pub fn write(&self, file: &Path) -> Result<(), SandboxError> {
        let unwritable = |cause| SandboxError::Unwritable { path: file.to_owned(), cause };
        let kept = self.kept().map_err(|fault| unwritable(std::io::Error::other(fault)))?;
        let written = serde_json::to_vec(&kept).map_err(std::io::Error::other).and_then(|json| {
            let new = file.with_extension("new");
            let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            out.write_all(&json)?;
            out.sync_all()?;
            fs::rename(&new, file)
        });
        written.map_err(unwritable)
    }

    fn kept(&self) -> Result<Kept, BadKey> {
        let text = |pair: &Pair| Ok(STANDARD.encode(pair.pkcs8()?));
        let one = |own: &Certificate| {
            let (serial, pair) = (STANDARD.encode(&own.serial), text(&own.pair)?);
            Ok(KeptCertificate { serial, from: own.from, until: own.until, pair })
        };
        Ok(Kept {
            mchid: self.mchid.clone(),
            serial: self.serial.clone(),
            merchant: text(&self.merchant)?,
            public_id: self.public_id.clone(),
            public: text(&self.public)?,
            certificates: self.certificates.iter().map(one).collect::<Result<_, BadKey>>()?,
            api_v3_key: self.api_v3_key.clone(),
        })
    }
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The platform's public key.
    PublicKey,
    /// Its newest certificate.
    Certificate,
}

/// Sealed with any key of 32 bytes.
pub fn seal(key: &str, clear: &[u8], associated_data: &str) -> Result<Value, BadKey> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).map_err(|_| BadKey)?);
    let nonce = random_text(NONCE_LEN);
    let mut bytes = clear.to_vec();
    let unique = Nonce::try_assume_unique_for_key(nonce.as_bytes()).map_err(|_| BadKey)?;
    key.seal_in_place_append_tag(unique, Aad::from(associated_data), &mut bytes).map_err(|_| BadKey)?;
    Ok(json!({
        "algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated_data,
        "ciphertext": STANDARD.encode(bytes),
    }))
}

fn read(file: &Path) -> Result<Option<Keys>, SandboxError> {
    let unreadable = |cause: String| SandboxError::Unreadable { path: file.to_owned(), cause };
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(cause.to_string())),
    };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|fault| unreadable(fault.to_string()))?;
    let bad = |_| unreadable(BadKey.to_string());
    let pair = |text: &str| STANDARD.decode(text).map_err(|_| BadKey).and_then(|der| Pair::read(&der));
    let mut certificates = Vec::new();
    for own in &kept.certificates {
        let serial = STANDARD.decode(&own.serial).map_err(|_| unreadable(BadKey.to_string()))?;
        certificates.push(Certificate {
            serial,
            from: own.from,
            until: own.until,
            pair: pair(&own.pair).map_err(bad)?,
        });
    }
    Ok(Some(Keys {
        merchant: pair(&kept.merchant).map_err(bad)?,
        public: pair(&kept.public).map_err(bad)?,
        mchid: kept.mchid,
        serial: kept.serial,
        public_id: kept.public_id,
        certificates,
        api_v3_key: kept.api_v3_key,
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: i64 = 1_767_225_600;

    #[test]
    fn keys_are_made_once_and_only_their_owner_can_read_them() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.pay-keys.json");
        let mut made = Keys::keep(Some(&file), NOW).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let first = made.signs(By::Certificate).0;
        let second = made.rotate(NOW).unwrap();
        made.write(&file).unwrap();
        let kept = Keys::keep(Some(&file), NOW).unwrap();
        let (ours, theirs) = (made.credentials().unwrap(), kept.credentials().unwrap());
        assert_eq!((&ours.mchid, &ours.private_key_pem), (&theirs.mchid, &theirs.private_key_pem));
        assert_eq!((ours.api_v3_key.len(), ours.public_key_pem), (32, theirs.public_key_pem));
        assert_eq!(kept.signs(By::Certificate).0, second);
        let listed = |now| kept.listed(now).unwrap()["data"].as_array().unwrap().len();
        assert_eq!((listed(NOW), listed(NOW + OVERLAP_SECS)), (2, 1));
        assert_ne!(first, second);
        fs::write(&file, "{").unwrap();
        assert!(Keys::keep(Some(&file), NOW).is_err());
    }
}
