//! 3.3: rightly signed, and hostile inside.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use fuwu::channel::official::deliver::Chat;
use fuwu::channel::official::{Mode, Reason};
use fuwu::domain::fact::FactKind;
use fuwu::domain::reply::Reply;
use fuwu::growth::counter::Metric;
use fuwu::store::CounterRange;
use serde::Deserialize;
use serde_json::json;

use super::data::{Line, Tally, Waits, grown, same};
use super::sealing::{Lie, encrypt, envelope, query};
use crate::hand::{Hand, Posted, event};
use crate::harness::{MONDAY, ORIGINAL_ID, TOKEN, World};
use crate::process::{Process, run as command};

/// Nothing here takes long; a parser that goes wrong takes seconds. This machine may be busy.
const WITHIN: Duration = Duration::from_secs(2);

/// One message, and what must come of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    name: String,
    later: Option<String>,
    /// `plain` for bytes that would not fit an encrypted delivery.
    account: Option<String>,
    /// The words of a text message.
    content: Option<String>,
    /// What stands after `CreateTime` instead of a text message.
    inside: Option<String>,
    /// The whole message.
    xml: Option<String>,
    from: Option<String>,
    at: Option<String>,
    id: Option<String>,
    /// What stands around the message.
    before: String,
    after: String,
    /// A character of the message and the bytes, in hex, that stand in its place.
    bytes: Option<(String, String)>,
    utf16: bool,
    /// A menu button that is tapped first.
    tap: Option<String>,
    /// Delivered so often: each a message of its own, or copies of one at the same moment.
    times: Option<usize>,
    copies: Option<usize>,
    /// Every second one is this event instead.
    alternating: Option<String>,

    status: Option<u16>,
    /// Answered `success` and kept with this reason.
    quarantined: Option<String>,
    /// Answered `success` and not kept.
    acknowledged: bool,
    /// Words in the reply; without any, a reply that the platform would show.
    reply: Option<String>,
    /// The customer's words as they are kept.
    kept: Option<String>,
    /// What the metrics count more than before.
    counts: BTreeMap<String, i64>,
    /// The answer is the same as the one before it.
    same_as_before: bool,
    /// `{port}` in the message is one where somebody listens who must not be called.
    trap: bool,
}

impl Waits for Case {
    fn later(&self) -> Option<&str> {
        self.later.as_deref()
    }
}

struct Table<'w> {
    world: &'w World,
    hand: Hand,
    next_id: u64,
    last: Option<Posted>,
    /// The reasons that were given.
    reasons: Vec<String>,
}

pub async fn run(world: &World, env: &[(&str, &str)], lines: &[Line<Case>]) -> Tally {
    let mut tally = Tally::of(lines);
    let mut table = Table { world, hand: world.hand(Mode::Safe), next_id: 0, last: None, reasons: Vec::new() };
    for line in lines {
        for case in line.case.iter().filter(|case| case.later.is_none()) {
            let what = format!("{} {}", line.input, case.name);
            let began = Instant::now();
            let went = match case.name.as_str() {
                "the log" => logged(case).await,
                _ => table.holds(case).await,
            };
            tally.case(&line.id, &what, (went, began));
        }
    }
    let began = Instant::now();
    let explained = explained(world.dir.path(), env, &table.reasons).await;
    tally.case("W41 to W58", "fuwu explain quarantine tells every reason that was given", (explained, began));
    tally
}

