//! `referral`: friends who came by a personal code, by campaign and the day of their first follow, and what became of them
//! (growth.md 1.7). Attributed and refused by each reason add up to all first follows by a personal code (part 4).

use std::collections::{BTreeMap, BTreeSet};

use super::asked::By;
use super::context::{Granted, Rewards};
use super::draft::{Draft, Entry, Row};
use super::kept_cost::KeptCost;
use super::reasons::{named, reason_words};
use super::table::{Cell, Column, ColumnKind};
use super::term::{Term, What};
use super::{AsOf, Asked, Explain, Period};
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;
use crate::growth::referral::{Cell as Invite, Funnel};

pub(super) fn needed(by: By, period: Period) -> Vec<CounterRange> {
    vec![CounterRange::new(metric(by), period.from().0, period.to().0)]
}

fn metric(by: By) -> Metric {
    if by == By::Referrer { Metric::InvitesBy } else { Metric::Invites }
}

fn columns(by: By) -> Vec<Column> {
    let text = |name, title| Column::plain(ColumnKind::Text, name, title);
    let number = |name, title| Column::plain(ColumnKind::Number, name, title);
    let referrer = text("referrer", "邀请人").meaning("邀请人的代号：由密钥算出，同一位总是同一个，反推不出是谁。");
    let reason = text("reason", "原因").meaning("没有计入的原因；空白是归因了的。");
    let told_apart = match by {
        By::Nothing | By::Channel => vec![],
        By::Referrer => vec![referrer, reason],
        By::Reason => vec![reason],
    };
    let place = [
        text("campaign", "活动").meaning("邀请码所属的活动。"),
        Column::plain(ColumnKind::Day, "day", "日期").meaning("朋友第一次关注的业务日；老朋友是来的那天。"),
    ];
    let numbers = [
        number("attributed", "归因")
            .meaning("凭个人邀请码第一次关注、记给邀请人的朋友；之后离开也不减。")
            .formula("ATT(m,f)"),
        number("qualified", "达标")
            .meaning("其中在规定天数内做到活动要求的；这批朋友的期限都过完才有数。")
            .formula("QUA(m,f) = Σ FUN[m,f,达标]"),
        number("clawed_back", "收回")
            .meaning("其中在观察期内取消关注的，不论之前有没有达标；观察期都过完才有数。")
            .formula("CLA(m,f) = Σ FUN[m,f,离开]"),
        number("refused", "拒绝")
            .meaning("凭个人邀请码第一次关注、但没有记给任何人的朋友；原因见构成。")
            .formula("REF(m,f) = Σ_r REF[m,f,r]"),
        number("rewards_granted", "发出奖励")
            .meaning("活动在这一天发出的奖励；没有来源时不显示数字。")
            .formula("GRA(m,d)"),
        number("matured", "计入")
            .meaning("其中达标并且到观察期满没有取消过关注的；封顶另算。")
            .formula("MAT(m,f) = Σ FUN[m,f,达标且没有离开]"),
        number("again", "老朋友")
            .meaning("带着个人邀请码来、但不是第一次关注的次数；从不算新朋友。")
            .formula("AGA(m,d) = Σ_r AGA[m,d,r]"),
        number("coded", "凭码首次关注")
            .meaning("凭个人邀请码的全部首次关注，等于归因加拒绝。")
            .formula("COD(m,f) = ATT(m,f) + REF(m,f)"),
    ];
    place.into_iter().chain(told_apart).chain(numbers).collect()
}

/// What a row is about; empty where it is not told apart so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    campaign: &'a str,
    day: BusinessDay,
    referrer: &'a str,
    reason: &'static str,
}

