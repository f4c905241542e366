//! Everything the platform holds of one account, and the demo business system beside it, as one value that is saved
//! whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::capability::Kind;
use super::code::{Code, CodeRequest, DEMO_SCENES, Usable, friend_scene};
use super::conditional::ConditionalMenu;
use super::conditions::Conditions;
use super::customer::{Audience, Customer};
use super::desk::Desk;
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
use super::statistics::Statistics;
use super::tag::Tags;
use super::template::Templates;
use super::token::Tokens;
use super::upstream::Upstream;
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
    /// What it counts by hour, week and month.
    #[serde(default)]
    pub upstream: Upstream,
    /// The kind of account that the settings named last; before there were kinds all were service accounts.
    #[serde(default)]
    pub opened_as: Kind,
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
            upstream: Upstream::default(),
            opened_as: Kind::default(),
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
        state.add_demo_templates();
        state
    }

    /// Counts from now on, if it does not yet.
    pub fn begin_statistics(&mut self, fresh: Fresh) {
        let followers = self.customers.values().filter(|customer| customer.follows()).count();
        self.statistics.begin(UnixSecs(fresh.now).business_day(), followers);
    }

    /// The settings name a kind of account. Another one than before takes the place of whatever was switched on since.
    pub fn open_as(&mut self, kind: Kind) {
        if self.opened_as != kind {
            (self.opened_as, self.conditions.kind) = (kind, kind);
        }
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
}
