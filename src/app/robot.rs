//! A group robot: takes a message over HTTP and says whether it did.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::config::settings::Secret;

/// The robot answers within this, or the message is tried again.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A longer answer is none.
const MOST_ANSWER_BYTES: usize = 16 * 1024;
/// The address belongs to no robot any more.
const NO_ROBOT: i64 = 93_000;

/// A group robot.
#[derive(Clone, Debug)]
pub struct Robot {
    client: Client,
    url: Secret,
    mark: String,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is in the group.
    Taken,
    /// It never will be there by this address.
    Refused(String),
    /// It was not taken now.
    NotNow(String),
}

#[derive(Deserialize)]
struct Answer {
    errcode: i64,
}

impl Robot {
    /// The robot at `url`, which is a secret: whoever knows it can post.
    pub fn new(client: Client, url: Secret) -> Self {
        let mut mark = String::new();
        for byte in Sha256::digest(url.expose()).iter().take(6) {
            mark += &format!("{byte:02x}");
        }
        Self { client, url, mark }
    }

    /// Tells this address from another one and gives nothing of it away.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Posts Markdown.
    pub async fn post(&self, markdown: &str) -> Said {
        let body = json!({ "msgtype": "markdown", "markdown": { "content": markdown } });
        let sent = self.client.post(self.url.expose()).timeout(TIMEOUT).json(&body).send().await;
        let response = match sent {
            Ok(response) => response,
            // The error of an HTTP client repeats the address.
            Err(error) => return Said::NotNow(error.without_url().to_string()),
        };
        let status = response.status();
        let answer = read(response).await;
        match answer {
            Some(Answer { errcode: 0 }) if status == StatusCode::OK => Said::Taken,
            Some(Answer { errcode: NO_ROBOT }) => Said::Refused(format!("errcode {NO_ROBOT}")),
            Some(Answer { errcode }) => Said::NotNow(format!("HTTP {}, errcode {errcode}", status.as_u16())),
            None => Said::NotNow(format!("HTTP {}", status.as_u16())),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("taken"),
            Self::Refused(cause) | Self::NotNow(cause) => f.write_str(cause),
        }
    }
}

async fn read(mut response: Response) -> Option<Answer> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_ANSWER_BYTES {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}
