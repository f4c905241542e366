//! `kind = "sign_in"`: a customer signs in once a business day; days in a row make a streak.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActionKind, Composed, Fault, Given, Memory, Outcome, TextField, View};
use crate::domain::fact::FactKind;
use crate::domain::ids::ConnectorKey;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::time::BusinessDay;
use crate::domain::value::{Value, Values};

/// Settings of a `sign_in` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "每日签到")]
pub struct SignIn {
    /// Signed in for the first time today.
    #[schemars(description = "今天第一次签到：{{ streak }} 连续天数、{{ total }} 累计天数")]
    pub signed: Template,
    /// Instead of `signed` when a streak was broken and begins anew.
    #[serde(default)]
    #[schemars(description = "断签后重新开始的那天代替 signed：{{ streak }}、{{ total }}；不写就用 signed")]
    pub restarted: Option<Template>,
    /// Already signed in today.
    #[schemars(description = "今天已经签过：{{ streak }}、{{ total }}")]
    pub again: Template,
    /// More to say on certain days.
    #[serde(default)]
    #[schemars(description = "连续签到满某天时多说的话")]
    pub milestones: Vec<Milestone>,
}

/// Said once, when the streak gets there.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "连续签到满某天")]
pub struct Milestone {
    /// Days in a row.
    #[schemars(description = "连续天数")]
    pub streak: u32,
    /// What is said below `signed`.
    #[schemars(description = "接在签到回复后面的话：{{ streak }}、{{ total }}")]
    pub text: Template,
}

/// What is remembered of a customer who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// The latest day.
    pub last: BusinessDay,
    /// Days in a row up to then.
    pub days: u32,
    /// Days in all.
    pub total: u32,
}

const NAMES: [&str; 2] = ["streak", "total"];

impl ActionKind for SignIn {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        let text = |field: String, template| TextField { field, template, allowed: NAMES.map(str::to_owned).into() };
        let milestones = self.milestones.iter().enumerate();
        [text("signed".into(), &self.signed), text("again".into(), &self.again)]
            .into_iter()
            .chain(self.restarted.iter().map(|template| text("restarted".into(), template)))
            .chain(milestones.map(|(i, milestone)| text(format!("milestones[{i}].text"), &milestone.text)))
            .collect()
    }

    fn composed(&self) -> Vec<Composed<'_>> {
        let values = Streak { last: BusinessDay(0), days: u32::MAX, total: u32::MAX }.values();
        let firsts = [("signed", Some(&self.signed)), ("restarted", self.restarted.as_ref())];
        let firsts = firsts.into_iter().filter_map(|(name, first)| Some((name, first?)));
        let both = firsts.flat_map(|(name, first)| {
            let values = &values;
            self.milestones.iter().enumerate().map(move |(i, milestone)| Composed {
                what: format!("{name} 加 milestones[{i}].text"),
                parts: vec![(first, values.clone()), (&milestone.text, values.clone())],
            })
        });
        both.collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let earlier = |index: usize, streak: u32| self.milestones.iter().take(index).any(|m| m.streak == streak);
        let bad = self.milestones.iter().enumerate().filter(|(i, m)| m.streak == 0 || earlier(*i, m.streak));
        bad.map(|(i, _)| Fault {
            field: format!("milestones[{i}].streak"),
            cause: "天数为 0，或者和前面的重复，这句话永远不会说".into(),
            mend: "写一个从 1 开始、不重复的天数".into(),
        })
        .collect()
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        let before = match view.customer.memory.get(view.action) {
            Some(Memory::SignedIn(streak)) => Some(*streak),
            _ => None,
        };
        // The day the customer acted: a delivery that arrives after midnight still signs in for the day before.
        let today = view.moment.at.business_day();
        let mut out = Outcome::default();
        // `>=`: a delivery overtaken by one of a later day must not break the streak that one began.
        if let Some(streak) = before.filter(|streak| streak.last >= today) {
            out.reply = view.text(&mut out, &self.again, &streak.values());
            return out;
        }
        let unbroken = before.filter(|streak| today.days_since(streak.last) == 1);
        let streak = Streak {
            last: today,
            days: unbroken.map_or(0, |streak| streak.days).saturating_add(1),
            total: before.map_or(0, |streak| streak.total).saturating_add(1),
        };
        let broken = before.is_some() && unbroken.is_none();
        let first = self.restarted.as_ref().filter(|_| broken).unwrap_or(&self.signed);
        let milestone = self.milestones.iter().find(|milestone| milestone.streak == streak.days);
        let mut lines = vec![out.fill(first, &streak.values())];
        lines.extend(milestone.map(|milestone| out.fill(&milestone.text, &streak.values())));
        out.reply = Reply::Text(lines.join("\n"));
        out.facts.push(FactKind::SignedIn { action: view.action.clone(), streak: streak.days });
        out.memory = Some(Memory::SignedIn(streak));
        out
    }
}

