//! A campaign, as an operator writes it: `campaigns/NAME.toml` of a playbook.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::drive::Caps;
use super::terms::{ClawBack, Terms};
use crate::domain::ids::{ActionKey, Channel, ConnectorKey, Openid, PoolKey};
use crate::domain::poster::PosterSettings;
use crate::domain::template::Template;
use crate::domain::time::{BusinessDay, UnixSecs};

/// A campaign (scrm.md 2.1): its window, who counts, what has to happen, what there is for it, and every word of it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "拉新活动：客户要到自己的邀请码或海报，好友扫码关注，两边都看得到进展；文件名就是菜单 key")]
pub struct Campaign {
    /// What people call it.
    #[schemars(description = "活动名称，客户和报表里看到的")]
    pub title: String,
    /// Its first day.
    #[serde(deserialize_with = "day")]
    #[schemars(with = "String", description = "第一天，例如 \"2026-03-01\"")]
    pub starts: BusinessDay,
    /// Its last day, if it has one.
    #[serde(default, deserialize_with = "perhaps_day")]
    #[schemars(with = "Option<String>", description = "最后一天（含），例如 \"2026-04-30\"；不写就一直办")]
    pub ends: Option<BusinessDay>,
    /// Words that bring a customer here, whole ones.
    #[serde(default)]
    #[schemars(description = "客户说这些话就能拿到海报，整句相同才算")]
    pub keywords: Vec<String>,
    /// Words that show how one's invites stand.
    #[serde(default)]
    #[schemars(description = "客户说这些话就能看到自己邀请了谁、算不算数，例如 [\"我的邀请\"]")]
    pub mine: Vec<String>,
    /// The channel of those who come by its codes.
    #[serde(default = "channel")]
    #[schemars(description = "扫活动码来的好友算哪个渠道；不写就是 invite")]
    pub channel: Channel,
    /// Who cannot take part.
    #[serde(default)]
    pub who: Who,
    /// What has to happen until a friend counts; fixed for each friend when they come.
    #[serde(default)]
    pub terms: CampaignTerms,
    /// How many count.
    #[serde(default)]
    pub caps: CampaignCaps,
    /// What there is for so many friends.
    #[serde(default)]
    #[schemars(description = "阶梯奖励，从少到多")]
    pub stage: Vec<Stage>,
    /// The picture with the code.
    #[serde(default)]
    #[schemars(description = "带邀请码的海报；不写就只有文字邀请码")]
    pub poster: Option<PosterSettings>,
    /// What the operator asks of people besides following; [`super::compliance`] says which rule it touches.
    #[serde(default)]
    #[schemars(description = "除了请好友关注，还要求客户做什么；check 会说明碰到哪条平台规则")]
    pub asks: Vec<Asked>,
    /// Levels of invites that are rewarded: one.
    #[serde(default = "one")]
    #[schemars(description = "只能是 1：好友再邀请的人不给奖励，多级奖励属于违规")]
    pub levels: u8,
    /// Its words.
    #[serde(default)]
    pub texts: Texts,
}

/// `[who]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Those who work here: their codes count for nobody.
    #[serde(default)]
    #[schemars(description = "员工的 openid：他们的码照样能关注，但不算邀请")]
    pub staff: Vec<Openid>,
    /// Those who are shut out, as inviter and as friend.
    #[serde(default)]
    #[schemars(description = "拉黑的 openid：邀请人和被邀请人都不算")]
    pub blocked: Vec<Openid>,
}

/// `[terms]`: [`Terms`] as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignTerms {
    /// [`Terms::active_days`].
    #[schemars(description = "好友关注后，要在另外几天里来过；0 就是关注即可")]
    pub active_days: u8,
    /// [`Terms::within_days`].
    #[schemars(description = "要在关注后的几天内做到（最多 60）")]
    pub within_days: u8,
    /// [`Terms::hold_days`].
    #[schemars(description = "好友至少留几天才算数（最多 60）")]
    pub hold_days: u8,
    /// [`Terms::goal`].
    #[schemars(description = "改成要在期限内办成一笔这个动作的订单")]
    pub goal: Option<ActionKey>,
    /// [`Terms::claw_back`].
    #[schemars(description = "好友提前取消关注怎么办：never 照算，invite 这一位不算，reward 没领的奖励也收回")]
    pub claw_back: ClawBack,
}

impl Default for CampaignTerms {
    fn default() -> Self {
        Self { active_days: 0, within_days: 7, hold_days: 7, goal: None, claw_back: ClawBack::default() }
    }
}

/// `[caps]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignCaps {
    /// Of friends who came on the same day.
    #[schemars(description = "同一天来的好友最多算几位")]
    pub per_day: u32,
    /// In all.
    #[schemars(description = "一位邀请人一共最多算几位")]
    pub in_all: u32,
    /// Messages to an inviter on a day.
    #[schemars(description = "一天最多主动告诉邀请人几次（1 到 10），攒在一起说")]
    pub messages_per_day: u8,
}

impl Default for CampaignCaps {
    fn default() -> Self {
        Self { per_day: 20, in_all: 200, messages_per_day: 3 }
    }
}

