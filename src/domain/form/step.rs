//! One step of a dialogue as an operator writes it, and how words answer it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Wrong};
use crate::domain::actions::words::{self, Pick};
use crate::domain::ids::PoolKey;
use crate::domain::template::Template;
use crate::domain::time::BusinessDay;
use crate::domain::value::Value;

/// An answer in words is no longer, unless the step says so.
const TEXT_CHARS: u16 = 200;

/// One step (`[[NAME.steps]]`): a question and what its answer has to be.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一个步骤：问什么、要什么样的回答。as、choices 写一个")]
pub struct Step {
    /// Its name: later texts and the connector use the answer by it. Dialogues that are under way go on by it.
    #[schemars(
        description = "名称，小写字母开头；后面的话术和连接器用 {{ 名称 }} 引用回答。改名后，填到一半的客户要重填这一步"
    )]
    pub name: String,
    /// What it is called in a summary.
    #[schemars(description = "客户在汇总里看到的名目，例如“收货地址”")]
    pub label: String,
    /// Asks.
    #[schemars(description = "怎么问；可用前面各步的 {{ 名称 }}（个人信息会遮住）")]
    pub ask: Template,
    /// What the answer has to be.
    #[serde(default, rename = "as")]
    #[schemars(description = "回答是什么：phone、identity、name、address、code、amount、text、pool")]
    pub kind: Option<As>,
    /// What can be chosen, 2 to 9.
    #[serde(default)]
    #[schemars(description = "可选的项目，2 到 9 个；客户回序号、名称，或者点一下")]
    pub choices: Vec<Choice>,
    /// The pool to choose from.
    #[serde(default)]
    #[schemars(description = "as = \"pool\" 时从哪个池子里选，pools.toml 里的名称")]
    pub pool: Option<PoolKey>,
    /// The least amount, in fen.
    #[serde(default)]
    #[schemars(description = "as = \"amount\" 时最少多少，单位：分")]
    pub min_fen: Option<i64>,
    /// The greatest amount, in fen.
    #[serde(default)]
    #[schemars(description = "as = \"amount\" 时最多多少，单位：分")]
    pub max_fen: Option<i64>,
    /// The most characters of words.
    #[serde(default)]
    #[schemars(description = "as = \"text\" 时最多多少个字（1 到 600），默认 200")]
    pub max_chars: Option<u16>,
    /// Said when words are no answer; the text for all steps when there is none.
    #[serde(default)]
    #[schemars(description = "回答不对时的话：{{ reason }} 原因（texts.reasons 里的话）；不写就用 texts.wrong")]
    pub wrong: Option<Template>,
    /// Only asked where an earlier choice was one of these.
    #[serde(default)]
    #[schemars(description = "只在前面某一步选了某几项时才问")]
    pub when: Option<When>,
    /// Words that leave it out; none: it has to be answered.
    #[serde(default)]
    #[schemars(description = "说这些词就跳过这一步，例如 [\"跳过\", \"没有\"]；不写就是必填")]
    pub skip: Vec<String>,
}

/// What an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum As {
    /// A mobile number.
    Phone,
    /// An identity number.
    Identity,
    /// A person's name.
    Name,
    /// Where something is sent.
    Address,
    /// A one-time code.
    Code,
    /// An amount of money.
    Amount,
    /// Words.
    Text,
    /// One of a pool.
    Pool,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "一个选项")]
pub struct Choice {
    /// How the business system calls it.
    #[schemars(description = "业务系统里的代码")]
    pub code: String,
    /// What the customer reads.
    #[schemars(description = "客户看到的名称")]
    pub label: String,
}

/// When a step is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "什么时候问")]
pub struct When {
    /// An earlier step with choices.
    #[schemars(description = "前面一个带 choices 的步骤")]
    pub step: String,
    /// Codes of its choices.
    #[schemars(description = "它的哪几个选项（代码）")]
    pub is: Vec<String>,
}

/// What a step expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expects<'a> {
    /// Something that is read by its own rules.
    Answer(Answer),
    /// One of these.
    Choice(&'a [Choice]),
    /// One of a pool.
    Pool(&'a PoolKey),
}

/// What words are to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// An answer.
    Answer(Value),
    /// One that has to be held before it is an answer.
    Wish(String),
    /// None.
    Wrong(Wrong),
}

