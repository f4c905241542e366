use proptest::prelude::*;

use super::*;
use crate::domain::private::Private;

const STEPS: &str = r#"
    [[steps]]
    name = "way"
    label = "取卡方式"
    ask = "怎么取卡？"
    choices = [{ code = "mail", label = "邮寄到家" }, { code = "shop", label = "营业厅自取" }]
    [[steps]]
    name = "address"
    label = "收货地址"
    ask = "寄到哪里？"
    as = "address"
    when = { step = "way", is = ["mail"] }
    [[steps]]
    name = "phone"
    label = "联系电话"
    ask = "电话多少？"
    as = "phone"
    [[steps]]
    name = "number"
    label = "新号码"
    ask = "选一个"
    as = "pool"
    pool = "p"
    [[steps]]
    name = "note"
    label = "备注"
    ask = "还有什么要说的？"
    as = "text"
    max_chars = 20
    skip = ["没有", "不用了"]
"#;

#[derive(serde::Deserialize)]
struct Steps {
    steps: Vec<Step>,
}

fn steps(text: &str) -> Vec<Step> {
    toml::from_str::<Steps>(text).unwrap().steps
}

/// Somebody who fills it; what they wish for is theirs.
struct Filling {
    steps: Vec<Step>,
    progress: Progress,
    held: Option<String>,
}

impl Filling {
    fn new() -> Self {
        let mut filling = Self { steps: steps(STEPS), progress: Progress::default(), held: None };
        filling.progress.at = "way".into();
        filling
    }

    fn form(&self) -> Form<'_, '_> {
        Form { steps: &self.steps, today: BusinessDay::parse("2026-01-01").unwrap(), held: self.held.as_deref() }
    }

    /// What comes of words, in a word, and where they stand then.
    fn say(&mut self, words: &str) -> String {
        self.progress.offers = ["17000000001", "17000000002"].map(str::to_owned).into();
        let (mut progress, turn) = self.form().hear(&self.progress, words);
        let mut told = told(&turn);
        if let Turn::Wish(step, item) = turn {
            progress.answers.insert(step.name.clone(), Value::from(item.as_str()));
            self.held = Some(item);
            told = self::told(&self.form().advance(&mut progress));
        }
        self.progress = progress;
        told
    }

    fn open(&self) -> &str {
        match self.form().open(&self.progress) {
            Open::Step(step) => self.steps.iter().find(|known| known.name == step.name).unwrap().name.as_str(),
            Open::Summary => "summary",
        }
    }

    fn fill(words: &[&str]) -> Self {
        let mut filling = Self::new();
        for word in words {
            filling.say(word);
        }
        filling
    }
}

fn told(turn: &Turn<'_>) -> String {
    match turn {
        Turn::Ask(step) => format!("ask {}", step.name),
        Turn::First(step) => format!("first {}", step.name),
        Turn::Wrong(step, why) => format!("wrong {} {}", step.name, why.key()),
        Turn::Stuck(step) => format!("stuck {}", step.name),
        Turn::Wish(step, item) => format!("wish {} {item}", step.name),
        Turn::Gathered => "gathered".into(),
        Turn::Agreed => "agreed".into(),
        Turn::Unclear => "unclear".into(),
        Turn::Restarted => "restarted".into(),
        Turn::Cancelled => "cancelled".into(),
    }
}

const ALL: [&str; 5] = ["1", "南京市鼓楼区中山路1号", "13800138000", "2", "没有"];

#[test]
fn one_answer_leads_to_the_next_question_and_the_last_to_the_summary() {
    let mut filling = Filling::new();
    let turns = ALL.map(|words| filling.say(words));
    assert_eq!(turns, ["ask address", "ask phone", "ask number", "ask note", "gathered"]);
    assert_eq!(filling.say("好的"), "agreed");
}

#[test]
fn a_branch_that_was_not_chosen_is_not_asked_and_what_was_told_for_it_is_not_kept() {
    let mut filling = Filling::fill(&ALL);
    assert_eq!(filling.say("改 1"), "ask way");
    assert_eq!(filling.say("自取"), "gathered");
    assert!(!filling.progress.answers.contains_key("address"));
    assert_eq!(filling.say("改取卡方式"), "ask way");
    assert_eq!(filling.say("邮寄"), "ask address");
}

