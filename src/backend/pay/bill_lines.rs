//! The lines of a bill: a head, rows, a second head, the totals. Every value begins with a backtick, so that no
//! spreadsheet makes a number of it. Columns are found by name: the platform adds new ones.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use crate::domain::ids::Openid;
use crate::domain::pay::Fen;
use crate::domain::time::UnixSecs;

/// Why a bill cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillFault {
    /// A column that we need is not there.
    #[error("line {line}: there is no column {column}")]
    Column {
        /// From 1.
        line: usize,
        /// Its name.
        column: &'static str,
    },
    /// A value is none.
    #[error("line {line}: {column} cannot be read")]
    Value {
        /// From 1.
        line: usize,
        /// Its name.
        column: &'static str,
    },
    /// It ends before its totals.
    #[error("the bill ends before its totals")]
    Short,
    /// Something follows the totals.
    #[error("line {line}: something follows the totals")]
    Long {
        /// From 1.
        line: usize,
    },
    /// Totals that are not those of the rows.
    #[error("the totals are not those of the rows: {0}")]
    Totals(&'static str),
}

/// What happened to an order on the day of the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TradeKind {
    /// It was paid.
    Paid,
    /// Money was asked back.
    Refunded,
    /// It was withdrawn.
    Revoked,
    /// A word that we do not know.
    Unknown,
}

/// A row of the trade bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// When.
    pub at: UnixSecs,
    /// What.
    pub kind: TradeKind,
    /// Our number of the order.
    pub out_trade_no: String,
    /// The platform's number of the payment.
    pub transaction_id: String,
    /// Who paid.
    pub payer: Openid,
    /// What the order cost; nothing in the row of a refund.
    pub total: Fen,
    /// The part of it that is settled with the merchant.
    pub settled: Fen,
    /// In the row of a refund.
    pub refund: Option<TradeRefund>,
    /// The platform's fee, in thousandths of a fen; negative when given back.
    pub fee_milli_fen: i64,
    /// What the order was given on its way.
    pub attach: String,
}

/// The refund of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRefund {
    /// Our number.
    pub out_refund_no: String,
    /// The platform's.
    pub refund_id: String,
    /// How much was asked for.
    pub asked: Fen,
    /// How much of it was settled money.
    pub refunded: Fen,
    /// The platform's word for its state.
    pub state: String,
}

/// The totals of the trade bill, which the rows agree with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TradeTotals {
    /// Rows.
    pub rows: i64,
    /// Of the orders.
    pub total: Fen,
    /// Of what is settled.
    pub settled: Fen,
    /// Of the settled money that went back.
    pub refunded: Fen,
    /// Of what was asked back.
    pub asked: Fen,
    /// Of the fees, in thousandths of a fen.
    pub fee_milli_fen: i64,
}

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// To the merchant.
    In,
    /// From the merchant.
    Out,
}

/// A row of the fund-flow bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundRow {
    /// When it was booked.
    pub at: UnixSecs,
    /// The platform's number of what it is about: a payment, a refund.
    pub business_id: String,
    /// The platform's number of this movement.
    pub flow_id: String,
    /// What it was, in the platform's words.
    pub business: String,
    /// Which way.
    pub side: Side,
    /// How much.
    pub amount: Fen,
    /// What the merchant had then.
    pub balance: Fen,
    /// Our number, as far as the platform says it.
    pub voucher: String,
}

/// The totals of the fund-flow bill, which the rows agree with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FundTotals {
    /// Rows.
    pub rows: i64,
    /// Rows that came in.
    pub in_rows: i64,
    /// How much came in.
    pub in_sum: Fen,
    /// Rows that went out.
    pub out_rows: i64,
    /// How much went out.
    pub out_sum: Fen,
}

