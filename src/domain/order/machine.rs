//! The machine: from what is known of an order and what happened to what is known then, and what must be done.
//!
//! It answers NEW, DUPLICATE, CONFLICT or DENIED (reliability.md 2.1), and what must be done is demanded in the same
//! commit as the move, so that nothing is forgotten between the two.

use super::money::Known;
use super::{Back, Business, Decided, Money, Order, Paid, Payment, Reason, Returned, State};
use crate::domain::ids::OrderNumber;
use crate::domain::pay::{Fen, OutRefundNo};
use crate::domain::time::UnixSecs;

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The customer agreed to it.
    Agreed,
    /// WeChat Pay gave a prepay id.
    Payable {
        /// What is paid with.
        prepay_id: String,
    },
    /// The money is there: a notification whose signature holds, or a query's answer.
    Paid(Paid),
    /// It is not paid and cannot be any more, since WeChat Pay has closed it or never opened it; or
    /// ([`Reason::PaymentSilent`]) nobody can say whether it was paid.
    Unpaid(Reason),
    /// The business system did it.
    Fulfilled,
    /// The business system said no.
    Refused,
    /// The business system gave no clear answer, and is not asked any more.
    Unclear,
    /// Money is back: WeChat Pay says so, in a notification or when it is asked.
    MoneyBack(Returning),
    /// WeChat Pay cannot give the money back by our refund of this number, counted from 1.
    RefundFailed(u8),
    /// WeChat Pay gave no clear answer on our refund of this number, and is not asked any more.
    RefundUnclear(u8),
    /// A person decided.
    Decided(Decided),
}

/// Money that went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returning {
    /// By which refund.
    pub number: OutRefundNo,
    /// Of which payment.
    pub of: Paid,
    /// How much.
    pub back: Fen,
}

/// What must be done now. Each is outgoing work named after the order, so that demanding it twice is one work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Demand {
    /// Begin the payment with WeChat Pay.
    Prepay,
    /// Ask WeChat Pay from time to time whether it is paid, since notifications can be lost; close it in the end.
    WatchPayment,
    /// Ask the business system to do it.
    Fulfil,
    /// Give the money back.
    Refund,
    /// Tell the people who look after orders.
    CallPerson,
}

/// One step of an order. Every one becomes a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where it stood.
    pub from: State,
    /// Where it stands.
    pub to: State,
    /// Why.
    pub reason: Reason,
}

/// What the machine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something new is known.
    New {
        /// The order afterwards.
        order: Box<Order>,
        /// The steps it took, in order; none when only more is known.
        moves: Vec<Move>,
        /// What must be done.
        demands: Vec<Demand>,
    },
    /// Known already: nothing changes.
    Duplicate,
    /// It contradicts what is known, and what is known stays: a person must hear of it.
    Conflict(Reason),
    /// It cannot happen to such an order: nothing changes.
    Denied,
}

/// What was learned: why it moves, if it does, or why nothing was.
type Learned = Result<Reason, Verdict>;

/// Tells an order at `at` what happened.
pub fn judge(order: &Order, happening: &Happening, at: UnixSecs) -> Verdict {
    let mut after = order.clone();
    let mut steps = Steps { at: order.state(), moves: Vec::new(), demands: Vec::new() };
    let learned = match (happening, order.agreed_at) {
        (Happening::Agreed, None) => {
            after.agreed_at = Some(at);
            Ok(Reason::Agreed)
        }
        (Happening::Agreed, Some(_)) => Err(Verdict::Duplicate),
        (_, None) => Err(Verdict::Denied),
        (happening, Some(_)) if is_about_money(happening) => of_money(&mut after, happening),
        (happening, Some(_)) => of_business(&mut after, happening),
    };
    let reason = match learned {
        Ok(reason) => reason,
        Err(verdict) => return verdict,
    };
    give_back(&mut after);
    steps.reach(&after, reason);
    steps.ask(&mut after);
    steps.call(&after, reason);
    after.moved_at = at;
    after.learned = Some(reason);
    Verdict::New { order: Box::new(after), moves: steps.moves, demands: steps.demands }
}

fn is_about_money(happening: &Happening) -> bool {
    match happening {
        Happening::Payable { .. }
        | Happening::Paid(_)
        | Happening::Unpaid(_)
        | Happening::MoneyBack(_)
        | Happening::RefundFailed(_)
        | Happening::RefundUnclear(_) => true,
        Happening::Agreed | Happening::Fulfilled | Happening::Refused | Happening::Unclear | Happening::Decided(_) => {
            false
        }
    }
}

