//! The oracle: keeps every fact and computes every number from its definition (growth.md part 1), with sets and loops
//! and nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

use super::counter::{CounterKey, GAP_FAR, GAP_FIRST, Metric};
use crate::domain::fact::{Fact, FactKind};

pub type Cells = BTreeMap<CounterKey, i64>;

/// One customer's accepted history.
#[derive(Default)]
struct Person {
    days: BTreeSet<i32>,
    taps: BTreeMap<String, BTreeSet<i32>>,
    /// `(second, 0 for a follow and 1 for an unfollow, scene)`.
    turns: BTreeSet<(i64, u8, String)>,
}

/// Everything accepted of a log, and the counters it should have come to.
#[derive(Default)]
pub struct Oracle {
    people: BTreeMap<u32, Person>,
    pub cells: Cells,
}

/// What a report should say of a day.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Day {
    pub active: i64,
    pub active_7: i64,
    pub active_30: i64,
    pub new: i64,
    pub returning: i64,
    pub resurrected: i64,
    pub dormant: i64,
    pub followers: i64,
}

pub fn day_of(at: i64) -> i32 {
    ((at + 28_800).div_euclid(86_400)) as i32
}

fn week_of(day: i32) -> i32 {
    (day + 3).div_euclid(7)
}

impl Oracle {
    pub fn of<'a>(log: impl IntoIterator<Item = &'a (u32, Fact)>) -> Self {
        let mut oracle = Self::default();
        for (customer, fact) in log {
            oracle.take(*customer, fact);
        }
        for person in oracle.people.values() {
            count_activity(person, &mut oracle.cells);
            count_follows(person, &mut oracle.cells);
        }
        oracle.cells.retain(|_, value| *value != 0);
        oracle
    }

    fn take(&mut self, customer: u32, fact: &Fact) {
        let (at, arrived) = (fact.at.0, fact.arrived.0);
        let day = day_of(at);
        if at > arrived + 300 || day < day_of(arrived) - 2 {
            add(&mut self.cells, Metric::Quarantined, (day_of(arrived), 0), "");
            return;
        }
        let hour = ((at + 28_800).rem_euclid(86_400) / 3_600) as i32;
        let person = self.people.entry(customer).or_default();
        let cells = &mut self.cells;
        let mut acted = || {
            add(cells, Metric::Messages, (day, 0), "");
            add(cells, Metric::Hours, (day, hour), "");
            person.days.insert(day);
        };
        match &fact.what {
            FactKind::Messaged | FactKind::Scanned { .. } => acted(),
            FactKind::Tapped { key } => {
                acted();
                add(cells, Metric::MenuTaps, (day, 0), key);
                person.taps.entry(key.clone()).or_default().insert(day);
            }
            FactKind::Followed { scene, .. } => {
                let scene = scene.as_ref().map_or(String::new(), |scene| scene.as_str().to_owned());
                person.turns.insert((at, 0, scene));
            }
            FactKind::Unfollowed => {
                person.turns.insert((at, 1, String::new()));
            }
            FactKind::Rated { action, stars } => {
                add(cells, Metric::Ratings, (day, i32::from(*stars)), action.as_str());
            }
            FactKind::Voted { action, topic, option } => {
                add(cells, Metric::Votes, (0, 0), &format!("{action}/{topic}/{option}"));
            }
            _ => {}
        }
    }

    /// Customers active on at least one day of the range.
    pub fn unique(&self, from: i32, to: i32) -> i64 {
        self.people.values().filter(|person| person.days.range(from..=to).next().is_some()).count() as i64
    }

    /// Customers who tapped the key on at least one day of the range.
    pub fn unique_tappers(&self, key: &str, from: i32, to: i32) -> i64 {
        let tapped = |person: &&Person| person.taps.get(key).is_some_and(|days| days.range(from..=to).next().is_some());
        self.people.values().filter(tapped).count() as i64
    }

    pub fn active_followers(&self, day: i32) -> i64 {
        self.people.values().filter(|person| is_active_follower(person, day)).count() as i64
    }

    pub fn day(&self, day: i32) -> Day {
        let mut expected = Day {
            active: self.unique(day, day),
            active_7: self.unique(day - 6, day),
            active_30: self.unique(day - 29, day),
            ..Day::default()
        };
        for person in self.people.values() {
            let (today, yesterday) = (person.days.contains(&day), person.days.contains(&(day - 1)));
            let first = person.days.first() == Some(&day);
            expected.new += i64::from(first);
            expected.returning += i64::from(today && yesterday);
            expected.resurrected += i64::from(today && !yesterday && !first);
            expected.dormant += i64::from(yesterday && !today);
            expected.followers += i64::from(follows_at_end_of(person, day));
        }
        expected
    }
}

fn add(cells: &mut Cells, metric: Metric, (a, b): (i32, i32), dimension: &str) {
    *cells.entry(CounterKey { metric, a, b, dimension: dimension.to_owned() }).or_default() += 1;
}

fn gap(days: &BTreeSet<i32>, day: i32) -> Option<i32> {
    days.range(..day).next_back().map(|previous| if day - previous <= 92 { day - previous } else { GAP_FAR })
}

fn count_activity(person: &Person, cells: &mut Cells) {
    for (key, days) in &person.taps {
        for day in days {
            add(cells, Metric::MenuTappers, (*day, gap(days, *day).unwrap_or(GAP_FAR)), key);
        }
    }
    let (Some(first), Some(last)) = (person.days.first(), person.days.last()) else { return };
    add(cells, Metric::Latest, (*first, last - first), "");
    for day in &person.days {
        add(cells, Metric::Gap, (*day, gap(&person.days, *day).unwrap_or(GAP_FIRST)), "");
        add(cells, Metric::Retained, (*first, day - first), "");
    }
    let weeks: BTreeSet<i32> = person.days.iter().map(|day| week_of(*day)).collect();
    for week in weeks {
        add(cells, Metric::RetainedWeekly, (week_of(*first), week - week_of(*first)), "");
    }
}

fn count_follows(person: &Person, cells: &mut Cells) {
    let mut spell = None;
    let mut ever = false;
    for (at, kind, scene) in &person.turns {
        let day = day_of(*at);
        match (kind, spell) {
            (0, None) => {
                add(cells, Metric::Follows, (day, 0), "");
                if ever {
                    add(cells, Metric::Refollows, (day, 0), "");
                } else {
                    add(cells, Metric::FirstFollows, (day, 0), "");
                    add(cells, Metric::FirstFollowScenes, (day, 0), scene);
                }
                (spell, ever) = (Some(day), true);
            }
            (1, Some(began)) => {
                add(cells, Metric::Unfollows, (day, 0), "");
                add(cells, Metric::SpellEnded, (began, day - began), "");
                spell = None;
            }
            _ => {}
        }
    }
    let (Some(first), Some(last)) = (person.days.first(), person.days.last()) else { return };
    for day in *first..=last + 31 {
        let change = i64::from(is_active_follower(person, day)) - i64::from(is_active_follower(person, day - 1));
        let key = CounterKey { metric: Metric::ActiveFollowers, a: day, b: 0, dimension: String::new() };
        *cells.entry(key).or_default() += change;
    }
}

fn is_active_follower(person: &Person, day: i32) -> bool {
    follows_at_end_of(person, day) && person.days.range(day - 29..=day).next().is_some()
}

fn follows_at_end_of(person: &Person, day: i32) -> bool {
    person.turns.iter().rfind(|(at, _, _)| day_of(*at) <= day).is_some_and(|(_, kind, _)| *kind == 0)
}
