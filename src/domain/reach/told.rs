//! Reach in words, for an operator.

use std::fmt;

use super::{Cause, Hindrance, Reach};
use crate::domain::time::UnixSecs;

/// A path in words, Chinese and English; `at` writes moments.
pub struct Told<'a, F: Fn(UnixSecs) -> String> {
    /// What is told.
    pub reach: &'a Reach,
    /// How a moment is written.
    pub at: F,
}

impl<F: Fn(UnixSecs) -> String> fmt::Display for Told<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match self.reach {
            Reach::Reply { until } => {
                write!(f, "当场回复，{} 前。as the reply that is waited for, before {}", at(*until), at(*until))
            }
            Reach::CustomerService { left, until } => write!(
                f,
                "客服消息，还能发 {left} 条，{} 前。a customer-service message: {left} left, before {}",
                at(*until),
                at(*until)
            ),
            Reach::Subscription { template, left: Some(left) } => write!(
                f,
                "订阅通知 {template}，客户同意过，还剩 {left} 次。the subscription notice {template}: {left} consents left"
            ),
            Reach::Subscription { template, left: None } => {
                write!(f, "长期订阅通知 {template}。the subscription notice {template}, which stands")
            }
            Reach::Template { template } => write!(f, "模板消息 {template}。the template message {template}"),
            Reach::NextVisit { until, because } => write!(
                f,
                "等客户下次来再说，{} 前有效：{}。with the next message of the customer, before {}: {}",
                at(*until),
                because.chinese(),
                at(*until),
                because.english()
            ),
            Reach::Nowhere { because } => write!(f, "发不了：{}。not at all: {}", because.chinese(), because.english()),
        }
    }
}

impl Hindrance {
    /// Why, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Away => "客户没有关注（43004）",
            Self::NoWindow => "互动窗口没有开，客户要先发消息或点菜单（45015）",
            Self::UsedUp => "这次互动能发的条数用完了（45047）",
            Self::WithPerson => "人工客服正在接待",
            Self::Blocked => "客户关闭了消息接收（48002）",
            Self::Blacklisted => "客户在黑名单里（43019）",
            Self::Expired => "已经过了有用的时间",
            Self::NoRight => "公众号没有这个接口的权限（48001）",
            Self::Unsayable => "没有内容，或者只能当场回复",
            Self::Crowded => "等这位客户的消息已经太多，存不下了",
        }
    }

    /// Why, in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::Away => "the customer does not follow (43004)",
            Self::NoWindow => "no window is open; the customer has to write or tap first (45015)",
            Self::UsedUp => "the open window carries no more messages (45047)",
            Self::WithPerson => "a person has the chat",
            Self::Blocked => "the customer switched off receiving messages (48002)",
            Self::Blacklisted => "the customer is on the blacklist (43019)",
            Self::Expired => "it is of no use any more",
            Self::NoRight => "the account has no right to the interface (48001)",
            Self::Unsayable => "there are no words, or it can only be a direct reply",
            Self::Crowded => "so many messages wait for the customer that no more are kept",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hindered(because) => write!(f, "{}。{}", because.chinese(), because.english()),
            Self::InVain => f.write_str(
                "一直没有发成，直到过了有用的时间。it was tried in vain until it was of no use any more",
            ),
            Self::Refused { code } => write!(f, "微信平台拒绝了（{code}）。the platform refused it ({code})"),
            Self::Unknown => f.write_str(
                "微信平台没有回应，客户可能已经收到，所以没有重发。the platform's answer was lost: it may have arrived, \
                 so it was not sent again",
            ),
        }
    }
}
