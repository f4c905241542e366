//! What an inviter is told of an invite: always how it stands, never a difference, so that a word lost or said twice does
//! no harm.

use serde::{Deserialize, Serialize};

use super::Friend;
use super::drive::TurnedAway;
use super::invite::{Standing, State};
use super::terms::Terms;
use crate::domain::ids::{ActionKey, Scene, WorkId};
use crate::domain::time::UnixSecs;

/// How one invite stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Of which campaign.
    pub campaign: ActionKey,
    /// The friend.
    pub friend: Friend,
    /// The friend's first follow.
    pub at: UnixSecs,
    /// The terms of that moment.
    pub terms: Terms,
    /// How it stands; `None` when it turned out to be somebody else's.
    pub state: Option<State>,
    /// Later news of a friend have a higher one.
    pub revision: u32,
}

/// What the record of an inviter is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// How an invite stands.
    Stands(News),
    /// A friend came by the code and was no first follow.
    TurnedAway {
        /// Of which campaign.
        campaign: ActionKey,
        /// Who, when and why.
        friend: TurnedAway,
    },
}

impl Word {
    /// Of which campaign.
    pub fn campaign(&self) -> &ActionKey {
        match self {
            Self::Stands(news) => &news.campaign,
            Self::TurnedAway { campaign, .. } => campaign,
        }
    }

    /// The name of the work that brings it.
    pub fn work_id(&self) -> WorkId {
        match self {
            Self::Stands(news) => news.work_id(),
            Self::TurnedAway { campaign, friend } => {
                WorkId::new(format!("invite/{campaign}/{}/{}", friend.friend, friend.reason.as_str()))
            }
        }
    }
}

impl News {
    /// The name of the work that brings it: the same for the same news.
    pub fn work_id(&self) -> WorkId {
        WorkId::new(format!("invite/{}/{}/{}", self.campaign, self.friend, self.revision))
    }
}

/// What has to be told, and by which code to whom, when an invite stood so and stands so now; `told` counts it.
pub fn news(before: Option<&Standing>, after: Option<&Standing>, told: &mut u32) -> Vec<(Scene, News)> {
    if before == after {
        return Vec::new();
    }
    let mut all = Vec::new();
    let mut tell = |standing: &Standing, state| {
        *told += 1;
        let Standing { offer, at, .. } = standing;
        let news = News {
            campaign: offer.campaign.clone(),
            friend: offer.friend,
            at: *at,
            terms: offer.terms.clone(),
            state,
            revision: *told,
        };
        all.push((offer.code.clone(), news));
    };
    let is_same = |before: &&Standing| {
        after.is_some_and(|after| {
            after.offer.inviter == before.offer.inviter && after.offer.campaign == before.offer.campaign
        })
    };
    if let Some(before) = before.filter(|before| !is_same(before)) {
        tell(before, None);
    }
    if let Some(after) = after {
        tell(after, Some(after.state));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::referral::Inviter;
    use crate::domain::referral::invite::Offer;

    fn standing(code: &str, state: State) -> Standing {
        let inviter = Inviter(u64::from(code.as_bytes()[0]));
        let offer = Offer {
            campaign: "spring".into(),
            code: code.into(),
            inviter,
            since: UnixSecs(1),
            friend: Friend(2),
            terms: Terms::default(),
            refused: None,
        };
        Standing { offer, at: UnixSecs(9), state }
    }

    const CAME: State = State::Attributed { qualified_on: None, left_on: None };

    fn told(before: Option<&Standing>, after: Option<&Standing>) -> Vec<(String, Option<State>, u32)> {
        let mut count = 4;
        let all = news(before, after, &mut count);
        assert_eq!(count as usize, 4 + all.len());
        all.into_iter().map(|(code, news)| (code.to_string(), news.state, news.revision)).collect()
    }

    #[test]
    fn an_inviter_hears_of_every_change_and_of_nothing_else() {
        let came = standing("a", CAME);
        assert_eq!(told(None, None), []);
        assert_eq!(told(Some(&came), Some(&came)), []);
        assert_eq!(told(None, Some(&came)), [("a".into(), Some(CAME), 5)]);
        let left = State::Attributed { qualified_on: None, left_on: Some(UnixSecs(9).business_day()) };
        assert_eq!(told(Some(&came), Some(&standing("a", left))), [("a".into(), Some(left), 5)]);
    }

    #[test]
    fn when_an_earlier_follow_shows_that_it_was_another_both_hear_it() {
        let (first, second) = (standing("a", CAME), standing("b", CAME));
        assert_eq!(told(Some(&first), Some(&second)), [("a".into(), None, 5), ("b".into(), Some(CAME), 6)]);
        assert_eq!(told(Some(&first), None), [("a".into(), None, 5)]);
    }
}
