//! Keys and a merchant for the tests of this room.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::merchant::{MerchantSpec, PublicKeySpec};

pub const APP_ID: &str = "wx0123456789abcdef";
pub const MCHID: &str = "1900000001";
pub const API_V3_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const KEY_ID: &str = "PUB_KEY_ID_0119000000012026";

/// A pair of keys made for this run.
pub struct Keys(KeyPair);

impl Keys {
    /// Always the same pair, since making one takes a while.
    pub fn one() -> &'static Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(|| Self(KeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn private_pem(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.0.as_der().unwrap();
        pem("PRIVATE KEY", der.as_ref())
    }

    pub fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        pem("PUBLIC KEY", der.as_ref())
    }

    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        STANDARD.encode(signature)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// A merchant whose platform verifies with the same pair.
pub fn spec(keys: &Keys) -> MerchantSpec {
    MerchantSpec {
        mchid: MCHID.into(),
        app_id: APP_ID.into(),
        serial: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1".into(),
        private_key_pem: keys.private_pem(),
        api_v3_key: API_V3_KEY.into(),
        public_key: Some(PublicKeySpec { id: KEY_ID.into(), pem: keys.public_pem() }),
    }
}
