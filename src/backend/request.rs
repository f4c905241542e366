//! From a connector and a question to the request, as values.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value as Json};

use crate::domain::connector::{self, Connector, wire};
use crate::domain::question::Question;
use crate::domain::template::{Template, TemplateFault};
use crate::domain::value::Value;

/// What is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where to, with its query.
    pub url: Url,
    /// The JSON body of a POST.
    pub body: Option<Json>,
    /// The connector's own headers; what is secret in them is marked so.
    pub headers: HeaderMap,
    /// The header that carries the idempotency key.
    pub idempotency: Option<(HeaderName, HeaderValue)>,
}

/// Why a question cannot be put; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unaskable {
    /// The playbook has no such connector.
    #[error("没有这个连接器")]
    NoConnector,
    /// `base_url` is no address, or is the sandbox's while there is none.
    #[error("base_url 不是网址，或者演示系统没有开")]
    NoBase,
    /// A template could not be filled.
    #[error("占位符填不上（{0}）")]
    Template(#[from] TemplateFault),
    /// A value would lead to another path of the business system.
    #[error("填好的 path 走到了别的路径")]
    Path,
    /// A value that is sealed with a key that is lost.
    #[error("顾客的资料解不开")]
    Sealed,
    /// Value is at stake and the connector cannot carry the key, or the other way round.
    #[error("订单号发不出去")]
    Idempotency,
    /// A secret that the environment does not have.
    #[error("缺少环境变量 {0}")]
    Secret(String),
    /// A header that cannot be sent as it is.
    #[error("请求头 {0} 发不出去")]
    Header(String),
}

/// Makes the request that puts `question` to `connector` below `base`; `secret` knows what its headers need.
pub fn request<'s>(
    base: &Url,
    (connector, question): (&Connector, &Question),
    secret: impl Fn(&str) -> Option<&'s str>,
) -> Result<Request, Unaskable> {
    if question.values.values().any(|value| matches!(value, Value::Sealed(_))) {
        return Err(Unaskable::Sealed);
    }
    let fill = |template: &Template| template.fill_verbatim(&question.values, wire);
    let mut url = below(base, &connector.path.fill_verbatim(&question.values, segment)?)?;
    if !connector.query.is_empty() {
        let mut query = url.query_pairs_mut();
        for (name, template) in &connector.query {
            query.append_pair(name, &fill(template)?);
        }
    }
    let (method, body) = match connector.method {
        connector::Method::Get => (Method::GET, None),
        connector::Method::Post => {
            let mut body = Map::new();
            for (name, template) in &connector.body {
                body.insert(name.clone(), Json::String(fill(template)?));
            }
            (Method::POST, Some(Json::Object(body)))
        }
    };
    let headers = headers(connector, secret)?;
    Ok(Request { method, url, body, headers, idempotency: idempotency(connector, question)? })
}

