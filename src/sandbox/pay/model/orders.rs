//! Orders: made, paid by a customer, closed, ended by time (platform.md 6.3).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::books::Books;
use super::fault::Fault;
use crate::sandbox::pay::clock::{read_time, write_time};

/// A prepay id is good for so long.
const PREPAY_SECS: i64 = 2 * 3600;

/// What came of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Nobody has paid.
    NotPay,
    /// The customer is typing the password.
    UserPaying,
    /// Paid.
    Success,
    /// Paid, and money went back or is on its way.
    Refund,
    /// Closed.
    Closed,
    /// The bank said no.
    PayError,
}

/// What a customer does on the pay page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Opens it and begins to type.
    Begin,
    /// Pays.
    Pay,
    /// Goes away.
    Cancel,
    /// Has no money.
    NoMoney,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The merchant's number.
    pub out_trade_no: String,
    /// What the customer reads.
    pub description: String,
    /// What it costs.
    pub total_fen: i64,
    /// Who may pay.
    pub openid: String,
    /// Where the notification goes.
    pub notify_url: String,
    /// What the merchant gave it on its way.
    pub attach: String,
    /// When it ends, if it does by itself.
    pub expires_at: Option<i64>,
    /// What came of it.
    pub state: State,
    /// The platform's number, once it was paid.
    pub transaction_id: Option<String>,
    /// When it was paid.
    pub paid_at: Option<i64>,
    prepay_id: String,
    prepaid_at: i64,
}

impl Books {
    /// Makes an order of a request, or gives the same order its prepay id again.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn prepay(&mut self, merchant: (&str, &str), request: &Value, now: i64) -> Result<String, Fault> {
        self.pass(now);
        let mut asked = read(merchant, request)?;
        match self.orders.get_mut(&asked.out_trade_no) {
            None => {
                if asked.expires_at.is_some_and(|at| at <= now) {
                    return Err(Fault::parameter("订单失效时间已过"));
                }
                asked.prepay_id = format!("wx{}", self.number(now));
                asked.prepaid_at = now;
                let prepay_id = asked.prepay_id.clone();
                self.wake_by(asked.expires_at.unwrap_or(i64::MAX));
                self.orders.insert(asked.out_trade_no.clone(), asked);
                Ok(prepay_id)
            }
            Some(known) => match known.state {
                State::Success | State::Refund => Err(Fault::new(400, "ORDERPAID", "订单已支付")),
                State::Closed => Err(Fault::new(400, "ORDER_CLOSED", "订单已关闭")),
                _ if !known.is_same(&asked) => Err(Fault::new(403, "OUT_TRADE_NO_USED", "商户订单号重复")),
                _ => {
                    known.prepaid_at = now;
                    Ok(known.prepay_id.clone())
                }
            },
        }
    }

    /// An order by the merchant's number, or by the platform's.
    ///
    /// # Errors
    /// [`Fault`] when there is none.
    pub fn order(&mut self, number: Number<'_>, now: i64) -> Result<&Order, Fault> {
        self.pass(now);
        let found = match number {
            Number::Ours(number) => self.orders.get(number),
            Number::Theirs(number) => self.orders.values().find(|o| o.transaction_id.as_deref() == Some(number)),
        };
        found.ok_or(Fault::no_order())
    }

    /// Closes an order that nobody paid.
    ///
    /// # Errors
    /// [`Fault`] when somebody did, or there is none.
    pub fn close(&mut self, out_trade_no: &str, now: i64) -> Result<(), Fault> {
        self.pass(now);
        let order = self.orders.get_mut(out_trade_no).ok_or(Fault::no_order())?;
        match order.state {
            State::Success | State::Refund => Err(Fault::new(400, "ORDERPAID", "订单已支付")),
            State::UserPaying => Err(Fault::new(403, "TRADE_ERROR", "用户支付中")),
            State::NotPay | State::PayError | State::Closed => {
                order.state = State::Closed;
                Ok(())
            }
        }
    }

    /// What a customer does with a prepay id; how the order stands then.
    ///
    /// # Errors
    /// In the words that the phone shows.
    pub fn act(&mut self, of: (&str, &str), act: Act, now: i64) -> Result<State, &'static str> {
        let number = self.payable(of, now)?.out_trade_no.clone();
        self.act_on((&number, of.1), act, now)
    }

    /// The same by the merchant's number, as of somebody who has the order's page open.
    ///
    /// # Errors
    /// In the words that the phone shows.
    pub fn act_on(&mut self, of: (&str, &str), act: Act, now: i64) -> Result<State, &'static str> {
        self.pass(now);
        if matches!(act, Act::Cancel | Act::NoMoney) {
            // What was let be while it was in the customer's hands may be over now.
            self.wake_by(now);
        }
        let order = self.orders.get_mut(of.0).ok_or("订单不存在")?.payable_by(of.1, now)?;
        match act {
            Act::Begin => order.state = State::UserPaying,
            Act::Cancel => order.state = State::NotPay,
            Act::NoMoney => order.state = State::PayError,
            Act::Pay => {
                let number = order.out_trade_no.clone();
                self.paid(&number, now);
                return Ok(State::Success);
            }
        }
        Ok(order.state)
    }

    /// The order that this prepay id lets this customer pay.
    ///
    /// # Errors
    /// In the words that the phone shows.
    pub fn payable(&mut self, (prepay_id, openid): (&str, &str), now: i64) -> Result<&mut Order, &'static str> {
        self.pass(now);
        let found = self.orders.values_mut().find(|order| order.prepay_id == prepay_id);
        found.ok_or("下单账号与支付账号不一致")?.payable_by(openid, now)
    }

    fn paid(&mut self, out_trade_no: &str, now: i64) {
        let transaction_id = format!("4200{}", self.number(now));
        let Some(order) = self.orders.get_mut(out_trade_no) else { return };
        order.state = State::Success;
        order.transaction_id = Some(transaction_id.clone());
        order.paid_at = Some(now);
        let order = order.clone();
        self.book((order.total_fen, "交易"), (transaction_id, order.out_trade_no.clone()), now);
        self.tell(("TRANSACTION.SUCCESS", "支付成功"), (&order.notify_url, order.told()), now);
    }

    pub(super) fn end_orders(&mut self, now: i64) {
        for order in self.orders.values_mut() {
            if order.ends_at().is_some_and(|at| at <= now) {
                order.state = State::Closed;
            }
        }
    }
}

