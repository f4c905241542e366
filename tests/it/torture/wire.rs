//! 3.2: HTTP by the byte. What waits for the server to lose its patience runs at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::channel::official::Mode;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::data::{Line, Tally, Waits, grown, same};
use crate::hand::{Hand, text};
use crate::harness::{MONDAY, World};
use crate::raw;

/// The server closes after five seconds; this machine may be busy.
const CLOSED_WITHIN: Duration = Duration::from_secs(8);
/// A connection that answers at once is not one that was waited for.
const NOT_BEFORE: Duration = Duration::from_secs(3);
const DROP_EVERY: Duration = Duration::from_millis(300);

/// Bytes on a connection, and what must come of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    name: String,
    later: Option<String>,
    /// The bytes. `{query}`, `{body}`, `{len}` and `{hex}` (the length as chunks have it) are those of a right delivery;
    /// what stands behind `{drip}` comes byte by byte.
    raw: String,
    /// Nothing more is sent, and the other side is told so.
    half_close: bool,
    /// Where we do otherwise than the list says, and why; counted apart.
    deviates: Option<String>,
    /// The first answer is one of these; 0 is no answer at all.
    status: Vec<u16>,
    /// The server closed because it had waited long enough.
    waited: bool,
    /// All cases of this name get the same answer but for its date.
    same: Option<String>,
    /// How often 200 was answered.
    answered: Option<usize>,
    /// What must not be in the answer: that of a second, smuggled request.
    never: Option<String>,
    /// So many verifications in one go.
    pipelined: Option<usize>,
    /// The client leaves before it is answered, and asks again.
    leaves: bool,
}

impl Waits for Case {
    fn later(&self) -> Option<&str> {
        self.later.as_deref()
    }
}

/// Sends a request and reads one whole answer; when the server closes then is looked at elsewhere.
pub async fn answered(address: SocketAddr, request: &[u8]) -> Result<String, String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A refusal may come before the last byte is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let hearing = async {
        let mut chunk = [0; 4096];
        while !is_whole(&answer) {
            match stream.read(&mut chunk).await {
                Ok(read @ 1..) => answer.extend_from_slice(&chunk[..read]),
                _ => break,
            }
        }
    };
    if tokio::time::timeout(CLOSED_WITHIN, hearing).await.is_err() {
        return Err("no whole answer comes".into());
    }
    let answer = String::from_utf8(answer).map_err(|_| "the answer is no text")?;
    if answer.starts_with("HTTP/1.1 ") { Ok(answer) } else { Err(format!("no HTTP: {answer:?}")) }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length)
}

