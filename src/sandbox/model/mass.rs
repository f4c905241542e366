//! Mass messages (platform.md 4.13).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::account::{Fresh, State};
use super::capability::Kind;
use super::chat::{Body, Side};
use super::fault::ApiFault;
use super::fields::{id, is_on, number, text, texts};
use super::job::Work;
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;

const KEPT: usize = 200;
const CLIENT_ID_BYTES: usize = 64;
/// A client id may be tried again after this long.
const AGAIN_SECS: i64 = 60;
/// Ten thousand messages a minute, by speed.
const SPEEDS: [u32; 5] = [80, 60, 45, 30, 10];

/// Mass messages of one account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mass {
    last_id: u64,
    jobs: BTreeMap<u64, MassJob>,
    /// When a client id was refused last.
    attempts: BTreeMap<String, i64>,
    speed: usize,
}

/// One mass message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MassJob {
    at: i64,
    client_id: String,
    to_all: bool,
    /// `SENDING`, `SEND_SUCCESS`, `SEND_FAIL`, `DELETE`.
    status: String,
    /// Empty once it went out.
    recipients: Vec<Openid>,
    body: Body,
    draft: Option<String>,
}

/// What the result event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MassSent {
    /// `send success` or why not.
    pub status: String,
    /// Whom it was meant for.
    pub total: usize,
    /// Who got it.
    pub sent: usize,
    /// Who could not get it.
    pub failed: usize,
}

impl Mass {
    /// What `mass/get` answers.
    pub fn get(&self, body: &Value) -> Result<Value, ApiFault> {
        let job = self.jobs.get(&msg_id(body)).ok_or_else(|| ApiFault::parameter("msg_id"))?;
        Ok(json!({ "msg_id": msg_id(body), "msg_status": job.status }))
    }

    /// Deletes the page of a mass message; what was delivered stays.
    pub fn delete(&mut self, body: &Value) -> Result<(), ApiFault> {
        let job = self.jobs.get_mut(&msg_id(body)).ok_or_else(|| ApiFault::parameter("msg_id"))?;
        "DELETE".clone_into(&mut job.status);
        Ok(())
    }

    /// What `speed/get` answers.
    pub fn speed(&self) -> Value {
        json!({ "speed": self.speed, "realspeed": SPEEDS.get(self.speed).unwrap_or(&10) })
    }

    /// Sets the speed, 0 to 4.
    pub fn set_speed(&mut self, body: &Value) -> Result<(), ApiFault> {
        let speed = number(body, "/speed").and_then(|n| usize::try_from(n).ok()).filter(|n| *n < SPEEDS.len());
        self.speed = speed.ok_or_else(|| ApiFault::new(45083, "invalid speed"))?;
        Ok(())
    }

    fn known(&mut self, client_id: &str, now: i64) -> Result<(), ApiFault> {
        let today = UnixSecs(now).business_day();
        let same = |job: &&MassJob| job.client_id == client_id && UnixSecs(job.at).business_day() == today;
        let earlier = self.jobs.iter().find(|(_, job)| same(job)).map(|(id, _)| *id);
        if let Some(msg_id) = earlier {
            return Err(ApiFault::new(45065, "clientmsgid exist").with("msg_id", msg_id));
        }
        self.attempts.retain(|_, at| now - *at < AGAIN_SECS);
        if self.attempts.contains_key(client_id) {
            return Err(ApiFault::new(45066, "same clientmsgid retry too fast"));
        }
        Ok(())
    }

    /// Refuses a call of an account that has sent its share, to everybody or at all: 45028.
    fn allowed(&self, kind: Kind, body: &Value, now: i64) -> Result<(), ApiFault> {
        let to_all = is_on(body, "/filter/is_to_all");
        let today = UnixSecs(now).business_day();
        let day = |job: &&MassJob| UnixSecs(job.at).business_day();
        let jobs = || self.jobs.values();
        let full = match kind {
            Kind::Subscription => jobs().any(|job| day(&job) == today),
            _ if to_all => {
                let mut all = jobs().filter(|job| job.to_all);
                all.clone().any(|job| day(&job) == today)
                    || all.by_ref().filter(|job| day(job).month() == today.month()).count() >= 4
            }
            _ => false,
        };
        if full { Err(ApiFault::new(45028, "has no masssend quota")) } else { Ok(()) }
    }
}

impl State {
    /// Takes a mass message; answers its id.
    pub fn send_mass(&mut self, body: &Value, fresh: Fresh) -> Result<u64, ApiFault> {
        let now = fresh.now;
        let (shown, draft) = self.mass_body(body, now)?;
        let to_all = is_on(body, "/filter/is_to_all");
        let recipients = self.mass_recipients(body)?;
        let client_id = client_id(body)?;
        self.mass.known(&client_id, now)?;
        if let Err(fault) = self.mass.allowed(self.conditions.kind, body, now) {
            self.mass.attempts.insert(client_id, now);
            return Err(fault);
        }
        self.mass.last_id = self.mass.last_id.max(34_000) + 1;
        let msg_id = self.mass.last_id;
        self.queue(Work::Mass { msg_id }, now)?;
        let job = MassJob { at: now, client_id, to_all, status: "SENDING".into(), recipients, body: shown, draft };
        self.mass.jobs.insert(msg_id, job);
        if self.mass.jobs.len() > KEPT {
            self.mass.jobs.pop_first();
        }
        Ok(msg_id)
    }

