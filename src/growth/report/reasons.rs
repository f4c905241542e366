//! Why an invite does not count, in words that the inviter, the friend and whoever reads a report can all read.

use crate::domain::referral::refusal::Refusal;

/// A reason in both languages: of no one side, and without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonWords {
    /// In Chinese.
    pub chinese: &'static str,
    /// In English.
    pub english: &'static str,
}

/// The words of a reason.
pub fn reason_words(reason: Refusal) -> ReasonWords {
    let (chinese, english) = match reason {
        Refusal::NotNew => {
            ("朋友以前关注过，再回来不算新朋友", "the friend has followed before; who comes back is not new")
        }
        Refusal::OwnCode => ("用的是自己的邀请码", "it was their own code"),
        Refusal::Mutual => ("邀请人自己就是这位朋友邀请来的", "the inviter had come by this friend's code"),
        Refusal::Staff => ("邀请人是工作人员，不参加活动", "the inviter works here and takes no part"),
        Refusal::Blocked => ("邀请人或朋友已被停止参加活动", "one of the two was shut out of the campaign"),
        Refusal::NotStarted => ("朋友来的时候活动还没开始", "the campaign had not begun when the friend came"),
        Refusal::Ended => ("朋友来的时候活动已经结束", "the campaign was over when the friend came"),
        Refusal::NoCampaign => ("邀请码所属的活动已经没有了", "there is no such campaign any more"),
        Refusal::NotEarlier => ("邀请人关注得不比这位朋友早", "the inviter did not follow before the friend"),
        Refusal::TooLate => ("关注超过一天才填邀请码", "the code was written more than a day after the follow"),
    };
    ReasonWords { chinese, english }
}

/// The reason of that name, if there is one.
pub(super) fn named(name: &str) -> Option<Refusal> {
    Refusal::ALL.into_iter().find(|reason| reason.as_str() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own_in_both_languages() {
        let words = Refusal::ALL.map(reason_words);
        let chinese: BTreeSet<_> = words.map(|words| words.chinese).into();
        let english: BTreeSet<_> = words.map(|words| words.english).into();
        assert_eq!((chinese.len(), english.len()), (Refusal::ALL.len(), Refusal::ALL.len()));
        assert!(chinese.iter().all(|words| !words.is_ascii()) && english.iter().all(|words| words.is_ascii()));
        assert!(Refusal::ALL.into_iter().all(|reason| named(reason.as_str()) == Some(reason)));
        assert_eq!(named(""), None);
    }
}
