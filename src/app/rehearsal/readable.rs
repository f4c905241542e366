//! A reply as a person reads it on the phone.

use crate::domain::reply::Reply;

/// Links by their label, articles by their words.
pub fn readable(reply: &Reply) -> String {
    written(reply, ["", ""])
}

/// The same, with the labels of links in brackets, so that one sees what can be tapped.
pub fn marked(reply: &Reply) -> String {
    written(reply, ["[", "]"])
}

fn written(reply: &Reply, marks: [&str; 2]) -> String {
    match reply {
        Reply::Silent => String::new(),
        Reply::Text(text) => without_tags(text, marks),
        Reply::Articles(articles) => {
            let lines = articles.iter().map(|a| format!("【{}】{} {}", a.title, a.description, a.url));
            lines.collect::<Vec<_>>().join("\n")
        }
        Reply::Image { media_id } => format!("（图片 {media_id}）"),
        Reply::Voice { media_id } => format!("（语音 {media_id}）"),
        Reply::Video { title, .. } => format!("（视频 {title}）"),
        Reply::Music { title, .. } => format!("（音乐 {title}）"),
        Reply::HandOver { .. } => "（已转人工客服）".into(),
    }
}

/// Only links are tags (platform.md 3.1); any other `<` is shown as it is.
fn without_tags(text: &str, [before_label, after_label]: [&str; 2]) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        shown.push_str(before);
        let mark = match tag.get(..2) {
            Some("a ") => Some(before_label),
            Some("/a") => Some(after_label),
            _ => None,
        };
        rest = match (mark, tag.split_once('>')) {
            (Some(mark), Some((_, after))) => {
                shown.push_str(mark);
                after
            }
            _ => {
                shown.push('<');
                tag
            }
        };
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_by_their_label() {
        let reply = Reply::Text("试试<a href=\"weixin://x\">查话费</a>，1 < 2 <b> <a".into());
        assert_eq!(readable(&reply), "试试查话费，1 < 2 <b> <a");
        assert_eq!(marked(&reply), "试试[查话费]，1 < 2 <b> <a");
    }
}
