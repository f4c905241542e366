//! Connectors: each can be asked in time, safely where value is at stake, and its answer read.

use std::collections::BTreeSet;

use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::actions::Stakes;
use crate::domain::connector::{Connector, MAX_LATE_TIMEOUT_MS, MAX_TIMEOUT_MS, Method, OPENID};
use crate::domain::ids::{ActionKey, ConnectorKey};
use crate::domain::question::{Answer, Errand};
use crate::domain::template::{FUNCTIONS, Template};

/// Checks every connector and the business system's address.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    if let Some(part) = &draft.base_url
        && let Some(url) = &part.value
        && let Some(fault) = address_fault(url)
    {
        let mend = "写 https://… ；演示系统写 sandbox:";
        findings.push(part.site.error(Code::ConnectorRule, fault, mend));
    }
    for (key, part) in &draft.connectors {
        if Errand::is_reserved(key) {
            let message = format!("连接器不能叫 {key}：pay: 和 order: 开头的名称是 fuwu 自己用的");
            findings.push(part.site.name().error(Code::ConnectorRule, message, "换一个名称"));
        }
        let Some(connector) = &part.value else { continue };
        let mut faults = Faults { site: &part.site, findings };
        faults.times(connector);
        faults.path(connector);
        faults.header(connector);
        faults.body(connector);
        faults.repeats(connector);
        faults.status(draft, connector);
        faults.example(connector);
        for (action, stakes, values) in users(draft, key) {
            faults.stakes(connector, action, stakes);
            faults.placeholders(connector, action, &values);
        }
    }
}

fn address_fault(url: &str) -> Option<String> {
    if url.starts_with("sandbox:") {
        return None;
    }
    match url::Url::parse(url) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => Some(format!("不支持 {}: 开头的地址", url.scheme())),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => Some("地址里不能带 ? 或 #".to_owned()),
        Ok(_) => None,
        Err(error) => Some(format!("不是网址：{error}")),
    }
}

/// The actions that ask this connector, what is at stake, and the values they hand over.
fn users<'a>(draft: &'a Draft, key: &ConnectorKey) -> Vec<(&'a ActionKey, Stakes, BTreeSet<String>)> {
    let mut users = Vec::new();
    for (action, part) in &draft.actions {
        let Some(kind) = part.value.as_ref().map(|kind| kind.as_action()) else { continue };
        for (_, stakes) in kind.connectors().into_iter().filter(|(asked, _)| *asked == key) {
            let mut values = kind.question_values();
            values.insert(OPENID.to_owned());
            users.push((action, stakes, values));
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

    fn header(&mut self, connector: &Connector) {
        let token =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if let Some(name) = connector.idempotency_header.as_deref().filter(|name| !token(name)) {
            self.rule("idempotency_header", format!("{name} 不能作请求头的名称"), "例如 Idempotency-Key");
        }
    }

    fn body(&mut self, connector: &Connector) {
        if connector.method == Method::Get && !connector.body.is_empty() {
            self.rule("body", "GET 不能带 body", "参数写在 query 里，或改用 method = \"POST\"");
        }
    }

    fn example(&mut self, connector: &Connector) {
        let mut readable = true;
        for (name, field) in &connector.fields {
            let path = format!("fields.{name}");
            if !is_name(name) || FUNCTIONS.contains(&name.as_str()) {
                self.rule(&path, format!("{name} 不能作占位符的名称"), "用小写字母、数字和下划线，以字母开头");
            }
            if !field.at.is_empty() && !field.at.starts_with('/') {
                self.rule(&format!("{path}.at"), "at 要以 / 开头", format!("改成 /{}", field.at));
            } else if field.read(&connector.example).is_none() {
                readable = false;
                let there = connector.example.pointer(&field.at).is_some();
                let message = match there {
                    true => format!("示例里 {} 的值不是声明的类型", field.at),
                    false => format!("示例里没有 {}", field.at),
                };
                let site = self.site.field(&path);
                self.findings.push(site.error(Code::ConnectorExample, message, "改 at 或 as，或补全 example"));
            }
        }
        if readable && !matches!(connector.read(&connector.example), Answer::Loaded(_)) {
            let site = self.site.field("refusal");
            let mend = "example 要录一次成功的回答，其中 refusal.at 处的值等于 refusal.ok";
            self.findings.push(site.error(Code::ConnectorExample, "按 refusal 看，示例是一次拒绝", mend));
        }
    }

    fn stakes(&mut self, connector: &Connector, action: &ActionKey, stakes: Stakes) {
        if stakes == Stakes::Read {
            return;
        }
        if connector.method == Method::Get {
            self.rule("method", format!("动作 {action} 用它办理业务，不能用 GET"), "改成 method = \"POST\"");
        }
        if connector.idempotency_header.is_none() && connector.idempotent != Some(false) {
            let mend = "请补上 idempotency_header = \"Idempotency-Key\"，并确认业务系统按它去重；\
                        业务系统不会去重的，写 idempotent = false 和 status = \"查结果的连接器\"";
            let message = format!("动作 {action} 用它办理业务，缺少 idempotency_header，重试会重复扣费");
            self.findings.push(self.site.name().error(Code::ConnectorRule, message, mend));
        }
    }

    fn repeats(&mut self, connector: &Connector) {
        if connector.method == Method::Post && connector.idempotency_header.is_none() && connector.idempotent.is_none()
        {
            let mend = "只是查询就写 idempotent = true；会办理业务、业务系统又不去重，就写 idempotent = false";
            let message = "POST 没有 idempotency_header，没说清同一个问题能不能重复问";
            self.findings.push(self.site.name().error(Code::ConnectorRule, message, mend));
        }
    }

    /// How a question stands is asked as often as it takes.
    fn status(&mut self, draft: &Draft, connector: &Connector) {
        let Some(key) = &connector.status else { return };
        let Some(part) = draft.connectors.get(key) else {
            let mend = suggestion(key.as_str(), draft.connectors.keys().map(ConnectorKey::as_str));
            let site = self.site.field("status");
            self.findings.push(site.error(Code::UnknownConnector, format!("连接 {key} 不存在"), mend));
            return;
        };
        if part.value.as_ref().is_some_and(|status| !status.may_be_repeated()) {
            let mend = "换成只查询的连接器：method = \"GET\"，或写 idempotent = true";
            self.rule("status", format!("{key} 不能重复问，不能用来查结果"), mend);
        }
    }

    fn placeholders(&mut self, connector: &Connector, action: &ActionKey, values: &BTreeSet<String>) {
        let path = ("path".to_owned(), &connector.path);
        let query = connector.query.iter().map(|(name, template)| (format!("query.{name}"), template));
        let body = connector.body.iter().map(|(name, template)| (format!("body.{name}"), template));
        let all: Vec<(String, &Template)> = std::iter::once(path).chain(query).chain(body).collect();
        for (field, template) in all {
            for name in template.placeholders().difference(values) {
                let site = self.site.field(&field).placeholder(name);
                let message = format!("动作 {action} 不提供 {{{{ {name} }}}}");
                let mend = suggestion(name, values.iter().map(String::as_str));
                self.findings.push(site.error(Code::UnknownPlaceholder, message, mend));
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
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
