//! Web authorization (OAuth2, platform.md 4.18): who opens a page. Certified service accounts, on the one domain that is
//! registered for it.

use std::fmt;

use serde::Deserialize;
use url::Url;

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::{flag, int};
use super::limits::{self, Invalid};
use crate::domain::ids::Openid;

/// Where the platform asks its customers.
const CONSENT_PAGE: &str = "https://open.weixin.qq.com/connect/oauth2/authorize";

/// How much a page wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebScope {
    /// The openid alone; nobody is asked.
    Base,
    /// Name and picture too: the customer is asked.
    UserInfo,
}

impl WebScope {
    fn name(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::UserInfo => "snsapi_userinfo",
        }
    }
}

/// What a customer authorized. Its tokens are the server's alone: no page sees them, nothing prints them.
#[derive(Clone, PartialEq, Eq)]
pub struct WebGrant {
    /// Who.
    pub openid: Openid,
    /// The same over all accounts of one Open Platform subject.
    pub unionid: Option<String>,
    /// Scopes, with commas between.
    pub scope: String,
    /// Lives this many seconds.
    pub expires_in: i64,
    access_token: String,
    refresh_token: String,
}

impl fmt::Debug for WebGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebGrant").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// What came of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebVisitor {
    /// A customer.
    Known(WebGrant),
    /// Somebody who only looks at a snapshot of the page, under an openid that is made up: never to be credited or bound.
    /// The page asks them to open it in full.
    Snapshot,
}

/// What a customer shows of themselves, if they agreed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// Who.
    pub openid: Openid,
    /// The same over all accounts of one Open Platform subject.
    #[serde(default)]
    pub unionid: Option<String>,
    /// Their name.
    #[serde(default)]
    pub nickname: String,
    /// Their picture; the address dies when they change it.
    #[serde(default)]
    pub headimgurl: String,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Told {
    access_token: String,
    #[serde(deserialize_with = "int")]
    expires_in: i64,
    refresh_token: String,
    openid: Openid,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    unionid: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    is_snapshotuser: bool,
}