/// Which order is meant.
#[derive(Clone, Copy, Debug)]
pub enum Number<'a> {
    /// By the merchant's number.
    Ours(&'a str),
    /// By the platform's.
    Theirs(&'a str),
}

impl Order {
    fn payable_by(&mut self, openid: &str, now: i64) -> Result<&mut Self, &'static str> {
        if self.openid != openid {
            return Err("下单账号与支付账号不一致");
        }
        if now - self.prepaid_at >= PREPAY_SECS {
            return Err("prepay_id 已过期");
        }
        match self.state {
            State::Closed => Err("订单已关闭"),
            State::Success | State::Refund => Err("订单已支付"),
            State::NotPay | State::UserPaying | State::PayError => Ok(self),
        }
    }

    /// When it ends by itself if nobody pays, as far as it does. Whoever is typing the password may finish.
    pub(super) fn ends_at(&self) -> Option<i64> {
        self.expires_at.filter(|_| matches!(self.state, State::NotPay | State::PayError))
    }

    fn is_same(&self, asked: &Self) -> bool {
        let particulars = |order: &Self| {
            let Order { description, total_fen, openid, notify_url, attach, expires_at, .. } = order.clone();
            (description, total_fen, openid, notify_url, attach, expires_at)
        };
        particulars(self) == particulars(asked)
    }

    /// What a query and a notification say of it; the merchant is added by whoever says it.
    pub fn told(&self) -> Value {
        let words = match self.state {
            State::NotPay => "订单未支付",
            State::UserPaying => "用户支付中",
            State::Success => "支付成功",
            State::Refund => "订单发生过退款",
            State::Closed => "订单已关闭",
            State::PayError => "支付失败",
        };
        let mut told = json!({
            "out_trade_no": self.out_trade_no, "attach": self.attach, "trade_state": self.state,
            "trade_state_desc": words, "payer": {}, "amount": {"payer_currency": "CNY"},
        });
        if let (Some(id), Some(at), Some(fields)) = (&self.transaction_id, self.paid_at, told.as_object_mut()) {
            let total = self.total_fen;
            fields.extend([
                ("transaction_id".to_owned(), json!(id)),
                ("trade_type".to_owned(), json!("JSAPI")),
                ("bank_type".to_owned(), json!("OTHERS")),
                ("success_time".to_owned(), json!(write_time(at))),
                ("payer".to_owned(), json!({ "openid": self.openid })),
                ("promotion_detail".to_owned(), json!([])),
                (
                    "amount".to_owned(),
                    json!({ "total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY" }),
                ),
            ]);
        }
        told
    }
}

/// Whether a text is a number that the platform takes.
pub(super) fn is_number(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-|*@".contains(&b))
}

fn read((mchid, app_id): (&str, &str), request: &Value) -> Result<Order, Fault> {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/appid") != app_id {
        return Err(Fault::new(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配"));
    }
    if text("/mchid") != mchid {
        return Err(Fault::parameter("mchid 与签名的商户号不一致"));
    }
    let out_trade_no = text("/out_trade_no");
    if !is_number(out_trade_no, 6..=32) || out_trade_no.contains('@') {
        return Err(Fault::parameter("out_trade_no 不符合规则"));
    }
    if !(1..=127).contains(&text("/description").chars().count()) {
        return Err(Fault::parameter("description 要有 1 到 127 个字符"));
    }
    if text("/attach").chars().count() > 128 {
        return Err(Fault::parameter("attach 最多 128 个字符"));
    }
    let notify_url = text("/notify_url");
    // https on the real platform; the sandbox stays on this machine.
    if !notify_url.starts_with("http") || notify_url.contains('?') || notify_url.len() > 255 {
        return Err(Fault::parameter("notify_url 不符合规则"));
    }
    let total = request.pointer("/amount/total").and_then(Value::as_i64).unwrap_or(0);
    let currency = request.pointer("/amount/currency").and_then(Value::as_str).unwrap_or("CNY");
    if !(1..=100_000_000_000).contains(&total) || currency != "CNY" {
        return Err(Fault::parameter("amount 不符合规则"));
    }
    if text("/payer/openid").is_empty() {
        return Err(Fault::parameter("缺少 payer.openid"));
    }
    let expires_at = match request.get("time_expire") {
        None => None,
        Some(time) => Some(time.as_str().and_then(read_time).ok_or(Fault::parameter("time_expire 不是时间"))?),
    };
    Ok(Order {
        out_trade_no: out_trade_no.to_owned(),
        description: text("/description").to_owned(),
        total_fen: total,
        openid: text("/payer/openid").to_owned(),
        notify_url: notify_url.to_owned(),
        attach: text("/attach").to_owned(),
        expires_at,
        state: State::NotPay,
        transaction_id: None,
        paid_at: None,
        prepay_id: String::new(),
        prepaid_at: 0,
    })
}
