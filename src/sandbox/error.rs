//! What can go wrong in the sandbox itself.

use std::path::PathBuf;

use super::model::ApiFault;

/// A fault of the sandbox or of what was asked of it; the words are for the person at the phone.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Unknown openid.
    #[error("没有这位客户")]
    NoSuchCustomer,
    /// Only a follower can do that.
    #[error("还没有关注，先点“关注公众号”")]
    DoesNotFollow,
    /// A second follow.
    #[error("已经关注了")]
    AlreadyFollows,
    /// No button of the menu in force leads there.
    #[error("菜单里没有这个按钮：{0}")]
    NoSuchButton(String),
    /// A button the demo phone cannot act on.
    #[error("演示手机不支持这种按钮")]
    ButtonOnlyOnRealPhone,
    /// No such ticket or scene.
    #[error("没有这个二维码")]
    NoSuchCode,
    /// A picture without a code, or with one that cannot be read.
    #[error("没有认出二维码")]
    NoCodeSeen,
    /// A temporary code after its end.
    #[error("二维码已过期")]
    CodeExpired,
    /// Empty or far too long words.
    #[error("消息要有 1 到 2000 个字")]
    BadWords,
    /// Empty or far too long nickname.
    #[error("昵称要有 1 到 20 个字")]
    BadNickname,
    /// The phone page holds only so many customers.
    #[error("演示手机最多 {0} 位客户")]
    TooManyCustomers(usize),
    /// The chat was not handed over.
    #[error("这个会话没有转给人工")]
    NotHandedOver,
    /// Time moves forward only, and not by more than a year at once.
    #[error("时间只能往前走，一次最多 366 天")]
    BadStep,
    /// A switch, a circumstance or a field that is none.
    #[error("看不懂这个设置：{0}")]
    BadSwitch(String),
    /// What the platform itself refuses.
    #[error("平台拒绝：{errcode} {errmsg}")]
    Refused {
        /// Its number.
        errcode: i32,
        /// Its words.
        errmsg: String,
    },
    /// The same population twice would follow twice.
    #[error("the population of seed {0} lives here already; take another seed or another data_dir")]
    AlreadyPopulated(u64),
    /// The saved state cannot be read.
    #[error("cannot read the sandbox's state in {path}: {cause}; mend it or delete it to start afresh")]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The state cannot be written.
    #[error("cannot write the sandbox's state to {path}: {cause}")]
    Unwritable {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The account's keys cannot be used.
    #[error("the account's settings cannot be used: {0}")]
    BadAccount(String),
    /// No HTTP client.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl From<ApiFault> for SandboxError {
    fn from(fault: ApiFault) -> Self {
        Self::Refused { errcode: fault.errcode, errmsg: fault.errmsg.into_owned() }
    }
}
