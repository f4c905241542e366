//! Templates: any text is one or is refused, and whatever fills it, it ends, stays small, and opens no link.
//!
//! An input is the text and then names and values by turns.

use fuwu::domain::template::{Template, TemplateFault};
use fuwu::domain::value::{Value, Values};

use super::limits::{WEBHOOK, within};
use super::pieces::Pieces;

const MAX_OUTPUT_BYTES: usize = 16_384;

pub fn run(input: &[u8]) {
    within(WEBHOOK, input, || {
        let mut pieces = Pieces::of(input);
        let source = pieces.text();
        let mut values = Values::new();
        while !pieces.is_done() {
            values.insert(pieces.text().into_owned(), value(&pieces.text()));
        }
        match Template::new(source.as_ref()) {
            Err(fault) => names_its_line(&fault, &source),
            Ok(template) => {
                assert_eq!(template.source(), source);
                it_is_filled_or_says_why(&template, &values);
                nothing_that_fills_it_opens_a_link(&template, &values);
            }
        }
    });
}

/// Numbers are tried in every unit there is.
fn value(text: &str) -> Value {
    match text.get(1..).and_then(|digits| digits.parse().ok()).zip(text.bytes().next()) {
        Some((number, b'i')) => Value::Integer(number),
        Some((number, b'f')) => Value::Fen(number),
        Some((number, b'k')) => Value::Kib(number),
        _ => Value::from(text),
    }
}

fn names_its_line(fault: &TemplateFault, source: &str) {
    assert!(!fault.cause.is_empty());
    let lines = source.split('\n').count();
    assert!(fault.line.is_none_or(|line| (1..=lines).contains(&line)), "line {:?} of {lines}: {fault}", fault.line);
}

fn it_is_filled_or_says_why(template: &Template, values: &Values) {
    let filled = template.fill(values);
    assert_eq!(filled, template.fill(values), "filling it twice");
    match &filled {
        Ok(text) => assert!(text.len() <= MAX_OUTPUT_BYTES),
        Err(fault) => names_its_line(fault, template.source()),
    }
    // Names it does not use make no difference, and all it uses are known before.
    let used: Values = values
        .iter()
        .filter(|(name, _)| template.placeholders().contains(*name))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    assert_eq!(filled, template.fill(&used), "only placeholders count");
    let verbatim = template.fill_verbatim(values, Value::to_string);
    assert!(verbatim.is_err() || verbatim.is_ok_and(|text| text.len() <= MAX_OUTPUT_BYTES));
}

/// A text without a link of its own has none in it afterwards either.
fn nothing_that_fills_it_opens_a_link(template: &Template, values: &Values) {
    let source = template.source();
    if source.contains('<') || source.contains("tap") || source.contains("link") {
        return;
    }
    let mut hostile = values.clone();
    for name in template.placeholders() {
        hostile.entry(name).or_insert_with(|| "<a href=\"weixin://x\">{{ x }}</a>".into());
    }
    if let Ok(text) = template.fill(&hostile) {
        assert!(!text.contains('<'), "{text}");
    }
}
