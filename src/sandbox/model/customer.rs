//! A customer of the sandbox and their chat.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::chat::{Body, Entry, Side};
use super::standing::Standing;
use super::statistics::SaidToday;
use super::upstream::WroteLately;
use super::window::Windows;
use crate::domain::ids::{Openid, Scene};

/// A customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// 28 characters beginning with `o`.
    pub openid: Openid,
    /// As shown on the phone; the platform tells an account nothing of it.
    pub nickname: String,
    /// Whether the phone page shows them.
    pub audience: Audience,
    /// Counts up in the order they came.
    pub number: u64,
    /// When they came into being, in Unix seconds.
    pub created_at: i64,
    /// When the present follow began.
    pub followed_at: Option<i64>,
    /// The scene of the latest follow.
    pub scene: Option<Scene>,
    /// The ticket of a code scanned without following yet: the next follow comes through it.
    pub pending_ticket: Option<String>,
    /// Windows for customer-service messages.
    pub windows: Windows,
    /// What they sent today, for the platform's statistics.
    #[serde(default)]
    pub said_today: SaidToday,
    /// The same by hour, week and month.
    #[serde(default)]
    pub wrote_lately: WroteLately,
    /// The latest act, in Unix seconds.
    pub last_act_at: Option<i64>,
    /// "Typing" is shown until then.
    pub typing_until: Option<i64>,
    /// Whether a person has the chat.
    pub service: Service,
    /// Tags, remark, black list, consents.
    #[serde(default, skip_serializing_if = "Standing::is_plain")]
    pub standing: Standing,
    /// The chat, oldest first.
    pub chat: VecDeque<Entry>,
    /// The `seq` of the latest entry ever.
    pub last_seq: u64,
}

/// Who is shown on the phone page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Someone at the phone.
    Phone,
    /// One of a simulated population.
    Crowd,
}

/// Whether a person has the chat (platform.md 3, 4.9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Service {
    /// Nobody.
    #[default]
    Bot,
    /// Handed over; nobody has taken it yet.
    Waiting,
    /// An agent has it.
    Agent {
        /// The agent's account.
        account: String,
        /// Since when, in Unix seconds.
        #[serde(default)]
        since: i64,
    },
}

impl Audience {
    /// How many entries of a chat are kept.
    fn kept(self) -> usize {
        match self {
            Self::Phone => 300,
            Self::Crowd => 12,
        }
    }
}

impl Customer {
    /// A customer who does not follow yet.
    pub fn new(openid: Openid, nickname: String, created_at: i64) -> Self {
        Self {
            openid,
            nickname,
            audience: Audience::Phone,
            number: 0,
            created_at,
            followed_at: None,
            scene: None,
            pending_ticket: None,
            windows: Windows::default(),
            said_today: SaidToday::default(),
            wrote_lately: WroteLately::default(),
            last_act_at: None,
            typing_until: None,
            service: Service::default(),
            standing: Standing::default(),
            chat: VecDeque::new(),
            last_seq: 0,
        }
    }

    /// Whether they follow now.
    pub fn follows(&self) -> bool {
        self.followed_at.is_some()
    }

    /// Appends to the chat; the oldest entries give way.
    pub fn append(&mut self, at: i64, side: Side, body: Body) -> &mut Entry {
        self.last_seq += 1;
        if self.chat.len() >= self.audience.kept() {
            self.chat.pop_front();
        }
        let entry = Entry { seq: self.last_seq, at, side, body, details: Vec::new() };
        self.chat.push_back(entry);
        let last = self.chat.len() - 1;
        #[allow(clippy::indexing_slicing, reason = "an entry was pushed just above")]
        &mut self.chat[last]
    }

    /// The chat after an entry.
    pub fn since(&self, seq: u64) -> Vec<Entry> {
        self.chat.iter().filter(|entry| entry.seq > seq).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_bounded_and_its_numbers_go_on() {
        let mut customer = Customer::new(Openid::from("o1"), "小林".into(), 0);
        customer.audience = Audience::Crowd;
        for at in 0..20 {
            customer.append(at, Side::System, Body::line("x"));
        }
        assert_eq!(customer.chat.len(), 12);
        assert_eq!(customer.since(18).iter().map(|e| e.seq).collect::<Vec<_>>(), [19, 20]);
    }
}
