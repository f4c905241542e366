//! Refunds: asked for, on their way, ended (platform.md 6.5).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::books::Books;
use super::fault::Fault;
use super::orders::{Order, State, is_number};
use crate::sandbox::pay::clock::write_time;

/// A payment can be refunded for so long.
const YEAR_SECS: i64 = 365 * 86_400;
/// Partial refunds of one order.
const MOST_PARTS: usize = 50;
/// Between two of them.
const APART_SECS: i64 = 60;
/// What nobody says otherwise takes so long.
pub(super) const USUAL_SECS: i64 = 3;

/// What came of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RefundState {
    /// On its way.
    Processing,
    /// The customer has the money.
    Success,
    /// It was closed; the merchant has the money again.
    Closed,
    /// The customer's account does not take it.
    Abnormal,
}

/// How a refund is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    #[default]
    Success,
    /// Closed.
    Closed,
    /// Abnormal.
    Abnormal,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The merchant's number.
    pub out_refund_no: String,
    /// The platform's.
    pub refund_id: String,
    /// Of which order.
    pub out_trade_no: String,
    /// The platform's number of the payment.
    pub transaction_id: String,
    /// How much.
    pub refund_fen: i64,
    /// What the order cost.
    pub total_fen: i64,
    /// What came of it.
    pub state: RefundState,
    /// When it was asked for.
    pub created_at: i64,
    /// When it came to its end.
    pub ended_at: Option<i64>,
    reason: String,
    notify_url: Option<String>,
    due_at: i64,
    outcome: Outcome,
}

impl Refund {
    /// A refund of a whole order that somebody made at the platform, and that is back.
    pub(super) fn by_hand(order: &Order, out_refund_no: &str, at: i64) -> Self {
        Self {
            out_refund_no: out_refund_no.to_owned(),
            refund_id: format!("5030{:024}", 7),
            out_trade_no: order.out_trade_no.clone(),
            transaction_id: order.transaction_id.clone().unwrap_or_default(),
            refund_fen: order.total_fen,
            total_fen: order.total_fen,
            state: RefundState::Success,
            created_at: at,
            ended_at: Some(at),
            reason: String::new(),
            notify_url: None,
            due_at: at,
            outcome: Outcome::Success,
        }
    }

    /// What the merchant no longer has because of it.
    pub(super) fn held_fen(&self) -> i64 {
        if self.state == RefundState::Closed { 0 } else { self.refund_fen }
    }

    fn common(&self) -> Value {
        json!({
            "refund_id": self.refund_id, "out_refund_no": self.out_refund_no, "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no, "user_received_account": "支付用户零钱",
            "amount": {
                "total": self.total_fen, "refund": self.refund_fen, "payer_total": self.total_fen,
                "payer_refund": self.refund_fen,
            },
        })
    }

    fn with(&self, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let mut told = self.common();
        if let Some(fields) = told.as_object_mut() {
            fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
            if let (Some(at), RefundState::Success) = (self.ended_at, self.state) {
                fields.insert("success_time".into(), json!(write_time(at)));
            }
        }
        told
    }

    /// What an answer says of it.
    pub fn answered(&self) -> Value {
        let more = [
            ("channel", json!("ORIGINAL")),
            ("create_time", json!(write_time(self.created_at))),
            ("status", json!(self.state)),
        ];
        let mut told = self.with(more);
        if let Some(amount) = told.get_mut("amount").and_then(Value::as_object_mut) {
            amount.insert("currency".into(), json!("CNY"));
        }
        told
    }

    /// What a notification says of it.
    fn told(&self) -> Value {
        self.with([("refund_status", json!(self.state))])
    }
}

impl Books {
    /// What went back of an order, or is on its way.
    pub(super) fn refunded_fen(&self, out_trade_no: &str) -> i64 {
        self.refunds.values().filter(|refund| refund.out_trade_no == out_trade_no).map(Refund::held_fen).sum()
    }