impl Streak {
    fn values(self) -> Values {
        Values::from([
            ("streak".to_owned(), Value::Integer(i64::from(self.days))),
            ("total".to_owned(), Value::Integer(i64::from(self.total))),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, said};
    use super::*;

    fn sign_in() -> SignIn {
        toml::from_str(
            r#"
            signed = "第{{ streak }}天，共{{ total }}天"
            restarted = "欢迎回来，共{{ total }}天"
            again = "签过了，连续{{ streak }}天"
            milestones = [{ streak = 3, text = "三天啦" }]
            "#,
        )
        .unwrap()
    }

    fn at(day: &str) -> BusinessDay {
        BusinessDay::parse(day).unwrap()
    }

    #[test]
    fn a_streak_grows_day_by_day_and_breaks() {
        let sign_in = sign_in();
        let mut desk = Desk::new(&sign_in);
        let mut heard = Vec::new();
        for (day, hour) in [("01-01", 9), ("01-01", 23), ("01-02", 0), ("01-03", 12), ("01-04", 12), ("01-06", 12)] {
            desk.now = at(&format!("2026-{day}")).start().plus_secs(hour * 3600);
            heard.push(said(&desk.tap()));
        }
        let expected = [
            "第1天，共1天",
            "签过了，连续1天",
            "第2天，共2天",
            "第3天，共3天\n三天啦",
            "第4天，共4天",
            "欢迎回来，共5天",
        ];
        assert_eq!(heard, expected);
    }

    #[test]
    fn the_day_turns_at_midnight_in_china() {
        let sign_in = sign_in();
        let mut desk = Desk::new(&sign_in);
        let midnight = at("2026-01-02").start();
        // `tap` is one second later.
        desk.now = midnight.plus_secs(-2);
        assert_eq!(said(&desk.tap()), "第1天，共1天");
        assert_eq!(said(&desk.tap()), "第2天，共2天");
        assert_eq!(said(&desk.tap()), "签过了，连续2天");
    }

    #[test]
    fn a_fact_is_made_once_a_day_and_a_straggler_breaks_nothing() {
        let sign_in = sign_in();
        let mut desk = Desk::new(&sign_in);
        desk.now = at("2026-01-02").start();
        assert_eq!(desk.tap().facts, [FactKind::SignedIn { action: "demo".into(), streak: 1 }]);
        assert_eq!(desk.tap().facts, []);
        desk.now = at("2026-01-01").start();
        let late = desk.tap();
        assert_eq!((said(&late).as_str(), late.facts, late.memory), ("签过了，连续1天", vec![], None));
        desk.now = at("2026-01-03").start();
        assert_eq!(said(&desk.tap()), "第2天，共2天");
    }

    #[test]
    fn without_a_text_for_it_a_broken_streak_is_an_ordinary_first_day() {
        let sign_in = SignIn { restarted: None, ..sign_in() };
        let mut desk = Desk::new(&sign_in);
        desk.tap();
        desk.now = at("2026-02-01").start();
        assert_eq!(said(&desk.tap()), "第1天，共2天");
    }

    #[test]
    fn milestones_that_are_never_said_are_named() {
        let mut bad = sign_in();
        assert_eq!(bad.faults(), []);
        let again = bad.milestones[0].clone();
        bad.milestones.extend([again.clone(), Milestone { streak: 0, ..again }]);
        let fields: Vec<String> = bad.faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["milestones[1].streak", "milestones[2].streak"]);
        assert_eq!(bad.texts(&|_| BTreeSet::new()).len(), 6);
    }
}
