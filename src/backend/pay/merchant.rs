//! A merchant: who they are to the payment platform, and the keys that prove it (platform.md 6.1).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pem;
use super::ring::PublicKey;

/// Two thousand bits; a shorter key the platform does not give out.
const LEAST_KEY_BYTES: usize = 256;

/// What the merchant's page gives out. It holds secrets and has no `Debug`.
#[derive(Clone)]
pub struct MerchantSpec {
    /// The merchant's number, 8 to 10 digits.
    pub mchid: String,
    /// The AppID of the account that customers pay in; it must be bound to the merchant.
    pub app_id: String,
    /// The serial number of the merchant's API certificate, hex.
    pub serial: String,
    /// The merchant's private key, PEM.
    pub private_key_pem: String,
    /// The APIv3 key: exactly 32 bytes.
    pub api_v3_key: String,
    /// The platform's public key, if the merchant verifies by it; without one the platform's certificates are fetched.
    pub public_key: Option<PublicKeySpec>,
}

/// The platform's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeySpec {
    /// Its id, `PUB_KEY_ID_…`.
    pub id: String,
    /// The key, PEM.
    pub pem: String,
}

/// Why a merchant cannot be made. It never holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerchantFault {
    /// `mchid`.
    #[error("the merchant number must have 8 to 10 digits")]
    Mchid,
    /// `app_id`.
    #[error("there is no AppID")]
    AppId,
    /// `serial`.
    #[error("the serial number of the merchant's certificate must be 8 to 40 hex digits")]
    Serial,
    /// `private_key_pem`.
    #[error("the merchant's private key is no RSA key of 2048 bits or more in PEM")]
    PrivateKey,
    /// `api_v3_key`.
    #[error("the APIv3 key has {0} bytes; it must have exactly 32")]
    ApiV3Key(usize),
    /// `public_key.id`.
    #[error("the id of the platform's public key must begin with PUB_KEY_ID_")]
    PublicKeyId,
    /// `public_key.pem`.
    #[error("the platform's public key is no RSA public key in PEM")]
    PublicKey,
}

/// A message could not be signed; this does not happen with a key that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message could not be signed")]
pub struct Unsigned;

/// A merchant whose keys can be used.
pub struct Merchant {
    mchid: String,
    app_id: String,
    serial: String,
    private: KeyPair,
    api_v3: LessSafeKey,
    public: Option<(String, PublicKey)>,
}

impl Merchant {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`MerchantFault`] for the first thing that cannot be used.
    pub fn new(spec: MerchantSpec) -> Result<Self, MerchantFault> {
        let is_number = (8..=10).contains(&spec.mchid.len()) && spec.mchid.bytes().all(|b| b.is_ascii_digit());
        let is_serial = (8..=40).contains(&spec.serial.len()) && spec.serial.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_number {
            return Err(MerchantFault::Mchid);
        }
        if spec.app_id.is_empty() || !spec.app_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(MerchantFault::AppId);
        }
        if !is_serial {
            return Err(MerchantFault::Serial);
        }
        let private = private_key(&spec.private_key_pem).ok_or(MerchantFault::PrivateKey)?;
        let api_v3 = spec.api_v3_key.as_bytes();
        let bad_length = || MerchantFault::ApiV3Key(api_v3.len());
        let api_v3 = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, api_v3).map_err(|_| bad_length())?);
        let public = spec.public_key.map(|PublicKeySpec { id, pem }| {
            if !id.starts_with("PUB_KEY_ID_") {
                return Err(MerchantFault::PublicKeyId);
            }
            Ok((id, PublicKey::from_pem(&pem).ok_or(MerchantFault::PublicKey)?))
        });
        Ok(Self {
            mchid: spec.mchid,
            app_id: spec.app_id,
            serial: spec.serial.to_ascii_uppercase(),
            private,
            api_v3,
            public: public.transpose()?,
        })
    }

    /// The merchant's number.
    pub fn mchid(&self) -> &str {
        &self.mchid
    }

    /// The AppID that customers pay in.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    pub(super) fn serial(&self) -> &str {
        &self.serial
    }

    /// The platform's public key and its id, if it is that which verifies.
    pub(super) fn public_key(&self) -> Option<&(String, PublicKey)> {
        self.public.as_ref()
    }

    /// SHA256 with RSA, PKCS#1 v1.5, in base64.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, Unsigned> {
        let mut signature = vec![0; self.private.public_modulus_len()];
        let signed = self.private.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| Unsigned)?;
        Ok(STANDARD.encode(signature))
    }

    /// Opens what the platform sealed with the APIv3 key (platform.md 6.4): `None` when a bit of it is another.
    pub(super) fn unseal(&self, sealed: &Sealed<'_>) -> Option<Vec<u8>> {
        let nonce = Nonce::try_assume_unique_for_key(sealed.nonce.as_bytes()).ok()?;
        let mut bytes = STANDARD.decode(sealed.ciphertext).ok()?;
        let opened = self.api_v3.open_in_place(nonce, Aad::from(sealed.associated_data), &mut bytes).ok()?;
        Some(opened.to_vec())
    }
}

