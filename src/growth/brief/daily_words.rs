//! The daily report in words.

use super::changes::Change;
use super::daily::Daily;
use super::details::Details;
use super::named::Named;
use super::page::{Page, Span, Tone, Worth};
use super::phrase::{clipped, grouped, percent, ratio, signed, weekday};
use super::value::Head;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::lateness::DayState;
use crate::growth::report::state_word;

/// Names of customers' and operators' making are cut to so many characters.
const NAME_CHARS: usize = 12;
/// So many corrected numbers of a day are named.
const CHANGES_SHOWN: usize = 3;

pub(super) fn page(daily: &Daily) -> Page {
    let mut page = Page::default();
    page.title(format!("{} 日报 {} {}", clipped(daily.head.account.as_str(), 24), daily.day, weekday(daily.day)));
    page.line(Worth::Core, state_line(&daily.head, daily.state, daily.details.late));
    if daily.week_before.is_some() {
        let against = format!("括号里是和上{}比", weekday(daily.day));
        page.line(Worth::Useful, vec![(Tone::Quiet, against)]);
    }
    followers(&mut page, daily);
    activity(&mut page, daily);
    service(&mut page, daily);
    corrected(&mut page, &daily.details.changes);
    platform(&mut page, daily);
    failed(&mut page, &daily.details.failed);
    todo(&mut page, &daily.todo);
    page
}

pub(super) fn state_line(head: &Head, state: DayState, late: i64) -> Vec<Span> {
    let tone = if state < DayState::Closed { Tone::Warning } else { Tone::Quiet };
    let Head { zone, as_of, playbook, .. } = head;
    let playbook = clipped(playbook.as_str(), 12);
    let late = if late > 0 { format!(" · 晚到 {} 条已计入", grouped(late)) } else { String::new() };
    let rest = format!(" · {zone} · 话术版本 {playbook} · 截至 {}{late}", moment(*as_of));
    vec![(tone, state_word(state).to_owned()), (Tone::Quiet, rest)]
}

/// `03-05 08:30` in business time.
fn moment(at: UnixSecs) -> String {
    let day = at.business_day();
    let minute = at.secs_since(day.start()) / 60;
    let date = day.to_string();
    format!("{} {:02}:{:02}", date.get(5..).unwrap_or(&date), minute / 60, minute % 60)
}

/// A number with how it differs from the one it is held against.
pub(super) fn beside(now: i64, before: Option<i64>) -> String {
    before.map_or_else(|| grouped(now), |before| format!("{}（{}）", grouped(now), signed(now.saturating_sub(before))))
}

fn followers(page: &mut Page, daily: &Daily) {
    let (now, before) = (&daily.numbers, daily.week_before);
    let mut line = vec![
        (Tone::Plain, "净增 ".to_owned()),
        (Tone::Strong, signed(now.net())),
        (
            Tone::Plain,
            before.map_or_else(String::new, |b| format!("（{}）", signed(now.net().saturating_sub(b.net())))),
        ),
    ];
    line.push((Tone::Plain, format!("，粉丝共 {}", beside(now.total, before.map(|b| b.total)))));
    page.heading("粉丝", Worth::Core);
    page.line(Worth::Core, line);
    let gained = gained(
        (now.follows, before.map(|b| b.follows)),
        (now.first_follows, before.map(|b| b.first_follows)),
        (now.refollows, before.map(|b| b.refollows)),
        (now.unfollows, before.map(|b| b.unfollows)),
    );
    page.line(Worth::Core, gained);
    top(page, Worth::Useful, ("首次来自", &daily.details.channels));
}

fn activity(page: &mut Page, daily: &Daily) {
    let (now, before) = (&daily.numbers, daily.week_before);
    page.heading("活跃", Worth::Core);
    let mut line = vec![
        (Tone::Plain, "DAU ".to_owned()),
        (Tone::Strong, beside(now.dau, before.map(|b| b.dau))),
        (Tone::Plain, format!("，近7天 {}", beside(now.r7, before.map(|b| b.r7)))),
        (Tone::Plain, format!("，近30天 {}", beside(now.r30, before.map(|b| b.r30)))),
    ];
    if let Some(days) = ratio(now.active_days, now.r30) {
        line.push((Tone::Plain, format!("，人均活跃 {days} 天")));
    }
    page.line(Worth::Core, line);
    // How these are beside last week's stands in the files: here they would crowd out what is asked for more.
    let came = format!(
        "新增 {}、连续 {}、回流 {}；转沉默 {}",
        grouped(now.new),
        grouped(now.returning),
        grouped(now.resurrected),
        now.dormant.map_or_else(|| "—".to_owned(), grouped),
    );
    page.line(Worth::Useful, vec![(Tone::Plain, came)]);
    top(page, Worth::Detail, ("菜单最热", &daily.details.menu));
}

fn service(page: &mut Page, daily: &Daily) {
    let before = daily.week_before.map(|before| before.messages);
    served(page, (daily.numbers.messages, before), &daily.details);
    if daily.details.quarantined > 0 {
        let aside = format!("隔离 {} 条", grouped(daily.details.quarantined));
        page.line(Worth::Useful, vec![(Tone::Warning, aside)]);
    }
}

