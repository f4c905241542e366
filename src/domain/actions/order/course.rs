//! The course of an order: it is told what happened, and what follows is facts, words for the customer, and work.

use super::super::{Outcome, View};
use super::say;
use super::settings::Order as Settings;
use super::talk::placed;
use super::works::Works;
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::ids::OrderNumber;
use crate::domain::notice::Noticed;
use crate::domain::order::{Business, Demand, Happening, Move, Order, Orders, Reason, State, Verdict, judge};
use crate::domain::value::Values;

/// What happened, and what was said with it.
#[derive(Clone, Debug)]
pub(super) struct News {
    pub(super) happening: Happening,
    /// What the business system answered.
    pub(super) fields: Values,
    /// Why it refused.
    pub(super) code: Option<String>,
}

impl From<Happening> for News {
    fn from(happening: Happening) -> Self {
        Self { happening, fields: Values::new(), code: None }
    }
}

/// Tells an order of the customer what happened. Nothing follows when there is no such order.
pub(in crate::domain::actions) fn happen(
    settings: Option<&Settings>,
    view: &View<'_>,
    (number, happening): (&OrderNumber, Happening),
) -> Outcome {
    match view.customer.orders.get(number) {
        Some(order) => tell(settings, view, (order, &happening.into())),
        None => Outcome::default(),
    }
}

/// Tells an order what happened.
pub(super) fn tell(settings: Option<&Settings>, view: &View<'_>, (order, news): (&Order, &News)) -> Outcome {
    let mut out = Outcome::default();
    let now = view.moment.now;
    match judge(order, &news.happening, now) {
        Verdict::New { order: mut after, moves, demands } => {
            // What was never put needs nothing of what was told for it.
            if after.state() == State::Failed && after.business == Business::NotAsked {
                after.details.clear();
            }
            let works = Works { settings, order: &after, now };
            out.facts = moves.iter().map(|step| moved(&after, step)).collect();
            let reason = after.learned.unwrap_or(Reason::Agreed);
            for demand in demands {
                match works.of(demand, reason) {
                    Some(work) => out.outbox.push(work),
                    // The action is gone, and with it whom to ask.
                    None => return nobody_to_ask(view, (&after, out)),
                }
            }
            // As it begins, and when something is learned of it after its end.
            if order.is_over() && !after.is_over() {
                out.outbox.push(works.keep());
            }
            if after.state().is_final() {
                out.outbox.extend(works.forget());
            }
            if settings.is_none() && !moves.is_empty() {
                out.reply = say::without_settings(&after);
            }
            if let (Some(settings), false) = (settings, moves.is_empty()) {
                out.reply = say::news(settings, view, &mut out, (&after, &moves, news));
                out.notice = settings.notice.clone().zip(ended(after.state())).map(|(key, outcome)| Noticed {
                    key,
                    outcome,
                    values: say::values(settings, &after),
                });
            }
            out.orders = Some(with(view, *after));
        }
        Verdict::Conflict(reason) => {
            out.outbox.push(Works { settings, order, now }.call(reason));
        }
        Verdict::Duplicate | Verdict::Denied => {}
    }
    out.about = (!out.reply.is_silent()).then(|| placed(view, order));
    out
}

/// An order of an action that the playbook has no more can be paid back or looked after by a person, but not done.
fn nobody_to_ask(view: &View<'_>, (order, mut out): (&Order, Outcome)) -> Outcome {
    let now = view.moment.now;
    if let Verdict::New { order: after, moves, demands } = judge(order, &Happening::Unclear, now) {
        out.facts.extend(moves.iter().map(|step| moved(&after, step)));
        let works = Works { settings: None, order: &after, now };
        out.outbox.extend(demands.into_iter().filter_map(|demand| works.of(demand, Reason::BusinessSilent)));
        out.reply = say::without_settings(&after);
        out.orders = Some(with(view, *after));
    }
    out
}

fn with(view: &View<'_>, order: Order) -> Orders {
    let mut orders = view.customer.orders.clone();
    orders.put(order);
    orders
}

fn moved(order: &Order, step: &Move) -> FactKind {
    FactKind::OrderMoved {
        order: order.number.clone(),
        action: order.action.clone(),
        amount_fen: order.amount.0,
        from: step.from,
        to: step.to,
        reason: step.reason,
    }
}

/// What a notice calls it, if it tells of it.
fn ended(state: State) -> Option<OrderOutcome> {
    match state {
        State::Done => Some(OrderOutcome::Done),
        State::Failed | State::Refunded => Some(OrderOutcome::Refused),
        State::NeedsPerson => Some(OrderOutcome::Unknown),
        _ => None,
    }
}

/// Looks after an order: what it demands is demanded again, which changes nothing where it is under way.
pub(super) fn look_after(settings: Option<&Settings>, view: &View<'_>, order: &Order) -> Outcome {
    let mut out = Outcome::default();
    if order.is_over() {
        return out;
    }
    let now = view.moment.now;
    let works = Works { settings, order, now };
    let is_past = order.money().is_some_and(|money| money.payable_until <= now);
    match order.demand() {
        Some(Demand::Prepay | Demand::WatchPayment) if is_past => out.outbox.push(works.close(Reason::PaymentExpired)),
        None => {}
        Some(Demand::Fulfil) => out.outbox.extend(works.fulfil_again()),
        Some(demand) => out.outbox.extend(works.of(demand, order.learned.unwrap_or(Reason::Agreed))),
    }
    out.outbox.push(works.keep());
    out
}
