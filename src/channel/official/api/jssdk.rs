//! Pages inside the chat (platform.md 4.17): the ticket, kept and renewed like the access token, and the signature with
//! which a page may use the platform's scripts. The page's domain has to be registered.

use sha1::{Digest, Sha1};
use url::Url;

use super::client::Client;
use super::error::ApiError;
use super::keeper::Kind;
use super::limits::Invalid;

/// What a page hands to `wx.config`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageSignature {
    /// AppID.
    pub app_id: String,
    /// When it was signed, in Unix seconds.
    pub timestamp: i64,
    /// Drawn for this signature.
    pub nonce_str: String,
    /// 40 hex digits.
    pub signature: String,
}

impl Client {
    /// Signs a page for the address that its browser shows, query included; what follows `#` is left out.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for what is no address of a page; else as for any call, when there is no ticket at hand.
    pub async fn sign_page(&self, page: &str) -> Result<PageSignature, ApiError> {
        let is_page = Url::parse(page).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_page {
            return Err(Invalid::new("url", "要写页面的完整网址").into());
        }
        let ticket = self.held(Kind::JsTicket, None).await?.text;
        let (nonce_str, timestamp) = (format!("{:032x}", rand::random::<u128>()), self.now().0);
        let signature = sign((&ticket, &nonce_str), timestamp, page);
        Ok(PageSignature { app_id: self.app_id().to_owned(), timestamp, nonce_str, signature })
    }
}

/// The signature: keys in this order, values as they are and not escaped.
fn sign((ticket, nonce): (&str, &str), timestamp: i64, page: &str) -> String {
    let page = page.split('#').next().unwrap_or_default();
    let signed = format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}");
    Sha1::digest(signed.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    /// The vectors of platform.md 4.17.
    #[test]
    fn signatures_are_those_of_the_reference() {
        let nonce = "Wm3WZYTPz0wzccnW";
        let ours = sign(("JSTICKET-rust-growth-0001", nonce), 1_735_689_600, "https://example.com/p?a=1&b=2");
        assert_eq!(ours, "c7cddf5b78805826bb0a471ef7506ffb3640d079");
        let ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
        let published = sign((ticket, nonce), 1_414_587_457, "http://mp.weixin.qq.com?params=value#top");
        assert_eq!(published, "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
    }

    #[actix_web::test]
    async fn the_ticket_is_fetched_once_and_a_page_is_signed_as_the_browser_shows_it() {
        let stage = stage(&[r#"{"errcode":0,"errmsg":"ok","ticket":"TICKET","expires_in":7200}"#]);
        let page = "https://e.cn/页?a=1#b";
        let first = stage.client.sign_page(page).await.unwrap();
        let second = stage.client.sign_page(page).await.unwrap();
        assert_eq!(first.signature, sign(("TICKET", &first.nonce_str), first.timestamp, "https://e.cn/页?a=1"));
        assert_ne!(first.nonce_str, second.nonce_str);
        let [asked] = &stage.asked()[..] else { panic!("one ticket") };
        assert_eq!((asked.line().as_str(), asked.parameter("type")), ("GET cgi-bin/ticket/getticket", Some("jsapi")));
        let json = serde_json::to_value(&first).unwrap();
        assert!(["appId", "timestamp", "nonceStr", "signature"].iter().all(|field| json.get(field).is_some()));
        assert!(matches!(stage.client.sign_page("/p").await, Err(ApiError::Invalid(_))));
        stage.close().await;
    }
}