/// `[[stage]]`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name in records: what was given under it is never given again, however the rest of it is edited.
    #[schemars(description = "这一档的代号，英文；给过的按代号记，改人数、改奖励都不会重发")]
    pub key: String,
    /// So many friends have to count.
    #[schemars(description = "算数的好友到几位")]
    pub friends: u32,
    /// What people call what there is for it.
    #[schemars(description = "奖励叫什么，例如 \"1GB 流量包\"")]
    pub title: String,
    /// Points of the account's own.
    #[serde(default)]
    #[schemars(description = "给多少积分")]
    pub points: u32,
    /// So many days the points are good for.
    #[serde(default = "a_year")]
    #[schemars(description = "积分几天后过期，默认 365")]
    pub points_days: u16,
    /// A piece of this pool: a code that is told, or one of a count.
    #[serde(default)]
    #[schemars(description = "从 pools.toml 的哪个池子里给一份：逐个写明的是券码，只写数量的是库存")]
    pub pool: Option<PoolKey>,
    /// The connector that has it done.
    #[serde(default)]
    #[schemars(description = "由哪个连接器办理（必须带幂等键）；可用 {{ campaign }}、{{ stage }}、{{ number }}")]
    pub connector: Option<ConnectorKey>,
    /// What one of it costs, in fen.
    #[serde(default)]
    #[schemars(description = "一份的成本（分），报表用")]
    pub cost_fen: u32,
}

/// What a campaign asks of people besides that a friend follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// To put something into their moments (朋友圈).
    ShareToMoments,
    /// To send it to groups.
    ShareToGroups,
    /// To like, or to collect likes.
    Like,
    /// To pay.
    Pay,
    /// To tell who they are.
    PersonalData,
}

/// `[texts]`: what is left out is said in built-in words.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// To whoever asks for their poster.
    #[schemars(
        description = "要到海报时说的话：{{ title }}、{{ counted }} 已算数、{{ missing }} 还差、{{ reward }} 下一档奖励"
    )]
    pub joined: Option<Template>,
    /// Where there is no picture: to be passed on.
    #[schemars(description = "没有海报图时给客户转发的话，{{ code }} 邀请码必须有")]
    pub code: Option<Template>,
    /// To a friend who came by a code and counts.
    #[schemars(description = "好友扫码关注时的欢迎语：{{ title }}")]
    pub friend: Option<Template>,
    /// To somebody who came by a code and does not count.
    #[schemars(description = "扫码但不算邀请时说的话：{{ title }}、{{ reason }} 为什么")]
    pub not_counted: Option<Template>,
    /// News to the inviter.
    #[schemars(
        description = "告诉邀请人进展的话：{{ news }} 新进展（可能几行）、{{ counted }}、{{ missing }}、{{ reward }}"
    )]
    pub news: Option<Template>,
    /// How one's invites stand.
    #[schemars(description = "“我的邀请”：{{ list }} 每位好友一行、{{ counted }}、{{ missing }}、{{ reward }}")]
    pub mine: Option<Template>,
    /// Nobody came yet.
    #[schemars(description = "还没有人来时“我的邀请”说的话")]
    pub nobody: Option<Template>,
    /// Asked before it begins.
    #[schemars(description = "活动没开始时说的话：{{ title }}、{{ starts }}")]
    pub not_started: Option<Template>,
    /// Asked after it has ended.
    #[schemars(description = "活动结束后说的话：{{ title }}、{{ counted }}")]
    pub ended: Option<Template>,
}

fn channel() -> Channel {
    Channel::new(Channel::INVITE)
}

fn one() -> u8 {
    1
}

fn a_year() -> u16 {
    365
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BusinessDay, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fault = || serde::de::Error::custom(format!("「{text}」不是日期，要写成 \"2026-03-01\" 这样"));
    BusinessDay::parse(&text).ok_or_else(fault)
}

fn perhaps_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BusinessDay>, D::Error> {
    day(deserializer).map(Some)
}

/// Where a moment lies in a campaign's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before its first day.
    Before,
    /// It runs.
    Runs,
    /// After its last day.
    Over,
}

impl Campaign {
    /// Where a moment lies.
    pub fn phase(&self, at: UnixSecs) -> Phase {
        match at.business_day() {
            day if day < self.starts => Phase::Before,
            day if self.ends.is_some_and(|last| day > last) => Phase::Over,
            _ => Phase::Runs,
        }
    }

    /// The terms of a friend who comes now.
    pub fn terms(&self) -> Terms {
        let CampaignTerms { active_days, within_days, hold_days, goal, claw_back } = self.terms.clone();
        Terms { active_days, within_days, hold_days, goal, claw_back }
    }

    /// How many may count.
    pub fn caps(&self) -> Caps {
        Caps { per_day: self.caps.per_day, in_all: self.caps.in_all }
    }

    /// The stage that comes next for somebody of whom so many friends count.
    pub fn next_stage(&self, counted: u32) -> Option<&Stage> {
        self.stage.iter().find(|stage| stage.friends > counted)
    }
}
