//! Identifiers, each its own type, so that one can never be handed in where another is meant.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// An account as the settings name it (`accounts.ID`): `demo`.
    AccountId
}
text_id! {
    /// A customer of one account (platform.md 2.1). Opaque, at most 128 characters; never printed in a log.
    Openid
}
text_id! {
    /// An action of the playbook, and so also the key of a menu button.
    ActionKey
}
text_id! {
    /// A connector of the playbook: one question to the operator's business system.
    ConnectorKey
}
text_id! {
    /// The value carried by a parametric QR code, without the `qrscene_` prefix (platform.md 2.3).
    Scene
}
text_id! {
    /// How a customer first came: a channel of the playbook (`channels.toml`), [`Channel::OTHER`] for a code that none of
    /// them names, empty without a code. Fixed for good by the first follow (growth.md 1.8).
    Channel
}

impl Channel {
    /// A code that no channel of the playbook names.
    pub const OTHER: &'static str = "other";
    /// The personal codes of customers, where a campaign names no channel of its own.
    pub const INVITE: &'static str = "invite";
}

text_id! {
    /// Outgoing work, named by what it is about, so that the same work committed twice is one work.
    WorkId
}
text_id! {
    /// An order, numbered by the fact that made it, so that the same order placed again is one order
    /// (reliability.md 2.1): 6 to 32 digits and letters.
    OrderNumber
}
text_id! {
    /// A template of the platform, for template messages or subscription notices (platform.md 4.10, 4.11).
    TemplateId
}
text_id! {
    /// A notice of the playbook (`notices.toml`): what can carry the outcome of an order when no window is open.
    NoticeKey
}
text_id! {
    /// A pool of the playbook: goods that there are only so many of.
    PoolKey
}
text_id! {
    /// The playbook a fact was made under: the first 12 hex digits of a hash over its files.
    PlaybookVersion
}

/// One delivery of one customer, the same for every retry of it (platform.md 1.5, 9.3, 9.4).
///
/// Only ever compared within one customer's record, so 64 bits are plenty. It is made from the customer too: numbers
/// that the business system tells orders apart by are made from it (`actions::numbering`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupeKey(pub u64);
