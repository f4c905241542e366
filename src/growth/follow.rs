//! Follows and unfollows (growth.md 1.3): only transitions count, and they do not commute. What is young enough to be
//! overtaken is kept, so a late one recomputes this customer's part and emits the difference (5.3).

use super::counter::Metric;
use super::lateness::Lateness;
use super::ledger::Ledger;
use super::referral;
use crate::domain::customer::{Follow, Standing, Transition, Turn};
use crate::domain::ids::{Channel, Scene};
use crate::domain::referral::Inviter;
use crate::domain::referral::refusal::Refusal;
use crate::domain::time::{BusinessDay, UnixSecs};

/// At most so many follows and unfollows are kept of one customer. Of somebody who comes and goes more often within
/// the lateness bound the oldest are settled early; what would have to be sorted before them is quarantined.
pub const MAX_TRANSITIONS: usize = 16;

/// So many days longer than the lateness bound they are kept, for clocks of several machines that disagree.
const SPARE_DAYS: i32 = 1;

/// What a transition did.
enum Step {
    Nothing,
    First,
    Again,
    Left { spell_day: BusinessDay },
}

impl Transition {
    fn order(&self) -> (UnixSecs, Turn) {
        (self.at, self.turn)
    }

    /// Of two follows in the same second the one with the smaller code is kept: which came first must not matter.
    fn code(&self) -> (&Channel, &Option<Scene>, Option<Inviter>) {
        (&self.channel, &self.scene, self.offer.as_ref().map(|offer| offer.inviter))
    }
}

impl Standing {
    fn advance(&mut self, transition: &Transition) -> Step {
        let day = transition.at.business_day();
        self.changed_at = Some(transition.at);
        match (transition.turn, self.following) {
            (Turn::Followed, false) => {
                self.following = true;
                self.spell_day = Some(day);
                if self.first_day.is_some() {
                    return Step::Again;
                }
                self.first_day = Some(day);
                self.first_at = Some(transition.at);
                self.first_offer.clone_from(&transition.offer);
                self.first_scene.clone_from(&transition.scene);
                self.first_channel.clone_from(&transition.channel);
                Step::First
            }
            (Turn::Unfollowed, true) => {
                self.following = false;
                self.first_left = self.first_left.or(Some(day));
                Step::Left { spell_day: self.spell_day.take().unwrap_or(day) }
            }
            _ => Step::Nothing,
        }
    }

    /// Takes transitions one after the other and counts what each does, under the channel of the first follow.
    fn count(&mut self, transitions: &[Transition], ledger: &mut Ledger, by: i64) {
        for transition in transitions {
            let step = self.advance(transition);
            let (day, channel) = (transition.at.business_day(), self.first_channel.as_str());
            let mut add = |metric, a: BusinessDay, b| ledger.add_in((metric, a.0, b), channel, by);
            match step {
                Step::Nothing => {}
                Step::First => {
                    add(Metric::Follows, day, 0);
                    add(Metric::FirstFollows, day, 0);
                }
                Step::Again => {
                    add(Metric::Follows, day, 0);
                    add(Metric::Refollows, day, 0);
                    if let Some(offer) = &transition.offer {
                        referral::count_again((offer, day, offer.refused.unwrap_or(Refusal::NotNew)), by, ledger);
                    }
                }
                Step::Left { spell_day } => {
                    add(Metric::Unfollows, day, 0);
                    add(Metric::SpellEnded, spell_day, day.days_since(spell_day));
                }
            }
        }
    }
}

/// A follow state always agrees with the latest transition, also with one that changed nothing.
fn latest_order(changed_at: Option<UnixSecs>, following: bool) -> Option<(UnixSecs, Turn)> {
    Some((changed_at?, if following { Turn::Followed } else { Turn::Unfollowed }))
}

impl Follow {
    fn standing(&self) -> Standing {
        Standing {
            following: self.following,
            first_day: self.first_day,
            spell_day: self.spell_day,
            first_scene: self.first_scene.clone(),
            first_channel: self.first_channel.clone(),
            changed_at: self.changed_at,
            first_at: self.first_at,
            first_offer: self.first_offer.clone(),
            first_left: self.first_left,
        }
    }

    fn stand(&mut self, standing: Standing) {
        self.following = standing.following;
        self.first_day = standing.first_day;
        self.spell_day = standing.spell_day;
        self.first_scene = standing.first_scene;
        self.first_channel = standing.first_channel;
        self.changed_at = standing.changed_at;
        self.first_at = standing.first_at;
        self.first_offer = standing.first_offer;
        self.first_left = standing.first_left;
    }

    /// The latest transition that nothing can be sorted before any more.
    fn settled(&self) -> Option<(UnixSecs, Turn)> {
        match &self.before {
            Some(before) => latest_order(before.changed_at, before.following),
            None => latest_order(self.changed_at, self.following),
        }
    }

    /// Whether the state at the end of `day` is still known.
    pub fn knows(&self, day: BusinessDay) -> bool {
        self.settled().is_none_or(|(at, _)| at.business_day() <= day)
    }

    /// Settles what nothing that arrives from `arrival` on can come before.
    pub fn settle(&mut self, arrival: BusinessDay, lateness: Lateness) {
        let kept_from = arrival.plus_days(-(lateness.days() + SPARE_DAYS));
        let old = self.recent.iter().take_while(|transition| transition.at.business_day() < kept_from).count();
        self.settle_oldest(old);
    }

    fn settle_oldest(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let mut before = self.before.take().unwrap_or_default();
        for transition in self.recent.drain(..count) {
            before.advance(&transition);
        }
        self.before = (!self.recent.is_empty()).then_some(before);
    }

    /// Sorts a transition in and counts what that changes. `false`: it would have to be sorted before what is settled,
    /// and nothing was changed. One that is there already changes nothing.
    pub fn place(&mut self, transition: Transition, ledger: &mut Ledger) -> bool {
        let place = transition.order();
        if let Some(settled) = self.settled()
            && place <= settled
        {
            return place == settled;
        }
        let index = self.recent.partition_point(|known| known.order() < place);
        let known = self.recent.get(index).filter(|known| known.order() == place);
        let is_known = known.is_some();
        if known.is_some_and(|known| known.code() <= transition.code()) {
            return true;
        }
        let mut here = match &self.before {
            Some(before) => before.clone(),
            None => self.before.insert(self.standing()).clone(),
        };
        for earlier in self.recent.iter().take(index) {
            here.advance(earlier);
        }
        // A new first follow takes the channel of all that comes after it; before it nothing was counted.
        here.clone().count(self.recent.get(index..).unwrap_or_default(), ledger, -1);
        if is_known {
            self.recent.remove(index);
        }
        self.recent.insert(index, transition);
        here.count(self.recent.get(index..).unwrap_or_default(), ledger, 1);
        self.stand(here);
        self.settle_oldest(self.recent.len().saturating_sub(MAX_TRANSITIONS));
        true
    }
}