impl<'a> Place<'a> {
    fn of(by: By, (day, dimension): (BusinessDay, &'a str), invite: Invite) -> Self {
        let (campaign, referrer) = match by {
            By::Referrer => dimension.rsplit_once('/').unwrap_or((dimension, "")),
            By::Nothing | By::Channel | By::Reason => (dimension, ""),
        };
        let reason = match (by, invite) {
            (By::Nothing | By::Channel, _) | (_, Invite::Attributed(_)) => "",
            (_, Invite::Refused(reason) | Invite::Again(reason)) => reason.as_str(),
        };
        Self { campaign, day, referrer, reason }
    }
}

/// The invites of a row.
#[derive(Clone, Debug, Default)]
struct Invites(Vec<(Invite, i64)>);

impl Invites {
    fn sum(&self, explain: Explain, fits: impl Fn(Invite) -> bool) -> Entry {
        let mut kinds = BTreeMap::<Invite, i64>::new();
        for (invite, count) in self.0.iter().filter(|(invite, _)| fits(*invite)) {
            *kinds.entry(without_days(*invite)).or_default() += count;
        }
        let terms = kinds.into_iter().filter(|(_, count)| *count != 0);
        Entry::explained(explain, terms.map(|(invite, count)| (What::Invite(invite), count)))
    }

