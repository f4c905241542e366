//! Statistics (platform.md 4.16).

use serde_json::{Value, json};

use super::api::{Api, post};
use super::call::Call;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::sandbox::model::{ApiFault, Capability, Moved, State};

/// The calls.
pub const APIS: &[Api] = &[
    post("datacube/getusersummary", user_summary).needs(Capability::Statistics),
    post("datacube/getusercumulate", user_cumulate).needs(Capability::Statistics),
    post("datacube/getupstreammsg", upstream_messages).needs(Capability::Statistics),
];

const MOST_DAYS: i32 = 7;
/// Yesterday is told from this second of today on.
const READY_SECS: i64 = 8 * 3600;
/// There are no older statistics.
const OLDEST: &str = "2014-12-01";

fn user_summary(call: &Call<'_>) -> Result<Value, ApiFault> {
    list(call, |state, day| {
        let mut moves = state.statistics.moves(day).unwrap_or_default();
        if moves.is_empty() && state.statistics.followers(day).is_some() {
            moves.insert(0, Moved::default());
        }
        let rows = moves.into_iter().map(|(source, moved)| {
            json!({
                "ref_date": day.to_string(),
                "user_source": source,
                "new_user": moved.new,
                "cancel_user": moved.cancelled,
            })
        });
        rows.collect()
    })
}

/// With the stray `user_source` of the real one.
fn user_cumulate(call: &Call<'_>) -> Result<Value, ApiFault> {
    list(call, |state, day| {
        let followers = state.statistics.followers(day).into_iter();
        let row = |followers| json!({ "ref_date": day.to_string(), "user_source": 0, "cumulate_user": followers });
        followers.map(row).collect()
    })
}

fn upstream_messages(call: &Call<'_>) -> Result<Value, ApiFault> {
    list(call, |state, day| {
        let rows = state.statistics.messages(day).into_iter().map(|(kind, said)| {
            json!({
                "ref_date": day.to_string(),
                "user_source": 0,
                "msg_type": kind,
                "msg_user": said.users,
                "msg_count": said.count,
            })
        });
        rows.collect()
    })
}

fn list(call: &Call<'_>, rows: fn(&State, BusinessDay) -> Vec<Value>) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    let (begin, end) = asked(&call.json()?, UnixSecs(sandbox.now()))?;
    let state = sandbox.keeper().read();
    let list: Vec<Value> = (begin.0..=end.0).flat_map(|day| rows(&state, BusinessDay(day))).collect();
    Ok(json!({ "list": list }))
}

/// The days asked about, both included.
fn asked(body: &Value, now: UnixSecs) -> Result<(BusinessDay, BusinessDay), ApiFault> {
    let day = |field: &str| {
        let text = body.get(field).and_then(Value::as_str).filter(|text| text.len() == OLDEST.len());
        text.and_then(BusinessDay::parse).ok_or_else(|| ApiFault::new(61500, "date format error"))
    };
    let (begin, end) = (day("begin_date")?, day("end_date")?);
    let today = now.business_day();
    let too_old = BusinessDay::parse(OLDEST).is_some_and(|oldest| begin < oldest);
    if too_old || end >= today || !(0..MOST_DAYS).contains(&end.days_since(begin)) {
        return Err(ApiFault::new(61501, "date range error"));
    }
    if end == today.plus_days(-1) && now.secs_since(today.start()) < READY_SECS {
        return Err(ApiFault::new(61503, "data not ready, please try later"));
    }
    Ok((begin, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: BusinessDay = BusinessDay(20_514);

    fn code(begin: &str, end: &str, secs: i64) -> i32 {
        let body = json!({ "begin_date": begin, "end_date": end });
        asked(&body, TODAY.start().plus_secs(secs)).map_or_else(|fault| fault.errcode, |_| 0)
    }

    #[test]
    fn days_are_taken_or_refused_as_the_platform_does() {
        let ten = 36_000;
        for (begin, end, expected) in [
            ("2026-02-23", "2026-03-01", 0),
            ("2026-03-01", "2026-03-01", 0),
            ("2026-02-22", "2026-03-01", 61501),
            ("2026-03-01", "2026-03-02", 61501),
            ("2026-02-02", "2026-02-01", 61501),
            ("2014-12-01", "2014-12-01", 0),
            ("2014-11-30", "2014-12-01", 61501),
            ("2026-3-1", "2026-03-01", 61500),
            ("2026-02-30", "2026-03-01", 61500),
            ("20260228", "2026-03-01", 61500),
        ] {
            assert_eq!(code(begin, end, ten), expected, "{begin} {end}");
        }
        let missing = asked(&json!({ "begin_date": "2026-03-01" }), TODAY.start()).map_err(|fault| fault.errcode);
        assert_eq!(missing, Err(61500));
    }

    #[test]
    fn yesterday_is_ready_at_eight() {
        assert_eq!(code("2026-02-28", "2026-03-01", 28_799), 61503);
        assert_eq!(code("2026-02-28", "2026-03-01", 28_800), 0);
        assert_eq!(code("2026-02-27", "2026-02-28", 0), 0);
    }
}
