//! What people read of a campaign, and how their invites stand in words.

use super::{Campaign, STANDING, is_said};
use crate::domain::actions::{Outcome, View};
use crate::domain::notes::MAX_TEXT_BYTES;
use crate::domain::referral::campaign::{Stage, Texts};
use crate::domain::referral::drive::{Drive, Ended, Fate};
use crate::domain::referral::refusal::Refusal;
use crate::domain::referral::reward::RightState;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::time::BusinessDay;
use crate::domain::value::{Value, Values};

/// Said when no code could be made for an openid, which no platform hands out.
pub(super) const NO_CODE: &str = "抱歉，暂时没法为您生成邀请码，请稍后再试。";
/// Of more friends than this the newest are listed.
const MOST_LISTED: usize = 12;

/// A text of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Joined,
    Code,
    Friend,
    NotCounted,
    News,
    Mine,
    Nobody,
    NotStarted,
    Ended,
}

impl Shown {
    pub(super) const ALL: [Self; 9] = [
        Self::Joined,
        Self::Code,
        Self::Friend,
        Self::NotCounted,
        Self::News,
        Self::Mine,
        Self::Nobody,
        Self::NotStarted,
        Self::Ended,
    ];

    /// What the operator wrote for it.
    pub(super) fn of(self, texts: &Texts) -> Option<&Template> {
        let template = match self {
            Self::Joined => &texts.joined,
            Self::Code => &texts.code,
            Self::Friend => &texts.friend,
            Self::NotCounted => &texts.not_counted,
            Self::News => &texts.news,
            Self::Mine => &texts.mine,
            Self::Nobody => &texts.nobody,
            Self::NotStarted => &texts.not_started,
            Self::Ended => &texts.ended,
        };
        template.as_ref()
    }

    /// Its name in the file.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Code => "code",
            Self::Friend => "friend",
            Self::NotCounted => "not_counted",
            Self::News => "news",
            Self::Mine => "mine",
            Self::Nobody => "nobody",
            Self::NotStarted => "not_started",
            Self::Ended => "ended",
        }
    }

    /// What it may use.
    pub(super) fn allowed(self) -> Vec<&'static str> {
        let more: &[&str] = match self {
            Self::Friend => return vec!["title"],
            Self::NotCounted => return vec!["title", "reason"],
            Self::Code => &["code"],
            Self::News => &["news"],
            Self::Mine => &["list"],
            Self::NotStarted => &["starts"],
            Self::Joined | Self::Nobody | Self::Ended => &[],
        };
        [&STANDING, more].concat()
    }

    /// The words where the operator wrote none.
    fn built_in(self) -> &'static str {
        match self {
            Self::Joined => {
                "「{{ title }}」您的专属邀请码来啦，好友扫码关注就算您请来的。\
                 {% if reward %}\n再请 {{ missing }} 位好友就能拿到：{{ reward }}。{% endif %}"
            }
            Self::Code => "请好友关注本公众号，再把下面这一串发过来：\n{{ code }}",
            Self::Friend => "欢迎您！您是应好友邀请来的，有什么想问的，直接说就行。",
            Self::NotCounted => "欢迎您！这次不算好友邀请：{{ reason }}。",
            Self::News => {
                "「{{ title }}」有新进展：\n{{ news }}\n已算数 {{ counted }} 位\
                 {% if reward %}，再请 {{ missing }} 位就能拿到：{{ reward }}{% endif %}。"
            }
            Self::Mine => {
                "「{{ title }}」已算数 {{ counted }} 位\
                 {% if reward %}，再请 {{ missing }} 位就能拿到：{{ reward }}{% endif %}。\n{{ list }}"
            }
            Self::Nobody => "「{{ title }}」还没有好友扫您的码，把海报发给身边的人试试吧。",
            Self::NotStarted => "「{{ title }}」{{ starts }} 开始，到时候再来吧。",
            Self::Ended => "「{{ title }}」已经结束了，感谢您的热心。您请来算数的好友一共 {{ counted }} 位。",
        }
    }
}

/// A text filled; a fault goes to the outcome.
pub(super) fn text(view: &View<'_>, out: &mut Outcome, words: &str, values: &Values) -> Reply {
    match Template::new(words) {
        Ok(template) => view.text(out, &template, values),
        Err(fault) => {
            out.faults.push(fault);
            Reply::Silent
        }
    }
}

/// Two texts as one.
pub(super) fn joined(first: Reply, second: Reply) -> Reply {
    match (first, second) {
        (Reply::Text(first), Reply::Text(second)) => Reply::Text(format!("{first}\n\n{second}")),
        (first, second) => {
            if is_said(&first) {
                first
            } else {
                second
            }
        }
    }
}

/// Why it does not count, for the friend.
pub(super) fn reason_to_friend(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NotNew => "您以前关注过",
        Refusal::OwnCode => "这是您自己的码",
        Refusal::Mutual => "这位好友是您请来的",
        Refusal::Staff | Refusal::Blocked => "这个码不参加活动",
        Refusal::NotStarted => "活动还没开始",
        Refusal::Ended => "活动已经结束",
        Refusal::NoCampaign => "活动已经下线",
        Refusal::NotEarlier => "您比这位好友更早关注",
        Refusal::TooLate => "邀请码要在关注后一天内发来",
    }
}

