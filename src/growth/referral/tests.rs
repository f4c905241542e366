use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::fact::{Fact, FactKind, Invited};
use crate::domain::ids::DedupeKey;
use crate::domain::referral::Friend;
use crate::domain::referral::terms::Terms;
use crate::domain::time::UnixSecs;
use crate::growth::lateness::Lateness;
use crate::growth::record::record;

const MONDAY: UnixSecs = UnixSecs(1_767_571_200);

fn day(n: i32) -> BusinessDay {
    MONDAY.business_day().plus_days(n)
}

fn at(n: i32, secs: i64) -> UnixSecs {
    day(n).start().plus_secs(secs)
}

fn terms(active_days: u8) -> Terms {
    Terms { active_days, within_days: 7, hold_days: 5, ..Terms::default() }
}

fn invited(campaign: &str, inviter: u64) -> Invited {
    Invited {
        campaign: campaign.into(),
        inviter: Inviter(inviter),
        since: at(-3, i64::try_from(inviter).unwrap()),
        friend: Friend(9),
        terms: terms(1),
        refused: None,
        written: false,
        code: format!("i_{campaign}_{inviter}").as_str().into(),
    }
}

/// One customer of a test, as a store would keep them.
#[derive(Default)]
struct Life {
    customer: Customer,
    counters: BTreeMap<(Metric, i32, i32, String), i64>,
    deliveries: u64,
}

impl Life {
    fn hears(&mut self, moments: (UnixSecs, UnixSecs), whats: Vec<FactKind>) {
        self.deliveries += 1;
        let fact = |what| Fact {
            at: moments.0,
            arrived: moments.1,
            key: DedupeKey(self.deliveries),
            playbook: "p".into(),
            what,
        };
        let facts: Vec<_> = whats.into_iter().map(fact).collect();
        for increment in record(&mut self.customer, &facts, Lateness::DEFAULT).increments {
            let key = increment.key;
            *self.counters.entry((key.metric, key.a, key.b, key.dimension)).or_default() += increment.by;
        }
        self.counters.retain(|_, n| *n != 0);
    }

    fn follows(&mut self, moment: UnixSecs, code: Option<Invited>) {
        let followed = FactKind::Followed { scene: None, channel: Default::default() };
        let offered = code.map(|code| FactKind::Invited(Box::new(code)));
        self.hears((moment, moment), offered.into_iter().chain([followed]).collect());
    }

    fn says(&mut self, moment: UnixSecs) {
        self.hears((moment, moment), vec![FactKind::Messaged]);
    }

    fn leaves(&mut self, moment: UnixSecs) {
        self.hears((moment, moment), vec![FactKind::Unfollowed]);
    }

    fn funnel(&self) -> Vec<(i32, Cell, String)> {
        let cells = self.counters.iter().filter(|((metric, ..), _)| *metric == Metric::Invites);
        cells
            .map(|((_, a, b, dimension), n)| {
                assert_eq!(*n, 1);
                (a - day(0).0, Cell::of_number(*b).unwrap(), dimension.clone())
            })
            .collect()
    }
}

fn attributed(qualified: bool, left: bool) -> Cell {
    Cell::Attributed(Funnel { qualified, left, within_days: 7, hold_days: 5 })
}

#[test]
fn what_is_stored_of_a_cell_is_read_again_and_never_changes() {
    let funnel = Funnel { qualified: true, left: false, within_days: 60, hold_days: 60 };
    let cells = [
        (Cell::Attributed(funnel), 1 | 60 << 2 | 60 << 10),
        (attributed(false, true), 2 | 7 << 2 | 5 << 10),
        (Cell::Refused(Refusal::NotNew), -1),
        (Cell::Again(Refusal::TooLate), -110),
    ];
    for (cell, number) in cells {
        assert_eq!((cell.number(), Cell::of_number(number)), (number, Some(cell)));
    }
    assert_eq!((Cell::of_number(-99), Cell::of_number(i32::MIN)), (None, None));
}

#[test]
fn a_friend_is_attributed_qualifies_and_is_clawed_back_under_the_day_they_came() {
    let mut life = Life::default();
    life.follows(at(0, 9), Some(invited("spring", 1)));
    assert_eq!(life.funnel(), [(0, attributed(false, false), "spring".into())]);
    life.says(at(0, 10));
    life.says(at(3, 10));
    assert_eq!(life.funnel(), [(0, attributed(true, false), "spring".into())]);
    assert_eq!(life.counters.get(&(Metric::KeptLags, day(-3).0, 3, "spring".to_owned())), Some(&1));
    life.leaves(at(5, 10));
    assert_eq!(life.funnel(), [(0, attributed(true, true), "spring".into())]);
    let by = (Metric::InvitesBy, day(0).0, attributed(true, true).number(), "spring/0000000000000001".to_owned());
    assert_eq!(life.counters.get(&by), Some(&1));
    let lag = |metric| (metric, day(-3).0, 3, "spring".to_owned());
    assert_eq!(life.counters.get(&lag(Metric::InviteLags)), Some(&1));
    assert_eq!(life.counters.get(&lag(Metric::KeptLags)), None, "who left is not kept");
}

