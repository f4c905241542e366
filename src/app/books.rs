//! The books of others held against ours, once a day: the payment platform's bill (platform.md part 6) and the business
//! system's list of what it did (reliability.md 2.6). What differs is listed for a person; a book that is missing or
//! broken is asked for again, told to the operator, and never believed.

mod theirs;
mod worker;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cases::Case;
use super::order_sums::{Standing, tell_standing};
use super::printed::put;
use super::{App, ServedAccount};
use crate::domain::books::{Difference, Ours, Says, Told, differs, done_on, paid_on};
use crate::domain::fact::FactKind;
use crate::domain::ids::{AccountId, Openid, OrderNumber};
use crate::domain::order::Order;
use crate::domain::pay::Fen;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::store::{CustomerRef, SharedKind, SharedName, StoreError, Version};

/// Yesterday's bill is there from this second of today on (platform.md part 6).
const READY_SECS: i64 = 10 * 3600;
/// A day whose book was missing is asked about for so long.
const BACK_DAYS: i32 = 7;
/// So many cases are opened of one book; more than that is a book that is at odds as a whole.
const MOST_CASES: usize = 100;
/// Facts read at once.
const PAGE: usize = 4_096;
/// Books held against ours, by account, book and what came of it.
const BOOKS: &str = "fuwu_books_total";
/// Lines that differ, by account, book and how.
const DIFFERENCES: &str = "fuwu_books_differences_total";

/// Whose book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    /// The payment platform's bill.
    Till,
    /// The business system's list.
    Business,
}

impl Book {
    /// Its name in records, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Till => "till",
            Self::Business => "business",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balanced {
    /// It is not 10:00 yet.
    Early,
    /// The account has no such book.
    NoBook,
    /// Every day until yesterday was held against ours.
    Done,
    /// A day's book is not there, though something of ours should be in it.
    Missing(BusinessDay),
}

/// Why nothing came of a day. It is asked about again.
#[derive(Debug, thiserror::Error)]
pub enum BookFault {
    /// Nobody answered, or not clearly.
    #[error("{0}")]
    Passing(String),
    /// What came is no book.
    #[error("{0}")]
    Broken(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A line of a book.
struct Line {
    number: OrderNumber,
    /// Whose, as far as the book says it.
    payer: Option<Openid>,
    says: Says,
}

/// What was found of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    /// When.
    at: UnixSecs,
    /// Lines in the book.
    lines: usize,
    /// Lines that differ.
    differences: usize,
}

/// Our orders of the last days, by the facts.
type Known = BTreeMap<OrderNumber, (CustomerRef, Told)>;

fn name_of(book: Book, day: BusinessDay) -> SharedName {
    SharedName { kind: SharedKind::Books, part: format!("{}/{day}", book.as_str()) }
}

impl App {
    /// Holds a book of every day that was not looked at yet against ours, and opens a case for everything that differs.
    ///
    /// # Errors
    /// The worst [`BookFault`] of a day; to be called again later. What agreed is not asked for again.
    pub async fn balance_books(&self, account: &ServedAccount, book: Book) -> Result<Balanced, BookFault> {
        let has_book = match book {
            Book::Till => account.merchant.is_some(),
            Book::Business => account.playbook().day_book.is_some(),
        };
        if !has_book {
            return Ok(Balanced::NoBook);
        }
        let today = self.clock.now().business_day();
        if self.clock.now().secs_since(today.start()) < READY_SECS {
            return Ok(Balanced::Early);
        }
        let days = self.unbalanced(account.id(), (book, today)).await?;
        let Some(first) = days.first() else { return Ok(Balanced::Done) };
        let known = self.known_since(account.id(), first.plus_days(-1)).await?;
        let mut came = Ok(Balanced::Done);
        for day in days {
            let of_day = self.balance_day(account, (book, day), &known).await;
            let outcome = match &of_day {
                Ok(Balanced::Missing(_)) => "missing",
                Ok(_) => "balanced",
                Err(BookFault::Broken(_)) => "broken",
                Err(_) => "passing",
            };
            let labels =
                [("account", account.id().to_string()), ("book", book.as_str().into()), ("outcome", outcome.into())];
            metrics::counter!(BOOKS, &labels).increment(1);
            match of_day {
                Err(fault @ BookFault::Store(_)) => return Err(fault),
                Err(fault) => came = Err(fault),
                Ok(missing @ Balanced::Missing(_)) if came.is_ok() => came = Ok(missing),
                Ok(_) => {}
            }
        }
        came
    }

    /// The days until yesterday that were not looked at, from the first that was; yesterday when none ever was.
    async fn unbalanced(
        &self,
        account: &AccountId,
        (book, today): (Book, BusinessDay),
    ) -> Result<Vec<BusinessDay>, StoreError> {
        let yesterday = today.plus_days(-1);
        let records = self.store.shared_of(account, SharedKind::Books).await?;
        let day = |part: &str| BusinessDay::parse(part.strip_prefix(book.as_str())?.strip_prefix('/')?);
        let done: BTreeSet<BusinessDay> = records.iter().filter_map(|(part, _)| day(part)).collect();
        let Some(first) = done.first() else { return Ok(vec![yesterday]) };
        let from = first.0.max(today.0 - BACK_DAYS);
        Ok((from..=yesterday.0).map(BusinessDay).filter(|day| !done.contains(day)).collect())
    }