fn headers<'s>(connector: &Connector, secret: impl Fn(&str) -> Option<&'s str>) -> Result<HeaderMap, Unaskable> {
    let mut headers = HeaderMap::new();
    for (name, header) in &connector.headers {
        let filled = header.fill(&secret).map_err(Unaskable::Secret)?;
        let (Ok(key), Ok(mut value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(filled)) else {
            return Err(Unaskable::Header(name.clone()));
        };
        // Whoever prints the request prints that it is secret and not what it is.
        value.set_sensitive(header.secrets().next().is_some());
        headers.insert(key, value);
    }
    Ok(headers)
}

fn idempotency(connector: &Connector, question: &Question) -> Result<Option<(HeaderName, HeaderValue)>, Unaskable> {
    let Some(key) = &question.idempotency_key else { return Ok(None) };
    let Some(name) = connector.idempotency_header.as_deref() else {
        // One that is put once, and never again, needs no key.
        return if connector.may_be_repeated() { Err(Unaskable::Idempotency) } else { Ok(None) };
    };
    match (HeaderName::try_from(name), HeaderValue::try_from(key.as_str())) {
        (Ok(name), Ok(key)) => Ok(Some((name, key))),
        _ => Err(Unaskable::Idempotency),
    }
}

/// A value as one segment of a path: everything but unreserved characters is encoded, so it stays one segment.
fn segment(value: &Value) -> String {
    let mut encoded = String::new();
    for byte in wire(value).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The filled path below the base. A segment that is `.`, `..` or empty would lead elsewhere.
fn below(base: &Url, path: &str) -> Result<Url, Unaskable> {
    let path = path.strip_prefix('/').ok_or(Unaskable::Path)?;
    let mut url = base.clone();
    let segments: Vec<&str> = path.split('/').collect();
    let leads_elsewhere = |segment: &&str| segment.is_empty() || *segment == "." || *segment == "..";
    if segments.iter().any(leads_elsewhere) {
        return Err(Unaskable::Path);
    }
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::private::Private;

    fn connector(more: Json) -> Connector {
        let mut all = json!({
            "method": "GET", "path": "/plans/{{ id }}", "timeout_ms": 1, "late_timeout_ms": 1, "fields": {}, "example": {},
        });
        let (Json::Object(all_table), Json::Object(more)) = (&mut all, more) else { panic!() };
        all_table.extend(more);
        serde_json::from_value(all).unwrap()
    }

    fn question(id: impl Into<Value>) -> Question {
        Question { connector: "c".into(), values: [("id".to_owned(), id.into())].into(), idempotency_key: None }
    }

    fn none(_: &str) -> Option<&'static str> {
        None
    }

    fn url(base: &str, connector: &Connector, id: impl Into<Value>) -> Result<String, Unaskable> {
        request(&Url::parse(base).unwrap(), (connector, &question(id)), none).map(|request| request.url.to_string())
    }

    #[test]
    fn a_value_stays_one_segment_and_one_parameter() {
        let plain = connector(json!({}));
        assert_eq!(url("http://h/api/", &plain, "a/../b?c#d e").unwrap(), "http://h/api/plans/a%2F..%2Fb%3Fc%23d%20e");
        assert_eq!(url("http://h", &plain, "流量").unwrap(), "http://h/plans/%E6%B5%81%E9%87%8F");
        assert_eq!(url("http://h", &plain, "<%2e>").unwrap(), "http://h/plans/%3C%252e%3E");
        let query = connector(json!({"path": "/p", "query": {"q": "{{ id }}", "fixed": "1"}}));
        assert_eq!(url("http://h/x", &query, "a&b=<c").unwrap(), "http://h/x/p?fixed=1&q=a%26b%3D%3Cc");
        assert_eq!(url("http://h", &plain, Value::Fen(1234)).unwrap(), "http://h/plans/1234");
    }

    #[test]
    fn a_value_cannot_lead_to_another_path() {
        for id in ["..", ".", ""] {
            assert_eq!(url("http://h/api", &connector(json!({})), id), Err(Unaskable::Path), "{id}");
        }
    }

    #[test]
    fn what_is_private_goes_out_in_clear_and_what_cannot_be_opened_goes_nowhere() {
        let post = connector(json!({"method": "POST", "path": "/p", "body": {"number": "{{ id }}"}}));
        let base = Url::parse("http://h").unwrap();
        let number = Value::Private(Private::new("13800138000"));
        let made = request(&base, (&post, &question(number)), none).unwrap();
        assert_eq!(made.body, Some(json!({"number": "13800138000"})));
        assert_eq!(request(&base, (&post, &question(Value::Sealed(vec![1]))), none), Err(Unaskable::Sealed));
    }

    #[test]
    fn a_post_carries_its_fields_as_words_and_its_key_in_the_header() {
        let post = connector(json!({
            "method": "POST", "path": "/orders", "body": {"plan": "{{ id }}", "note": "<\"{{ id }}\">"},
            "idempotency_header": "Idempotency-Key",
        }));
        let order = Question { idempotency_key: Some("order-1".into()), ..question("p<1") };
        let request = request(&Url::parse("http://h").unwrap(), (&post, &order), none).unwrap();
        assert_eq!(request.body, Some(json!({"plan": "p<1", "note": "<\"p<1\">"})));
        let (name, key) = request.idempotency.unwrap();
        assert_eq!((name.as_str(), key.to_str().unwrap()), ("idempotency-key", "order-1"));
    }

    #[test]
    fn a_question_with_a_key_is_never_put_without_it() {
        let base = Url::parse("http://h").unwrap();
        let order = |key: &str| Question { idempotency_key: Some(key.into()), ..question("1") };
        let bare = connector(json!({"method": "POST", "idempotent": true}));
        assert_eq!(request(&base, (&bare, &order("k")), none), Err(Unaskable::Idempotency));
        let once = connector(json!({"method": "POST", "path": "/p", "idempotent": false}));
        assert_eq!(request(&base, (&once, &order("k")), none).unwrap().idempotency, None);
        let with = connector(json!({"method": "POST", "idempotency_header": "X-Key"}));
        assert_eq!(request(&base, (&with, &order("a\nb")), none), Err(Unaskable::Idempotency));
        let unfilled = connector(json!({"path": "/{{ other }}"}));
        assert!(matches!(request(&base, (&unfilled, &question("1")), none), Err(Unaskable::Template(_))));
    }
    #[test]
    fn a_secret_goes_into_its_header_and_into_nothing_that_is_printed() {
        let with = connector(json!({
            "headers": {"X-Api-Key": "${FUWU_SECRET_A}", "Accept-Language": "zh-CN"}, "path": "/p",
        }));
        let base = Url::parse("http://h").unwrap();
        let made = request(&base, (&with, &question("1")), |_| Some("s3cret")).unwrap();
        assert_eq!(made.headers.get("x-api-key").unwrap(), "s3cret");
        let printed = format!("{made:?}");
        assert!(!printed.contains("s3cret") && printed.contains("zh-CN"), "{printed}");
        let missing = request(&base, (&with, &question("1")), none);
        assert_eq!(missing, Err(Unaskable::Secret("FUWU_SECRET_A".into())));
        let broken = request(&base, (&with, &question("1")), |_| Some("a\nb"));
        assert_eq!(broken, Err(Unaskable::Header("X-Api-Key".into())));
    }
}
