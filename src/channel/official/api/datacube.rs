//! The platform's own statistics of an account (platform.md 4.16).
//!
//! Yesterday's are there from about 08:00 in +08:00 on. Only certified accounts have them (platform.md part 5); others
//! are refused with 48001, which no repetition changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::{ApiError, number};
use crate::domain::time::BusinessDay;

/// The platform tells of at most so many days in one call.
pub const MOST_DAYS: i32 = 7;

/// What the platform says of days whose numbers are not there yet.
const NOT_READY: i64 = 61503;

/// Days to ask about, both included; at most [`MOST_DAYS`], so the platform never refuses it for its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    begin: BusinessDay,
    end: BusinessDay,
}

impl Span {
    /// The days `begin..=end`; `None` when that is no day, or more than the platform tells in one call.
    pub fn new(begin: BusinessDay, end: BusinessDay) -> Option<Self> {
        (0..MOST_DAYS).contains(&end.days_since(begin)).then_some(Self { begin, end })
    }

    /// One day.
    pub fn of(day: BusinessDay) -> Self {
        Self { begin: day, end: day }
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = BusinessDay> {
        (self.begin.0..=self.end.0).map(BusinessDay)
    }

    fn holds(self, day: BusinessDay) -> bool {
        (self.begin..=self.end).contains(&day)
    }
}

/// Who came and who left on a day, over all sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserSummary {
    /// `new_user`.
    pub new_user: i64,
    /// `cancel_user`.
    pub cancel_user: i64,
}

/// What customers sent on a day: texts, pictures, voices, videos and links; no taps and no scans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpstreamMessages {
    /// Messages, over all types.
    pub messages: i64,
    /// Senders per type, added up: whoever sent a text and a picture is in it twice.
    pub senders_by_type: i64,
}

/// How deliveries to us went on a day, as the platform saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceSummary {
    /// Deliveries.
    pub callbacks: i64,
    /// Of these, not answered in time or not well.
    pub failed: i64,
    /// All the time they took.
    pub total_ms: i64,
    /// The longest.
    pub longest_ms: i64,
}

impl Client {
    /// Follows and unfollows of each day (`getusersummary`). A day the platform says nothing of is not in it.
    ///
    /// # Errors
    /// [`ApiError::is_not_ready`] (61503) before about 08:00 of the next day, [`ApiError::is_no_right`] (48001) for an
    /// account without statistics, [`ApiError::Refused`] with 61500 or 61501 for days the platform does not take
    /// (today, or before 2014-12-01), [`ApiError::Busy`] for what is no answer.
    pub async fn user_summary(&self, span: Span) -> Result<BTreeMap<BusinessDay, UserSummary>, ApiError> {
        let mut days: BTreeMap<BusinessDay, UserSummary> = BTreeMap::new();
        for (day, row) in self.statistics("getusersummary", span).await? {
            let sum = days.entry(day).or_default();
            sum.new_user += counted(&row, "new_user")?;
            sum.cancel_user += counted(&row, "cancel_user")?;
        }
        Ok(days)
    }

    /// Followers at the end of each day (`getusercumulate`). Every day that is ready is in it.
    ///
    /// # Errors
    /// As [`Client::user_summary`].
    pub async fn user_cumulate(&self, span: Span) -> Result<BTreeMap<BusinessDay, i64>, ApiError> {
        let mut days: BTreeMap<BusinessDay, i64> = BTreeMap::new();
        for (day, row) in self.statistics("getusercumulate", span).await? {
            // A stray `user_source` stands in every row. It is always the total: never to be added up.
            let total = counted(&row, "cumulate_user")?;
            days.entry(day).and_modify(|known| *known = total.max(*known)).or_insert(total);
        }
        Ok(days)
    }

    /// What customers sent on each day (`getupstreammsg`). A day without messages is not in it.
    ///
    /// # Errors
    /// As [`Client::user_summary`].
    pub async fn upstream_messages(&self, span: Span) -> Result<BTreeMap<BusinessDay, UpstreamMessages>, ApiError> {
        let mut days: BTreeMap<BusinessDay, UpstreamMessages> = BTreeMap::new();
        for (day, row) in self.statistics("getupstreammsg", span).await? {
            let sum = days.entry(day).or_default();
            sum.messages += counted(&row, "msg_count")?;
            sum.senders_by_type += counted(&row, "msg_user")?;
        }
        Ok(days)
    }

    /// How our answers to deliveries went on each day (`getinterfacesummary`): the platform's own view of our health. A
    /// day without deliveries is not in it.
    ///
    /// # Errors
    /// As [`Client::user_summary`].
    pub async fn interface_summary(&self, span: Span) -> Result<BTreeMap<BusinessDay, InterfaceSummary>, ApiError> {
        let mut days: BTreeMap<BusinessDay, InterfaceSummary> = BTreeMap::new();
        for (day, row) in self.statistics("getinterfacesummary", span).await? {
            let sum = days.entry(day).or_default();
            sum.callbacks += counted(&row, "callback_count")?;
            sum.failed += counted(&row, "fail_count")?;
            sum.total_ms += timed(&row, "total_time_cost")?;
            sum.longest_ms = sum.longest_ms.max(timed(&row, "max_time_cost")?);
        }
        Ok(days)
    }

    /// The rows of the days asked about; rows of others are left out.
    pub(super) async fn statistics(&self, name: &str, span: Span) -> Result<Vec<(BusinessDay, Value)>, ApiError> {
        let body = json!({ "begin_date": span.begin.to_string(), "end_date": span.end.to_string() });
        let mut answer = self.ask(Call::post(format!("datacube/{name}"), body)).await?;
        // Some say so beside an empty list.
        if answer.get("is_delay") == Some(&Value::Bool(true)) {
            return Err(ApiError::Refused { code: NOT_READY, rid: None });
        }
        let Some(Value::Array(rows)) = answer.get_mut("list").map(Value::take) else { return Err(ApiError::Busy) };
        let mut found = Vec::new();
        for row in rows {
            let day = row.get("ref_date").and_then(Value::as_str).and_then(|day| BusinessDay::parse(day.trim()));
            let day = day.ok_or(ApiError::Busy)?;
            if span.holds(day) {
                found.push((day, row));
            }
        }
        Ok(found)
    }
}

/// A count; half an answer is none, since it would be taken for a difference.
pub(super) fn counted(row: &Value, field: &str) -> Result<i64, ApiError> {
    row.get(field).and_then(number).filter(|count| (0..=i64::from(u32::MAX)).contains(count)).ok_or(ApiError::Busy)
}

/// A time in ms; of a day's deliveries together more than a count may be.
fn timed(row: &Value, field: &str) -> Result<i64, ApiError> {
    row.get(field).and_then(number).filter(|ms| *ms >= 0).ok_or(ApiError::Busy)
}
