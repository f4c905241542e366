//! Steps inside the dialogue of another kind, between what was chosen and what is agreed to: an order's address, name or
//! identity number. What was answered lives in the dialogue's slots, and goes with the order.
//!
//! A kind embeds it by a field `details: Option<Details>` and five calls: [`Details::begin`] where it would have asked to
//! confirm, [`Details::claim`] and [`Details::go_on`] while [`Details::is_at`], [`Details::shown`] for its own texts, and
//! [`Details::values`] for what it keeps and hands to its connector.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::list::{Lines, fill};
use super::{Claim, Fault, Outcome, TextField, View};
use crate::domain::customer::Dialogue;
use crate::domain::form::{self, Expects, Progress, Step, Turn, Wrong, whole};
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// The step of the dialogue while these are asked: no kind has one of this name.
const AT: &str = "details";
/// What stands before a step's name in the slots.
const ANSWER: &str = "details.";
const OPEN: &str = "@details.at";
const WRONG: &str = "@details.wrong";
/// The reason for what [`Details::reasons`] does not name.
const DEFAULT: &str = "default";

/// Steps of another dialogue (`[NAME.details]`).
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "选好以后、确认之前，还要客户填的内容；连接器和话术用 {{ 名称 }} 引用")]
pub struct Details {
    /// What is asked, in this order.
    #[schemars(description = "按顺序问的步骤；不能用 as = \"pool\"")]
    pub steps: Vec<Step>,
    /// A line of what can be chosen.
    #[schemars(description = "选项的一行：{{ place }} 序号、{{ label }} 名称")]
    pub item: Template,
    /// Under a question that was answered before.
    #[schemars(description = "回到填过的一步时加的话：{{ value }} 上次填的")]
    pub keep: Template,
    /// No answer.
    #[schemars(description = "回答不对时的话：{{ label }} 名目、{{ reason }} 原因")]
    pub wrong: Template,
    /// Why it is none, by what is wrong; `default` for every other.
    #[schemars(description = "原因怎么说，按原因写；必须有 default")]
    pub reasons: BTreeMap<String, String>,
    /// No answer three times in a row.
    #[schemars(description = "连着三次不对：{{ label }}；要写明怎么取消，最好给出人工")]
    pub stuck: Template,
}

/// What words came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Came {
    /// This is said, and the dialogue goes on with these slots at [`AT`].
    Asked(Reply, Values),
    /// All is answered: the kind goes on with these slots.
    Gathered(Values),
    /// Back before the first step.
    Left(Values),
    /// Called off.
    Cancelled,
}

impl Details {
    /// The same, with its choices as links.
    pub(super) fn tapping(self) -> Self {
        Self { item: self.item.tapping("label"), ..self }
    }

    /// The step that is open.
    pub(super) fn open(dialogue: &Dialogue) -> String {
        progress(&dialogue.slots).at
    }

    /// Whether the dialogue is at one of these steps.
    pub(super) fn is_at(dialogue: &Dialogue) -> bool {
        dialogue.step == AT
    }

