//! Books of a day side by side: what the payment platform or the business system says happened to orders on it, and what we
//! say (reliability.md 2.6). Whatever differs is for a person; nothing is put right by machine.

use super::order::{Order, State};
use super::pay::{Fen, OutRefundNo, RefundState, TransactionId};
use super::time::BusinessDay;

/// What another book says of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// It was paid.
    Paid {
        /// The platform's number of the payment; `None` for one that cannot be.
        transaction: Option<TransactionId>,
        /// How much.
        total: Fen,
    },
    /// Money of it goes back.
    Returned {
        /// The merchant's number of the refund; `None` for one that cannot be.
        refund: Option<OutRefundNo>,
        /// How much.
        back: Fen,
        /// What came of it.
        state: RefundState,
    },
    /// The business system did it.
    Done {
        /// At which price.
        amount: Fen,
    },
}

impl Says {
    /// How much it is about.
    pub fn amount(&self) -> Fen {
        match self {
            Self::Paid { total: amount, .. } | Self::Returned { back: amount, .. } | Self::Done { amount } => *amount,
        }
    }
}

/// What we know of an order.
#[derive(Clone, Copy, Debug)]
pub enum Ours<'a> {
    /// Its record.
    Kept(&'a Order),
    /// It has ended and its record has given way; the facts tell of it.
    Told(&'a Told),
    /// Nothing.
    Unknown,
}

/// What the facts tell of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What it costs.
    pub amount: Fen,
    /// Whether it stood at [`State::Paid`].
    pub was_paid: bool,
    /// When the business system was asked.
    pub asked: Option<BusinessDay>,
    /// When it was learned that it was done.
    pub done: Option<BusinessDay>,
    /// Whether money went back.
    pub was_returned: bool,
}

impl Told {
    /// Learns one more step.
    pub fn learn(&mut self, (to, amount): (State, Fen), day: BusinessDay) {
        self.amount = amount;
        match to {
            State::Paid => self.was_paid = true,
            State::Fulfilling => self.asked = self.asked.or(Some(day)),
            State::Done => self.done = self.done.or(Some(day)),
            State::Refunded => self.was_returned = true,
            _ => {}
        }
    }
}

/// How another book and ours differ. The names stand in the list of cases: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// Paid there, and no such order here.
    PaidUnknown,
    /// Paid there, and this payment is not known here.
    PaidUnnoticed,
    /// Paid there with another amount.
    PaidOtherwise,
    /// Paid here, and not there.
    PaidNowhere,
    /// Given back there, and nobody here asked for it.
    ReturnedUnknown,
    /// Given back there, and not known here.
    ReturnedUnnoticed,
    /// Given back there with another amount.
    ReturnedOtherwise,
    /// Done there, and no such order here.
    DoneUnknown,
    /// Done there, and not here.
    DoneUnnoticed,
    /// Done there at another price.
    DoneOtherwise,
    /// Done here, and not there.
    DoneNowhere,
    /// Done there twice.
    DoneTwice,
}

