//! Settings of orders: what cannot work, and what texts may use.

use super::*;

#[test]
fn settings_that_cannot_work_are_named() {
    assert_eq!(order().faults(), []);
    let mut bad = order();
    bad.choices[0].amount_fen = 0;
    bad.choices[1] = Choice { code: "D1G".into(), label: "1gb日包".into(), ..bad.choices[1].clone() };
    bad.choices.push(Choice { label: "第2个".into(), code: "X".into(), ..bad.choices[1].clone() });
    bad.expires_secs = 5;
    bad.refused.clear();
    let fields: Vec<String> = bad.faults().into_iter().map(|fault| fault.field).collect();
    let expected =
        ["choices[0].amount_fen", "choices[1].code", "choices[1].label", "choices[2].label", "expires_secs", "refused"];
    assert_eq!(fields, expected);
    bad.choices.clear();
    assert_eq!(bad.faults()[0].field, "choices");
}

#[test]
fn every_text_names_what_it_may_use() {
    let order = order();
    let texts = order.texts(&|_| BTreeSet::from(["balance".to_owned()]));
    assert_eq!(texts.len(), 17);
    for text in &texts {
        let used = text.template.placeholders();
        assert!(used.is_subset(&text.allowed), "{}: {used:?}", text.field);
    }
}
