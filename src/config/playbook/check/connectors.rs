//! Connectors: each can be asked in time, safely where value is at stake, and its answer read.

mod answer;
mod day_book;
mod safety;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::config::playbook::draft::{Draft, Part};
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::actions::{Kind, Stakes};
use crate::domain::connector::{Connector, MAX_LATE_TIMEOUT_MS, MAX_TIMEOUT_MS, Method, OPENID, may_be_at};
use crate::domain::ids::{ActionKey, ConnectorKey};
use crate::domain::question::Errand;

/// Checks every connector and the business system's address.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    if let Some(part) = &draft.base_url
        && let Some(url) = &part.value
    {
        address(draft, (part, url), findings);
    }
    day_book::check(draft, findings);
    for (key, part) in &draft.connectors {
        if Errand::is_reserved(key) {
            let message = format!("连接器不能叫 {key}：pay: 和 order: 开头的名称是 fuwu 自己用的");
            findings.push(part.site.name().error(Code::ConnectorRule, message, "换一个名称"));
        }
        let Some(connector) = &part.value else { continue };
        let mut faults = Faults { site: &part.site, findings };
        faults.times(connector);
        faults.path(connector);
        faults.headers(connector, &|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        faults.body(connector);
        faults.repeats(connector);
        faults.status(draft, connector);
        faults.kept(connector);
        faults.pending(connector);
        faults.fields("", &connector.fields);
        faults.examples(connector);
        for user in users(draft, key) {
            faults.stakes(connector, user.action, user.stakes);
            faults.placeholders(connector, user.action, &user.values);
            faults.asked_by(connector, key, &user);
        }
    }
}

fn address(draft: &Draft, (part, url): (&Part<String>, &str), findings: &mut Vec<Finding>) {
    if let Some(fault) = address_fault(url) {
        let mend = "写 https://… ；演示系统写 sandbox:；账号密码放在环境变量里，由 headers 带上，例如 Authorization = \"Basic ${FUWU_SECRET_名称}\"";
        let finding = part.site.error(Code::ConnectorRule, fault, mend);
        // Whoever checks may be watched, and what is printed is kept in logs: the line is not shown where a password may be.
        let excerpt = if url.contains('@') { String::new() } else { finding.excerpt.clone() };
        findings.push(Finding { excerpt, ..finding });
        return;
    }
    // What a name leads to is looked at when it is asked; what is written out can be told now.
    let host = url::Url::parse(url).ok().and_then(|url| match url.host()? {
        url::Host::Ipv4(address) => Some(IpAddr::V4(address)),
        url::Host::Ipv6(address) => Some(IpAddr::V6(address)),
        url::Host::Domain(_) => None,
    });
    if let Some(address) = host.filter(|address| !may_be_at(*address, &draft.allow_addresses)) {
        let message = format!("{address} 不是公网地址，不会去问");
        let mend = format!("确实是您的业务系统，就加上 allow_addresses = [\"{address}\"]");
        findings.push(part.site.error(Code::ConnectorRule, message, mend));
    }
}

fn address_fault(url: &str) -> Option<String> {
    if url.starts_with("sandbox:") {
        return None;
    }
    match url::Url::parse(url) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => Some(format!("不支持 {}: 开头的地址", url.scheme())),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => Some("地址里不能写账号和密码".to_owned()),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => Some("地址里不能带 ? 或 #".to_owned()),
        Ok(_) => None,
        Err(error) => Some(format!("不是网址：{error}")),
    }
}

/// An action that asks a connector.
struct User<'a> {
    action: &'a ActionKey,
    kind: &'a Kind,
    /// What is at stake.
    stakes: Stakes,
    /// The values it hands over.
    values: BTreeSet<String>,
}

fn users<'a>(draft: &'a Draft, key: &ConnectorKey) -> Vec<User<'a>> {
    let mut users = Vec::new();
    for (action, part) in &draft.actions {
        let Some(kind) = part.value.as_ref() else { continue };
        let acts = kind.as_action();
        for (_, stakes) in acts.connectors().into_iter().filter(|(asked, _)| *asked == key) {
            let mut values = acts.question_values();
            values.insert(OPENID.to_owned());
            users.push(User { action, kind, stakes, values });
        }
    }
    users
}