/// Sends one part at once and one byte by byte; the answer, and how long it took to be closed.
async fn converse(
    address: SocketAddr,
    (at_once, dripping): (&[u8], &[u8]),
    half_close: bool,
) -> Result<(String, Duration), String> {
    let began = Instant::now();
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let sending = async {
        // The server may close while we still send; what it said then is what counts.
        let _ = writing.write_all(at_once).await;
        for byte in dripping {
            tokio::time::sleep(DROP_EVERY).await;
            let _ = writing.write_all(&[*byte]).await;
        }
        if half_close {
            let _ = writing.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let hearing = async {
        let mut chunk = [0; 4096];
        // A reset after the answer is as good an end as any.
        while let Ok(read @ 1..) = reading.read(&mut chunk).await {
            answer.extend_from_slice(&chunk[..read]);
        }
    };
    let over = async {
        tokio::select! { () = sending => {}, () = hearing => {} }
    };
    if tokio::time::timeout(CLOSED_WITHIN, over).await.is_err() {
        return Err("the connection stays open".into());
    }
    let answer = String::from_utf8(answer).map_err(|_| "the answer is no text")?;
    Ok((answer, began.elapsed()))
}

pub async fn run(world: &World, lines: &[Line<Case>]) -> Tally {
    let mut tally = Tally::of(lines);
    let (hand, answers) = (world.hand(Mode::Safe), Mutex::default());
    let (hand, answers) = (&hand, &answers);
    let mut running = Vec::new();
    for (nth, (line, case)) in lines.iter().flat_map(|line| line.case.iter().map(move |case| (line, case))).enumerate()
    {
        if case.later.is_none() {
            // Made before anybody connects: who waits for us while we work would be taken for one who drips.
            let bytes = case.bytes(hand, nth);
            running.push(async move { (line, case, case.holds((world, hand), bytes, answers).await) });
        }
    }
    for (line, case, went) in join_all(running).await {
        tally.deviating += usize::from(case.deviates.is_some());
        // They ran side by side: none of them took long by itself.
        tally.case(&line.id, &format!("{} {}", line.input, case.name), (went, Instant::now()));
    }
    tally
}

impl Case {
    async fn holds(
        &self,
        (world, hand): (&World, &Hand),
        (at_once, dripping): (Vec<u8>, Vec<u8>),
        answers: &Mutex<BTreeMap<String, String>>,
    ) -> Result<(), String> {
        if let Some(many) = self.pipelined {
            return pipelined((world, hand), many).await;
        }
        if self.leaves {
            return leaves(world, hand).await;
        }
        let (answer, took) = converse(world.address(), (&at_once, &dripping), self.half_close).await?;
        let status = if answer.is_empty() { 0 } else { raw::status(&answer) };
        if !self.status.contains(&status) {
            return Err(format!("{status} is none of {:?}: {answer:.300}", self.status));
        }
        if self.waited {
            same("that it was waited for", took > NOT_BEFORE, true)?;
        }
        if let Some(times) = self.answered {
            same("answers", answer.matches("HTTP/1.1 200").count(), times)?;
        }
        if self.never.as_ref().is_some_and(|never| answer.contains(never)) {
            return Err(format!("a second request was seen: {answer:.600}"));
        }
        if let Some(group) = &self.same {
            let mut answers = answers.lock().unwrap();
            let answer = raw::without_date(&answer);
            let first = answers.entry(group.clone()).or_insert_with(|| answer.clone());
            same("the answer", answer.as_str(), first.as_str())?;
        }
        Ok(())
    }

    fn bytes(&self, hand: &Hand, nth: usize) -> (Vec<u8>, Vec<u8>) {
        // Cases that must get the same answer bring the same message.
        let id = if self.same.is_some() { 1 } else { 100 + nth as u64 };
        let push = hand.push(&text("oTortureOfHttp", id, "你好"));
        let body = String::from_utf8(push.body).unwrap();
        let raw = grown(&self.raw)
            .replace("{query}", &push.query)
            .replace("{len}", &body.len().to_string())
            .replace("{hex}", &format!("{:x}", body.len()))
            .replace("{body}", &body);
        let (at_once, dripping) = raw.split_once("{drip}").unwrap_or((&raw, ""));
        (at_once.into(), dripping.into())
    }
}

/// W37. Verifications, because they say which one is answered.
async fn pipelined((world, hand): (&World, &Hand), many: usize) -> Result<(), String> {
    let mut request: String = (1..=many)
        .map(|n| {
            let query = hand.sender.verification(&format!("echo{n}"), &hand.stamp());
            format!("GET /wechat/demo?{query} HTTP/1.1\r\nhost: h\r\n\r\n")
        })
        .collect();
    request += "GET /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let (answer, _) = converse(world.address(), (request.as_bytes(), b""), false).await?;
    let echoed: Vec<usize> =
        answer.split("echo").skip(1).filter_map(|rest| rest.split("HTTP").next()?.trim().parse().ok()).collect();
    same("the order of the answers", echoed == (1..=many).collect::<Vec<_>>(), true)?;
    same("the end", answer.ends_with("alive"), true)
}

/// W38. The customer's question is on its way when the connection goes.
async fn leaves(world: &World, hand: &Hand) -> Result<(), String> {
    world.business(json!({ "delay_ms": 300 })).await;
    let question = crate::hand::message_at(
        MONDAY.0,
        "oTortureWhoLeaves",
        "<MsgType>text</MsgType><Content>查话费</Content><MsgId>1</MsgId>",
    );
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    stream.write_all(&raw::post(&hand.push(&question), "")).await.unwrap();
    // It is being answered once it was asked at the business system; a second copy joins it from then on.
    let joined = hand.deliver(&question).await;
    drop(stream);
    let again = hand.deliver(&question).await;
    world.business(json!({ "delay_ms": 0 })).await;
    same("the resend", &again, &joined)?;
    same("an answer", again.is_acknowledged_only(), false)?;
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let of_this: Vec<_> = facts.iter().filter(|logged| logged.of.openid.as_str() == "oTortureWhoLeaves").collect();
    same("facts: said and answered", of_this.len(), 2)
}
