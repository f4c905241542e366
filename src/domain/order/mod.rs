//! Orders: what was agreed, what is known of it, and the one machine that moves it (reliability.md 2.1, 3.4).
//!
//! How an order stands follows from what is known of it and from nothing else, so that what is heard twice, late or the
//! wrong way round ends the same. Money that came in leaves as what was bought or goes back; what nobody can tell by
//! machine goes to a person.

mod kept;
mod machine;
mod standing;
mod state;

use serde::{Deserialize, Serialize};

pub use kept::{MOST_ORDERS, Orders};
pub use machine::{Demand, Happening, Move, Verdict, judge};
pub use state::{Reason, State};

use super::ids::{ActionKey, OrderNumber};
use super::time::UnixSecs;
use super::value::Values;

/// One order of one customer: what was agreed, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, made from the fact.
    pub number: OrderNumber,
    /// The action that took it.
    pub action: ActionKey,
    /// What was bought, as the business system calls it.
    pub code: String,
    /// What was bought, as the customer read it.
    pub label: String,
    /// What it costs in fen, as the customer agreed to it.
    pub amount_fen: i64,
    /// When it was agreed to; `None` before.
    pub agreed_at: Option<UnixSecs>,
    /// When it last moved.
    pub moved_at: UnixSecs,
    /// What is known of the money.
    pub payment: Payment,
    /// What is known of the business system.
    pub business: Business,
    /// What a person decided, if it stands.
    pub person: Option<Decided>,
    /// What was asked of the customer for it alone: sealed where it is kept, taken away when the playbook says.
    pub details: Values,
}

/// Who takes the money, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    /// The business system takes it as it does what was bought: from a balance, by points, or nothing at all.
    ByBusiness,
    /// WeChat Pay, before anything is done.
    ByWeChat(Money),
}

/// What is known of a payment by WeChat Pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// What is paid with (platform.md 6.3), once it is there; good for two hours.
    pub prepay_id: Option<String>,
    /// Why it cannot be paid any more, or nobody can say whether it was.
    pub ended: Option<Reason>,
    /// What came in.
    pub paid: Option<Paid>,
    /// What goes back.
    pub back: Back,
}

/// Money that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// WeChat Pay's number of it.
    pub transaction: String,
    /// How much, in fen.
    pub total_fen: i64,
    /// When.
    pub at: UnixSecs,
}

/// What is known of money on its way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Back {
    /// None is.
    #[default]
    No,
    /// We have asked WeChat Pay for it.
    Asked,
    /// WeChat Pay cannot: a person has to.
    Failed,
    /// It is back, as we asked.
    Done,
    /// It is back, and it was not us who asked: somebody did it at WeChat Pay.
    DoneOutside,
}

/// What is known of the business system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Business {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It was asked.
    Asked,
    /// It gave no clear answer in all the time it was asked.
    Silent,
    /// It said no.
    Refused,
    /// It did it.
    Did,
    /// It did it, as it turned out after it had said no or a person had called it off.
    DidAfterAll,
}

/// What a person decided about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decided {
    /// It is done.
    Done,
    /// It is not done, and shall not be.
    Undone,
}

impl Order {
    /// What is known of its payment by WeChat Pay; `None` when the business system takes the money.
    pub fn money(&self) -> Option<&Money> {
        match &self.payment {
            Payment::ByBusiness => None,
            Payment::ByWeChat(money) => Some(money),
        }
    }

    /// The money that came in by WeChat Pay, whatever became of it. This much is given back when nothing comes of the
    /// order, not what was asked for.
    pub fn paid(&self) -> Option<&Paid> {
        self.money()?.paid.as_ref()
    }
}