impl Table<'_> {
    async fn holds(&mut self, case: &Case) -> Result<(), String> {
        let account = case.account.clone().unwrap_or_else(|| "demo".to_owned());
        let openid = format!("oTortureOfContent{:04}", self.next_id);
        let openid = if case.same_as_before { format!("oTortureOfContent{:04}", self.next_id - 1) } else { openid };
        let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        trap.set_nonblocking(true).unwrap();
        if let Some(key) = &case.tap {
            self.hand.deliver(&event(&openid, "CLICK", key)).await;
        }
        if case.copies.is_some() {
            self.world.business(json!({ "delay_ms": 500 })).await;
        }
        let before = self.counted(&account).await;
        let began = Instant::now();
        let posted = match (case.times, case.copies) {
            (Some(times), _) => self.one_by_one(case, &openid, times).await?,
            (None, Some(copies)) => self.at_once(case, &openid, copies).await?,
            (None, None) => {
                let message = self.message(case, &openid, (0, trap.local_addr().unwrap().port()));
                self.next_id += 1;
                self.post(&account, &message).await
            }
        };
        let took = began.elapsed();
        if case.copies.is_some() {
            self.world.business(json!({ "delay_ms": 0 })).await;
        }
        if case.times.is_none() && took > WITHIN {
            return Err(format!("took {took:?}"));
        }
        if trap.accept().is_ok() {
            return Err("the trap was called".into());
        }
        let before_it = self.last.replace(posted.clone());
        same("the status", posted.status, case.status.unwrap_or(200))?;
        let after = self.counted(&account).await;
        for (name, n) in &case.counts {
            let grew = after.get(name).unwrap_or(&0) - before.get(name).unwrap_or(&0);
            same(&format!("what {name} counts"), grew, *n)?;
        }
        if posted.status != 200 {
            return same("what it tells", posted.body.as_slice(), b"");
        }
        let aside = |of: &BTreeMap<String, i64>| of.get("set aside").copied().unwrap_or(0);
        self.went(case, (&account, &openid), (&posted, aside(&after) - aside(&before))).await?;
        if let Some(words) = &case.kept {
            let facts = self.world.store().facts(&account.as_str().into(), 0, usize::MAX).await.unwrap();
            let last = facts.iter().rev().filter(|logged| logged.of.openid.as_str() == openid);
            let said = last.map(|logged| logged.fact.what.clone()).find_map(|what| match what {
                FactKind::TicketOpened { text, .. } | FactKind::Unanswered { text } => Some(text),
                _ => None,
            });
            same("what is kept", said, Some(grown(words)))?;
        }
        if case.same_as_before {
            same("the answer", Some(&posted), before_it.as_ref())?;
        }
        Ok(())
    }

    /// Where it went: aside, nowhere, or to a reply that the platform would show.
    async fn went(
        &mut self,
        case: &Case,
        (account, openid): (&str, &str),
        (posted, set_aside): (&Posted, i64),
    ) -> Result<(), String> {
        if let Some(reason) = &case.quarantined {
            same("that it is only acknowledged", posted.is_acknowledged_only(), true)?;
            let kept = self.world.store().quarantined(&account.into(), 1).await.unwrap();
            same("the reason", kept.first().map(|entry| entry.reason.as_str()), Some(reason.as_str()))?;
            if account == "demo" {
                self.reasons.push(reason.clone());
            }
            return same("deliveries set aside", set_aside, 1);
        }
        same("deliveries set aside", set_aside, 0)?;
        if case.acknowledged {
            return same("that it is only acknowledged", posted.is_acknowledged_only(), true);
        }
        let mut sender = self.hand.sender.clone();
        if account == "plain" {
            sender.mode = Mode::Plain;
        }
        let openid = case.from.as_deref().map_or(openid.to_owned(), grown);
        let chat = Chat { openid: &openid, original_id: ORIGINAL_ID, max_articles: 8 };
        match sender.hear(&chat, &posted.body) {
            Ok(Reply::Text(words)) if words.contains(case.reply.as_deref().unwrap_or("")) => Ok(()),
            Ok(Reply::Silent) => Err("nothing is said".into()),
            Ok(other) => Err(format!("says {other:?}")),
            Err(fault) => Err(format!("the platform would not show it: {fault}")),
        }
    }

    fn message(&self, case: &Case, openid: &str, (nth, port): (usize, u16)) -> Vec<u8> {
        let from = case.from.as_deref().map_or(openid.to_owned(), grown);
        // What happens one after the other happens a second apart, and none of it ahead of our clock.
        let second = MONDAY.0 - case.times.map_or(0, |times| (times - nth) as i64);
        let at = case.at.as_deref().map_or(second.to_string(), grown);
        let id = case.id.as_deref().map_or(format!("{}", 10_000 + self.next_id * 1000 + nth as u64), grown);
        let alternate = case.alternating.as_ref().filter(|_| nth % 2 == 1);
        let inside = match alternate.or(case.inside.as_ref()) {
            Some(inside) => grown(inside).replace("{n}", &nth.to_string()),
            None => {
                let content = grown(case.content.as_deref().unwrap_or("你好"));
                format!(
                    "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content><MsgId>{id}</MsgId>"
                )
            }
        };
        let xml = case.xml.as_deref().map(grown).unwrap_or_else(|| {
            format!(
                "<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[{from}]]>\
                 </FromUserName><CreateTime>{at}</CreateTime>{inside}</xml>"
            )
        });
        let xml = format!("{}{xml}{}", grown(&case.before), grown(&case.after)).replace("{port}", &port.to_string());
        if case.utf16 {
            return xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        match &case.bytes {
            None => xml.into_bytes(),
            Some((char, hex)) => {
                let (head, tail) = xml.split_once(char.as_str()).expect("the character stands in the message");
                let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
                let bytes: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
                [head.as_bytes(), &bytes, tail.as_bytes()].concat()
            }
        }
    }

    async fn post(&self, account: &str, message: &[u8]) -> Posted {
        let stamp = self.hand.stamp();
        let timestamp = stamp.timestamp.to_string();
        let lie = Lie::default();
        let sealed = (account != "plain").then(|| encrypt(message, &lie));
        let query: Vec<String> = query(TOKEN, (&timestamp, &stamp.nonce), sealed.as_deref())
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let body = sealed.map_or(message.to_vec(), |sealed| envelope(&sealed, &lie).into_bytes());
        let url = self.world.url(&format!("/wechat/{account}?{}", query.join("&")));
        let answer = self.hand.http.post(url).body(body).send().await.unwrap();
        Posted { status: answer.status().as_u16(), body: answer.bytes().await.unwrap().to_vec() }
    }

    /// Each a message of its own, one customer's one after the other; the last answer.
    async fn one_by_one(&mut self, case: &Case, openid: &str, times: usize) -> Result<Posted, String> {
        let account = case.account.clone().unwrap_or_else(|| "demo".to_owned());
        let mut last = None;
        for nth in 0..times {
            let message = self.message(case, openid, (nth, 0));
            let posted = self.post(&account, &message).await;
            same(&format!("status {nth}"), posted.status, 200)?;
            last = Some(posted);
        }
        self.next_id += 1;
        last.ok_or("nothing was delivered".to_owned())
    }

    /// Copies of one message, each signed anew, at the same moment: one answer for all.
    async fn at_once(&mut self, case: &Case, openid: &str, copies: usize) -> Result<Posted, String> {
        let account = case.account.clone().unwrap_or_else(|| "demo".to_owned());
        let message = self.message(case, openid, (0, 0));
        self.next_id += 1;
        let answers = join_all((0..copies).map(|_| self.post(&account, &message))).await;
        let first = answers.first().cloned().ok_or("nothing was delivered")?;
        same("all answers", answers.iter().all(|answer| *answer == first), true)?;
        Ok(first)
    }

    async fn counted(&self, account: &str) -> BTreeMap<String, i64> {
        let mut counted = BTreeMap::new();
        for (name, metric) in [
            ("messages", Metric::Messages),
            ("first_follows", Metric::FirstFollows),
            ("follows", Metric::Follows),
            ("unfollows", Metric::Unfollows),
            ("quarantined", Metric::Quarantined),
        ] {
            let counters = self.world.store().counters(&account.into(), &[CounterRange::all(metric)]).await.unwrap();
            for (key, n) in counters.cells() {
                *counted.entry(name.to_owned()).or_default() += n;
                if metric == Metric::Quarantined {
                    // What is answered but not counted on its day is no delivery set aside.
                    let kind =
                        if matches!(key.dimension.as_str(), "future" | "late") { &key.dimension } else { "set aside" };
                    *counted.entry(kind.to_owned()).or_default() += n;
                }
            }
        }
        counted
    }
}