#[test]
fn who_comes_back_by_a_code_is_never_new_and_counted_apart() {
    let mut life = Life::default();
    life.follows(at(0, 9), None);
    life.leaves(at(0, 10));
    life.follows(at(1, 9), Some(invited("spring", 1)));
    assert_eq!(life.funnel(), [(1, Cell::Again(Refusal::NotNew), "spring".into())]);
    assert_eq!(life.customer.invited(), None);
    let mut scanned = Life::default();
    scanned.follows(at(0, 9), None);
    let moment = at(0, 11);
    let of = Invited { refused: Some(Refusal::OwnCode), ..invited("spring", 1) };
    scanned.hears((moment, moment), vec![FactKind::Invited(Box::new(of)), FactKind::Scanned { scene: "i".into() }]);
    assert_eq!(scanned.funnel(), [(0, Cell::Again(Refusal::OwnCode), "spring".into())]);
}

#[test]
fn an_earlier_follow_that_comes_late_takes_the_invite_along() {
    let mut life = Life::default();
    life.follows(at(1, 9), Some(invited("spring", 1)));
    let moments = (at(0, 9), at(1, 20));
    let followed = FactKind::Followed { scene: None, channel: Default::default() };
    life.hears(moments, vec![FactKind::Invited(Box::new(invited("spring", 2))), followed.clone()]);
    assert_eq!(life.funnel(), [(0, attributed(false, false), "spring".into())]);
    assert_eq!(life.customer.invited().unwrap().offer.inviter, Inviter(2));
    life.hears((at(0, 1), at(1, 21)), vec![followed]);
    assert_eq!(life.funnel(), [], "without a code nobody is credited");
    assert_eq!(life.counters.keys().filter(|(metric, ..)| *metric == Metric::InviteLags).count(), 0);
}

#[test]
fn a_code_that_is_written_after_the_follow_counts_for_a_follow_without_one() {
    let mut life = Life::default();
    life.follows(at(0, 9), None);
    let written = |inviter| FactKind::Invited(Box::new(Invited { written: true, ..invited("spring", inviter) }));
    life.hears((at(0, 60), at(0, 60)), vec![written(2), FactKind::Messaged]);
    life.hears((at(0, 90), at(0, 90)), vec![written(3), FactKind::Messaged]);
    assert_eq!(life.customer.invited().unwrap().offer.inviter, Inviter(2), "the first one");
    let again = Cell::Again(Refusal::NotNew);
    assert_eq!(life.funnel(), [(0, again, "spring".into()), (0, attributed(false, false), "spring".into())]);
    life.hears((at(0, 30), at(0, 95)), vec![written(1), FactKind::Messaged]);
    assert_eq!(life.customer.invited().unwrap().offer.inviter, Inviter(1), "whenever they arrive");
}

#[test]
fn days_are_asked_for_while_they_are_known_and_kept_after_that() {
    let mut life = Life::default();
    life.follows(at(0, 9), Some(Invited { terms: terms(2), ..invited("spring", 1) }));
    for n in [0, 2] {
        life.says(at(n, 10));
    }
    assert_eq!(life.customer.invite.qualified_on, None);
    life.says(at(7, 10));
    assert_eq!(life.customer.invite.qualified_on, Some(day(7)));
    life.says(at(300, 10));
    assert_eq!(life.customer.invite.qualified_on, Some(day(7)));
    let mut never = Life::default();
    never.follows(at(0, 9), Some(invited("spring", 1)));
    never.says(at(8, 10));
    assert_eq!(never.customer.invite.qualified_on, None);
    let mut at_once = Life::default();
    at_once.follows(at(0, 9), Some(Invited { terms: terms(0), ..invited("spring", 1) }));
    assert_eq!(at_once.customer.invite.qualified_on, Some(day(0)));
}

#[test]
fn a_goal_is_an_order_of_that_action_that_is_done_in_time() {
    use crate::domain::order::{Reason, State};
    let goal = Terms { goal: Some("buy".into()), ..terms(1) };
    let mut life = Life::default();
    life.follows(at(0, 9), Some(Invited { terms: goal, ..invited("spring", 1) }));
    let moved = |action: &str, to| FactKind::OrderMoved {
        order: Default::default(),
        action: action.into(),
        amount_fen: 1,
        from: State::Fulfilling,
        to,
        reason: Reason::Asked,
    };
    life.says(at(1, 1));
    for what in [moved("other", State::Done), moved("buy", State::Failed)] {
        life.hears((at(1, 9), at(1, 9)), vec![what]);
        assert_eq!(life.customer.invite.qualified_on, None);
    }
    life.hears((at(8, 9), at(8, 9)), vec![moved("buy", State::Done)]);
    assert_eq!(life.customer.invite.qualified_on, None, "too late");
    life.hears((at(7, 9), at(7, 9)), vec![moved("buy", State::Done)]);
    assert_eq!(life.customer.invite.qualified_on, Some(day(7)));
}

