//! Everything the platform holds of one account, and the demo business system beside it, as one value that is saved
//! whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::act::{Act, media_id};
use super::chat::{Body, Side};
use super::code::{Code, CodeRequest, DEMO_SCENES, Usable, friend_scene};
use super::conditional::ConditionalMenu;
use super::conditions::Conditions;
use super::customer::{Audience, Customer, Service};
use super::desk::{Desk, Wrote};
use super::draft::Drafts;
use super::fault::ApiFault;
use super::grant::Grants;
use super::job::Job;
use super::mass::Mass;
use super::media::Media;
use super::menu::Menu;
use super::publish::Publications;
use super::quota::Quotas;
use super::request_log::RequestLog;
use super::short_key::ShortKeys;
use super::statistics::{Statistics, message_type, source};
use super::tag::Tags;
use super::template::Templates;
use super::token::Tokens;
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;
use crate::sandbox::SandboxError;
use crate::sandbox::telecom::Books;

/// A code that expired so long ago is forgotten.
const LONG_EXPIRED_SECS: i64 = 30 * 86_400;
/// The shape of the saved state.
const FORMAT: u32 = 1;

/// The state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Rises when the shape changes.
    pub format: u32,
    /// Everybody, by openid.
    pub customers: BTreeMap<Openid, Customer>,
    /// The menu in force.
    pub menu: Option<Menu>,
    /// Codes by ticket.
    pub codes: BTreeMap<String, Code>,
    /// Access tokens.
    pub tokens: Tokens,
    /// What the demo business system sold; a state saved before it was kept here has sold nothing.
    #[serde(default)]
    pub books: Books,
    /// What the platform counts; a state saved before it did begins with the next start.
    #[serde(default)]
    pub statistics: Statistics,
    /// What kind of account it is, and how the platform treats it.
    #[serde(default)]
    pub conditions: Conditions,
    /// How far the platform's time was moved forward, in seconds.
    #[serde(default)]
    pub clock_offset_secs: i64,
    /// How often what was called.
    #[serde(default)]
    pub quotas: Quotas,
    /// What was refused lately.
    #[serde(default)]
    pub request_log: RequestLog,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// Menus for some customers, the newest last.
    #[serde(default)]
    pub conditional: Vec<ConditionalMenu>,
    /// Short keys.
    #[serde(default)]
    pub short_keys: ShortKeys,
    /// Media.
    #[serde(default)]
    pub media: Media,
    /// Drafts.
    #[serde(default)]
    pub drafts: Drafts,
    /// What was published.
    #[serde(default)]
    pub publications: Publications,
    /// Templates for template messages.
    #[serde(default)]
    pub templates: Templates,
    /// Templates for subscription notices.
    #[serde(default)]
    pub notices: Templates,
    /// Mass messages.
    #[serde(default)]
    pub mass: Mass,
    /// Agents.
    #[serde(default)]
    pub desk: Desk,
    /// What pages were given: codes, tokens, tickets.
    #[serde(default)]
    pub grants: Grants,
    /// What is done a little later.
    #[serde(default)]
    pub jobs: Vec<Job>,
    last_msg_id: u64,
    last_menu_id: u64,
}

/// Fresh ids for one step, handed in.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// The time, in Unix seconds.
    pub now: i64,
    /// Random bits.
    pub random: u64,
}

impl State {
    /// A fresh account with its demo codes.
    pub fn new(fresh: Fresh) -> Self {
        let mut state = Self {
            format: FORMAT,
            customers: BTreeMap::new(),
            menu: None,
            codes: BTreeMap::new(),
            tokens: Tokens::default(),
            books: Books::default(),
            statistics: Statistics::default(),
            conditions: Conditions::default(),
            clock_offset_secs: 0,
            quotas: Quotas::default(),
            request_log: RequestLog::default(),
            tags: Tags::default(),
            conditional: Vec::new(),
            short_keys: ShortKeys::default(),
            media: Media::default(),
            drafts: Drafts::default(),
            publications: Publications::default(),
            templates: Templates::default(),
            notices: Templates::default(),
            mass: Mass::default(),
            desk: Desk::default(),
            grants: Grants::default(),
            jobs: Vec::new(),
            last_msg_id: 0,
            last_menu_id: 400_000_000,
        };
        for (scene, label) in DEMO_SCENES {
            state.add_code(CodeRequest::permanent(scene), label, fresh);
        }
        state.begin_statistics(fresh);
        state
    }

