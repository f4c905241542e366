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
        let (mut lines, mut hash, mut length) = (Lines::<B>::new(), Sha1::new(), 0);
        let mut rest = Vec::new();
        while let Some(chunk) = self.next(&mut response).await? {
            length += chunk.len();
            if length > MOST_BYTES {
                return Err(BillError::TooLong);
            }
            hash.update(&chunk);
            rest.extend_from_slice(&chunk);
            let mut parts: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
            let last = parts.pop().unwrap_or_default().to_vec();
            for part in parts {
                lines.line(&String::from_utf8_lossy(part))?.into_iter().for_each(&mut row);
            }
            rest = last;
            if rest.len() > MOST_LINE_BYTES {
                return Err(BillError::TooLong);
            }
        }
        lines.line(&String::from_utf8_lossy(&rest))?.into_iter().for_each(&mut row);
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if !hash.eq_ignore_ascii_case(&lies.hash_value) {
            return Err(BillError::Hash);
        }
        Ok(lines.end()?)
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