impl Difference {
    /// Its name among cases and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaidUnknown => "book_paid_unknown",
            Self::PaidUnnoticed => "book_paid_unnoticed",
            Self::PaidOtherwise => "book_paid_otherwise",
            Self::PaidNowhere => "book_paid_nowhere",
            Self::ReturnedUnknown => "book_returned_unknown",
            Self::ReturnedUnnoticed => "book_returned_unnoticed",
            Self::ReturnedOtherwise => "book_returned_otherwise",
            Self::DoneUnknown => "book_done_unknown",
            Self::DoneUnnoticed => "book_done_unnoticed",
            Self::DoneOtherwise => "book_done_otherwise",
            Self::DoneNowhere => "book_done_nowhere",
            Self::DoneTwice => "book_done_twice",
        }
    }

    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::PaidUnknown,
        Self::PaidUnnoticed,
        Self::PaidOtherwise,
        Self::PaidNowhere,
        Self::ReturnedUnknown,
        Self::ReturnedUnnoticed,
        Self::ReturnedOtherwise,
        Self::DoneUnknown,
        Self::DoneUnnoticed,
        Self::DoneOtherwise,
        Self::DoneNowhere,
        Self::DoneTwice,
    ];

    /// What an operator reads under the name of a difference, and what to look at; `None` under another name.
    pub fn in_words(name: &str) -> Option<&'static str> {
        Some(match Self::ALL.into_iter().find(|own| own.as_str() == name)? {
            Self::PaidUnknown => {
                "对账：微信支付账单里有这笔付款，这里没有这个订单；请在商户平台核对，处理好后 decide seen"
            }
            Self::PaidUnnoticed => {
                "对账：微信支付账单里已付款，这里没有收到；请在商户平台核对是否要退，处理好后 decide seen"
            }
            Self::PaidOtherwise => "对账：付款金额和微信支付账单不一致；请在商户平台核对，处理好后 decide seen",
            Self::PaidNowhere => "对账：这里已付款，微信支付账单里没有；请在商户平台核对，处理好后 decide seen",
            Self::ReturnedUnknown => {
                "对账：微信支付账单里有一笔退款，不是这里发起的；请核对是谁退的，处理好后 decide seen"
            }
            Self::ReturnedUnnoticed => {
                "对账：微信支付账单里已退款，这里还没有记下；请在商户平台核对，处理好后 decide seen"
            }
            Self::ReturnedOtherwise => "对账：退款金额和微信支付账单不一致；请在商户平台核对，处理好后 decide seen",
            Self::DoneUnknown => "对账：业务系统办了这个订单，这里没有；请在业务系统里核对，处理好后 decide seen",
            Self::DoneUnnoticed => "对账：业务系统办成了，这里没有办成；请核对钱是否已经退回，处理好后 decide seen",
            Self::DoneOtherwise => "对账：业务系统办理的金额和订单不一致；请核对，处理好后 decide seen",
            Self::DoneTwice => "对账：业务系统把同一个订单办了两次；请在业务系统里核对并撤销一次，处理好后 decide seen",
            Self::DoneNowhere => "对账：这里办成了，业务系统的明细里没有；请在业务系统里核对，处理好后 decide seen",
        })
    }
}

/// How what another book says differs from what we know; `None` when it agrees, or is still under way here.
pub fn differs(ours: Ours<'_>, says: &Says) -> Option<Difference> {
    match says {
        Says::Paid { transaction, total } => paid(ours, transaction.as_ref(), *total),
        Says::Returned { state: RefundState::Closed | RefundState::Abnormal, .. } => None,
        Says::Returned { refund, back, state } => returned(ours, (refund.as_ref(), *back), *state),
        Says::Done { amount } => done(ours, *amount),
    }
}

fn paid(ours: Ours<'_>, transaction: Option<&TransactionId>, total: Fen) -> Option<Difference> {
    let order = match ours {
        Ours::Unknown => return Some(Difference::PaidUnknown),
        Ours::Told(told) if !told.was_paid && !told.was_returned => return Some(Difference::PaidUnnoticed),
        Ours::Told(told) => return (told.amount != total).then_some(Difference::PaidOtherwise),
        Ours::Kept(order) => order,
    };
    let Some(money) = order.money() else { return Some(Difference::PaidUnknown) };
    let known = money.paid.iter().chain(&money.twice).find(|paid| Some(&paid.transaction) == transaction);
    match known {
        Some(known) => (known.total != total).then_some(Difference::PaidOtherwise),
        None => Some(Difference::PaidUnnoticed),
    }
}

fn returned(ours: Ours<'_>, (refund, back): (Option<&OutRefundNo>, Fen), state: RefundState) -> Option<Difference> {
    let order = match ours {
        Ours::Unknown => return Some(Difference::ReturnedUnknown),
        Ours::Told(told) if !told.was_returned => return Some(Difference::ReturnedUnknown),
        Ours::Told(told) => return (told.amount != back).then_some(Difference::ReturnedOtherwise),
        Ours::Kept(order) => order,
    };
    let Some(money) = order.money() else { return Some(Difference::ReturnedUnknown) };
    if let Some(known) = money.returned.iter().find(|known| Some(&known.number) == refund) {
        return (known.back != back).then_some(Difference::ReturnedOtherwise);
    }
    let is_ours = (1..=money.asked).any(|nth| order.refund_no(nth).as_ref() == refund && refund.is_some());
    match (is_ours, state) {
        (false, _) => Some(Difference::ReturnedUnknown),
        (true, RefundState::Success) => Some(Difference::ReturnedUnnoticed),
        (true, _) => None,
    }
}