    /// Counts from now on, if it does not yet.
    pub fn begin_statistics(&mut self, fresh: Fresh) {
        let followers = self.customers.values().filter(|customer| customer.follows()).count();
        self.statistics.begin(UnixSecs(fresh.now).business_day(), followers);
    }

    /// Whether a saved state can be read.
    pub fn is_current(&self) -> bool {
        self.format == FORMAT
    }

    /// A new 64-bit message id, larger than every earlier one even after a state that was lost: its upper part is
    /// the time.
    pub fn next_msg_id(&mut self, fresh: Fresh) -> u64 {
        let by_time = (u64::try_from(fresh.now).unwrap_or(0) << 30) | ((fresh.random & 0xF_FFFF) << 10);
        self.last_msg_id = by_time.max(self.last_msg_id + 1);
        self.last_msg_id
    }

    /// A new menu id.
    pub fn next_menu_id(&mut self) -> u64 {
        self.last_menu_id += 1;
        self.last_menu_id
    }

    /// A customer.
    pub fn customer(&self, openid: &Openid) -> Result<&Customer, SandboxError> {
        self.customers.get(openid).ok_or(SandboxError::NoSuchCustomer)
    }

    /// A customer, to be changed.
    pub fn customer_mut(&mut self, openid: &Openid) -> Result<&mut Customer, SandboxError> {
        self.customers.get_mut(openid).ok_or(SandboxError::NoSuchCustomer)
    }

    /// A new customer and the code a friend can scan.
    pub fn add_customer(&mut self, mut customer: Customer, fresh: Fresh) {
        customer.number = self.customers.len() as u64;
        if customer.audience == Audience::Phone {
            let label = format!("{}的二维码", customer.nickname);
            self.add_code(CodeRequest::permanent(friend_scene(&customer.openid)), &label, fresh);
        }
        self.customers.entry(customer.openid.clone()).or_insert(customer);
    }

    /// A code; the same permanent scene keeps its ticket.
    pub fn add_code(&mut self, wanted: CodeRequest, label: &str, fresh: Fresh) -> Code {
        let CodeRequest { scene, life_secs } = wanted;
        let permanent = |c: &&Code| c.expires_at.is_none() && c.scene == scene;
        if let Some(code) = self.codes.values().find(permanent).filter(|_| life_secs.is_none()) {
            return code.clone();
        }
        let number = self.codes.len() as u64;
        // Tickets look like base64 and hold characters that must be encoded in a query (platform.md 4.6).
        let ticket = format!("gQ{:016x}/{number:x}+{}==", fresh.random, if life_secs.is_some() { "T" } else { "P" });
        let code = Code {
            ticket: ticket.clone(),
            scene,
            url: format!("http://weixin.qq.com/q/02{:012x}{number:x}", fresh.random >> 16),
            created_at: fresh.now,
            expires_at: life_secs.map(|secs| fresh.now + secs),
            label: label.to_owned(),
        };
        self.codes.insert(ticket, code.clone());
        code
    }

    /// A code that `qrcode/create` asks for: there are only so many permanent ones.
    pub fn create_code(&mut self, wanted: CodeRequest, fresh: Fresh) -> Result<Code, ApiFault> {
        self.codes.retain(|_, code| code.expires_at.is_none_or(|end| fresh.now - end < LONG_EXPIRED_SECS));
        let permanent = |c: &&Code| c.expires_at.is_none();
        let is_new = || !self.codes.values().filter(permanent).any(|c| c.scene == wanted.scene);
        let full = || self.codes.values().filter(permanent).count() >= self.conditions.permanent_codes;
        if wanted.life_secs.is_none() && full() && is_new() {
            return Err(ApiFault::new(45029, "qrcode count out of limit"));
        }
        Ok(self.add_code(wanted, "", fresh))
    }

    /// A code by its ticket or, for people and tests, by its scene; an expired one is a fault.
    pub fn code(&self, name: &str, now: i64) -> Result<Code, SandboxError> {
        let by_scene = || self.codes.values().filter(|c| c.scene.as_str() == name).max_by_key(|c| c.created_at);
        let code = self.codes.get(name).or_else(by_scene).ok_or(SandboxError::NoSuchCode)?;
        match code.usable(now) {
            Usable::Yes => Ok(code.clone()),
            Usable::Expired => Err(SandboxError::CodeExpired),
        }
    }

