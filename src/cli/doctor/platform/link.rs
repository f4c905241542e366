//! Whether the platform is there, tells our time, and gives a token (platform.md 4.1).

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::DATE;
use serde_json::Value;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::{Enough, Patient, Silence, now};
use crate::channel::official::api::ApiError;
use crate::cli::doctor::finding::Findings;

/// Further off, and stamps, windows and expiries are told wrong.
const MOST_SECS_OFF: i64 = 60;
const WITHIN: Duration = Duration::from_secs(5);
/// Answers with an error without a token, which is answer enough.
const ANY: &str = "cgi-bin/get_api_domain_ip";

/// What the platform's first answer told.
struct Greeting {
    /// Unix seconds; `None` when it did not say.
    date: Option<i64>,
    /// Whether it is the platform that speaks.
    is_platform: bool,
}

impl Greeting {
    /// `None` when the answer breaks off.
    async fn of(answer: reqwest::Response) -> Option<Self> {
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.timestamp());
        let body = answer.bytes().await.ok()?;
        let body = serde_json::from_slice::<Value>(&body).ok();
        Some(Self { date, is_platform: body.is_some_and(|body| body.get("errcode").is_some()) })
    }
}

impl Patient<'_> {
    async fn greet(&self) -> Result<Greeting, Silence> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(ANY.split('/'));
        }
        match self.http.get(url).timeout(WITHIN).send().await {
            Ok(answer) => Greeting::of(answer).await.ok_or(Silence::Late),
            Err(_) if !self.is_named().await => Err(Silence::Name),
            Err(late) if late.is_timeout() => Err(Silence::Late),
            Err(_) => Err(Silence::Unreached),
        }
    }

    /// Whether the platform's name has an address.
    async fn is_named(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.base.port_or_known_default().unwrap_or(443);
        let asked = timeout(WITHIN, lookup_host((host, port))).await;
        asked.is_ok_and(|found| found.is_ok_and(|mut addresses| addresses.next().is_some()))
    }

    /// Whether a server of ours runs and plays the platform.
    pub(super) async fn is_answered(&self) -> bool {
        self.greet().await.is_ok_and(|greeting| greeting.is_platform)
    }

    /// Whether the platform is there, and the clocks agree.
    pub(super) async fn link(&self, findings: &mut Findings) -> Result<(), Enough> {
        let greeting = match self.greet().await {
            Ok(greeting) => greeting,
            Err(silence) => {
                self.away(silence, findings);
                return Err(Enough);
            }
        };
        let (id, place) = (self.id, self.place());
        if !greeting.is_platform {
            findings.fault(
                format!("{place} 有回应，但不是微信平台，请检查 accounts.{id}.api_base 和中间的代理"),
                format!(
                    "what answers at {place} is not the platform of account {id}: look at accounts.{id}.api_base, and \
                     at proxies in between"
                ),
            );
            return Err(Enough);
        }
        if let Some(theirs) = greeting.date {
            clock(now() - theirs, &place, findings);
        }
        Ok(())
    }

    /// Whether the platform lets us in.
    pub(super) async fn token(&self, findings: &mut Findings) -> Result<(), Enough> {
        let id = self.id;
        match self.ask(self.client.api_addresses(), findings).await? {
            Ok(_) => {
                findings.ok(
                    format!("账号 {id} 能换到接口凭证，本机 IP 可用"),
                    format!("account {id} gets access tokens, and this machine's address is known"),
                );
                Ok(())
            }
            Err(error) => {
                refused(id.as_str(), &error, findings);
                Err(Enough)
            }
        }
    }
}

fn clock(ahead_secs: i64, place: &str, findings: &mut Findings) {
    let off = ahead_secs.abs();
    let (chinese, english) = if ahead_secs > 0 { ("快", "ahead") } else { ("慢", "behind") };
    match off > MOST_SECS_OFF {
        true => findings.fault(
            format!("本机时钟比微信平台{chinese} {off} 秒，互动窗口和凭证的时间都会算错，请打开时间同步（NTP）"),
            format!(
                "this clock is {off} s {english} of the platform's ({place}), so windows and tokens are told wrong: \
                 turn on time synchronisation (NTP)"
            ),
        ),
        false => findings.ok(
            format!("本机时钟与微信平台相差 {off} 秒"),
            format!("this clock and the platform's ({place}) are {off} s apart"),
        ),
    }
}

/// Why there is no token, with what mends it.
fn refused(id: &str, error: &ApiError, findings: &mut Findings) {
    let rid = error.rid().map(|rid| format!(" (rid {rid})")).unwrap_or_default();
    let (chinese, english) = match error.code() {
        Some(code @ (40001 | 40125 | 41004)) => (
            format!("AppSecret 不对或已被重置（{code}），请在后台核对后更新 accounts.{id}.app_secret"),
            format!("the AppSecret is wrong or was reset ({code}): copy it anew into accounts.{id}.app_secret"),
        ),
        Some(code @ (40013 | 41002)) => (
            format!("AppID 不对（{code}），请核对 accounts.{id}.app_id"),
            format!("the AppID is wrong ({code}): look at accounts.{id}.app_id"),
        ),
        Some(code @ 40243) => (
            format!("AppSecret 已被冻结（{code}），请在后台解冻"),
            format!("the AppSecret is frozen ({code}): unfreeze it in the console"),
        ),
        Some(code @ 40164) => {
            let address = if let ApiError::RefusedFor { about, .. } = error { about.as_str() } else { "？" };
            (
                format!("本机出口 IP {address} 不在 IP 白名单里（{code}），请在后台的“IP 白名单”里加上 {address}"),
                format!("this machine's address {address} is not on the account's list ({code}): add {address} there"),
            )
        }
        Some(code @ 45009) => (
            format!("今天换取接口凭证的次数用完了（{code}），零点恢复，或用 clear_quota 清零；请查是谁换得这么多"),
            format!(
                "today's tokens are used up ({code}): wait for midnight or clear the quota, and look who asks so often"
            ),
        ),
        _ => (error.in_words(), error.to_string()),
    };
    findings.fault(
        format!("账号 {id} 换不到接口凭证：{chinese}"),
        format!("account {id} gets no access token: {english}{rid}"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_more_than_a_minute_off_is_a_fault_either_way() {
        for (ahead, is_fault, says) in
            [(0, false, "0 s"), (60, false, "60 s"), (61, true, "ahead"), (-61, true, "behind")]
        {
            let mut findings = Findings::default();
            clock(ahead, "here", &mut findings);
            assert_eq!(findings.has_fault(), is_fault, "{ahead}");
            assert!(findings.to_string().contains(says), "{findings}");
        }
    }
}
