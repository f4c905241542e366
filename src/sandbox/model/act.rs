//! What a customer does, and the message the platform makes of it (platform.md part 2).

use std::fmt::Write;

use super::code::Code;
use super::window::Trigger;

/// One act of a customer, or of the platform about a customer.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Follows, perhaps through a code.
    Follow(Option<Code>),
    /// Leaves.
    Unfollow,
    /// Words; `menu_id` when they came from a tap on a `msgmenu` entry or link.
    Text {
        /// As typed.
        content: String,
        /// The id of the tapped entry.
        menu_id: Option<String>,
    },
    /// A picture.
    Image,
    /// A voice message with its words, when speech recognition is on.
    Voice {
        /// The words, possibly empty.
        words: String,
    },
    /// A video.
    Video,
    /// A place.
    Location(Place),
    /// A shared article.
    Link {
        /// Its title.
        title: String,
        /// Its address.
        url: String,
    },
    /// A sticker, which arrives as a fixed text.
    Sticker,
    /// A tap on a click button.
    Click {
        /// The button's key.
        key: String,
    },
    /// A tap on a view button.
    View {
        /// Where it leads.
        url: String,
        /// The platform's id of the menu.
        menu_id: u64,
    },
    /// A tap on a mini-program button.
    ViewMiniProgram {
        /// The page.
        page: String,
        /// The platform's id of the menu.
        menu_id: u64,
    },
    /// A tap on a scan button, and what was scanned.
    ScanButton {
        /// `scancode_push` or `scancode_waitmsg`.
        event: String,
        /// The button's key.
        key: String,
    },
    /// A follower scans one of the account's codes.
    Scan(Code),
    /// Answers the question whether a notice may be sent.
    Consent {
        /// The notice's template.
        template: String,
        /// `accept` or `reject`.
        answer: &'static str,
    },
    /// A person took the chat over.
    AgentJoined {
        /// The agent's account.
        agent: String,
    },
    /// The person gave the chat back.
    AgentLeft {
        /// The agent's account.
        agent: String,
    },
}

/// A place.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Address in words.
    pub label: String,
}

/// What stands around the act.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The account's `gh_…` id.
    pub to: &'a str,
    /// The customer's openid.
    pub from: &'a str,
    /// When, in Unix seconds.
    pub at: i64,
    /// A fresh id; only messages carry it.
    pub msg_id: u64,
    /// Where pictures of the sandbox are.
    pub origin: &'a str,
}

/// What arrives for something no account can receive (platform.md 2.1).
const UNSUPPORTED: &str = "【收到不支持的消息类型，暂无法显示】";

impl Act {
    /// What kind of window it opens (platform.md 4.9).
    pub fn opens(&self) -> Option<Trigger> {
        match self {
            Self::Text { menu_id: Some(_), .. }
            | Self::Click { .. }
            | Self::ScanButton { .. }
            | Self::Follow(_)
            | Self::Scan(_) => Some(Trigger::Tap),
            _ if self.is_message() => Some(Trigger::Message),
            _ => None,
        }
    }

    /// Whether it is a message, which carries a `MsgId` and takes one article only.
    pub fn is_message(&self) -> bool {
        matches!(
            self,
            Self::Text { .. }
                | Self::Image
                | Self::Voice { .. }
                | Self::Video
                | Self::Location(_)
                | Self::Link { .. }
                | Self::Sticker
        )
    }

    /// Whether an answer, or a failure to answer, is shown in the chat (platform.md 1.5, 2.3).
    pub fn shows_answer(&self) -> bool {
        self.is_message()
            || matches!(self, Self::Follow(_) | Self::Click { .. } | Self::ScanButton { .. } | Self::Scan(_))
    }

    /// The message in clear.
    pub fn xml(&self, envelope: &Envelope<'_>) -> String {
        let mut xml = Xml::new(envelope);
        let id = envelope.msg_id;
        match self {
            Self::Follow(None) => xml.event("subscribe").cdata("EventKey", ""),
            Self::Follow(Some(code)) => xml
                .event("subscribe")
                .cdata("EventKey", &format!("qrscene_{}", code.scene))
                .cdata("Ticket", &code.ticket),
            Self::Unfollow => xml.event("unsubscribe").cdata("EventKey", ""),
            Self::Scan(code) => {
                xml.event("SCAN").cdata("EventKey", code.scene.as_str()).cdata("Ticket", &code.ticket)
            }
            Self::Click { key } => xml.event("CLICK").cdata("EventKey", key),
            Self::View { url, menu_id } => xml.event("VIEW").cdata("EventKey", url).plain("MenuId", menu_id),
            Self::ViewMiniProgram { page, menu_id } => {
                xml.event("view_miniprogram").cdata("EventKey", page).plain("MenuId", menu_id)
            }
            Self::ScanButton { event, key } => xml.event(event).cdata("EventKey", key).raw(
                "<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[1]]></ScanResult></ScanCodeInfo>",
            ),
            Self::Consent { template, answer } => xml
                .event("subscribe_msg_popup_event")
                .raw("<SubscribeMsgPopupEvent><List>")
                .cdata("TemplateId", template)
                .cdata("SubscribeStatusString", answer)
                .plain("PopupScene", &1)
                .raw("</List></SubscribeMsgPopupEvent>"),
            Self::AgentJoined { agent } => xml.event("kf_create_session").cdata("KfAccount", agent),
            Self::AgentLeft { agent } => xml.event("kf_close_session").cdata("KfAccount", agent),
            Self::Text { content, menu_id } => {
                xml.message("text").cdata("Content", content).plain("MsgId", &id);
                if let Some(menu_id) = menu_id {
                    xml.plain("bizmsgmenuid", menu_id);
                }
                &mut xml
            }
            Self::Sticker => xml.message("text").cdata("Content", UNSUPPORTED).plain("MsgId", &id),
            Self::Image => xml
                .message("image")
                .cdata("PicUrl", &format!("{}/sandbox/pictures/photo.svg", envelope.origin))
                .plain("MsgId", &id)
                .cdata("MediaId", &media_id("image", id)),
            Self::Voice { words } => xml
                .message("voice")
                .cdata("MediaId", &media_id("voice", id))
                .cdata("Format", "amr")
                .plain("MsgId", &id)
                .cdata("MediaId16K", &media_id("voice16k", id))
                .cdata("Recognition", words),
            Self::Video => xml
                .message("video")
                .cdata("MediaId", &media_id("video", id))
                .cdata("ThumbMediaId", &media_id("thumb", id))
                .plain("MsgId", &id),
            Self::Location(place) => xml
                .message("location")
                .plain("Location_X", &place.latitude)
                .plain("Location_Y", &place.longitude)
                .plain("Scale", &15)
                .cdata("Label", &place.label)
                .plain("MsgId", &id),
            Self::Link { title, url } => {
                xml.message("link").cdata("Title", title).cdata("Description", "").cdata("Url", url).plain("MsgId", &id)
            }
        };
        xml.finish()
    }
}