/// What WeChat Pay says.
fn of_money(order: &mut Order, happening: &Happening) -> Learned {
    let person = order.person;
    let Payment::ByWeChat(money) = &mut order.payment else { return Err(Verdict::Denied) };
    match happening {
        Happening::Payable { prepay_id } => {
            if money.prepay_id.is_some() || money.ended.is_some() || money.paid.is_some() {
                return Err(Verdict::Duplicate);
            }
            money.prepay_id = Some(prepay_id.clone());
            Ok(Reason::Payable)
        }
        Happening::Paid(paid) => {
            if !noted(money, paid)? {
                return Ok(Reason::PaidTwice);
            }
            let is_agreed = paid.total == order.amount;
            // What a person found to be done, while nobody could say whether it was paid, keeps its money.
            let is_over =
                person == Some(Decided::Undone) || money.ended.is_some_and(|reason| reason != Reason::PaymentSilent);
            money.ended = None;
            if is_over {
                money.ask_back();
            }
            Ok(match (is_over, is_agreed) {
                (true, _) => Reason::PaidTooLate,
                (false, true) => Reason::MoneyCame,
                (false, false) => Reason::AmountDiffers,
            })
        }
        Happening::Unpaid(_) if money.paid.is_some() => Err(Verdict::Conflict(Reason::MoneyCame)),
        Happening::Unpaid(reason) => match money.ended {
            None => {
                money.ended = Some(*reason);
                Ok(*reason)
            }
            Some(Reason::PaymentSilent) if person == Some(Decided::Done) => Err(Verdict::Conflict(*reason)),
            Some(Reason::PaymentSilent) if *reason != Reason::PaymentSilent => {
                money.ended = Some(*reason);
                Ok(*reason)
            }
            Some(_) => Err(Verdict::Duplicate),
        },
        Happening::MoneyBack(returning) => came_back(&order.number, money, returning),
        Happening::RefundFailed(nth) | Happening::RefundUnclear(nth)
            if money.back == Back::Asked && money.asked == *nth =>
        {
            // Whoever wants it tried again says so again.
            order.person = None;
            let is_sure = matches!(happening, Happening::RefundFailed(_));
            money.back = if is_sure { Back::Failed } else { Back::Unclear };
            Ok(if is_sure { Reason::RefundFailed } else { Reason::RefundSilent })
        }
        Happening::RefundFailed(_) | Happening::RefundUnclear(_) => Err(Verdict::Duplicate),
        _ => Err(Verdict::Denied),
    }
}

/// Notes a payment; whether it is the one that pays for the order.
fn noted(money: &mut Money, paid: &Paid) -> Result<bool, Verdict> {
    match money.note(paid) {
        Known::New => Ok(true),
        Known::Second => Ok(false),
        Known::Same => Err(Verdict::Duplicate),
        Known::AtOdds => Err(Verdict::Conflict(Reason::PaidTwice)),
    }
}

/// Money is back: all of it, or a part.
fn came_back(number: &OrderNumber, money: &mut Money, returning: &Returning) -> Learned {
    let Returning { number: refund, of, back } = returning;
    let was_known = money.paid.is_some();
    let is_second = match money.note(of) {
        Known::AtOdds => return Err(Verdict::Conflict(Reason::PaidTwice)),
        Known::Second => true,
        Known::New | Known::Same => money.paid.as_ref().is_none_or(|paid| paid.transaction != of.transaction),
    };
    let returned = Returned { number: refund.clone(), transaction: of.transaction.clone(), back: *back };
    if !money.give_back(returned) {
        return Err(Verdict::Duplicate);
    }
    if is_second {
        return Ok(Reason::RefundedOutside);
    }
    let is_ours = refund.as_str().strip_prefix(number.as_str()).is_some_and(|rest| rest.starts_with('R'));
    if money.left() > Fen(0) {
        return Ok(if was_known { Reason::RefundedOutside } else { Reason::PaidBackInPart });
    }
    let is_asked = matches!(money.back, Back::Asked | Back::Failed | Back::Unclear);
    let (now, reason) = if is_ours && is_asked {
        (Back::Done, Reason::MoneyBack)
    } else {
        (Back::DoneOutside, Reason::RefundedOutside)
    };
    money.back = now;
    Ok(reason)
}

/// What the business system says, or a person.
fn of_business(order: &mut Order, happening: &Happening) -> Learned {
    let learned = match (happening, order.business) {
        (Happening::Decided(decided), _) => return of_person(order, *decided),
        (_, Business::NotAsked) => return Err(Verdict::Denied),
        (Happening::Fulfilled, Business::Did | Business::DidAfterAll) => return Err(Verdict::Duplicate),
        (Happening::Fulfilled, Business::Refused) => (Business::DidAfterAll, Reason::BusinessContradicts),
        (Happening::Fulfilled, _)
            if order
                .money()
                .is_some_and(|money| matches!(money.back, Back::Asked | Back::Done | Back::DoneOutside)) =>
        {
            (Business::DidAfterAll, Reason::BusinessContradicts)
        }
        (Happening::Fulfilled, _) if order.person == Some(Decided::Undone) => {
            (Business::DidAfterAll, Reason::BusinessContradicts)
        }
        (Happening::Fulfilled, _) => (Business::Did, Reason::BusinessDid),
        (Happening::Refused, Business::Refused) => return Err(Verdict::Duplicate),
        (Happening::Refused, Business::Did | Business::DidAfterAll) => {
            return Err(Verdict::Conflict(Reason::BusinessContradicts));
        }
        (Happening::Refused, _) if order.person == Some(Decided::Done) => {
            return Err(Verdict::Conflict(Reason::BusinessContradicts));
        }
        (Happening::Refused, _) => (Business::Refused, Reason::BusinessRefused),
        (Happening::Unclear, Business::Asked) => (Business::Silent, Reason::BusinessSilent),
        _ => return Err(Verdict::Duplicate),
    };
    order.business = learned.0;
    if order.business == Business::DidAfterAll {
        order.person = None;
    }
    Ok(learned.1)
}

