//! What somebody should look at, by rules, the most urgent first.

use super::daily::Daily;
use super::phrase::{clearly_differ, clipped, grouped, percent};
use crate::domain::pay::Fen;

/// More than this nobody does in a morning.
const MOST: usize = 5;
/// Words that came so often deserve an answer.
const OFTEN: i64 = 3;
/// From so many ratings on a share of bad ones means something.
const ENOUGH_RATINGS: i64 = 8;

pub(super) fn of_day(daily: &Daily) -> Vec<String> {
    let numbers = &daily.numbers;
    let mut todo = Vec::new();
    if !daily.details.failed.is_empty() {
        todo.push(format!("数字自检有 {} 项没过，这天的数先别用，请技术同事查", daily.details.failed.len()));
    }
    if let (orders @ 1.., fen) = daily.waiting {
        let orders = grouped(i64::try_from(orders).unwrap_or(i64::MAX));
        todo.push(format!("{orders} 笔订单等人核对，共 {} 元，用 fuwu order list 看", Fen(fen)));
    }
    if let Some((from, to)) = &daily.skipped {
        todo.push(format!("停机太久，{from} 至 {to} 的日报没有补发，可用 fuwu brief daily 补看"));
    }
    let differing = daily.platform.iter().flatten().find(|d| clearly_differ(d.ours, d.theirs));
    if let Some(difference) = differing {
        todo.push(format!("{}和微信后台差得较多，请查停机和推送失败的记录", clipped(&difference.what, 12)));
    }
    if daily.details.quarantined > 0 {
        todo.push(format!("{} 条消息被隔离、没计入，请到控制台看原因", grouped(daily.details.quarantined)));
    }
    if let Some(words) = daily.details.unanswered_words.iter().find(|words| words.count >= OFTEN) {
        let (count, text) = (grouped(words.count), clipped(&words.name, 12));
        todo.push(format!("“{text}”有 {count} 次没答上，给它加个关键词吧"));
    }
    if let Some(stars) =
        daily.details.stars.filter(|s| s.ratings >= ENOUGH_RATINGS && s.low.saturating_mul(4) >= s.ratings)
    {
        let share = percent(stars.low, stars.ratings).unwrap_or_default();
        todo.push(format!("{share}的评分只有一两星，看看客户说了什么"));
    }
    if numbers.unfollows > numbers.follows && clearly_differ(numbers.unfollows, numbers.follows) {
        todo.push("取关明显多过关注，想想当天发了什么、改了什么".to_owned());
    }
    todo.truncate(MOST);
    todo
}
