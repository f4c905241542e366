//! Statistics (platform.md 4.16).

use serde_json::{Value, json};

use super::api::{Api, post};
use super::call::Call;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::sandbox::model::{Answered, ApiFault, Capability, Moved, Over, State};

/// The calls.
pub const APIS: &[Api] = &[
    post("datacube/getusersummary", user_summary).needs(Capability::Statistics),
    post("datacube/getusercumulate", user_cumulate).needs(Capability::Statistics),
    post("datacube/getupstreammsg", upstream_messages).needs(Capability::Statistics),
    post("datacube/getupstreammsghour", |call| said(call, (1, Over::Hour))).needs(Capability::Statistics),
    post("datacube/getupstreammsgweek", |call| said(call, (30, Over::Week))).needs(Capability::Statistics),
    post("datacube/getupstreammsgmonth", |call| said(call, (30, Over::Month))).needs(Capability::Statistics),
    post("datacube/getupstreammsgdist", |call| spread(call, (15, Over::Day))).needs(Capability::Statistics),
    post("datacube/getupstreammsgdistweek", |call| spread(call, (30, Over::Week))).needs(Capability::Statistics),
    post("datacube/getupstreammsgdistmonth", |call| spread(call, (30, Over::Month))).needs(Capability::Statistics),
    post("datacube/getinterfacesummary", health).needs(Capability::Statistics),
    post("datacube/getinterfacesummaryhour", health_by_hour).needs(Capability::Statistics),
    post("datacube/getuserread", |call| unread(call, 3)).needs(Capability::Statistics),
    post("datacube/getuserreadhour", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getusershare", |call| unread(call, 7)).needs(Capability::Statistics),
    post("datacube/getusersharehour", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getarticlesummary", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getarticletotal", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getarticleread", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getarticleshare", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getarticletotaldetail", |call| unread(call, 1)).needs(Capability::Statistics),
    post("datacube/getbizsummary", |call| unread(call, 30)).needs(Capability::Statistics),
];

/// Of the calls that tell day by day.
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

/// Messages by the hour, week or month, within so many days.
fn said(call: &Call<'_>, (days, over): (i32, Over)) -> Result<Value, ApiFault> {
    listed(call, days, |state, day| {
        let rows = state.upstream.messages(over, day).into_iter().map(|(hour, kind, said)| {
            let row = json!({
                "ref_date": day.to_string(),
                "user_source": 0,
                "msg_type": kind,
                "msg_user": said.users,
                "msg_count": said.count,
            });
            if over == Over::Hour { at_hour(row, hour) } else { row }
        });
        rows.collect()
    })
}

/// How much one customer wrote in a day, week or month.
fn spread(call: &Call<'_>, (days, over): (i32, Over)) -> Result<Value, ApiFault> {
    listed(call, days, |state, day| {
        let row = |(interval, users)| json!({ "ref_date": day.to_string(), "user_source": 0, "count_interval": interval, "msg_user": users });
        state.upstream.spread(over, day).into_iter().map(row).collect()
    })
}

/// How the account answered its deliveries, day by day.
fn health(call: &Call<'_>) -> Result<Value, ApiFault> {
    listed(call, 30, |state, day| {
        state.upstream.health_of_day(day).into_iter().map(|told| answered(day, told)).collect()
    })
}

fn health_by_hour(call: &Call<'_>) -> Result<Value, ApiFault> {
    listed(call, 1, |state, day| {
        let row = |(hour, told)| at_hour(answered(day, told), hour);
        state.upstream.health(day).into_iter().map(row).collect()
    })
}

/// Nobody opens an article on the platform's own pages here: the days are judged, and there is nothing to tell of them.
fn unread(call: &Call<'_>, most_days: i32) -> Result<Value, ApiFault> {
    listed(call, most_days, |_, _| Vec::new())
}

fn answered(day: BusinessDay, told: Answered) -> Value {
    json!({
        "ref_date": day.to_string(),
        "callback_count": told.callbacks,
        "fail_count": told.failed,
        "total_time_cost": told.total_ms,
        "max_time_cost": told.longest_ms,
    })
}

/// `ref_hour` is 0 to 2300.
fn at_hour(mut row: Value, hour: i32) -> Value {
    row.as_object_mut().map(|fields| fields.insert("ref_hour".to_owned(), (hour * 100).into()));
    row
}

fn list(call: &Call<'_>, rows: fn(&State, BusinessDay) -> Vec<Value>) -> Result<Value, ApiFault> {
    listed(call, MOST_DAYS, rows)
}

fn listed(
    call: &Call<'_>,
    most_days: i32,
    rows: impl Fn(&State, BusinessDay) -> Vec<Value>,
) -> Result<Value, ApiFault> {
    let sandbox = call.sandbox;
    let (begin, end) = asked(&call.json()?, most_days, UnixSecs(sandbox.now()))?;
    let state = sandbox.keeper().read();
    let list: Vec<Value> = (begin.0..=end.0).flat_map(|day| rows(&state, BusinessDay(day))).collect();
    Ok(json!({ "list": list }))
}

/// The days asked about, both included.
fn asked(body: &Value, most_days: i32, now: UnixSecs) -> Result<(BusinessDay, BusinessDay), ApiFault> {
    let day = |field: &str| {
        let text = body.get(field).and_then(Value::as_str).filter(|text| text.len() == OLDEST.len());
        text.and_then(BusinessDay::parse).ok_or_else(|| ApiFault::new(61500, "date format error"))
    };
    let (begin, end) = (day("begin_date")?, day("end_date")?);
    let today = now.business_day();
    let too_old = BusinessDay::parse(OLDEST).is_some_and(|oldest| begin < oldest);
    if too_old || end >= today || !(0..most_days).contains(&end.days_since(begin)) {
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
        asked(&body, MOST_DAYS, TODAY.start().plus_secs(secs)).map_or_else(|fault| fault.errcode, |_| 0)
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
        let missing =
            asked(&json!({ "begin_date": "2026-03-01" }), MOST_DAYS, TODAY.start()).map_err(|fault| fault.errcode);
        assert_eq!(missing, Err(61500));
    }

    #[test]
    fn yesterday_is_ready_at_eight() {
        assert_eq!(code("2026-02-28", "2026-03-01", 28_799), 61503);
        assert_eq!(code("2026-02-28", "2026-03-01", 28_800), 0);
        assert_eq!(code("2026-02-27", "2026-02-28", 0), 0);
    }
}
