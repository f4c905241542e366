//! A signed call on its way there and back, and whether its answer is proven.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use super::client::Client;
use super::error::{Cause, Code, Invalid, PayError, Weight};
use super::sign;
use super::stamp::{Disbelief, Stamp};

/// A longer answer cannot be used; bills come another way.
const MOST_ANSWER_BYTES: usize = 1 << 20;

/// A call.
pub(super) struct Call {
    pub method: Method,
    /// Below the address, with its query: `/v3/…`.
    pub path: String,
    /// JSON; empty for none.
    pub body: String,
}

impl Call {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: String::new() }
    }

    pub(super) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: body.to_string() }
    }
}

/// What came.
pub(super) struct Came {
    pub status: u16,
    pub stamp: Result<Stamp, Disbelief>,
    pub request_id: Option<String>,
    pub body: Vec<u8>,
}

/// Why nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It did not leave.
    NotSent,
    /// It may have arrived.
    Unknown,
    /// It could not be signed.
    Unsigned,
}

/// The platform's addresses.
pub(super) struct Hosts {
    bases: Vec<Url>,
    http: reqwest::Client,
    within: Duration,
    /// The address that answered last is the first to be tried.
    first: AtomicUsize,
}

impl Hosts {
    pub(super) fn new(bases: Vec<Url>, http: reqwest::Client, within: Duration) -> Self {
        Self { bases, http, within, first: AtomicUsize::new(0) }
    }

    /// Whether an address is the platform's: signatures go nowhere else.
    pub(super) fn are_of(&self, url: &Url) -> bool {
        self.bases.iter().any(|base| base.origin() == url.origin())
    }

    pub(super) fn within(&self) -> Duration {
        self.within
    }
}

/// A text as one segment of a path or one value of a query: all but the unreserved is encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Path and query of an address, as they travel and are signed.
pub(super) fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

impl Client {
    /// Makes a call and believes only what is signed. What comes back is the body of a success.
    pub(super) async fn call(&self, call: &Call) -> Result<Vec<u8>, PayError> {
        let came = self.carry(call).await?;
        let proven = match &came.stamp {
            Ok(stamp) => self.believe(stamp, &came.body).await,
            Err(disbelief) => Err(*disbelief),
        };
        judge(came, proven)
    }

    /// Takes a call to the platform. Where it surely did not leave, or changes nothing, the next address is tried.
    pub(super) async fn carry(&self, call: &Call) -> Result<Came, PayError> {
        let hosts = self.hosts();
        let count = hosts.bases.len();
        let first = hosts.first.load(Ordering::Relaxed);
        let mut lost = Lost::NotSent;
        for turn in 0..count {
            let at = (first + turn) % count;
            let Some(base) = hosts.bases.get(at) else { break };
            match self.at(base, call).await {
                Ok(came) if came.status >= 500 && call.method == Method::GET && turn + 1 < count => {}
                Ok(came) => {
                    hosts.first.store(at, Ordering::Relaxed);
                    return Ok(came);
                }
                Err(Lost::NotSent) => {}
                Err(Lost::Unsigned) => return Err(Invalid::Unsigned.into()),
                Err(Lost::Unknown) => {
                    lost = Lost::Unknown;
                    hosts.first.store((at + 1) % count, Ordering::Relaxed);
                    if call.method != Method::GET {
                        break;
                    }
                }
            }
        }
        tracing::info!(is_sent = lost == Lost::Unknown, "the payment platform did not answer");
        Err(match lost {
            Lost::NotSent => PayError::NotSent,
            _ => PayError::Unknown { cause: Cause::Lost },
        })
    }

    async fn at(&self, base: &Url, call: &Call) -> Result<Came, Lost> {
        let path = format!("{}{}", base.as_str().trim_end_matches('/'), call.path);
        let url = Url::parse(&path).map_err(|_| Lost::NotSent)?;
        let request = self.signed(call.method.clone(), &url, &call.body).map_err(|_| Lost::Unsigned)?;
        let exchange = async {
            // The client's errors carry the address, and with it numbers and openids: they are never passed on.
            let sent = request.send().await;
            let response =
                sent.map_err(
                    |error| if error.is_connect() || error.is_builder() { Lost::NotSent } else { Lost::Unknown },
                )?;
            read(response).await
        };
        tokio::time::timeout(self.hosts().within, exchange).await.unwrap_or(Err(Lost::Unknown))
    }

    /// A request to the platform with its signature.
    pub(super) fn signed(&self, method: Method, url: &Url, body: &str) -> Result<RequestBuilder, Invalid> {
        let merchant = self.merchant();
        let parts = (method.as_str(), target(url));
        let authorization = sign::authorization(merchant, (parts.0, &parts.1, body), &self.moment());
        let authorization = authorization.map_err(|_| Invalid::Unsigned)?;
        let mut request = self.hosts().http.request(method, url.clone());
        request = request.header(AUTHORIZATION, authorization).header(ACCEPT, "application/json");
        if let Some((id, _)) = merchant.public_key() {
            request = request.header("Wechatpay-Serial", id);
        }
        if body.is_empty() {
            return Ok(request);
        }
        Ok(request.header(CONTENT_TYPE, "application/json").body(body.to_owned()))
    }

    /// Whether the platform signed this; an unknown serial makes us look for new certificates first.
    pub(super) async fn believe(&self, stamp: &Stamp, body: &[u8]) -> Result<(), Disbelief> {
        let first = stamp.verify(body, self.ring(), self.now());
        if first != Err(Disbelief::UnknownKey) {
            return first;
        }
        let _fetching = self.fetching().lock().await;
        // Somebody may have fetched them meanwhile.
        let second = stamp.verify(body, self.ring(), self.now());
        if second == Err(Disbelief::UnknownKey) && self.ring().ask_for(stamp.serial(), self.now()) {
            self.fetch_certificates().await;
            return stamp.verify(body, self.ring(), self.now());
        }
        second
    }
}

