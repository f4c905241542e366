//! Notices: each with a template to fill, filled as the platform takes it, and named by an action (platform.md 4.10,
//! 4.11).

use std::collections::BTreeSet;

use crate::config::nearest::suggestion;
use crate::config::playbook::draft::Draft;
use crate::config::playbook::finding::{Code, Finding};
use crate::config::playbook::site::Site;
use crate::domain::fact::OrderOutcome;
use crate::domain::ids::NoticeKey;
use crate::domain::notice::{Form, Notice, PLACEHOLDERS, fits, is_typed};
use crate::domain::reach::By;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};

const MAX_KEY_CHARS: usize = 64;
/// No template has more fields.
const MAX_FIELDS: usize = 20;
const ENDS: [OrderOutcome; 3] = [OrderOutcome::Done, OrderOutcome::Refused, OrderOutcome::Unknown];

/// Checks every notice, and every name of one.
pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    for (key, part) in &draft.notices {
        name(key, &part.site, findings);
        let Some(notice) = &part.value else { continue };
        if notice.forms().next().is_none() {
            let mend = "写一节 [….subscription] 或 [….template]，或者两节都写";
            findings.push(part.site.name().error(Code::NoticeRule, "这种通知没有任何发送的办法", mend));
        }
        link(notice, &part.site.key("link"), findings);
        let about = about(draft, key);
        for (way, by, form) in notice.forms() {
            of_form((notice, form, by), (&part.site.key(way), &about), findings);
        }
    }
    if !draft.partial {
        names(draft, findings);
    }
}

fn name(key: &NoticeKey, site: &Site, findings: &mut Vec<Finding>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let text = key.as_str();
    if text.is_empty() || text.len() > MAX_KEY_CHARS || !text.chars().all(plain) {
        let message = format!("「{text}」不能作通知的名称");
        let mend = format!("用 1 到 {MAX_KEY_CHARS} 个小写字母、数字或 _");
        findings.push(site.name().error(Code::NoticeRule, message, mend));
    }
}

fn link(notice: &Notice, site: &Site, findings: &mut Vec<Finding>) {
    let is_web = ["https://", "http://"].iter().any(|scheme| notice.link.starts_with(scheme));
    let is_here = notice.link.starts_with('/') && !notice.link.starts_with("//");
    if !notice.link.is_empty() && !is_web && !is_here {
        let mend = "以 https:// 开头，或者写本服务的网页，例如 /orders/~/{{ order }}；不要链接就删掉这一项";
        findings.push(site.error(Code::NoticeRule, "这不是网址", mend));
    }
}

/// Everything that a notice can be about: what the actions that name it sell, else something that stands for it.
fn about(draft: &Draft, key: &NoticeKey) -> Vec<Values> {
    let kinds = draft.actions.values().filter_map(|part| part.value.as_ref());
    let named = kinds.filter_map(|kind| kind.as_action().noticed()).filter(|(named, _)| *named == key);
    let about: Vec<Values> = named.flat_map(|(_, about)| about).collect();
    if !about.is_empty() {
        return about;
    }
    let text = |name: &str, value: &str| (name.to_owned(), Value::from(value));
    let stand_in =
        [text("label", "示例"), text("description", "示例"), text("order", "0"), ("amount".into(), Value::Fen(100))];
    vec![stand_in.into()]
}

fn of_form((notice, form, by): (&Notice, &Form, By), (site, about): (&Site, &[Values]), findings: &mut Vec<Finding>) {
    if by == By::Template && form.term.is_some() {
        let mend = "删掉 term，它只用于订阅通知";
        findings.push(site.key("term").error(Code::NoticeRule, "模板消息没有 term", mend));
    }
    for (account, template) in &form.ids {
        if template.as_str().trim().is_empty() {
            let place = site.key("ids").key(account.as_str());
            findings.push(place.error(Code::NoticeRule, "模板 ID 是空的", "写上后台的模板 ID，还没有就删掉这一项"));
        }
    }
    let fields = site.key("fields");
    if form.fields.is_empty() || form.fields.len() > MAX_FIELDS {
        let mend = format!("照着后台的模板写 1 到 {MAX_FIELDS} 个字段");
        findings.push(fields.error(Code::NoticeRule, format!("有 {} 个字段", form.fields.len()), mend));
    }
    for key in form.fields.keys() {
        field((notice, form, by), (&fields.key(key), key, about), findings);
    }
}

