//! What the account says: channel-free, the same value for a passive reply and a customer-service message.

use serde::{Deserialize, Serialize};

/// One answer (platform.md part 3). Limits are the channel's to enforce; the playbook's check warns of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing is said; the delivery is acknowledged.
    #[default]
    Silent,
    /// Words, with the markup of platform.md 3.1.
    Text(String),
    /// A picture.
    Image {
        /// Temporary or permanent media id.
        media_id: String,
    },
    /// A voice message.
    Voice {
        /// Temporary or permanent media id.
        media_id: String,
    },
    /// A video.
    Video {
        /// Temporary or permanent media id.
        media_id: String,
        /// Its title, possibly empty.
        title: String,
        /// Its description, possibly empty.
        description: String,
    },
    /// A piece of music.
    Music {
        /// Its title, possibly empty.
        title: String,
        /// Its description, possibly empty.
        description: String,
        /// Where it is.
        url: String,
        /// Where it is in better quality, for Wi-Fi.
        hq_url: String,
        /// Media id of the cover, required by the platform.
        thumb_media_id: String,
    },
    /// Articles.
    Articles(Vec<Article>),
    /// The chat is handed to a person; the customer sees nothing of it.
    HandOver {
        /// One agent by name; if that one is away the platform asks no other, so usually `None`.
        agent: Option<String>,
    },
}

/// One article (图文).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Address of its picture.
    pub picture_url: String,
    /// Where a tap leads.
    pub url: String,
}

impl Reply {
    /// Whether nothing would be said.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Silent)
    }
}
