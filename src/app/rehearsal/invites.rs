//! Invites in a rehearsal: there is one customer only, so whoever invites them, and whomever they invite, is made up.

use super::{Heard, Rehearsal};
use crate::app::Discretion;
use crate::domain::actions::{Campaign, CodeFor, Kind};
use crate::domain::decide::credited;
use crate::domain::fact::Invited;
use crate::domain::forget::Forget;
use crate::domain::ids::{ActionKey, DedupeKey, Openid, Scene};
use crate::domain::inbound::{Inbound, What};
use crate::domain::referral::Friend;
use crate::domain::referral::code::Tag;
use crate::domain::referral::invite::State;
use crate::domain::referral::news::{News, Word};
use crate::domain::referral::verdict::seen;
use crate::domain::work::{Task, Work};
use crate::store::{CustomerRef, PseudonymKey};

/// What a made-up friend does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FriendActs {
    /// Comes by the customer's code and does what the terms ask for.
    Comes,
    /// The last one who came leaves.
    Leaves,
}

/// How long somebody who invites the customer has followed before.
const EARLIER_SECS: i64 = 30 * 86_400;

fn discretion() -> Discretion {
    Discretion { forget: Forget::default(), keep_days: 180, key: PseudonymKey::new("rehearsal") }
}

fn of(openid: &Openid) -> CustomerRef {
    CustomerRef { account: "rehearsal".into(), openid: openid.clone() }
}

impl Rehearsal {
    /// The code of somebody who follows already.
    ///
    /// # Errors
    /// In words, when there is no such campaign.
    pub(super) fn code_of_somebody(&self, campaign: &str) -> Result<Scene, String> {
        let (key, _) = self.campaign(campaign)?;
        let wanted = CodeFor { tag: Tag::of(key), since: self.now.plus_secs(-EARLIER_SECS) };
        discretion().code(&of(&"somebody".into()), wanted).ok_or_else(|| "没有做出邀请码".to_owned())
    }

    fn campaign(&self, key: &str) -> Result<(&ActionKey, &Campaign), String> {
        match self.playbook.actions.get_key_value(&ActionKey::new(key)) {
            Some((key, Kind::Campaign(campaign))) => Ok((key, campaign)),
            _ => Err(format!("campaigns/ 里没有活动「{key}」")),
        }
    }

    pub(super) fn own_code(&self, wanted: CodeFor) -> Option<Scene> {
        discretion().code(&of(&self.openid), wanted)
    }

    pub(super) fn seen(&self, inbound: &Inbound) -> Option<Invited> {
        let opened = discretion().opened(&of(&self.openid), inbound)?;
        Some(seen(&self.playbook, (&self.customer, &self.openid), &opened, inbound.at))
    }

    /// A friend acts, and what the customer hears of it at once.
    ///
    /// # Errors
    /// In words, when there is no such campaign, or no friend.
    pub(super) fn friend(&mut self, campaign: &str, acts: FriendActs) -> Result<Heard, String> {
        let (key, settings) = self.campaign(campaign)?;
        let (key, terms) = (key.clone(), settings.terms());
        let today = self.now.business_day();
        let last = self.friends.last().copied();
        let (friend, at, revision, left_on) = match (acts, last) {
            (FriendActs::Comes, _) => (Friend(self.deliveries + 1), self.now, 1, None),
            (FriendActs::Leaves, Some((friend, at))) => (friend, at, 2, Some(today)),
            (FriendActs::Leaves, None) => return Err("还没有好友来过".to_owned()),
        };
        self.deliveries += 1;
        match acts {
            FriendActs::Comes => self.friends.push((friend, at)),
            FriendActs::Leaves => drop(self.friends.pop()),
        }
        let state = Some(State::Attributed { qualified_on: Some(at.business_day()), left_on });
        let word = Word::Stands(News { campaign: key, friend, at, terms, state, revision });
        let moment = self.moment(DedupeKey(self.deliveries));
        let inviter = discretion().inviter(&of(&self.openid));
        let decision = credited(&self.playbook, &self.customer, (&word, inviter), moment);
        let mut heard = Heard::default();
        self.apply(decision, moment, &mut heard.faults);
        Ok(heard)
    }

    /// Whoever invited the customer is no part of a rehearsal.
    pub(super) fn forget_credit(&mut self, work: &Work) {
        if let Task::Credit { word: Word::Stands(news), .. } = &work.task {
            self.customer.invite.arrived = self.customer.invite.arrived.max(news.revision);
        }
    }

    /// What comes of following, or scanning, by somebody's code.
    ///
    /// # Errors
    /// In words, when there is no such campaign.
    pub fn come_by_code(&mut self, campaign: &str) -> Result<Heard, String> {
        let scene = self.code_of_somebody(campaign)?;
        let event = match self.customer.follow.following {
            true => crate::domain::inbound::Event::Scanned { scene, ticket: None },
            false => super::followed(Some(scene.as_str())),
        };
        Ok(self.deliver(What::Event(event)))
    }
}
