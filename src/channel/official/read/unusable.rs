//! What is verified and yet cannot be used: answered `success`, kept aside with its reason, and counted.

/// A verified delivery that cannot be used.
#[derive(Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Why.
    pub reason: Reason,
    /// The clear text as it came, for whoever looks into it. It may hold what a customer wrote: never log it.
    pub body: Vec<u8>,
}

/// Why a delivery cannot be used. Closed, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Not UTF-8, or declared to be something else.
    Encoding,
    /// A character XML does not allow, raw or as a reference.
    Character,
    /// A DOCTYPE: never read, whatever it says.
    Doctype,
    /// An entity beyond the five.
    Entity,
    /// A comment or a processing instruction; the platform sends none.
    Comment,
    /// An attribute; the platform sends none.
    Attribute,
    /// Nested too deep, too many elements, or a name too long.
    TooLarge,
    /// An envelope field twice: somebody may be trying to override it.
    Repeated,
    /// Not well-formed, not one root named `xml`, or not JSON.
    Malformed,
    /// A field every delivery has is missing.
    MissingField,
    /// A sender that cannot be an OpenID.
    Sender,
    /// A `CreateTime` that is no time.
    Time,
    /// A `MsgId` that is no positive 64-bit number.
    MessageId,
    /// In clear and for another account; nothing else in it says whose it is.
    OtherAccount,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Encoding,
        Self::Character,
        Self::Doctype,
        Self::Entity,
        Self::Comment,
        Self::Attribute,
        Self::TooLarge,
        Self::Repeated,
        Self::Malformed,
        Self::MissingField,
        Self::Sender,
        Self::Time,
        Self::MessageId,
        Self::OtherAccount,
    ];

    /// The label for metrics.
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// For an operator who asks why.
    pub fn explained(self) -> &'static str {
        self.words().1
    }

    /// The reason with this label.
    pub fn labelled(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == label)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Encoding => ("encoding", "不是 UTF-8 文字。平台只发 UTF-8，多半不是平台写的内容"),
            Self::Character => ("character", "含有 XML 不允许的字符"),
            Self::Doctype => ("doctype", "带有 DOCTYPE，一律不读：这是攻击解析器的老办法，平台从不发送"),
            Self::Entity => ("entity", "引用了没有定义的实体，平台从不发送"),
            Self::Comment => ("comment", "带有注释或处理指令，平台从不发送"),
            Self::Attribute => ("attribute", "元素带有属性，平台从不发送"),
            Self::TooLarge => ("too_large", "嵌套太深、元素太多，或名字太长"),
            Self::Repeated => ("repeated", "同一个字段出现两次：可能有人在消息里夹带了字段"),
            Self::Malformed => ("malformed", "内容不完整，或根元素不是 xml"),
            Self::MissingField => ("missing_field", "缺少每条推送都有的字段"),
            Self::Sender => ("sender", "发送者不可能是一个 OpenID"),
            Self::Time => ("time", "CreateTime 不是一个时间"),
            Self::MessageId => ("message_id", "MsgId 不是一个正整数"),
            Self::OtherAccount => {
                ("other_account", "是发给另一个账号的；请核对设置里的 original_id 和平台上填写的网址")
            }
        }
    }
}

impl std::fmt::Debug for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unusable").field("reason", &self.reason).field("bytes", &self.body.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_label_and_explained() {
        for reason in Reason::ALL {
            assert_eq!(Reason::labelled(reason.as_str()), Some(reason));
            assert!(reason.explained().chars().count() > 5, "{reason:?}");
        }
        assert_eq!(Reason::labelled("weather"), None);
    }
}
