//! The platform's certificates, fetched while they rotate (platform.md 6.1).

use serde::Deserialize;

use super::carry::Call;
use super::client::Client;
use super::merchant::Sealed;
use super::ring::{Certificate, KeyRing};

#[derive(Deserialize)]
struct Listed {
    data: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    serial_no: String,
    encrypt_certificate: Encrypted,
}

#[derive(Deserialize)]
struct Encrypted {
    nonce: String,
    #[serde(default)]
    associated_data: String,
    ciphertext: String,
}

impl Client {
    /// Asks for the certificates and keeps them if they are the platform's: sealed with the APIv3 key, which nobody else
    /// has, and the answer signed by one of them or by a key that is known already. Nothing changes otherwise.
    pub(super) async fn fetch_certificates(&self) {
        match self.certificates().await {
            Some(certificates) => {
                tracing::info!(count = certificates.len(), "the payment platform's certificates were fetched");
                self.ring().add(certificates, self.now());
            }
            None => tracing::warn!("the payment platform's certificates could not be fetched; check the APIv3 key"),
        }
    }

    async fn certificates(&self) -> Option<Vec<Certificate>> {
        let came = self.carry(&Call::get("/v3/certificates".into())).await.ok()?;
        let stamp = came.stamp.ok()?;
        let listed: Listed = serde_json::from_slice(&came.body).ok().filter(|_| came.status == 200)?;
        let certificates = listed.data.iter().map(|one| self.opened(one)).collect::<Option<Vec<_>>>()?;
        stamp.is_plausible(self.now()).ok()?;
        let proven = match KeyRing::of(&certificates, stamp.serial(), self.now()) {
            Some(key) => stamp.verify_by(key, &came.body),
            None => stamp.verify(&came.body, self.ring(), self.now()),
        };
        proven.ok().map(|()| certificates)
    }

    fn opened(&self, one: &One) -> Option<Certificate> {
        let Encrypted { nonce, associated_data, ciphertext } = &one.encrypt_certificate;
        let pem = self.merchant().unseal(&Sealed { nonce, associated_data, ciphertext })?;
        let certificate = Certificate::from_pem(std::str::from_utf8(&pem).ok()?)?;
        certificate.is_named(&one.serial_no).then_some(certificate)
    }
}
