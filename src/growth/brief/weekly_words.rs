//! The weekly report in words.

use super::cohorts::{Kept, Ripe, WeekCell};
use super::daily_words::{beside, corrected, failed, gained, served, state_line, top};
use super::page::{Page, Tone, Worth};
use super::phrase::{clipped, grouped, percent, ratio, signed};
use super::weekly::Weekly;

/// Cohorts that are named while they ripen.
const RIPENING_SHOWN: usize = 3;

pub(super) fn page(weekly: &Weekly) -> Page {
    let mut page = Page::default();
    let account = clipped(weekly.head.account.as_str(), 24);
    page.title(format!("{account} 周报 {}（{} 至 {}）", weekly.week, weekly.from, weekly.to));
    page.line(Worth::Core, state_line(&weekly.head, weekly.state, weekly.details.late));
    if !weekly.words.is_empty() {
        page.line(Worth::Core, vec![(Tone::Plain, weekly.words.concat())]);
    }
    numbers(&mut page, weekly);
    stays(&mut page, weekly);
    trend(&mut page, weekly);
    service(&mut page, weekly);
    quality(&mut page, weekly);
    page
}

fn numbers(page: &mut Page, weekly: &Weekly) {
    let (now, before) = (&weekly.numbers, weekly.week_before);
    let heading = if before.is_some() { "这一周（括号里是和上周比）" } else { "这一周" };
    page.heading(heading, Worth::Core);
    let net = before.map_or_else(String::new, |b| format!("（{}）", signed(now.net().saturating_sub(b.net()))));
    page.line(
        Worth::Core,
        vec![
            (Tone::Plain, "WAU ".to_owned()),
            (Tone::Strong, beside(now.wau, before.map(|b| b.wau))),
            (Tone::Plain, "，净增 ".to_owned()),
            (Tone::Strong, format!("{}{net}", signed(now.net()))),
            (Tone::Plain, format!("，粉丝共 {}", grouped(now.total))),
        ],
    );
    let gained = gained(
        (now.follows, before.map(|b| b.follows)),
        (now.first_follows, before.map(|b| b.first_follows)),
        (now.refollows, before.map(|b| b.refollows)),
        (now.unfollows, before.map(|b| b.unfollows)),
    );
    page.line(Worth::Useful, gained);
    let unknown = || "—".to_owned();
    let quick = now.quick_ratio().and_then(|(came, went)| ratio(came, went)).unwrap_or_else(unknown);
    let came = format!(
        "新增 {}、连续 {}、回流 {}；转沉默 {}；来去比 {quick}",
        grouped(now.new),
        grouped(now.returning),
        grouped(now.resurrected),
        now.dormant.map_or_else(unknown, grouped)
    );
    page.line(Worth::Useful, vec![(Tone::Plain, came)]);
    top(page, Worth::Detail, ("首次来自", &weekly.details.channels));
}

fn share(ripe: Ripe) -> String {
    percent(ripe.part, ripe.whole).unwrap_or_else(|| "—".to_owned())
}

fn stays(page: &mut Page, weekly: &Weekly) {
    page.heading("留下来的（只算已满期的）", Worth::Useful);
    for Kept { channel, weeks } in weekly.kept.iter().filter(|kept| kept.weeks.iter().any(|ripe| ripe.whole > 0)) {
        let weeks = weeks.iter().enumerate().map(|(at, ripe)| format!("W{} {}", at + 1, share(*ripe)));
        let line = format!("{}：{}", clipped(channel, 12), weeks.collect::<Vec<_>>().join("、"));
        page.line(Worth::Useful, vec![(Tone::Plain, line)]);
    }
    let ripening = weekly.cohorts.iter().filter(|cohort| cohort.channel == super::cohorts::EVERYBODY).rev();
    let ripening = ripening.filter_map(|cohort| {
        let next = cohort.weeks.iter().enumerate().find_map(|(at, cell)| match cell {
            WeekCell::Ripening { passed, of } => Some((at + 1, passed, of)),
            WeekCell::Known(_) => None,
        });
        next.map(|(nth, passed, of)| format!("{} 的 W{nth} {passed}/{of} 天", cohort.week))
    });
    let ripening: Vec<String> = ripening.take(RIPENING_SHOWN).collect();
    if !ripening.is_empty() {
        page.line(Worth::Detail, vec![(Tone::Quiet, format!("还没满期：{}", ripening.join("、")))]);
    }
    let standing = weekly.standing.iter().filter(|standing| standing.ripe.whole > 0);
    let standing = standing.map(|s| format!("{} 天后 {}", s.after_days, share(s.ripe)));
    let standing: Vec<String> = standing.collect();
    if !standing.is_empty() {
        page.line(Worth::Useful, vec![(Tone::Plain, format!("关注后还在：{}", standing.join("、")))]);
    }
}

fn trend(page: &mut Page, weekly: &Weekly) {
    if weekly.trend.len() < 2 {
        return;
    }
    page.heading(&format!("近 {} 周", weekly.trend.len()), Worth::Detail);
    for week in weekly.trend.iter().rev() {
        let numbers = &week.numbers;
        let line = format!(
            "{} WAU {}、净增 {}、客户消息 {}",
            week.week,
            grouped(numbers.wau),
            signed(numbers.net()),
            grouped(numbers.messages)
        );
        page.line(Worth::Detail, vec![(Tone::Plain, line)]);
    }
}

fn service(page: &mut Page, weekly: &Weekly) {
    let before = weekly.week_before.map(|before| before.messages);
    served(page, (weekly.numbers.messages, before), &weekly.details);
    top(page, Worth::Detail, ("菜单最热", &weekly.details.menu));
}

/// How far the numbers can be trusted, and what they mean.
fn quality(page: &mut Page, weekly: &Weekly) {
    failed(page, &weekly.details.failed);
    corrected(page, &weekly.details.changes);
    page.heading("数据质量", Worth::Useful);
    let checks = if weekly.details.failed.is_empty() {
        "自检全部通过".to_owned()
    } else {
        format!("自检 {} 项没过", weekly.details.failed.len())
    };
    let line = format!(
        "{checks}；晚到已计入 {} 条，隔离 {} 条",
        grouped(weekly.details.late),
        grouped(weekly.details.quarantined)
    );
    page.line(Worth::Useful, vec![(Tone::Quiet, line)]);
    for meaning in DEFINITIONS {
        page.line(Worth::Detail, vec![(Tone::Quiet, meaning.to_owned())]);
    }
}

/// What the words mean (growth.md 1.3 to 1.6).
pub(super) const DEFINITIONS: [&str; 5] = [
    "活跃：客户主动发消息、点菜单或扫码；只关注不算。",
    "WAU：周一到周日至少来过一天的客户，一人只算一次。",
    "W1–W4：某周第一次来的客户，在之后第几周再来的比例，各批合起来算。",
    "来去比：（新增＋回流）÷ 转沉默；没有转沉默时不算。",
    "关注后还在：最近 28 天满期的关注里，到那天还没取关的比例；取关再关注算另一次。",
];