    /// Our orders that moved since the beginning of a day. All facts are read for it, once a day: where all orders stand is
    /// told by the way.
    async fn known_since(&self, account: &AccountId, since: BusinessDay) -> Result<Known, StoreError> {
        let (mut known, mut standing, mut after) = (Known::new(), Standing::default(), 0);
        loop {
            let page = self.store.facts(account, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            page.iter().for_each(|logged| standing.learn(&logged.fact.what));
            for logged in page.into_iter().filter(|logged| logged.fact.at.business_day() >= since) {
                let day = logged.fact.at.business_day();
                // Who was erased left no number.
                if let FactKind::OrderMoved { order, to, amount_fen, .. } = logged.fact.what
                    && !order.as_str().is_empty()
                {
                    let (_, told) = known.entry(order).or_insert_with(|| (logged.of, Told::default()));
                    told.learn((to, Fen(amount_fen)), day);
                }
            }
        }
        tell_standing(account, &standing);
        Ok(known)
    }

    async fn balance_day(
        &self,
        account: &ServedAccount,
        (book, day): (Book, BusinessDay),
        known: &Known,
    ) -> Result<Balanced, BookFault> {
        let read = match book {
            Book::Till => theirs::bill(account, day).await?,
            Book::Business => theirs::list(account, day).await?,
        };
        let is_there = read.is_some();
        let lines = read.unwrap_or_default();
        let mut differing = self.differing(account.id(), &lines, known).await?;
        let missed = self.missed((book, day), &lines, known).await?;
        if !is_there && !missed.is_empty() {
            tracing::warn!(
                account = %account.id(), %day, book = book.as_str(), orders = missed.len(),
                "there is no book of this day, and orders of it are known here; it is asked for again"
            );
            return Ok(Balanced::Missing(day));
        }
        differing.extend(missed);
        self.list_differences(account, (book, day), &differing).await?;
        let found = Found { at: self.clock.now(), lines: lines.len(), differences: differing.len() };
        put(self.store.as_ref(), account.id(), (name_of(book, day), Version(0)), &found).await?;
        tracing::info!(
            account = %account.id(), %day, book = book.as_str(), lines = found.lines, differences = found.differences,
            "a book was held against ours"
        );
        Ok(Balanced::Done)
    }

    /// What a book says and we do not.
    async fn differing(
        &self,
        account: &AccountId,
        lines: &[Line],
        known: &Known,
    ) -> Result<Vec<Differing>, StoreError> {
        let (mut differing, mut done) = (Vec::new(), BTreeSet::new());
        for line in lines {
            let told = known.get(&line.number);
            let by_payer = || {
                let openid = line.payer.clone()?;
                Some(CustomerRef { account: account.clone(), openid })
            };
            let order = match told.map(|(of, _)| of.clone()).or_else(by_payer) {
                Some(of) => self.kept_order(&of, &line.number).await?,
                None => None,
            };
            let ours = match (&order, told) {
                (Some(order), _) => Ours::Kept(order),
                (None, Some((_, told))) => Ours::Told(told),
                (None, None) => Ours::Unknown,
            };
            let is_second = matches!(line.says, Says::Done { .. }) && !done.insert(&line.number);
            let difference = if is_second { Some(Difference::DoneTwice) } else { differs(ours, &line.says) };
            differing.extend(difference.map(|how| Differing {
                number: line.number.clone(),
                how,
                amount: line.says.amount(),
            }));
        }
        Ok(differing)
    }

    /// What we say and a book does not.
    async fn missed(
        &self,
        (book, day): (Book, BusinessDay),
        lines: &[Line],
        known: &Known,
    ) -> Result<Vec<Differing>, StoreError> {
        let there: BTreeSet<&OrderNumber> = lines.iter().map(|line| &line.number).collect();
        let mut missed = Vec::new();
        for (number, (of, told)) in known.iter().filter(|(number, _)| !there.contains(number)) {
            let lacking = match book {
                Book::Business => done_on(told, day).then_some((Difference::DoneNowhere, told.amount)),
                Book::Till => {
                    let order = self.kept_order(of, number).await?;
                    let paid = order.as_ref().and_then(|order| paid_on(order, day));
                    paid.map(|(_, amount)| (Difference::PaidNowhere, amount))
                }
            };
            missed.extend(lacking.map(|(how, amount)| Differing { number: number.clone(), how, amount }));
        }
        Ok(missed)
    }

    async fn kept_order(&self, of: &CustomerRef, number: &OrderNumber) -> Result<Option<Order>, StoreError> {
        Ok(self.store.load(of).await?.customer.orders.get(number).cloned())
    }

    async fn list_differences(
        &self,
        account: &ServedAccount,
        (book, day): (Book, BusinessDay),
        differing: &[Differing],
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        for Differing { number, how, amount } in differing.iter().take(MOST_CASES) {
            let reason = how.as_str().to_owned();
            let case = Case {
                number: number.clone(),
                at: now,
                reason,
                amount_fen: amount.0,
                origin: None,
                stays: true,
                forgotten: None,
            };
            self.open_case(account, &case).await?;
        }
        for Differing { how, .. } in differing {
            let labels =
                [("account", account.id().to_string()), ("book", book.as_str().into()), ("how", how.as_str().into())];
            metrics::counter!(DIFFERENCES, &labels).increment(1);
        }
        if differing.len() > MOST_CASES {
            tracing::error!(
                account = %account.id(), %day, book = book.as_str(), differences = differing.len(), listed = MOST_CASES,
                "a book is at odds with ours as a whole: only the first lines are listed; look whether it is the right \
                 merchant's, or the right list"
            );
        }
        Ok(())
    }
}

/// A line that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Differing {
    number: OrderNumber,
    how: Difference,
    amount: Fen,
}