#[test]
fn back_goes_back_and_what_was_answered_stays_until_it_is_changed() {
    let mut filling = Filling::fill(&ALL[..3]);
    assert_eq!(filling.say("上一步"), "ask phone");
    assert_eq!(filling.say("返回"), "ask address");
    assert_eq!(filling.say("上一步"), "ask way");
    assert_eq!(filling.say("上一步"), "first way");
    assert_eq!(filling.say("不变"), "ask number", "everything else is answered");
    assert_eq!(filling.say("上一步"), "ask phone");
    assert_eq!(filling.say("13900139000"), "ask number");
    assert_eq!(filling.progress.answers["phone"], Value::Private(Private::new("13900139000")));
    let mut filling = Filling::fill(&ALL);
    assert_eq!(filling.say("上一步"), "ask note");
    assert_eq!(filling.say("下一步"), "gathered");
}

#[test]
fn words_that_lead_are_known_at_every_step_in_every_writing() {
    for place in 0..=ALL.len() {
        for (words, expected) in [
            ("取消", "cancelled"),
            ("不填了", "cancelled"),
            ("ＱＵＩＴ", "cancelled"),
            ("重新填", "restarted"),
            ("從頭開始", "restarted"),
        ] {
            assert_eq!(Filling::fill(&ALL[..place]).say(words), expected, "{place} {words}");
        }
    }
    assert_eq!(Filling::fill(&ALL[..4]).say("不用了"), "gathered", "what the operator offers goes first");
}

#[test]
fn three_wrong_answers_in_a_row_offer_a_way_out_and_the_count_begins_anew() {
    let mut filling = Filling::fill(&ALL[..2]);
    let turns = ["138", "1280013800", "12800138000", "138"].map(|words| filling.say(words));
    assert_eq!(turns, ["wrong phone length", "wrong phone length", "stuck phone", "wrong phone length"]);
    filling.say("上一步");
    filling.say("不变");
    assert_eq!(filling.say("138"), "wrong phone length", "it was left in between");
    assert_eq!((filling.say("9"), filling.open()), ("wrong phone length".into(), "phone"));
}

#[test]
fn at_the_summary_every_answer_can_be_named() {
    for (words, expected) in [
        ("改2", "ask address"),
        ("改 ４", "ask number"),
        ("修改地址", "ask address"),
        ("改电话", "ask phone"),
        ("改6", "unclear"),
        ("改0", "unclear"),
        ("改名字", "unclear"),
        ("2", "unclear"),
        ("确认吗", "unclear"),
        ("确认", "agreed"),
        ("確認", "agreed"),
    ] {
        assert_eq!(Filling::fill(&ALL).say(words), expected, "{words}");
    }
}

#[test]
fn other_offers_are_asked_for_in_passing() {
    let mut filling = Filling::fill(&ALL[..3]);
    assert_eq!(filling.say("换一批"), "ask number");
    assert_eq!(filling.progress.page, 1);
    assert_eq!(filling.say("3"), "wrong number out_of_range");
    assert_eq!(filling.say("17000000002"), "ask note");
}

#[test]
fn what_is_held_no_longer_is_asked_again() {
    let mut filling = Filling::fill(&ALL);
    filling.held = None;
    assert_eq!(filling.say("确认"), "wrong number not_offered");
    assert_eq!(filling.open(), "number");
}

/// A dialogue goes on by the names of its steps when the playbook was edited meanwhile.
#[test]
fn an_edited_playbook_moves_nobody_to_another_question() {
    let edited = |from: &str, to: &str, words: &str, said: &[&str]| {
        let mut filling = Filling::fill(said);
        assert!(STEPS.contains(from), "{from}");
        filling.steps = steps(&STEPS.replacen(from, to, 1));
        (filling.say(words), filling.open().to_owned())
    };
    // The step somebody is at was taken away, with its answer.
    let phone = STEPS.split("[[steps]]").nth(3).unwrap();
    assert_eq!(edited(&format!("[[steps]]{phone}"), "", "1", &ALL[..2]).0, "ask note");
    // A step was put before: it is asked when the one that is open was answered.
    let more =
        "[[steps]]\nname = \"who\"\nlabel = \"姓名\"\nask = \"谁？\"\nas = \"name\"\n[[steps]]\n    name = \"phone\"";
    assert_eq!(edited("[[steps]]\n    name = \"phone\"", more, "13800138000", &ALL[..2]).0, "ask who");
    // Turned round: the one that is open stays open.
    let [a, b] = [2, 3].map(|n| STEPS.split("[[steps]]").nth(n).unwrap());
    let turned = edited(&format!("{a}[[steps]]{b}"), &format!("{b}[[steps]]{a}"), "13800138000", &ALL[..2]);
    assert_eq!(turned.0, "ask number");
    // What was chosen is not offered any more.
    let gone = edited("code = \"mail\"", "code = \"post\"", "确认", &ALL);
    assert_eq!(gone, ("wrong way not_offered".into(), "way".into()));
    // It has to be another kind of answer now.
    let other = edited("as = \"text\"", "as = \"phone\"", "确认", &ALL[..4]);
    assert_eq!(other.0, "wrong note unreadable");
}

