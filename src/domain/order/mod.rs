//! Orders: what was agreed, what is known of it, and the one machine that moves it (reliability.md 2.1, 3.4).
//!
//! How an order stands follows from what is known of it and from nothing else, so that what is heard twice, late or the
//! wrong way round ends the same. Money that came in leaves as what was bought or goes back; what nobody can tell by
//! machine goes to a person.

mod kept;
mod machine;
mod money;
mod origin;
mod standing;
mod state;

use serde::{Deserialize, Serialize};

pub use kept::{MOST_ORDERS, Orders};
pub use machine::{Demand, Happening, Move, Returning, Verdict, judge};
pub use money::{Back, Money, Paid, Returned};
pub use origin::{Origin, OriginKey};
pub use state::{Reason, State};

use super::ids::{ActionKey, DedupeKey, OrderNumber};
use super::pay::{Fen, OutRefundNo, OutTradeNo};
use super::time::UnixSecs;
use super::value::Values;

/// One order of one customer: what was agreed, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, made from the fact.
    pub number: OrderNumber,
    /// The action that took it.
    pub action: ActionKey,
    /// The delivery that confirmed it: outgoing work and facts bear its key.
    pub origin: DedupeKey,
    /// What was bought, as the business system calls it.
    pub code: String,
    /// What was bought, as the customer read it.
    pub label: String,
    /// What it costs, as the customer agreed to it.
    pub amount: Fen,
    /// When it was agreed to; `None` before.
    pub agreed_at: Option<UnixSecs>,
    /// When something was last learned of it.
    pub moved_at: UnixSecs,
    /// What that was; `None` of a draft, and of orders that earlier versions took.
    pub learned: Option<Reason>,
    /// What is known of the money.
    pub payment: Payment,
    /// What is known of the business system.
    pub business: Business,
    /// What a person decided, if it stands.
    pub person: Option<Decided>,
    /// What was asked of the customer for it alone: sealed where it is kept, taken away when the playbook says.
    pub details: Values,
    /// How it was put to the business system.
    pub puts: Puts,
    /// What it costs in points, where the business system takes points and no money.
    pub points: u32,
}

/// How an order was put to the business system, so that what may have been put is never put as if it were new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Puts {
    /// How many times it surely was not reached: the work under way bears the number after that.
    pub unreached: u16,
    /// Whether a record that is lost may have put it.
    pub before: bool,
}

/// Who takes the money, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    /// The business system takes it as it does what was bought: from a balance, by points, or nothing at all.
    ByBusiness,
    /// WeChat Pay, before anything is done.
    ByWeChat(Money),
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
    /// What of the customer's money was still with us is back with them by another way than our refunds.
    Returned,
}

impl Order {
    /// What is known of its payment by WeChat Pay; `None` when the business system takes the money.
    pub fn money(&self) -> Option<&Money> {
        match &self.payment {
            Payment::ByBusiness => None,
            Payment::ByWeChat(money) => Some(money),
        }
    }

    /// What it costs, as people read it.
    pub fn price(&self) -> String {
        if self.points > 0 { format!("{} 积分", self.points) } else { format!("{} 元", self.amount) }
    }

    /// The money that came in by WeChat Pay, whatever became of it. This much is given back when nothing comes of the
    /// order, not what was asked for.
    pub fn paid(&self) -> Option<&Paid> {
        self.money()?.paid.as_ref()
    }

    /// What the payment platform calls it; `None` for a number that it would not take.
    pub fn out_trade_no(&self) -> Option<OutTradeNo> {
        OutTradeNo::new(self.number.as_str())
    }

    /// Our number of its `nth` refund, counted from 1: another one only after the one before it surely failed.
    pub fn refund_no(&self, nth: u8) -> Option<OutRefundNo> {
        OutRefundNo::new(format!("{}R{nth}", self.number))
    }

    /// Whether nothing more is due of anybody, and no second payment waits for a person.
    pub fn is_over(&self) -> bool {
        let state = self.state();
        state == State::Draft || state.is_final() && self.money().is_none_or(|money| money.twice_left() == Fen(0))
    }

    /// Whether a person has to look at it.
    pub fn needs_person(&self) -> bool {
        self.state() == State::NeedsPerson || self.money().is_some_and(|money| money.twice_left() > Fen(0))
    }

    /// What must be under way as it stands, so that it goes on.
    pub fn demand(&self) -> Option<Demand> {
        match self.state() {
            State::Confirmed => self.money().map(|_| Demand::Prepay),
            State::AwaitingPayment => Some(Demand::WatchPayment),
            State::Fulfilling => Some(Demand::Fulfil),
            State::Refunding => Some(Demand::Refund),
            _ if self.needs_person() => Some(Demand::CallPerson),
            _ => None,
        }
    }
}
