//! Facts: what happened to a customer, in the order it was applied. The log from which every number can be rebuilt.

use serde::{Deserialize, Serialize};

use super::ids::{ActionKey, Channel, DedupeKey, PlaybookVersion, Scene};
use super::time::UnixSecs;

/// One thing that happened to one customer of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When it happened by the platform's clock: the event time of growth.md 1.1.
    pub at: UnixSecs,
    /// When we learned of it.
    pub arrived: UnixSecs,
    /// The delivery it came from.
    pub key: DedupeKey,
    /// The playbook it was decided under.
    pub playbook: PlaybookVersion,
    /// What happened.
    pub what: FactKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactKind {
    /// The customer followed.
    Followed {
        /// The scene of the code they came by.
        scene: Option<Scene>,
        /// The channel the playbook of that moment sees in it: a later edit never changes the past.
        channel: Channel,
    },
    /// The customer left.
    Unfollowed,
    /// The customer sent a message.
    Messaged,
    /// The customer tapped a menu button; activity.
    Tapped {
        /// The button's key, or the address of a view button; at most 128 bytes.
        key: String,
    },
    /// A follower scanned a code; activity.
    Scanned {
        /// Its scene.
        scene: Scene,
    },
    /// An action answered.
    Answered {
        /// Which.
        action: ActionKey,
    },
    /// No rule answered these words.
    Unanswered {
        /// The words, cut to 64 characters.
        text: String,
    },
    /// An order was placed, and how it stands.
    Ordered {
        /// The order number.
        order: String,
        /// Which action.
        action: ActionKey,
        /// Amount in fen.
        amount_fen: i64,
        /// How it ended.
        outcome: OrderOutcome,
    },
    /// The customer signed in for the day.
    SignedIn {
        /// Which action.
        action: ActionKey,
        /// Days in a row, today included.
        streak: u32,
    },
    /// Something the customer wrote to us: a complaint, a suggestion.
    TicketOpened {
        /// Which action.
        action: ActionKey,
        /// The ticket's number.
        number: String,
        /// The words.
        text: String,
    },
    /// A rating.
    Rated {
        /// Which action.
        action: ActionKey,
        /// 1 to 5.
        stars: u8,
    },
    /// A vote in a topic.
    Voted {
        /// Which action.
        action: ActionKey,
        /// Which topic.
        topic: String,
        /// Which option.
        option: String,
    },
    /// An answer to a topic, in words.
    Posted {
        /// Which action.
        action: ActionKey,
        /// Which topic.
        topic: String,
        /// The words.
        text: String,
    },
    /// A person has the chat now.
    HandedOver,
    /// A report of the platform that changes nothing of the customer's; only its name is kept.
    Reported {
        /// The kind of message or event.
        kind: String,
    },
    /// The chat came back from a person.
    HandedBack,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderOutcome {
    /// Confirmed by the customer, on its way to the business system.
    Placed,
    /// Done and charged.
    Done,
    /// Refused by the business system; nothing was charged.
    Refused,
    /// Nobody knows yet; a person looks at it.
    Unknown,
}
