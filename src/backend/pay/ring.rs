//! The platform's keys, by serial: its public key, or its certificates while they rotate (platform.md 6.1).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use x509_cert::Certificate as X509;
use x509_cert::der::{Decode as _, Encode as _};

use super::pem;
use crate::domain::time::UnixSecs;

/// An unknown serial makes us ask for the certificates at most so often (reliability.md 3.4, P3).
pub const REFETCH_SECS: i64 = 60;
/// Certificates are kept by serial; the platform has two at a time.
const MOST_CERTIFICATES: usize = 16;

/// An RSA public key: a SubjectPublicKeyInfo that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey(Vec<u8>);

impl PublicKey {
    pub(super) fn from_pem(text: &str) -> Option<Self> {
        Self::from_der(pem::block(text, "PUBLIC KEY")?)
    }

    fn from_der(der: Vec<u8>) -> Option<Self> {
        aws_lc_rs::rsa::PublicEncryptingKey::from_der(&der).ok()?;
        Some(Self(der))
    }

    /// Whether the holder of the private key signed this message: SHA256 with RSA, PKCS#1 v1.5.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0).verify(message, signature).is_ok()
    }
}

/// A certificate of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    serial: String,
    from: UnixSecs,
    until: UnixSecs,
    key: PublicKey,
}

impl Certificate {
    /// Reads a PEM.
    pub(super) fn from_pem(text: &str) -> Option<Self> {
        let read = X509::from_der(&pem::block(text, "CERTIFICATE")?).ok()?;
        let tbs = read.tbs_certificate();
        let secs = |time: &x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok().map(UnixSecs);
        let hex: String = tbs.serial_number().as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
        Some(Self {
            serial: plain(&hex),
            from: secs(&tbs.validity().not_before)?,
            until: secs(&tbs.validity().not_after)?,
            key: PublicKey::from_der(tbs.subject_public_key_info().to_der().ok()?)?,
        })
    }

    /// Whether it goes by this serial.
    pub(super) fn is_named(&self, serial: &str) -> bool {
        self.serial == plain(serial)
    }

    fn is_valid(&self, now: UnixSecs) -> bool {
        self.from <= now && now < self.until
    }
}

/// Without the zeros that a number may begin with, in capitals.
fn plain(serial: &str) -> String {
    serial.trim_start_matches('0').to_ascii_uppercase()
}

/// Why there is no key under a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// Nobody told us of it.
    Unknown,
    /// Its certificate is over, or has not begun.
    NotValid,
}

/// All keys of the platform that we know.
#[derive(Debug, Default)]
pub(super) struct KeyRing {
    fixed: Option<(String, PublicKey)>,
    fetched: Mutex<Fetched>,
}

#[derive(Debug, Default)]
struct Fetched {
    certificates: BTreeMap<String, Certificate>,
    asked_at: Option<UnixSecs>,
}

impl KeyRing {
    /// With the platform's public key, if there is one.
    pub(super) fn new(fixed: Option<(String, PublicKey)>) -> Self {
        Self { fixed, fetched: Mutex::default() }
    }

    /// The key that `Wechatpay-Serial` names.
    pub(super) fn key(&self, serial: &str, now: UnixSecs) -> Result<PublicKey, NoKey> {
        if let Some((_, key)) = self.fixed.as_ref().filter(|(id, _)| id == serial) {
            return Ok(key.clone());
        }
        match self.fetched().certificates.get(&plain(serial)) {
            Some(certificate) if certificate.is_valid(now) => Ok(certificate.key.clone()),
            Some(_) => Err(NoKey::NotValid),
            None => Err(NoKey::Unknown),
        }
    }

    /// Whether asking for the certificates may help with this serial, and was not done a moment ago. Whoever hears yes
    /// asks; nobody else does for [`REFETCH_SECS`].
    pub(super) fn ask_for(&self, serial: &str, now: UnixSecs) -> bool {
        // A public key's id is never a certificate.
        if serial.is_empty() || serial.len() > 40 || !serial.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        let mut fetched = self.fetched();
        let is_early = fetched.asked_at.is_some_and(|at| (0..REFETCH_SECS).contains(&now.secs_since(at)));
        if !is_early {
            fetched.asked_at = Some(now);
        }
        !is_early
    }

