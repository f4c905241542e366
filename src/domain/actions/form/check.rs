//! What the playbook's check looks at: texts with the names they may use, and rules between fields.

use std::collections::BTreeSet;

use super::super::{Composed, Fault, TextField};
use super::{DEFAULT, Form};
use crate::domain::form::{self, Step, Wrong};
use crate::domain::ids::ConnectorKey;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// Names that texts use for something else than answers.
const RESERVED: &[&str] = &["number", "place", "label", "value", "reason", "openid", "order", "code"];
/// An answer is rarely longer; a number of a pool or a masked one never is.
const TYPICAL_CHARS: usize = 24;

/// Every text, with the names it may use.
pub(super) fn texts<'a>(form: &'a Form, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
    let names: BTreeSet<String> = form.steps.iter().map(|step| step.name.clone()).collect();
    let with = |more: &[&str]| names.iter().cloned().chain(more.iter().map(|name| (*name).to_owned())).collect();
    let texts = &form.texts;
    let plain = |name: &str, template: &'a Template, allowed: &[&str]| {
        TextField::new(&format!("texts.{name}"), template, allowed)
    };
    let about = |name: &str, template: &'a Template, more: &[&str]| TextField {
        field: format!("texts.{name}"),
        template,
        allowed: with(more),
    };
    const NUMBER: &[&str] = &["number"];
    let mut done = about("done", &texts.done, NUMBER);
    done.allowed.extend(form.connector.iter().flat_map(fields));
    let mut all = vec![
        plain("item", &texts.item, &["place", "label"]),
        plain("keep", &texts.keep, &["value"]),
        plain("first", &texts.first, &[]),
        about("wrong", &texts.wrong, &["label", "reason"]),
        about("stuck", &texts.stuck, &["label"]),
        about("summary", &texts.summary, &[]),
        plain("line", &texts.line, &["place", "label", "value"]),
        about("summary_end", &texts.summary_end, &[]),
        about("unclear", &texts.unclear, &[]),
        about("cancelled", &texts.cancelled, &[]),
        plain("expired", &texts.expired, &[]),
        about("resume", &texts.resume, &["label"]),
        about("again", &texts.again, &["label"]),
        about("again_summary", &texts.again_summary, &[]),
        about("sending", &texts.sending, NUMBER),
        done,
        about("unknown", &texts.unknown, NUMBER),
        plain("standing.placed", &texts.standing.placed, NUMBER),
        plain("standing.done", &texts.standing.done, NUMBER),
        plain("standing.refused", &texts.standing.refused, NUMBER),
        plain("standing.unknown", &texts.standing.unknown, NUMBER),
    ];
    for (name, text) in [
        ("taken", &texts.taken),
        ("lapsed", &texts.lapsed),
        ("empty", &texts.empty),
        ("unavailable", &texts.unavailable),
    ] {
        all.extend(text.iter().map(|text| plain(name, text, &[])));
    }
    all.extend(texts.refused.iter().map(|(code, text)| about(&format!("refused.{code}"), text, NUMBER)));
    for (index, step) in form.steps.iter().enumerate() {
        let earlier: BTreeSet<String> = form.steps.iter().take(index).map(|step| step.name.clone()).collect();
        let field = |name: &str| format!("steps[{index}].{name}");
        all.push(TextField { field: field("ask"), template: &step.ask, allowed: earlier.clone() });
        all.extend(step.wrong.iter().map(|wrong| TextField {
            field: field("wrong"),
            template: wrong,
            allowed: earlier.iter().cloned().chain(["label".to_owned(), "reason".to_owned()]).collect(),
        }));
    }
    all
}

