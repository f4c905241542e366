//! `kind = "rating"`: one to five stars, once a business day.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActionKind, Claim, Entry, Fault, Given, Memory, Outcome, TextField, View, words};
use crate::domain::customer::Dialogue;
use crate::domain::fact::FactKind;
use crate::domain::ids::ConnectorKey;
use crate::domain::template::Template;
use crate::domain::time::BusinessDay;
use crate::domain::value::{Value, Values};

/// Settings of a `rating` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "服务评分：1 到 5 星，每天一次")]
pub struct Rating {
    /// Asks for the stars.
    #[schemars(description = "请顾客打分，最好给出五个可以点的链接，例如 {{ tap(\"★★★★★ 非常满意\", \"5星\") }}")]
    pub prompt: Template,
    /// Four or five stars.
    #[schemars(description = "4、5 星的回复：{{ stars }} 星数")]
    pub thanks: Template,
    /// One to three stars.
    #[schemars(description = "1 到 3 星的回复：{{ stars }} 星数；适合请顾客说说原因")]
    pub thanks_low: Template,
    /// Already rated today.
    #[schemars(description = "今天已经评过：{{ stars }} 当时的星数")]
    pub again: Template,
    /// Not understood.
    #[schemars(description = "没看懂时的话")]
    pub unclear: Template,
    /// The customer would rather not.
    #[schemars(description = "顾客不想评时的话")]
    pub cancelled: Template,
    /// The dialogue ran out.
    #[schemars(description = "等太久作废后，顾客再说话时的话")]
    pub expired: Template,
    /// How long a dialogue waits for the stars, in seconds: 60 to 86400.
    #[schemars(description = "等顾客回复多少秒，超过就作废（60 到 86400）")]
    pub expires_secs: u32,
}

/// What is remembered of a customer who rated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    /// The latest day.
    pub day: BusinessDay,
    /// The stars given then.
    pub stars: u8,
}

/// So many stars and more are thanked for; fewer are asked about.
const CONTENT: u8 = 4;

/// What words mean to somebody who asked for stars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Stars(u8),
    No,
    Unclear,
}

fn read(said: &str) -> Option<Said> {
    if let Some(stars) = stars(said) {
        return Some(if (1..=5).contains(&stars) { Said::Stars(stars) } else { Said::Unclear });
    }
    if words::is_no(said) {
        return Some(Said::No);
    }
    (words::is_yes(said) || (!said.trim().is_empty() && words::bare(said).is_empty())).then_some(Said::Unclear)
}

/// The stars in the words, also impossible ones: "5", "５星", "五分", "★★★", "非常满意".
fn stars(said: &str) -> Option<u8> {
    const IN_WORDS: [(&str, u8); 14] = [
        ("非常满意", 5),
        ("很满意", 5),
        ("十分满意", 5),
        ("好评", 5),
        ("满分", 5),
        ("满意", 4),
        ("比较满意", 4),
        ("一般", 3),
        ("还行", 3),
        ("不满意", 2),
        ("不太满意", 2),
        ("差评", 1),
        ("非常不满意", 1),
        ("很不满意", 1),
    ];
    let bare = words::bare(said);
    if let Some((_, stars)) = IN_WORDS.iter().find(|(word, _)| *word == bare) {
        return Some(*stars);
    }
    let drawn = bare.chars().all(|c| matches!(c, '★' | '⭐' | '🌟' | '☆' | '*'));
    if drawn && !bare.is_empty() {
        return u8::try_from(bare.chars().filter(|c| *c != '☆').count()).ok();
    }
    let rest = ["我给", "给", "打", "评"].iter().find_map(|p| bare.strip_prefix(p)).unwrap_or(&bare);
    let rest = ["颗星", "星好评", "星级", "星", "分"].iter().find_map(|s| rest.strip_suffix(s)).unwrap_or(rest);
    words::plain_number(rest.trim()).map(|stars| u8::try_from(stars).unwrap_or(u8::MAX))
}