fn field(
    (notice, form, by): (&Notice, &Form, By),
    (site, key, about): (&Site, &str, &[Values]),
    findings: &mut Vec<Finding>,
) {
    let Some(template) = form.fields.get(key) else { return };
    if by != By::Template && !is_typed(key) {
        let mend = "照抄后台模板详情里的字段名，例如 thing1、phrase2、amount3";
        findings.push(site.name().error(Code::NoticeRule, format!("订阅通知没有 {key} 这种字段"), mend));
        return;
    }
    let allowed: BTreeSet<String> = PLACEHOLDERS.map(str::to_owned).into();
    let used = template.placeholders();
    let unknown: Vec<&String> = used.difference(&allowed).collect();
    for name in &unknown {
        let message = format!("没有 {{{{ {name} }}}} 这个占位符");
        findings.push(site.placeholder(name).error(Code::UnknownPlaceholder, message, suggestion(name, PLACEHOLDERS)));
    }
    if !unknown.is_empty() {
        return;
    }
    // The first thing that does not fit is enough.
    let cases = about.iter().flat_map(|order| ENDS.map(|end| notice.values(end, order, UnixSecs(0))));
    let misfit = cases.map(|values| (template.fill(&values), values)).find_map(|(filled, _)| match filled {
        Err(fault) => Some((Code::BrokenText, format!("填不出来：{}", fault.cause), "检查 {{ }} 和条件的写法".into())),
        Ok(text) if text.contains('<') => {
            Some((Code::NoticeRule, "通知里不能放链接".into(), "只写文字；要打开网页，写在这种通知的 link 里".into()))
        }
        Ok(text) => fits(key, text.trim()).err().map(|misfit| {
            let message = format!("填好是「{}」，平台不收：{key} {misfit}", text.trim());
            (Code::NoticeRule, message, "把文字或名称改短、改成这种样子，或者换一个模板字段".into())
        }),
    });
    if let Some((code, message, mend)) = misfit {
        let (message, mend): (String, String) = (message, mend);
        findings.push(site.error(code, message, mend));
    }
}

