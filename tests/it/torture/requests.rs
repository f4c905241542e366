//! 3.1: the request and its signature.

use std::collections::BTreeMap;
use std::time::Instant;

use fuwu::growth::counter::Metric;
use fuwu::store::CounterRange;
use serde::Deserialize;

use super::data::{Line, Tally, Waits, grown, same};
use super::sealing::{Lie, NEW_TOKEN, encrypt, envelope, query};
use super::wire::answered;
use crate::hand::text;
use crate::harness::{MONDAY, TOKEN, World};
use crate::raw;

const OPENID: &str = "oTortureOfRequests";

/// One request, described by what sets it apart from the right one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    name: String,
    later: Option<String>,
    /// Whose webhook; the demo's.
    account: Option<String>,
    /// `POST` with a delivery unless said otherwise; `GET` with an echostr.
    method: Option<String>,
    /// The path, instead of `/wechat/{account}`.
    path: Option<String>,
    /// Signed with the new token of the account that rotates.
    new_token: bool,
    /// Signed so many seconds from now.
    from_now_secs: i64,
    timestamp: Option<String>,
    nonce: Option<String>,
    echostr: Option<String>,
    /// In clear, as in plain mode.
    clear: bool,
    /// The words of the message.
    says: Option<String>,
    /// The words of the message when it was signed; others are sent.
    lie: Lie,
    /// Parameters with another value, or taken away.
    set: BTreeMap<String, String>,
    without: Vec<String>,
    /// Stands before or after the query as it is.
    before: Option<String>,
    after: Option<String>,
    /// Every shorter beginning of this parameter is a case of its own.
    cut: Option<String>,
    /// Every padding from and to here, of which only the last byte is right, is a case of its own.
    wrong_pads: Option<(u8, u8)>,
    /// The statuses, of which any will do.
    status: u16,
    /// All cases of this name get the very same answer, headers and all.
    same: Option<String>,
    /// What the answer says; nothing unless it is 200.
    body: Option<String>,
    /// The same bytes again after so many seconds.
    again: Vec<Again>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    after_secs: i64,
    status: u16,
    /// Whether it gets the first answer.
    same_answer: bool,
}

impl Waits for Case {
    fn later(&self) -> Option<&str> {
        self.later.as_deref()
    }
}

pub async fn run(world: &World, lines: &[Line<Case>]) -> Tally {
    let mut tally = Tally::of(lines);
    let mut answers: BTreeMap<String, String> = BTreeMap::new();
    let mut id = 0;
    for line in lines {
        for case in line.case.iter().filter(|case| case.later.is_none()).flat_map(Case::spread) {
            id += 1;
            let began = Instant::now();
            let went = case.holds(world, id, &mut answers).await;
            tally.case(&line.id, &format!("{} {}", line.input, case.name), (went, began));
        }
    }
    tally
}

impl Case {
    /// One case for every way the description can be meant.
    fn spread(&self) -> Vec<Self> {
        let named = |what: String| Self { name: format!("{} ({what})", self.name), ..self.clone() };
        if self.cut.is_some() {
            return (0..40)
                .map(|len| Self { set: [("cut".into(), len.to_string())].into(), ..named(len.to_string()) })
                .collect();
        }
        if let Some((from, to)) = self.wrong_pads {
            let lie = |pad| Lie { wrong_pad: Some(pad), ..self.lie.clone() };
            return (from..=to).map(|pad| Self { lie: lie(pad), ..named(pad.to_string()) }).collect();
        }
        vec![self.clone()]
    }

    async fn holds(&self, world: &World, id: u64, answers: &mut BTreeMap<String, String>) -> Result<(), String> {
        let request = self.request(id);
        let before = messages(world, self.account()).await;
        let answer = answered(world.address(), &request).await?;
        same("the status", raw::status(&answer), self.status)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no head")?;
        match &self.body {
            Some(expected) => same("the body", body, &grown(expected))?,
            None if self.status == 200 && body.is_empty() => return Err("no answer".into()),
            None if self.status != 200 && !body.is_empty() => return Err(format!("tells too much: {body}")),
            None => {}
        }
        let taken = self.status == 200 && self.method.is_none();
        same("messages counted", messages(world, self.account()).await - before, i64::from(taken))?;
        if let Some(group) = &self.same {
            let answer = raw::without_date(&answer);
            let first = answers.entry(group.clone()).or_insert_with(|| answer.clone());
            same("the whole answer", answer.as_str(), first.as_str())?;
        }
        for again in &self.again {
            world.clock.set(MONDAY);
            world.clock.advance_secs(again.after_secs);
            let second = answered(world.address(), &request).await;
            world.clock.set(MONDAY);
            let second = second?;
            same("the status again", raw::status(&second), again.status)?;
            same(
                "that it is the first answer",
                raw::without_date(&second) == raw::without_date(&answer),
                again.same_answer,
            )?;
            same("messages counted again", messages(world, self.account()).await - before, 1)?;
        }
        Ok(())
    }

    fn account(&self) -> &str {
        self.account.as_deref().unwrap_or("demo")
    }

    fn request(&self, id: u64) -> Vec<u8> {
        let method = self.method.as_deref().unwrap_or("POST");
        let path = self.path.clone().unwrap_or_else(|| format!("/wechat/{}", self.account()));
        let token = if self.new_token { NEW_TOKEN } else { TOKEN };
        let timestamp = self.timestamp.as_deref().map_or((MONDAY.0 + self.from_now_secs).to_string(), grown);
        let nonce = self.nonce.as_deref().map_or((1_000_000_000 + id).to_string(), grown);
        let message = text(OPENID, id, self.says.as_deref().unwrap_or("你好"));
        let sealed = (!self.clear && method == "POST").then(|| encrypt(message.as_bytes(), &self.lie));
        let mut query = query(token, (&timestamp, &nonce), sealed.as_deref());
        query.extend(self.echostr.iter().map(|echo| ("echostr".to_owned(), grown(echo))));
        query.retain(|(name, _)| !self.without.contains(name));
        for (name, value) in &mut query {
            if let Some(other) = self.set.get(name) {
                *value = match other.as_str() {
                    "UPPER" => value.to_uppercase(),
                    "LONGER" => format!("{value}0"),
                    other => grown(other),
                };
            }
            if self.cut.as_ref() == Some(name) {
                value.truncate(self.set["cut"].parse().unwrap());
            }
        }
        let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let around = |text: &Option<String>| text.as_deref().map(grown).unwrap_or_default();
        let query = format!("{}{}{}", around(&self.before), query.join("&"), around(&self.after));
        let body = match &sealed {
            Some(sealed) => envelope(sealed, &self.lie),
            None if method == "POST" => message,
            None => String::new(),
        };
        let length = body.len();
        format!(
            "{method} {path}?{query} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

pub async fn messages(world: &World, account: &str) -> i64 {
    let range = CounterRange::all(Metric::Messages);
    world.store().counters(&account.into(), &[range]).await.unwrap().sum_to(Metric::Messages, i32::MAX)
}