#[test]
fn what_words_are_to_a_step_is_told_without_what_was_answered() {
    let steps = steps(STEPS);
    let claims = |name: &str, words: &[&str]| -> Vec<Claim> {
        let step = steps.iter().find(|step| step.name == name).unwrap();
        words.iter().map(|words| step.claim(words, &[])).collect()
    };
    use Claim::{Any, Meant, Otherwise};
    assert_eq!(
        claims("way", &["1", "邮寄", "9", "取消", "上一步", "。", "查话费"]),
        [Meant, Meant, Meant, Meant, Meant, Meant, Otherwise]
    );
    assert_eq!(
        claims("phone", &["13800138000", "1380013", "不变", "查话费", "流量"]),
        [Meant, Meant, Meant, Otherwise, Otherwise]
    );
    assert_eq!(claims("address", &["南京市鼓楼区1号", "南京"]), [Any, Otherwise]);
    assert_eq!(claims("number", &["1", "17000000001", "换一批", "好看"]), [Meant, Meant, Meant, Otherwise]);
    assert_eq!(claims("note", &["请尽快", "没有"]), [Any, Meant]);
    let summary = ["确认", "好的", "改2", "取消", "重填", "查话费", "嘿"].map(claim_summary);
    assert_eq!(summary, [Meant, Meant, Meant, Meant, Meant, Otherwise, Otherwise]);
}

fn words() -> impl Strategy<Value = String> {
    let known = [
        "1",
        "2",
        "3",
        "邮寄",
        "自取",
        "上一步",
        "返回",
        "不变",
        "下一步",
        "取消一下",
        "没有",
        "跳过",
        "换一批",
        "改 1",
        "改2",
        "改 3",
        "改地址",
        "13800138000",
        "1380",
        "南京市鼓楼区中山路1号",
        "好",
        "吗",
        "17000000001",
        "尾号0002",
        "",
        "。",
    ];
    prop_oneof![3 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,24}"]
}

proptest! {
    /// Whatever is said, somebody stands at a step that is asked or at the summary, and keeps no answer that is none.
    #[test]
    fn no_words_lose_the_place(all in proptest::collection::vec(words(), 0..30)) {
        let mut filling = Filling::new();
        for words in all {
            let before = filling.open().to_owned();
            let turn = filling.say(&words);
            let path = filling.form().path(&filling.progress.answers);
            let open = filling.open();
            prop_assert!(open == "summary" || path.iter().any(|step| step.name == open), "{turn}: {open}");
            for (name, value) in &filling.progress.answers {
                let step = path.iter().find(|step| step.name == *name);
                let held = filling.held.as_deref();
                prop_assert!(step.is_some_and(|step| step.still(value, (filling.form().today, held))), "{name}");
            }
            if turn.starts_with("wrong") || turn.starts_with("stuck") || turn == "unclear" {
                prop_assert_eq!(open, before);
            }
            prop_assert!(open != "summary" || path.iter().all(|step| filling.progress.answers.contains_key(&step.name)));
        }
    }

    /// Back and then on again changes nothing.
    #[test]
    fn back_and_then_forward_is_where_one_was(place in 1..=ALL.len(), steps in 1..6usize) {
        let mut filling = Filling::fill(&ALL[..place]);
        let (open, answers) = (filling.open().to_owned(), filling.progress.answers.clone());
        for _ in 0..steps.min(place) {
            filling.say("上一步");
        }
        filling.say("不变");
        prop_assert_eq!((filling.open(), &filling.progress.answers), (open.as_str(), &answers));
    }

    /// A claim never disagrees with what is heard: what is an answer is not left to others.
    #[test]
    fn an_answer_is_always_claimed(words in words(), place in 0..ALL.len()) {
        let mut filling = Filling::fill(&ALL[..place]);
        let open = filling.open().to_owned();
        let claim = filling.steps.iter().find(|step| step.name == open).unwrap().claim(&words, &[]);
        let turn = filling.say(&words);
        let is_taken = !turn.starts_with("wrong") && !turn.starts_with("stuck");
        prop_assert!(!is_taken || claim != Claim::Not, "{open} {words} {turn}");
    }
}