fn names(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut named: BTreeSet<&NoticeKey> = BTreeSet::new();
    let mut unread = false;
    for part in draft.actions.values() {
        let Some(kind) = &part.value else {
            unread = true;
            continue;
        };
        let Some((key, _)) = kind.as_action().noticed() else { continue };
        named.insert(key);
        if !draft.notices.contains_key(key) {
            let mend = if draft.notices.is_empty() {
                "在 notices.toml 里写上这种通知，或者删掉这一项".to_owned()
            } else {
                suggestion(key.as_str(), draft.notices.keys().map(NoticeKey::as_str))
            };
            findings.push(part.site.key("notice").error(Code::UnknownNotice, format!("通知 {key} 不存在"), mend));
        }
    }
    for (key, part) in draft.notices.iter().filter(|(key, _)| !unread && !named.contains(key)) {
        let message = format!("没有动作用到通知 {key}");
        let mend = "在办理动作里写 notice = \"…\"，不用了就删掉";
        findings.push(part.site.name().warning(Code::UnusedNotice, message, mend));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::playbook::draft::Part;
    use crate::config::playbook::shape;
    use crate::domain::actions::Kind;

    const ORDER: &str = r#"
        connector = "c"
        expires_secs = 300
        choices = [{ code = "A", label = "包一", amount_fen = 2000 }, { code = "B", label = "二十个字的名称一个字也不能再多的流量包包", amount_fen = 5 }]
        choose = "选"
        item = "{{ label }}"
        choose_end = "回复序号"
        confirm = "确认"
        placed = "正在办"
        receipt = "好了"
        cancelled = "取消"
        expired = "太久"
        unclear_choice = "回复序号"
        unclear_confirm = "回复确认"
        unknown = "核实"
        refused = { default = "没成" }
        standing = { placed = "在办", done = "好了", refused = "没成", unknown = "核实" }
        notice = "n"
    "#;
    const NOTICES: &str = r#"[n]
states = { done = "已办好", refused = "没有办成", unknown = "核实中" }
link = "https://example.com/"
[n.subscription]
ids = { demo = "S" }
term = "once"
fields = { thing1 = "{{ label }}", phrase2 = "{{ state }}" }
[n.template]
ids = { demo = "T" }
fields = { thing1 = "{{ label }}", amount2 = "{{ amount }}元", time3 = "{{ time }}", first = "您好" }
"#;

    fn found(from: &str, to: &str) -> Vec<(Code, usize, String)> {
        assert!(NOTICES.contains(from), "{from}");
        let document = crate::config::playbook::toml::parse("n.toml".into(), NOTICES.replacen(from, to, 1)).unwrap();
        let (root, mut findings) = (Site::root(document.into()), Vec::new());
        let notices = root.entries().into_iter().map(|(key, site)| {
            let value = shape::read(&site, &mut findings);
            (NoticeKey::new(key), Part { value, site })
        });
        let mut draft = Draft { notices: notices.collect(), ..Draft::default() };
        assert!(findings.is_empty(), "{findings:?}");
        let settings: serde_json::Value = toml::from_str(ORDER).unwrap();
        let value = Some(Kind::read("order", settings).unwrap().unwrap());
        draft.actions.insert("a".into(), Part { site: root, value });
        check(&draft, &mut findings);
        findings.into_iter().map(|finding| (finding.code, finding.line, finding.message)).collect()
    }

    #[test]
    fn a_notice_that_the_platform_takes_has_no_fault() {
        assert_eq!(found("[n]", "[n]"), []);
    }

    #[test]
    fn every_fault_is_told_where_it_stands() {
        use Code::{NoticeRule, UnknownNotice, UnknownPlaceholder, UnusedNotice};
        for (from, to, code, line, words) in [
            ("thing1 = \"{{ label }}\", phrase2", "thing1 = \"{{ label }}！\", phrase2", NoticeRule, 7, "最多 20 个字"),
            ("没有办成", "这次没有办成", NoticeRule, 7, "phrase2 最多 5 个字"),
            ("{{ amount }}元", "{{ label }}", NoticeRule, 10, "要写成金额"),
            ("{{ time }}", "今天", NoticeRule, 10, "要写成时间"),
            ("{{ time }}", "{{ tiem }}", UnknownPlaceholder, 10, "tiem"),
            ("phrase2 =", "state =", NoticeRule, 7, "没有 state 这种字段"),
            ("您好", "{{ tap('充流量') }}", NoticeRule, 10, "不能放链接"),
            ("https://example.com/", "example.com", NoticeRule, 3, "不是网址"),
            ("\"T\" }", "\"T\" }\nterm = \"once\"", NoticeRule, 10, "没有 term"),
            ("\"S\"", "\"\"", NoticeRule, 5, "模板 ID 是空的"),
        ] {
            let found = found(from, to);
            let [(told, at, message)] = &found[..] else { panic!("{to}: {found:?}") };
            assert!((*told, *at) == (code, line) && message.contains(words), "{to}: {found:?}");
        }
        let renamed = NOTICES.replace("[n", "[Other");
        let found = found(NOTICES, &renamed);
        let codes: Vec<Code> = found.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes, [NoticeRule, UnknownNotice, UnusedNotice], "{found:?}");
    }

    #[test]
    fn a_notice_needs_a_way() {
        let ways = NOTICES.split_once("[n.subscription]").unwrap().1;
        let found = found(&format!("[n.subscription]{ways}"), "");
        assert!(matches!(&found[..], [(Code::NoticeRule, 1, message)] if message.contains("没有任何")), "{found:?}");
    }
}