/// Why it does not count, for the inviter.
fn reason_to_inviter(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NotNew => "以前关注过",
        Refusal::OwnCode => "是您自己",
        Refusal::Mutual => "是请您来的那位",
        Refusal::Staff => "员工不参加",
        Refusal::Blocked => "不能参加",
        Refusal::NotStarted => "来的时候活动还没开始",
        Refusal::Ended => "来的时候活动已经结束",
        Refusal::NoCampaign => "活动已经下线",
        Refusal::NotEarlier => "比您更早关注",
        Refusal::TooLate => "邀请码发晚了",
    }
}

fn in_words(fate: Fate) -> String {
    match fate {
        Fate::Waiting { until } => format!("还差一步，{until} 前再来聊聊就算"),
        Fate::Held { until } => format!("留到 {until} 就算数"),
        Fate::Ended(Ended::Counted) => "已算数".into(),
        Fate::Ended(Ended::OverCap) => "超过上限，不算".into(),
        Fate::Ended(Ended::Left) => "取消关注了，不算".into(),
        Fate::Ended(Ended::Lapsed) => "没有在期限内再来，不算".into(),
        Fate::Ended(Ended::Refused) => "不算".into(),
        Fate::Refused(reason) => format!("不算：{}", reason_to_inviter(reason)),
    }
}

impl Campaign {
    /// A text of the campaign.
    pub(super) fn say(&self, view: &View<'_>, (out, shown): (&mut Outcome, Shown), values: &Values) -> Reply {
        match shown.of(&self.texts) {
            Some(template) => view.text(out, template, values),
            None => text(view, out, shown.built_in(), values),
        }
    }

    pub(super) fn of_title(&self) -> Values {
        Values::from([("title".to_owned(), Value::from(self.title.as_str()))])
    }

    /// How somebody's invites stand, as values.
    pub(super) fn standing(&self, view: &View<'_>, drive: &Drive) -> Values {
        let today = view.moment.now.business_day();
        let counted = drive.counted(today, self.caps());
        let fates = drive.fates(today, self.caps());
        let is_open = |fate: &Fate| matches!(fate, Fate::Waiting { .. } | Fate::Held { .. });
        let waiting = fates.iter().filter(|(_, fate)| is_open(fate)).count();
        let next = self.next_stage(counted);
        let integer = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let mut values = self.of_title();
        values.extend([
            ("counted".to_owned(), integer(u64::from(counted))),
            ("waiting".to_owned(), integer(waiting as u64)),
            ("missing".to_owned(), integer(u64::from(next.map_or(0, |stage| stage.friends - counted)))),
            ("reward".to_owned(), Value::from(next.map_or("", |stage| stage.title.as_str()))),
            ("points".to_owned(), integer(view.customer.points.balance(today))),
        ]);
        values
    }

    /// “我的邀请”: every invite with its state, everything that was given, and what is missing.
    pub(super) fn show_mine(&self, view: &View<'_>) -> Outcome {
        let mut out = Outcome::default();
        let drive = self.drive(view);
        let mut values = self.standing(view, &drive);
        let lines = self.lines(view, &drive);
        if lines.is_empty() {
            out.reply = self.say(view, (&mut out, Shown::Nobody), &values);
            return out;
        }
        values.insert("list".to_owned(), Value::from(lines.join("\n")));
        out.reply = self.say(view, (&mut out, Shown::Mine), &values);
        out
    }

    fn lines(&self, view: &View<'_>, drive: &Drive) -> Vec<String> {
        let today = view.moment.now.business_day();
        let mut lines = Vec::new();
        for (stage, state) in self.stage.iter().filter_map(|stage| Some((stage, &drive.rights.get(&stage.key)?.state)))
        {
            lines.push(of_right(stage, state));
        }
        if let Some((until, points)) = view.customer.points.expiring(today) {
            let all = view.customer.points.balance(today);
            lines.push(format!("积分 {all}（其中 {points} 到 {until} 过期）"));
        }
        let day = |day: BusinessDay| day.to_string();
        let mut friends: Vec<(BusinessDay, String)> = drive
            .fates(today, self.caps())
            .into_iter()
            .map(|(entry, fate)| {
                (entry.at.business_day(), format!("{} 来的好友：{}", day(entry.at.business_day()), in_words(fate)))
            })
            .collect();
        friends.extend(drive.turned_away.iter().map(|friend| {
            let on = friend.at.business_day();
            (on, format!("{} 扫码的好友：不算，{}", day(on), reason_to_inviter(friend.reason)))
        }));
        friends.sort_by_key(|(on, _)| std::cmp::Reverse(*on));
        let more = friends.len().saturating_sub(MOST_LISTED);
        lines.extend(friends.into_iter().take(MOST_LISTED).map(|(_, line)| line));
        let settled: u32 = drive.settled.fates.values().sum();
        if more > 0 || settled > 0 {
            lines.push(format!("……还有更早的 {} 位", more + usize::try_from(settled).unwrap_or(0)));
        }
        // The rest of the text needs room, too.
        while lines.iter().map(|line| line.len() + 1).sum::<usize>() > MAX_TEXT_BYTES / 4 * 3 {
            lines.pop();
        }
        lines
    }
}

/// What came of a stage, in words.
pub(super) fn of_right(stage: &Stage, state: &RightState) -> String {
    let title = &stage.title;
    match state {
        RightState::Asked => format!("🎁 {title}：正在发放"),
        RightState::Given(Some(code)) => format!("🎁 {title}：已发放，{code}"),
        RightState::Given(None) => format!("🎁 {title}：已发放"),
        RightState::Failed(_) => format!("🎁 {title}：暂时发完了，补上后马上给您"),
    }
}
