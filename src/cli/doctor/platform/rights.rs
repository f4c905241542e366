//! What the account may do, how much of it is left today, and whether the platform reaches us (platform.md 4.2, 4.3,
//! part 5). Each right is tried by a call that only reads.

use super::{Enough, Patient, now};
use crate::channel::official::api::{ApiError, CheckFrom, CheckWhat, Client, Quota, Reaction, Span};
use crate::cli::doctor::finding::Findings;
use crate::config::settings::AccountKind::{self, Service, Subscription, Test};
use crate::domain::time::UnixSecs;

/// A right, as people call it in both languages, and the kinds of account that may have it.
#[derive(Clone, Copy)]
struct Right {
    chinese: &'static str,
    english: &'static str,
    kinds: &'static [AccountKind],
    by: By,
}

/// The call that tries it.
#[derive(Clone, Copy)]
enum By {
    Menus,
    Tags,
    Agents,
    Templates,
    Notices,
    Statistics,
}

const RIGHTS: [Right; 6] = [
    Right { chinese: "自定义菜单", english: "menus", kinds: &[Service, Subscription, Test], by: By::Menus },
    Right {
        chinese: "标签与用户资料", english: "tags and users", kinds: &[Service, Subscription, Test], by: By::Tags
    },
    Right { chinese: "客服", english: "customer service", kinds: &[Service, Subscription], by: By::Agents },
    Right { chinese: "模板消息", english: "template messages", kinds: &[Service, Test], by: By::Templates },
    Right { chinese: "订阅通知", english: "notices", kinds: &[Service], by: By::Notices },
    Right { chinese: "数据统计", english: "statistics", kinds: &[Service, Subscription], by: By::Statistics },
];

/// What fuwu calls day by day.
const CALLED: [&str; 6] = [
    "/cgi-bin/message/custom/send",
    "/cgi-bin/menu/create",
    "/cgi-bin/menu/get",
    "/cgi-bin/user/info",
    "/cgi-bin/qrcode/create",
    "/cgi-bin/message/template/send",
];

async fn tried(client: &Client, by: By) -> Result<(), ApiError> {
    match by {
        By::Menus => client.menus().await.map(drop),
        By::Tags => client.tags().await.map(drop),
        By::Agents => client.agents().await.map(drop),
        By::Templates => client.templates().await.map(drop),
        By::Notices => client.notice_templates().await.map(drop),
        By::Statistics => {
            let day = UnixSecs(now()).business_day().plus_days(-1);
            let Some(span) = Span::new(day, day) else { return Ok(()) };
            match client.user_summary(span).await {
                Err(error) if error.is_not_ready() => Ok(()),
                answer => answer.map(drop),
            }
        }
    }
}