    /// Adds what the platform has now. Those it no longer names stay as long as they are valid: a notification that
    /// was signed by one may still be on its way.
    pub(super) fn add(&self, certificates: Vec<Certificate>, now: UnixSecs) {
        let mut fetched = self.fetched();
        fetched.certificates.retain(|_, certificate| now < certificate.until);
        for certificate in certificates {
            if fetched.certificates.len() < MOST_CERTIFICATES {
                fetched.certificates.insert(certificate.serial.clone(), certificate);
            }
        }
    }

    /// The key of the one that goes by this serial and is valid now.
    pub(super) fn of<'a>(certificates: &'a [Certificate], serial: &str, now: UnixSecs) -> Option<&'a PublicKey> {
        certificates.iter().find(|own| own.is_named(serial) && own.is_valid(now)).map(|own| &own.key)
    }

    fn fetched(&self) -> MutexGuard<'_, Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Keys;
    use super::*;

    const NOW: UnixSecs = UnixSecs(1_767_225_600);

    fn certificate(serial: &str, from: i64, until: i64) -> Certificate {
        let key = PublicKey::from_pem(&Keys::one().public_pem()).unwrap();
        Certificate { serial: plain(serial), from: UnixSecs(from), until: UnixSecs(until), key }
    }

    #[test]
    fn a_certificate_made_by_openssl_is_read() {
        let read = Certificate::from_pem(include_str!("fixtures/platform_certificate.pem")).unwrap();
        assert_eq!(read.serial, "5157F09EFDC096DE15EBE81A47057A7232F1B8E1");
        assert_eq!((read.from, read.until), (UnixSecs(1_735_689_600), UnixSecs(1_893_456_000)));
        let message = b"1735689600\nNONCE0002\n{\"id\":\"EV-1\"}\n";
        let signature = include_bytes!("fixtures/platform_signature.bin");
        assert!(read.key.verifies(message, signature));
        assert!(!read.key.verifies(b"1735689600\nNONCE0002\n{\"id\":\"EV-2\"}\n", signature));
        assert_eq!(Certificate::from_pem("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----"), None);
    }

    #[test]
    fn the_old_and_the_new_certificate_are_both_good_while_they_overlap() {
        let ring = KeyRing::new(None);
        let secs = NOW.0;
        ring.add(vec![certificate("0AA1", secs - 100, secs + 100)], NOW);
        ring.add(vec![certificate("BB", secs - 10, secs + 1000)], NOW);
        assert!(ring.key("AA1", NOW).is_ok() && ring.key("0aa1", NOW).is_ok() && ring.key("BB", NOW).is_ok());
        assert_eq!(ring.key("CC", NOW), Err(NoKey::Unknown));
        assert_eq!(ring.key("AA1", NOW.plus_secs(100)), Err(NoKey::NotValid));
        assert_eq!(ring.key("BB", NOW.plus_secs(-11)), Err(NoKey::NotValid));
        ring.add(Vec::new(), NOW.plus_secs(200));
        assert_eq!(ring.key("AA1", NOW), Err(NoKey::Unknown), "what is over is forgotten");
    }

    #[test]
    fn an_unknown_serial_makes_us_ask_once_a_minute_whoever_shouts() {
        let ring = KeyRing::new(None);
        assert!(ring.ask_for("AA", NOW));
        assert!(!ring.ask_for("AB", NOW) && !ring.ask_for("AC", NOW.plus_secs(REFETCH_SECS - 1)));
        assert!(ring.ask_for("AD", NOW.plus_secs(REFETCH_SECS)));
        assert!(ring.ask_for("AE", NOW), "a clock set back does not keep us from asking");
        for serial in ["PUB_KEY_ID_0114", "", "../x", &"A".repeat(41)] {
            assert!(!KeyRing::new(None).ask_for(serial, NOW), "{serial}");
        }
    }

    #[test]
    fn a_public_key_goes_by_its_id_only() {
        let key = PublicKey::from_pem(&Keys::one().public_pem()).unwrap();
        let ring = KeyRing::new(Some(("PUB_KEY_ID_1".into(), key)));
        assert!(ring.key("PUB_KEY_ID_1", NOW).is_ok());
        assert_eq!(ring.key("PUB_KEY_ID_2", NOW), Err(NoKey::Unknown));
    }
}
