//! Actions: their own rules, their texts filled, their connectors.

use std::collections::BTreeSet;

use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::actions::{Kind, TextField};
use crate::domain::connector::Connector;
use crate::domain::ids::ConnectorKey;
use crate::domain::question::Answer;
use crate::domain::value::{Value, Values};

/// What a text message can carry (platform.md part 3).
const MAX_TEXT_BYTES: usize = 2_048;
/// Stands for a value that no example gives.
const STAND_IN: &str = "示例文字";

/// Checks every action.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    for part in draft.actions.values() {
        let Some(kind) = &part.value else { continue };
        for fault in kind.as_action().faults() {
            findings.push(part.site.field(&fault.field).error(Code::ActionRule, fault.cause, fault.mend));
        }
        // What an unread connector would have given is not known.
        if kind.as_action().connectors().iter().any(|(key, _)| connector(draft, key).is_none()) {
            continue;
        }
        let examples = examples(draft, kind);
        for text in kind.as_action().texts(&|key| fields_of(draft, key)) {
            check_text(&text, (&part.site.field(&text.field), &examples), findings);
        }
    }
}

fn connector<'a>(draft: &'a Draft, key: &ConnectorKey) -> Option<&'a Connector> {
    draft.connectors.get(key)?.value.as_ref()
}

fn fields_of(draft: &Draft, key: &ConnectorKey) -> BTreeSet<String> {
    connector(draft, key).map(|connector| connector.fields.keys().cloned().collect()).unwrap_or_default()
}

/// The values that the examples of the action's connectors give.
fn examples(draft: &Draft, kind: &Kind) -> Values {
    let connectors = kind.as_action().connectors();
    let known = connectors.iter().filter_map(|(key, _)| connector(draft, key));
    known
        .filter_map(|connector| match connector.read(&connector.example) {
            Answer::Loaded(values) => Some(values),
            _ => None,
        })
        .flatten()
        .collect()
}

fn check_text(text: &TextField<'_>, (site, examples): (&Site, &Values), findings: &mut Vec<Finding>) {
    let used = text.template.placeholders();
    let unknown: Vec<&String> = used.difference(&text.allowed).collect();
    for name in &unknown {
        let mend = if text.allowed.is_empty() {
            "这句话里不能用占位符，请直接写文字".to_owned()
        } else {
            suggestion(name, text.allowed.iter().map(String::as_str))
        };
        let place = site.placeholder(name);
        findings.push(place.error(Code::UnknownPlaceholder, format!("没有 {{{{ {name} }}}} 这个占位符"), mend));
    }
    if !unknown.is_empty() {
        return;
    }
    let stand_in = |name: &String| examples.get(name).cloned().unwrap_or_else(|| Value::from(STAND_IN));
    let typical: Values = used.iter().map(|name| (name.clone(), stand_in(name))).collect();
    let empty: Values = used.iter().map(|name| (name.clone(), Value::from(""))).collect();
    match text.template.fill(&typical) {
        Ok(filled) if filled.len() > MAX_TEXT_BYTES => findings.push(site.error(
            Code::TextTooLong,
            format!("填好后有 {} 字节，一条消息最多 {MAX_TEXT_BYTES} 字节", filled.len()),
            format!("请删到 {} 个汉字以内", MAX_TEXT_BYTES / 3),
        )),
        Ok(_) => {}
        Err(fault) => {
            let place = site.text_line(fault.line.unwrap_or(1));
            let message = format!("用示例数据填不出来：{}", fault.cause);
            findings.push(place.error(Code::BrokenText, message, "检查 tap()、link() 和条件的写法"));
            return;
        }
    }
    // The other branch of an `if`. An empty address is no fault of the text.
    if !text.template.source().contains("link(")
        && let Err(fault) = text.template.fill(&empty)
    {
        let place = site.text_line(fault.line.unwrap_or(1));
        let message = format!("数据为空时填不出来：{}", fault.cause);
        findings.push(place.error(Code::BrokenText, message, "检查 tap()、link() 和条件的写法"));
    }
}
