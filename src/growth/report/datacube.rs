//! `datacube`: our follows, unfollows and followers beside the platform's own (growth.md 1.3, 1.12). A difference is
//! data: it tells how much of what happened never reached us, or is counted in another way there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::draft::{Draft, Entry, Row};
use super::sums::by_channel;
use super::table::{Cell, Column, ColumnKind};
use super::term::Term;
use super::{AsOf, Period};
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::growth::counter::{CounterRange, Metric};
use crate::growth::counters::Counters;

/// What the platform's statistics said of a day (platform.md 4.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformDay {
    /// Follows, over all sources.
    pub new_user: i64,
    /// Unfollows, over all sources.
    pub cancel_user: i64,
    /// Followers at the end of the day.
    pub cumulate_user: i64,
    /// Texts, pictures, voices, videos and links that customers sent.
    pub messages: i64,
    /// When it said so.
    pub asked_at: UnixSecs,
}

impl PlatformDay {
    /// Whether it is the same news, whenever it was asked.
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self { asked_at: other.asked_at, ..*self } == *other
    }
}

/// The days the platform told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform(pub BTreeMap<BusinessDay, PlatformDay>);

/// Our numbers of a day beside the platform's. Differences are the platform's number minus ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideBySide {
    /// Our follows.
    pub follows: i64,
    /// Our unfollows.
    pub unfollows: i64,
    /// Our followers at the end of the day.
    pub total: i64,
    /// The platform's numbers.
    pub platform: PlatformDay,
}

impl SideBySide {
    /// A day out of counters that hold every follow and unfollow up to it.
    pub fn of(day: BusinessDay, counters: &Counters, platform: PlatformDay) -> Self {
        let total = counters.sum_to(Metric::Follows, day.0) - counters.sum_to(Metric::Unfollows, day.0);
        Self::with_total((day, total), counters, platform)
    }

    fn with_total((day, total): (BusinessDay, i64), counters: &Counters, platform: PlatformDay) -> Self {
        let (follows, unfollows) = (counters.sum(Metric::Follows, day.0), counters.sum(Metric::Unfollows, day.0));
        Self { follows, unfollows, total, platform }
    }

    /// By how many followers the day changed more at the platform than here: what the gap of the totals grew by.
    pub fn net_difference(&self) -> i64 {
        self.net_terms().iter().map(|term| term.count).sum()
    }

    /// How many more followers the platform has: those from before us, and every net difference since.
    pub fn total_gap(&self) -> i64 {
        self.total_terms().iter().map(|term| term.count).sum()
    }

    fn net_terms(&self) -> Vec<Term> {
        vec![
            Term::new("微信新增关注", self.platform.new_user),
            Term::new("微信取消关注", -self.platform.cancel_user),
            Term::new("本系统关注", -self.follows),
            Term::new("本系统取消关注", self.unfollows),
        ]
    }

    fn total_terms(&self) -> Vec<Term> {
        vec![Term::new("微信粉丝总数", self.platform.cumulate_user), Term::new("本系统累计粉丝", -self.total)]
    }

    /// Whether the day's difference is more than 1 % of the account's followers.
    pub fn is_large(&self) -> bool {
        self.net_difference().abs().saturating_mul(100) > self.platform.cumulate_user
    }
}

/// The totals need every follow and unfollow since the beginning.
pub(super) fn needed(period: Period) -> Vec<CounterRange> {
    let (from, to) = (period.from().0, period.to().0);
    vec![
        CounterRange::new(Metric::Follows, i32::MIN, to),
        CounterRange::new(Metric::Unfollows, i32::MIN, to),
        CounterRange::new(Metric::Messages, from, to),
        CounterRange::new(Metric::MenuTaps, from, to),
    ]
}

