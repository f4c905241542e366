//! Why a question has no answer that can be used: for the operator, with what to do about it. Never a part of the answer
//! itself, which may be about a person.

use std::net::IpAddr;

use super::carry::{MAX_BODY_BYTES, Unreadable};
use super::request::Unaskable;
use crate::domain::connector::Unfit;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// It was not put.
    #[error("没有问出去：{0}")]
    Unasked(#[from] Unaskable),
    /// Nobody is at the address.
    #[error("连不上业务系统")]
    Unreached,
    /// The address is not one where a business system may be.
    #[error("地址 {0} 不是公网地址，也没有被允许")]
    Forbidden(IpAddr),
    /// The connection broke.
    #[error("连接中途断开")]
    Lost,
    /// It took too long.
    #[error("超时，没有回答")]
    Late,
    /// A status that is neither an answer nor a refusal.
    #[error("回答是 HTTP {0}")]
    Status(u16),
    /// It sends elsewhere.
    #[error("回答是跳转（HTTP {0}），不会跟着跳转")]
    Redirect(u16),
    /// The body is none that can be read.
    #[error("回答读不了：{0}")]
    Unreadable(#[from] Unreadable),
    /// The body is not what the connector says.
    #[error("回答对不上：{0}")]
    Unfit(#[from] Unfit),
    /// It is under way, says the answer.
    #[error("业务系统说还在处理，过一会儿再问")]
    Pending,
}

impl Cause {
    /// What to do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Unasked(unaskable) => unaskable.mend(),
            Self::Unreached => "检查 base_url、网络和业务系统是否在运行".to_owned(),
            Self::Forbidden(address) => {
                format!("确实是您的业务系统，就在 connectors.toml 最前面写 allow_addresses = [\"{address}\"]")
            }
            Self::Lost => "看看业务系统和中间网关的日志".to_owned(),
            Self::Late => "看看业务系统为什么慢；确实要这么久，调大 timeout_ms 或 late_timeout_ms".to_owned(),
            Self::Status(401 | 403) => "检查 headers 里的密钥和业务系统给的权限".to_owned(),
            Self::Status(404) => "检查 path".to_owned(),
            Self::Status(_) => "看看业务系统的日志；拒绝要用 refusal.at 处的代码表示".to_owned(),
            Self::Redirect(_) => "base_url 和 path 直接写最后的地址".to_owned(),
            Self::Unreadable(unreadable) => unreadable.mend().to_owned(),
            Self::Unfit(unfit) => unfit.mend(),
            Self::Pending => "等一等再试；一直这样，就请业务系统查这一笔".to_owned(),
        }
    }

    /// Its label in metrics: one of a few.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Unasked(_) => "unasked",
            Self::Unreached => "unreached",
            Self::Forbidden(_) => "forbidden",
            Self::Lost => "lost",
            Self::Late => "late",
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::Unreadable(unreadable) => unreadable.name(),
            Self::Unfit(_) => "unfit",
            Self::Pending => "pending",
        }
    }
}

impl Unreadable {
    fn mend(self) -> &'static str {
        match self {
            Self::TooLong => "让业务系统只回答需要的部分，或者用 query 里的参数限制条数",
            Self::Html => "多半是登录页、网关的错误页或地址写错了：检查 base_url、path 和 headers",
            Self::Empty => "检查 path；业务系统要在回答里带 JSON",
            Self::Charset => "让业务系统用 UTF-8 回答",
            Self::TooDeep => "让业务系统少嵌套几层",
            Self::NotJson => "业务系统要回答 JSON；是 XML 或别的格式，需要在中间转一下",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Html => "html",
            Self::Empty => "empty",
            Self::Charset => "charset",
            Self::TooDeep => "too_deep",
            Self::NotJson => "not_json",
        }
    }
}

impl Unaskable {
    /// What to do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::NoConnector => "在 connectors.toml 里补上".to_owned(),
            Self::NoBase => "改 connectors.toml 的 base_url".to_owned(),
            Self::Template(_) => "path、query、body 里只能用动作提供的占位符和 {{ openid }}".to_owned(),
            Self::Path => "检查 path 里的 / 和占位符".to_owned(),
            Self::Sealed => "把原来的密钥写回 privacy.pseudonym_key".to_owned(),
            Self::Idempotency => "补上 idempotency_header = \"Idempotency-Key\"".to_owned(),
            Self::Secret(name) => format!("启动前设置环境变量 {name}"),
            Self::Header(name) => format!("检查 headers 里的 {name}：密钥里可能有换行或中文"),
        }
    }
}

impl Unreadable {
    /// So many KiB at the most.
    pub(super) const KIB: usize = MAX_BODY_BYTES / 1024;
}