async fn read(mut response: Response) -> Result<Came, Lost> {
    let status = response.status().as_u16();
    let headers = response.headers();
    let stamp = Stamp::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    let request_id = request_id(headers);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Lost::Unknown)? {
        if body.len() + chunk.len() > MOST_ANSWER_BYTES {
            return Err(Lost::Unknown);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Came { status, stamp, request_id, body })
}

/// The platform's number of a request, if it is one that a log can bear.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("Request-ID")?.to_str().ok()?;
    let fits = id.len() <= 128 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| id.to_owned())
}

/// What an answer means. A refusal is only final when the platform signed it and its code is one that we know to be.
fn judge(came: Came, proven: Result<(), Disbelief>) -> Result<Vec<u8>, PayError> {
    let Came { status, request_id, body, .. } = came;
    let code = code(&body);
    let cause = match (status, proven, &code) {
        (200..=299, Ok(()), _) => return Ok(body),
        (500.., _, None) => Cause::Status(status),
        (500.., _, Some(code)) => Cause::Said(code.clone()),
        (_, Err(disbelief), _) => Cause::Unproven { disbelief, claimed: code.clone() },
        (400..=499, Ok(()), Some(known)) => match known.weight() {
            Weight::Final => {
                return Err(PayError::Refused { code: known.clone(), request_id: logged(status, known, request_id) });
            }
            Weight::Later => return Err(PayError::Later { code: known.clone(), request_id }),
            Weight::Unsure => Cause::Said(known.clone()),
        },
        _ => Cause::Status(status),
    };
    tracing::info!(
        status,
        code = code.as_ref().map_or("none", Code::as_str),
        request = request_id.as_deref(),
        "a payment call is unsettled"
    );
    Err(PayError::Unknown { cause })
}

fn logged(status: u16, code: &Code, request_id: Option<String>) -> Option<String> {
    tracing::info!(status, code = code.as_str(), request = request_id.as_deref(), "the payment platform refuses");
    request_id
}

fn code(body: &[u8]) -> Option<Code> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.get("code")?.as_str().map(Code::read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str, proven: Result<(), Disbelief>) -> Result<Vec<u8>, PayError> {
        let stamp = Err(Disbelief::Headers);
        judge(Came { status, stamp, request_id: None, body: body.as_bytes().to_vec() }, proven)
    }

    #[test]
    fn only_what_is_signed_is_an_answer_and_only_a_known_code_a_refusal() {
        let refusal = |code| Err(PayError::Refused { code, request_id: None });
        let unknown = |cause| Err(PayError::Unknown { cause });
        let forged = |claimed| Cause::Unproven { disbelief: Disbelief::Forged, claimed };
        let said = |code: &str| format!("{{\"code\":\"{code}\",\"message\":\"m\"}}");
        let no = Err(Disbelief::Forged);
        for (status, body, proven, expected) in [
            (200, "{}".to_owned(), Ok(()), Ok(b"{}".to_vec())),
            (204, String::new(), Ok(()), Ok(Vec::new())),
            (200, "{}".to_owned(), no, unknown(forged(None))),
            (404, said("ORDER_NOT_EXIST"), Ok(()), refusal(Code::OrderNotExist)),
            (404, said("ORDER_NOT_EXIST"), no, unknown(forged(Some(Code::OrderNotExist)))),
            (401, said("SIGN_ERROR"), no, unknown(forged(Some(Code::SignError)))),
            (400, said("NEW_WORD"), Ok(()), unknown(Cause::Said(Code::Other("NEW_WORD".into())))),
            (400, "<html>".to_owned(), Ok(()), unknown(Cause::Status(400))),
            (302, String::new(), Ok(()), unknown(Cause::Status(302))),
            (500, said("SYSTEM_ERROR"), Ok(()), unknown(Cause::Said(Code::SystemError))),
            (502, "bad gateway".to_owned(), no, unknown(Cause::Status(502))),
            (500, said("ORDERPAID"), Ok(()), unknown(Cause::Said(Code::OrderPaid))),
        ] {
            assert_eq!(of(status, &body, proven), expected, "{status} {body}");
        }
        assert!(matches!(of(429, &said("FREQUENCY_LIMITED"), Ok(())), Err(PayError::Later { .. })));
    }

    #[test]
    fn a_signature_goes_to_the_platforms_addresses_only() {
        let bases = ["https://api.example/", "http://127.0.0.1:8080/sandbox/pay"].map(|base| base.parse().unwrap());
        let hosts = Hosts::new(bases.into(), reqwest::Client::new(), Duration::from_secs(1));
        let is_ours = |url: &str| hosts.are_of(&url.parse().unwrap());
        assert!(is_ours("https://api.example/v3/billdownload/file?token=1") && is_ours("http://127.0.0.1:8080/x"));
        for other in
            ["http://api.example/", "https://api.example.evil/", "https://api.example:8443/", "http://127.0.0.1/"]
        {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_number_stays_one_segment() {
        assert_eq!(encoded("a|b*c-d_e/../?#"), "a%7Cb%2Ac-d_e%2F..%2F%3F%23");
        let url = Url::parse("https://h/sandbox/pay/v3/a%7Cb?mchid=1").unwrap();
        assert_eq!(target(&url), "/sandbox/pay/v3/a%7Cb?mchid=1");
    }
}
