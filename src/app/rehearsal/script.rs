//! Conversation tests as an operator writes them: `config/playbook/tests/*.toml`.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::backend::Mocks;
use super::invites::FriendActs;
use crate::domain::inbound::{Event, Message, What};
use crate::domain::playbook::Playbook;

/// A file of conversations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Each begins with a customer nobody knows.
    #[serde(default)]
    pub conversation: Vec<Conversation>,
}

/// One conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// What it shows.
    pub name: String,
    /// What the business system does in every step.
    #[serde(default)]
    pub backend: Mocks,
    /// One after the other.
    pub step: Vec<Spanned<Step>>,
}

/// One step: exactly one act, and what is expected of the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    say: Option<String>,
    tap: Option<String>,
    choose: Option<String>,
    follow: Option<Follow>,
    scan: Option<String>,
    unfollow: Option<bool>,
    later: Option<String>,
    send: Option<String>,
    invited_by: Option<String>,
    friend: Option<String>,
    friend_leaves: Option<String>,
    /// Must stand in the answer.
    #[serde(default)]
    pub expect: Words,
    /// Must not.
    #[serde(default)]
    pub expect_not: Words,
    /// What kind of answer it is.
    pub expect_kind: Option<ReplyKind>,
    /// Must stand in what arrives later by itself.
    #[serde(default)]
    pub then_arrives: Words,
    /// What the business system does in this step.
    #[serde(default)]
    pub backend: Mocks,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Follow {
    Plain(bool),
    Scene(String),
}

/// One text or several.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Words(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Words {
    fn from(words: OneOrMany) -> Self {
        match words {
            OneOrMany::One(word) => Self(vec![word]),
            OneOrMany::Many(words) => Self(words),
        }
    }
}

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyKind {
    /// Words.
    Text,
    /// Articles.
    Articles,
    /// A picture.
    Image,
    /// The chat went to a person.
    Handover,
    /// Nothing.
    Silence,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Something arrives from the phone.
    Deliver(What),
    /// A tap on what the account said: the newest message that has this to tap.
    Choose(String),
    /// The customer comes by the code that somebody has of this campaign.
    Invited(String),
    /// Somebody whom the customer invited to this campaign does something.
    Friend(String, FriendActs),
    /// Time passes.
    Wait {
        /// How long.
        secs: i64,
    },
}

const ACTS: &str = "say、tap、choose、follow、scan、unfollow、later、send、invited_by、friend、friend_leaves";

/// Why a file of conversations cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub cause: String,
}

impl Script {
    /// Reads a file.
    pub fn read(text: &str) -> Result<Self, Fault> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(text, &span));
            Fault { line, cause: error.message().to_owned() }
        })
    }
}

/// The line where something begins, counted from 1.
pub(super) fn line_at(text: &str, span: &Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}

impl Step {
    /// What it does; in words, why not.
    pub fn act(&self, playbook: &Playbook) -> Result<Act, String> {
        let deliver = |event| Ok(Act::Deliver(What::Event(event)));
        let acts = [
            self.say.as_ref().map(|words| Ok(Act::Deliver(said(words)))),
            self.tap.as_ref().map(|button| tapped(playbook, button).map(Act::Deliver)),
            self.choose.as_ref().map(|words| Ok(Act::Choose(words.clone()))),
            self.follow.as_ref().map(|follow| match follow {
                Follow::Plain(true) => deliver(followed(None)),
                Follow::Plain(false) => Err("follow 写 true 或场景值；不关注就删掉这一行".into()),
                Follow::Scene(scene) => deliver(followed(Some(scene))),
            }),
            self.scan.as_ref().map(|scene| deliver(Event::Scanned { scene: scene.as_str().into(), ticket: None })),
            self.unfollow
                .map(|yes| if yes { deliver(Event::Unsubscribed) } else { Err("unfollow 只能写 true".into()) }),
            self.later.as_ref().map(|text| duration_secs(text).map(|secs| Act::Wait { secs })),
            self.send.as_ref().map(|kind| sent(kind).map(Act::Deliver)),
            self.invited_by.as_ref().map(|campaign| Ok(Act::Invited(campaign.clone()))),
            self.friend.as_ref().map(|campaign| Ok(Act::Friend(campaign.clone(), FriendActs::Comes))),
            self.friend_leaves.as_ref().map(|campaign| Ok(Act::Friend(campaign.clone(), FriendActs::Leaves))),
        ];
        let mut acts = acts.into_iter().flatten();
        match (acts.next(), acts.next()) {
            (Some(act), None) => act,
            _ => Err(format!("每一步写且只写一个：{ACTS}")),
        }
    }
}

/// Words.
pub fn said(words: &str) -> What {
    What::Message(Message::Text { content: words.into(), menu_id: None })
}