    fn longest(&self, days: impl Fn(Funnel) -> u8) -> i32 {
        let attributed = self.0.iter().filter_map(|(invite, _)| match invite {
            Invite::Attributed(funnel) => Some(i32::from(days(*funnel))),
            Invite::Refused(_) | Invite::Again(_) => None,
        });
        attributed.max().unwrap_or_default()
    }
}

/// Invites that differ in their terms only are the same in words.
fn without_days(invite: Invite) -> Invite {
    match invite {
        Invite::Attributed(funnel) => Invite::Attributed(Funnel { within_days: 0, hold_days: 0, ..funnel }),
        other => other,
    }
}

fn is_attributed(fits: impl Fn(Funnel) -> bool) -> impl Fn(Invite) -> bool {
    move |invite| matches!(invite, Invite::Attributed(funnel) if fits(funnel))
}

pub(super) fn build(
    asked: &Asked,
    period: Period,
    (clock, counters): (AsOf, &Counters),
    rewards: Option<&Rewards>,
) -> Draft {
    let by = asked.by;
    let begun: Vec<BusinessDay> = period.days().take_while(|day| clock.state(*day).is_some()).collect();
    let mut rows = BTreeMap::<Place<'_>, Invites>::new();
    if by == By::Nothing {
        // A day without friends is a zero, for every campaign that has any.
        for campaign in asked.periods().flat_map(|period| campaigns(counters, period)) {
            for day in &begun {
                rows.entry(Place { campaign, day: *day, referrer: "", reason: "" }).or_default();
            }
        }
    }
    for day in &begun {
        for (number, dimension, count) in counters.row(metric(by), day.0) {
            if let Some(invite) = Invite::of_number(number) {
                rows.entry(Place::of(by, (*day, dimension), invite)).or_default().0.push((invite, count));
            }
        }
    }
    let rewards = rewards.filter(|_| by == By::Nothing);
    let mut remarks = remarks(by, rows.keys().map(|place| place.reason).collect());
    let rows: Vec<(Place<'_>, Row)> = rows
        .into_iter()
        .map(|(place, invites)| {
            let granted = rewards.map(|rewards| rewards.on(place.campaign, place.day));
            (place, row((by, place), &invites, (asked.explain, clock), granted))
        })
        .collect();
    match rewards {
        Some(rewards) => remarks.extend(costs(&rows, rewards)),
        None if by == By::Nothing => remarks.push("奖励发放还没有可读的来源，发出奖励显示为 —。".to_owned()),
        None => remarks.push("发出奖励不按这种方式分开，显示为 —。".to_owned()),
    }
    Draft { columns: columns(by), rows: rows.into_iter().map(|(_, row)| row).collect(), remarks }
}

fn campaigns(counters: &Counters, period: Period) -> BTreeSet<&str> {
    let days = period.days();
    days.flat_map(|day| counters.row(Metric::Invites, day.0)).map(|(_, campaign, _)| campaign).collect()
}

fn row(
    (by, place): (By, Place<'_>),
    invites: &Invites,
    (explain, clock): (Explain, AsOf),
    granted: Option<Granted>,
) -> Row {
    let text = |words: &str| Entry::from(Cell::Text(words.to_owned()));
    let (within, hold) = (invites.longest(|funnel| funnel.within_days), invites.longest(|funnel| funnel.hold_days));
    // Also when everybody has qualified early: days would be known sooner the better they went.
    let after = |days: i32, fits: fn(Funnel) -> bool| match clock.is_past(place.day.plus_days(days)) {
        true => invites.sum(explain, is_attributed(fits)),
        false => Entry::unknown(),
    };
    let mut entries = vec![text(place.campaign), Cell::Day(place.day).into()];
    match by {
        By::Nothing | By::Channel => {}
        By::Referrer => entries.extend([text(place.referrer), text(place.reason)]),
        By::Reason => entries.push(text(place.reason)),
    }
    entries.extend([
        invites.sum(explain, is_attributed(|_| true)),
        after(within, |funnel| funnel.qualified),
        after(hold, |funnel| funnel.left),
        invites.sum(explain, |invite| matches!(invite, Invite::Refused(_))),
        granted.map_or_else(Entry::unknown, |granted| Entry::sum(vec![Term::new("当天发出", granted.count)])),
        after(within.max(hold), |funnel| funnel.qualified && !funnel.left),
        invites.sum(explain, |invite| matches!(invite, Invite::Again(_))),
        invites.sum(explain, |invite| !matches!(invite, Invite::Again(_))),
    ]);
    Row { ends: place.day, entries }
}

fn remarks(by: By, reasons: BTreeSet<&'static str>) -> Vec<String> {
    let mut remarks = vec![
        "归因加拒绝就是凭个人邀请码的全部首次关注；老朋友带码再来另计，不在其中。".to_owned(),
        "达标、收回和计入按朋友来的那天的规则算，规定的天数没过完显示为 —；以后改规则不影响以前的朋友。".to_owned(),
        "关注后一天内填邀请码也算，所以昨天的归因今天还可能增加。".to_owned(),
    ];
    if by == By::Referrer {
        remarks.push("想知道某位客户邀请了谁、每个邀请怎样，用 fuwu explain invite OPENID。".to_owned());
    }
    let told = reasons.into_iter().filter_map(|name| Some(format!("{name}：{}", reason_words(named(name)?).chinese)));
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        remarks.push(format!("原因：{}。", told.join("；")));
    }
    remarks
}

/// What a kept follower cost, of every campaign of which all is known.
fn costs(rows: &[(Place<'_>, Row)], rewards: &Rewards) -> Vec<String> {
    let mut campaigns = BTreeMap::<&str, (Option<i64>, Vec<(Option<i64>, Option<i64>)>)>::new();
    for (place, row) in rows {
        let (fen, cohorts) = campaigns.entry(place.campaign).or_insert((Some(0), Vec::new()));
        *fen = fen.zip(rewards.on(place.campaign, place.day).cost_fen).map(|(sum, fen)| sum + fen);
        let count = |column: usize| row.entries.get(column).and_then(Entry::count);
        cohorts.push((count(2), count(4)));
    }
    let told = campaigns.into_iter().filter_map(|(campaign, (fen, cohorts))| {
        let cost = KeptCost::of(fen?, cohorts)?;
        let each = yuan(cost.per_follower_fen()?);
        let (given, kept) = (yuan(cost.fen), cost.kept);
        Some(format!("活动 {campaign} 这段时间发出 {given} 元的奖励，留下 {kept} 位新粉丝，平均每位 {each} 元。"))
    });
    told.collect()
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, (fen % 100).abs())
}

#[cfg(test)]
mod tests;
