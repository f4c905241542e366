//! What a reply looks like on the phone (platform.md part 3).

use super::act::Act;
use super::chat::{Article, Body};
use crate::domain::reply::Reply;

/// The entry a reply makes, if any, and what a developer should know about it.
pub fn shown(reply: Reply, act: &Act) -> (Option<Body>, Vec<String>) {
    let mut details = Vec::new();
    let body = match reply {
        Reply::Silent => None,
        Reply::Text(text) => Some(Body::Text { text }),
        Reply::Image { media_id } => Some(Body::Image { media_id }),
        Reply::Voice { media_id } => Some(Body::Voice { media_id, words: String::new() }),
        Reply::Video { title, description, .. } => Some(Body::Video { title, description }),
        Reply::Music { title, description, url, .. } => Some(Body::Music { title, description, url }),
        Reply::Articles(articles) => {
            let most = if act.is_message() { 1 } else { 8 };
            if articles.len() > most {
                details.push(format!("回复带了 {} 篇图文，平台在这里只显示 {most} 篇，其余被丢弃", articles.len()));
            }
            let articles = articles.into_iter().take(most);
            let card = |a: crate::domain::reply::Article| Article {
                title: a.title,
                description: a.description,
                picture: a.picture_url,
                url: a.url,
            };
            Some(Body::Articles { articles: articles.map(card).collect() })
        }
        Reply::HandOver { agent } => {
            if !act.is_message() {
                details.push("转人工只对消息有效；对事件的回复是否生效，平台没有写明".to_owned());
            }
            if let Some(agent) = agent {
                details.push(format!("指定客服 {agent}；不在线时平台不会改派"));
            }
            Some(Body::line("正在为您转接人工客服"))
        }
    };
    (body, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reply;

    #[test]
    fn a_message_earns_one_article_and_a_tap_up_to_eight() {
        let articles = || Reply::Articles(vec![reply::Article::default(); 9]);
        let count = |act: &Act| match shown(articles(), act) {
            (Some(Body::Articles { articles }), details) => (articles.len(), details.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(count(&Act::Image), (1, 1));
        assert_eq!(count(&Act::Click { key: "k".into() }), (8, 1));
    }

    #[test]
    fn silence_shows_nothing() {
        assert_eq!(shown(Reply::Silent, &Act::Image), (None, Vec::new()));
    }
}