impl Step {
    /// What it expects; `None` when what the operator wrote does not say.
    pub fn expects(&self) -> Option<Expects<'_>> {
        let answer = match self.kind {
            None => return (!self.choices.is_empty()).then_some(Expects::Choice(&self.choices)),
            Some(As::Pool) => return self.pool.as_ref().map(Expects::Pool),
            Some(As::Phone) => Answer::Phone,
            Some(As::Identity) => Answer::Identity,
            Some(As::Name) => Answer::Name,
            Some(As::Address) => Answer::Address,
            Some(As::Code) => Answer::Code,
            Some(As::Amount) => Answer::Amount { min_fen: self.min_fen?, max_fen: self.max_fen? },
            Some(As::Text) => Answer::Text { max_chars: self.max_chars.unwrap_or(TEXT_CHARS) },
        };
        Some(Expects::Answer(answer))
    }

    /// The pool it is chosen from.
    pub fn pool(&self) -> Option<&PoolKey> {
        match self.expects() {
            Some(Expects::Pool(pool)) => Some(pool),
            _ => None,
        }
    }

    /// Whether answers are about the person.
    pub fn is_private(&self) -> bool {
        matches!(self.expects(), Some(Expects::Answer(answer)) if answer.is_private())
    }

    /// Reads words; `offers` are those that were shown of the pool.
    pub fn read(&self, said: &str, (today, offers): (BusinessDay, &[String])) -> Read {
        match self.expects() {
            Some(Expects::Answer(answer)) => match answer.read(said, today) {
                // Whoever agrees to a question for a name has not told it.
                Some(_) if answer == Answer::Name && is_nobody(said) => Read::Wrong(Wrong::NoName),
                Some(value) => Read::Answer(value),
                None => Read::Wrong(answer.why_not(said, today)),
            },
            Some(Expects::Choice(choices)) => {
                let entries = choices.iter().map(|choice| (choice.code.as_str(), choice.label.as_str()));
                match words::pick(said, entries) {
                    Pick::Entry(index) => choices.get(index).map_or(Read::Wrong(Wrong::NotOffered), |choice| {
                        Read::Answer(Value::from(choice.code.as_str()))
                    }),
                    Pick::OutOfRange => Read::Wrong(Wrong::OutOfRange),
                    Pick::Nothing => Read::Wrong(Wrong::NotOffered),
                }
            }
            Some(Expects::Pool(_)) => wished(said, offers),
            None => Read::Wrong(Wrong::NotOffered),
        }
    }

    /// Whether a kept answer still is one: the playbook may have been edited since.
    pub fn still(&self, value: &Value, (today, held): (BusinessDay, Option<&str>)) -> bool {
        match (self.expects(), value) {
            (Some(_), Value::Text(text)) if text.is_empty() => !self.skip.is_empty(),
            (Some(Expects::Choice(choices)), Value::Text(code)) => choices.iter().any(|choice| choice.code == *code),
            (Some(Expects::Pool(_)), Value::Text(item)) => held == Some(item),
            (Some(Expects::Answer(answer)), Value::Private(private)) => {
                answer.read(private.clear(), today).as_ref() == Some(value)
            }
            (Some(Expects::Answer(Answer::Amount { min_fen, max_fen })), Value::Fen(fen)) => {
                (min_fen..=max_fen).contains(fen)
            }
            (Some(Expects::Answer(answer @ Answer::Text { .. })), Value::Text(text)) => {
                answer.read(text, today).as_ref() == Some(value)
            }
            _ => false,
        }
    }

    /// A kept answer as the customer reads it.
    pub fn shown(&self, value: &Value) -> Value {
        match (self.expects(), value) {
            (Some(Expects::Choice(choices)), Value::Text(code)) => {
                let chosen = choices.iter().find(|choice| choice.code == *code);
                chosen.map_or_else(|| value.clone(), |choice| Value::from(choice.label.as_str()))
            }
            _ => value.clone(),
        }
    }

    /// As [`Step::shown`], for the customer to look through before they agree: of what is private so much that a slip
    /// is seen.
    pub fn reviewed(&self, value: &Value) -> Value {
        match value {
            Value::Private(private) => Value::from(private.reviewed()),
            value => self.shown(value),
        }
    }

    /// Whether these words leave it out.
    pub fn is_skipped_by(&self, said: &str) -> bool {
        self.skip.iter().any(|word| words::same(word, &words::bare(said)))
    }
}

fn is_nobody(said: &str) -> bool {
    words::is_yes(said) || words::is_no(said) || words::is_back(said) || words::asks_standing(said)
}

