//! What customers do, and what it changes on the platform before the account hears of it.

use super::account::State;
use super::act::{Act, media_id};
use super::chat::{Article, Body, Side};
use super::customer::Service;
use super::desk::Wrote;
use super::statistics::{message_type, source};
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;
use crate::sandbox::SandboxError;

impl State {
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
        let mut lately = customer.wrote_lately;
        match act {
            Act::Follow(_) => self.statistics.followed(day, came_by),
            Act::Unfollow => self.statistics.left(day, came_by),
            _ => {}
        }
        if let Some((kind, first)) = kind {
            self.statistics.said(day, kind, first);
            self.upstream.said(&mut lately, (at, kind));
            self.customer_mut(openid)?.wrote_lately = lately;
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
        Act::Link { title, url } => {
            Body::Articles { articles: vec![Article { title: title.clone(), url: url.clone(), ..Default::default() }] }
        }
        Act::Sticker => Body::Sticker,
        _ => return None,
    })
}
