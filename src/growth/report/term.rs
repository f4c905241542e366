//! What the integers of a number count. A report has thousands of them and seldom shows one, so words are made only when
//! somebody reads them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::reasons::reason_words;
use crate::domain::ids::Channel;
use crate::domain::time::BusinessDay;
use crate::growth::counter::{CAP_DAYS, GAP_FAR, GAP_FIRST};
use crate::growth::referral;

/// One integer of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it counts; in words when it is displayed.
    pub what: What,
    /// How many; negative when it is taken away.
    pub count: i64,
}

impl Term {
    /// A term.
    pub fn new(what: impl Into<What>, count: i64) -> Self {
        Self { what: what.into(), count }
    }
}

/// What an integer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What these words say.
    Words(Cow<'static, str>),
    /// Customers who came by a channel. Thousands of terms name the same few.
    CameBy(Arc<str>),
    /// Customers of a day who had been away for a gap of the matrix (`Metric::Gap`).
    Away(i32),
    /// Customers whose first day in the period it is.
    FirstSeen(BusinessDay),
    /// Customers of a cohort whose latest active day is the n-th.
    LatestOn(i32),
    /// Customers of a cohort whose latest active day is after the n-th.
    LatestAfter(i32),
    /// Spells that ended on the n-th day.
    Ended(i32),
    /// Whatever is counted, on a day.
    On(BusinessDay),
    /// Those active on a day.
    Active(BusinessDay),
    /// Those who followed at the end of a day.
    AtEndOf(BusinessDay),
    /// Friends who came by personal codes of a campaign.
    Campaign(Arc<str>),
    /// Friends of whose invites this became; the days are of no matter.
    Invite(referral::Cell),
}

impl From<&'static str> for What {
    fn from(words: &'static str) -> Self {
        Self::Words(words.into())
    }
}

impl From<&Arc<str>> for What {
    fn from(channel: &Arc<str>) -> Self {
        Self::CameBy(channel.clone())
    }
}

impl From<BusinessDay> for What {
    fn from(day: BusinessDay) -> Self {
        Self::On(day)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::CameBy(channel) => match &**channel {
                "" => f.write_str("没有渠道码"),
                Channel::OTHER => f.write_str("其他渠道码"),
                channel => write!(f, "渠道 {channel}"),
            },
            Self::Away(GAP_FIRST) => f.write_str("第一次活跃"),
            Self::Away(GAP_FAR) => write!(f, "上次活跃在 {CAP_DAYS} 天以前"),
            Self::Away(1) => f.write_str("前一天也活跃"),
            Self::Away(gap) => write!(f, "上次活跃在 {gap} 天前"),
            Self::FirstSeen(day) => write!(f, "{day} 首次出现"),
            Self::LatestOn(0) => f.write_str("最近一次活跃：首次那天"),
            Self::LatestOn(n) => write!(f, "最近一次活跃：第 {n} 天"),
            Self::LatestAfter(n) => write!(f, "最近一次活跃：第 {n} 天以后"),
            Self::Ended(0) => f.write_str("当天取消"),
            Self::Ended(n) => write!(f, "第 {n} 天取消"),
            Self::On(day) => write!(f, "{day}"),
            Self::Active(day) => write!(f, "{day} 活跃"),
            Self::AtEndOf(day) => write!(f, "{day} 结束时"),
            Self::Campaign(campaign) => write!(f, "活动 {campaign}"),
            Self::Invite(referral::Cell::Attributed(funnel)) => f.write_str(match (funnel.qualified, funnel.left) {
                (true, false) => "达标，没有离开",
                (true, true) => "达标，离开了",
                (false, false) => "没有达标，没有离开",
                (false, true) => "没有达标，离开了",
            }),
            Self::Invite(referral::Cell::Refused(reason)) => f.write_str(reason_words(*reason).chinese),
            Self::Invite(referral::Cell::Again(reason)) => write!(f, "老朋友：{}", reason_words(*reason).chinese),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::referral::refusal::Refusal;
    use crate::growth::referral::Funnel;

    #[test]
    fn every_kind_reads_as_a_sentence_of_its_own() {
        let day = BusinessDay(20_458);
        let invite = |qualified, left| {
            What::Invite(referral::Cell::Attributed(Funnel { qualified, left, within_days: 0, hold_days: 0 }))
        };
        let all = [
            What::CameBy("".into()),
            What::CameBy(Channel::OTHER.into()),
            What::CameBy("hall".into()),
            What::Away(GAP_FIRST),
            What::Away(GAP_FAR),
            What::Away(1),
            What::Away(2),
            What::FirstSeen(day),
            What::LatestOn(0),
            What::LatestOn(3),
            What::LatestAfter(30),
            What::Ended(0),
            What::Ended(3),
            day.into(),
            What::Active(day),
            What::AtEndOf(day),
            "当天关注".into(),
            What::Campaign("spring".into()),
            invite(true, false),
            invite(true, true),
            invite(false, false),
            invite(false, true),
            What::Invite(referral::Cell::Refused(Refusal::NotNew)),
            What::Invite(referral::Cell::Again(Refusal::NotNew)),
        ];
        let words: std::collections::BTreeSet<String> = all.iter().map(What::to_string).collect();
        assert_eq!(words.len(), all.len());
        assert!(words.contains("渠道 hall") && words.contains("2026-01-05 结束时"), "{words:?}");
    }
}