/// A kind of bill.
pub(super) trait Bill {
    type Row;
    type Totals: Copy + Default;
    /// Reads a row.
    fn row(line: &Line<'_>) -> Result<Self::Row, BillFault>;
    /// The totals with a row; `None` when a sum cannot be held.
    fn with(totals: Self::Totals, row: &Self::Row) -> Option<Self::Totals>;
    /// What the bill says must be what its rows say.
    fn agrees(line: &Line<'_>, rows: Self::Totals) -> Result<(), BillFault>;
}

/// The trade bill.
pub(super) struct Trades;
/// The fund-flow bill.
pub(super) struct Funds;

/// A line under its head.
pub(super) struct Line<'a> {
    number: usize,
    head: &'a BTreeMap<String, usize>,
    values: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn text(&self, column: &'static str) -> Result<&'a str, BillFault> {
        let at = self.head.get(column).ok_or(BillFault::Column { line: self.number, column })?;
        self.values.get(*at).copied().ok_or(BillFault::Value { line: self.number, column })
    }

    fn read<T>(&self, column: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, BillFault> {
        read(self.text(column)?).ok_or(BillFault::Value { line: self.number, column })
    }

    fn fen(&self, column: &'static str) -> Result<Fen, BillFault> {
        self.read(column, |text| {
            let milli = milli_fen(text)?;
            (milli % 1000 == 0).then_some(Fen(milli / 1000))
        })
    }

    fn count(&self, column: &'static str) -> Result<i64, BillFault> {
        self.read(column, |text| text.parse().ok())
    }

    fn time(&self, column: &'static str) -> Result<UnixSecs, BillFault> {
        self.read(column, |text| {
            let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?;
            Some(UnixSecs(local.and_utc().timestamp() - 8 * 3600))
        })
    }
}

/// Yuan with any number of digits, as thousandths of a fen: exact, or nothing.
fn milli_fen(text: &str) -> Option<i64> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let part = part.trim_end_matches('0');
    if part.len() > 5 {
        return None;
    }
    let part: i64 = format!("{part:0<5}").parse().ok()?;
    let sum = whole.parse::<i64>().ok()?.checked_mul(100_000)?.checked_add(part)?;
    Some(if is_negative { -sum } else { sum })
}

fn same<T: PartialEq>(said: T, rows: T, what: &'static str) -> Result<(), BillFault> {
    if said == rows { Ok(()) } else { Err(BillFault::Totals(what)) }
}

impl Bill for Trades {
    type Row = TradeRow;
    type Totals = TradeTotals;

    fn row(line: &Line<'_>) -> Result<TradeRow, BillFault> {
        let kind = match line.text("交易状态")? {
            "SUCCESS" => TradeKind::Paid,
            "REFUND" => TradeKind::Refunded,
            "REVOKED" => TradeKind::Revoked,
            _ => TradeKind::Unknown,
        };
        let refund = if kind == TradeKind::Refunded {
            Some(TradeRefund {
                out_refund_no: line.text("商户退款单号")?.to_owned(),
                refund_id: line.text("微信退款单号")?.to_owned(),
                asked: line.fen("申请退款金额")?,
                refunded: line.fen("退款金额")?,
                state: line.text("退款状态")?.to_owned(),
            })
        } else {
            None
        };
        Ok(TradeRow {
            at: line.time("交易时间")?,
            kind,
            out_trade_no: line.text("商户订单号")?.to_owned(),
            transaction_id: line.text("微信订单号")?.to_owned(),
            payer: Openid::new(line.text("用户标识")?),
            total: line.fen("订单金额")?,
            settled: line.fen("应结订单金额")?,
            refund,
            fee_milli_fen: line.read("手续费", milli_fen)?,
            attach: line.text("商户数据包")?.to_owned(),
        })
    }

    fn with(totals: TradeTotals, row: &TradeRow) -> Option<TradeTotals> {
        let (asked, refunded) = row.refund.as_ref().map_or((Fen(0), Fen(0)), |refund| (refund.asked, refund.refunded));
        Some(TradeTotals {
            rows: totals.rows + 1,
            total: totals.total.plus(row.total)?,
            settled: totals.settled.plus(row.settled)?,
            refunded: totals.refunded.plus(refunded)?,
            asked: totals.asked.plus(asked)?,
            fee_milli_fen: totals.fee_milli_fen.checked_add(row.fee_milli_fen)?,
        })
    }

    fn agrees(line: &Line<'_>, rows: TradeTotals) -> Result<(), BillFault> {
        same(line.count("总交易单数")?, rows.rows, "总交易单数")?;
        same(line.fen("应结订单总金额")?, rows.settled, "应结订单总金额")?;
        same(line.fen("退款总金额")?, rows.refunded, "退款总金额")?;
        same(line.read("手续费总金额", milli_fen)?, rows.fee_milli_fen, "手续费总金额")?;
        same(line.fen("订单总金额")?, rows.total, "订单总金额")?;
        same(line.fen("申请退款总金额")?, rows.asked, "申请退款总金额")
    }
}

impl Bill for Funds {
    type Row = FundRow;
    type Totals = FundTotals;

    fn row(line: &Line<'_>) -> Result<FundRow, BillFault> {
        Ok(FundRow {
            at: line.time("记账时间")?,
            business_id: line.text("微信支付业务单号")?.to_owned(),
            flow_id: line.text("资金流水单号")?.to_owned(),
            business: line.text("业务类型")?.to_owned(),
            side: line.read("收支类型", |word| match word {
                "收入" => Some(Side::In),
                "支出" => Some(Side::Out),
                _ => None,
            })?,
            amount: line.fen("收支金额(元)")?,
            balance: line.fen("账户结余(元)")?,
            voucher: line.text("业务凭证号")?.to_owned(),
        })
    }

    fn with(totals: FundTotals, row: &FundRow) -> Option<FundTotals> {
        let rows = totals.rows + 1;
        Some(match row.side {
            Side::In => {
                FundTotals { rows, in_rows: totals.in_rows + 1, in_sum: totals.in_sum.plus(row.amount)?, ..totals }
            }
            Side::Out => {
                FundTotals { rows, out_rows: totals.out_rows + 1, out_sum: totals.out_sum.plus(row.amount)?, ..totals }
            }
        })
    }

    fn agrees(line: &Line<'_>, rows: FundTotals) -> Result<(), BillFault> {
        same(line.count("资金流水总笔数")?, rows.rows, "资金流水总笔数")?;
        same(line.count("收入笔数")?, rows.in_rows, "收入笔数")?;
        same(line.fen("收入金额")?, rows.in_sum, "收入金额")?;
        same(line.count("支出笔数")?, rows.out_rows, "支出笔数")?;
        same(line.fen("支出金额")?, rows.out_sum, "支出金额")
    }
}

/// Where in the bill we are.
enum Part {
    Head,
    Rows,
    Totals,
    End,
}

/// Reads a bill line by line.
pub(super) struct Lines<B: Bill> {
    number: usize,
    part: Part,
    head: BTreeMap<String, usize>,
    totals: B::Totals,
}

impl<B: Bill> Lines<B> {
    pub(super) fn new() -> Self {
        Self { number: 0, part: Part::Head, head: BTreeMap::new(), totals: B::Totals::default() }
    }

    /// The next line, without its end; a row if it is one.
    pub(super) fn line(&mut self, text: &str) -> Result<Option<B::Row>, BillFault> {
        self.number += 1;
        let text = text.trim_start_matches('\u{feff}').trim_end_matches('\r');
        if text.is_empty() {
            return Ok(None);
        }
        let Some(values) = text.strip_prefix('`') else { return self.headed(text).map(|()| None) };
        let line = Line { number: self.number, head: &self.head, values: values.split(",`").collect() };
        match self.part {
            Part::Rows => {
                let row = B::row(&line)?;
                self.totals = B::with(self.totals, &row).ok_or(BillFault::Totals("too large"))?;
                Ok(Some(row))
            }
            Part::Totals => {
                B::agrees(&line, self.totals)?;
                self.part = Part::End;
                Ok(None)
            }
            Part::Head => Err(BillFault::Short),
            Part::End => Err(BillFault::Long { line: self.number }),
        }
    }

    fn headed(&mut self, text: &str) -> Result<(), BillFault> {
        self.part = match self.part {
            Part::Head => Part::Rows,
            Part::Rows => Part::Totals,
            Part::Totals | Part::End => return Err(BillFault::Long { line: self.number }),
        };
        // The platform writes its brackets now wide and now narrow.
        let plain = |name: &str| name.trim().replace('（', "(").replace('）', ")");
        self.head = text.split(',').enumerate().map(|(at, name)| (plain(name), at)).collect();
        Ok(())
    }

    /// The totals, when the bill has ended as it should.
    pub(super) fn end(self) -> Result<B::Totals, BillFault> {
        if matches!(self.part, Part::End) { Ok(self.totals) } else { Err(BillFault::Short) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADES: &str = "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
        应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,\
        申请退款金额,费率备注\r\n\
        `2026-01-01 08:30:00,`wx1,`1900000001,`0,`,`4200,`RG20250101000001,`oTEST,`JSAPI,`SUCCESS,`OTHERS,`CNY,`1.00,`0.00,`0,`0,`0.00,\
        `0.00,`,`,`流量包, 1GB,`campaign=7,`0.00600,`0.60%,`1.00,`0.00,`\r\n\
        `2026-01-01 09:00:00,`wx1,`1900000001,`0,`,`4200,`RG20250101000001,`oTEST,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`5000,`R1,`0.30,\
        `0.00,`ORIGINAL,`SUCCESS,`流量包, 1GB,`campaign=7,`-0.00180,`0.60%,`0.00,`0.30,`\r\n\
        总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
        `2,`1.00,`0.30,`0.00,`0.00420,`1.00,`0.30\r\n";
    const FUNDS: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,\
        业务凭证号\n\
        `2026-01-01 08:30:00,`4200,`F1,`交易,`交易,`收入,`1.00,`1.00,`system,`,`RG20250101000001\n\
        `2026-01-01 09:00:00,`4200,`F2,`退款,`退款,`支出,`0.30,`0.70,`system,`,`R1\n\
        资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`2,`1,`1.00,`1,`0.30\n";

    fn read<B: Bill>(text: &str) -> Result<(Vec<B::Row>, B::Totals), BillFault> {
        let mut lines = Lines::<B>::new();
        let mut rows = Vec::new();
        for line in text.split('\n') {
            rows.extend(lines.line(line)?);
        }
        Ok((rows, lines.end()?))
    }

    #[test]
    fn a_trade_bill_is_read_and_its_totals_are_those_of_its_rows() {
        let (rows, totals) = read::<Trades>(TRADES).unwrap();
        let [paid, back] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((paid.kind, paid.total, paid.at), (TradeKind::Paid, Fen(100), UnixSecs(1_767_227_400)));
        assert_eq!((paid.attach.as_str(), paid.fee_milli_fen, &paid.refund), ("campaign=7", 600, &None));
        let refund = back.refund.as_ref().unwrap();
        assert_eq!((refund.out_refund_no.as_str(), refund.refunded, refund.asked), ("R1", Fen(30), Fen(30)));
        assert_eq!((totals.rows, totals.total, totals.refunded, totals.fee_milli_fen), (2, Fen(100), Fen(30), 420));
    }

    #[test]
    fn a_fund_bill_is_read_whichever_brackets_it_uses() {
        for text in [FUNDS.to_owned(), FUNDS.replace('（', "(").replace('）', ")")] {
            let (rows, totals) = read::<Funds>(&text).unwrap();
            assert_eq!((rows[1].side, rows[1].amount, rows[1].balance), (Side::Out, Fen(30), Fen(70)));
            assert_eq!((totals.in_sum, totals.out_sum, totals.rows), (Fen(100), Fen(30), 2));
        }
    }

    #[test]
    fn a_bill_that_does_not_add_up_or_is_cut_off_is_none() {
        let fault = |from: &str, to: &str| read::<Trades>(&TRADES.replace(from, to)).map(drop).unwrap_err();
        assert_eq!(fault("`2,`1.00,`0.30", "`3,`1.00,`0.30"), BillFault::Totals("总交易单数"));
        assert_eq!(fault("`2,`1.00,`0.30", "`2,`1.01,`0.30"), BillFault::Totals("应结订单总金额"));
        assert_eq!(fault("`0.60%,`1.00", "`0.60%,`1.001"), BillFault::Value { line: 2, column: "订单金额" });
        assert_eq!(fault("订单金额,", "金额,"), BillFault::Column { line: 2, column: "订单金额" });
        assert_eq!(
            fault("2026-01-01 08:30:00", "2026-13-01 08:30:00"),
            BillFault::Value { line: 2, column: "交易时间" }
        );
        assert_eq!(read::<Trades>("").unwrap_err(), BillFault::Short);
        let cut = TRADES.split_once("总交易单数").unwrap().0;
        assert_eq!(read::<Trades>(cut).unwrap_err(), BillFault::Short);
        assert_eq!(read::<Trades>(&format!("{TRADES}`1,`2\n")).unwrap_err(), BillFault::Long { line: 6 });
    }

    #[test]
    fn yuan_become_fen_exactly_or_not_at_all() {
        for (text, milli) in [
            ("0", Some(0)),
            ("1.00", Some(100_000)),
            ("-0.00180", Some(-180)),
            ("12345678.9", Some(1_234_567_890_000)),
            ("0.000001", None),
            ("1.0000000", Some(100_000)),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("--1", None),
            ("99999999999999999999", None),
            ("92233720368547758", None),
        ] {
            assert_eq!(milli_fen(text), milli, "{text}");
        }
    }
}
