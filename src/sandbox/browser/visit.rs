//! One page, opened as one customer.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use maud::{DOCTYPE, html};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::SDK_HOST;
use super::address::{Address, Own};
use crate::domain::ids::Openid;
use crate::sandbox::platform::agree;
use crate::sandbox::service::Sandbox;

/// A page that leads on more often leads in a circle.
const MOST_HOPS: usize = 10;
const WITHIN: Duration = Duration::from_secs(10);
/// As the real one, it says that it is one.
const USER_AGENT: &str = "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 fuwu-sandbox";
/// A page of the account's may be framed by the phone, and by nobody else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// `GET /sandbox/web/{openid}/{path}`.
pub async fn page(sandbox: Data<Sandbox>, path: Path<(Openid, String)>, request: HttpRequest) -> HttpResponse {
    let (openid, path) = path.into_inner();
    let Some(own) = own(&sandbox).filter(|_| sandbox.keeper().read().customer(&openid).is_ok()) else {
        return sorry(StatusCode::NOT_FOUND, "没有这位客户");
    };
    let mut asked = own.here.clone();
    asked.set_path(&path);
    asked.set_query(Some(request.query_string()).filter(|query| !query.is_empty()));
    match (Browser { sandbox: &sandbox, own: &own, openid: &openid }).open(asked).await {
        Ok(answer) => answer,
        Err((status, words)) => sorry(status, &words),
    }
}

fn own(sandbox: &Sandbox) -> Option<Own> {
    let mut here = sandbox.webhook_url()?;
    here.set_path("/");
    here.set_query(None);
    Some(Own { here, site: sandbox.spec().site.clone() })
}

struct Browser<'a> {
    sandbox: &'a Sandbox,
    own: &'a Own,
    openid: &'a Openid,
}

type Sorry = (StatusCode, String);

impl Browser<'_> {
    /// Goes where the address leads, and shows what is there.
    async fn open(&self, asked: Url) -> Result<HttpResponse, Sorry> {
        let Address::Page(asked) = self.own.read(&asked) else {
            return Err((StatusCode::NOT_FOUND, "演示手机只打开这个账号自己的网页".to_owned()));
        };
        let mut page = asked.clone();
        for _ in 0..MOST_HOPS {
            let answer = self.fetch(&page).await?;
            let there = answer.headers().get(LOCATION).and_then(|there| there.to_str().ok()?.parse::<String>().ok());
            let Some(there) = there.filter(|_| answer.status().is_redirection()) else {
                // What differs in the query alone is shown where it was asked for: loaded anew, it is asked for anew.
                if page.path() != asked.path() {
                    let query = page.query().map(|query| format!("?{query}")).unwrap_or_default();
                    let shown = format!("/sandbox/web/{}{}{query}", self.openid, page.path());
                    return Ok(HttpResponse::SeeOther().insert_header(("Location", shown)).finish());
                }
                return self.show(&page, answer).await;
            };
            let there = page.join(&there).map_err(|_| (StatusCode::BAD_GATEWAY, "网页跳转的地址看不懂".to_owned()))?;
            page = self.follow(&there)?;
        }
        Err((StatusCode::BAD_GATEWAY, "网页在兜圈子，打不开".to_owned()))
    }

    /// Where a redirect leads; the consent page is answered by the customer whose phone it is, who is not asked.
    fn follow(&self, there: &Url) -> Result<Url, Sorry> {
        let there = match self.own.read(there) {
            Address::Consent(consent) => {
                let query: HashMap<String, String> = consent.query_pairs().into_owned().collect();
                let back = agree(self.sandbox, &query, (self.openid, false))
                    .map_err(|words| (StatusCode::FORBIDDEN, words))?;
                self.own.read(&back)
            }
            other => other,
        };
        match there {
            Address::Page(page) => Ok(page),
            _ => Err((StatusCode::FORBIDDEN, "演示手机只打开这个账号自己的网页".to_owned())),
        }
    }

    async fn fetch(&self, page: &Url) -> Result<reqwest::Response, Sorry> {
        let (jars, now) = (self.sandbox.jars(), self.sandbox.now());
        let mut request = self.sandbox.http().get(page.clone()).timeout(WITHIN).header("User-Agent", USER_AGENT);
        if let Some(cookies) = jars.header((self.openid, page.path()), now) {
            request = request.header(COOKIE, cookies);
        }
        let answer =
            request.send().await.map_err(|_| (StatusCode::BAD_GATEWAY, "网页没有打开，请再试一次".to_owned()))?;
        let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        jars.keep((self.openid, page.path()), set, now);
        Ok(answer)
    }

    /// What was fetched; a page with the bridge in it, and with our scripts in place of the platform's.
    async fn show(&self, page: &Url, answer: reqwest::Response) -> Result<HttpResponse, Sorry> {
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let kind =
            answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let body =
            answer.bytes().await.map_err(|_| (StatusCode::BAD_GATEWAY, "网页没有打开，请再试一次".to_owned()))?;
        if !kind.starts_with("text/html") {
            return Ok(framed(status).content_type(kind).body(body));
        }
        let bridge = html! { script src="/sandbox/web-bridge.js" data-address=(self.own.shown(page)) {} }.into_string();
        let text = String::from_utf8_lossy(&body).replace(SDK_HOST, "/sandbox/");
        Ok(framed(status).content_type(kind).body(text.replacen("<head>", &format!("<head>{bridge}"), 1)))
    }
}

fn framed(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-store"));
    answer
}

fn sorry(status: StatusCode, words: &str) -> HttpResponse {
    let page = html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "打不开" }
                link rel="stylesheet" href="/sandbox/page.css";
            }
            body class="article" { article { h1 { "打不开" } p { (words) } } }
        }
    };
    framed(status).content_type("text/html; charset=utf-8").body(page.into_string())
}
