//! Our followers held against the platform's own statistics, once a day (growth.md 1.12, platform.md 4.16).

#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{App, ServedAccount};
use crate::channel::official::api::{ApiError, MOST_DAYS, Span, UserSummary};
use crate::domain::ids::AccountId;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::Metric;
use crate::growth::report::{Platform, PlatformDay, SideBySide};
use crate::store::{CounterRange, Shared, SharedChange, SharedKind, SharedName, Store, StoreError, Version};

/// Yesterday's statistics are there from this second of today on (platform.md 4.16).
const READY_SECS: i64 = 8 * 3600;
/// An account that was refused for want of rights is asked again after so long: it may have been certified since.
const ASK_AGAIN_DAYS: i32 = 7;
/// The part of the record of such a refusal, among the days.
const REFUSED: &str = "refused";

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// It is not 08:00 yet.
    Early,
    /// Yesterday is known, and with it every earlier day the platform tells of.
    Done,
    /// The platform has not counted yesterday yet.
    NotReady,
    /// The account has no statistics at the platform; it is not asked again for some days.
    NoRight,
}

/// Why nothing came of it. Asked again later, nothing is lost: the last 7 days are asked for each time.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileFault {
    /// The platform.
    #[error(transparent)]
    Platform(#[from] ApiError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the platform's statistics said so far; days that were never told are not in it.
///
/// # Errors
/// When the store does not answer.
pub async fn platform_days(store: &dyn Store, account: &AccountId) -> Result<Platform, StoreError> {
    let records = store.shared_of(account, SharedKind::Datacube).await?;
    let mut days = BTreeMap::new();
    for (part, shared) in records {
        if let Some(day) = BusinessDay::parse(&part) {
            days.insert(day, read(&shared)?);
        }
    }
    Ok(Platform(days))
}

impl App {
    /// Asks the platform about yesterday and the six days before it, unless yesterday is known, and keeps what it says.
    /// Whenever it tells of a day anew, the log says how ours compares.
    ///
    /// # Errors
    /// [`ReconcileFault`]; to be called again later.
    pub async fn reconcile(&self, account: &ServedAccount) -> Result<Reconciled, ReconcileFault> {
        let now = self.clock.now();
        let today = now.business_day();
        if now.secs_since(today.start()) < READY_SECS {
            return Ok(Reconciled::Early);
        }
        let mut records: BTreeMap<String, Shared> =
            self.store.shared_of(account.id(), SharedKind::Datacube).await?.into_iter().collect();
        let (oldest, yesterday) = (today.plus_days(-MOST_DAYS), today.plus_days(-1));
        if records.contains_key(&yesterday.to_string()) {
            return Ok(Reconciled::Done);
        }
        let refused = records.remove(REFUSED);
        if refused.as_ref().and_then(refused_on).is_some_and(|day| today < day.plus_days(ASK_AGAIN_DAYS)) {
            return Ok(Reconciled::NoRight);
        }
        let is_missing_any = (oldest.0..yesterday.0).any(|day| !records.contains_key(&BusinessDay(day).to_string()));
        let told = match told(account, (oldest, yesterday), now).await {
            // Yesterday is not there yet, but what an earlier failure left out is.
            Err(error) if error.is_not_ready() && is_missing_any => {
                told(account, (oldest, yesterday.plus_days(-1)), now).await
            }
            told => told,
        };
        let told = match told {
            Ok(told) => told,
            Err(error) if error.is_not_ready() => return Ok(Reconciled::NotReady),
            Err(error) if error.is_no_right() => {
                self.remember_refusal(account.id(), refused, today).await?;
                return Ok(Reconciled::NoRight);
            }
            Err(error) => return Err(error.into()),
        };
        let done = if told.contains_key(&yesterday) { Reconciled::Done } else { Reconciled::NotReady };
        self.keep(account.id(), told, &records).await?;
        if let Some(refused) = refused {
            self.put(account.id(), REFUSED, (refused.version, None)).await?;
        }
        Ok(done)
    }

    /// Keeps what is new. The oldest day first, so that after a crash yesterday is missing and asked for again.
    async fn keep(
        &self,
        account: &AccountId,
        told: BTreeMap<BusinessDay, PlatformDay>,
        records: &BTreeMap<String, Shared>,
    ) -> Result<(), StoreError> {
        let record = |day: BusinessDay| records.get(&day.to_string());
        let is_known = |day, told: &PlatformDay| {
            record(day).is_some_and(|known| read(known).is_ok_and(|known| known.says_the_same(told)))
        };
        let news: Vec<_> = told.into_iter().filter(|(day, told)| !is_known(*day, told)).collect();
        let Some((last, _)) = news.last() else { return Ok(()) };
        let metrics = [Metric::Follows, Metric::Unfollows];
        let until_last = |metric| CounterRange::new(metric, i32::MIN, last.0);
        let ours = self.store.counters(account, &metrics.map(until_last)).await?;
        let first = metrics.into_iter().filter_map(|metric| ours.firsts(metric).next()).min().map(BusinessDay);
        for (day, told) in news {
            let body = serde_json::to_vec(&told).map_err(|fault| unreadable(&fault))?;
            let version = record(day).map_or(Version(0), |known| known.version);
            self.put(account, &day.to_string(), (version, Some(body))).await?;
            // Whoever begins in the middle of a day, or of an account's life, has missed what was before.
            let begun = first.is_some_and(|first| first < day);
            tell(account, (day, begun), &SideBySide::of(day, &ours, told));
        }
        Ok(())
    }

    async fn remember_refusal(
        &self,
        account: &AccountId,
        before: Option<Shared>,
        today: BusinessDay,
    ) -> Result<(), StoreError> {
        if before.is_none() {
            tracing::info!(%account, "the platform gives this account no statistics (48001): only certified ones have them");
        }
        let body = json!({ "refused_on": today.to_string() }).to_string().into_bytes();
        self.put(account, REFUSED, (before.map_or(Version(0), |before| before.version), Some(body))).await
    }

    /// Changes a record made from `base`; somebody else who was first has written the same.
    async fn put(
        &self,
        account: &AccountId,
        part: &str,
        (base, body): (Version, Option<Vec<u8>>),
    ) -> Result<(), StoreError> {
        let name = SharedName { kind: SharedKind::Datacube, part: part.to_owned() };
        self.store.put_shared(SharedChange { account: account.clone(), name, base, body }).await.map(drop)
    }
}

/// What the platform says of `from..=to`. A day it gives no total of is not counted yet, or from before the account.
async fn told(
    account: &ServedAccount,
    (from, to): (BusinessDay, BusinessDay),
    asked_at: UnixSecs,
) -> Result<BTreeMap<BusinessDay, PlatformDay>, ApiError> {
    let Some(span) = Span::new(from, to) else { return Ok(BTreeMap::new()) };
    let moved = account.platform.user_summary(span).await?;
    let totals = account.platform.user_cumulate(span).await?;
    let messages = account.platform.upstream_messages(span).await?;
    let of = |(day, cumulate_user)| {
        let moved = moved.get(&day).copied().unwrap_or_default();
        let messages = messages.get(&day).map_or(0, |said| said.messages);
        let UserSummary { new_user, cancel_user } = moved;
        (day, PlatformDay { new_user, cancel_user, cumulate_user, messages, asked_at })
    };
    Ok(totals.into_iter().map(of).collect())
}

fn read(shared: &Shared) -> Result<PlatformDay, StoreError> {
    serde_json::from_slice(&shared.body).map_err(|fault| unreadable(&fault))
}

fn unreadable(fault: &serde_json::Error) -> StoreError {
    StoreError::Shape { what: "day of the platform's statistics", cause: fault.to_string() }
}

fn refused_on(shared: &Shared) -> Option<BusinessDay> {
    let body: Value = serde_json::from_slice(&shared.body).ok()?;
    BusinessDay::parse(body.get("refused_on")?.as_str()?)
}

/// A difference is data; only a large one is worth an operator's look.
fn tell(account: &AccountId, (day, begun): (BusinessDay, bool), side: &SideBySide) {
    let (difference, gap) = (side.net_difference(), side.total_gap());
    tracing::info!(
        %account,
        %day,
        follows = side.follows,
        follows_platform = side.platform.new_user,
        unfollows = side.unfollows,
        unfollows_platform = side.platform.cancel_user,
        total = side.total,
        total_platform = side.platform.cumulate_user,
        difference,
        gap,
        "reconciled with the platform's statistics"
    );
    if begun && side.is_large() {
        tracing::warn!(
            %account,
            %day,
            difference,
            "the platform counts more than 1 % of the followers differently that day: look at `fuwu report datacube`, \
             and whether deliveries failed"
        );
    }
}