fn columns() -> Vec<Column> {
    let number = |name, title| Column::plain(ColumnKind::Number, name, title);
    vec![
        Column::plain(ColumnKind::Day, "day", "日期").meaning("业务日，按北京时间 0 点切分，与微信后台的日期一致。"),
        Column::plain(ColumnKind::State, "state", "状态")
            .meaning("这一天的数字有多确定：进行中、待定、已关账、已封存。"),
        number("follows", "关注").meaning("本系统收到的关注次数。").formula("F(d)"),
        number("follows_platform", "关注（微信）")
            .meaning("微信统计的新增关注人数，各来源合计。")
            .formula("Σ new_user"),
        number("unfollows", "取消关注").meaning("本系统收到的取消关注次数。").formula("U(d)"),
        number("unfollows_platform", "取消关注（微信）")
            .meaning("微信统计的取消关注人数，各来源合计。")
            .formula("Σ cancel_user"),
        number("net_difference", "净增差")
            .meaning("微信的净增减去本系统的净增；0 表示一条也没漏，正数多半是有关注没送到。")
            .formula("(Σ new_user − Σ cancel_user) − (F(d) − U(d))"),
        number("total", "累计粉丝").meaning("从使用本系统起关注、到这一天结束还没走的客户。").formula("T(d)"),
        number("total_platform", "累计粉丝（微信）")
            .meaning("微信统计的这一天结束时的粉丝总数。")
            .formula("cumulate_user"),
        number("total_gap", "粉丝差")
            .meaning("微信的粉丝总数减去本系统的；包含使用本系统之前就关注的人，每天应当不变。")
            .formula("cumulate_user − T(d)"),
        number("messages_and_scans", "消息和扫码")
            .meaning("本系统收到的消息和关注者扫码，不含菜单点击；口径与微信不同，只并列，不算差。")
            .formula("M(d) − Σ taps"),
        number("messages_platform", "消息（微信）")
            .meaning("微信统计的文字、图片、语音、视频、链接条数，不含位置、菜单点击和扫码。")
            .formula("Σ msg_count"),
    ]
}

/// A day of which the platform has said nothing is not known, and neither is its difference.
pub(super) fn build(period: Period, (clock, counters): (AsOf, &Counters), platform: &Platform) -> Draft {
    let eve = period.from().plus_days(-1).0;
    let (mut follows, mut unfollows) = (counters.sum_to(Metric::Follows, eve), counters.sum_to(Metric::Unfollows, eve));
    let mut rows = Vec::new();
    for day in period.days() {
        let Some(state) = clock.state(day) else { break };
        follows += counters.sum(Metric::Follows, day.0);
        unfollows += counters.sum(Metric::Unfollows, day.0);
        let told = platform.0.get(&day);
        let theirs = |terms: fn(&PlatformDay) -> Vec<Term>| told.map_or_else(Entry::unknown, |t| Entry::sum(terms(t)));
        let side = told.map(|told| SideBySide::with_total((day, follows - unfollows), counters, *told));
        let beside =
            |terms: fn(&SideBySide) -> Vec<Term>| side.as_ref().map_or_else(Entry::unknown, |s| Entry::sum(terms(s)));
        let ours = |metric| Entry::sum(by_channel(counters, metric, (day.0, 0)));
        let entries = vec![
            Cell::Day(day).into(),
            Cell::State(state).into(),
            ours(Metric::Follows),
            theirs(|told| vec![Term::new("微信新增关注", told.new_user)]),
            ours(Metric::Unfollows),
            theirs(|told| vec![Term::new("微信取消关注", told.cancel_user)]),
            beside(SideBySide::net_terms),
            Entry::sum(vec![
                Term::new("从开始到这一天的关注", follows),
                Term::new("从开始到这一天的取消关注", -unfollows),
            ]),
            theirs(|told| vec![Term::new("微信粉丝总数", told.cumulate_user)]),
            beside(SideBySide::total_terms),
            Entry::sum(vec![
                Term::new("客户发起的推送", counters.sum(Metric::Messages, day.0)),
                Term::new("其中菜单点击", -counters.sum(Metric::MenuTaps, day.0)),
            ]),
            theirs(|told| vec![Term::new("微信消息条数", told.messages)]),
        ];
        rows.push(Row { ends: day, entries });
    }
    Draft { columns: columns(), rows, remarks: remarks(period, clock, platform) }
}

