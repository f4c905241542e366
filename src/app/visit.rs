//! Who looks at a page of an account in the chat's browser: a customer whom the platform's web authorization named
//! (platform.md 4.18), kept sealed in a cookie for an hour.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::App;
use crate::domain::ids::{AccountId, Openid};
use crate::domain::time::UnixSecs;

/// A visit lasts so long, in seconds; then the platform is asked again, which the customer does not notice.
pub const VISIT_SECS: i64 = 3600;
/// Eight bytes say when it ends.
const END_BYTES: usize = 8;
/// Longer ones are none of ours, and not worth opening.
const MOST_CHARS: usize = 512;

impl App {
    /// A customer's visit, sealed: nobody else can make one, read it, change it or use it on another account. The key is
    /// made of the one that all processes share.
    ///
    /// `None` when no key can be made, which does not happen.
    pub fn seal_visit(&self, account: &AccountId, openid: &Openid) -> Option<String> {
        let ends = self.clock.now().plus_secs(VISIT_SECS);
        let mut body = [&ends.0.to_be_bytes()[..], openid.as_str().as_bytes()].concat();
        // Random ones never meet: each key seals far fewer visits than would take.
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let key = self.visit_key(account)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut body).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &body].concat()))
    }

    /// Who visits; `None` when it is over, or was not sealed by us for this account.
    pub fn open_visit(&self, account: &AccountId, sealed: &str) -> Option<Openid> {
        if sealed.len() > MOST_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut body = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let clear = self.visit_key(account)?.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        let (ends, openid) = clear.split_first_chunk::<END_BYTES>()?;
        let ends = UnixSecs(i64::from_be_bytes(*ends));
        let openid = std::str::from_utf8(openid).ok().filter(|openid| !openid.is_empty())?;
        (self.clock.now() < ends).then(|| Openid::from(openid))
    }

    fn visit_key(&self, account: &AccountId) -> Option<LessSafeKey> {
        let key = self.rules.discretion.key.mark(&[b"page", b"visit", account.as_str().as_bytes()]);
        UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stand::Stand;
    use super::*;

    #[actix_web::test]
    async fn a_visit_is_the_customers_on_one_account_for_an_hour() {
        let stand = Stand::new();
        let app = &stand.app;
        let (ours, theirs) = (AccountId::from("demo"), AccountId::from("other"));
        let sealed = app.seal_visit(&ours, &"oA".into()).unwrap();
        assert_eq!(app.open_visit(&ours, &sealed), Some("oA".into()));
        assert_eq!(app.open_visit(&theirs, &sealed), None);
        assert_ne!(
            app.seal_visit(&ours, &"oA".into()).unwrap(),
            sealed,
            "two of them cannot be told to be one customer's"
        );
        stand.clock.advance_secs(VISIT_SECS - 1);
        assert_eq!(app.open_visit(&ours, &sealed), Some("oA".into()));
        stand.clock.advance_secs(1);
        assert_eq!(app.open_visit(&ours, &sealed), None);
    }

    #[actix_web::test]
    async fn a_bit_of_it_changed_is_no_visit() {
        let stand = Stand::new();
        let account = AccountId::from("demo");
        let sealed = stand.app.seal_visit(&account, &"oA".into()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(stand.app.open_visit(&account, &URL_SAFE_NO_PAD.encode(other)), None, "byte {at}");
        }
        for bad in ["", "oA", "?", "AAAA", &sealed[..20], &sealed.repeat(9)] {
            assert_eq!(stand.app.open_visit(&account, bad), None, "{bad}");
        }
    }
}
