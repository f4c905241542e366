//! What is read of an answer, proved on what was recorded of one.

use std::collections::BTreeMap;

use super::Faults;
use crate::config::playbook::finding::Code;
use crate::domain::connector::{AGE, Connector, Field, MOST_ENTRIES, Unit};
use crate::domain::question::Answer;
use crate::domain::template::FUNCTIONS;

impl Faults<'_> {
    /// Names, places and lists; `within` is the list they belong to.
    pub(super) fn fields(&mut self, within: &str, fields: &BTreeMap<String, Field>) {
        for (name, field) in fields {
            let path = if within.is_empty() { format!("fields.{name}") } else { format!("{within}.fields.{name}") };
            if !is_name(name) || FUNCTIONS.contains(&name.as_str()) || name == AGE {
                self.rule(
                    &path,
                    format!("{name} 不能作占位符的名称"),
                    "用小写字母、数字和下划线，以字母开头；age 留给缓存",
                );
            }
            if !field.at.is_empty() && !field.at.starts_with('/') {
                self.rule(&format!("{path}.at"), "at 要以 / 开头", format!("改成 /{}", field.at));
            }
            let is_list = field.unit == Unit::List;
            if is_list && !within.is_empty() {
                self.rule(&path, "列表里不能再有列表", "只取需要的一层");
                continue;
            }
            if is_list && field.fields.is_empty() {
                let mend = "加上每一条里的字段，例如 fields = { month = { at = \"/month\", as = \"month\" } }";
                self.rule(&path, "列表没有写每一条里的字段", mend);
            }
            if !is_list && (!field.fields.is_empty() || field.most.is_some()) {
                self.rule(&path, "fields 和 most 只有列表才能写", "把 as 改成 \"list\"，或者删掉它们");
            }
            if field.most.is_some_and(|most| !(1..=MOST_ENTRIES).contains(&most)) {
                self.rule(&format!("{path}.most"), "条数超出范围", format!("写 1 到 {MOST_ENTRIES}"));
            }
            self.fields(&path, &field.fields);
        }
    }

    /// How something under way is told.
    pub(super) fn pending(&mut self, connector: &Connector) {
        let Some(pending) = &connector.pending else {
            if connector.example_pending.is_some() {
                let mend = "加上 pending = { at = \"/status\", values = [\"processing\"] }";
                let site = self.site.field("example_pending");
                self.findings.push(site.error(Code::ConnectorExample, "没有 pending，认不出还在处理", mend));
            }
            return;
        };
        if !pending.at.starts_with('/') {
            self.rule("pending.at", "at 要以 / 开头", format!("改成 /{}", pending.at));
        }
        if pending.values.is_empty() || pending.values.iter().any(|value| value.trim().is_empty()) {
            self.rule("pending.values", "没写哪些值表示还在处理", "例如 values = [\"processing\"]");
        }
        if let Some(refusal) = &connector.refusal
            && refusal.at == pending.at
            && pending.values.contains(&refusal.ok)
        {
            let message = format!("{} 既表示成功又表示还在处理", refusal.ok);
            self.rule("pending.values", message, "从 values 里去掉 refusal.ok 的值");
        }
        if !connector.may_be_repeated() && connector.status.is_none() {
            let mend = "加上 status = \"查结果的连接器\"；业务系统会去重的，写 idempotency_header";
            self.rule("pending", "业务系统说还在处理以后，没有办法再问结果", mend);
        }
        if connector.is_pending(&connector.example) {
            let site = self.site.field("pending");
            let mend = "example 要录一次办好了的回答；还在处理的录在 example_pending";
            self.findings.push(site.error(Code::ConnectorExample, "按 pending 看，示例还在处理", mend));
        }
        if connector.example_pending.as_ref().is_some_and(|example| !connector.is_pending(example)) {
            let site = self.site.field("example_pending");
            let message = format!("这个示例里 {} 处不是 pending.values 里的值", pending.at);
            self.findings.push(site.error(Code::ConnectorExample, message, "改 pending，或者录一次还在处理的回答"));
        }
    }

    /// The recorded answers, read as real ones will be.
    pub(super) fn examples(&mut self, connector: &Connector) {
        let mut readable = true;
        for (name, field) in &connector.fields {
            if !field.at.is_empty() && !field.at.starts_with('/') {
                readable = false;
            } else if let Err(fault) = field.read(name, &connector.example) {
                readable = false;
                let site = self.site.field(&format!("fields.{name}"));
                let message = match connector.example.pointer(&field.at) {
                    Some(_) => format!("示例里 {} 的值不是声明的类型：{fault}", field.at),
                    None => format!("示例里没有 {}", field.at),
                };
                self.findings.push(site.error(Code::ConnectorExample, message, "改 at 或 as，或补全 example"));
            } else if field.unit == Unit::List
                && connector.example.pointer(&field.at).and_then(|part| part.as_array()).is_some_and(Vec::is_empty)
            {
                let site = self.site.field(&format!("fields.{name}"));
                let mend = "在 example 里至少写一条，检查和测试才看得到每一条的样子";
                self.findings.push(site.error(Code::ConnectorExample, format!("示例里 {} 是空的", field.at), mend));
            }
        }
        let is_pending = connector.is_pending(&connector.example);
        if readable && !is_pending && !matches!(connector.read(&connector.example), Answer::Loaded(_)) {
            let site = self.site.field("refusal");
            let mend = "example 要录一次成功的回答，其中 refusal.at 处的值等于 refusal.ok";
            self.findings.push(site.error(Code::ConnectorExample, "按 refusal 看，示例是一次拒绝", mend));
        }
        let Some(refused) = &connector.example_refused else { return };
        let site = self.site.field("example_refused");
        match (connector.understand(refused), &connector.refusal) {
            (Ok(Answer::Refused { .. }), _) => {}
            (_, None) => {
                let mend = "加上 refusal = { at = \"/code\", ok = \"0\" }";
                self.findings.push(site.error(Code::ConnectorExample, "没有 refusal，认不出拒绝", mend));
            }
            (_, Some(refusal)) => {
                let message =
                    format!("按 refusal 看，这个示例不是拒绝：{} 处没有代码，或者是 {:?}", refusal.at, refusal.ok);
                self.findings.push(site.error(Code::ConnectorExample, message, "改 refusal，或者录一次真的拒绝"));
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
    use crate::config::playbook::finding::Code;
    use crate::config::playbook::site::Site;

    const BILLS: &str = r#"[connectors.c]
method = "GET"
path = "/bills"
timeout_ms = 1
late_timeout_ms = 1
refusal = { at = "/code", ok = "0" }
example = { code = "0", sum = "1.50", bills = [{ m = "202601" }] }
example_refused = { code = "E1" }
[connectors.c.fields]
sum = { at = "/sum", as = "yuan" }
bills = { at = "/bills", as = "list", most = 6, fields = { month = { at = "/m", as = "month" } } }
"#;

    /// What is found, and on which line, when `from` is written as `to`.
    fn found(from: &str, to: &str) -> Vec<(Code, usize)> {
        assert!(BILLS.contains(from), "{from}");
        let text = BILLS.replacen(from, to, 1);
        let document = crate::config::playbook::toml::parse("c.toml".into(), text).unwrap();
        let site = Site::root(document.into()).field("connectors.c");
        let mut findings = Vec::new();
        let connector: crate::domain::connector::Connector =
            crate::config::playbook::shape::read(&site, &mut findings).unwrap();
        let mut faults = super::Faults { site: &site, findings: &mut findings };
        faults.fields("", &connector.fields);
        faults.examples(&connector);
        faults.pending(&connector);
        findings.iter().map(|finding| (finding.code, finding.line)).collect()
    }

    #[test]
    fn what_was_recorded_is_read_as_a_real_answer_will_be() {
        assert_eq!(found("", ""), []);
        let example = [
            ("sum = \"1.50\"", "sum = \"1.505\"", 10),
            ("m = \"202601\"", "m = 1", 11),
            ("bills = [{ m = \"202601\" }]", "bills = []", 11),
            ("bills = [{ m = \"202601\" }]", "bills = 3", 11),
            ("\"/sum\"", "\"/total\"", 10),
            ("code = \"0\", sum", "code = \"1\", sum", 6),
            ("{ code = \"E1\" }", "{ code = \"0\" }", 8),
            ("{ code = \"E1\" }", "{ message = \"x\" }", 8),
        ];
        for (from, to, line) in example {
            assert_eq!(found(from, to), [(Code::ConnectorExample, line)], "{to}");
        }
        assert_eq!(found("refusal = { at = \"/code\", ok = \"0\" }\n", ""), [(Code::ConnectorExample, 7)]);
    }

    #[test]
    fn what_is_under_way_is_told_by_values_that_mean_nothing_else() {
        let pending = |text: &str| found("example_refused", &format!("{text}\nexample_refused"));
        let good = "pending = { at = \"/state\", values = [\"processing\", \"2\"] }";
        assert_eq!(pending(good), []);
        assert_eq!(pending(&format!("{good}\nexample_pending = {{ state = 2 }}")), []);
        let rules = [
            "pending = { at = \"state\", values = [\"processing\"] }",
            "pending = { at = \"/state\", values = [] }",
            "pending = { at = \"/state\", values = [\" \"] }",
            "pending = { at = \"/code\", values = [\"9\", \"0\"] }",
            "pending = { at = \"/state\", values = [\"9\"] }\nidempotent = false",
        ];
        for text in rules {
            let found = pending(text);
            assert!(found.iter().any(|(code, line)| (*code, *line) == (Code::ConnectorRule, 8)), "{text}: {found:?}");
        }
        let once = "pending = { at = \"/state\", values = [\"9\"] }\nidempotent = false\nstatus = \"c\"";
        assert_eq!(pending(once), []);
        let sum = "pending = { at = \"/sum\", values = [\"1.50\"] }";
        assert_eq!(pending(sum), [(Code::ConnectorExample, 8)]);
        assert_eq!(
            pending(&format!("{good}\nexample_pending = {{ state = \"done\" }}")),
            [(Code::ConnectorExample, 9)]
        );
        assert_eq!(pending("example_pending = { state = \"done\" }"), [(Code::ConnectorExample, 8)]);
    }

    #[test]
    fn lists_are_one_deep_and_as_long_as_a_message_carries() {
        let rules = [
            ("most = 6", "most = 0"),
            ("most = 6", "most = 32"),
            ("as = \"yuan\" }", "as = \"yuan\", most = 3 }"),
            (", fields = { month = { at = \"/m\", as = \"month\" } }", ""),
            ("{ at = \"/m\", as = \"month\" }", "{ at = \"\", as = \"text\", most = 1 }"),
            ("month = {", "Month = {"),
            ("sum = {", "age = {"),
        ];
        for (from, to) in rules {
            let found = found(from, to);
            assert!(found.iter().any(|(code, _)| *code == Code::ConnectorRule), "{to}: {found:?}");
        }
        let deep = "month = { at = \"/m\", as = \"list\", fields = { x = { at = \"/x\", as = \"text\" } } }";
        assert!(found("month = { at = \"/m\", as = \"month\" }", deep).contains(&(Code::ConnectorRule, 11)));
    }
}
