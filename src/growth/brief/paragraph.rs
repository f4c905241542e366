//! The week in sentences. Each is tied to its numbers; of a change that chance could have made nothing is said but that
//! it is not clear.

use super::cohorts::{EVERYBODY, WeekCell};
use super::phrase::{clearly_differ, clipped, grouped, percent, ratio, shares_differ};
use super::weekly::Weekly;
use crate::growth::lateness::DayState;

pub(super) fn of_week(weekly: &Weekly) -> Vec<String> {
    if weekly.state == DayState::Open {
        return Vec::new();
    }
    let sentences = [active(weekly), follows(weekly), left(weekly), flow(weekly), kept(weekly), came_from(weekly)];
    sentences.into_iter().flatten().collect()
}

/// `比上周多 320（+2.9%）`, or that nothing is clear; empty without a week before.
fn against(now: i64, before: Option<i64>) -> String {
    let Some(before) = before else { return String::new() };
    if !clearly_differ(now, before) {
        return format!("，上周 {}，没有明显变化", grouped(before));
    }
    let by = now.saturating_sub(before);
    let more = if by > 0 { "多" } else { "少" };
    let magnitude = i64::try_from(by.unsigned_abs()).unwrap_or(i64::MAX);
    let share = percent(magnitude, before).map_or_else(String::new, |share| format!("（{share}）"));
    format!("，比上周{more} {}{share}", grouped(magnitude))
}

fn active(weekly: &Weekly) -> Option<String> {
    let wau = weekly.numbers.wau;
    let against = against(wau, weekly.week_before.map(|before| before.wau));
    Some(format!("这一周有 {} 位客户来过{against}。", grouped(wau)))
}

fn follows(weekly: &Weekly) -> Option<String> {
    let numbers = &weekly.numbers;
    if numbers.follows == 0 && numbers.unfollows == 0 {
        return Some("粉丝没有进出。".to_owned());
    }
    let against = against(numbers.follows, weekly.week_before.map(|before| before.follows));
    let (gained, total) = (grouped(numbers.follows), grouped(numbers.total));
    let net = match numbers.net() {
        0 => "一进一出正好持平".to_owned(),
        net @ 1.. => format!("净增 {}", grouped(net)),
        net => format!("净减 {}", grouped(net.saturating_neg())),
    };
    Some(format!("新关注 {gained} 次{against}；{net}，粉丝共 {total}。"))
}

/// Only said when it is clear.
fn left(weekly: &Weekly) -> Option<String> {
    let (now, before) = (weekly.numbers.unfollows, weekly.week_before?.unfollows);
    let more = if now > before { "多，值得找找原因" } else { "少，不错" };
    clearly_differ(now, before).then(|| format!("取关 {} 次，上周 {}，明显变{more}。", grouped(now), grouped(before)))
}

fn flow(weekly: &Weekly) -> Option<String> {
    weekly.week_before?;
    let (came, dormant) = weekly.numbers.quick_ratio()?;
    let ratio = ratio(came, dormant)?;
    let (came, dormant) = (grouped(came), grouped(dormant));
    Some(format!("新来和回流 {came} 位，转沉默 {dormant} 位：每沉默一位，来了 {ratio} 位。"))
}

/// The latest cohort whose next week is over, against the one before.
fn kept(weekly: &Weekly) -> Option<String> {
    let everybody = weekly.cohorts.iter().filter(|cohort| cohort.channel == EVERYBODY);
    let known = everybody.filter_map(|cohort| match cohort.weeks.first() {
        Some(WeekCell::Known(active)) => Some((&cohort.week, *active, cohort.size)),
        _ => None,
    });
    let mut latest_first: Vec<_> = known.collect();
    latest_first.reverse();
    let (week, active, size) = *latest_first.first()?;
    let share = percent(active, size)?;
    let change = match latest_first.get(1) {
        Some((_, before, of)) if shares_differ((active, size), (*before, *of)) => {
            let how = if i128::from(active) * i128::from(*of) > i128::from(*before) * i128::from(size) {
                "高"
            } else {
                "低"
            };
            percent(*before, *of).map_or_else(String::new, |before| format!("，比前一批的 {before} {how}"))
        }
        _ => String::new(),
    };
    let (active, size) = (grouped(active), grouped(size));
    Some(format!("{week} 新来的 {size} 位客户，第二周有 {active} 位再来（{share}）{change}。"))
}

fn came_from(weekly: &Weekly) -> Option<String> {
    let most = weekly.details.channels.first()?;
    let share = percent(most.count, weekly.numbers.first_follows)?;
    let (name, count, all) = (clipped(&most.name, 12), grouped(most.count), grouped(weekly.numbers.first_follows));
    Some(format!("首次关注最多来自{name}：{count} / {all}（{share}）。"))
}