    /// What the kind calls the step.
    pub(super) fn step_name() -> &'static str {
        AT
    }

    /// What words are to the open step.
    pub(super) fn claim(&self, dialogue: &Dialogue, words: &str) -> Claim {
        let progress = progress(&dialogue.slots);
        let open = self.steps.iter().find(|step| step.name == progress.at);
        open.map_or(Claim::Otherwise, |step| step.claim(words, &[]))
    }

    /// Asks what is not answered yet.
    pub(super) fn begin(&self, view: &View<'_>, slots: Values, out: &mut Outcome) -> Came {
        let mut progress = progress(&slots);
        let turn = self.walk(view).advance(&mut progress);
        self.came((slots, progress), turn, out)
    }

    /// Takes words.
    pub(super) fn go_on(&self, view: &View<'_>, (slots, words): (Values, &str), out: &mut Outcome) -> Came {
        let (progress, turn) = self.walk(view).hear(&progress(&slots), words);
        self.came((slots, progress), turn, out)
    }

    /// Every answer as a business system reads it, by the names of their steps; empty where none was asked for.
    pub(super) fn values(&self, slots: &Values) -> Values {
        let answers = progress(slots).answers;
        let answer = |step: &Step| match answers.get(&step.name) {
            Some(Value::Fen(fen)) => Value::Integer(*fen),
            Some(value) => value.clone(),
            None => Value::from(""),
        };
        self.steps.iter().map(|step| (step.name.clone(), answer(step))).collect()
    }

    /// Every answer as the customer reads it, by the names of their steps.
    pub(super) fn shown(&self, slots: &Values) -> Values {
        let answers = progress(slots).answers;
        let shown = |step: &Step| answers.get(&step.name).map_or_else(|| Value::from(""), |value| step.shown(value));
        self.steps.iter().map(|step| (step.name.clone(), shown(step))).collect()
    }

    /// Every answer as the customer reads it where they are asked whether it is right: a slip is seen.
    pub(super) fn reviewed(&self, slots: &Values) -> Values {
        let answers = progress(slots).answers;
        let shown = |step: &Step| answers.get(&step.name).map_or_else(|| Value::from(""), |value| step.reviewed(value));
        self.steps.iter().map(|step| (step.name.clone(), shown(step))).collect()
    }

    /// Every answer whole, in words that nobody reads: which ones they are.
    pub(super) fn told(slots: &Values) -> String {
        whole(&progress(slots).answers)
    }

    /// The names by which texts and connectors may use the answers.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.steps.iter().map(|step| step.name.clone()).collect()
    }

    /// The texts, as the playbook's check sees them.
    pub(super) fn texts(&self) -> Vec<TextField<'_>> {
        let mut all = vec![
            TextField::new("details.item", &self.item, &["place", "label"]),
            TextField::new("details.keep", &self.keep, &["value"]),
            TextField::new("details.wrong", &self.wrong, &["label", "reason"]),
            TextField::new("details.stuck", &self.stuck, &["label"]),
        ];
        for (index, step) in self.steps.iter().enumerate() {
            let earlier: Vec<&str> = self.steps.iter().take(index).map(|step| step.name.as_str()).collect();
            all.push(TextField::new(&format!("details.steps[{index}].ask"), &step.ask, &earlier));
            let field = format!("details.steps[{index}].wrong");
            all.extend(step.wrong.iter().map(|wrong| TextField::new(&field, wrong, &["label", "reason"])));
        }
        all
    }

    /// What cannot work, `reserved` being the names that the kind's texts use for something else.
    pub(super) fn faults(&self, reserved: form::Reserved) -> Vec<Fault> {
        let mut faults = form::faults("details.steps", &self.steps, reserved);
        let mut fault = |field: String, cause: &str, mend: &str| {
            faults.push(Fault { field, cause: cause.to_owned(), mend: mend.to_owned() });
        };
        for (index, _) in self.steps.iter().enumerate().filter(|(_, step)| step.pool().is_some()) {
            fault(format!("details.steps[{index}].pool"), "这里不能从池子里选", "改用 kind = \"form\"");
        }
        if !self.reasons.contains_key(DEFAULT) {
            fault("details.reasons".into(), "没有写 default", "加上 default = \"…\"，说没有单独列出的原因");
        }
        if !form::offers_cancel(self.stuck.source()) {
            fault("details.stuck".into(), "没有写明怎么取消，客户会走不掉", "加上一句，例如：不想填了就说“取消”");
        }
        faults
    }

    fn walk(&self, view: &View<'_>) -> form::Form<'_, '_> {
        form::Form { steps: &self.steps, today: view.moment.now.business_day(), held: None }
    }

    fn came(&self, (mut slots, progress): (Values, Progress), turn: Turn<'_>, out: &mut Outcome) -> Came {
        let answers = &progress.answers;
        keep(&mut slots, &progress);
        let about = |step: &Step, why: Option<Wrong>| {
            let reason = why.and_then(|why| self.reasons.get(why.key())).or_else(|| self.reasons.get(DEFAULT));
            Values::from([
                ("label".to_owned(), Value::from(step.label.as_str())),
                ("reason".to_owned(), Value::from(reason.map_or("", String::as_str))),
            ])
        };
        let lines: Lines<'_> = match &turn {
            Turn::Ask(step) => self.question(step, (answers, &slots)),
            Turn::Wrong(step, why) => vec![(step.wrong.as_ref().unwrap_or(&self.wrong), about(step, Some(*why)))],
            Turn::Stuck(step) => vec![(&self.stuck, about(step, None))],
            Turn::First(_) | Turn::Restarted => return Came::Left(slots),
            Turn::Cancelled => return Came::Cancelled,
            // The kind shows what was gathered, and asks whether that is right.
            Turn::Gathered | Turn::Agreed | Turn::Unclear | Turn::Wish(..) => return Came::Gathered(slots),
        };
        Came::Asked(Reply::Text(fill(out, lines)), slots)
    }

    fn question<'a>(&'a self, step: &'a Step, (answers, slots): (&Values, &Values)) -> Lines<'a> {
        let mut lines = vec![(&step.ask, self.shown(slots))];
        if let Some(Expects::Choice(choices)) = step.expects() {
            lines.extend((1i64..).zip(choices).map(|(place, choice)| {
                let label = Value::from(choice.label.as_str());
                let values = [("place".to_owned(), Value::Integer(place)), ("label".to_owned(), label)];
                (&self.item, Values::from(values))
            }));
        }
        if let Some(value) = answers.get(&step.name) {
            lines.push((&self.keep, Values::from([("value".to_owned(), step.reviewed(value))])));
        }
        lines
    }
}