/// What somebody does, in a random life.
#[derive(Clone, Debug)]
enum Act {
    Follow(Option<u64>),
    Leave,
    Say,
}

/// The funnel by the definitions, from all that somebody did, in order.
fn brute_force(acts: &[(UnixSecs, Act)]) -> Vec<(i32, Cell, String)> {
    let mut acts = acts.to_vec();
    // A follow goes before an unfollow of the same second, and the smaller code first.
    acts.sort_by_key(|(at, act)| match act {
        Act::Follow(code) => (*at, 0, code.is_some(), code.unwrap_or_default()),
        Act::Leave => (*at, 1, false, 0),
        Act::Say => (*at, 2, false, 0),
    });
    acts.dedup_by(|later, earlier| match (&later.1, &earlier.1) {
        (Act::Follow(_), Act::Follow(_)) | (Act::Leave, Act::Leave) => later.0 == earlier.0,
        _ => false,
    });
    let mut cells = Vec::new();
    let (mut following, mut first, mut first_left) = (false, None, None);
    for (at, act) in &acts {
        match act {
            Act::Follow(code) if !following => {
                following = true;
                match first {
                    None => first = Some((*at, *code)),
                    Some(_) if code.is_some() => {
                        cells.push((
                            at.business_day().days_since(day(0)),
                            Cell::Again(Refusal::NotNew),
                            "spring".into(),
                        ));
                    }
                    Some(_) => {}
                }
            }
            Act::Leave if following => {
                following = false;
                first_left = first_left.or(Some(at.business_day()));
            }
            _ => {}
        }
    }
    if let Some((at, Some(inviter))) = first {
        let cohort = at.business_day();
        let refused = invited("spring", inviter).since >= at;
        let days: std::collections::BTreeSet<_> =
            acts.iter().filter(|(_, act)| matches!(act, Act::Say)).map(|(at, _)| at.business_day()).collect();
        let qualified = days.iter().any(|d| (1..=7).contains(&d.days_since(cohort)));
        let left = first_left.is_some_and(|left| left.days_since(cohort) <= 5);
        let cell = if refused { Cell::Refused(Refusal::NotEarlier) } else { attributed(qualified, left) };
        cells.push((cohort.days_since(day(0)), cell, "spring".into()));
    }
    cells.sort();
    cells
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => proptest::option::of(1..4u64).prop_map(Act::Follow),
        2 => Just(Act::Leave),
        3 => Just(Act::Say),
    ]
}

proptest! {
    /// Late and in any order within two days, repeated or not: the funnel is that of the definitions.
    #[test]
    fn the_funnel_is_that_of_the_definitions_whatever_the_order(
        acts in vec((0..12i32, 1..40i64, act(), 0..2i32), 0..14),
    ) {
        let acts: Vec<_> = acts.into_iter().map(|(n, secs, act, late)| (at(n, secs * 100), act, late)).collect();
        let mut arriving: Vec<_> =
            acts.iter().map(|(moment, act, late)| (moment.plus_secs(i64::from(*late) * 86_400 + 50), *moment, act.clone())).collect();
        arriving.sort_by_key(|(arrived, ..)| *arrived);
        let mut life = Life::default();
        for (arrived, moment, act) in arriving {
            let followed = FactKind::Followed { scene: None, channel: Default::default() };
            let whats = match act {
                Act::Follow(None) => vec![followed],
                Act::Follow(Some(inviter)) => vec![FactKind::Invited(Box::new(invited("spring", inviter))), followed],
                Act::Leave => vec![FactKind::Unfollowed],
                Act::Say => vec![FactKind::Messaged],
            };
            life.hears((moment, arrived), whats);
        }
        let acts: Vec<_> = acts.into_iter().map(|(moment, act, _)| (moment, act)).collect();
        let mut funnel: Vec<_> = Vec::new();
        for ((metric, a, b, dimension), n) in &life.counters {
            if *metric == Metric::Invites {
                prop_assert!(*n > 0);
                funnel.extend((0..*n).map(|_| (a - day(0).0, Cell::of_number(*b).unwrap(), dimension.clone())));
            }
        }
        funnel.sort();
        prop_assert_eq!(funnel, brute_force(&acts));
    }
}