impl Client {
    /// Where a page sends a customer first. They come back to `back` with a `code`, and the `state` that was handed in:
    /// up to 128 letters and digits, to be compared with the one kept for them.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn authorize_url(&self, back: &Url, (scope, state): (WebScope, &str)) -> Result<Url, Invalid> {
        limits::bytes("state", state, 0..=128)?;
        if !state.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Invalid::new("state", "只能用字母和数字"));
        }
        // The client wants the parameters in this order.
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("appid", self.app_id())
            .append_pair("redirect_uri", back.as_str())
            .append_pair("response_type", "code")
            .append_pair("scope", scope.name())
            .append_pair("state", state)
            .finish();
        let page = self.0.consent_page.as_ref().map_or(CONSENT_PAGE, Url::as_str);
        let url = format!("{page}?{query}#wechat_redirect");
        Url::parse(&url).map_err(|_| Invalid::new("redirect_uri", "不是网址"))
    }

    /// Exchanges the code of one visit, within 5 minutes and once.
    ///
    /// # Errors
    /// 40029, 40163, 42003 for a code that is wrong, used or old ([`Reason::Authorization`](super::Reason)): send the
    /// customer once more.
    pub async fn exchange_code(&self, code: &str) -> Result<WebVisitor, ApiError> {
        limits::required("code", code)?;
        let call = Call::get("sns/oauth2/access_token").without_token().once();
        let call = call.with("appid", self.app_id()).with("secret", &self.0.app_secret);
        self.visitor(call.with("code", code).with("grant_type", "authorization_code")).await
    }

    /// Makes a grant live on, for 30 days from the visit.
    ///
    /// # Errors
    /// 40030, 42002 when it cannot.
    pub async fn refresh_grant(&self, grant: &WebGrant) -> Result<WebVisitor, ApiError> {
        let call = Call::get("sns/oauth2/refresh_token").without_token().with("appid", self.app_id());
        self.visitor(call.with("grant_type", "refresh_token").with("refresh_token", &grant.refresh_token)).await
    }

    /// What the customer shows of themselves; the grant has to be of [`WebScope::UserInfo`].
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a grant that does not reach that far.
    pub async fn profile(&self, grant: &WebGrant) -> Result<Profile, ApiError> {
        if !grant.scope.split(',').any(|scope| scope == WebScope::UserInfo.name()) {
            return Err(Invalid::new("scope", "这次授权不包括用户资料，要用 snsapi_userinfo").into());
        }
        let call = Call::get("sns/userinfo").without_token().with("access_token", &grant.access_token);
        self.read(call.with("openid", grant.openid.as_str()).with("lang", "zh_CN")).await
    }

    /// Whether a grant still lives.
    ///
    /// # Errors
    /// When the platform does not say.
    pub async fn grant_lives(&self, grant: &WebGrant) -> Result<bool, ApiError> {
        let call = Call::get("sns/auth").without_token().with("access_token", &grant.access_token);
        match self.ask(call.with("openid", grant.openid.as_str())).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_passing() => Err(error),
            Err(_) => Ok(false),
        }
    }

    async fn visitor(&self, call: Call) -> Result<WebVisitor, ApiError> {
        let told: Told = self.read(call).await?;
        if told.is_snapshotuser {
            return Ok(WebVisitor::Snapshot);
        }
        let Told { access_token, expires_in, refresh_token, openid, scope, unionid, .. } = told;
        Ok(WebVisitor::Known(WebGrant { openid, unionid, scope, expires_in, access_token, refresh_token }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::reaction::{Reaction, Reason};
    use super::super::stage::stage;
    use super::*;

    const GRANT: &str = r#"{"access_token":"WEB-T","expires_in":7200,"refresh_token":"WEB-R","openid":"o1",
        "scope":"snsapi_userinfo","unionid":"u"}"#;

    #[actix_web::test]
    async fn a_visit_is_authorized_in_the_order_the_client_wants() {
        let stage = stage(&[]);
        let back = Url::parse("https://e.cn/回?a=1&b=2").unwrap();
        let url = stage.client.authorize_url(&back, (WebScope::Base, "S1")).unwrap();
        assert_eq!(
            url.as_str(),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fe.cn%2F%25E5%259B%259E\
             %3Fa%3D1%26b%3D2&response_type=code&scope=snsapi_base&state=S1#wechat_redirect"
        );
        let own = Url::parse("http://127.0.0.1:8080/sandbox/platform/connect/oauth2/authorize").unwrap();
        let client = super::super::Client::new(stage.base.clone(), "wx1", "s", reqwest::Client::new());
        let elsewhere = client.asking_consent_at(own).authorize_url(&back, (WebScope::Base, "S1")).unwrap();
        assert_eq!(
            elsewhere.as_str(),
            url.as_str().replace("https://open.weixin.qq.com", "http://127.0.0.1:8080/sandbox/platform")
        );
        for state in ["a b", "状", &"x".repeat(129)] {
            assert_eq!(stage.client.authorize_url(&back, (WebScope::UserInfo, state)).unwrap_err().field, "state");
        }
        stage.close().await;
    }

    #[actix_web::test]
    async fn a_code_becomes_a_grant_that_is_used_refreshed_and_checked() {
        let profile = r#"{"openid":"o1","nickname":"小林","sex":0,"headimgurl":"http://h/0","privilege":[]}"#;
        let over = r#"{"errcode":40001,"errmsg":"invalid credential"}"#;
        let stage = stage(&[GRANT, GRANT, profile, "{}", over]);
        let client = &stage.client;
        let Ok(WebVisitor::Known(grant)) = client.exchange_code("C").await else { panic!("a customer") };
        assert!(!format!("{grant:?}").contains("WEB-"));
        assert!(matches!(client.refresh_grant(&grant).await, Ok(WebVisitor::Known(_))));
        assert_eq!(client.profile(&grant).await.unwrap().nickname, "小林");
        assert_eq!((client.grant_lives(&grant).await, client.grant_lives(&grant).await), (Ok(true), Ok(false)));
        let asked = stage.asked();
        let sent = ["appid", "secret", "code", "grant_type"].map(|name| asked[0].parameter(name).unwrap());
        assert_eq!(sent, ["wx1", "s3cret", "C", "authorization_code"]);
        assert_eq!((asked[2].parameter("access_token"), asked[2].parameter("openid")), (Some("WEB-T"), Some("o1")));
        assert!(stage.token_calls().is_empty());
        let base = WebGrant { scope: "snsapi_base".into(), ..grant };
        assert!(matches!(client.profile(&base).await, Err(ApiError::Invalid(_))));
        stage.close().await;
    }

    #[actix_web::test]
    async fn a_snapshot_is_nobody_and_a_used_code_begins_anew() {
        let snapshot = GRANT.replace("\"unionid\":\"u\"", "\"is_snapshotuser\":1");
        let stage = stage(&[&snapshot, r#"{"errcode":40163,"errmsg":"code been used, rid: 1-2-3"}"#]);
        assert_eq!(stage.client.exchange_code("C").await, Ok(WebVisitor::Snapshot));
        let error = stage.client.exchange_code("C").await.unwrap_err();
        assert_eq!(error.reaction(), Reaction::GiveUp(Reason::Authorization));
        stage.close().await;
    }
}