/// Replies of several texts, at their longest.
pub(super) fn composed(form: &Form) -> Vec<Composed<'_>> {
    let answers: Values =
        form.steps.iter().map(|step| (step.name.clone(), Value::from("字".repeat(TYPICAL_CHARS)))).collect();
    let asked = form.steps.iter().map(|step| {
        let labels = step.choices.iter().map(|choice| choice.label.as_str()).collect();
        let mut parts = vec![(&step.ask, answers.clone())];
        parts.extend(form.items(labels));
        Composed { what: format!("{} 的问题和选项", step.name), parts }
    });
    let mut summary = vec![(&form.texts.summary, answers.clone())];
    summary.extend((1i64..).zip(&form.steps).map(|(place, step)| (&form.texts.line, line(place, step))));
    summary.push((&form.texts.summary_end, answers.clone()));
    asked.chain([Composed { what: "汇总（summary、每步一行 line、summary_end）".into(), parts: summary }]).collect()
}

fn line(place: i64, step: &Step) -> Values {
    let longest = step.choices.iter().map(|choice| choice.label.clone()).max_by_key(String::len);
    Values::from([
        ("place".to_owned(), Value::Integer(place)),
        ("label".to_owned(), Value::from(step.label.as_str())),
        ("value".to_owned(), Value::from(longest.unwrap_or_else(|| "字".repeat(TYPICAL_CHARS)))),
    ])
}

/// Rules between fields.
pub(super) fn faults(form: &Form) -> Vec<Fault> {
    let mut faults = form::faults("steps", &form.steps, RESERVED);
    let mut fault = |field: &str, cause: &str, mend: &str| {
        faults.push(Fault { field: field.to_owned(), cause: cause.to_owned(), mend: mend.to_owned() });
    };
    for (field, secs) in [("expires_secs", form.expires_secs), ("settle_secs", form.settle_secs)] {
        if !(60..=86_400).contains(&secs) {
            fault(field, "秒数超出范围", "写 60 到 86400 之间的数");
        }
    }
    if form.resume_days > 30 {
        fault("resume_days", "天数超出范围", "写 0 到 30 之间的数");
    }
    if form.keep_days > 365 {
        fault("keep_days", "天数超出范围", "写 0 到 365 之间的数");
    }
    let texts = &form.texts;
    match &form.connector {
        Some(_) if !texts.refused.contains_key(DEFAULT) => {
            fault("texts.refused", "没有写 default", "加上 default = \"…\"，回答没有单独列出的拒绝代码");
        }
        None if form.keep_days == 0 => {
            fault("keep_days", "由人处理，填写内容却交出去就清除，没有人看得到", "写上处理要几天，例如 30");
        }
        _ => {}
    }
    if !texts.reasons.contains_key(DEFAULT) {
        fault("texts.reasons", "没有写 default", "加上 default = \"…\"，说没有单独列出的原因");
    }
    for unknown in texts.reasons.keys().filter(|key| *key != DEFAULT && !Wrong::KEYS.contains(&key.as_str())) {
        let mend = format!("可以写 default、{}", Wrong::KEYS.join("、"));
        fault(&format!("texts.reasons.{unknown}"), &format!("没有 {unknown} 这种原因"), &mend);
    }
    // Somebody who does not get on has to be told how to leave.
    for (field, text) in
        [("texts.stuck", &texts.stuck), ("texts.unclear", &texts.unclear), ("texts.summary_end", &texts.summary_end)]
    {
        if !form::offers_cancel(text.source()) {
            fault(field, "没有写明怎么取消，客户会走不掉", "加上一句，例如：不想填了就说“取消”");
        }
    }
    let chosen = form.steps.iter().any(|step| step.pool().is_some());
    if chosen && form.stock.is_some() {
        fault("stock", "已经有一步从池子里选了", "stock 和 as = \"pool\" 只留一个");
    }
    if chosen || form.stock.is_some() {
        for (name, text) in [("taken", &texts.taken), ("empty", &texts.empty), ("unavailable", &texts.unavailable)] {
            if text.is_none() {
                fault("texts", &format!("用到了池子，没有写 {name}"), &format!("在 texts 里加上 {name} = \"…\""));
            }
        }
    }
    faults
}
