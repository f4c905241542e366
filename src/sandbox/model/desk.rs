//! Agents, and what they and customers said to each other (platform.md 4.9).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::Fresh;
use super::fault::ApiFault;
use super::fields::{number, text};
use crate::domain::ids::Openid;

const AGENTS: usize = 100;
const RECORDS: usize = 10_000;
const INVITATION_SECS: i64 = 86_400;
/// The agent every sandbox begins with, who answers at the phone page's panel.
const FIRST: (&str, &str) = ("xiaofu@demo", "客服小服");

/// Who wrote a recorded message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// The agent.
    Agent,
    /// The customer.
    Customer,
}

/// Whether an agent sits at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// There.
    Taken,
    /// Not there.
    Empty,
}

/// The agents and their records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desk {
    agents: Vec<Agent>,
    records: VecDeque<Record>,
    last_record: u64,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// `prefix@account`.
    pub account: String,
    /// As customers see it.
    pub nickname: String,
    id: String,
    picture: String,
    /// The bound WeChat id; empty until the invitation is accepted.
    wx: String,
    /// Who is invited, and until when.
    invited: Option<(String, i64)>,
    /// Whether the agent sits at the desk.
    online: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    id: u64,
    openid: Openid,
    opercode: u16,
    text: String,
    time: i64,
    worker: String,
}

impl Default for Desk {
    fn default() -> Self {
        let (account, nickname) = FIRST;
        let first = Agent {
            account: account.into(),
            nickname: nickname.into(),
            id: "1001".into(),
            picture: String::new(),
            wx: "demo_xiaofu".into(),
            invited: None,
            online: true,
        };
        Self { agents: vec![first], records: VecDeque::new(), last_record: 0 }
    }
}

fn refuse(errcode: i32, errmsg: &'static str) -> ApiFault {
    ApiFault::new(errcode, errmsg)
}

impl Desk {
    /// An agent, or 65401.
    pub fn agent(&self, account: &str) -> Result<&Agent, ApiFault> {
        self.agents.iter().find(|agent| agent.account == account).ok_or_else(|| refuse(65401, "invalid kf account"))
    }

    fn agent_mut(&mut self, account: &str) -> Result<&mut Agent, ApiFault> {
        let found = self.agents.iter_mut().find(|agent| agent.account == account);
        found.ok_or_else(|| refuse(65401, "invalid kf account"))
    }

    /// An agent who can take a chat: bound and at the desk.
    pub fn ready(&self, account: &str) -> Result<&Agent, ApiFault> {
        match self.agent(account)? {
            agent if agent.wx.is_empty() => Err(refuse(65402, "kf account has not been bound")),
            agent if !agent.online => Err(refuse(65415, "kf account is offline")),
            agent => Ok(agent),
        }
    }

    /// `kfaccount/add`.
    pub fn add(&mut self, body: &Value) -> Result<(), ApiFault> {
        let (account, nickname) = (text(body, "/kf_account"), nickname(body)?);
        let prefix = account.split_once('@').filter(|(_, at)| !at.is_empty()).map(|(prefix, _)| prefix);
        let fits =
            |prefix: &&str| (1..=10).contains(&prefix.len()) && prefix.chars().all(|c| c.is_ascii_alphanumeric());
        prefix.filter(fits).ok_or_else(|| refuse(65404, "illegal kf account"))?;
        if self.agent(account).is_ok() {
            return Err(refuse(65406, "kf account exists"));
        }
        if self.agents.len() >= AGENTS {
            return Err(refuse(65405, "kf account count exceeds limit"));
        }
        let id = (1001 + self.agents.len()).to_string();
        let (picture, wx) = (String::new(), String::new());
        self.agents.push(Agent { account: account.into(), nickname, id, picture, wx, invited: None, online: false });
        Ok(())
    }

    /// `kfaccount/update`.
    pub fn rename(&mut self, body: &Value) -> Result<(), ApiFault> {
        let nickname = nickname(body)?;
        self.agent_mut(text(body, "/kf_account"))?.nickname = nickname;
        Ok(())
    }

    /// `kfaccount/inviteworker`.
    pub fn invite(&mut self, body: &Value, now: i64) -> Result<(), ApiFault> {
        let wx = text(body, "/invite_wx");
        let taken = self.agents.iter().any(|agent| agent.wx == wx);
        let agent = self.agent_mut(text(body, "/kf_account"))?;
        match (&agent.invited, agent.wx.is_empty()) {
            _ if !(6..=20).contains(&wx.len()) => Err(refuse(65409, "invalid wechat id")),
            (_, false) => Err(refuse(65412, "kf account has been bound")),
            _ if taken => Err(refuse(65407, "wechat id is a worker already")),
            (Some((_, until)), _) if *until > now => Err(refuse(65411, "invitation is pending")),
            _ => {
                agent.invited = Some((wx.to_owned(), now + INVITATION_SECS));
                Ok(())
            }
        }
    }

