//! Actions: their own rules, their texts filled, their connectors.

use std::collections::BTreeSet;

use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::actions::{Composed, Kind, TextField, order_page};
use crate::domain::connector::{Connector, Unit};
use crate::domain::ids::ConnectorKey;
use crate::domain::question::Answer;
use crate::domain::taps::{shortest, with_ids};
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// What a text message can carry (platform.md part 3).
const MAX_TEXT_BYTES: usize = 2_048;
/// The placeholders that are always the path of an order's page.
const PAGES: [&str; 2] = ["page", "pay_url"];
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
        for composed in kind.as_action().composed() {
            let taps = kind.as_action().taps();
            check_composed((&composed, taps), (&part.site.name(), &examples), findings);
        }
    }
}

fn connector<'a>(draft: &'a Draft, key: &ConnectorKey) -> Option<&'a Connector> {
    draft.connectors.get(key)?.value.as_ref()
}

fn fields_of(draft: &Draft, key: &ConnectorKey) -> BTreeSet<String> {
    let fields = connector(draft, key).into_iter().flat_map(|connector| &connector.fields);
    // A list has no value of its own; what an entry of it has is named after it.
    let names = fields.flat_map(|(name, field)| match field.unit {
        Unit::List => field.fields.keys().map(|inner| format!("{name}.{inner}")).collect(),
        _ => vec![name.clone()],
    });
    names.collect()
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
        .flat_map(|(name, value)| match value {
            Value::List(entries) => entries.into_iter().next().into_iter().flatten().collect(),
            value => vec![(name, value)],
        })
        .collect()
}

