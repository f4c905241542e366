//! Cookies, a jar for each customer, as each has a phone of their own. They end with the sandbox.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use actix_web::cookie::Cookie;

use crate::domain::ids::Openid;

/// So many cookies of one customer are kept; the oldest give way.
const MOST_COOKIES: usize = 32;

/// The jars.
#[derive(Default)]
pub struct Jars(Mutex<BTreeMap<Openid, Vec<Kept>>>);

struct Kept {
    name: String,
    value: String,
    path: String,
    /// Until then; until the sandbox ends when `None`.
    until: Option<i64>,
}

impl Jars {
    /// Keeps what an answer to a request for `path` sets.
    pub fn keep<'h>(&self, (openid, path): (&Openid, &str), set: impl Iterator<Item = &'h str>, now: i64) {
        let mut jars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let jar = jars.entry(openid.clone()).or_default();
        for cookie in set.filter_map(|text| Cookie::parse(text).ok()) {
            let own = path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
            let kept = Kept {
                name: cookie.name().to_owned(),
                value: cookie.value().to_owned(),
                path: cookie.path().filter(|path| path.starts_with('/')).unwrap_or(own).to_owned(),
                until: cookie.max_age().map(|age| now.saturating_add(age.whole_seconds())),
            };
            jar.retain(|old| (&old.name, &old.path) != (&kept.name, &kept.path));
            if kept.until.is_none_or(|until| until > now) {
                jar.push(kept);
            }
            if jar.len() > MOST_COOKIES {
                jar.remove(0);
            }
        }
    }

    /// The `Cookie` header of a request for `path`; `None` without any.
    pub fn header(&self, (openid, path): (&Openid, &str), now: i64) -> Option<String> {
        let jars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let living = jars.get(openid)?.iter().filter(|kept| kept.until.is_none_or(|until| until > now));
        let fitting = living.filter(|kept| is_below(&kept.path, path));
        let pairs: Vec<String> = fitting.map(|kept| format!("{}={}", kept.name, kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// RFC 6265 5.1.4.
fn is_below(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || folder.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_customer_has_cookies_of_their_own_below_their_paths_until_they_end() {
        let jars = Jars::default();
        let (a, b) = (Openid::from("oA"), Openid::from("oB"));
        let set = ["v=1; Path=/orders/demo; HttpOnly; Max-Age=60", "s=2; Path=/orders/demo/1", "own=3"];
        jars.keep((&a, "/orders/demo/1"), set.into_iter(), 100);
        assert_eq!(jars.header((&a, "/orders/demo/1"), 159).unwrap(), "v=1; s=2; own=3");
        assert_eq!(jars.header((&a, "/orders/demo/1/state"), 160).unwrap(), "s=2; own=3");
        assert_eq!(jars.header((&a, "/orders/demo2/1"), 100), None);
        assert_eq!(jars.header((&b, "/orders/demo/1"), 100), None);
        jars.keep(
            (&a, "/orders/demo/1"),
            ["v=9; Path=/orders/demo", "s=; Path=/orders/demo/1; Max-Age=0"].into_iter(),
            101,
        );
        assert_eq!(jars.header((&a, "/orders/demo/1"), 101).unwrap(), "own=3; v=9");
        let many: Vec<String> = (0..99).map(|n| format!("c{n}=1; Path=/")).collect();
        jars.keep((&b, "/"), many.iter().map(String::as_str), 0);
        assert_eq!(jars.header((&b, "/x"), 0).unwrap().split("; ").count(), MOST_COOKIES);
    }
}