fn progress(slots: &Values) -> Progress {
    let answer = |(name, value): (&String, &Value)| Some((name.strip_prefix(ANSWER)?.to_owned(), value.clone()));
    let at = match slots.get(OPEN) {
        Some(Value::Text(at)) => at.clone(),
        _ => String::new(),
    };
    let wrong = match slots.get(WRONG) {
        Some(Value::Integer(wrong)) => u8::try_from(*wrong).unwrap_or(0),
        _ => 0,
    };
    Progress { answers: slots.iter().filter_map(answer).collect(), at, wrong, ..Progress::default() }
}

fn keep(slots: &mut Values, progress: &Progress) {
    slots.retain(|name, _| !name.starts_with(ANSWER));
    slots.extend(progress.answers.iter().map(|(name, value)| (format!("{ANSWER}{name}"), value.clone())));
    slots.insert(OPEN.to_owned(), Value::from(progress.at.as_str()));
    slots.insert(WRONG.to_owned(), Value::Integer(i64::from(progress.wrong)));
}

#[cfg(test)]
mod tests {
    use super::super::desk::Desk;
    use super::super::{ActionKind, Entry, Given};
    use super::*;
    use crate::domain::ids::ConnectorKey;
    use crate::domain::private::Private;

    const DETAILS: &str = r#"
        item = "{{ place }}. {{ label }}"
        keep = "上次 {{ value }}"
        wrong = "{{ label }}不对：{{ reason }}"
        reasons = { too_short = "太短", default = "没看懂" }
        stuck = "转人工，或者取消"
        [[steps]]
        name = "way"
        label = "取货"
        ask = "怎么取？"
        choices = [{ code = "mail", label = "邮寄" }, { code = "shop", label = "自取" }]
        [[steps]]
        name = "address"
        label = "地址"
        ask = "{{ way }}，寄到哪里？"
        as = "address"
        when = { step = "way", is = ["mail"] }
        [[steps]]
        name = "extra"
        label = "加购"
        ask = "再加多少？"
        as = "amount"
        min_fen = 100
        max_fen = 1000
    "#;

    /// A kind that only asks for details.
    struct Only(Details);

    impl ActionKind for Only {
        fn texts<'a>(&'a self, _: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
            self.0.texts()
        }

        fn claim(&self, dialogue: &Dialogue, words: &str) -> Claim {
            self.0.claim(dialogue, words)
        }

