//! What an operator may have written that cannot work: rules of steps that no type can hold.

use std::collections::BTreeSet;

use super::{As, Step, is_keep, is_restart};
use crate::domain::actions::Fault;
use crate::domain::actions::words;

/// So many steps: more is a form for a page, not for a chat.
const MOST_STEPS: usize = 20;
/// So many choices can be told apart at a glance.
const CHOICES: std::ops::RangeInclusive<usize> = 2..=9;
const MOST_CHARS: u16 = 600;

/// Names that texts use for something else.
pub type Reserved = &'static [&'static str];

/// Everything that cannot work in the steps of `field`.
pub fn faults(field: &str, steps: &[Step], reserved: Reserved) -> Vec<Fault> {
    let mut all = Vec::new();
    let whole = |cause: &str, mend: &str| Fault { field: field.into(), cause: cause.into(), mend: mend.into() };
    if !(1..=MOST_STEPS).contains(&steps.len()) {
        all.push(whole("步骤要有 1 到 20 个", "增减步骤；要填的太多，分成几个动作"));
    }
    if steps.iter().filter(|step| step.pool().is_some()).count() > 1 {
        all.push(whole("as = \"pool\" 的步骤超过一个", "一个表单只能从一个池子里选一样"));
    }
    for (index, step) in steps.iter().enumerate() {
        let earlier = steps.get(..index).unwrap_or_default();
        let mut fault = |name: &str, cause: &str, mend: &str| {
            let field = format!("{field}[{index}].{name}");
            all.push(Fault { field, cause: cause.to_owned(), mend: mend.to_owned() });
        };
        name(step, (earlier, reserved), &mut fault);
        expects(step, &mut fault);
        choices(step, &mut fault);
        when(step, earlier, &mut fault);
        for word in &step.skip {
            if words::bare(word).is_empty() || leads_away(word) || is_keep(word) {
                fault("skip", &format!("“{word}”在对话里另有意思"), "换一个词，例如“跳过”“没有”");
            }
        }
    }
    all
}

/// "不需要" may be an answer; "取消" is a way out and nothing else.
fn leads_away(word: &str) -> bool {
    let is_out = ["取消", "退出", "算了", "放弃", "结束"].iter().any(|out| words::same(out, &words::bare(word)));
    is_out || words::is_back(word) || is_restart(word)
}

fn name(step: &Step, (earlier, reserved): (&[Step], Reserved), fault: &mut dyn FnMut(&str, &str, &str)) {
    let is_plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    let begins = step.name.starts_with(|char: char| char.is_ascii_lowercase());
    if !begins || step.name.len() > 32 || !step.name.chars().all(is_plain) {
        fault("name", "名称不能这样写", "用小写字母开头，后面是小写字母、数字或 _，最多 32 个");
    } else if earlier.iter().any(|other| other.name == step.name) {
        fault("name", "和前面一步重名", "每一步写一个不重复的名称");
    } else if reserved.contains(&step.name.as_str()) {
        fault("name", "这个名称话术里另有用处", &format!("换一个名称；{} 不能用", reserved.join("、")));
    }
    if step.label.trim().is_empty() || earlier.iter().any(|other| words::same(&other.label, &step.label)) {
        fault("label", "名目为空，或者和前面的重复", "写上客户在汇总里看到的名目，例如“收货地址”");
    }
}

fn expects(step: &Step, fault: &mut dyn FnMut(&str, &str, &str)) {
    let only = |is_there: bool, kind: As| is_there && step.kind != Some(kind);
    match (step.kind, step.choices.is_empty()) {
        (None, true) => fault("name", "没写要什么样的回答", "写 as = \"…\"，或者写 choices"),
        (Some(_), false) => fault("choices", "as 和 choices 只能写一个", "选项用 choices，别的用 as"),
        _ => {}
    }
    if step.kind == Some(As::Amount) {
        match (step.min_fen, step.max_fen) {
            (Some(min), Some(max)) if min > 0 && min <= max => {}
            _ => fault("as", "金额没写范围，或者范围不对", "写 min_fen 和 max_fen，单位是分，都大于 0"),
        }
    } else if step.min_fen.is_some() || step.max_fen.is_some() {
        fault(
            if step.min_fen.is_some() { "min_fen" } else { "max_fen" },
            "只有金额才有范围",
            "删掉，或者写 as = \"amount\"",
        );
    }
    if only(step.max_chars.is_some(), As::Text) || step.max_chars.is_some_and(|most| !(1..=MOST_CHARS).contains(&most))
    {
        fault("max_chars", "字数超出范围，或者不是 as = \"text\"", "写 1 到 600 之间的数，只用于 as = \"text\"");
    }
    if (step.kind == Some(As::Pool)) != step.pool.is_some() {
        let name = if step.pool.is_some() { "pool" } else { "as" };
        fault(name, "as = \"pool\" 和 pool 要一起写", "写 pool = \"pools.toml 里的名称\"");
    }
    if step.kind == Some(As::Text) && asks_for_the_person(step) {
        let mend = "用 as = \"phone\"、\"identity\"、\"name\" 或 \"address\"，会核对、加密保存、遮住显示";
        fault("as", "问的是个人信息，按普通文字收会明着保存和显示", mend);
    }
}

