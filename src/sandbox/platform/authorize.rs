//! The page on which a customer agrees (platform.md 4.18). The real one knows whose phone it is on; here it is asked.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Query};
use maud::{DOCTYPE, Markup, html};
use url::Url;

use crate::domain::ids::Openid;
use crate::sandbox::model::{Audience, Capability, Consent, Scope};
use crate::sandbox::phone::asset;
use crate::sandbox::service::Sandbox;

type Parameters = HashMap<String, String>;

/// `GET /connect/oauth2/authorize`: asks who agrees; with `openid` sends them back with a code.
pub async fn page(sandbox: Data<Sandbox>, query: Query<Parameters>) -> HttpResponse {
    let told = |words: String| asset("text/html", framed(&html! { p { (words) } }).into_string());
    let scope = match checked(&sandbox, &query) {
        Ok((_, scope)) => scope,
        Err(words) => return told(words),
    };
    let Some(openid) = query.get("openid").map(|openid| Openid::from(openid.as_str())) else {
        return asset("text/html", ask(&sandbox, &query, scope).into_string());
    };
    match agree(&sandbox, &query, (&openid, query.contains_key("snapshot"))) {
        Ok(back) => HttpResponse::Found().insert_header((LOCATION, back.to_string())).finish(),
        Err(words) => told(words),
    }
}

/// Where a customer is sent back to who agrees, as themselves or as a snapshot user; or what is wrong, in words.
pub fn agree(sandbox: &Sandbox, query: &Parameters, (openid, snapshot): (&Openid, bool)) -> Result<Url, String> {
    let (mut back, scope) = checked(sandbox, query)?;
    let fresh = sandbox.fresh();
    let code = {
        let mut state = sandbox.keeper().change();
        let customer = state.customers.get(openid).ok_or("没有这位客户")?;
        let snapshot = customer.standing.snapshot || snapshot;
        // A snapshot user is nobody: their openid is made up for this visit.
        let openid = if snapshot { Openid::new(format!("oSNAP{:023x}", fresh.random)) } else { openid.clone() };
        state.grants.agree(Consent { openid, scope, snapshot }, fresh)
    };
    back.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = query.get("state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    Ok(back)
}

/// Where to and for what, or what is wrong, as the real page says it.
fn checked(sandbox: &Sandbox, query: &Parameters) -> Result<(Url, Scope), String> {
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if given("appid") != sandbox.spec().app_id {
        return Err("appid 错误（10013）".to_owned());
    }
    let conditions = sandbox.keeper().read().conditions.clone();
    if !Capability::Authorization.is_given(&conditions) {
        return Err("该公众号没有网页授权的权限（10005）".to_owned());
    }
    if given("response_type") != "code" {
        return Err("response_type 只能是 code".to_owned());
    }
    let scope = Scope::parse(given("scope")).ok_or("scope 参数错误或没有 scope 权限（10005）")?;
    let state = given("state");
    if state.len() > 128 || !state.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err("state 只能是 128 字节以内的字母和数字".to_owned());
    }
    let back = Url::parse(given("redirect_uri")).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let back = back.ok_or("redirect_uri 无法识别（10003）")?;
    match &conditions.authorization_domain {
        Some(own) if back.host_str() != Some(own) => Err("redirect_uri 域名与后台配置不一致（10003）".to_owned()),
        _ => Ok((back, scope)),
    }
}

fn ask(sandbox: &Sandbox, query: &Parameters, scope: Scope) -> Markup {
    let again = |openid: &Openid, more: &str| {
        let mut all = url::form_urlencoded::Serializer::new(String::new());
        for name in ["appid", "redirect_uri", "response_type", "scope", "state"] {
            if let Some(value) = query.get(name) {
                all.append_pair(name, value);
            }
        }
        all.append_pair("openid", openid.as_str());
        format!("?{}{more}", all.finish())
    };
    let state = sandbox.keeper().read();
    let people = state.customers.values().filter(|c| c.audience == Audience::Phone);
    framed(&html! {
        h1 { "谁在打开这个页面？" }
        p {
            (sandbox.spec().display_name)
            @match scope {
                Scope::Base => " 想知道是谁打开了网页（静默授权）。",
                Scope::UserInfo => " 申请获取昵称和头像。",
            }
        }
        ul {
            @for customer in people {
                li {
                    a href=(again(&customer.openid, "")) { (customer.nickname) " 同意" }
                    " · "
                    a href=(again(&customer.openid, "&snapshot=1")) { "快照页访客" }
                }
            }
        }
    })
}

fn framed(inside: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "网页授权" }
                link rel="stylesheet" href="/sandbox/page.css";
            }
            body class="article" { article { (inside) } }
        }
    }
}
