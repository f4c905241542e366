//! Trying a connector out: one real question, and all that an operator needs to mend the connector, with nothing in it
//! that is secret or about a person.

use std::time::Duration;

use tokio::time::Instant;

use super::ask::{Backend, judge};
use super::cause::Cause;
use super::request::{Request, Unaskable};
use crate::domain::connector::OPENID;
use crate::domain::digits::masked;
use crate::domain::playbook::Playbook;
use crate::domain::question::{Answer, Question};
use crate::domain::value::Value;

/// So many places of an answer are listed.
const MOST_PLACES: usize = 60;

/// What was sent, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// `GET https://…`
    pub line: String,
    /// Headers; secrets as they are named.
    pub headers: Vec<(String, String)>,
    /// The body of a POST.
    pub body: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What was sent, if it could be made.
    pub sent: Option<Sent>,
    /// The status that came back.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// What was understood.
    pub answer: Answer,
    /// Why it cannot be used.
    pub cause: Option<Cause>,
    /// Where the answer has what: `/balance/fen number`. No value.
    pub places: Vec<String>,
}

impl Backend {
    /// Puts a question for real, whatever its connector's places, breaker and kept answers say.
    pub async fn try_out(&self, playbook: &Playbook, question: &Question, within: Duration) -> Trial {
        let unasked = |cause: Unaskable| Trial {
            sent: None,
            status: None,
            took: Duration::ZERO,
            answer: Answer::Down,
            cause: Some(cause.into()),
            places: Vec::new(),
        };
        let Some(connector) = playbook.connectors.get(&question.connector) else {
            return unasked(Unaskable::NoConnector);
        };
        let shown = self.made(playbook, (connector, &shown(question)));
        let (request, shown) = match (self.made(playbook, (connector, question)), shown) {
            (Ok(request), Ok(shown)) => (request, shown),
            (Err(cause), _) | (_, Err(cause)) => return unasked(cause),
        };
        let mut sent = sent(&shown);
        sent.headers.extend(connector.headers.iter().map(|(name, header)| (name.clone(), header.to_string())));
        let begun = Instant::now();
        let heard = judge(connector, question, self.carry(playbook, request, within).await);
        let mut places = Vec::new();
        if let Some(body) = &heard.body {
            list("", body, &mut places);
        }
        let status = heard.status.map(|status| status.as_u16());
        Trial { sent: Some(sent), status, took: begun.elapsed(), answer: heard.answer, cause: heard.cause, places }
    }
}

/// The question with nothing in it that is about a person.
fn shown(question: &Question) -> Question {
    let mut question = question.clone();
    for (name, value) in &mut question.values {
        let shown = match &*value {
            Value::Text(openid) if name == OPENID => half(openid),
            Value::Text(text) => masked(text),
            Value::Private(private) => private.to_string(),
            _ => continue,
        };
        *value = Value::Text(shown);
    }
    question
}

/// Enough of an openid to tell two apart.
fn half(openid: &str) -> String {
    let chars: Vec<char> = openid.chars().collect();
    let head: String = chars.iter().take(3.min(chars.len() / 2)).collect();
    format!("{head}***")
}

fn sent(request: &Request) -> Sent {
    let mut url = request.url.clone();
    // Whoever wrote a password into the address is told by `fuwu check`, and nobody by this.
    let is_bare = url.set_password(None).is_ok() && url.set_username("").is_ok();
    let headers =
        request.idempotency.iter().map(|(name, key)| (name.to_string(), key.to_str().unwrap_or_default().to_owned()));
    Sent {
        line: format!("{} {}", request.method, if is_bare { url.as_str() } else { "" }),
        headers: headers.collect(),
        body: request.body.as_ref().map(ToString::to_string),
    }
}

fn list(at: &str, part: &serde_json::Value, places: &mut Vec<String>) {
    use serde_json::Value as Json;
    if places.len() >= MOST_PLACES {
        return;
    }
    match part {
        Json::Object(table) => {
            for (name, inner) in table {
                // A key can be a number of somebody as well.
                let name = masked(name).replace('~', "~0").replace('/', "~1");
                list(&format!("{at}/{name}"), inner, places);
            }
        }
        Json::Array(entries) => {
            places.push(format!("{at} array {}", entries.len()));
            if let Some(first) = entries.first() {
                list(&format!("{at}/0"), first, places);
            }
        }
        Json::String(_) => places.push(format!("{at} string")),
        Json::Number(_) => places.push(format!("{at} number")),
        Json::Bool(_) => places.push(format!("{at} true/false")),
        Json::Null => places.push(format!("{at} null")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::private::Private;
    use crate::domain::value::Values;

    #[test]
    fn what_is_shown_of_a_question_is_nobodys() {
        let values = [
            (OPENID, Value::from("oABCDEFGHIJ")),
            ("number", Value::Private(Private::new("13800138000"))),
            ("note", Value::from("打 13900139000")),
            ("month", Value::from("202601")),
        ];
        let values: Values = values.map(|(name, value)| (name.to_owned(), value)).into();
        let shown = shown(&Question { connector: "c".into(), values, idempotency_key: None }).values;
        let text = |name: &str| shown[name].to_string();
        assert_eq!(
            [text(OPENID), text("number"), text("note"), text("month")],
            ["oAB***", "138****8000", "打 ***********", "202601"]
        );
    }

    #[test]
    fn an_answer_is_listed_by_its_places_and_no_value_is() {
        let mut places = Vec::new();
        list(
            "",
            &json!({"code": "0", "who": {"13800138000": 1, "a/b": null}, "bills": [{"fen": 5}, {"fen": 6}]}),
            &mut places,
        );
        let expected =
            ["/code string", "/who/*********** number", "/who/a~1b null", "/bills array 2", "/bills/0/fen number"];
        assert_eq!(places, expected);
        let mut many = Vec::new();
        list("", &serde_json::Value::Object((0..500).map(|n| (n.to_string(), json!(1))).collect()), &mut many);
        assert_eq!(many.len(), MOST_PLACES);
    }
}
