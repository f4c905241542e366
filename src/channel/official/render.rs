//! Replies as XML, within the platform's limits (platform.md part 3).

use std::borrow::Cow;
use std::fmt::Write;

use super::open::ReplyTo;
use super::text::{cut_around_links, has_control, has_noncharacter, is_allowed, without_controls};
use crate::domain::recent::Earned;
use crate::domain::reply::{Article, Reply};

/// Words of a text reply, in bytes of UTF-8: what the platform shows in practice.
pub(super) const MAX_TEXT_BYTES: usize = 2048;

/// Renders a reply; `None` if there is nothing to say, or nothing that the platform would take.
pub(super) fn render(reply_to: &ReplyTo, earned: &Earned) -> Option<String> {
    if reply_to.to.is_empty() {
        return None;
    }
    let mut xml = Xml(String::with_capacity(512));
    xml.open("xml");
    xml.text("ToUserName", &reply_to.to);
    xml.text("FromUserName", &reply_to.from);
    xml.number("CreateTime", earned.at.0);
    body(&mut xml, &earned.reply, reply_to.max_articles)?;
    xml.close("xml");
    Some(xml.0)
}

fn body(xml: &mut Xml, reply: &Reply, max_articles: usize) -> Option<()> {
    match reply {
        Reply::Silent => return None,
        Reply::Text(words) => {
            let words = sendable(words)?;
            xml.text("MsgType", "text");
            xml.text("Content", &words);
        }
        Reply::Image { media_id } => {
            required(media_id)?;
            xml.text("MsgType", "image");
            xml.group("Image", |xml| xml.text("MediaId", media_id));
        }
        Reply::Voice { media_id } => {
            required(media_id)?;
            xml.text("MsgType", "voice");
            xml.group("Voice", |xml| xml.text("MediaId", media_id));
        }
        Reply::Video { media_id, title, description } => {
            required(media_id)?;
            xml.text("MsgType", "video");
            xml.group("Video", |xml| {
                xml.text("MediaId", media_id);
                xml.some_text("Title", title);
                xml.some_text("Description", description);
            });
        }
        Reply::Music { title, description, url, hq_url, thumb_media_id } => {
            required(thumb_media_id)?;
            xml.text("MsgType", "music");
            xml.group("Music", |xml| {
                xml.some_text("Title", title);
                xml.some_text("Description", description);
                xml.some_text("MusicUrl", url);
                xml.some_text("HQMusicUrl", hq_url);
                xml.text("ThumbMediaId", thumb_media_id);
            });
        }
        Reply::Articles(articles) => {
            let shown = articles.get(..max_articles.min(articles.len())).filter(|shown| !shown.is_empty())?;
            xml.text("MsgType", "news");
            xml.number("ArticleCount", shown.len());
            xml.group("Articles", |xml| shown.iter().for_each(|article| item(xml, article)));
        }
        Reply::HandOver { agent } => {
            xml.text("MsgType", "transfer_customer_service");
            if let Some(agent) = agent.as_deref().filter(|agent| required(agent).is_some()) {
                xml.group("TransInfo", |xml| xml.text("KfAccount", agent));
            }
        }
    }
    Some(())
}

fn item(xml: &mut Xml, article: &Article) {
    xml.group("item", |xml| {
        xml.text("Title", &article.title);
        xml.text("Description", &article.description);
        xml.text("PicUrl", &article.picture_url);
        xml.text("Url", &article.url);
    });
}

/// What the platform demands: something of it must be left once the characters that cannot be sent are gone.
fn required(text: &str) -> Option<()> {
    text.chars().any(is_allowed).then_some(())
}

/// The words as they can be sent: legal characters, within the limit, links whole. `None` if none are left.
pub(super) fn sendable(words: &str) -> Option<Cow<'_, str>> {
    let legal = if is_legal(words) { Cow::Borrowed(words) } else { Cow::Owned(without_controls(words)) };
    let cut = match legal {
        Cow::Borrowed(words) => Cow::Borrowed(cut_around_links(words, MAX_TEXT_BYTES)),
        Cow::Owned(words) => Cow::Owned(cut_around_links(&words, MAX_TEXT_BYTES).to_owned()),
    };
    (!cut.is_empty()).then_some(cut)
}

fn is_legal(text: &str) -> bool {
    !has_control(text) && !has_noncharacter(text)
}

/// Writes elements; every text in CDATA.
pub(super) struct Xml(pub(super) String);

impl Xml {
    pub(super) fn open(&mut self, tag: &str) {
        self.0.extend(["<", tag, ">"]);
    }

    pub(super) fn close(&mut self, tag: &str) {
        self.0.extend(["</", tag, ">"]);
    }

    pub(super) fn group(&mut self, tag: &str, inside: impl FnOnce(&mut Self)) {
        self.open(tag);
        inside(self);
        self.close(tag);
    }

    /// One text element. `]]>` is split over two sections: CDATA has no other way to say it.
    pub(super) fn text(&mut self, tag: &str, text: &str) {
        self.open(tag);
        self.0.push_str("<![CDATA[");
        let legal = if is_legal(text) { None } else { Some(without_controls(text)) };
        let mut rest = legal.as_deref().unwrap_or(text);
        while let Some((before, after)) = rest.split_once("]]>") {
            self.0.extend([before, "]]]]><![CDATA[>"]);
            rest = after;
        }
        self.0.extend([rest, "]]>"]);
        self.close(tag);
    }

    fn some_text(&mut self, tag: &str, text: &str) {
        if !text.is_empty() {
            self.text(tag, text);
        }
    }

    pub(super) fn number(&mut self, tag: &str, number: impl std::fmt::Display) {
        self.open(tag);
        // Writing into a string cannot fail.
        let _ = write!(self.0, "{number}");
        self.close(tag);
    }
}