impl Patient<'_> {
    pub(super) async fn rights(&self, findings: &mut Findings) -> Result<(), Enough> {
        let id = self.id;
        let mut given = Vec::new();
        for right in RIGHTS.iter().filter(|right| right.kinds.contains(&self.settings.kind)) {
            match self.ask(tried(&self.client, right.by), findings).await? {
                Ok(()) => given.push(right),
                Err(error) => lacking(id.as_str(), right, (&error, findings)),
            }
        }
        if self.settings.kind == Subscription {
            findings.ok(
                format!("账号 {id} 是订阅号，没有带参数二维码、模板消息和网页授权，邀请只能用邀请码"),
                format!("account {id} is a subscription account: no codes with scenes, templates or web authorization"),
            );
        }
        if !given.is_empty() {
            let chinese: Vec<_> = given.iter().map(|right| right.chinese).collect();
            let english: Vec<_> = given.iter().map(|right| right.english).collect();
            findings.ok(
                format!("账号 {id} 可以用：{}", chinese.join("、")),
                format!("account {id} has {}", english.join(", ")),
            );
        }
        Ok(())
    }

    pub(super) async fn quotas(&self, findings: &mut Findings) -> Result<(), Enough> {
        let id = self.id.as_str();
        let mut told = 0;
        let mut full = 0;
        for path in CALLED {
            // An interface the account lacks has no quota either; that it lacks it was told.
            if let Ok(quota) = self.ask(self.client.quota(path), findings).await? {
                told += 1;
                full += u32::from(quota_told((id, path), quota, findings));
            }
        }
        if told > 0 && full == 0 {
            findings.ok(format!("账号 {id} 今天的接口次数都够用"), format!("account {id} has enough calls left today"));
        }
        Ok(())
    }

    pub(super) async fn callback(&self, findings: &mut Findings) -> Result<(), Enough> {
        let id = self.id;
        let english = |what: &str| format!("account {id}: {what}");
        match self.ask(self.client.check_callback(CheckWhat::All, CheckFrom::Default), findings).await? {
            Ok(found) if found.dns.is_empty() => findings.fault(
                format!("账号 {id} 的服务器地址解析不到 IP，请检查域名的 DNS"),
                english("the name of the callback address has no address: look at its DNS"),
            ),
            Ok(found) => {
                let lost: Vec<_> = found.ping.iter().filter(|ping| loss_percent(&ping.package_loss) > 0.0).collect();
                let all = lost.len() == found.ping.len()
                    && lost.iter().all(|ping| loss_percent(&ping.package_loss) >= 100.0);
                let ips = lost.iter().map(|ping| format!("{} {}", ping.ip, ping.package_loss)).collect::<Vec<_>>();
                match (lost.is_empty(), all) {
                    (true, _) => findings.ok(
                        format!("账号 {id} 的服务器地址能从微信平台连到"),
                        english("the platform reaches the callback address"),
                    ),
                    // Many a firewall answers no ping, and yet deliveries arrive.
                    (false, true) => findings.warning(
                        format!("微信平台 ping 不通账号 {id} 的服务器（{}），若防火墙禁了 ping 可不理会", ips.join("，")),
                        english("the platform's pings of the callback are not answered; look at the firewall"),
                    ),
                    (false, false) => findings.warning(
                        format!("微信平台到账号 {id} 的服务器丢包（{}），请检查线路", ips.join("，")),
                        english("packets between the platform and the callback are lost; look at the line"),
                    ),
                }
            }
            Err(error) if error.code() == Some(40201) => findings.fault(
                format!("账号 {id} 在后台没有设置服务器地址（40201），收不到消息；请填 https://域名/wechat/{id} 并启用"),
                english(&format!(
                    "no callback address is set (40201), so nothing is delivered: enter https://HOST/wechat/{id} and turn it on"
                )),
            ),
            Err(error) => findings.warning(
                format!("账号 {id} 的服务器地址没查成：{}", error.in_words()),
                english(&format!("the callback could not be checked: {error}")),
            ),
        }
        Ok(())
    }
}

/// As `0%`; what cannot be read is no loss.
fn loss_percent(text: &str) -> f64 {
    text.trim().trim_end_matches('%').parse().unwrap_or_default()
}

fn lacking(id: &str, right: &Right, (error, findings): (&ApiError, &mut Findings)) {
    let Right { chinese, english, .. } = right;
    if error.is_no_right() {
        return findings.warning(
            format!("账号 {id} 没有“{chinese}”的权限（48001），这项做不了；需要的话请认证账号或在后台申请开通"),
            format!(
                "account {id} has no right to {english} (48001): verify the account or apply for it in the console"
            ),
        );
    }
    let (chinese, english) = (
        format!("账号 {id} 的“{chinese}”用不了：{}", error.in_words()),
        format!("account {id} cannot use {english}: {error}"),
    );
    match error.reaction() {
        Reaction::Alert(_) | Reaction::UntilQuotaReset => findings.fault(chinese, english),
        _ => findings.warning(chinese, english),
    }
}

/// Whether little or nothing is left.
fn quota_told((id, path): (&str, &str), quota: Quota, findings: &mut Findings) -> bool {
    const LITTLE_PERCENT: u64 = 80;
    let Quota { daily_limit, used } = quota;
    // 0 is said of what is not limited.
    if daily_limit == 0 || used.saturating_mul(100) < daily_limit.saturating_mul(LITTLE_PERCENT) {
        return false;
    }
    let english = format!("account {id} has made {used} of {daily_limit} calls of {path} today");
    if used >= daily_limit {
        findings.fault(
            format!("账号 {id} 今天的 {path} 用完了（{used}/{daily_limit}），零点恢复，急用可在后台清零"),
            format!("{english}: wait for midnight, or clear the quota in the console"),
        );
    } else {
        findings.warning(
            format!("账号 {id} 今天的 {path} 快用完了（{used}/{daily_limit}），请留意用量"),
            format!("{english}: watch what uses it"),
        );
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_from_four_fifths_on_and_is_a_fault_when_nothing_is_left() {
        for (daily_limit, used, told, is_fault) in
            [(0, 9, false, false), (100, 79, false, false), (100, 80, true, false), (100, 100, true, true)]
        {
            let mut findings = Findings::default();
            assert_eq!(quota_told(("a", "/p"), Quota { daily_limit, used }, &mut findings), told, "{used}");
            assert_eq!(findings.has_fault(), is_fault, "{findings}");
        }
    }

    #[test]
    fn a_loss_is_read_as_the_platform_writes_it() {
        assert_eq!(["0%", "12.5%", "100%", ""].map(loss_percent), [0.0, 12.5, 100.0, 0.0]);
    }
}
