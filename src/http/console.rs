//! The console: what an operator looks at. In Chinese and English; no script, one style sheet of its own.

mod numbers;

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::guard::{Authorized, Unauthorized};
use super::{Front, State};
use crate::app::{ServedAccount, Unwritten};
use crate::config::playbook::{Finding, Severity};
use crate::growth::report::clock_time;
use crate::store::Quarantined;

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
                   form-action 'none'";
const QUARANTINE_SHOWN: usize = 20;

/// How a browser enters: with the token that was printed at start.
#[derive(Debug, Deserialize)]
pub struct Entrance {
    token: Option<String>,
}

/// Takes the token out of the address and into a cookie.
pub async fn enter(state: Data<State>, entrance: Query<Entrance>) -> Result<HttpResponse, Unauthorized> {
    let mut answer = HttpResponse::SeeOther();
    // Relative to `/console`, so that it also leads there below a prefix of somebody's proxy.
    answer.insert_header(("Location", "console/")).insert_header(("Cache-Control", "no-store"));
    match &entrance.token {
        Some(token) if state.api_token.fits(token) => Ok(answer.cookie(state.api_token.cookie()).finish()),
        Some(_) => Err(Unauthorized),
        None => Ok(answer.finish()),
    }
}

/// Whoever comes without a path is shown where to begin: at the phone while there is a sandbox, else at the console.
pub async fn front(state: Data<State>) -> HttpResponse {
    let begin = match state.front {
        Front::Phone => "sandbox",
        Front::Console => "console/",
    };
    HttpResponse::TemporaryRedirect()
        .insert_header(("Location", begin))
        .insert_header(("Cache-Control", "no-store"))
        .finish()
}

/// The style sheet.
pub async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("console.css"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Chinese,
    English,
}

impl Language {
    fn of(request: &HttpRequest) -> Self {
        let asked = request.query_string().split('&').find_map(|pair| pair.strip_prefix("lang="));
        let accepted = || request.headers().get("Accept-Language").and_then(|h| h.to_str().ok()).unwrap_or("zh");
        if asked.unwrap_or_else(accepted).starts_with("en") { Self::English } else { Self::Chinese }
    }

    fn say(self, chinese: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// The first page: is the playbook in order, what do the last days say, what was set aside.
pub async fn home(_: Authorized, state: Data<State>, request: HttpRequest) -> HttpResponse {
    let language = Language::of(&request);
    let mut accounts = Vec::new();
    for account in state.app.accounts() {
        accounts.push(account_section(&state, account, language).await);
    }
    let page = html! {
        (DOCTYPE)
        html lang=(language.say("zh-CN", "en")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (language.say("fuwu 控制台", "fuwu console")) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="console.css";
            }
            body {
                header {
                    h1 { "fuwu " span { (language.say("控制台", "console")) } }
                    nav { a href="?lang=zh" { "中文" } a href="?lang=en" { "English" } }
                }
                main { @for account in &accounts { (account) } }
                footer { (language.say("业务日按北京时间 0 点切分；未定的数字显示为 —。",
                    "Business days are cut at 0:00 in China; numbers not yet known show as —.")) }
            }
        }
    };
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", CSP))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("Cache-Control", "no-store"))
        .body(page.into_string())
}

async fn account_section(state: &State, account: &ServedAccount, language: Language) -> Markup {
    let store = state.app.store().as_ref();
    let numbers = numbers::cards(state, account, language).await;
    let set_aside = store.quarantined(account.id(), QUARANTINE_SHOWN).await;
    html! {
        section {
            h2 { (account.id()) }
            (playbook_card(account, language))
            @if let Some(unwritten) = state.app.folder_watch().of(account.id()) { (folder_card(&unwritten, language)) }
            (numbers)
            div.card {
                h3 { (language.say("隔离区：验证通过但无法使用的消息", "Quarantine: verified but unusable deliveries")) }
                @match &set_aside {
                    Ok(entries) if entries.is_empty() => p.good { (language.say("没有。", "None.")) },
                    Ok(entries) => (quarantine(entries, language)),
                    Err(_) => p.bad { (language.say("暂时读不到，请稍后刷新。", "It cannot be read now; reload later.")) },
                }
            }
        }
    }
}

fn playbook_card(account: &ServedAccount, language: Language) -> Markup {
    let status = account.playbook.status();
    let errors = status.findings.iter().filter(|f| f.severity == Severity::Error).count();
    html! {
        div.card {
            h3 { (language.say("话术配置", "Playbook")) }
            p { (language.say("正在使用的版本：", "Serving version ")) code { (status.version) }
                (language.say("，启用于 ", ", since ")) (clock_time(status.since)) }
            @if errors > 0 {
                p.bad { (language.say("最近一次修改有错误，没有启用；上面的版本继续服务。",
                    "The latest edit has errors and is not in use; the version above keeps serving.")) }
            } @else if status.findings.is_empty() {
                p.good { (language.say("检查通过。", "All checks passed.")) }
            }
            @if !status.findings.is_empty() {
                ul.findings { @for finding in &status.findings { (finding_line(finding)) } }
            }
        }
    }
}

/// What the folder of the reports refused, why, and how to mend it.
fn folder_card(unwritten: &Unwritten, language: Language) -> Markup {
    html! {
        div.card {
            h3 { (language.say("报告文件写不进去", "Reports cannot be written")) }
            p.bad {
                @match language {
                    Language::Chinese => { "从 " (clock_time(unwritten.since)) " 起，有 " (unwritten.reports) " 份报告没能存进文件夹：" }
                    Language::English => { "Since " (clock_time(unwritten.since)) ", reports waiting: " (unwritten.reports) ". " }
                }
                code { (unwritten.cause) }
            }
            p { (language.say(
                "请检查 reports.folder 指的文件夹：在不在、fuwu 有没有写入权限、磁盘满没满。每分钟会再试一次，写好后这条提示自动消失，报告不会丢。",
                "Look at the folder of reports.folder: is it there, may fuwu write to it, is the disk full? It is tried \
                 again every minute; nothing is lost, and this goes away by itself.")) }
        }
    }
}

fn finding_line(finding: &Finding) -> Markup {
    html! {
        li class=(if finding.severity == Severity::Error { "bad" } else { "warn" }) {
            code { (finding.file) ":" (finding.line) ":" (finding.column) } " "
            b { (finding.message) } " "
            span { (finding.mend) }
        }
    }
}

fn quarantine(entries: &[Quarantined], language: Language) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { (language.say("时间", "arrived")) } th { (language.say("原因", "reason")) }
                th { (language.say("字节", "bytes")) } } }
            tbody { @for entry in entries {
                tr { td { (clock_time(entry.arrived)) } td.text { (entry.reason) } td { (entry.body.len()) } }
            } }
        } }
    }
}
