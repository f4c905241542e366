//! The merchant of an account: from its settings, or the one of the sandbox.

use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use crate::backend::pay::{Client, ClientSpec, Clock, HOSTS, Merchant, MerchantSpec, PublicKeySpec, http_client};
use crate::config::settings::{KeySource, Pay};
use crate::sandbox::Sandbox;

/// One try of a call may take so long.
const WITHIN: Duration = Duration::from_secs(5);

/// The way of the account with this AppID to the payment platform; `None` when it takes no payments. An account that lives
/// in the sandbox (with the address of the server it is on) has a merchant there, whose keys are made when they are first
/// needed and kept beside the sandbox's state, unless the settings name another one.
///
/// # Errors
/// Names the setting and what is wrong with it, never a key.
pub(super) fn client(
    pay: Option<&Pay>,
    sandbox: Option<(&Sandbox, &Url)>,
    (app_id, clock): (&str, Clock),
) -> anyhow::Result<Option<Client>> {
    let (merchant, hosts) = match (pay, sandbox) {
        (Some(pay), _) => (merchant(pay, app_id)?, hosts(pay.api_base.as_ref())?),
        (None, Some((sandbox, here))) => (of_sandbox(sandbox, app_id)?, vec![here.join("sandbox/pay")?]),
        (None, None) => return Ok(None),
    };
    Ok(Some(Client::new(merchant, ClientSpec { hosts, http: http_client()?, clock, within: WITHIN })))
}

fn hosts(set: Option<&Url>) -> anyhow::Result<Vec<Url>> {
    match set {
        Some(base) => Ok(vec![base.clone()]),
        None => HOSTS.iter().map(|host| Ok(Url::parse(host)?)).collect(),
    }
}

fn of_sandbox(sandbox: &Sandbox, app_id: &str) -> anyhow::Result<Merchant> {
    let own = sandbox.pay().credentials().context("the sandbox's merchant has no keys")?;
    let public_key = Some(PublicKeySpec { id: own.public_key_id, pem: own.public_key_pem });
    Ok(Merchant::new(MerchantSpec {
        mchid: own.mchid,
        app_id: app_id.to_owned(),
        serial: own.serial,
        private_key_pem: own.private_key_pem,
        api_v3_key: own.api_v3_key,
        public_key,
    })?)
}

/// Reads the keys of a merchant whose customers pay in the account with this AppID, so that a key that cannot be used is
/// found at the start and not at the first payment.
///
/// # Errors
/// Names the setting and what is wrong with it, never a key.
pub(super) fn merchant(pay: &Pay, app_id: &str) -> anyhow::Result<Merchant> {
    let read = |key: &KeySource, name: &str| {
        let secret = key.read().with_context(|| match key {
            KeySource::File(path) => format!("{name}_file: {} 无法读取 cannot be read", path.display()),
            KeySource::Text(_) => name.to_owned(),
        })?;
        Ok::<_, anyhow::Error>(secret.expose().to_owned())
    };
    let public_key = match &pay.public_key {
        Some((id, key)) => Some(PublicKeySpec { id: id.clone(), pem: read(key, "public_key")? }),
        None => None,
    };
    let spec = MerchantSpec {
        mchid: pay.mchid.clone(),
        app_id: app_id.to_owned(),
        serial: pay.serial.clone(),
        private_key_pem: read(&pay.private_key, "private_key")?,
        api_v3_key: pay.api_v3_key.expose().to_owned(),
        public_key,
    };
    Ok(Merchant::new(spec)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::pay::fixture::{self, Keys};
    use crate::config::settings::Secret;

    fn settings(private_key: KeySource) -> Pay {
        let spec = fixture::spec(Keys::one());
        Pay {
            mchid: spec.mchid,
            serial: spec.serial,
            private_key,
            api_v3_key: Secret::new(spec.api_v3_key),
            public_key: spec.public_key.map(|key| (key.id, KeySource::Text(Secret::new(key.pem)))),
            api_base: None,
        }
    }

    #[test]
    fn keys_are_read_from_files_and_a_wrong_one_is_named_but_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apiclient_key.pem");
        let pay = settings(KeySource::File(path.clone()));
        let missing = format!("{:#}", merchant(&pay, fixture::APP_ID).unwrap_err());
        assert!(missing.contains("private_key_file") && missing.contains("apiclient_key.pem"), "{missing}");
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----").unwrap();
        let wrong = format!("{:#}", merchant(&pay, fixture::APP_ID).unwrap_err());
        assert!(wrong.contains("private key") && !wrong.contains("U0VDUkVU"), "{wrong}");
        std::fs::write(&path, Keys::one().private_pem()).unwrap();
        assert_eq!(merchant(&pay, fixture::APP_ID).unwrap().mchid(), fixture::MCHID);
    }
}
