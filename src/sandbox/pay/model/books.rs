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
        self.end_orders(now);
        self.settle_refunds(now);
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
        for order in self.orders.values() {
            let paid = self.flows.iter().filter(|f| f.business == "交易" && f.voucher == order.out_trade_no);
            let paid: Vec<i64> = paid.map(|flow| flow.amount_fen).collect();
            let expected = if order.transaction_id.is_some() { vec![order.total_fen] } else { Vec::new() };
            if paid != expected {
                faults.push(format!("order {} was paid {paid:?}", order.out_trade_no));
            }
            if self.refunded_fen(&order.out_trade_no) > order.total_fen {
                faults.push(format!("order {} was refunded more than it cost", order.out_trade_no));
            }
        }
        for refund in self.refunds.values() {
            let moved = self.flows.iter().filter(|flow| flow.business_id == refund.refund_id);
            let moved: i64 = moved.map(|flow| flow.amount_fen).sum();
            if moved != -refund.held_fen() {
                faults.push(format!("refund {} moved {moved}", refund.out_refund_no));
            }
        }
        faults
    }
}
