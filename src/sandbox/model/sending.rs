//! Customer-service messages on their way into a chat (platform.md 4.9).

use super::account::State;
use super::capability::Kind;
use super::chat::{Body, Side};
use super::custom::CustomMessage;
use super::desk::Wrote;
use super::fault::ApiFault;
use crate::domain::ids::Openid;

impl State {
    /// A customer-service message: refused, or in the chat.
    pub fn custom(&mut self, message: CustomMessage, now: i64) -> Result<Openid, ApiFault> {
        let standing = &self.customers.get(&message.to).ok_or_else(ApiFault::openid)?.standing;
        if standing.blacklisted {
            return Err(ApiFault::new(43019, "require remove blacklist"));
        }
        if standing.refuses {
            return Err(ApiFault::new(48002, "user block receive message"));
        }
        if self.conditions.kind == Kind::Test && matches!(message.body, Body::Menu { .. }) {
            return Err(ApiFault::new(48008, "no permission for this msgtype"));
        }
        for media_id in &message.media {
            self.media.usable(media_id, now)?;
        }
        if message.article.as_ref().is_some_and(|article| !self.publications.has_article(article)) {
            return Err(ApiFault::new(53600, "Article ID 无效"));
        }
        let agent = message.agent.as_deref().map(|agent| self.desk.agent(agent)).transpose()?;
        let agent = agent.map(|agent| (agent.account.clone(), agent.nickname.clone()));
        let customer = self.customers.get_mut(&message.to).ok_or_else(ApiFault::openid)?;
        customer.windows.spend(now)?;
        customer.typing_until = None;
        if let Some((account, _)) = &agent {
            self.desk.record(Wrote::Agent, &message.to, (account, &message.body.preview(), now));
        }
        let side = agent.map_or(Side::Account, |(_, nickname)| Side::Agent(nickname));
        customer.append(now, side, message.body).details = message.details;
        Ok(message.to)
    }

    /// The typing indicator: within 30 seconds of an act, for 15 seconds, not twice at once (platform.md 4.9).
    pub fn typing(&mut self, openid: &Openid, now: i64) -> Result<i64, ApiFault> {
        let customer = self.customers.get_mut(openid).ok_or_else(ApiFault::openid)?;
        if customer.last_act_at.is_none_or(|at| now - at > 30) {
            return Err(ApiFault::new(45080, "client send msg in 30 seconds"));
        }
        if customer.typing_until.is_some_and(|end| end > now) {
            return Err(ApiFault::new(45081, "already typing"));
        }
        customer.typing_until = Some(now + 15);
        Ok(now + 15)
    }
}