/// What is read as plain words is shown and kept as plain words.
fn asks_for_the_person(step: &Step) -> bool {
    let about = ["身份证", "证件号", "手机号", "姓名", "住址", "地址", "银行卡"];
    about.iter().any(|word| step.label.contains(word))
}

fn choices(step: &Step, fault: &mut dyn FnMut(&str, &str, &str)) {
    if !step.choices.is_empty() && !CHOICES.contains(&step.choices.len()) {
        fault("choices", "选项要有 2 到 9 个", "增减选项；更多的分成两步来问");
    }
    for (index, choice) in step.choices.iter().enumerate() {
        let others = || step.choices.iter().take(index);
        let field = |name: &str| format!("choices[{index}].{name}");
        if choice.code.trim().is_empty() || others().any(|other| other.code == choice.code) {
            fault(&field("code"), "代码为空，或者和前面的重复", "每个选项写一个业务系统认得的、不重复的代码");
        }
        if choice.label.trim().is_empty() || others().any(|other| words::same(&other.label, &choice.label)) {
            fault(&field("label"), "名称为空，或者和前面的重复", "每个选项写一个不重复的名称");
        }
        if words::number(&choice.label).is_some() || words::number(&choice.code).is_some() {
            fault(&field("label"), "名称或代码是一个数字，会和序号混淆", "在数字前后加上文字，例如“10 元包”");
        }
        if [&choice.label, &choice.code].into_iter().any(|word| leads_away(word)) {
            fault(&field("label"), "这个词客户用来取消或返回，选了它就走不掉了", "换一种说法，例如“不需要发票”");
        }
    }
}