/// The texts of a reply may each be short enough, and all of them too long. With `taps` what is too long with its links is
/// said without them.
fn check_composed(
    (composed, taps): (&Composed<'_>, bool),
    (site, examples): (&Site, &Values),
    findings: &mut Vec<Finding>,
) {
    let filled = |template: &Template, known: &Values| template.fill(&stand_ins(template, (known, examples)));
    let lines = composed.parts.iter().map(|(template, known)| filled(template, known));
    // What cannot be filled, or is too long by itself, is told where it stands.
    let Ok(lines) = lines.collect::<Result<Vec<String>, _>>() else { return };
    let too_long = |(template, _): &(&Template, Values)| {
        filled(template, &Values::new()).is_ok_and(|text| text.len() > MAX_TEXT_BYTES)
    };
    let text = lines.join("\n");
    let bytes = if taps { shortest(&text).len() } else { text.len() };
    if taps && bytes <= MAX_TEXT_BYTES && with_ids(&text) > MAX_TEXT_BYTES {
        findings.push(site.warning(
            Code::TextTooLong,
            format!(
                "{}，加上可以点的链接超过 {MAX_TEXT_BYTES} 字节，顾客看得到，但选项点不了，只能回序号",
                composed.what
            ),
            "把名称写短一些，或者减少选项",
        ));
    }
    if bytes > MAX_TEXT_BYTES && !composed.parts.iter().any(too_long) {
        findings.push(site.error(
            Code::TextTooLong,
            format!("{}，一共 {bytes} 字节，一条消息最多 {MAX_TEXT_BYTES} 字节，后面的顾客看不到", composed.what),
            format!("请一共删到 {} 个汉字以内；链接不显示的部分也算", MAX_TEXT_BYTES / 3),
        ));
    }
}

/// Something for every placeholder of a text: what is known, else what an example gives, else some words.
fn stand_ins(template: &Template, (known, examples): (&Values, &Values)) -> Values {
    let value = |name: &String| known.get(name).or_else(|| examples.get(name)).cloned();
    let stand_in = |name: &String| if PAGES.contains(&name.as_str()) { order_page("0") } else { STAND_IN.to_owned() };
    let names = template.placeholders().into_iter();
    names
        .map(|name| (value(&name).unwrap_or_else(|| stand_in(&name).into()), name))
        .map(|(value, name)| (name, value))
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
    let typical = stand_ins(text.template, (&Values::new(), examples));
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

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = r#"
        [actions.a]
        kind = "query"
        connector = "c"
        reply = "余额 {{ balance }}"
        waiting = "稍等"
        late = "久等了"
        unavailable = "查不到"
    "#;
    const ORDER: &str = r#"
        [actions.a]
        kind = "order"
        connector = "c"
        expires_secs = 300
        choices = [{ code = "A", label = "包一", amount_fen = 1 }, { code = "B", label = "包二", amount_fen = 1, description = "说明" }]
        choose = "选一个"
        item = "{{ label }} {{ description }}"
        choose_end = "回复序号"
        confirm = "确认 {{ description }}"
        placed = "正在办"
        receipt = "办好了"
        cancelled = "已取消"
        expired = "太久了"
        unclear_choice = "回复序号"
        unclear_confirm = "回复确认"
        unknown = "人工核实"
        refused = { default = "没办成" }
        standing = { placed = "在办", done = "好了", refused = "没成", unknown = "核实中" }
    "#;
    const TOPIC: &str = r#"
        [actions.a]
        kind = "topic"
        topic = "t"
        options = [{ code = "a", label = "甲" }, { code = "b", label = "乙" }]
        expires_secs = 600
        question = "问"
        item = "{{ label }}"
        question_end = "选"
        voted = "投了"
        again = "投过"
        result = "{{ label }} {{ votes }}"
        result_end = "完"
        posted = "收到"
        refused = "不行"
        unclear = "没懂"
        cancelled = "好的"
        expired = "太久了"
    "#;
    const SIGN_IN: &str = r#"
        [actions.a]
        kind = "sign_in"
        signed = "签到成功"
        again = "签过了"
        milestones = [{ streak = 3, text = "三天" }]
    "#;

    /// What is found in an action when `from` is written as `to`.
    fn found(text: &str, from: &str, to: &str) -> Vec<Finding> {
        assert!(text.contains(from), "{from}");
        let document = crate::config::playbook::toml::parse("a.toml".into(), text.replacen(from, to, 1)).unwrap();
        let site = Site::root(document.into()).field("actions.a");
        let mut table = site.value().as_object().unwrap().clone();
        let name = table.remove("kind").unwrap();
        let kind = Kind::read(name.as_str().unwrap(), serde_json::Value::Object(table)).unwrap().unwrap();
        let examples = Values::from([("balance".to_owned(), Value::Fen(1))]);
        let mut findings = Vec::new();
        for composed in kind.as_action().composed() {
            check_composed((&composed, kind.as_action().taps()), (&site.name(), &examples), &mut findings);
        }
        findings
    }

    #[test]
    fn a_reply_is_as_long_as_all_its_texts() {
        let long = |chars: usize, rest: &str| format!("{}{rest}", "长".repeat(chars));
        let cases = [
            (QUERY, "余额", long(676, "余额"), 1, "late"),
            (QUERY, "余额", long(676, "余额"), 1, "reply"),
            (ORDER, "{{ label }}", long(340, "{{ label }}"), 1, "item"),
            (ORDER, "说明", long(671, ""), 1, "item"),
            (ORDER, "说明", long(681, ""), 2, "confirm"),
            (TOPIC, "\"{{ label }}\"", format!("\"{}\"", long(340, "")), 1, "question"),
            (TOPIC, "{{ label }} ", long(335, "{{ label }} "), 2, "voted"),
            (SIGN_IN, "三天", long(679, ""), 1, "milestones[0]"),
        ];
        for (text, from, to, count, what) in cases {
            let fits = found(text, from, from);
            assert_eq!(fits, [], "{from}");
            let findings = found(text, from, &to);
            assert_eq!(findings.len(), count, "{what}: {findings:#?}");
            assert!(findings.iter().any(|finding| finding.message.contains(what)), "{what}: {findings:#?}");
            assert!(findings.iter().all(|finding| (finding.code, finding.line) == (Code::TextTooLong, 2)));
        }
    }

    #[test]
    fn a_text_too_long_by_itself_is_told_once() {
        assert_eq!(found(QUERY, "余额", &"长".repeat(700)), []);
    }
}