/// What the platform sealed.
pub(super) struct Sealed<'a> {
    pub nonce: &'a str,
    pub associated_data: &'a str,
    /// Base64; the last 16 bytes are the tag.
    pub ciphertext: &'a str,
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant").field("mchid", &self.mchid).finish_non_exhaustive()
    }
}

/// PKCS#8 as the platform's tool writes it, or PKCS#1.
fn private_key(pem: &str) -> Option<KeyPair> {
    let read = match pem::block(pem, "PRIVATE KEY") {
        Some(der) => KeyPair::from_pkcs8(&der),
        None => KeyPair::from_der(&pem::block(pem, "RSA PRIVATE KEY")?),
    };
    read.ok().filter(|key| key.public_modulus_len() >= LEAST_KEY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Keys};
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_and_no_secret_with_it() {
        let good = fixture::spec(Keys::one());
        let wrong = |change: fn(&mut MerchantSpec)| {
            let mut spec = good.clone();
            change(&mut spec);
            Merchant::new(spec).unwrap_err()
        };
        assert_eq!(wrong(|spec| spec.mchid = "19000x0001".into()), MerchantFault::Mchid);
        assert_eq!(wrong(|spec| spec.app_id = String::new()), MerchantFault::AppId);
        assert_eq!(wrong(|spec| spec.serial = "xyz".into()), MerchantFault::Serial);
        assert_eq!(
            wrong(|spec| spec.private_key_pem = spec.private_key_pem.replace("M", "N")),
            MerchantFault::PrivateKey
        );
        assert_eq!(wrong(|spec| spec.api_v3_key.push('x')), MerchantFault::ApiV3Key(33));
        assert_eq!(wrong(|spec| spec.api_v3_key = "密".repeat(11)), MerchantFault::ApiV3Key(33));
        let key = |id: &str, pem: &str| Some(PublicKeySpec { id: id.into(), pem: pem.into() });
        let spec = |public_key| MerchantSpec { public_key, ..good.clone() };
        let pem = Keys::one().public_pem();
        assert_eq!(Merchant::new(spec(key("KEY", &pem))).unwrap_err(), MerchantFault::PublicKeyId);
        assert_eq!(Merchant::new(spec(key("PUB_KEY_ID_1", "x"))).unwrap_err(), MerchantFault::PublicKey);
        let shown = format!("{:?}", Merchant::new(good.clone()).unwrap());
        assert!(shown.contains("1900000001") && !shown.contains(&good.api_v3_key) && !shown.contains("PRIVATE"));
        let names: String = [MerchantFault::PrivateKey, MerchantFault::ApiV3Key(3)].map(|f| f.to_string()).concat();
        assert!(!names.contains(&good.api_v3_key));
    }
}
