//! What the account says: channel-free, the same value for a passive reply and a customer-service message.

use serde::{Deserialize, Serialize};

use super::ids::AccountId;

/// How a link to this server begins in words, as templates write it.
const PATH_LINK: &str = "<a href=\"/";

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

    /// The reply as it leaves: an address that is a path alone, of an article or of a link in words, is on this server,
    /// which customers reach at `site` (an http or https address, without a `/` at the end); a segment `~` in it stands for
    /// the account. The playbook and the store keep the path, so that both are the same wherever they are used.
    pub fn reachable_at(mut self, site: &str, account: &AccountId) -> Self {
        let whole = |path: &str| whole_address(path, (site, account));
        match &mut self {
            Self::Articles(articles) => {
                for url in articles.iter_mut().flat_map(|article| [&mut article.url, &mut article.picture_url]) {
                    *url = whole(url);
                }
            }
            Self::Text(text) if text.contains(PATH_LINK) => {
                let mut parts = text.split(PATH_LINK);
                let mut left = parts.next().unwrap_or_default().to_owned();
                for part in parts {
                    let (path, rest) = part.split_once('"').unwrap_or((part, ""));
                    left.push_str(&format!("<a href=\"{}\"{rest}", whole(&format!("/{path}"))));
                }
                *text = left;
            }
            _ => {}
        }
        self
    }
}

/// An address as it leaves: what is a path alone is on this server, as [`Reply::reachable_at`] has it.
pub fn whole_address(address: &str, (site, account): (&str, &AccountId)) -> String {
    // `//host/path` names a host.
    if address.starts_with('/') && !address.starts_with("//") {
        format!("{site}{}", address.replace("/~/", &format!("/{account}/")))
    } else {
        address.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_on_this_server_leaves_with_its_whole_address() {
        let article = |url: &str, picture_url: &str| Article {
            url: url.into(),
            picture_url: picture_url.into(),
            ..Article::default()
        };
        let kept =
            Reply::Articles(vec![article("/a/1", ""), article("https://example.com/", "//cdn.example.com/p.png")]);
        let left = Reply::Articles(vec![
            article("https://wx.example.com/a/1", ""),
            article("https://example.com/", "//cdn.example.com/p.png"),
        ]);
        assert_eq!(kept.reachable_at("https://wx.example.com", &"demo".into()), left);
    }

    #[test]
    fn a_link_in_words_to_this_server_leaves_with_its_whole_address_and_nothing_else_changes() {
        let left = |text: &str| match Reply::Text(text.into()).reachable_at("https://e.cn/wx", &"demo".into()) {
            Reply::Text(text) => text,
            other => panic!("{other:?}"),
        };
        let kept = r#"去<a href="/orders/~/2026">看看</a>或<a href="/a/b">这个</a>。"#;
        let whole =
            r#"去<a href="https://e.cn/wx/orders/demo/2026">看看</a>或<a href="https://e.cn/wx/a/b">这个</a>。"#;
        assert_eq!(left(kept), whole);
        for same in ["/a", r#"<a href="https://a.cn/~/x">a</a>"#, r#"<a href="//a.cn/x">a</a>"#, r#"＜a href="/x">a"#]
        {
            assert_eq!(left(same), same);
        }
    }
}
