//! The bills of a day, written from the books.

use super::books::Books;
use super::fault::Fault;
use crate::sandbox::pay::clock::{day, in_bill};

/// Bills of a day are there on the next, at ten.
const WRITTEN_AFTER_SECS: i64 = 10 * 3600;

const TRADE_HEAD: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,\
    代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const TRADE_TOTALS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const FUND_HEAD: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号";
const FUND_TOTALS: &str = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn line<const N: usize>(values: [&str; N]) -> String {
    // A backtick within would end a value.
    let clean = values.map(|value| value.replace(['`', '\n', '\r'], " "));
    format!("`{}\r\n", clean.join(",`"))
}

impl Books {
    /// The trade bill of a day, written `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`Fault`] when there is none, or none yet.
    pub fn trade_bill(&mut self, (mchid, app_id): (&str, &str), date: &str, now: i64) -> Result<String, Fault> {
        let (start, end) = self.days(date, now)?;
        let within = |at: i64| (start..end).contains(&at);
        let mut lines = Vec::new();
        let (mut ordered, mut refunded) = (0, 0);
        for order in self.orders.values() {
            let (Some(at), Some(id)) = (order.paid_at.filter(|at| within(*at)), &order.transaction_id) else {
                continue;
            };
            ordered += order.total_fen;
            let total = yuan(order.total_fen);
            let row = line([
                &in_bill(at),
                app_id,
                mchid,
                "0",
                "",
                id,
                &order.out_trade_no,
                &order.openid,
                "JSAPI",
                "SUCCESS",
                "OTHERS",
                "CNY",
                &total,
                "0.00",
                "0",
                "0",
                "0.00",
                "0.00",
                "",
                "",
                &order.description,
                &order.attach,
                "0.00000",
                "0.00%",
                &total,
                "0.00",
                "",
            ]);
            lines.push((at, row));
        }
        for refund in self.refunds.values().filter(|refund| within(refund.created_at) && refund.held_fen() > 0) {
            let Some(order) = self.orders.get(&refund.out_trade_no) else { continue };
            refunded += refund.refund_fen;
            let (back, state) = (yuan(refund.refund_fen), format!("{:?}", refund.state).to_uppercase());
            let row = line([
                &in_bill(refund.created_at),
                app_id,
                mchid,
                "0",
                "",
                &refund.transaction_id,
                &order.out_trade_no,
                &order.openid,
                "JSAPI",
                "REFUND",
                "OTHERS",
                "CNY",
                "0.00",
                "0.00",
                &refund.refund_id,
                &refund.out_refund_no,
                &back,
                "0.00",
                "ORIGINAL",
                &state,
                &order.description,
                &order.attach,
                "0.00000",
                "0.00%",
                "0.00",
                &back,
                "",
            ]);
            lines.push((refund.created_at, row));
        }
        if lines.is_empty() {
            return Err(Fault::no_bill());
        }
        lines.sort();
        let (count, ordered, refunded) = (lines.len().to_string(), yuan(ordered), yuan(refunded));
        let totals = line([&count, &ordered, &refunded, "0.00", "0.00000", &ordered, &refunded]);
        let rows: String = lines.into_iter().map(|(_, row)| row).collect();
        Ok(format!("\u{feff}{TRADE_HEAD}\r\n{rows}{TRADE_TOTALS}\r\n{totals}"))
    }

    /// The fund-flow bill of a day, written `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`Fault`] when there is none, or none yet.
    pub fn fund_bill(&mut self, date: &str, now: i64) -> Result<String, Fault> {
        let (start, end) = self.days(date, now)?;
        let flows: Vec<_> = self.flows.iter().filter(|flow| (start..end).contains(&flow.at)).collect();
        if flows.is_empty() {
            return Err(Fault::no_bill());
        }
        let (mut inward, mut outward) = ((0, 0), (0, 0));
        let mut rows = String::new();
        for flow in flows {
            let (sum, side) = if flow.amount_fen > 0 { (&mut inward, "收入") } else { (&mut outward, "支出") };
            *sum = (sum.0 + 1, sum.1 + flow.amount_fen.abs());
            let (amount, balance) = (yuan(flow.amount_fen.abs()), yuan(flow.balance_fen));
            rows.push_str(&line([
                &in_bill(flow.at),
                &flow.business_id,
                &flow.id,
                &flow.business,
                &flow.business,
                side,
                &amount,
                &balance,
                "system",
                "",
                &flow.voucher,
            ]));
        }
        let counts = [inward.0 + outward.0, inward.0, outward.0].map(|count: i64| count.to_string());
        let [all, ins, outs] = counts.each_ref().map(String::as_str);
        let totals = line([all, ins, &yuan(inward.1), outs, &yuan(outward.1)]);
        Ok(format!("\u{feff}{FUND_HEAD}\r\n{rows}{FUND_TOTALS}\r\n{totals}"))
    }

    fn days(&mut self, date: &str, now: i64) -> Result<(i64, i64), Fault> {
        self.pass(now);
        let (start, end) = day(date).ok_or(Fault::parameter("bill_date 不是日期"))?;
        if now < end {
            return Err(Fault::no_bill());
        }
        if now < end + WRITTEN_AFTER_SECS {
            return Err(Fault::new(400, "STATEMENT_CREATING", "账单生成中，请十点以后再来"));
        }
        Ok((start, end))
    }
}
