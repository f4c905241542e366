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
    /// The label for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Character => "character",
            Self::Doctype => "doctype",
            Self::Entity => "entity",
            Self::Comment => "comment",
            Self::Attribute => "attribute",
            Self::TooLarge => "too_large",
            Self::Repeated => "repeated",
            Self::Malformed => "malformed",
            Self::MissingField => "missing_field",
            Self::Sender => "sender",
            Self::Time => "time",
            Self::MessageId => "message_id",
            Self::OtherAccount => "other_account",
        }
    }
}

impl std::fmt::Debug for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unusable").field("reason", &self.reason).field("bytes", &self.body.len()).finish()
    }
}
