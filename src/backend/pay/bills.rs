//! Bills of a day, downloaded: where they lie is asked and signed, the file itself is proven by its hash.

use reqwest::{Method, Response};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};
use url::Url;

use super::bill_lines::{Bill, BillFault, FundRow, FundTotals, Funds, Lines, TradeRow, TradeTotals, Trades};
use super::carry::Call;
use super::client::Client;
use super::error::{Cause, Invalid, PayError};
use crate::domain::time::BusinessDay;

/// The longest bill: a million orders.
const MOST_BYTES: usize = 512 << 20;
/// The longest line.
const MOST_LINE_BYTES: usize = 64 << 10;

/// Why there is no bill.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// The platform gave none. `NO_STATEMENT_EXIST`: nothing happened on that day. Later: it is being written.
    #[error(transparent)]
    Pay(#[from] PayError),
    /// It came and cannot be used.
    #[error(transparent)]
    Fault(#[from] BillFault),
    /// It is longer than any bill.
    #[error("the bill is too long")]
    TooLong,
    /// What came is not what the platform's hash is of.
    #[error("the bill is not what its hash says")]
    Hash,
}

#[derive(Deserialize)]
struct Lies {
    hash_type: String,
    hash_value: String,
    download_url: String,
}

/// A bill as it comes, piece by piece.
struct Reading<B: Bill> {
    lines: Lines<B>,
    hash: Sha1,
    length: usize,
    /// The beginning of a line that has not ended.
    rest: Vec<u8>,
}

impl<B: Bill> Reading<B> {
    fn new() -> Self {
        Self { lines: Lines::new(), hash: Sha1::new(), length: 0, rest: Vec::new() }
    }

    fn take(&mut self, chunk: &[u8], row: &mut impl FnMut(B::Row)) -> Result<(), BillError> {
        self.length += chunk.len();
        if self.length > MOST_BYTES {
            return Err(BillError::TooLong);
        }
        self.hash.update(chunk);
        self.rest.extend_from_slice(chunk);
        let mut parts: Vec<&[u8]> = self.rest.split(|byte| *byte == b'\n').collect();
        let last = parts.pop().unwrap_or_default().to_vec();
        for part in parts {
            self.lines.line(&String::from_utf8_lossy(part))?.into_iter().for_each(&mut *row);
        }
        self.rest = last;
        if self.rest.len() > MOST_LINE_BYTES { Err(BillError::TooLong) } else { Ok(()) }
    }

    fn end(mut self, expected: &str, row: &mut impl FnMut(B::Row)) -> Result<B::Totals, BillError> {
        self.lines.line(&String::from_utf8_lossy(&self.rest))?.into_iter().for_each(row);
        let hash: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if hash.eq_ignore_ascii_case(expected) { Ok(self.lines.end()?) } else { Err(BillError::Hash) }
    }
}

impl Client {
    /// The trade bill of a day: every payment and refund. Rows come as they are read and are only good once this
    /// returns; nothing of them may be kept when it fails.
    ///
    /// # Errors
    /// [`BillError`].
    pub async fn trade_bill(
        &self,
        day: BusinessDay,
        row: impl FnMut(TradeRow) + Send,
    ) -> Result<TradeTotals, BillError> {
        self.bill::<Trades>(&format!("/v3/bill/tradebill?bill_date={day}&bill_type=ALL"), row).await
    }

    /// The fund-flow bill of a day: every movement of the merchant's money. Rows as in [`Client::trade_bill`].
    ///
    /// # Errors
    /// [`BillError`].
    pub async fn fund_bill(&self, day: BusinessDay, row: impl FnMut(FundRow) + Send) -> Result<FundTotals, BillError> {
        self.bill::<Funds>(&format!("/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC"), row).await
    }

    async fn bill<B: Bill>(&self, path: &str, mut row: impl FnMut(B::Row) + Send) -> Result<B::Totals, BillError> {
        let answer = self.call(&Call::get(path.to_owned())).await?;
        let lies: Lies = serde_json::from_slice(&answer).map_err(|_| PayError::unreadable())?;
        if lies.hash_type != "SHA1" {
            return Err(PayError::unreadable().into());
        }
        let url = Url::parse(&lies.download_url).map_err(|_| PayError::unreadable())?;
        let mut response = self.bill_file(&url).await?;
        let mut reading = Reading::<B>::new();
        while let Some(chunk) = self.next(&mut response).await? {
            reading.take(&chunk, &mut row)?;
        }
        reading.end(&lies.hash_value, &mut row)
    }

    /// The file. Its answer is not signed (platform.md part 6): the hash, which was, proves it.
    async fn bill_file(&self, url: &Url) -> Result<Response, PayError> {
        if !self.hosts().are_of(url) {
            return Err(Invalid::BillUrl.into());
        }
        let request = self.signed(Method::GET, url, "")?;
        let lost = || PayError::Unknown { cause: Cause::Lost };
        let sent = tokio::time::timeout(self.hosts().within(), request.send()).await.map_err(|_| lost())?;
        let response = sent.map_err(|error| if error.is_connect() { PayError::NotSent } else { lost() })?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(PayError::Unknown { cause: Cause::Status(status) }),
        }
    }

    /// The next piece, each in the time of a call.
    async fn next(&self, response: &mut Response) -> Result<Option<Vec<u8>>, PayError> {
        let lost = || PayError::Unknown { cause: Cause::Lost };
        let came = tokio::time::timeout(self.hosts().within(), response.chunk()).await.map_err(|_| lost())?;
        Ok(came.map_err(|_| lost())?.map(|chunk| chunk.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNDS: &str = "记账时间,微信支付业务单号,资金流水单号,业务类型,收支类型,收支金额（元）,账户结余（元）,业务凭证号\r\n\
        `2026-01-01 08:30:00,`4200,`F1,`交易,`收入,`1.00,`1.00,`RG20250101000001\r\n\
        资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`1,`1,`1.00,`0,`0.00";

    fn read(text: &str, size: usize) -> Result<(usize, FundTotals), BillError> {
        let hash: String = Sha1::digest(FUNDS).iter().map(|byte| format!("{byte:02X}")).collect();
        let (mut reading, mut rows) = (Reading::<Funds>::new(), 0);
        for chunk in text.as_bytes().chunks(size) {
            reading.take(chunk, &mut |_| rows += 1)?;
        }
        let totals = reading.end(&hash, &mut |_| rows += 1)?;
        Ok((rows, totals))
    }

    #[test]
    fn a_bill_is_the_same_however_it_is_cut_on_its_way() {
        for size in 1..=FUNDS.len() {
            let (rows, totals) = read(FUNDS, size).unwrap();
            assert_eq!((rows, totals.in_sum.0), (1, 100), "pieces of {size}");
        }
    }

    #[test]
    fn a_bill_that_is_not_what_was_hashed_or_never_ends_is_none() {
        assert_eq!(read(&FUNDS.replace("F1", "F2"), 100), Err(BillError::Hash));
        assert_eq!(
            read(&FUNDS.replace("`1.00,`0,", "`1.01,`0,"), 100).map(|_| ()),
            Err(BillFault::Totals("收入金额").into())
        );
        assert_eq!(read(&"x".repeat(MOST_LINE_BYTES + 1), 1000), Err(BillError::TooLong));
    }
}
