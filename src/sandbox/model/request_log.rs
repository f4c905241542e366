//! What was refused, by request id, as support looks it up for seven days (platform.md 4.2).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::ApiFault;

const KEPT: usize = 200;
const LIFE_SECS: i64 = 7 * 86_400;
/// Longest part of a body that is kept, in characters.
const LONGEST: usize = 1000;

/// The latest refused calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestLog(VecDeque<Request>);

/// One refused call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub rid: String,
    /// When, in Unix seconds.
    pub at: i64,
    /// Where, without its query, which holds the token.
    pub url: String,
    /// What was asked.
    pub asked: String,
    /// What was answered.
    pub answered: String,
    /// Who asked.
    pub ip: String,
}

impl RequestLog {
    /// Keeps a call; the oldest gives way.
    pub fn keep(&mut self, mut request: Request) {
        request.asked = request.asked.chars().take(LONGEST).collect();
        request.answered = request.answered.chars().take(LONGEST).collect();
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// What `openapi/rid/get` answers.
    pub fn find(&self, rid: &str, now: i64) -> Result<Value, ApiFault> {
        let found = self.0.iter().find(|request| request.rid == rid);
        let found = found.ok_or_else(|| ApiFault::new(76001, "rid not found"))?;
        if now - found.at > LIFE_SECS {
            return Err(ApiFault::new(76004, "rid expired"));
        }
        Ok(json!({
            "invoke_time": found.at,
            "cost_in_ms": 1,
            "request_url": found.url,
            "request_body": found.asked,
            "response_body": found.answered,
            "client_ip": found.ip,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(n: usize) -> Request {
        let text = String::new();
        let url = "cgi-bin/menu/get".to_owned();
        Request { rid: n.to_string(), at: 0, url, asked: "字".repeat(2000), answered: text.clone(), ip: text }
    }

    #[test]
    fn the_latest_refusals_are_found_for_seven_days() {
        let mut log = RequestLog::default();
        (0..=KEPT).for_each(|n| log.keep(request(n)));
        let code = |rid: &str, now| log.find(rid, now).map_or_else(|f| f.errcode, |_| 0);
        assert_eq!((code("0", 0), code("1", LIFE_SECS), code("1", LIFE_SECS + 1)), (76001, 0, 76004));
        assert_eq!(log.find("1", 0).unwrap()["request_body"].as_str().unwrap().chars().count(), LONGEST);
    }
}
