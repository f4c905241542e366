//! Outgoing work: what a commit leaves to be done, kept in the outbox until it is.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::{ActionKey, DedupeKey, Scene, WorkId};
use super::question::Question;
use super::reach::Carrier;
use super::referral::news::Word;
use super::reply::Reply;
use super::time::UnixSecs;
use super::value::{Value, Values};

/// One piece of outgoing work of one customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Named by what it is about: committing it twice leaves one.
    pub id: WorkId,
    /// The delivery that asked for it.
    pub origin: DedupeKey,
    /// When it is first tried.
    pub due: UnixSecs,
    /// After this it is of no use to the customer.
    pub expires: UnixSecs,
    /// What is to be done.
    pub task: Task,
}

/// Names work that one delivery asks for: `waiting/0000000000000007`.
pub fn id_for(purpose: &str, origin: DedupeKey) -> WorkId {
    WorkId::new(format!("{purpose}/{:016x}", origin.0))
}

impl Work {
    /// Everything in it that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let both = match &mut self.task {
            Task::Ask { question, memo, .. } => Some(question.values.values_mut().chain(memo.values_mut())),
            Task::Send(_) | Task::Tell { .. } | Task::Poster { .. } | Task::Credit { .. } => None,
        };
        both.into_iter().flatten()
    }
}

const RECEIPT: &str = "/receipt";

impl WorkId {
    /// The name of the work that says what became of the customer's money.
    pub fn receipt(&self) -> Self {
        Self::new(format!("{self}{RECEIPT}"))
    }
}

impl Work {
    /// The name of the work that says what came of this: a receipt where it is about money.
    pub fn word_of_it(&self) -> WorkId {
        let about_money =
            matches!(&self.task, Task::Ask { question, .. } if question.idempotency_key.is_some()) || self.is_receipt();
        if about_money { self.id.receipt() } else { WorkId::new(format!("{}/say", self.id)) }
    }

    /// The mark by which the platform tells its message again: of 32 characters, which is all that it takes, and the same
    /// whenever it is computed.
    pub fn mark(&self) -> String {
        Sha256::digest(self.id.as_str()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it says what became of the customer's money: read twice rather than never.
    pub fn is_receipt(&self) -> bool {
        self.id.as_str().ends_with(RECEIPT)
    }
}

/// What is to be done. It is stored by the order of its variants: a new one goes to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Say this as a customer-service message, or keep it as a note when no window is open.
    Send(Reply),
    /// Ask the business system again and resume the action with its answer.
    Ask {
        /// The action that asks.
        action: ActionKey,
        /// The question. With an idempotency key it moves money: it is asked until an answer is there.
        question: Question,
        /// What the action wants to remember until the answer is there.
        memo: Values,
    },
    /// As [`Task::Send`], and where no window is open a template may carry it.
    Tell {
        /// What is said in full.
        reply: Reply,
        /// The templates that can carry it, filled; the best one first.
        carriers: Vec<Carrier>,
    },
    /// Show the poster of an action with a code of the customer's own ([`super::playbook::Playbook::posters`]), as a picture
    /// in the open window.
    Poster {
        /// The action that hands it out.
        action: ActionKey,
        /// What the code carries.
        scene: Scene,
        /// Said as by [`Task::Send`] where there is no window, no right to codes or pictures, or no such poster any more.
        alone: Reply,
    },
    /// Tell the record of an inviter how an invite of this customer's stands.
    Credit {
        /// The code: it leads to the inviter.
        code: Scene,
        /// What is told.
        word: Word,
    },
}

impl Task {
    /// What it says, if it says something: in words, of what is shown as a picture.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Send(reply) | Self::Tell { reply, .. } | Self::Poster { alone: reply, .. } => Some(reply),
            Self::Ask { .. } | Self::Credit { .. } => None,
        }
    }

    /// The templates that can carry it; none for most.
    pub fn carriers(&self) -> &[Carrier] {
        match self {
            Self::Tell { carriers, .. } => carriers,
            Self::Send(_) | Self::Ask { .. } | Self::Poster { .. } | Self::Credit { .. } => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_something_is_known_with_what_can_carry_it() {
        let reply = Reply::Text("办好了".into());
        let carrier = Carrier {
            template: "T".into(),
            by: crate::domain::reach::By::Template,
            fields: [("thing1".to_owned(), "包".to_owned())].into(),
            link: String::new(),
        };
        let tell = Task::Tell { reply: reply.clone(), carriers: vec![carrier.clone()] };
        assert_eq!((tell.reply(), tell.carriers()), (Some(&reply), &[carrier][..]));
        let send = Task::Send(reply.clone());
        assert_eq!((send.reply(), send.carriers()), (Some(&reply), &[][..]));
        let poster = Task::Poster { action: "invite".into(), scene: "ref:1".into(), alone: reply.clone() };
        assert_eq!((poster.reply(), poster.carriers()), (Some(&reply), &[][..]));
    }

    #[test]
    fn what_is_said_about_money_is_known_by_its_name() {
        let ask = |idempotency_key: Option<&str>| {
            let idempotency_key = idempotency_key.map(str::to_owned);
            let question = Question { connector: "c".into(), values: Values::new(), idempotency_key };
            let task = Task::Ask { action: "a".into(), question, memo: Values::new() };
            Work { id: "w".into(), origin: DedupeKey(1), due: UnixSecs(0), expires: UnixSecs(1), task }
        };
        assert_eq!(ask(None).word_of_it(), "w/say".into());
        let receipt = Work { id: ask(Some("k")).word_of_it(), ..ask(None) };
        assert!(receipt.is_receipt() && Work { id: receipt.word_of_it(), ..ask(None) }.is_receipt());
        assert!(!ask(Some("k")).is_receipt(), "the question itself is none");
        let other = Work { id: "v".into(), ..ask(None) };
        assert_eq!((ask(None).mark().len(), ask(None).mark()), (32, ask(Some("k")).mark()));
        assert_ne!(ask(None).mark(), other.mark());
    }
}