struct Faults<'a> {
    site: &'a Site,
    findings: &'a mut Vec<Finding>,
}

impl Faults<'_> {
    fn rule(&mut self, field: &str, message: impl Into<String>, mend: impl Into<String>) {
        self.findings.push(self.site.field(field).error(Code::ConnectorRule, message, mend));
    }

    fn times(&mut self, connector: &Connector) {
        let limits = [
            ("timeout_ms", connector.timeout_ms, MAX_TIMEOUT_MS),
            ("late_timeout_ms", connector.late_timeout_ms, MAX_LATE_TIMEOUT_MS),
        ];
        for (field, value, limit) in limits {
            if !(1..=limit).contains(&value) {
                self.rule(field, format!("{field} 不能是 {value}"), format!("写 1 到 {limit}（毫秒）"));
            }
        }
        if let Some(at_once) = connector.at_once.filter(|count| !(1..=1_000).contains(count)) {
            self.rule("at_once", format!("at_once 不能是 {at_once}"), "写 1 到 1000，或者不写（64）");
        }
    }

    fn path(&mut self, connector: &Connector) {
        let path = connector.path.source();
        if !path.starts_with('/') {
            self.rule("path", "path 要以 / 开头", format!("改成 /{path}"));
        }
        // Outside of a placeholder; a value's own `?` is encoded.
        let literal: String = path.split("{{").map(|part| part.rsplit("}}").next().unwrap_or(part)).collect();
        if literal.contains(['?', '#']) {
            self.rule("path", "path 里不能带 ? 或 #", "参数写在 query 里");
        }
        if literal.split('/').any(|segment| segment == ".." || segment == ".") {
            self.rule("path", "path 里不能有 . 或 .. 这样的段", "写完整的路径");
        }
    }

    fn body(&mut self, connector: &Connector) {
        if connector.method == Method::Get && !connector.body.is_empty() {
            self.rule("body", "GET 不能带 body", "参数写在 query 里，或改用 method = \"POST\"");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "[connectors.order]\nmethod = \"POST\"\npath = \"/orders/{{ plan }}\"\nbody.who = \"{{ openid }}\"\nbody.much = \"{{ amount }}\"\ntimeout_ms = 1\nlate_timeout_ms = 1\nidempotency_header = \"Idempotency-Key\"\nfields = {}\nexample = {}\n";

    /// What is found when the action `buy` hands over `values` with value at stake.
    fn found(text: &str, values: &[&str]) -> Vec<(Code, usize, usize)> {
        let document = crate::config::playbook::toml::parse("c.toml".into(), text.to_owned()).unwrap();
        let site = Site::root(document.into()).field("connectors.order");
        let mut findings = Vec::new();
        let connector: Connector = crate::config::playbook::shape::read(&site, &mut findings).unwrap();
        let mut faults = Faults { site: &site, findings: &mut findings };
        faults.stakes(&connector, &ActionKey::from("buy"), Stakes::Value);
        faults.placeholders(&connector, &"buy".into(), &values.iter().map(|name| (*name).to_owned()).collect());
        findings.iter().map(|f| (f.code, f.line, f.column)).collect()
    }

    #[test]
    fn where_value_is_at_stake_a_question_can_be_repeated_safely() {
        let values = ["openid", "plan", "amount"];
        assert_eq!(found(ORDER, &values), []);
        let get = ORDER.replace("\"POST\"", "\"GET\"");
        assert_eq!(found(&get, &values), [(Code::ConnectorRule, 2, 10)]);
        let bare = ORDER.replace("idempotency_header = \"Idempotency-Key\"\n", "");
        assert_eq!(found(&bare, &values), [(Code::ConnectorRule, 1, 13)]);
        let once = ORDER.replace("idempotency_header = \"Idempotency-Key\"", "idempotent = false");
        assert_eq!(found(&once, &values), []);
    }

    #[test]
    fn a_placeholder_that_the_action_does_not_hand_over_is_found_in_the_text() {
        let expected = [(Code::UnknownPlaceholder, 3, 20), (Code::UnknownPlaceholder, 5, 17)];
        assert_eq!(found(ORDER, &["openid"]), expected);
    }
}
