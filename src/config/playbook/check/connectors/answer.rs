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
                self.rule(&path, format!("{name} 不能作占位符的名称"), "用小写字母、数字和下划线，以字母开头；age 留给缓存");
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
        if readable && !matches!(connector.read(&connector.example), Answer::Loaded(_)) {
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
                let message = format!("按 refusal 看，这个示例不是拒绝：{} 处没有代码，或者是 {:?}", refusal.at, refusal.ok);
                self.findings.push(site.error(Code::ConnectorExample, message, "改 refusal，或者录一次真的拒绝"));
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
