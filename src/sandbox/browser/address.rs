//! Which addresses the browser inside the chat opens, and where they are.

use url::Url;

/// Where the consent page is, on the real platform; its path is the same in the sandbox.
const CONSENT: (&str, &str) = ("open.weixin.qq.com", "/connect/oauth2/authorize");
/// What is not for customers' browsers, by its first segment.
const NOT_PAGES: [&str; 5] = ["sandbox", "console", "api", "wechat", "metrics"];

/// The account's own server: where it is, and how customers call it.
#[derive(Clone, Debug)]
pub struct Own {
    /// Where it is.
    pub here: Url,
    /// How its links call it; as it is when `None`.
    pub site: Option<Url>,
}

/// What an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A page of the account's, where it is.
    Page(Url),
    /// The platform's consent page.
    Consent(Url),
    /// Anything else.
    Elsewhere,
}

impl Own {
    /// What an address is.
    pub fn read(&self, url: &Url) -> Address {
        if url.path().ends_with(CONSENT.1) && (url.host_str() == Some(CONSENT.0) || self.below(url).is_some()) {
            return Address::Consent(url.clone());
        }
        match self.below(url) {
            Some(path) if is_page(&path) => {
                let mut page = self.here.clone();
                page.set_path(&path);
                page.set_query(url.query());
                Address::Page(page)
            }
            _ => Address::Elsewhere,
        }
    }

    /// The address as customers' browsers show it.
    pub fn shown(&self, page: &Url) -> String {
        let site = self.site.as_ref().unwrap_or(&self.here).as_str().trim_end_matches('/');
        let query = page.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{site}{}{query}", page.path())
    }

    /// Its path on the account's server, without the first slash.
    fn below(&self, url: &Url) -> Option<String> {
        let own = std::iter::once(&self.here).chain(&self.site);
        own.filter(|own| own.origin() == url.origin())
            .find_map(|own| url.path().strip_prefix(own.path().trim_end_matches('/'))?.strip_prefix('/'))
            .map(str::to_owned)
    }
}

/// Whether a path leads to a page for customers. A server reads `%73andbox` as it reads `sandbox`, and may read `//` as
/// `/`: what is written otherwise than a page's own links write it is none.
fn is_page(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    let is_hidden = |segment: &str| {
        let lower = segment.to_ascii_lowercase();
        segment.split(';').next().is_some_and(|name| matches!(name, "." | ".."))
            || ["%2e", "%2f", "%5c", "%25"].iter().any(|escape| lower.contains(escape))
    };
    first.chars().all(plain)
        && (!first.is_empty() || path.is_empty())
        && !NOT_PAGES.iter().any(|other| first.eq_ignore_ascii_case(other))
        && !path.split('/').any(is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_account_are_opened_by_whatever_name_they_are_called() {
        let own = Own {
            here: "http://127.0.0.1:8080/".parse().unwrap(),
            site: Some("https://wx.example.com/a/".parse().unwrap()),
        };
        let read = |url: &str| own.read(&url.parse().unwrap());
        let page = Address::Page("http://127.0.0.1:8080/orders/demo/1?x=1".parse().unwrap());
        assert_eq!(read("http://127.0.0.1:8080/orders/demo/1?x=1"), page);
        assert_eq!(read("https://wx.example.com/a/orders/demo/1?x=1#top"), page);
        let Address::Page(page) = page else { panic!() };
        assert_eq!(own.shown(&page), "https://wx.example.com/a/orders/demo/1?x=1");
        for elsewhere in [
            "https://wx.example.com/orders/demo/1",
            "https://evil.example/orders/demo/1",
            "http://127.0.0.1:8081/orders/demo/1",
            "http://127.0.0.1:8080/sandbox/api/state",
            "http://127.0.0.1:8080/console",
            "http://127.0.0.1:8080/orders/../console/",
            "http://127.0.0.1:8080/%73andbox/api/state",
            "http://127.0.0.1:8080/%63onsole",
            "http://127.0.0.1:8080/Console",
            "http://127.0.0.1:8080//console/",
            "http://127.0.0.1:8080/./console/",
            "http://127.0.0.1:8080/%2e/console/",
            "http://127.0.0.1:8080/orders/%2e%2e/console/",
            "http://127.0.0.1:8080/orders/..%2Fconsole/",
            "http://127.0.0.1:8080/orders/..;/console/",
            "http://127.0.0.1:8080/orders/%252e%252e/console/",
            "http://127.0.0.1:8080/\\console/",
            "https://wx.example.com/a//api/v1/orders",
            "https://open.weixin.qq.com/connect/other",
        ] {
            assert_eq!(read(elsewhere), Address::Elsewhere, "{elsewhere}");
        }
        for consent in [
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=1#wechat_redirect",
            "https://wx.example.com/a/sandbox/platform/connect/oauth2/authorize",
        ] {
            assert!(matches!(read(consent), Address::Consent(_)), "{consent}");
        }
    }
}