/// By its place, the whole of it, or an end of it that no other has.
fn wished(said: &str, offers: &[String]) -> Read {
    let bare: String = words::bare(said).chars().filter(|char| !matches!(char, ' ' | '-')).collect();
    let wrong = |why| Read::Wrong(why);
    if let Some(exact) = offers.iter().find(|offer| offer.as_str() == said.trim()) {
        return Read::Wish(exact.clone());
    }
    let tail = ["尾号", "尾数", "末尾"].iter().find_map(|word| bare.strip_prefix(word)).unwrap_or(&bare);
    let tail = tail.trim_start_matches(['是', '为']);
    let mut ending = offers.iter().filter(|offer| tail.chars().count() >= 3 && offer.to_lowercase().ends_with(tail));
    if let (Some(only), None) = (ending.next(), ending.next()) {
        return Read::Wish(only.clone());
    }
    match words::number(&bare).map(|number| usize::try_from(number).ok().and_then(|number| number.checked_sub(1))) {
        Some(place) => match place.and_then(|place| offers.get(place)) {
            Some(offer) => Read::Wish(offer.clone()),
            None => wrong(Wrong::OutOfRange),
        },
        None => wrong(Wrong::NotOffered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::private::Private;

    fn step(more: &str) -> Step {
        toml::from_str(&format!("name = \"s\"\nlabel = \"项\"\nask = \"？\"\n{more}")).unwrap()
    }

    fn today() -> BusinessDay {
        BusinessDay::parse("2026-01-01").unwrap()
    }

    fn read(step: &Step, said: &str) -> Read {
        let offers = ["17012345678", "17012345679", "17100005678"].map(str::to_owned);
        step.read(said, (today(), &offers))
    }

    #[test]
    fn a_choice_is_kept_by_its_code_and_shown_by_its_label() {
        let step =
            step("choices = [{ code = \"home\", label = \"送货上门\" }, { code = \"shop\", label = \"营业厅自取\" }]");
        for said in ["2", "２", "自取", "营业厅自取", "shop", "第二个"] {
            assert_eq!(read(&step, said), Read::Answer(Value::from("shop")), "{said}");
        }
        assert_eq!(read(&step, "3"), Read::Wrong(Wrong::OutOfRange));
        assert_eq!(read(&step, "随便"), Read::Wrong(Wrong::NotOffered));
        assert_eq!(step.shown(&Value::from("shop")), Value::from("营业厅自取"));
        assert!(
            step.still(&Value::from("shop"), (today(), None)) && !step.still(&Value::from("gone"), (today(), None))
        );
    }

    #[test]
    fn one_of_a_pool_is_wished_for_by_place_whole_or_by_its_end() {
        let step = step("as = \"pool\"\npool = \"numbers\"");
        for said in ["2", "17012345679", "170 1234 5679", "尾号5679", "5679", "第2个"] {
            assert_eq!(read(&step, said), Read::Wish("17012345679".into()), "{said}");
        }
        assert_eq!(read(&step, "尾号是45678"), Read::Wish("17012345678".into()));
        assert_eq!(read(&step, "5678"), Read::Wrong(Wrong::OutOfRange), "two end so");
        assert_eq!(read(&step, "4"), Read::Wrong(Wrong::OutOfRange));
        assert_eq!(read(&step, "好看的"), Read::Wrong(Wrong::NotOffered));
        let item = Value::from("17012345679");
        assert!(step.still(&item, (today(), Some("17012345679"))));
        assert!(!step.still(&item, (today(), None)) && !step.still(&item, (today(), Some("17012345678"))));
    }

    #[test]
    fn whoever_says_yes_to_a_question_for_a_name_has_not_told_it() {
        let step = step("as = \"name\"");
        for said in ["好的", "可以", "确认", "不了"] {
            assert_eq!(read(&step, said), Read::Wrong(Wrong::NoName), "{said}");
        }
        assert_eq!(read(&step, "好小明"), Read::Answer(Value::Private(Private::new("好小明"))));
    }

    #[test]
    fn an_answer_is_judged_again_by_the_step_as_it_is_now() {
        let kept = |value: Value, more: &str| step(more).still(&value, (today(), None));
        let phone = || Value::Private(Private::new("13800138000"));
        assert!(kept(phone(), "as = \"phone\""));
        assert!(!kept(phone(), "as = \"name\"") && !kept(phone(), "as = \"text\""));
        assert!(kept(Value::Fen(500), "as = \"amount\"\nmin_fen = 1\nmax_fen = 500"));
        assert!(!kept(Value::Fen(501), "as = \"amount\"\nmin_fen = 1\nmax_fen = 500"));
        assert!(kept(Value::from("四个字呀"), "as = \"text\"\nmax_chars = 4"));
        assert!(!kept(Value::from("四个字呀"), "as = \"text\"\nmax_chars = 3"));
        assert!(kept(Value::from(""), "as = \"text\"\nskip = [\"跳过\"]") && !kept(Value::from(""), "as = \"text\""));
        // What cannot be opened any more is asked again.
        assert!(!kept(Value::Sealed(vec![1]), "as = \"phone\""));
        assert!(step("as = \"text\"\nskip = [\"没有\"]").is_skipped_by("没有。"));
    }
}
