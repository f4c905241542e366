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
    /// `(second, 0 for a follow and 1 for an unfollow, channel)`.
    turns: BTreeSet<(i64, u8, String)>,
    /// The channel of all activity, once everything is known.
    channel: String,
}

/// Everything accepted of a log, and the counters it should have come to.
#[derive(Default)]
pub struct Oracle {
    people: BTreeMap<u32, Person>,
    lateness: i32,
    pub cells: Cells,
}

/// Whose numbers: everybody's, or those of one channel.
pub type Of<'a> = Option<&'a str>;

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

pub fn week_of(day: i32) -> i32 {
    (day + 3).div_euclid(7)
}

/// What those words are counted as, written out.
fn counted_words(text: &str) -> &str {
    match text {
        "怎麼查ＩＰ？" => "怎么查ip",
        "13800138000 是谁" | "10086 是谁" => "＊ 是谁",
        other => other,
    }
}

impl Oracle {
    pub fn of<'a>(log: impl IntoIterator<Item = (u32, &'a Fact)>, lateness: i32) -> Self {
        let mut oracle = Self { lateness, ..Self::default() };
        let mut refused = BTreeSet::new();
        for (customer, fact) in log {
            oracle.take(customer, fact, &mut refused);
        }
        let Self { people, cells, .. } = &mut oracle;
        for person in people.values_mut() {
            person.channel = person.channel_of_activity().to_owned();
            person.count_activity(cells);
            person.count_follows(cells);
        }
        oracle.cells.retain(|_, value| *value != 0);
        oracle
    }

    fn take(&mut self, customer: u32, fact: &Fact, refused: &mut BTreeSet<(u32, u64, i64)>) {
        let (at, arrived) = (fact.at.0, fact.arrived.0);
        let day = day_of(at);
        let reason = match () {
            () if at > arrived + 300 => Some("future"),
            () if day < day_of(arrived) - self.lateness => Some("late"),
            () => None,
        };
        if let Some(reason) = reason {
            // A delivery counts once, however many facts it is; one that was forgotten and comes again counts again, as in
            // every other number.
            if refused.insert((customer, fact.key.0, arrived)) {
                add(&mut self.cells, Metric::Quarantined, (day_of(arrived), 0), reason);
            }
            return;
        }
        let hour = ((at + 28_800).rem_euclid(86_400) / 3_600) as i32;
        let person = self.people.entry(customer).or_default();
        let cells = &mut self.cells;
        let mut acted = || {
            add(cells, Metric::Messages, (day, 0), "");
            add(cells, Metric::Hours, (day, hour), "");
            add(cells, Metric::Playbooks, (day, 0), fact.playbook.as_str());
            person.days.insert(day);
        };
        match &fact.what {
            FactKind::Messaged | FactKind::Scanned { .. } => acted(),
            FactKind::Tapped { key } => {
                acted();
                add(cells, Metric::MenuTaps, (day, 0), key);
                person.taps.entry(key.clone()).or_default().insert(day);
            }
            FactKind::Followed { channel, .. } => {
                person.turns.insert((at, 0, channel.as_str().to_owned()));
            }
            FactKind::Unfollowed => {
                person.turns.insert((at, 1, String::new()));
            }
            FactKind::Unanswered { text } => add(cells, Metric::Unanswered, (day, 0), counted_words(text)),
            FactKind::Rated { action, stars } => {
                add(cells, Metric::Ratings, (day, i32::from(*stars)), action.as_str());
            }
            FactKind::Voted { action, topic, option } => {
                add(cells, Metric::Votes, (0, 0), &format!("{action}/{topic}/{option}"));
            }
            _ => {}
        }
    }

    /// People by the channel of their activity.
    fn active(&self, of: Of) -> impl Iterator<Item = &Person> {
        self.people.values().filter(move |person| of.is_none_or(|channel| person.channel == channel))
    }

    /// People by the channel of their follows.
    fn followed(&self, of: Of) -> impl Iterator<Item = &Person> {
        self.people.values().filter(move |person| of.is_none_or(|channel| person.channel_of_follows() == channel))
    }

    /// Every channel that somebody came by, and none.
    pub fn channels(&self) -> BTreeSet<&str> {
        self.people.values().map(Person::channel_of_follows).chain([""]).collect()
    }

    /// Customers active on at least one day of the range.
    pub fn unique(&self, of: Of, (from, to): (i32, i32)) -> i64 {
        self.active(of).filter(|person| person.days.range(from..=to).next().is_some()).count() as i64
    }

    /// Customers who tapped the key on at least one day of the range.
    pub fn unique_tappers(&self, key: &str, from: i32, to: i32) -> i64 {
        let tapped = |person: &&Person| person.taps.get(key).is_some_and(|days| days.range(from..=to).next().is_some());
        self.people.values().filter(tapped).count() as i64
    }

    pub fn active_followers(&self, of: Of, day: i32) -> i64 {
        self.active(of).filter(|person| person.is_active_follower(day)).count() as i64
    }

    pub fn followers(&self, of: Of, day: i32) -> i64 {
        self.followed(of).filter(|person| person.follows_at_end_of(day)).count() as i64
    }

    /// Of those who were active first on day `cohort`: active exactly `n` days later.
    pub fn retained(&self, of: Of, (cohort, n): (i32, i32)) -> i64 {
        self.cohort(of, cohort).filter(|person| person.days.contains(&(cohort + n))).count() as i64
    }

    /// Of those who were active first on day `cohort`: active `n` days later or after that.
    pub fn retained_or_later(&self, of: Of, (cohort, n): (i32, i32)) -> i64 {
        self.cohort(of, cohort).filter(|person| person.days.range(cohort + n..).next().is_some()).count() as i64
    }

    /// Of those who were active first in week `cohort`: active in the `n`-th week after it.
    pub fn retained_weekly(&self, of: Of, (cohort, n): (i32, i32)) -> i64 {
        let of_week = |person: &&Person| person.days.first().is_some_and(|first| week_of(*first) == cohort);
        let in_week = |person: &&Person| person.days.iter().any(|day| week_of(*day) == cohort + n);
        self.active(of).filter(of_week).filter(in_week).count() as i64
    }

    /// Spells begun on day `began` that had not ended `n` days later.
    pub fn still_following(&self, of: Of, (began, n): (i32, i32)) -> i64 {
        let spells = self.followed(of).flat_map(Person::spells);
        spells.filter(|(from, to)| *from == began && to.is_none_or(|to| to > began + n)).count() as i64
    }

    fn cohort(&self, of: Of, cohort: i32) -> impl Iterator<Item = &Person> {
        self.active(of).filter(move |person| person.days.first() == Some(&cohort))
    }

    pub fn day(&self, day: i32) -> Day {
        let mut expected = Day {
            active: self.unique(None, (day, day)),
            active_7: self.unique(None, (day - 6, day)),
            active_30: self.unique(None, (day - 29, day)),
            followers: self.followers(None, day),
            ..Day::default()
        };
        for person in self.people.values() {
            let (today, yesterday) = (person.days.contains(&day), person.days.contains(&(day - 1)));
            let first = person.days.first() == Some(&day);
            expected.new += i64::from(first);
            expected.returning += i64::from(today && yesterday);
            expected.resurrected += i64::from(today && !yesterday && !first);
            expected.dormant += i64::from(yesterday && !today);
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

impl Person {
    fn first_follow(&self) -> Option<(i32, &str)> {
        self.turns.iter().find(|(_, kind, _)| *kind == 0).map(|(at, _, channel)| (day_of(*at), channel.as_str()))
    }

    fn channel_of_follows(&self) -> &str {
        self.first_follow().map_or("", |(_, channel)| channel)
    }

    /// Who was active on an earlier day did not come by the code.
    fn channel_of_activity(&self) -> &str {
        match (self.first_follow(), self.days.first()) {
            (Some((follow, _)), Some(first)) if follow > *first => "",
            (Some((_, channel)), _) => channel,
            (None, _) => "",
        }
    }

    /// First day and day of the end of every spell.
    fn spells(&self) -> Vec<(i32, Option<i32>)> {
        let mut spells: Vec<(i32, Option<i32>)> = Vec::new();
        for (at, kind, _) in &self.turns {
            let open = spells.last_mut().filter(|spell| spell.1.is_none());
            match (kind, open) {
                (0, None) => spells.push((day_of(*at), None)),
                (1, Some(spell)) => spell.1 = Some(day_of(*at)),
                _ => {}
            }
        }
        spells
    }

    fn count_activity(&self, cells: &mut Cells) {
        let channel = self.channel.as_str();
        for (key, days) in &self.taps {
            for day in days {
                add(cells, Metric::MenuTappers, (*day, gap(days, *day).unwrap_or(GAP_FAR)), key);
            }
        }
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else { return };
        add(cells, Metric::Latest, (*first, last - first), channel);
        for day in &self.days {
            add(cells, Metric::Gap, (*day, gap(&self.days, *day).unwrap_or(GAP_FIRST)), channel);
            add(cells, Metric::Retained, (*first, day - first), channel);
        }
        let weeks: BTreeSet<i32> = self.days.iter().map(|day| week_of(*day)).collect();
        for week in weeks {
            add(cells, Metric::RetainedWeekly, (week_of(*first), week - week_of(*first)), channel);
        }
        for day in *first..=last + 31 {
            let change = i64::from(self.is_active_follower(day)) - i64::from(self.is_active_follower(day - 1));
            let key = CounterKey { metric: Metric::ActiveFollowers, a: day, b: 0, dimension: channel.to_owned() };
            *cells.entry(key).or_default() += change;
        }
    }

    fn count_follows(&self, cells: &mut Cells) {
        let channel = self.channel_of_follows();
        for (nth, (began, ended)) in self.spells().into_iter().enumerate() {
            add(cells, Metric::Follows, (began, 0), channel);
            add(cells, if nth == 0 { Metric::FirstFollows } else { Metric::Refollows }, (began, 0), channel);
            if let Some(ended) = ended {
                add(cells, Metric::Unfollows, (ended, 0), channel);
                add(cells, Metric::SpellEnded, (began, ended - began), channel);
            }
        }
    }

    fn is_active_follower(&self, day: i32) -> bool {
        self.follows_at_end_of(day) && self.days.range(day - 29..=day).next().is_some()
    }

    fn follows_at_end_of(&self, day: i32) -> bool {
        self.turns.iter().rfind(|(at, _, _)| day_of(*at) <= day).is_some_and(|(_, kind, _)| *kind == 0)
    }
}