fn done(ours: Ours<'_>, amount: Fen) -> Option<Difference> {
    let (is_done, is_open, agreed) = match ours {
        Ours::Unknown => return Some(Difference::DoneUnknown),
        Ours::Told(told) => (told.done.is_some() && !told.was_returned, false, told.amount),
        Ours::Kept(order) => {
            // What waits for a person is on the list already.
            let is_open = matches!(order.state(), State::Paid | State::Fulfilling | State::NeedsPerson);
            (order.state() == State::Done, is_open, order.amount)
        }
    };
    match (is_done, is_open) {
        _ if amount != agreed => Some(Difference::DoneOtherwise),
        (true, _) | (_, true) => None,
        (false, false) => Some(Difference::DoneUnnoticed),
    }
}

/// What a payment that we know of is when the platform's bill of its day does not have it; `None` for another day's.
pub fn paid_on(order: &Order, day: BusinessDay) -> Option<(TransactionId, Fen)> {
    let paid = order.paid().filter(|paid| paid.at.business_day() == day)?;
    Some((paid.transaction.clone(), paid.total))
}

/// Whether the business system must have done it on this day: what was asked for on one day and found done on the next may
/// stand in the book of either.
pub fn done_on(told: &Told, day: BusinessDay) -> bool {
    told.asked == Some(day) && told.done == Some(day) && !told.was_returned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::DedupeKey;
    use crate::domain::order::{Business, Decided, Money, Paid, Payment, Returned};
    use crate::domain::time::UnixSecs;
    use crate::domain::value::Values;

    const NOON: UnixSecs = UnixSecs(1_772_424_000);

    fn id(text: &str) -> TransactionId {
        TransactionId::new(text).unwrap()
    }

    fn order(business: Business, money: Option<Money>) -> Order {
        Order {
            number: "20260302000001".into(),
            action: "buy".into(),
            origin: DedupeKey(7),
            code: "c".into(),
            label: "包".into(),
            amount: Fen(2000),
            agreed_at: Some(NOON),
            moved_at: NOON,
            learned: None,
            payment: money.map_or(Payment::ByBusiness, Payment::ByWeChat),
            business,
            person: None,
            details: Values::new(),
            puts: Default::default(),
            points: 0,
        }
    }

    fn came() -> Money {
        Money { paid: Some(Paid { transaction: id("T1"), total: Fen(2000), at: NOON }), ..Money::default() }
    }

    fn back(number: &str, fen: i64) -> Returned {
        let number = OutRefundNo::new(number).unwrap();
        Returned { number, transaction: id("T1"), back: Fen(fen) }
    }

    fn says_paid(transaction: &str, total: i64) -> Says {
        Says::Paid { transaction: TransactionId::new(transaction), total: Fen(total) }
    }

    fn says_back(refund: &str, fen: i64, state: RefundState) -> Says {
        Says::Returned { refund: OutRefundNo::new(refund), back: Fen(fen), state }
    }

    #[test]
    fn a_payment_agrees_by_its_number_and_its_amount() {
        let done = order(Business::Did, Some(came()));
        let of = |order: &Order, says: &Says| differs(Ours::Kept(order), says);
        assert_eq!(of(&done, &says_paid("T1", 2000)), None);
        assert_eq!(of(&done, &says_paid("T1", 1999)), Some(Difference::PaidOtherwise));
        assert_eq!(of(&done, &says_paid("T2", 2000)), Some(Difference::PaidUnnoticed));
        assert_eq!(of(&done, &says_paid("", 2000)), Some(Difference::PaidUnnoticed));
        let unpaid = order(Business::NotAsked, Some(Money::default()));
        assert_eq!(of(&unpaid, &says_paid("T1", 2000)), Some(Difference::PaidUnnoticed));
        assert_eq!(of(&order(Business::Did, None), &says_paid("T1", 2000)), Some(Difference::PaidUnknown));
        assert_eq!(differs(Ours::Unknown, &says_paid("T1", 2000)), Some(Difference::PaidUnknown));
        let told = |was_paid, was_returned| Told { amount: Fen(2000), was_paid, was_returned, ..Told::default() };
        assert_eq!(differs(Ours::Told(&told(true, false)), &says_paid("T1", 2000)), None);
        assert_eq!(differs(Ours::Told(&told(false, true)), &says_paid("T1", 2000)), None);
        let of_told = differs(Ours::Told(&told(true, false)), &says_paid("T1", 1));
        assert_eq!(of_told, Some(Difference::PaidOtherwise));
        let of_told = differs(Ours::Told(&told(false, false)), &says_paid("T1", 2000));
        assert_eq!(of_told, Some(Difference::PaidUnnoticed));
        assert_eq!(paid_on(&done, NOON.business_day()), Some((id("T1"), Fen(2000))));
        assert_eq!(paid_on(&done, NOON.business_day().plus_days(1)), None);
    }

    #[test]
    fn a_refund_is_ours_or_for_a_person() {
        let asked = Money { asked: 1, ..came() };
        let returned = Money { returned: vec![back("20260302000001R1", 2000)], ..asked.clone() };
        let of = |money: &Money, says: &Says| differs(Ours::Kept(&order(Business::Refused, Some(money.clone()))), says);
        let ours = |state| says_back("20260302000001R1", 2000, state);
        assert_eq!(of(&returned, &ours(RefundState::Success)), None);
        let less = says_back("20260302000001R1", 1999, RefundState::Success);
        assert_eq!(of(&returned, &less), Some(Difference::ReturnedOtherwise));
        assert_eq!(of(&asked, &ours(RefundState::Processing)), None);
        assert_eq!(of(&asked, &ours(RefundState::Success)), Some(Difference::ReturnedUnnoticed));
        assert_eq!(of(&asked, &ours(RefundState::Closed)), None, "no money went");
        for strange in ["20260302000001R2", "BYHAND", "有"] {
            let says = says_back(strange, 2000, RefundState::Success);
            assert_eq!(of(&asked, &says), Some(Difference::ReturnedUnknown), "{strange}");
        }
        let success = ours(RefundState::Success);
        assert_eq!(differs(Ours::Unknown, &success), Some(Difference::ReturnedUnknown));
        let told = Told { amount: Fen(2000), was_returned: true, ..Told::default() };
        assert_eq!(differs(Ours::Told(&told), &success), None);
        let kept = Told { was_returned: false, ..told };
        assert_eq!(differs(Ours::Told(&kept), &success), Some(Difference::ReturnedUnknown));
        let of_business = order(Business::Did, None);
        assert_eq!(differs(Ours::Kept(&of_business), &success), Some(Difference::ReturnedUnknown));
    }

    #[test]
    fn what_the_business_system_did_is_done_here_or_under_way() {
        let says = |fen| Says::Done { amount: Fen(fen) };
        let of = |business, says: &Says| differs(Ours::Kept(&order(business, None)), says);
        assert_eq!(of(Business::Did, &says(2000)), None);
        assert_eq!(of(Business::Asked, &says(2000)), None);
        assert_eq!(of(Business::Silent, &says(2000)), None, "it is on the list already");
        assert_eq!(of(Business::Refused, &says(2000)), Some(Difference::DoneUnnoticed));
        assert_eq!(of(Business::Did, &says(1999)), Some(Difference::DoneOtherwise));
        assert_eq!(differs(Ours::Unknown, &says(2000)), Some(Difference::DoneUnknown));
        let undone = Order { person: Some(Decided::Undone), ..order(Business::Silent, None) };
        assert_eq!(differs(Ours::Kept(&undone), &says(2000)), Some(Difference::DoneUnnoticed));
        let day = NOON.business_day();
        let mut told = Told::default();
        for to in [State::Confirmed, State::Paid, State::Fulfilling, State::Done] {
            assert!(!done_on(&told, day));
            told.learn((to, Fen(2000)), day);
        }
        assert!(done_on(&told, day) && !done_on(&told, day.plus_days(1)));
        assert_eq!(differs(Ours::Told(&told), &says(2000)), None);
        told.learn((State::Refunded, Fen(2000)), day);
        assert_eq!(differs(Ours::Told(&told), &says(2000)), Some(Difference::DoneUnnoticed));
        assert!(!done_on(&told, day));
        assert_eq!(says(7).amount(), Fen(7));
    }

    #[test]
    fn every_difference_has_a_name_of_its_own_and_words() {
        let names: std::collections::BTreeSet<_> = Difference::ALL.map(Difference::as_str).into();
        assert_eq!(names.len(), Difference::ALL.len());
        assert!(names.iter().all(|name| Difference::in_words(name).is_some_and(|words| words.contains("对账"))));
        assert_eq!(Difference::in_words("paid_twice"), None);
    }
}