/// A person decides about what needs one, and may call off what is done and was paid for.
fn of_person(order: &mut Order, decided: Decided) -> Learned {
    let state = order.state();
    let has_money = order.money().is_some_and(|money| money.left() > Fen(0));
    let may = match decided {
        Decided::Done => state == State::NeedsPerson,
        Decided::Undone => state == State::NeedsPerson || state == State::Done && has_money,
        Decided::Returned => return by_hand(order, state),
    };
    if order.person == Some(decided) {
        return Err(Verdict::Duplicate);
    }
    if !may {
        return Err(Verdict::Denied);
    }
    order.person = Some(decided);
    Ok(Reason::PersonDecided)
}

/// A person gave back by another way what is still with us: all of an order that needs them, else only what came in a
/// second time. A refund of ours that may still come through is waited for.
fn by_hand(order: &mut Order, state: State) -> Learned {
    let Payment::ByWeChat(money) = &mut order.payment else { return Err(Verdict::Denied) };
    let is_whole = state == State::NeedsPerson && money.back != Back::Asked && money.left() > Fen(0);
    let owed = money.paid.iter().filter(|_| is_whole).chain(&money.twice);
    let owed: Vec<_> = owed.map(|paid| (paid.transaction.clone(), money.left_of(paid))).collect();
    let mut is_new = false;
    for (transaction, back) in owed.into_iter().filter(|(_, left)| *left > Fen(0)) {
        let number = OutRefundNo::new(format!("{}H{}", order.number, money.returned.len() + 1));
        let returned = number.map(|number| Returned { number, transaction, back });
        is_new |= returned.is_some_and(|returned| money.give_back(returned));
    }
    if !is_new {
        return Err(Verdict::Denied);
    }
    if is_whole {
        money.back = Back::DoneOutside;
        order.person = Some(Decided::Returned);
    }
    Ok(Reason::PersonDecided)
}

/// An order on its way through several states.
struct Steps {
    at: State,
    moves: Vec<Move>,
    demands: Vec<Demand>,
}

impl Steps {
    fn reach(&mut self, order: &Order, reason: Reason) {
        let to = order.state();
        if to == self.at {
            return;
        }
        self.moves.push(Move { from: self.at, to, reason });
        self.at = to;
        match to {
            State::Confirmed if order.money().is_some() => self.demands.push(Demand::Prepay),
            State::AwaitingPayment => self.demands.push(Demand::WatchPayment),
            State::Fulfilling => self.demands.push(Demand::Fulfil),
            State::Refunding => self.demands.push(Demand::Refund),
            _ => {}
        }
    }

    /// A person hears of what needs one, and of everything new about it until they have decided; of a contradiction and
    /// of money that came twice, or went back twice, in any case.
    fn call(&mut self, order: &Order, reason: Reason) {
        let is_too_much = || order.money().is_some_and(|money| money.went_back() > money.came());
        let is_odd = matches!(reason, Reason::BusinessContradicts | Reason::PaidTwice)
            || reason == Reason::RefundedOutside && is_too_much();
        if is_odd || self.at == State::NeedsPerson && reason != Reason::PersonDecided {
            self.demands.push(Demand::CallPerson);
        }
    }

    /// What is paid for, or charged as it is done, is asked for at once.
    fn ask(&mut self, order: &mut Order) {
        let is_ready = match self.at {
            State::Confirmed => order.money().is_none(),
            State::Paid => true,
            _ => false,
        };
        if is_ready {
            order.business = Business::Asked;
            self.reach(order, Reason::Asked);
        }
    }
}

/// Money goes back from what is not done.
fn give_back(order: &mut Order) {
    let is_called_off = order.person == Some(Decided::Undone);
    let is_undone = order.business == Business::Refused || is_called_off;
    if let Payment::ByWeChat(money) = &mut order.payment
        && money.paid.is_some()
        && money.left() > Fen(0)
        && (money.back == Back::No && is_undone || matches!(money.back, Back::Failed | Back::Unclear) && is_called_off)
    {
        money.ask_back();
    }
}

#[cfg(test)]
mod tests;
