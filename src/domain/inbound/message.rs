//! Messages a customer sends (platform.md 2.2).

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Words.
    Text {
        /// As typed.
        content: String,
        /// The id of the tapped `msgmenu` entry or link, when the words came from one. Such a tap counts as a menu
        /// tap, not as a message, for the interaction window (platform.md 4.9).
        menu_id: Option<String>,
    },
    /// Something the platform cannot carry (a sticker, a red packet): it arrives as a fixed text that must not be
    /// taken for the customer's words (platform.md 2.1).
    Unsupported,
    /// A picture.
    Image {
        /// Where the picture is, for a while.
        url: String,
        /// Temporary media id, three days.
        media_id: String,
    },
    /// A voice message.
    Voice {
        /// Temporary media id.
        media_id: String,
        /// `amr` or `speex`.
        format: String,
        /// The 16 kHz variant.
        media_id_16k: Option<String>,
        /// The words, when the account has speech recognition on.
        recognition: Option<String>,
    },
    /// A video.
    Video {
        /// Temporary media id.
        media_id: String,
        /// Temporary media id of the cover.
        thumb_media_id: String,
    },
    /// A video taken inside the chat.
    ShortVideo {
        /// Temporary media id.
        media_id: String,
        /// Temporary media id of the cover.
        thumb_media_id: String,
    },
    /// A place.
    Location {
        /// Degrees north; `None` when the platform sent something that is no number.
        latitude: Option<f64>,
        /// Degrees east.
        longitude: Option<f64>,
        /// Zoom of the map.
        scale: Option<i64>,
        /// Address in words.
        label: String,
    },
    /// A shared article.
    Link {
        /// Its title.
        title: String,
        /// Its description.
        description: String,
        /// Its address.
        url: String,
    },
    /// A file.
    File {
        /// Its name.
        title: String,
        /// Its description.
        description: String,
        /// The platform's key of it.
        file_key: String,
        /// MD5 of it.
        md5: String,
        /// Its length in bytes.
        size_bytes: Option<u64>,
    },
    /// A mini-program card.
    MiniProgramPage {
        /// Its title.
        title: String,
        /// AppID of the mini program.
        app_id: String,
        /// The page.
        page_path: String,
    },
    /// Something a bound device sent (`device_…`, `hardware`, platform.md 2.1); not an act of the customer.
    Device {
        /// `MsgType` as it came.
        kind: String,
    },
    /// A type we do not know.
    Unknown {
        /// `MsgType` as it came.
        kind: String,
    },
}
