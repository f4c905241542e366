//! Work that the platform does a little later, and the events that tell of it (platform.md 2.3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::State;
use super::act::{Envelope, Xml};
use super::fault::ApiFault;
use super::fields::{id, list};
use crate::domain::ids::Openid;

/// Who tells of work that concerns no single customer.
pub const HELPER: &str = "mphelper";
const YEAR_SECS: i64 = 365 * 86_400;
/// Jobs that may wait; nobody asks for so many within the seconds they take.
const MOST: usize = 20_000;

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// When it is done, in Unix seconds.
    pub due_at: i64,
    /// What it is.
    pub work: Work,
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// A template message arrives or not.
    Template {
        /// With whom.
        openid: Openid,
        /// Its `msgid`.
        msg_id: u64,
        /// As the event tells it.
        status: String,
    },
    /// A subscription notice arrives.
    Notice {
        /// With whom.
        openid: Openid,
        /// Its `msgid`.
        msg_id: u64,
        /// Its template.
        template: String,
    },
    /// A mass message goes out.
    Mass {
        /// Its `msg_id`.
        msg_id: u64,
    },
    /// A draft is published.
    Publish {
        /// Its `publish_id`.
        publish_id: u64,
    },
    /// The account is certified, or no longer.
    Certification {
        /// The event.
        event: String,
        /// Until when, or since when.
        expires_at: i64,
    },
}

/// What happened when a job was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Whom the event is from.
    pub from: Openid,
    /// The event in clear.
    pub xml: String,
    /// Chats that gained something, and their latest entry before.
    pub touched: Vec<(Openid, u64)>,
}

impl State {
    /// Puts work off by the account's delay.
    pub fn queue(&mut self, work: Work, now: i64) -> Result<(), ApiFault> {
        if self.jobs.len() >= MOST {
            return Err(ApiFault::new(-1, "system error"));
        }
        self.jobs.push(Job { due_at: now + self.conditions.job_delay_secs.max(0), work });
        Ok(())
    }

    /// The account's certification was given, for a year, or taken.
    pub fn certified(&mut self, now: i64) -> Result<(), ApiFault> {
        let (event, expires_at) = if self.conditions.certified {
            ("qualification_verify_success", now + YEAR_SECS)
        } else {
            ("verify_expired", now)
        };
        self.queue(Work::Certification { event: event.to_owned(), expires_at }, now)
    }

    /// Takes what is due, the oldest first.
    pub fn take_due(&mut self, now: i64) -> Vec<Job> {
        let (mut due, later): (Vec<Job>, Vec<Job>) = self.jobs.drain(..).partition(|job| job.due_at <= now);
        self.jobs = later;
        due.sort_by_key(|job| job.due_at);
        due
    }

    /// Does a job; `to` is the account's original id.
    pub fn finish(&mut self, job: Job, to: &str) -> Option<Outcome> {
        let at = job.due_at;
        let helper = Openid::from(HELPER);
        let begin = |from: &Openid, event: &str| {
            let mut xml = Xml::new(&Envelope { to, from: from.as_str(), at, msg_id: 0, origin: "" });
            xml.event(event);
            xml
        };
        Some(match job.work {
            Work::Template { openid, msg_id, status } => {
                let mut xml = begin(&openid, "TEMPLATESENDJOBFINISH");
                xml.plain("MsgID", &msg_id).cdata("Status", &status);
                Outcome { from: openid, xml: xml.finish(), touched: Vec::new() }
            }
            Work::Notice { openid, msg_id, template } => {
                let mut xml = begin(&openid, "subscribe_msg_sent_event");
                xml.raw("<SubscribeMsgSentEvent><List>").cdata("TemplateId", &template).plain("MsgID", &msg_id);
                xml.plain("ErrorCode", &0).cdata("ErrorStatus", "success").raw("</List></SubscribeMsgSentEvent>");
                Outcome { from: openid, xml: xml.finish(), touched: Vec::new() }
            }
            Work::Mass { msg_id } => {
                let (sent, touched) = self.mass_sent(msg_id, at)?;
                let mut xml = begin(&helper, "MASSSENDJOBFINISH");
                xml.plain("MsgID", &msg_id).cdata("Status", &sent.status).plain("TotalCount", &sent.total);
                xml.plain("FilterCount", &(sent.sent + sent.failed)).plain("SentCount", &sent.sent);
                xml.plain("ErrorCount", &sent.failed);
                xml.raw("<CopyrightCheckResult><Count>0</Count><ResultList></ResultList><CheckState>0</CheckState>");
                xml.raw("</CopyrightCheckResult><ArticleUrlResult><Count>0</Count><ResultList></ResultList>");
                xml.raw("</ArticleUrlResult>");
                Outcome { from: helper, xml: xml.finish(), touched }
            }
            Work::Certification { event, expires_at } => {
                let mut xml = begin(&helper, &event);
                xml.plain("ExpiredTime", &expires_at);
                Outcome { from: helper, xml: xml.finish(), touched: Vec::new() }
            }
            Work::Publish { publish_id } => {
                let told = self.published(publish_id, at)?;
                let mut xml = begin(&helper, "PUBLISHJOBFINISH");
                publish_info(&mut xml, &told);
                Outcome { from: helper, xml: xml.finish(), touched: Vec::new() }
            }
        })
    }
}

fn publish_info(xml: &mut Xml, told: &Value) {
    xml.raw("<PublishEventInfo>").plain("publish_id", &id(told, "/publish_id"));
    xml.plain("publish_status", &id(told, "/publish_status"));
    if told.get("article_id").is_some() {
        xml.cdata("article_id", &id(told, "/article_id"));
        let items = list(told, "/article_detail/item");
        xml.raw("<article_detail>").plain("count", &items.len());
        for item in items {
            xml.raw("<item>")
                .plain("idx", &id(item, "/idx"))
                .cdata("article_url", &id(item, "/article_url"))
                .raw("</item>");
        }
        xml.raw("</article_detail>");
    }
    for index in list(told, "/fail_idx") {
        xml.plain("fail_idx", index);
    }
    xml.raw("</PublishEventInfo>");
}