    /// Takes a refund, or tells of the same one again.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn refund(&mut self, request: &Value, (secs, outcome): (i64, Outcome), now: i64) -> Result<Refund, Fault> {
        self.pass(now);
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        let amount = |name: &str| request.get("amount")?.get(name)?.as_i64();
        let out_refund_no = text("out_refund_no");
        let (refund_fen, total_fen) = (amount("refund").unwrap_or(0), amount("total").unwrap_or(0));
        if !is_number(out_refund_no, 1..=64) || refund_fen <= 0 || text("reason").chars().count() > 80 {
            return Err(Fault::parameter("退款参数不符合规则"));
        }
        let order = self.orders.values().find(|order| {
            let by_theirs = order.transaction_id.as_deref() == Some(text("transaction_id"));
            by_theirs || order.out_trade_no == text("out_trade_no")
        });
        let order = order.ok_or(Fault::missing())?.clone();
        if let Some(known) = self.refunds.get(out_refund_no) {
            let asked = (&order.out_trade_no, refund_fen, total_fen);
            let is_same = (&known.out_trade_no, known.refund_fen, known.total_fen) == asked;
            return if is_same {
                Ok(known.clone())
            } else {
                Err(Fault::invalid("退款单号已用于另一笔退款"))
            };
        }
        let (Some(transaction_id), Some(paid_at)) = (order.transaction_id.clone(), order.paid_at) else {
            return Err(Fault::invalid("订单未支付"));
        };
        if total_fen != order.total_fen {
            return Err(Fault::parameter("订单金额不一致"));
        }
        let parts: Vec<&Refund> =
            self.refunds.values().filter(|refund| refund.out_trade_no == order.out_trade_no).collect();
        if now - paid_at > YEAR_SECS || parts.len() >= MOST_PARTS {
            return Err(Fault::invalid("订单不能再退款"));
        }
        if self.refunded_fen(&order.out_trade_no) + refund_fen > total_fen {
            return Err(Fault::invalid("累计退款金额大于支付金额"));
        }
        if parts.iter().any(|part| (now - part.created_at) < APART_SECS) {
            return Err(Fault::new(429, "FREQUENCY_LIMITED", "同一订单两次退款要间隔 1 分钟"));
        }
        if self.balance_fen() < refund_fen {
            return Err(Fault::new(403, "NOT_ENOUGH", "基本账户余额不足"));
        }
        let refund = Refund {
            out_refund_no: out_refund_no.to_owned(),
            refund_id: format!("5030{}", self.number(now)),
            out_trade_no: order.out_trade_no.clone(),
            transaction_id,
            refund_fen,
            total_fen,
            state: RefundState::Processing,
            created_at: now,
            ended_at: None,
            reason: text("reason").to_owned(),
            notify_url: Some(text("notify_url")).filter(|url| !url.is_empty()).map(str::to_owned),
            due_at: now + secs,
            outcome,
        };
        self.book((-refund_fen, "退款"), (refund.refund_id.clone(), refund.out_refund_no.clone()), now);
        if let Some(order) = self.orders.get_mut(&order.out_trade_no) {
            order.state = State::Refund;
        }
        self.wake_by(refund.due_at);
        self.refunds.insert(refund.out_refund_no.clone(), refund.clone());
        Ok(refund)
    }

    /// A refund by the merchant's number.
    ///
    /// # Errors
    /// [`Fault`] when there is none.
    pub fn refund_of(&mut self, out_refund_no: &str, now: i64) -> Result<&Refund, Fault> {
        self.pass(now);
        self.refunds.get(out_refund_no).ok_or(Fault::missing())
    }

    /// When the next refund comes to its end.
    pub(super) fn next_refund(&self) -> Option<i64> {
        let open = self.refunds.values().filter(|refund| refund.state == RefundState::Processing);
        open.map(|refund| refund.due_at).min()
    }

    pub(super) fn settle_refunds(&mut self, now: i64) {
        let is_due = |refund: &&mut Refund| refund.state == RefundState::Processing && refund.due_at <= now;
        let mut ended = Vec::new();
        for refund in self.refunds.values_mut().filter(is_due) {
            refund.state = match refund.outcome {
                Outcome::Success => RefundState::Success,
                Outcome::Closed => RefundState::Closed,
                Outcome::Abnormal => RefundState::Abnormal,
            };
            refund.ended_at = Some(refund.due_at);
            ended.push(refund.clone());
        }
        ended.sort_by_key(|refund| refund.due_at);
        for refund in ended {
            let event = match refund.state {
                RefundState::Closed => {
                    let of = (refund.refund_id.clone(), refund.out_refund_no.clone());
                    self.book((refund.refund_fen, "退款关闭"), of, now);
                    let is_refunded = self.refunded_fen(&refund.out_trade_no) > 0;
                    if let Some(order) = self.orders.get_mut(&refund.out_trade_no).filter(|_| !is_refunded) {
                        order.state = State::Success;
                    }
                    ("REFUND.CLOSED", "退款关闭")
                }
                RefundState::Abnormal => ("REFUND.ABNORMAL", "退款异常"),
                _ => ("REFUND.SUCCESS", "退款成功"),
            };
            let of_order = self.orders.get(&refund.out_trade_no).map(|order| order.notify_url.clone());
            if let Some(url) = refund.notify_url.clone().or(of_order) {
                self.tell(event, (&url, refund.told()), now);
            }
        }
    }
}