/// The media id of something sent under `msg_id`.
pub fn media_id(kind: &str, msg_id: u64) -> String {
    format!("sandbox_{kind}_{msg_id}")
}

/// A message as it is written.
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn new(envelope: &Envelope<'_>) -> Self {
        let mut xml = Self(String::from("<xml>"));
        xml.cdata("ToUserName", envelope.to).cdata("FromUserName", envelope.from).plain("CreateTime", &envelope.at);
        xml
    }

    pub(super) fn message(&mut self, kind: &str) -> &mut Self {
        self.cdata("MsgType", kind)
    }

    pub(super) fn event(&mut self, name: &str) -> &mut Self {
        self.cdata("MsgType", "event").cdata("Event", name)
    }

    /// The platform does not split `]]>` in what a customer wrote (platform.md 9.26), so neither does its model.
    pub(super) fn cdata(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw(&format!("<{name}><![CDATA[{value}]]></{name}>"))
    }

    pub(super) fn plain(&mut self, name: &str, value: &dyn std::fmt::Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "<{name}>{value}</{name}>");
        self
    }

    pub(super) fn raw(&mut self, xml: &str) -> &mut Self {
        self.0.push_str(xml);
        self
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</xml>");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Scene;

    const ENVELOPE: Envelope<'static> =
        Envelope { to: "gh_1", from: "o1", at: 1_735_689_600, msg_id: 24, origin: "http://h" };
    const HEAD: &str = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
                        <CreateTime>1735689600</CreateTime>";

    fn code() -> Code {
        Code {
            ticket: "gQ==".into(),
            scene: Scene::from("ref:7f3a"),
            url: String::new(),
            created_at: 0,
            expires_at: None,
            label: String::new(),
        }
    }

    fn tail(act: &Act) -> String {
        act.xml(&ENVELOPE).strip_prefix(HEAD).unwrap().to_owned()
    }

    #[test]
    fn a_follow_through_a_code_carries_the_prefix_and_a_scan_does_not() {
        let event = |name: &str, key: &str| {
            format!(
                "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event><EventKey><![CDATA[{key}]]></EventKey><Ticket><![CDATA[gQ==]]></Ticket></xml>"
            )
        };
        assert_eq!(tail(&Act::Follow(Some(code()))), event("subscribe", "qrscene_ref:7f3a"));
        assert_eq!(tail(&Act::Scan(code())), event("SCAN", "ref:7f3a"));
    }

    #[test]
    fn messages_carry_an_id_and_events_do_not() {
        let text = Act::Text { content: "查<流量]]>".into(), menu_id: Some("101".into()) };
        assert_eq!(
            tail(&text),
            "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[查<流量]]>]]></Content><MsgId>24</MsgId><bizmsgmenuid>101</bizmsgmenuid></xml>"
        );
        let place = Place { latitude: 32.05, longitude: 118.78, label: String::new() };
        for act in [Act::Image, Act::Voice { words: String::new() }, Act::Video, Act::Location(place), Act::Sticker] {
            assert!(act.is_message() && tail(&act).contains("<MsgId>24</MsgId>"));
        }
        for act in [Act::Unfollow, Act::Click { key: "k".into() }, Act::AgentLeft { agent: "a@b".into() }] {
            assert!(!act.is_message() && !tail(&act).contains("MsgId"));
        }
    }

    #[test]
    fn windows_open_as_the_platform_says() {
        assert_eq!(Act::Text { content: "a".into(), menu_id: None }.opens(), Some(Trigger::Message));
        assert_eq!(Act::Text { content: "a".into(), menu_id: Some("1".into()) }.opens(), Some(Trigger::Tap));
        assert_eq!(Act::Click { key: "k".into() }.opens(), Some(Trigger::Tap));
        assert_eq!(Act::Follow(None).opens(), Some(Trigger::Tap));
        assert_eq!(Act::View { url: "u".into(), menu_id: 1 }.opens(), None);
        assert_eq!(Act::Unfollow.opens(), None);
    }
}
