//! Pairs of RSA keys, and the certificates that the platform makes of them.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;

/// SHA256 with RSA, PKCS#1 v1.5, as certificates name it.
const SHA256_RSA: &[u8] = &[0x30, 13, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00];
const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 0x04, 0x03];

/// A key pair that could not be made, read or used: this does not happen with what was made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of the payment platform cannot be used")]
pub struct BadKey;

/// A pair of RSA keys of 2048 bits.
pub struct Pair(KeyPair);

impl Pair {
    /// A new one.
    pub fn make() -> Result<Self, BadKey> {
        KeyPair::generate(KeySize::Rsa2048).map(Self).map_err(|_| BadKey)
    }

    /// One that was kept.
    pub fn read(pkcs8: &[u8]) -> Result<Self, BadKey> {
        KeyPair::from_pkcs8(pkcs8).map(Self).map_err(|_| BadKey)
    }

    /// To be kept.
    pub fn pkcs8(&self) -> Result<Vec<u8>, BadKey> {
        let der: Pkcs8V1Der<'_> = self.0.as_der().map_err(|_| BadKey)?;
        Ok(der.as_ref().to_vec())
    }

    /// The private key, PEM.
    pub fn private_pem(&self) -> Result<String, BadKey> {
        Ok(pem("PRIVATE KEY", &self.pkcs8()?))
    }

    /// The public key, PEM.
    pub fn public_pem(&self) -> Result<String, BadKey> {
        Ok(pem("PUBLIC KEY", &self.public()?))
    }

    fn public(&self) -> Result<Vec<u8>, BadKey> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().map_err(|_| BadKey)?;
        Ok(der.as_ref().to_vec())
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, BadKey> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| BadKey)?;
        Ok(signature)
    }

    /// A signature in base64.
    pub fn sign(&self, message: &[u8]) -> Result<String, BadKey> {
        Ok(STANDARD.encode(self.signature(message)?))
    }

    /// Whether a signature in base64 was made with this pair.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.0.public_key().as_ref());
        key.verify(message, &signature).is_ok()
    }

    /// A certificate of the public key, signed with the private one, PEM.
    pub fn certificate(&self, serial: &[u8], (from, until): (i64, i64)) -> Result<String, BadKey> {
        let name =
            tlv(0x30, &[tlv(0x31, &[tlv(0x30, &[COMMON_NAME.to_vec(), tlv(0x0C, &[b"fuwu sandbox".to_vec()])])])]);
        let body = tlv(
            0x30,
            &[
                tlv(0xA0, &[tlv(0x02, &[vec![2]])]),
                tlv(0x02, &[serial.to_vec()]),
                SHA256_RSA.to_vec(),
                name.clone(),
                tlv(0x30, &[utc(from)?, utc(until)?]),
                name,
                self.public()?,
            ],
        );
        let signature = self.signature(&body)?;
        let whole = tlv(0x30, &[body, SHA256_RSA.to_vec(), tlv(0x03, &[vec![0], signature])]);
        Ok(pem("CERTIFICATE", &whole))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// One element of DER: a tag, a length, what is inside.
fn tlv(tag: u8, inside: &[Vec<u8>]) -> Vec<u8> {
    let inside = inside.concat();
    let length = inside.len().to_be_bytes();
    let significant: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut whole = vec![tag];
    match significant.as_slice() {
        [] => whole.push(0),
        [short] if *short < 0x80 => whole.push(*short),
        long => {
            whole.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            whole.extend_from_slice(long);
        }
    }
    whole.extend(inside);
    whole
}

/// A moment before 2050, as certificates write it.
fn utc(at: i64) -> Result<Vec<u8>, BadKey> {
    let text = DateTime::from_timestamp(at, 0).ok_or(BadKey)?.format("%y%m%d%H%M%SZ").to_string();
    Ok(tlv(0x17, &[text.into_bytes()]))
}

#[cfg(test)]
mod tests {
    use x509_cert::Certificate;
    use x509_cert::der::{Decode as _, Encode as _};

    use super::*;

    #[test]
    fn a_pair_outlives_being_kept_and_its_certificate_is_one() {
        let pair = Pair::make().unwrap();
        let again = Pair::read(&pair.pkcs8().unwrap()).unwrap();
        let signature = again.sign(b"message").unwrap();
        assert!(pair.verifies(b"message", &signature));
        assert!(!pair.verifies(b"massage", &signature) && !pair.verifies(b"message", "?"));
        assert!(Pair::read(b"x").is_err());
        let pem = pair.certificate(&[0x51, 2, 3], (1_735_689_600, 1_893_456_000)).unwrap();
        let inside: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let read = Certificate::from_der(&STANDARD.decode(inside).unwrap()).unwrap();
        let tbs = read.tbs_certificate();
        assert_eq!(tbs.serial_number().as_bytes(), [0x51, 2, 3]);
        assert_eq!(tbs.validity().not_after.to_unix_duration().as_secs(), 1_893_456_000);
        assert_eq!(tbs.subject_public_key_info().to_der().unwrap(), pair.public().unwrap());
        assert!(pair.verifies(&tbs.to_der().unwrap(), &STANDARD.encode(read.signature().raw_bytes())));
    }
}
