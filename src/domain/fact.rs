//! Facts: what happened to a customer, in the order it was applied. The log from which every number can be rebuilt.

use serde::{Deserialize, Serialize};

use super::ids::{ActionKey, Channel, DedupeKey, OrderNumber, PlaybookVersion, Scene};
use super::order::{Reason, State};
use super::referral::invite::Offer;
use super::referral::refusal::Refusal;
use super::referral::terms::Terms;
use super::referral::{Friend, Inviter};
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

impl Fact {
    /// The fact without the customer's words and without numbers that the business system knows the customer by, or
    /// `None` when there are none in it. Kind, times and everything that is counted stay.
    pub fn without_words(&self) -> Option<Self> {
        self.what.without_words().map(|what| Self { what, ..self.clone() })
    }
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
    /// An order moved.
    OrderMoved {
        /// The order number.
        order: OrderNumber,
        /// Which action took it.
        action: ActionKey,
        /// Amount in fen.
        amount_fen: i64,
        /// Where it stood.
        from: State,
        /// Where it stands.
        to: State,
        /// Why.
        reason: Reason,
    },
    /// The customer showed that a number is theirs.
    NumberBound {
        /// Which action.
        action: ActionKey,
    },
    /// A filled form was handed in, or how that ended.
    Applied {
        /// Which action.
        action: ActionKey,
        /// The number the business system knows it by.
        number: String,
        /// How it stands.
        outcome: OrderOutcome,
    },
    /// The customer came by a personal code: what the playbook saw in it. It stands before the fact of how they came.
    Invited(Box<Invited>),
    /// An inviter was given what a stage of a campaign has for them.
    Rewarded(Box<Rewarded>),
}

/// Something that was given for invites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewarded {
    /// Of which campaign.
    pub campaign: ActionKey,
    /// For which stage, by its key.
    pub stage: String,
    /// What it cost, in fen.
    pub cost_fen: u32,
}

/// A personal code somebody came by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Of which campaign.
    pub campaign: ActionKey,
    /// Whose code.
    pub inviter: Inviter,
    /// Since when its owner follows.
    pub since: UnixSecs,
    /// The customer, as the inviter's record names them.
    pub friend: Friend,
    /// What has to happen until it counts.
    pub terms: Terms,
    /// Why it does not count whatever happens.
    pub refused: Option<Refusal>,
    /// It was written in a message.
    pub written: bool,
    /// The code itself leads to its owner: the log does not keep it.
    #[serde(skip)]
    pub code: Scene,
}

impl From<&Invited> for Offer {
    fn from(invited: &Invited) -> Self {
        let Invited { campaign, inviter, since, friend, terms, refused, code, .. } = invited.clone();
        Self { campaign, code, inviter, since, friend, terms, refused }
    }
}

impl FactKind {
    fn without_words(&self) -> Option<Self> {
        let bare = match self {
            Self::Unanswered { .. } => Self::Unanswered { text: String::new() },
            Self::TicketOpened { action, .. } => {
                Self::TicketOpened { action: action.clone(), number: String::new(), text: String::new() }
            }
            Self::Posted { action, topic, .. } => {
                Self::Posted { action: action.clone(), topic: topic.clone(), text: String::new() }
            }
            Self::Ordered { action, amount_fen, outcome, .. } => Self::Ordered {
                order: String::new(),
                action: action.clone(),
                amount_fen: *amount_fen,
                outcome: *outcome,
            },
            Self::OrderMoved { action, amount_fen, from, to, reason, .. } => Self::OrderMoved {
                order: OrderNumber::default(),
                action: action.clone(),
                amount_fen: *amount_fen,
                from: *from,
                to: *to,
                reason: *reason,
            },
            Self::Applied { action, outcome, .. } => {
                Self::Applied { action: action.clone(), number: String::new(), outcome: *outcome }
            }
            Self::Followed { .. }
            | Self::Unfollowed
            | Self::Messaged
            | Self::Tapped { .. }
            | Self::Scanned { .. }
            | Self::Answered { .. }
            | Self::SignedIn { .. }
            | Self::Rated { .. }
            | Self::Voted { .. }
            | Self::HandedOver
            | Self::Reported { .. }
            | Self::HandedBack
            | Self::NumberBound { .. }
            | Self::Invited(_)
            | Self::Rewarded(_) => return None,
        };
        (bare != *self).then_some(bare)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(what: FactKind) -> Fact {
        Fact { at: UnixSecs(1), arrived: UnixSecs(2), key: DedupeKey(3), playbook: "p".into(), what }
    }

    #[test]
    fn without_words_kind_and_times_stay_and_the_words_are_gone() {
        let (action, secret) = (ActionKey::from("a"), "13800138000".to_owned());
        let worded = [
            FactKind::Unanswered { text: secret.clone() },
            FactKind::TicketOpened { action: action.clone(), number: secret.clone(), text: secret.clone() },
            FactKind::Posted { action: action.clone(), topic: "t".into(), text: secret.clone() },
            FactKind::Ordered {
                order: secret.clone(),
                action: action.clone(),
                amount_fen: 5,
                outcome: OrderOutcome::Done,
            },
            FactKind::OrderMoved {
                order: OrderNumber::new(secret.clone()),
                action,
                amount_fen: 5,
                from: State::Paid,
                to: State::Fulfilling,
                reason: Reason::Asked,
            },
            FactKind::Applied { action: "a".into(), number: secret.clone(), outcome: OrderOutcome::Done },
        ];
        for what in worded {
            let bare = fact(what.clone()).without_words().unwrap();
            assert!(!format!("{bare:?}").contains(&secret), "{bare:?}");
            assert_eq!(std::mem::discriminant(&bare.what), std::mem::discriminant(&what));
            assert_eq!((bare.at, bare.arrived, bare.key), (UnixSecs(1), UnixSecs(2), DedupeKey(3)));
            assert_eq!(bare.without_words(), None, "there are none any more");
        }
        assert_eq!(fact(FactKind::Tapped { key: "plan".into() }).without_words(), None);
    }
}