impl ActionKind for Rating {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let text = TextField::new;
        vec![
            text("prompt", &self.prompt, &[]),
            text("thanks", &self.thanks, &["stars"]),
            text("thanks_low", &self.thanks_low, &["stars"]),
            text("again", &self.again, &["stars"]),
            text("unclear", &self.unclear, &[]),
            text("cancelled", &self.cancelled, &[]),
            text("expired", &self.expired, &[]),
        ]
    }

    fn faults(&self) -> Vec<Fault> {
        let in_range = (60..=86_400).contains(&self.expires_secs);
        let fault = Fault {
            field: "expires_secs".into(),
            cause: "秒数超出范围".into(),
            mend: "写 60 到 86400 之间的数".into(),
        };
        if in_range { Vec::new() } else { vec![fault] }
    }

    fn claim(&self, _dialogue: &Dialogue, words: &str) -> Claim {
        Claim::meant(read(words).is_some())
    }

    fn expired(&self, _dialogue: &Dialogue) -> Option<&Template> {
        Some(&self.expired)
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        let mut out = Outcome::default();
        let today = view.moment.at.business_day();
        if let Some(Memory::Rated(rated)) = view.customer.memory.get(view.action)
            && rated.day >= today
        {
            out.reply = view.text(&mut out, &self.again, &of_stars(rated.stars));
            return out;
        }
        let (said, template) = match view.entry {
            Entry::Opened { words } => (read(words).filter(|said| matches!(said, Said::Stars(_))), &self.prompt),
            Entry::Continued { words, .. } => (read(words), &self.unclear),
        };
        match said {
            Some(Said::Stars(stars)) => {
                let thanks = if stars >= CONTENT { &self.thanks } else { &self.thanks_low };
                out.reply = view.text(&mut out, thanks, &of_stars(stars));
                out.facts.push(FactKind::Rated { action: view.action.clone(), stars });
                out.memory = Some(Memory::Rated(Rated { day: today, stars }));
            }
            Some(Said::No) => out.reply = view.text(&mut out, &self.cancelled, &Values::new()),
            Some(Said::Unclear) | None => {
                out.reply = view.text(&mut out, template, &Values::new());
                out.dialogue = Some(Dialogue {
                    action: view.action.clone(),
                    step: "stars".to_owned(),
                    slots: Values::new(),
                    expires: view.moment.now.plus_secs(i64::from(self.expires_secs)),
                });
            }
        }
        out
    }
}

fn of_stars(stars: u8) -> Values {
    Values::from([("stars".to_owned(), Value::Integer(i64::from(stars)))])
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, said};
    use super::*;

    fn rating() -> Rating {
        toml::from_str(
            r#"
            prompt = "几颗星？"
            thanks = "谢谢{{ stars }}星"
            thanks_low = "抱歉，{{ stars }}星，说说原因"
            again = "今天评过{{ stars }}星"
            unclear = "回复 1 到 5"
            cancelled = "好的"
            expired = "太久了"
            expires_secs = 600
            "#,
        )
        .unwrap()
    }

    #[test]
    fn stars_are_read_however_they_are_given() {
        for (words, expected) in [
            ("5", 5),
            ("５星", 5),
            ("五分", 5),
            ("3颗星", 3),
            ("我给4分！", 4),
            ("★★★☆☆", 3),
            ("⭐⭐⭐⭐⭐", 5),
            ("非常滿意", 5),
            ("满意。", 4),
            ("不满意", 2),
            ("差评！！", 1),
            ("五星好评", 5),
            ("①", 1),
        ] {
            assert_eq!(read(words), Some(Said::Stars(expected)), "{words}");
        }
        for words in ["0", "6", "10分", "100", "999999999999", "☆☆", "好的", "？"] {
            assert_eq!(read(words), Some(Said::Unclear), "{words}");
        }
        for words in ["", "查话费", "满意度", "5GB", "星期五", "很好", "1.5"] {
            assert_eq!(read(words), None, "{words}");
        }
    }

    #[test]
    fn a_rating_is_thanked_for_by_its_stars_and_counts_once_a_day() {
        let rating = rating();
        for (words, text, stars) in [("5", "谢谢5星", 5), ("4星", "谢谢4星", 4), ("3", "抱歉，3星，说说原因", 3)]
        {
            let mut desk = Desk::new(&rating);
            assert_eq!(said(&desk.tap()), "几颗星？");
            let out = desk.say(words);
            assert_eq!((said(&out).as_str(), out.dialogue), (text, None));
            assert_eq!(out.facts, [FactKind::Rated { action: "demo".into(), stars }]);
            let again = desk.tap();
            assert_eq!((said(&again), again.facts.len()), (format!("今天评过{stars}星"), 0));
            desk.now = desk.now.business_day().plus_days(1).start();
            assert_eq!(said(&desk.tap()), "几颗星？");
        }
    }

    #[test]
    fn two_open_prompts_make_one_rating() {
        let rating = rating();
        let mut desk = Desk::new(&rating);
        let dialogue = desk.tap().dialogue;
        desk.say("5");
        desk.customer.dialogue = dialogue;
        let out = desk.say("1");
        assert_eq!((said(&out).as_str(), out.facts.len()), ("今天评过5星", 0));
    }

    #[test]
    fn what_is_not_understood_is_asked_again_and_what_is_something_else_is_left() {
        let rating = rating();
        let mut desk = Desk::new(&rating);
        desk.tap();
        let out = desk.say("6");
        assert_eq!((said(&out).as_str(), out.dialogue.is_some()), ("回复 1 到 5", true));
        assert!(!desk.wants("查流量"));
        assert_eq!(said(&desk.say("算了")), "好的");
    }

    #[test]
    fn a_keyword_that_says_it_all_rates_at_once() {
        let rating = rating();
        let mut desk = Desk::new(&rating);
        assert_eq!(said(&desk.open("评分")), "几颗星？");
        assert_eq!(said(&desk.open("五星好评")), "谢谢5星");
    }

    #[test]
    fn a_wait_that_cannot_work_is_named() {
        assert_eq!(rating().faults(), []);
        assert_eq!(Rating { expires_secs: 59, ..rating() }.faults()[0].field, "expires_secs");
    }
}
