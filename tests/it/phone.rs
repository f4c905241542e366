//! One customer at the phone, as a conversation reads. Every act takes a second, as it would: two equal taps within one
//! second are one to the platform's numbering.

use std::time::Duration;

use fuwu::domain::ids::Openid;
use fuwu::sandbox::Seen;
use fuwu::sandbox::model::{Act, Body, Entry, Side};
use sha2::{Digest as _, Sha256};

use crate::harness::{World, until};

pub struct Phone<'w> {
    pub world: &'w World,
    pub openid: Openid,
}

impl<'w> Phone<'w> {
    /// A customer who does not follow yet.
    pub fn new(world: &'w World, name: &str) -> Self {
        Self { world, openid: world.sandbox().add_customer(name).unwrap() }
    }

    /// The same, and what their number has on it, which is the openid's, and that is drawn, is enough for a few orders.
    pub fn able_to_pay(world: &'w World, name: &str) -> Self {
        loop {
            let phone = Self::new(world, name);
            if can_pay(&phone.openid) {
                return phone;
            }
        }
    }

    /// A customer who has just followed and can pay.
    pub async fn following(world: &'w World, name: &str) -> Self {
        let phone = Self::able_to_pay(world, name);
        phone.follow().await;
        phone
    }

    pub async fn follow(&self) -> String {
        self.world.clock.advance_secs(1);
        answered(self.world.sandbox().follow(&self.openid).await.unwrap())
    }

    pub async fn unfollow(&self) {
        self.world.clock.advance_secs(1);
        let seen = self.world.sandbox().unfollow(&self.openid).await.unwrap();
        assert_eq!((seen.entries.len(), seen.faults), (0, Vec::new()));
    }

    pub async fn say(&self, words: &str) -> String {
        self.world.clock.advance_secs(1);
        answered(self.world.sandbox().say(&self.openid, words).await.unwrap())
    }

    pub async fn tap(&self, key: &str) -> String {
        self.world.clock.advance_secs(1);
        answered(self.world.sandbox().tap(&self.openid, key).await.unwrap())
    }

    pub async fn scan(&self, code: &str) -> String {
        self.world.clock.advance_secs(1);
        answered(self.world.sandbox().scan(&self.openid, code).await.unwrap())
    }

    /// A tap on a link that says words.
    pub async fn tap_link(&self, words: &str) -> String {
        self.world.clock.advance_secs(1);
        let act = Act::Text { content: words.to_owned(), menu_id: Some("1".to_owned()) };
        answered(self.world.sandbox().send(&self.openid, act).await.unwrap())
    }

    /// A tap on a choice as it was shown: in the newest message that has it.
    pub async fn choose(&self, words: &str) -> String {
        let chat = self.chat();
        let shown = chat.iter().rev().filter(|entry| entry.side == Side::Account).find_map(|entry| match &entry.body {
            Body::Text { text } => fuwu::domain::taps::tap(text, words),
            Body::Menu { items, .. } => {
                let item = items.iter().find(|item| item.content == words)?;
                Some((item.content.clone(), item.id.clone()))
            }
            _ => None,
        });
        let (content, id) = shown.unwrap_or_else(|| panic!("nothing to tap says {words}"));
        self.world.clock.advance_secs(1);
        let act = Act::Text { content, menu_id: Some(id) };
        answered(self.world.sandbox().send(&self.openid, act).await.unwrap())
    }

    pub fn chat(&self) -> Vec<Entry> {
        self.world.sandbox().history(&self.openid, 0).unwrap()
    }

    /// Everything the account said so far that holds these words.
    pub fn heard(&self, words: &str) -> usize {
        let said = |entry: &&Entry| entry.side == Side::Account && entry.body.preview().contains(words);
        self.chat().iter().filter(said).count()
    }

    /// Waits for a message of the account's own accord.
    pub async fn hears(&self, words: &str) {
        until(&format!("the phone hears “{words}”"), async || self.heard(words) > 0).await;
    }

    pub async fn balance_fen(&self) -> i64 {
        self.world.balance_fen(&self.openid).await
    }
}

/// Whether the demo's business system, which chooses one of its customers by the openid, chooses one with enough for a few
/// orders.
fn can_pay(openid: &Openid) -> bool {
    const CUSTOMERS: &str = include_str!("../../fixtures/telecom/customers.json");
    let known: serde_json::Value = serde_json::from_str(CUSTOMERS).unwrap();
    let known = known["profiles"].as_array().unwrap();
    let number = Sha256::digest(openid.as_str()).iter().take(4).fold(0, |n, byte| (n << 8) | usize::from(*byte));
    known[number % known.len()]["balance_fen"].as_i64().unwrap() >= 4_500
}

/// What was said in time and by the rules.
fn answered(seen: Seen) -> String {
    assert_eq!(seen.faults, Vec::<String>::new(), "{seen:?}");
    assert!(Duration::from_millis(seen.took_ms) < Duration::from_secs(4), "{} ms", seen.took_ms);
    for entry in &seen.entries {
        assert!(entry.details.is_empty(), "a rule of the platform is broken: {entry:?}");
        assert!(!matches!(entry.body, Body::Failure { .. }), "{entry:?}");
    }
    seen.text()
}

/// What the links of a text say when they are tapped.
pub fn links(text: &str) -> Vec<String> {
    let said = |link: &str| {
        let link = url::Url::parse(&format!("weixin://bizmsgmenu?msgmenucontent={}", link.split('"').next()?)).ok()?;
        link.query_pairs().find(|(name, _)| name == "msgmenucontent").map(|(_, said)| said.into_owned())
    };
    text.split("weixin://bizmsgmenu?msgmenucontent=").skip(1).filter_map(said).collect()
}
