//! Messages (platform.md 2.2).

use crate::channel::official::tree::Node;
use crate::domain::inbound::Message;

/// How the platform words what it cannot carry, whatever brackets and punctuation it uses around it.
const UNSUPPORTED: &str = "收到不支持的消息类型";

/// Reads a message; `kind` is its `MsgType` in lower case.
pub(super) fn read(root: Node<'_>, kind: &str) -> Message {
    match kind {
        "text" => text(root),
        "image" => Message::Image { url: root.text("PicUrl"), media_id: root.text("MediaId") },
        "voice" => Message::Voice {
            media_id: root.text("MediaId"),
            format: root.text("Format"),
            media_id_16k: root.some_text("MediaId16K"),
            recognition: root.some_text("Recognition"),
        },
        "video" => Message::Video { media_id: root.text("MediaId"), thumb_media_id: root.text("ThumbMediaId") },
        "shortvideo" => {
            Message::ShortVideo { media_id: root.text("MediaId"), thumb_media_id: root.text("ThumbMediaId") }
        }
        "location" => Message::Location {
            latitude: root.decimal("Location_X"),
            longitude: root.decimal("Location_Y"),
            scale: root.number("Scale"),
            label: root.text("Label"),
        },
        "link" => {
            Message::Link { title: root.text("Title"), description: root.text("Description"), url: root.text("Url") }
        }
        "file" => Message::File {
            title: root.text("Title"),
            description: root.text("Description"),
            file_key: root.text("FileKey"),
            md5: root.text("FileMd5"),
            size_bytes: root.number("FileTotalLen"),
        },
        "miniprogrampage" => Message::MiniProgramPage {
            title: root.text("Title"),
            app_id: root.text("AppId"),
            page_path: root.text("PagePath"),
        },
        _ if kind == "hardware" || kind.starts_with("device_") => Message::Device { kind: root.text("MsgType") },
        _ => Message::Unknown { kind: root.text("MsgType") },
    }
}

fn text(root: Node<'_>) -> Message {
    let content = root.get("Content");
    if is_unsupported(content) {
        return Message::Unsupported;
    }
    Message::Text { content: content.to_owned(), menu_id: root.some_text("bizmsgmenuid") }
}

fn is_unsupported(content: &str) -> bool {
    let inner = content.trim().strip_prefix(['【', '[']).and_then(|rest| rest.strip_suffix(['】', ']']));
    inner.is_some_and(|inner| inner.starts_with(UNSUPPORTED))
}
