//! Calls over HTTP, to the first of several addresses that is well.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap};
use tokio::time::Instant;
use url::Url;

use super::breaker::Breaker;
use super::call::{Body, Call, Came, Lost};
use super::client::Carrier;

/// A call that takes longer is given up; the platform answers within a second or two.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A video of 10 MB over a slow line.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that is taken in: a video of 10 MB, or twenty drafts of articles.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// One of the platform's addresses.
struct Host {
    base: Url,
    breaker: Breaker,
}

/// Over HTTP to the platform's addresses, or the sandbox's.
pub(super) struct Http {
    hosts: Vec<Host>,
    http: reqwest::Client,
}

impl Http {
    pub(super) fn new(bases: Vec<Url>, http: reqwest::Client) -> Self {
        let hosts = bases.into_iter().map(|base| Host { base, breaker: Breaker::default() }).collect();
        Self { hosts, http }
    }

    /// The addresses a call may try, best first.
    fn host(&self, attempt: usize) -> Option<&Host> {
        let now = Instant::now();
        let start = attempt.checked_rem(self.hosts.len())?;
        let mut order = self.hosts.iter().cycle().skip(start).take(self.hosts.len());
        order.find(|host| host.breaker.admits(now, CALL_TIMEOUT))
    }

    async fn at(&self, base: &Url, call: &Call, token: Option<&str>) -> Result<Came, Lost> {
        let mut url = base.clone();
        url.path_segments_mut().map_err(|()| Lost::NotSent)?.pop_if_empty().extend(call.path.split('/'));
        let request = match &call.body {
            Body::None => self.http.get(url).timeout(CALL_TIMEOUT),
            Body::Json(body) => self.http.post(url).json(body).timeout(CALL_TIMEOUT),
            Body::Form(form) => {
                let request = self.http.post(url).header(CONTENT_TYPE, form.content_type());
                request.body(form.whole()).timeout(UPLOAD_TIMEOUT)
            }
        };
        let request = if let Some(token) = token { request.query(&[("access_token", token)]) } else { request };
        let request = if call.query.is_empty() { request } else { request.query(&call.query) };
        // The client's errors carry the address and with it token and secret: they are never passed on.
        let sent = request.send().await;
        let mut response =
            sent.map_err(|error| if error.is_connect() || error.is_builder() { Lost::NotSent } else { Lost::Unknown })?;
        let mut came = Came {
            status: response.status().as_u16(),
            content_type: header(response.headers(), CONTENT_TYPE).unwrap_or_default().to_owned(),
            file_name: header(response.headers(), CONTENT_DISPOSITION).and_then(file_name),
            body: Vec::new(),
        };
        if response.status().is_server_error() {
            return Err(Lost::Unknown);
        }
        while let Some(chunk) = response.chunk().await.map_err(|_| Lost::Unknown)? {
            if came.body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Lost::Unknown);
            }
            came.body.extend_from_slice(&chunk);
        }
        Ok(came)
    }
}

#[async_trait]
impl Carrier for Http {
    async fn carry(&self, call: &Call, token: Option<&str>, attempt: usize) -> Result<Came, Lost> {
        let host = self.host(attempt).ok_or(Lost::NotSent)?;
        let came = self.at(&host.base, call, token).await;
        match &came {
            Ok(_) => host.breaker.worked(),
            Err(_) => host.breaker.failed(Instant::now(), rand::random()),
        }
        came
    }

    fn addresses(&self) -> usize {
        self.hosts.len()
    }
}

fn header(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `attachment; filename="x.jpg"`. Folders before the name are left out: it may be used for a file of ours.
fn file_name(disposition: &str) -> Option<String> {
    let (_, after) = disposition.split_once("filename=")?;
    let name = after.split(';').next()?.trim().trim_matches('"');
    let name = name.rsplit(['/', '\\']).next()?.trim();
    (!name.is_empty() && !name.starts_with('.')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_read_with_and_without_quotes() {
        assert_eq!(file_name("attachment; filename=\"a b.jpg\"").as_deref(), Some("a b.jpg"));
        assert_eq!(file_name("attachment; filename=a.jpg; size=1").as_deref(), Some("a.jpg"));
        let elsewhere = ["../../etc/passwd", "C:\\a\\b.jpg", "..", ".profile", "/"];
        let told = elsewhere.map(|name| file_name(&format!("attachment; filename=\"{name}\"")));
        assert_eq!(told, [Some("passwd".into()), Some("b.jpg".into()), None, None, None]);
        assert_eq!((file_name("inline"), file_name("attachment; filename=\"\"")), (None, None));
    }

    #[test]
    fn attempts_go_round_the_addresses_and_past_those_that_are_ill() {
        let bases = ["http://a/", "http://b/", "http://c/"].map(|base| base.parse().unwrap());
        let http = Http::new(bases.into(), reqwest::Client::new());
        let at = |attempt| http.host(attempt).map(|host| host.base.host_str().unwrap().to_owned());
        assert_eq!([at(0), at(1), at(2), at(3)].map(Option::unwrap), ["a", "b", "c", "a"]);
        for _ in 0..5 {
            http.hosts[0].breaker.failed(Instant::now(), 0.0);
        }
        assert_eq!([at(0), at(1), at(3)].map(Option::unwrap), ["b", "b", "b"]);
        for host in &http.hosts {
            (0..5).for_each(|_| host.breaker.failed(Instant::now(), 0.0));
        }
        assert_eq!(at(0), None);
    }
}