/// A follow, by a code or not.
pub fn followed(scene: Option<&str>) -> Event {
    Event::Subscribed { scene: scene.map(Into::into), ticket: None, other_key: None }
}

/// A tap on the button with this key, address or name.
pub fn tapped(playbook: &Playbook, button: &str) -> Result<What, String> {
    let is_it = |text: &Option<String>| text.as_deref() == Some(button);
    let mut leaves = playbook.menus.iter().flat_map(|menu| menu.leaves());
    let found = leaves.find(|leaf| is_it(&leaf.key) || is_it(&leaf.url) || leaf.name == button);
    let found = found.ok_or_else(|| format!("菜单里没有按钮「{button}」"))?;
    let event = match (&found.key, &found.url) {
        (Some(key), _) => Event::MenuTapped { key: key.clone() },
        (None, Some(url)) => Event::LinkOpened { url: url.clone(), menu_id: None },
        (None, None) => return Err(format!("按钮「{button}」没有 key，也没有网址，测试里点不了")),
    };
    Ok(What::Event(event))
}

/// `90s`, `10m`, `2h`, `1d`.
pub fn duration_secs(text: &str) -> Result<i64, String> {
    let fault = || format!("「{text}」不是一段时间，写 90s、10m、2h 或 1d");
    let unit = text.chars().next_back().ok_or_else(fault)?;
    let unit_secs = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(fault()),
    };
    let number: u32 = text.trim_end_matches(unit).parse().map_err(|_| fault())?;
    Ok(i64::from(number) * unit_secs)
}

/// A message without words.
pub fn sent(kind: &str) -> Result<What, String> {
    let text = String::new;
    let message = match kind {
        "image" => Message::Image { url: text(), media_id: text() },
        "voice" => Message::Voice { media_id: text(), format: "amr".into(), media_id_16k: None, recognition: None },
        "video" => Message::Video { media_id: text(), thumb_media_id: text() },
        "location" => Message::Location { latitude: None, longitude: None, scale: None, label: text() },
        "link" => Message::Link { title: text(), description: text(), url: text() },
        "sticker" => Message::Unsupported,
        _ => return Err(format!("send 不认识「{kind}」，可写 image、voice、video、location、link、sticker")),
    };
    Ok(What::Message(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample::playbook;

    fn acts(steps: &str) -> Vec<Result<Act, String>> {
        let script = Script::read(&format!("[[conversation]]\nname = \"x\"\n{steps}")).unwrap();
        script.conversation[0].step.iter().map(|step| step.get_ref().act(&playbook())).collect()
    }

    #[test]
    fn every_act_is_read() {
        let read = acts(
            r#"step = [{ say = "你好" }, { tap = "balance" }, { tap = "优惠" }, { follow = true }, { follow = "shop" },
                { scan = "shop" }, { unfollow = true }, { later = "10m" }, { send = "sticker" }, { choose = "确认" },
                { invited_by = "spring" }, { friend = "spring" }, { friend_leaves = "spring" }]"#,
        );
        let event = |event| Ok(Act::Deliver(What::Event(event)));
        let expected = [
            Ok(Act::Deliver(said("你好"))),
            event(Event::MenuTapped { key: "balance".into() }),
            event(Event::MenuTapped { key: "offers".into() }),
            event(followed(None)),
            event(followed(Some("shop"))),
            event(Event::Scanned { scene: "shop".into(), ticket: None }),
            event(Event::Unsubscribed),
            Ok(Act::Wait { secs: 600 }),
            Ok(Act::Deliver(What::Message(Message::Unsupported))),
            Ok(Act::Choose("确认".into())),
            Ok(Act::Invited("spring".into())),
            Ok(Act::Friend("spring".into(), FriendActs::Comes)),
            Ok(Act::Friend("spring".into(), FriendActs::Leaves)),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_step_does_exactly_one_thing_that_exists() {
        let read = acts(
            r#"step = [{}, { say = "a", tap = "balance" }, { tap = "gone" }, { follow = false }, { unfollow = false },
                { later = "10" }, { later = "xm" }, { later = "" }, { send = "smell" }]"#,
        );
        assert!(read.iter().all(Result::is_err), "{read:?}");
    }

    #[test]
    fn a_fault_names_its_line() {
        let unknown = Script::read("[[conversation]]\nname = 'x'\n[[conversation.step]]\nsay = 'a'\nexpct = 'b'\n");
        let fault = unknown.unwrap_err();
        assert_eq!(fault.line, 5, "{fault:?}");
        assert!(fault.cause.contains("expct"), "{fault:?}");
        assert_eq!(Script::read("\n\n=").unwrap_err().line, 3);
        let mock = "[[conversation]]\nname = 'x'\nstep = []\nbackend.balance = 'slow'\n";
        assert_eq!(Script::read(mock).unwrap_err().line, 4);
    }
}