/// The command, beside the running server.
async fn explained(dir: &Path, env: &[(&str, &str)], reasons: &[String]) -> Result<(), String> {
    let all = ["--account", "demo", "explain", "quarantine", "--last", "1000"];
    let env: Vec<(String, String)> = env.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let dir = dir.to_owned();
    // Whoever drips meanwhile must go on dripping.
    let told = tokio::task::spawn_blocking(move || {
        let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        command(&dir, &env, &all)
    });
    let told = told.await.unwrap();
    let told = String::from_utf8(told.stdout).map_err(|_| "no text")? + &String::from_utf8_lossy(&told.stderr);
    same("lines", told.lines().count(), reasons.len())?;
    for reason in reasons {
        let explained = Reason::labelled(reason).ok_or(format!("{reason} is no reason"))?.explained();
        let line = told.lines().any(|line| line.contains(&format!("  {reason}  ")) && line.ends_with(explained));
        same(&format!("that {reason} is explained"), line, true)?;
    }
    if told.contains("oTorture") { Err("it tells customers' names unasked".into()) } else { Ok(()) }
}

/// What a customer typed does not come into the log, and what comes into it stays on its line.
async fn logged(case: &Case) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_owned();
    let process = tokio::task::spawn_blocking(move || Process::start(&folder, &[("RUST_LOG", "debug")])).await.unwrap();
    let hand = process.hand();
    let content = grown(case.content.as_deref().unwrap_or_default());
    let text = crate::hand::text("oTortureOfLogs", 1, &content);
    // Once for the chat, once for the quarantine, which is told in the log, once for whoever cannot sign.
    let answered = hand.deliver(&text).await;
    let aside = hand.deliver(&text.replace("<MsgId>1<", &format!("<MsgId>{content}<")).replace(']', " ")).await;
    let mut forged = hand.push(&text);
    forged.query = forged.query.replace("nonce=", "nonce=%0d%0aSet-Cookie:%201%1b[31m");
    let forged = hand.post(forged).await;
    same("statuses", [answered.status, aside.status, forged.status], [200, 200, 403])?;
    let log = process.log();
    process.kill();
    same("that the quarantine is told", log.contains("quarantine"), true)?;
    for private in ["\u{1b}[31m", "Set-Cookie", "oTortureOfLogs", "ERROR forged"] {
        if log.contains(private) {
            return Err(format!("{private:?} is in the log:\n{log}"));
        }
    }
    Ok(())
}
