//! What was said at the agents' desk (platform.md 4.9).

use serde::Deserialize;
use serde_json::json;

use super::agents::secs;
use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::int;
use super::limits::{self, Invalid};
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;

/// Records of so many seconds are told at once, and so many of them.
const MOST_SPAN_SECS: i64 = 86_400;
const MOST_RECORDS: u32 = 10_000;

/// Something that was said or done in a talk.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// The customer.
    pub openid: Openid,
    /// 2002 the agent sent it, 2003 the agent received it; 1000 to 1005 are the talk's own.
    #[serde(deserialize_with = "int")]
    pub opercode: i64,
    /// The words; `[image]` and the like for what is none.
    #[serde(default)]
    pub text: String,
    /// When.
    #[serde(deserialize_with = "secs")]
    pub time: UnixSecs,
    /// The agent.
    #[serde(default)]
    pub worker: String,
}

/// What customers say is printed nowhere.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {:?})", self.opercode, self.time)
    }
}

/// Some records, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// In order of time.
    pub records: Vec<Record>,
    /// What to ask for next; `None` at the end.
    pub next: Option<i64>,
}

/// Which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsAsked {
    /// From this moment on.
    pub from: UnixSecs,
    /// To this one; a day later at most.
    pub to: UnixSecs,
    /// 1, then [`Records::next`].
    pub after: i64,
    /// 1 to 10 000.
    pub most: u32,
}

#[derive(Deserialize)]
struct ToldRecords {
    recordlist: Vec<Record>,
    #[serde(deserialize_with = "int")]
    number: i64,
    #[serde(deserialize_with = "int")]
    msgid: i64,
}

impl Client {
    /// What was said at the desk. With [`Records::next`] the rest is asked for.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for more than a day or 10 000 records.
    pub async fn desk_records(&self, asked: RecordsAsked) -> Result<Records, ApiError> {
        let RecordsAsked { from, to, after, most } = asked;
        if !(0..=MOST_SPAN_SECS).contains(&to.secs_since(from)) {
            return Err(Invalid::new("endtime", "要在 starttime 之后，且不超过 24 小时").into());
        }
        limits::range("number", most.into(), 1..=MOST_RECORDS.into())?;
        let body = json!({ "starttime": from.0, "endtime": to.0, "msgid": after, "number": most });
        let told: ToldRecords = self.read(Call::post("customservice/msgrecord/getmsglist", body)).await?;
        let next = (told.number >= most.into()).then_some(told.msgid);
        Ok(Records { records: told.recordlist, next })
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn records_are_read_by_the_day_and_go_on_where_they_ended() {
        let record = r#"{"recordlist":[{"openid":"o1","opercode":2003,"text":"密","time":9,"worker":"a@shop"}],"number":1,"msgid":20}"#;
        let stage = stage(&[record, record]);
        let asked = RecordsAsked { from: UnixSecs(0), to: UnixSecs(86_400), after: 1, most: 1 };
        let records = stage.client.desk_records(asked).await.unwrap();
        assert_eq!((records.next, records.records[0].text.as_str()), (Some(20), "密"));
        assert!(!format!("{records:?}").contains('密'));
        assert_eq!(stage.client.desk_records(RecordsAsked { most: 2, ..asked }).await.unwrap().next, None);
        let long = RecordsAsked { to: UnixSecs(86_401), ..asked };
        assert!(matches!(stage.client.desk_records(long).await, Err(ApiError::Invalid(_))));
        stage.close().await;
    }
}
