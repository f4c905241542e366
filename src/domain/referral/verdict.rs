//! What the playbook of this moment sees in a personal code: whose friend somebody would be, and why not.

use super::campaign::{Campaign, Phase};
use super::code::Tag;
use super::invite::WRITTEN_WITHIN_SECS;
use super::opened::Opened;
use super::refusal::Refusal;
use super::terms::Terms;
use crate::domain::actions::Kind;
use crate::domain::customer::Customer;
use crate::domain::fact::Invited;
use crate::domain::ids::{ActionKey, Channel, Openid};
use crate::domain::playbook::Playbook;
use crate::domain::time::UnixSecs;

/// What numbers call the campaign of a code that the playbook does not know any more.
const GONE: &str = "gone";

/// The campaign of a code.
pub fn campaign_of(playbook: &Playbook, tag: Tag) -> Option<(&ActionKey, &Kind, &Campaign)> {
    playbook.actions.iter().find_map(|(key, kind)| match kind {
        Kind::Campaign(campaign) if Tag::of(key) == tag => Some((key, kind, campaign)),
        _ => None,
    })
}

/// The channel of those who come by codes of a campaign.
pub fn channel_of(playbook: &Playbook, campaign: &ActionKey) -> Channel {
    match playbook.actions.get(campaign) {
        Some(Kind::Campaign(campaign)) => campaign.channel.clone(),
        _ => Channel::new(Channel::INVITE),
    }
}

/// The fact of somebody coming by a code. Whether it is their first follow is not judged here: that follows from their
/// history, and may become known later.
pub fn seen(playbook: &Playbook, (customer, openid): (&Customer, &Openid), opened: &Opened, at: UnixSecs) -> Invited {
    let found = campaign_of(playbook, opened.tag);
    let (campaign, terms, refused) = match found {
        None => (ActionKey::new(GONE), Terms::default(), Some(Refusal::NoCampaign)),
        Some((key, _, campaign)) => {
            (key.clone(), campaign.terms(), refusal(campaign, (customer, openid), (opened, at)))
        }
    };
    let Opened { inviter, since, friend, written, ref scene, .. } = *opened;
    Invited { campaign, inviter, since, friend, terms, refused, written, code: scene.clone() }
}

/// Why somebody who comes by a code now does not count as far as their record tells; `None` for a friend.
pub fn hope(customer: &Customer, invited: &Invited, at: UnixSecs) -> Option<Refusal> {
    if invited.refused.is_some() {
        return invited.refused;
    }
    let (first, known) = (customer.follow.first_at, customer.follow.first_offer.is_some());
    let first = match (invited.written, first) {
        (false, Some(_)) => return Some(Refusal::NotNew),
        (false, None) => at,
        (true, _) if known || customer.invite.written.is_some() => return Some(Refusal::NotNew),
        (true, Some(first)) if (0..=WRITTEN_WITHIN_SECS).contains(&at.secs_since(first)) => first,
        (true, _) => return Some(Refusal::TooLate),
    };
    (invited.since >= first).then_some(Refusal::NotEarlier)
}

/// Why the code would count for nobody, whatever the customer does. What is said of the customer comes before what is said
/// of the day.
fn refusal(
    campaign: &Campaign,
    (customer, openid): (&Customer, &Openid),
    (opened, at): (&Opened, UnixSecs),
) -> Option<Refusal> {
    let is_in = |list: &[Openid]| list.contains(&opened.owner) || list.contains(openid);
    let is_mutual = || {
        let theirs = customer.drives.values().flat_map(|drive| &drive.invites);
        theirs.into_iter().any(|entry| entry.friend == opened.owner_as_friend && entry.state.is_some())
    };
    if opened.owner == *openid {
        Some(Refusal::OwnCode)
    } else if is_in(&campaign.who.blocked) {
        Some(Refusal::Blocked)
    } else if is_in(&campaign.who.staff) {
        Some(Refusal::Staff)
    } else if is_mutual() {
        Some(Refusal::Mutual)
    } else {
        match campaign.phase(at) {
            Phase::Before => Some(Refusal::NotStarted),
            Phase::Over => Some(Refusal::Ended),
            Phase::Runs => None,
        }
    }
}