        fn decide(&self, view: &View<'_>, _: &Given) -> Outcome {
            let mut out = Outcome::default();
            let came = match view.entry {
                Entry::Opened { .. } => {
                    let slots = Values::from([("code".to_owned(), Value::from("A"))]);
                    self.0.begin(view, slots, &mut out)
                }
                Entry::Continued { dialogue, words } => {
                    assert!(Details::is_at(dialogue));
                    self.0.go_on(view, (dialogue.slots.clone(), words), &mut out)
                }
            };
            let at = |slots| Dialogue {
                action: view.action.clone(),
                step: Details::step_name().to_owned(),
                slots,
                expires: view.moment.now.plus_secs(60),
            };
            let (said, slots) = match came {
                Came::Asked(reply, slots) => (reply, slots),
                Came::Gathered(slots) => (Reply::Text("齐了".into()), slots),
                Came::Left(slots) => (Reply::Text("回到选项".into()), slots),
                Came::Cancelled => (Reply::Text("取消了".into()), Values::new()),
            };
            out.reply = said;
            out.dialogue = Some(at(slots));
            out
        }
    }

    fn details() -> Details {
        toml::from_str(DETAILS).unwrap()
    }

    #[test]
    fn details_are_asked_kept_in_the_slots_and_handed_on() {
        let only = Only(details());
        assert_eq!(only.0.faults(&["code"]), []);
        let mut desk = Desk::new(&only);
        let said = |out: &Outcome| super::super::desk::said(out);
        assert_eq!(said(&desk.tap()), "怎么取？\n1. 邮寄\n2. 自取");
        assert_eq!(said(&desk.say("上一步")), "回到选项");
        assert_eq!(said(&desk.say("1")), "邮寄，寄到哪里？");
        let wrong = ["南京", "南京", "南京"].map(|words| said(&desk.say(words)));
        assert_eq!(wrong, ["地址不对：太短", "地址不对：太短", "转人工，或者取消"]);
        assert_eq!(said(&desk.say("南京市鼓楼区中山路1号")), "再加多少？");
        assert_eq!(said(&desk.say("上一步")), "邮寄，寄到哪里？\n上次 南京市****山路1号");
        desk.say("不变");
        assert_eq!(said(&desk.say("5")), "齐了");
        let slots = desk.customer.dialogue.clone().unwrap().slots;
        assert_eq!(slots["code"], Value::from("A"), "what the kind keeps there stays");
        let values = only.0.values(&slots);
        assert_eq!(values["address"], Value::Private(Private::new("南京市鼓楼区中山路1号")));
        assert_eq!([&values["way"], &values["extra"]], [&Value::from("mail"), &Value::Integer(500)]);
        assert_eq!(
            [&only.0.shown(&slots)["way"], &only.0.shown(&slots)["extra"]],
            [&Value::from("邮寄"), &Value::Fen(500)]
        );
        // What is private is where the seal finds it.
        assert_eq!(desk.customer.values_mut().filter(|value| matches!(value, Value::Private(_))).count(), 1);
        let mut desk = Desk::new(&only);
        desk.tap();
        assert_eq!(said(&desk.say("取消")), "取消了");
    }

    #[test]
    fn what_cannot_work_is_named() {
        let fields = |from: &str, to: &str| {
            assert!(DETAILS.contains(from), "{from}");
            let details: Details = toml::from_str(&DETAILS.replacen(from, to, 1)).unwrap();
            details.faults(&["code"]).into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("转人工，或者取消", "再试"), ["details.stuck"]);
        assert_eq!(fields("default = ", "length = "), ["details.reasons"]);
        assert_eq!(fields("name = \"extra\"", "name = \"code\""), ["details.steps[2].name"]);
        assert_eq!(fields("as = \"address\"", "as = \"pool\"\npool = \"p\""), ["details.steps[1].pool"]);
        let names: BTreeSet<String> = details().names();
        assert_eq!(names, ["way", "address", "extra"].map(str::to_owned).into());
        assert_eq!(details().texts().len(), 7);
    }
}