fn remarks(period: Period, clock: AsOf, platform: &Platform) -> Vec<String> {
    let mut remarks = vec![
        "差都是微信的数减去本系统的数，是供查对的数据，不是错误。".to_owned(),
        "使用本系统之前就关注的人只在微信的粉丝总数里：粉丝差每天应当不变，变化多少，净增差就是多少。".to_owned(),
        "微信没有说明同一天取消又关注的人怎么算，可能按人去重；微信清理违规粉丝时不推送取消关注。".to_owned(),
        "本系统停机、或推送三次都没有送到的关注和取消关注，只有微信知道。".to_owned(),
        "微信前一天的数据约在早上 8 点后才有；还没有的显示为 —。".to_owned(),
    ];
    if period.days().any(|day| clock.is_past(day) && !platform.0.contains_key(&day)) {
        remarks.push("有已结束的日子微信没有给出数据：只有认证过的订阅号和服务号才有，也只补问最近 7 天。".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::counter::CounterKey;
    use crate::growth::lateness::Lateness;

    const DAY: BusinessDay = BusinessDay(20_514);

    fn told(new_user: i64, cancel_user: i64, cumulate_user: i64) -> PlatformDay {
        PlatformDay { new_user, cancel_user, cumulate_user, messages: 9, asked_at: UnixSecs(7) }
    }

    fn counters() -> Counters {
        let key = |metric, a| CounterKey { metric, a, b: 0, dimension: String::new() };
        let cells = [
            (key(Metric::Follows, DAY.0 - 9), 40),
            (key(Metric::Follows, DAY.0), 5),
            (key(Metric::Unfollows, DAY.0), 2),
            (key(Metric::Messages, DAY.0), 12),
            (key(Metric::MenuTaps, DAY.0), 4),
            (key(Metric::Follows, DAY.0 + 1), 1),
        ];
        cells.into_iter().collect()
    }

    fn draft(platform: &[(i32, PlatformDay)]) -> Draft {
        let period = Period::new(DAY, DAY.plus_days(9)).unwrap();
        let clock = AsOf { now: DAY.plus_days(2).start().plus_secs(-1), lateness: Lateness::default() };
        let platform = Platform(platform.iter().map(|(days, told)| (DAY.plus_days(*days), *told)).collect());
        build(period, (clock, &counters()), &platform)
    }

    fn shown(draft: &Draft) -> Vec<String> {
        let row = |row: &Row| row.entries[2..].iter().map(|entry| entry.cell.to_string()).collect::<Vec<_>>().join(" ");
        draft.rows.iter().map(row).collect()
    }

    #[test]
    fn what_the_platform_says_stands_beside_ours_with_its_difference() {
        let shown = shown(&draft(&[(0, told(6, 2, 1_044)), (1, told(1, 0, 1_045))]));
        assert_eq!(shown, ["5 6 2 2 1 43 1044 1001 8 9", "1 1 0 0 0 44 1045 1001 0 9"]);
    }

    #[test]
    fn what_the_platform_has_not_said_is_not_known_and_no_difference() {
        let draft = draft(&[(1, told(1, 0, 44))]);
        assert_eq!(shown(&draft), ["5 — 2 — — 43 — — 8 —", "1 1 0 0 0 44 44 0 0 9"]);
        assert!(draft.remarks.last().unwrap().contains("没有给出数据"));
        let all = self::draft(&[(0, told(6, 2, 1_044))]);
        assert!(all.remarks.iter().all(|line| !line.contains("没有给出数据")), "every past day is known");
    }

    #[test]
    fn a_difference_opens_into_both_sides() {
        let draft = draft(&[(0, told(6, 2, 1_044))]);
        let terms =
            |column: usize| draft.rows[0].entries[column].terms.iter().map(|term| term.count).collect::<Vec<_>>();
        assert_eq!((terms(6), terms(9), terms(10)), (vec![6, -2, -5, 2], vec![1_044, -43], vec![12, -4]));
    }

    #[test]
    fn a_difference_is_large_above_one_in_a_hundred() {
        let side = |new_user, cumulate_user| SideBySide {
            follows: 5,
            unfollows: 0,
            total: 0,
            platform: told(new_user, 0, cumulate_user),
        };
        assert!(!side(15, 1_000).is_large() && side(16, 1_000).is_large());
        assert!(!side(0, 500).is_large() && side(0, 499).is_large(), "in both directions");
        assert!(!side(5, 0).is_large() && side(6, 0).is_large());
    }

    #[test]
    fn the_record_is_read_as_it_was_written() {
        let text = serde_json::to_string(&told(6, 2, 1_044)).unwrap();
        assert_eq!(text, r#"{"new_user":6,"cancel_user":2,"cumulate_user":1044,"messages":9,"asked_at":7}"#);
        let read: PlatformDay = serde_json::from_str(&text).unwrap();
        assert!(read.says_the_same(&PlatformDay { asked_at: UnixSecs(9), ..read }));
        assert!(!read.says_the_same(&told(6, 3, 1_044)));
    }
}
