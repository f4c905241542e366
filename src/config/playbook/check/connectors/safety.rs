//! What keeps a question from doing harm: put again only where that is safe, kept only where nothing moves, secrets only
//! in the environment, and no code taken that nobody checked.

use std::collections::BTreeSet;

use super::{Faults, User};
use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::Code;
use crate::domain::actions::{Kind, Stakes};
use crate::domain::connector::{Connector, Method};
use crate::domain::ids::{ActionKey, ConnectorKey};
use crate::domain::template::Template;

/// An answer is told again for so many seconds at the most.
const LONGEST_FRESH_SECS: u32 = 3_600;
/// In an outage it is told for so many.
const LONGEST_STALE_SECS: u32 = 86_400;
/// Headers that the way of the request decides.
const NOT_OURS: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "accept-encoding",
];
/// What stands in the name of a header that carries a secret.
const SECRETIVE: &[&str] = &["authorization", "key", "token", "secret", "password", "cookie", "sign"];

impl Faults<'_> {
    pub(super) fn stakes(&mut self, connector: &Connector, action: &ActionKey, stakes: Stakes) {
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

    pub(super) fn repeats(&mut self, connector: &Connector) {
        if connector.method == Method::Post && connector.idempotency_header.is_none() && connector.idempotent.is_none()
        {
            let mend = "只是查询就写 idempotent = true；会办理业务、业务系统又不去重，就写 idempotent = false";
            let message = "POST 没有 idempotency_header，没说清同一个问题能不能重复问";
            self.findings.push(self.site.name().error(Code::ConnectorRule, message, mend));
        }
    }

    /// How a question stands is asked as often as it takes.
    pub(super) fn status(&mut self, draft: &Draft, connector: &Connector) {
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

    /// Headers: names that may be set, secrets that are there. `is_set` knows the environment.
    pub(super) fn headers(&mut self, connector: &Connector, is_set: &dyn Fn(&str) -> bool) {
        if let Some(name) = connector.idempotency_header.as_deref().filter(|name| !is_token(name)) {
            self.rule("idempotency_header", format!("{name} 不能作请求头的名称"), "例如 Idempotency-Key");
        }
        for (name, header) in &connector.headers {
            let field = format!("headers.{name}");
            let lower = name.to_ascii_lowercase();
            if !is_token(name) {
                self.rule(&field, format!("{name} 不能作请求头的名称"), "例如 X-Api-Key");
            } else if NOT_OURS.contains(&lower.as_str()) {
                self.rule(&field, format!("{name} 由程序自己填"), "删掉这一项");
            } else if connector.idempotency_header.as_ref().is_some_and(|key| key.eq_ignore_ascii_case(name)) {
                self.rule(&field, format!("{name} 已经用来放订单号"), "换一个名称，或者删掉这一项");
            } else if header.secrets().next().is_none() && SECRETIVE.iter().any(|word| lower.contains(word)) {
                let mend = format!("写成 {name} = \"${{FUWU_SECRET_名称}}\"，密钥放在环境变量里");
                self.rule(&field, format!("{name} 看起来是密钥，不能写在文件里"), mend);
            }
            for secret in header.secrets().filter(|secret| !is_set(secret)) {
                let mend =
                    format!("启动前设置环境变量 {secret}；只是检查或测试，随便给个值就行：{secret}=x fuwu check");
                let site = self.site.field(&field);
                self.findings.push(site.error(Code::MissingSecret, format!("缺少环境变量 {secret}"), mend));
            }
        }
    }

    /// How long answers are kept.
    pub(super) fn kept(&mut self, connector: &Connector) {
        let limits = [
            ("cache_secs", connector.cache_secs, LONGEST_FRESH_SECS),
            ("stale_secs", connector.stale_secs, LONGEST_STALE_SECS),
        ];
        for (field, value, limit) in limits {
            let Some(value) = value else { continue };
            if !(1..=limit).contains(&value) {
                self.rule(field, format!("{field} 不能是 {value}"), format!("写 1 到 {limit}（秒），不缓存就删掉"));
            } else if connector.idempotency_header.is_some() || connector.idempotent == Some(false) {
                self.rule(field, "会办理业务的接口不能缓存", format!("删掉 {field}"));
            }
        }
    }

    /// What the actions that ask it need of it.
    pub(super) fn asked_by(&mut self, connector: &Connector, key: &ConnectorKey, user: &User<'_>) {
        let keeps = connector.cache_secs.or(connector.stale_secs).is_some();
        match user.kind {
            Kind::Query(query) => {
                if keeps && !query.tells_age() {
                    let message = format!("回答会缓存，但动作 {} 没有告诉顾客数据是多久以前的", user.action);
                    let mend = "在那个动作里加 cached = \"（{{ age }}前的数据）\"，或者删掉 cache_secs、stale_secs";
                    self.rule("cache_secs", message, mend);
                }
                if !connector.may_be_repeated() {
                    let message = format!("动作 {} 是查询，没等到回答会再问一次", user.action);
                    self.rule("idempotent", message, "只查询的接口写 idempotent = true；会办理业务的不能用在查询里");
                }
            }
            Kind::Bind(bind) if bind.check_code == *key => {
                let action = user.action;
                if connector.refusal.is_none() {
                    let message =
                        format!("动作 {action} 用它核对验证码，没有 refusal 就分不清对错，什么验证码都会通过");
                    self.rule(
                        "refusal",
                        message,
                        "加上 refusal = { at = \"/code\", ok = \"0\" }，验证码不对时业务系统要回别的代码",
                    );
                }
                self.sends(connector, (action, "code"), "什么验证码都会通过");
                self.sends(connector, (action, "number"), "拿到别人的验证码也能绑定");
            }
            Kind::Bind(bind) if bind.send_code == *key => {
                self.sends(connector, (user.action, "number"), "验证码不知道发给谁");
            }
            _ => {}
        }
    }

    /// That the request carries this value.
    fn sends(&mut self, connector: &Connector, (action, name): (&ActionKey, &str), otherwise: &str) {
        if !connector.placeholders().contains(name) {
            let message = format!("动作 {action} 的 {{{{ {name} }}}} 没有发给业务系统，{otherwise}");
            let mend = format!("在 body 里加 {name} = \"{{{{ {name} }}}}\"");
            self.findings.push(self.site.name().error(Code::ConnectorRule, message, mend));
        }
    }

    /// Placeholders of the request that the action does not fill.
    pub(super) fn placeholders(&mut self, connector: &Connector, action: &ActionKey, values: &BTreeSet<String>) {
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

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::playbook::site::Site;

    const READS: &str = r#"[connectors.c]
method = "GET"
path = "/p"
timeout_ms = 1
late_timeout_ms = 1
fields = {}
example = {}
"#;

    fn found(more: &str, check: impl Fn(&mut Faults<'_>, &Connector)) -> Vec<(Code, usize)> {
        let text = format!("{READS}{more}\n");
        let document = crate::config::playbook::toml::parse("c.toml".into(), text).unwrap();
        let site = Site::root(document.into()).field("connectors.c");
        let mut findings = Vec::new();
        let read = crate::config::playbook::shape::read::<Connector>(&site, &mut findings);
        if let Some(connector) = &read {
            check(&mut Faults { site: &site, findings: &mut findings }, connector);
        }
        assert!(findings.iter().all(|finding| !finding.mend.is_empty()));
        findings.iter().map(|finding| (finding.code, finding.line)).collect()
    }

    fn headers(more: &str) -> Vec<(Code, usize)> {
        found(more, |faults, connector| faults.headers(connector, &|name| name == "FUWU_SECRET_A"))
    }

    #[test]
    fn secrets_stand_in_the_environment_and_are_there() {
        assert_eq!(headers("headers = { Authorization = \"Bearer ${FUWU_SECRET_A}\", Accept-Language = \"zh\" }"), []);
        assert_eq!(headers("headers = { X-Api-Key = \"${FUWU_SECRET_B}\" }"), [(Code::MissingSecret, 8)]);
        assert_eq!(headers("headers = { X-Api-Key = \"abc123\" }"), [(Code::ConnectorRule, 8)]);
        assert_eq!(headers("headers = { X-A = \"${HOME}\" }"), [(Code::WrongValue, 8)]);
        for header in ["Host", "Content-Length", "\"a b\""] {
            assert_eq!(headers(&format!("headers = {{ {header} = \"x\" }}")), [(Code::ConnectorRule, 8)], "{header}");
        }
        let twice = headers("idempotency_header = \"X-Id\"\nheaders = { x-id = \"1\" }");
        assert_eq!(twice, [(Code::ConnectorRule, 9)]);
    }

    #[test]
    fn only_what_reads_is_kept_and_not_for_ever() {
        let kept = |more: &str| found(more, |faults, connector| faults.kept(connector)).len();
        assert_eq!(kept("cache_secs = 60\nstale_secs = 86400"), 0);
        assert_eq!([kept("cache_secs = 0"), kept("cache_secs = 3601"), kept("stale_secs = 86401")], [1, 1, 1]);
        assert_eq!(
            [kept("cache_secs = 60\nidempotent = false"), kept("stale_secs = 9\nidempotency_header = \"K\"")],
            [1, 1]
        );
    }

    fn user<'a>(action: &'a ActionKey, kind: &'a Kind) -> User<'a> {
        User { action, kind, stakes: Stakes::Read, values: BTreeSet::new() }
    }

    #[test]
    fn a_query_asks_only_what_may_be_asked_again_and_tells_how_old_an_answer_is() {
        let settings = serde_json::json!({"connector": "c", "reply": "r", "waiting": "w", "unavailable": "u"});
        let query = Kind::read("query", settings.clone()).unwrap().unwrap();
        let mut with_age = settings;
        with_age["cached"] = "（{{ age }}前）".into();
        let with_age = Kind::read("query", with_age).unwrap().unwrap();
        let action = ActionKey::from("a");
        let asked = |more: &str, kind: &Kind| {
            found(more, |faults, connector| faults.asked_by(connector, &"c".into(), &user(&action, kind))).len()
        };
        assert_eq!([asked("", &query), asked("cache_secs = 9", &query), asked("cache_secs = 9", &with_age)], [0, 1, 0]);
        assert_eq!([asked("stale_secs = 9", &query), asked("idempotent = false", &query)], [1, 1]);
    }

    #[test]
    fn a_connector_that_would_take_any_code_is_refused() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/playbook/actions/query.toml"))
            .unwrap();
        let mut actions: toml::Table = toml::from_str(&text).unwrap();
        let mut bind = actions.remove("bind_number").unwrap().as_table().unwrap().clone();
        bind.remove("kind");
        bind.insert("check_code".into(), "c".into());
        let check = Kind::read("bind", bind.clone()).unwrap().unwrap();
        bind.insert("check_code".into(), "check".into());
        bind.insert("send_code".into(), "c".into());
        let send = Kind::read("bind", bind).unwrap().unwrap();
        let action = ActionKey::from("bind_number");
        let asked = |more: &str, kind: &Kind| {
            found(more, |faults, connector| faults.asked_by(connector, &"c".into(), &user(&action, kind)))
        };
        let whole = "refusal = { at = \"/code\", ok = \"0\" }\nbody = { n = \"{{ number }}\", c = \"{{ code }}\" }";
        assert_eq!(asked(whole, &check), []);
        assert_eq!(asked("body = { n = \"{{ number }}\", c = \"{{ code }}\" }", &check).len(), 1);
        assert_eq!(asked("refusal = { at = \"/code\", ok = \"0\" }\nbody = { n = \"{{ number }}\" }", &check).len(), 1);
        assert_eq!(asked("refusal = { at = \"/code\", ok = \"0\" }\nbody = { c = \"{{ code }}\" }", &check).len(), 1);
        assert_eq!([asked("", &send).len(), asked("query = { n = \"{{ number }}\" }", &send).len()], [1, 0]);
    }
}
