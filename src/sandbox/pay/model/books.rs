//! Everything the platform holds of one merchant, as one value that is saved whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::notices::Pending;
use super::orders::Order;
use super::refunds::Refund;

/// The books of a merchant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Books {
    /// Orders by the merchant's number.
    pub orders: BTreeMap<String, Order>,
    /// Refunds by the merchant's number.
    pub refunds: BTreeMap<String, Refund>,
    /// Every movement of money, oldest first.
    pub flows: Vec<Flow>,
    /// What was paid in before, so that a refund can be more than what came in.
    pub opening_fen: i64,
    pub(super) pending: Vec<Pending>,
    last_number: u64,
    /// Before this nothing happens by itself, so that nobody has to look at every order at every call.
    #[serde(skip)]
    quiet_until: i64,
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its number.
    pub id: String,
    /// When.
    pub at: i64,
    /// The number of the payment or the refund that it is about.
    pub business_id: String,
    /// The merchant's number.
    pub voucher: String,
    /// What it is, in the platform's words.
    pub business: String,
    /// More is in, less is out.
    pub amount_fen: i64,
    /// What the merchant had after it.
    pub balance_fen: i64,
}

impl Books {
    /// What the merchant has.
    pub fn balance_fen(&self) -> i64 {
        self.flows.last().map_or(self.opening_fen, |flow| flow.balance_fen)
    }

    /// A number that was never given before.
    pub(super) fn number(&mut self, now: i64) -> String {
        self.last_number += 1;
        format!("{now:012}{:012}", self.last_number)
    }

    pub(in crate::sandbox::pay) fn book(
        &mut self,
        (amount_fen, business): (i64, &str),
        of: (String, String),
        now: i64,
    ) {
        let flow = Flow {
            id: self.number(now),
            at: now,
            business_id: of.0,
            voucher: of.1,
            business: business.to_owned(),
            amount_fen,
            balance_fen: self.balance_fen() + amount_fen,
        };
        self.flows.push(flow);
    }

    /// What time brings by itself: orders that nobody paid end, refunds come to their result.
    pub fn pass(&mut self, now: i64) {
        if now < self.quiet_until {
            return;
        }
        self.end_orders(now);
        self.settle_refunds(now);
        let orders = self.orders.values().filter_map(Order::ends_at).min();
        self.quiet_until = orders.into_iter().chain(self.next_refund()).min().unwrap_or(i64::MAX);
    }

    /// Something may happen by itself at this moment.
    pub(super) fn wake_by(&mut self, at: i64) {
        self.quiet_until = self.quiet_until.min(at);
    }

    /// In words, what does not add up; nothing, always.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut balance = self.opening_fen;
        for flow in &self.flows {
            balance += flow.amount_fen;
            if flow.balance_fen != balance || balance < 0 {
                faults.push(format!("flow {} leaves {} and not {balance}", flow.id, flow.balance_fen));
            }
        }
        let mut payments: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let mut moved_by: BTreeMap<&str, i64> = BTreeMap::new();
        for flow in &self.flows {
            if flow.business == "交易" {
                payments.entry(&flow.voucher).or_default().push(flow.amount_fen);
            }
            *moved_by.entry(&flow.business_id).or_default() += flow.amount_fen;
        }
        let mut refunded: BTreeMap<&str, i64> = BTreeMap::new();
        for refund in self.refunds.values() {
            *refunded.entry(&refund.out_trade_no).or_default() += refund.held_fen();
        }
        for order in self.orders.values() {
            let paid = payments.remove(order.out_trade_no.as_str()).unwrap_or_default();
            let expected = if order.transaction_id.is_some() { vec![order.total_fen] } else { Vec::new() };
            if paid != expected {
                faults.push(format!("order {} was paid {paid:?}", order.out_trade_no));
            }
            if refunded.get(order.out_trade_no.as_str()).is_some_and(|back| *back > order.total_fen) {
                faults.push(format!("order {} was refunded more than it cost", order.out_trade_no));
            }
        }
        for number in payments.keys() {
            faults.push(format!("{number} was paid and is no order"));
        }
        for refund in self.refunds.values() {
            let moved = moved_by.get(refund.refund_id.as_str()).copied().unwrap_or_default();
            if moved != -refund.held_fen() {
                faults.push(format!("refund {} moved {moved}", refund.out_refund_no));
            }
        }
        faults
    }
}