/// What customers sent, what of it no rule answered, and how they rated it.
pub(super) fn served(page: &mut Page, (messages, before): (i64, Option<i64>), details: &Details) {
    page.heading("服务", Worth::Useful);
    page.line(Worth::Useful, vec![(Tone::Plain, format!("客户消息 {}", beside(messages, before)))]);
    unanswered(page, (details.unanswered, messages), &details.unanswered_words);
    if let Some(stars) = details.stars
        && let Some(mean) = ratio(stars.stars, stars.ratings)
    {
        let ratings = grouped(stars.ratings);
        page.line(Worth::Detail, vec![(Tone::Plain, format!("评分平均 {mean} 星（{ratings} 次）"))]);
    }
}

/// What no rule answered, with its share of all that customers sent.
fn unanswered(page: &mut Page, (count, messages): (i64, i64), words: &[Named]) {
    if count <= 0 {
        return;
    }
    let share = percent(count, messages).map_or_else(String::new, |share| format!("（{share}）"));
    let quoted: Vec<String> =
        words.iter().map(|w| format!("“{}”{}", clipped(&w.name, NAME_CHARS), grouped(w.count))).collect();
    let words = if quoted.is_empty() { String::new() } else { format!("：{}", quoted.join("、")) };
    page.line(Worth::Useful, vec![(Tone::Plain, format!("没答上 {} 次{share}{words}", grouped(count)))]);
}

/// A line per day; of each the numbers asked for most.
pub(super) fn corrected(page: &mut Page, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    page.heading("和之前报的不一样", Worth::Useful);
    for of_day in changes.chunk_by(|a, b| a.day == b.day) {
        let Some(first) = of_day.first() else { continue };
        page.line(Worth::Useful, corrected_day(first.day, of_day));
    }
}

fn corrected_day(day: BusinessDay, changes: &[Change]) -> Vec<Span> {
    let shown = changes.iter().take(CHANGES_SHOWN);
    let shown: Vec<String> = shown.map(|c| format!("{} {} → {}", c.what, grouped(c.was), grouped(c.now))).collect();
    let more = changes.len().saturating_sub(CHANGES_SHOWN);
    let more = if more > 0 { format!(" 等 {} 项", changes.len()) } else { String::new() };
    let why = if changes.iter().any(|change| change.late) { "晚到" } else { "重新统计" };
    vec![(Tone::Plain, format!("{day} {}{more}（{why}）", shown.join("、")))]
}

fn platform(page: &mut Page, daily: &Daily) {
    let Some(differences) = &daily.platform else { return };
    page.heading("和微信后台对账", Worth::Useful);
    if differences.is_empty() {
        page.line(Worth::Useful, vec![(Tone::Plain, "都对得上".to_owned())]);
    }
    for d in differences {
        let by = signed(d.ours.saturating_sub(d.theirs));
        let share = percent(d.ours.saturating_sub(d.theirs), d.theirs).map_or_else(String::new, |s| format!("，{s}"));
        let (ours, theirs) = (grouped(d.ours), grouped(d.theirs));
        let what = clipped(&d.what, NAME_CHARS);
        page.line(Worth::Useful, vec![(Tone::Plain, format!("{what}：我们 {ours}，微信 {theirs}（{by}{share}）"))]);
    }
}

pub(super) fn failed(page: &mut Page, failed: &[String]) {
    if failed.is_empty() {
        return;
    }
    page.heading("自检没通过", Worth::Core);
    for (at, line) in failed.iter().enumerate() {
        let worth = if at == 0 { Worth::Core } else { Worth::Detail };
        page.line(worth, vec![(Tone::Warning, clipped(line, 60))]);
    }
}

fn todo(page: &mut Page, todo: &[String]) {
    page.heading("要做的事", Worth::Task);
    if todo.is_empty() {
        page.line(Worth::Task, vec![(Tone::Plain, "今天没有，辛苦啦".to_owned())]);
    }
    for (at, what) in todo.iter().enumerate() {
        page.line(Worth::Task, vec![(Tone::Plain, format!("{}. {what}", at + 1))]);
    }
}

/// `菜单最热：查流量 88、签到 40`, when there is any.
pub(super) fn top(page: &mut Page, worth: Worth, (what, names): (&str, &[Named])) {
    if !names.is_empty() {
        let each = names.iter().map(|named| format!("{} {}", clipped(&named.name, NAME_CHARS), grouped(named.count)));
        let listed = each.collect::<Vec<_>>().join("、");
        page.line(worth, vec![(Tone::Plain, format!("{what}：{listed}"))]);
    }
}

/// A number and the one it is held against.
type Held = (i64, Option<i64>);

/// How many came, for the first time or again, and how many left.
pub(super) fn gained(follows: Held, first: Held, again: Held, unfollows: Held) -> Vec<Span> {
    let [follows, first, again, unfollows] =
        [follows, first, again, unfollows].map(|(now, before)| beside(now, before));
    vec![(Tone::Plain, format!("新关注 {follows}：首次 {first}、回头 {again}；取关 {unfollows}"))]
}
