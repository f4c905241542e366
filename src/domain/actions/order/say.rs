//! What is said of an order: when something happened, and when somebody asks.

use super::super::{Outcome, View, order_page};
use super::DEFAULT;
use super::course::News;
use super::settings::{Order as Settings, Paying, points};
use crate::domain::order::{Move, Order, Payment, Reason, State};
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

/// What texts about an order may use. What is not sold any more has no description.
pub(super) fn values(settings: &Settings, order: &Order) -> Values {
    let description = settings.choice(&order.code).map(|choice| choice.description.as_str()).unwrap_or_default();
    let mut values = Values::from([
        ("label".to_owned(), Value::from(order.label.as_str())),
        ("amount".to_owned(), Value::Fen(order.amount.0)),
        ("description".to_owned(), Value::from(description)),
        ("order".to_owned(), Value::from(order.number.as_str())),
    ]);
    values.extend(points(order.points));
    values
}

fn with_page(order: &Order, mut values: Values) -> Values {
    if let Some(money) = order.money() {
        values.insert("pay_url".to_owned(), Value::from(order_page(order.number.as_str())));
        values.insert("until".to_owned(), Value::from(money.payable_until.to_minutes()));
    }
    values
}

/// What is said now that an order moved. What became of a customer's money is never passed over in silence: where a text
/// cannot be filled, they read how it stands.
pub(super) fn news(
    settings: &Settings,
    view: &View<'_>,
    out: &mut Outcome,
    (order, moves, news): (&Order, &[Move], &News),
) -> Reply {
    let mut all = with_page(order, values(settings, order));
    // What the customer agreed to stands; the business system adds to it.
    for (name, value) in &news.fields {
        all.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let Some(last) = moves.last() else { return Reply::Silent };
    let texts = texts(settings, order, (last, news));
    let lines: Vec<String> = texts.into_iter().map(|text| out.fill(text, &all)).collect();
    let text = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    if text.is_empty() { standing(settings, view, out, order) } else { Reply::Text(text) }
}

fn texts<'s>(settings: &'s Settings, order: &Order, (last, news): (&Move, &News)) -> Vec<&'s Template> {
    let paying = || settings.paying.as_ref().filter(|_| order.money().is_some());
    let refused = || {
        let code = news.code.as_deref().unwrap_or(DEFAULT);
        settings.refused.get(code).or_else(|| settings.refused.get(DEFAULT))
    };
    let is_refused = last.reason == Reason::BusinessRefused;
    match last.to {
        State::Done if last.reason == Reason::BusinessDid && !news.fields.is_empty() => vec![&settings.receipt],
        State::Done if last.reason == Reason::BusinessDid && settings.receipt_needs_no_fields() => {
            vec![&settings.receipt]
        }
        State::Failed if last.reason == Reason::CustomerCancelled => vec![&settings.cancelled],
        State::Failed if last.reason == Reason::PaymentRefused => paying().map(Paying::unpayable).into_iter().collect(),
        State::Failed if is_refused => refused().into_iter().collect(),
        State::Refunding if is_refused => refused().into_iter().chain(paying().map(|it| &it.refunding)).collect(),
        State::NeedsPerson => vec![&settings.unknown],
        State::Fulfilling if order.money().is_none() => vec![&settings.placed],
        State::Confirmed => vec![&settings.placed],
        _ => vec![of_state(settings, order)],
    }
}

/// What became of an order whose action is not in the playbook any more: nobody is left without a word about their money.
pub(super) fn without_settings(order: &Order) -> Reply {
    let (label, amount, number) = (&order.label, order.amount, &order.number);
    let money = if order.paid().is_some() { "，款项会核对清楚" } else { "" };
    let text = match order.state() {
        State::Done => format!("您订的 {label} 已经办好了。订单号 {number}"),
        State::Failed => format!("您订的 {label} 没有办成，也没有收您的钱。订单号 {number}"),
        State::Refunding => format!("您订的 {label} 没有办成，付的钱正在退回，请留意微信的退款通知。订单号 {number}"),
        State::Refunded => format!("您订的 {label} 没有办成，付的钱已经退回。订单号 {number}"),
        State::NeedsPerson => {
            format!("您订的 {label}（{amount} 元）由工作人员核实{money}，有结果会告诉您。订单号 {number}")
        }
        State::Draft | State::Confirmed | State::AwaitingPayment | State::Paid | State::Fulfilling => {
            return Reply::Silent;
        }
    };
    Reply::Text(text)
}

/// How an order stands, for whoever asks.
pub(super) fn standing(settings: &Settings, view: &View<'_>, out: &mut Outcome, order: &Order) -> Reply {
    view.text(out, of_state(settings, order), &with_page(order, values(settings, order)))
}

fn of_state<'s>(settings: &'s Settings, order: &Order) -> &'s Template {
    let standing = &settings.standing;
    match (order.state(), &order.payment, &settings.paying) {
        (State::AwaitingPayment, Payment::ByWeChat(_), Some(paying)) => &paying.payable,
        (State::Paid | State::Fulfilling, Payment::ByWeChat(_), Some(paying)) => &paying.paid,
        (State::Failed, Payment::ByWeChat(_), Some(paying)) => &paying.unpaid,
        (State::Refunding, _, Some(paying)) => &paying.refunding,
        (State::Refunded, _, Some(paying)) => &paying.refunded,
        (State::Draft | State::Confirmed | State::AwaitingPayment | State::Paid | State::Fulfilling, ..) => {
            &standing.placed
        }
        (State::Done, ..) => &standing.done,
        (State::Failed | State::Refunded, ..) => &standing.refused,
        (State::Refunding | State::NeedsPerson, ..) => &standing.unknown,
    }
}

impl Paying {
    fn unpayable(&self) -> &Template {
        self.unpayable.as_ref().unwrap_or(&self.unpaid)
    }
}

impl Settings {
    /// Whether the receipt can be filled by what is known of the order alone.
    fn receipt_needs_no_fields(&self) -> bool {
        let own = ["label", "amount", "points", "description", "order"];
        self.receipt.placeholders().iter().all(|name| own.contains(&name.as_str()))
    }
}