fn when(step: &Step, earlier: &[Step], fault: &mut dyn FnMut(&str, &str, &str)) {
    let Some(when) = &step.when else { return };
    let Some(other) = earlier.iter().find(|other| other.name == when.step) else {
        let known: Vec<&str> = earlier.iter().filter(|step| !step.choices.is_empty()).map(|step| &*step.name).collect();
        let mend = match known.as_slice() {
            [] => "前面没有带 choices 的步骤，删掉 when".to_owned(),
            known => format!("只能看前面带 choices 的步骤：{}", known.join("、")),
        };
        return fault("when.step", &format!("前面没有 {} 这一步", when.step), &mend);
    };
    let codes: BTreeSet<&str> = other.choices.iter().map(|choice| choice.code.as_str()).collect();
    if codes.is_empty() {
        fault("when.step", &format!("{} 没有选项可看", when.step), "只能看前面带 choices 的步骤");
    } else if when.is.is_empty() || when.is.iter().any(|code| !codes.contains(code.as_str())) {
        let mend = format!("写它的选项代码：{}", codes.into_iter().collect::<Vec<_>>().join("、"));
        fault("when.is", &format!("{} 没有这个选项，这一步永远不会问", when.step), &mend);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &str = r#"
        [[steps]]
        name = "way"
        label = "取卡方式"
        ask = "怎么取卡？"
        choices = [{ code = "mail", label = "邮寄" }, { code = "shop", label = "营业厅自取" }]
        [[steps]]
        name = "address"
        label = "收货地址"
        ask = "寄到哪里？"
        as = "address"
        when = { step = "way", is = ["mail"] }
        [[steps]]
        name = "amount"
        label = "预存金额"
        ask = "存多少？"
        as = "amount"
        min_fen = 1000
        max_fen = 50000
        [[steps]]
        name = "note"
        label = "备注"
        ask = "还有什么要说的？"
        as = "text"
        max_chars = 100
        skip = ["没有"]
    "#;

    #[derive(serde::Deserialize)]
    struct Steps {
        steps: Vec<Step>,
    }

    fn found(text: &str) -> Vec<String> {
        let steps = toml::from_str::<Steps>(text).unwrap().steps;
        faults("steps", &steps, &["number"]).into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn steps_that_work_have_no_fault() {
        assert_eq!(found(STEPS), [""; 0]);
    }

    #[test]
    fn every_fault_is_told_where_it_stands() {
        for (from, to, field) in [
            ("name = \"way\"", "name = \"Way\"", "steps[0].name"),
            ("name = \"note\"", "name = \"address\"", "steps[3].name"),
            ("name = \"note\"", "name = \"number\"", "steps[3].name"),
            ("label = \"备注\"", "label = \" \"", "steps[3].label"),
            ("label = \"备注\"", "label = \"收货地址\"", "steps[3].label"),
            ("as = \"address\"", "", "steps[1].name"),
            (
                "as = \"address\"",
                "as = \"address\"\nchoices = [{ code = \"a\", label = \"甲\" }, { code = \"b\", label = \"乙\" }]",
                "steps[1].choices",
            ),
            ("min_fen = 1000", "", "steps[2].as"),
            ("min_fen = 1000", "min_fen = 60000", "steps[2].as"),
            ("as = \"amount\"", "as = \"name\"", "steps[2].min_fen"),
            ("max_chars = 100", "max_chars = 0", "steps[3].max_chars"),
            ("as = \"address\"", "as = \"address\"\nmax_chars = 5", "steps[1].max_chars"),
            ("as = \"address\"", "as = \"pool\"", "steps[1].as"),
            ("as = \"address\"", "as = \"address\"\npool = \"p\"", "steps[1].pool"),
            ("as = \"address\"", "as = \"text\"", "steps[1].as"),
            (", { code = \"shop\", label = \"营业厅自取\" }", "", "steps[0].choices"),
            ("code = \"shop\"", "code = \"mail\"", "steps[0].choices[1].code"),
            ("label = \"营业厅自取\"", "label = \"邮寄\"", "steps[0].choices[1].label"),
            ("label = \"营业厅自取\"", "label = \"2\"", "steps[0].choices[1].label"),
            ("label = \"营业厅自取\"", "label = \"取消\"", "steps[0].choices[1].label"),
            ("step = \"way\"", "step = \"wya\"", "steps[1].when.step"),
            ("step = \"way\"", "step = \"note\"", "steps[1].when.step"),
            ("is = [\"mail\"]", "is = [\"post\"]", "steps[1].when.is"),
            ("is = [\"mail\"]", "is = []", "steps[1].when.is"),
            ("skip = [\"没有\"]", "skip = [\"算了\"]", "steps[3].skip"),
        ] {
            assert!(STEPS.contains(from), "{from}");
            let found = found(&STEPS.replacen(from, to, 1));
            assert_eq!(found.first().map(String::as_str), Some(field), "{from} -> {to}: {found:?}");
        }
    }

    #[test]
    fn too_few_and_too_many_are_told() {
        assert_eq!(found("steps = []"), ["steps"]);
        let many: String = (0..21)
            .map(|n| format!("[[steps]]\nname = \"s{n}\"\nlabel = \"项{n}号\"\nask = \"？\"\nas = \"text\"\n"))
            .collect();
        assert_eq!(found(&many), ["steps"]);
        let many: String = (0..10).map(|n| format!("{{ code = \"c{n}\", label = \"选{n}号包\" }},")).collect();
        let found = found(&format!("[[steps]]\nname = \"s\"\nlabel = \"项\"\nask = \"？\"\nchoices = [{many}]\n"));
        assert_eq!(found, ["steps[0].choices"]);
        let pools = "[[steps]]\nname = \"a\"\nlabel = \"甲\"\nask = \"？\"\nas = \"pool\"\npool = \"p\"\n";
        let two = format!("{pools}{}", pools.replace("\"a\"", "\"b\"").replace("甲", "乙"));
        assert_eq!(self::found(&two), ["steps"]);
    }
}
