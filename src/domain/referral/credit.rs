//! The work that tells inviters: made with the commit that changed how an invite stands, so that it is neither lost nor
//! told twice (scrm.md 2.1: decisions and what follows from them are one transaction, messages come after it).

use super::drive::TurnedAway;
use super::invite::Standing;
use super::news::{Word, news};
use super::refusal::Refusal;
use crate::domain::customer::Customer;
use crate::domain::decision::Moment;
use crate::domain::fact::{Fact, FactKind, Invited};
use crate::domain::ids::Scene;
use crate::domain::work::{Task, Work};

/// An inviter is told however long the store was away.
const WORTH_SECS: i64 = 366 * 86_400;

/// What inviters have to be told after a commit, when the customer's invite stood so `before` it; the record counts it.
pub fn credits(before: Option<&Standing>, customer: &mut Customer, (facts, moment): (&[Fact], Moment)) -> Vec<Work> {
    let after = customer.invited();
    let mut told = customer.invite.told;
    let mut all: Vec<(Scene, Word)> =
        news(before, after.as_ref(), &mut told).into_iter().map(|(code, news)| (code, Word::Stands(news))).collect();
    customer.invite.told = told;
    let invited = facts.iter().filter_map(|fact| match &fact.what {
        FactKind::Invited(invited) => Some((fact, invited)),
        _ => None,
    });
    for (fact, invited) in invited {
        let vain = customer.written_in_vain().filter(|(offer, at, _)| offer.code == invited.code && *at == fact.at);
        let reason = vain.map(|(.., reason)| reason).or(invited.refused).unwrap_or(Refusal::NotNew);
        if is_turned_away((invited, reason), after.as_ref()) {
            let friend = TurnedAway { friend: invited.friend, at: fact.at, reason };
            let word = Word::TurnedAway { campaign: invited.campaign.clone(), friend };
            all.push((invited.code.clone(), word));
        }
    }
    let work = |(code, word): (Scene, Word)| Work {
        id: word.work_id(),
        origin: moment.key,
        due: moment.now,
        expires: moment.now.plus_secs(WORTH_SECS),
        task: Task::Credit { code, word },
    };
    all.into_iter().map(work).collect()
}

/// Whether a code that came with a delivery made nobody a friend. One's own, and that of the inviter they have, is no news.
fn is_turned_away((invited, reason): (&Invited, Refusal), standing: Option<&Standing>) -> bool {
    let is_theirs = standing.is_some_and(|standing| {
        standing.offer.inviter == invited.inviter && standing.offer.campaign == invited.campaign
    });
    !is_theirs && reason != Refusal::OwnCode && !invited.code.as_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Channel, DedupeKey};
    use crate::domain::referral::invite::{Offer, State};
    use crate::domain::referral::terms::Terms;
    use crate::domain::referral::{Friend, Inviter};
    use crate::domain::time::UnixSecs;

    const NOW: UnixSecs = UnixSecs(1_772_424_000);

    fn invited(code: &str, refused: Option<Refusal>) -> Invited {
        Invited {
            campaign: "spring".into(),
            inviter: Inviter(u64::from(code.as_bytes()[0])),
            since: UnixSecs(1),
            friend: Friend(9),
            terms: Terms::default(),
            refused,
            written: false,
            code: code.into(),
        }
    }

    fn facts(invited: &Invited) -> Vec<Fact> {
        let what = [
            FactKind::Invited(Box::new(invited.clone())),
            FactKind::Followed { scene: None, channel: Channel::default() },
        ];
        let fact = |what| Fact { at: NOW, arrived: NOW, key: DedupeKey(1), playbook: "p".into(), what };
        what.map(fact).into()
    }

    fn moment() -> Moment {
        Moment { now: NOW, at: NOW, key: DedupeKey(1), fresh: 0 }
    }

    fn told(customer: &mut Customer, before: Option<&Standing>, invited: &Invited) -> Vec<(String, String)> {
        let works = credits(before, customer, (&facts(invited), moment()));
        let said = works.into_iter().map(|work| match work.task {
            Task::Credit { code, word: Word::Stands(news) } => (code.to_string(), format!("{:?}", news.state)),
            Task::Credit { code, word: Word::TurnedAway { friend, .. } } => {
                (code.to_string(), format!("away {:?}", friend.reason))
            }
            other => panic!("{other:?}"),
        });
        said.collect()
    }

    #[test]
    fn a_first_friend_is_told_to_the_one_and_a_second_code_to_the_other() {
        let mut customer = Customer::default();
        customer.follow.first_at = Some(NOW);
        let first = invited("a", None);
        customer.follow.first_offer = Some(Box::new(Offer::from(&first)));
        let came = format!("{:?}", Some(State::Attributed { qualified_on: None, left_on: None }));
        assert_eq!(told(&mut customer, None, &first), [("a".into(), came)]);
        assert!(customer.invite.is_on_its_way());
        let standing = customer.invited();
        assert_eq!(told(&mut customer, standing.as_ref(), &first), [], "the same code again is no news");
        assert_eq!(told(&mut customer, standing.as_ref(), &invited("b", None)), [("b".into(), "away NotNew".into())]);
        assert_eq!(
            told(&mut customer, standing.as_ref(), &invited("b", Some(Refusal::Ended))),
            [("b".into(), "away Ended".into())]
        );
        assert_eq!(told(&mut customer, standing.as_ref(), &invited("b", Some(Refusal::OwnCode))), []);
    }
}