    /// What the invited do in their own app: accept, come and go.
    pub fn seat(&mut self, account: &str, seat: Seat) -> Result<(), ApiFault> {
        let agent = self.agent_mut(account)?;
        if let Some((wx, _)) = agent.invited.take() {
            agent.wx = wx;
        }
        agent.online = seat == Seat::Taken;
        Ok(())
    }

    /// `kfaccount/uploadheadimg`.
    pub fn picture(&mut self, account: &str, fresh: Fresh) -> Result<(), ApiFault> {
        self.agent_mut(account)?.picture = format!("http://mmbiz.qpic.cn/mmbiz/{:016x}/300", fresh.random);
        Ok(())
    }

    /// `kfaccount/del`.
    pub fn delete(&mut self, account: &str) -> Result<(), ApiFault> {
        self.agent(account)?;
        self.agents.retain(|agent| agent.account != account);
        Ok(())
    }

    /// What `getkflist` answers.
    pub fn list(&self, now: i64) -> Value {
        let agent = |agent: &Agent| {
            let mut shown = json!({
                "kf_account": agent.account,
                "kf_nick": agent.nickname,
                "kf_id": agent.id,
                "kf_headimgurl": agent.picture,
            });
            let more = match &agent.invited {
                _ if !agent.wx.is_empty() => json!({ "kf_wx": agent.wx }),
                Some((wx, until)) => {
                    let status = if *until > now { "waiting" } else { "expired" };
                    json!({ "invite_wx": wx, "invite_expire_time": until, "invite_status": status })
                }
                None => json!({}),
            };
            if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
                shown.extend(more);
            }
            shown
        };
        json!({ "kf_list": self.agents.iter().map(agent).collect::<Vec<_>>() })
    }

    /// What `getonlinekflist` answers; `chats` says how many an agent has.
    pub fn online(&self, chats: impl Fn(&str) -> usize) -> Value {
        let agent = |agent: &Agent| json!({ "kf_account": agent.account, "status": 1, "kf_id": agent.id, "accepted_case": chats(&agent.account) });
        json!({ "kf_online_list": self.agents.iter().filter(|agent| agent.online).map(agent).collect::<Vec<_>>() })
    }

    /// Keeps what was said in a session; the oldest gives way.
    pub fn record(&mut self, wrote: Wrote, openid: &Openid, said: (&str, &str, i64)) {
        let (worker, text, time) = said;
        self.last_record += 1;
        if self.records.len() >= RECORDS {
            self.records.pop_front();
        }
        let opercode = if wrote == Wrote::Agent { 2002 } else { 2003 };
        let (text, worker) = (text.to_owned(), worker.to_owned());
        self.records.push_back(Record { id: self.last_record, openid: openid.clone(), opercode, text, time, worker });
    }

    /// What `msgrecord/getmsglist` answers.
    pub fn records(&self, body: &Value) -> Result<Value, ApiFault> {
        let of = |name: &str| number(body, name).ok_or_else(|| refuse(65416, "invalid parameter"));
        let (start, end) = (of("/starttime")?, of("/endtime")?);
        let from = u64::try_from(of("/msgid")?).unwrap_or(1);
        let most = usize::try_from(of("/number")?).ok().filter(|n| (1..=10_000).contains(n));
        let most = most.ok_or_else(|| refuse(65416, "invalid parameter"))?;
        if end < start {
            return Err(refuse(65416, "invalid parameter"));
        }
        if end - start > 86_400 {
            return Err(refuse(65417, "time span too long"));
        }
        let within = |r: &&Record| (start..=end).contains(&r.time) && r.id >= from;
        let page: Vec<&Record> = self.records.iter().filter(within).take(most).collect();
        let shown = |r: &&Record| json!({ "openid": r.openid, "opercode": r.opercode, "text": r.text, "time": r.time, "worker": r.worker });
        let next = page.last().map_or(from, |r| r.id + 1);
        let list: Vec<Value> = page.iter().map(shown).collect();
        Ok(json!({ "number": list.len(), "recordlist": list, "msgid": next }))
    }
}

fn nickname(body: &Value) -> Result<String, ApiFault> {
    let nickname = text(body, "/nickname");
    let fits = (1..=16).contains(&nickname.chars().count());
    if fits { Ok(nickname.to_owned()) } else { Err(refuse(65403, "illegal nickname")) }
}
