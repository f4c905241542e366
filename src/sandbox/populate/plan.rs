//! What everybody will do, decided before anything is delivered. Pure: the same population is the same plan.

use super::dice::Dice;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::sandbox::model::DEMO_SCENES;

/// How many customers, over how many days, ending when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Customers in all; nearly all of them follow at some time.
    pub customers: u32,
    /// Business days, the last one being that of `until`.
    pub days: u32,
    /// The same seed gives the same population.
    pub seed: u64,
    /// Nothing happens after this.
    pub until: UnixSecs,
}

/// One thing somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: UnixSecs,
    /// Who: a number below `customers`.
    pub who: u32,
    /// What.
    pub deed: Deed,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Follows, perhaps through a demo code.
    Follow(Option<&'static str>),
    /// Leaves.
    Unfollow,
    /// Says something.
    Say(&'static str),
    /// Taps the menu button with this key.
    Tap(String),
    /// Scans a demo code while following.
    Scan(&'static str),
    /// Sends a picture.
    Picture,
}

const DAY_SECS: i64 = 86_400;
/// Monday to Sunday: people ask less at the weekend and follow more.
const ASKING: [f64; 7] = [1.0, 0.97, 0.98, 1.02, 1.12, 0.82, 0.76];
const FOLLOWING: [f64; 7] = [0.9, 0.9, 0.95, 1.0, 1.1, 1.35, 1.25];
/// By the hour of the day.
const HOURS: [f64; 24] = [
    0.5, 0.2, 0.1, 0.1, 0.1, 0.3, 0.9, 2.0, 3.5, 4.8, 5.4, 5.0, 5.8, 4.6, 4.2, 4.4, 4.6, 4.9, 5.2, 6.2, 7.0, 6.4, 4.0,
    1.8,
];
/// None of them asks for a person: nobody would answer.
const WORDS: [&str; 20] = [
    "查流量",
    "查话费",
    "查套餐",
    "查积分",
    "我还剩多少流量",
    "话费怎么扣得这么快",
    "有什么优惠",
    "签到",
    "充流量",
    "取消",
    "你好",
    "在吗",
    "谢谢",
    "怎么开通国际漫游",
    "宽带怎么报装",
    "5G 套餐贵不贵",
    "发票怎么开",
    "副卡怎么办",
    "信号不好怎么办",
    "帮助",
];

/// Decides everything, in order of time. `keys` are the click buttons of the menu.
pub fn plan(population: &Population, keys: &[String]) -> Vec<Planned> {
    let mut planned: Vec<Planned> =
        (0..population.customers).flat_map(|who| Life::new(population, who).live(keys)).collect();
    planned.retain(|p| p.at <= population.until);
    planned.sort_by_key(|p| (p.at, p.who));
    planned
}

impl Population {
    fn first_day(&self) -> BusinessDay {
        let back = i32::try_from(self.days.saturating_sub(1)).unwrap_or(i32::MAX);
        self.until.business_day().plus_days(-back)
    }
}

struct Life {
    who: u32,
    dice: Dice,
    first_day: BusinessDay,
    days: u32,
    /// How often this one asks, as a daily probability of a fresh follower on an ordinary day.
    keenness: f64,
    followed_on: Option<BusinessDay>,
    deeds: Vec<Planned>,
}

impl Life {
    fn new(population: &Population, who: u32) -> Self {
        let mut dice = Dice::new(population.seed, u64::from(who));
        let keenness = 0.03 + 0.75 * dice.share().powi(3);
        Self {
            who,
            dice,
            first_day: population.first_day(),
            days: population.days,
            keenness,
            followed_on: None,
            deeds: Vec::new(),
        }
    }

    fn live(mut self, keys: &[String]) -> Vec<Planned> {
        let comes = self.comes();
        for nth in 0..self.days {
            let day = self.first_day.plus_days(i32::try_from(nth).unwrap_or(i32::MAX));
            let mut from = day.start().0;
            match self.followed_on {
                None if nth == comes || (nth > comes && self.dice.chance(0.02)) => {
                    from = self.follow(day, from);
                }
                None => continue,
                Some(_) => {}
            }
            from = self.ask(day, from, keys);
            self.perhaps_leave(day, from);
        }
        self.deeds
    }

    /// The day of the first follow: more of them early, and at weekends.
    fn comes(&mut self) -> u32 {
        let (days, first) = (self.days, self.first_day);
        let weight = |nth: u32| {
            let day = first.plus_days(i32::try_from(nth).unwrap_or(i32::MAX));
            FOLLOWING.get(weekday(day)).unwrap_or(&1.0) * (1.6 - f64::from(nth) / f64::from(days.max(1)))
        };
        u32::try_from(self.dice.weighed((0..days).map(weight))).unwrap_or(0)
    }

    fn follow(&mut self, day: BusinessDay, from: i64) -> i64 {
        let at = self.moment(day, from);
        let by_code = self.dice.chance(0.45);
        let scene = self.dice.one(&DEMO_SCENES).filter(|_| by_code).map(|(scene, _)| *scene);
        self.followed_on = Some(day);
        self.does(at, Deed::Follow(scene))
    }

    fn ask(&mut self, day: BusinessDay, mut from: i64, keys: &[String]) -> i64 {
        let age = self.followed_on.map_or(0, |since| day.days_since(since));
        let fading = 0.3 + 0.7 * (-f64::from(age) / 9.0).exp();
        let eager = if age == 0 { 0.7 } else { self.keenness * fading };
        if !self.dice.chance(eager * ASKING.get(weekday(day)).unwrap_or(&1.0)) {
            return from;
        }
        // A visit is a few questions within minutes.
        from = self.moment(day, from);
        let mut left = 8;
        while left > 0 && from < end_of(day) {
            let deed = self.question(keys);
            from = self.does(from, deed) + self.dice.within(4, 90);
            left = if self.dice.chance(0.55) { left - 1 } else { 0 };
        }
        from
    }

    fn question(&mut self, keys: &[String]) -> Deed {
        match self.dice.weighed([0.52, 0.4, 0.05, 0.03].into_iter()) {
            0 => match self.dice.one(keys) {
                Some(key) => Deed::Tap(key.clone()),
                None => Deed::Say("你好"),
            },
            2 => Deed::Scan(self.dice.one(&DEMO_SCENES).map_or("store:nanjing", |(scene, _)| scene)),
            3 => Deed::Picture,
            _ => Deed::Say(self.dice.one(&WORDS).copied().unwrap_or("你好")),
        }
    }

    fn perhaps_leave(&mut self, day: BusinessDay, from: i64) {
        let age = self.followed_on.map_or(0, |since| day.days_since(since));
        let hazard = 0.003 + 0.05 * (-f64::from(age)).exp();
        if from < end_of(day) && self.dice.chance(hazard) {
            let at = self.moment(day, from);
            self.does(at, Deed::Unfollow);
            self.followed_on = None;
        }
    }

    /// Writes a deed down; the next one is at least a second later.
    fn does(&mut self, at: i64, deed: Deed) -> i64 {
        self.deeds.push(Planned { at: UnixSecs(at), who: self.who, deed });
        at + 1
    }

    /// A moment of the day, not before `from`.
    fn moment(&mut self, day: BusinessDay, from: i64) -> i64 {
        let hour = i64::try_from(self.dice.weighed(HOURS.iter().copied())).unwrap_or(12);
        let at = day.start().0 + hour * 3600 + self.dice.within(0, 3600);
        if at >= from { at } else { self.dice.within(from, end_of(day)) }
    }
}

fn end_of(day: BusinessDay) -> i64 {
    day.start().0 + DAY_SECS
}

/// 0 is Monday; 1970-01-01 was a Thursday.
fn weekday(day: BusinessDay) -> usize {
    usize::try_from((i64::from(day.0) + 3).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn population(seed: u64) -> Population {
        let until = UnixSecs(BusinessDay::parse("2026-03-15").unwrap().start().0 + 15 * 3600);
        Population { customers: 400, days: 28, seed, until }
    }

    fn keys() -> Vec<String> {
        vec!["query_data".into(), "offers".into()]
    }

    #[test]
    fn a_population_is_its_seed() {
        assert_eq!(plan(&population(1), &keys()), plan(&population(1), &keys()));
        assert_ne!(plan(&population(1), &keys()), plan(&population(2), &keys()));
    }

    #[test]
    fn nobody_acts_before_following_twice_at_once_or_after_the_end() {
        for seed in 0..20 {
            let population = population(seed);
            let mut seen: HashMap<u32, (UnixSecs, bool)> = HashMap::new();
            for Planned { at, who, deed } in plan(&population, &keys()) {
                let (last, follows) = seen.get(&who).copied().unwrap_or((UnixSecs(0), false));
                assert!(at > last && at <= population.until && at >= population.first_day().start());
                let follows = match deed {
                    Deed::Follow(_) => {
                        assert!(!follows, "follows twice");
                        true
                    }
                    Deed::Unfollow if follows => false,
                    _ => {
                        assert!(follows, "{deed:?} without a follow");
                        true
                    }
                };
                seen.insert(who, (at, follows));
            }
        }
    }

    #[test]
    fn people_come_go_and_come_back_with_the_week() {
        let planned = plan(&population(3), &keys());
        let count = |wanted: fn(&Deed) -> bool| planned.iter().filter(|p| wanted(&p.deed)).count();
        let follows = count(|d| matches!(d, Deed::Follow(_)));
        let leaves = count(|d| matches!(d, Deed::Unfollow));
        assert!(follows > 400 && leaves > 10 && leaves < 200, "{follows} follows, {leaves} leaves");
        assert!(count(|d| matches!(d, Deed::Tap(_))) > 200 && count(|d| matches!(d, Deed::Say(_))) > 200);
        let night = planned.iter().filter(|p| (1..6).contains(&p.at.business_hour())).count();
        assert!(night * 10 < planned.len(), "people sleep");
    }
}