    /// Shows a message to one customer, whatever their share.
    pub fn preview_mass(&mut self, body: &Value, now: i64) -> Result<Openid, ApiFault> {
        let (shown, _) = self.mass_body(body, now)?;
        let name = text(body, "/towxname");
        let by_name = || self.customers.values().find(|c| c.nickname == name).map(|c| c.openid.clone());
        let openid = if name.is_empty() { Some(Openid::from(text(body, "/touser"))) } else { by_name() };
        let customer = openid.and_then(|openid| self.customers.get_mut(&openid)).ok_or_else(ApiFault::openid)?;
        if !customer.follows() {
            return Err(ApiFault::new(43004, "require subscribe"));
        }
        customer.append(now, Side::Account, shown).details.push("群发预览".to_owned());
        Ok(customer.openid.clone())
    }

    /// A mass message goes out: what its event tells, and the chats that gained it.
    pub fn mass_sent(&mut self, msg_id: u64, now: i64) -> Option<(MassSent, Vec<(Openid, u64)>)> {
        let status = self.conditions.mass_status.clone();
        let job = self.mass.jobs.get_mut(&msg_id)?;
        let recipients = std::mem::take(&mut job.recipients);
        let mut told = MassSent { status, total: recipients.len(), sent: 0, failed: 0 };
        let mut touched = Vec::new();
        let goes = told.status == "send success";
        if job.status != "DELETE" {
            (if goes { "SEND_SUCCESS" } else { "SEND_FAIL" }).clone_into(&mut job.status);
        }
        let body = job.body.clone();
        if let Some(draft) = job.draft.take().filter(|_| goes) {
            self.drafts.take(&draft);
        }
        for openid in recipients.into_iter().filter(|_| goes) {
            let Some(customer) = self.customers.get_mut(&openid).filter(|c| c.follows()) else { continue };
            let of_service = self.conditions.kind == Kind::Service;
            if of_service && !customer.standing.takes_mass(now) {
                continue;
            }
            if customer.standing.refuses || customer.standing.blacklisted {
                told.failed += 1;
                continue;
            }
            let before = customer.last_seq;
            customer.append(now, Side::Account, body.clone());
            told.sent += 1;
            touched.push((openid, before));
        }
        Some((told, touched))
    }

    fn mass_recipients(&self, body: &Value) -> Result<Vec<Openid>, ApiFault> {
        let followers = self.customers.values().filter(|c| c.follows());
        if body.get("filter").is_none() {
            let openids: Vec<Openid> = texts(body, "/touser").into_iter().map(Openid::from).collect();
            return match openids.len() {
                0 | 1 => Err(ApiFault::new(40130, "invalid openid list size, at least two openid")),
                n if n > 10_000 => Err(ApiFault::new(40032, "invalid openid list size")),
                _ => Ok(openids),
            };
        }
        if is_on(body, "/filter/is_to_all") {
            return Ok(followers.map(|c| c.openid.clone()).collect());
        }
        let tag = id(body, "/filter/tag_id").parse::<u32>().map_err(|_| ApiFault::new(45159, "invalid tag id"))?;
        self.tag_asked(&json!({ "tagid": tag }))?;
        Ok(followers.filter(|c| c.standing.tags.contains(&tag)).map(|c| c.openid.clone()).collect())
    }

    fn mass_body(&self, body: &Value, now: i64) -> Result<(Body, Option<String>), ApiFault> {
        let media = |pointer: &str| {
            let id = text(body, pointer);
            self.media.usable(id, now).map(|_| id.to_owned())
        };
        let shown = match text(body, "/msgtype") {
            "mpnews" => {
                let draft = text(body, "/mpnews/media_id");
                let articles = self.drafts.get(draft)?.cards();
                return Ok((Body::Articles { articles }, Some(draft.to_owned())));
            }
            "text" => match text(body, "/text/content") {
                "" => return Err(ApiFault::new(44004, "empty content")),
                words if words.len() > 2048 => return Err(ApiFault::new(45002, "content size out of limit")),
                words => Body::Text { text: words.to_owned() },
            },
            "voice" => Body::Voice { media_id: media("/voice/media_id")?, words: String::new() },
            "image" => {
                let pointer = if body.get("images").is_some() { "/images/media_ids/0" } else { "/image/media_id" };
                Body::Image { media_id: media(pointer)? }
            }
            "mpvideo" => {
                media("/mpvideo/media_id")?;
                let words = |pointer: &str| text(body, pointer).to_owned();
                Body::Video { title: words("/mpvideo/title"), description: words("/mpvideo/description") }
            }
            "wxcard" => Body::Coupon { card_id: text(body, "/wxcard/card_id").to_owned() },
            _ => return Err(ApiFault::new(40008, "invalid message type")),
        };
        Ok((shown, None))
    }
}

/// The client's own id or, without one, a digest of range and content.
fn client_id(body: &Value) -> Result<String, ApiFault> {
    let given = text(body, "/clientmsgid");
    match given.len() {
        0 => {
            let digest = Sha1::digest(body.to_string().as_bytes());
            Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
        }
        n if n > CLIENT_ID_BYTES => Err(ApiFault::new(45067, "invalid clientmsgid size")),
        _ => Ok(given.to_owned()),
    }
}

fn msg_id(body: &Value) -> u64 {
    id(body, "/msg_id").parse().unwrap_or(0)
}
