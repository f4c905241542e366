//! What a chat shows, entry by entry.

use serde::{Deserialize, Serialize};

/// One thing in the chat of one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up within the chat, from 1.
    pub seq: u64,
    /// When, in Unix seconds.
    pub at: i64,
    /// Whose it is.
    pub side: Side,
    /// What it is.
    pub body: Body,
    /// What a developer should know about it; the customer of a real account sees nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// Whose entry it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The customer's own.
    Customer,
    /// The account's.
    Account,
    /// A person's, shown under that name.
    Agent(String),
    /// A grey line of the app itself.
    System,
}

/// What an entry shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// Words, with the markup of platform.md 3.1.
    Text {
        /// As sent.
        text: String,
    },
    /// A picture: the one that was uploaded under its id; what a customer sends is a placeholder.
    Image {
        /// Its media id.
        media_id: String,
    },
    /// A voice message.
    Voice {
        /// Its media id.
        media_id: String,
        /// The words, when speech recognition is on.
        words: String,
    },
    /// A video.
    Video {
        /// Its title, possibly empty.
        title: String,
        /// Its description, possibly empty.
        description: String,
    },
    /// Music.
    Music {
        /// Its title, possibly empty.
        title: String,
        /// Its description, possibly empty.
        description: String,
        /// Where it is.
        url: String,
    },
    /// A place.
    Place {
        /// Its address in words.
        label: String,
    },
    /// Articles.
    Articles {
        /// At least one.
        articles: Vec<Article>,
    },
    /// A `msgmenu`.
    Menu {
        /// Above the choices.
        head: String,
        /// The choices.
        items: Vec<MenuItem>,
        /// Below the choices.
        tail: String,
    },
    /// A mini-program card.
    MiniProgram {
        /// Its title.
        title: String,
    },
    /// A coupon.
    Coupon {
        /// Its id.
        card_id: String,
    },
    /// A sticker, which no account can receive.
    Sticker,
    /// A grey line.
    Line {
        /// What it says.
        text: String,
    },
    /// The grey line for an account that did not answer.
    Failure {
        /// What it says.
        text: String,
    },
}

/// An article as a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Its title.
    pub title: String,
    /// Its description, possibly empty.
    #[serde(default)]
    pub description: String,
    /// Its picture, possibly empty.
    #[serde(default)]
    pub picture: String,
    /// Where a tap leads, possibly empty.
    #[serde(default)]
    pub url: String,
}

/// A choice of a `msgmenu`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItem {
    /// What a tap reports as `bizmsgmenuid`.
    pub id: String,
    /// What is written on it, and what a tap sends.
    pub content: String,
}

impl Body {
    /// A grey line.
    pub fn line(text: &str) -> Self {
        Self::Line { text: text.to_owned() }
    }

    /// The words, if it has any; for tests and for a one-line preview.
    pub fn preview(&self) -> String {
        match self {
            Self::Text { text } | Self::Line { text } | Self::Failure { text } => text.clone(),
            Self::Image { .. } => "[图片]".into(),
            Self::Voice { .. } => "[语音]".into(),
            Self::Video { .. } => "[视频]".into(),
            Self::Music { title, .. } => format!("[音乐] {title}"),
            Self::Place { label } => format!("[位置] {label}"),
            Self::Articles { articles } => articles.first().map(|a| format!("[图文] {}", a.title)).unwrap_or_default(),
            Self::Menu { head, items, tail } => {
                let lines = items.iter().map(|item| item.content.as_str());
                let all = [head.as_str()].into_iter().chain(lines).chain([tail.as_str()]);
                all.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
            }
            Self::MiniProgram { title } => format!("[小程序] {title}"),
            Self::Coupon { .. } => "[卡券]".into(),
            Self::Sticker => "[表情]".into(),
        }
    }
}