    /// A customer scans a code. A follower's scan is an act; of anybody else only the phone remembers it, so that
    /// the follow that comes next comes through it (platform.md 2.4).
    pub fn scan(&mut self, openid: &Openid, name: &str, now: i64) -> Result<Option<Act>, SandboxError> {
        let code = self.code(name, now)?;
        let customer = self.customer_mut(openid)?;
        if customer.follows() {
            return Ok(Some(Act::Scan(code)));
        }
        customer.pending_ticket = Some(code.ticket);
        Ok(None)
    }

    /// The act of following now: through the code that was scanned last, if it still lives.
    pub fn follow(&self, openid: &Openid, now: i64) -> Result<Act, SandboxError> {
        let pending = self.customer(openid)?.pending_ticket.as_deref();
        Ok(Act::Follow(pending.and_then(|ticket| self.code(ticket, now).ok())))
    }

    /// What an act changes on the platform before anybody hears of it.
    pub fn apply(&mut self, openid: &Openid, act: &Act, stamp: Stamp) -> Result<(), SandboxError> {
        let customer = self.customer_mut(openid)?;
        match (act, customer.follows()) {
            (Act::Follow(_), true) => return Err(SandboxError::AlreadyFollows),
            (Act::Follow(_), false) | (Act::Consent { .. }, _) => {}
            (_, false) => return Err(SandboxError::DoesNotFollow),
            (_, true) => {}
        }
        let Stamp { at, msg_id } = stamp;
        let day = UnixSecs(at).business_day();
        match act {
            Act::Follow(code) => {
                customer.followed_at = Some(at);
                customer.scene = code.as_ref().map(|c| c.scene.clone());
                customer.pending_ticket = None;
                customer.append(at, Side::System, Body::line("你已关注该公众号"));
            }
            Act::Unfollow => {
                customer.followed_at = None;
                customer.windows.close();
                customer.service = Service::Bot;
                customer.typing_until = None;
                customer.append(at, Side::System, Body::line("你已取消关注"));
            }
            Act::AgentJoined { agent } => customer.service = Service::Agent { account: agent.clone(), since: at },
            Act::AgentLeft { .. } => customer.service = Service::Bot,
            _ => {}
        }
        if let Some(trigger) = act.opens() {
            customer.windows.open(trigger, at);
        }
        if let Some(body) = bubble(act, msg_id) {
            customer.append(at, Side::Customer, body);
        }
        if !matches!(act, Act::AgentJoined { .. } | Act::AgentLeft { .. } | Act::Consent { .. }) {
            customer.last_act_at = Some(at);
        }
        let heard_by = match &customer.service {
            Service::Agent { account, .. } if act.is_message() => Some(account.clone()),
            _ => None,
        };
        let came_by = source(customer.scene.as_ref());
        let kind = message_type(act).map(|kind| (kind, customer.said_today.first(day, kind)));
        match act {
            Act::Follow(_) => self.statistics.followed(day, came_by),
            Act::Unfollow => self.statistics.left(day, came_by),
            _ => {}
        }
        if let Some((kind, first)) = kind {
            self.statistics.said(day, kind, first);
        }
        if let (Some(agent), Some(said)) = (heard_by, bubble(act, msg_id)) {
            self.desk.record(Wrote::Customer, openid, (&agent, &said.preview(), at));
        }
        Ok(())
    }
}

/// When an act happened and the id of its message.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Unix seconds.
    pub at: i64,
    /// Only messages use it.
    pub msg_id: u64,
}

/// What the customer sees of their own act.
fn bubble(act: &Act, msg_id: u64) -> Option<Body> {
    Some(match act {
        Act::Text { content, .. } => Body::Text { text: content.clone() },
        Act::Image => Body::Image { media_id: media_id("image", msg_id) },
        Act::Voice { words } => Body::Voice { media_id: media_id("voice", msg_id), words: words.clone() },
        Act::Video => Body::Video { title: String::new(), description: String::new() },
        Act::Location(place) => Body::Place { label: place.label.clone() },
        Act::Link { title, url } => Body::Articles {
            articles: vec![super::chat::Article { title: title.clone(), url: url.clone(), ..Default::default() }],
        },
        Act::Sticker => Body::Sticker,
        _ => return None,
    })
}
