//! The business system of a rehearsal: every connector answers with its example unless told otherwise.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::app::ask::about;
use crate::backend::{Unaskable, prove};
use crate::domain::ids::{ConnectorKey, Openid};
use crate::domain::playbook::Playbook;
use crate::domain::question::{Answer, Errand, Question};
use crate::domain::value;

/// What a connector does instead of answering with its example.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Mock {
    /// The first question is too slow; when it is asked again the answer is there.
    Timeout,
    /// It cannot be reached.
    Down,
    /// It says no with this code.
    Refused(String),
    /// It answers with its example, these parts of it replaced.
    Answers(Value),
}

/// What each connector does.
pub type Mocks = BTreeMap<ConnectorKey, Mock>;

impl TryFrom<Value> for Mock {
    type Error = String;

    fn try_from(written: Value) -> Result<Self, String> {
        match &written {
            Value::String(word) if word == "timeout" => Ok(Self::Timeout),
            Value::String(word) if word == "down" => Ok(Self::Down),
            Value::Object(parts) => match parts.get("refused") {
                Some(Value::String(code)) if parts.len() == 1 => Ok(Self::Refused(code.clone())),
                _ => Ok(Self::Answers(written)),
            },
            _ => Err("backend 只能写 \"timeout\"、\"down\"、{ refused = \"代码\" } 或一个答复".into()),
        }
    }
}

/// Answers one question and uses up a mock that holds for one question only. A question that could not be put to a
/// real business system is told in `faults`.
pub(super) fn answer(
    playbook: &Playbook,
    mocks: &mut Mocks,
    (openid, question): (&Openid, &Question),
    faults: &mut Vec<String>,
) -> Answer {
    let key = &question.connector;
    if let Some(errand) = Errand::of(key) {
        return paid(errand, question, mocks);
    }
    if let Err(cause) = prove(playbook, &about(question, openid)) {
        faults.push(told(key, &cause));
        return Answer::Down;
    }
    let Some(connector) = playbook.connectors.get(key) else { return Answer::Down };
    match mocks.get(key) {
        Some(Mock::Timeout) => {
            mocks.remove(key);
            Answer::TimedOut
        }
        Some(Mock::Down) => Answer::Down,
        Some(Mock::Refused(code)) => Answer::Refused { code: code.clone() },
        Some(Mock::Answers(parts)) => connector.read(&merged(&connector.example, parts)),
        None => connector.read(&connector.example),
    }
}

/// The payment platform of a rehearsal: everything can be paid and is not, refunds are back at once. A mock
/// `"pay:query" = { state = "SUCCESS" }` pays.
fn paid(errand: Errand, question: &Question, mocks: &mut Mocks) -> Answer {
    let text = |name: &str| match question.values.get(name) {
        Some(value::Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let integer = |name: &str| match question.values.get(name) {
        Some(value::Value::Integer(n)) => *n,
        _ => 0,
    };
    let loaded = |values: Vec<(&str, value::Value)>| {
        Answer::Loaded(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let transaction = ("transaction", value::Value::from("4200000000000000000000000001"));
    match mocks.get(&ConnectorKey::new(errand.as_str())) {
        Some(Mock::Timeout | Mock::Down) => return Answer::TimedOut,
        Some(Mock::Refused(code)) => return Answer::Refused { code: code.clone() },
        Some(Mock::Answers(said)) if said.get("state").and_then(Value::as_str) == Some("SUCCESS") => {
            let total = said.get("total_fen").and_then(Value::as_i64).unwrap_or_else(|| integer("amount_fen"));
            let state = ("state", value::Value::from("SUCCESS"));
            return loaded(vec![state, transaction, ("total_fen", total.into()), ("at", 0.into())]);
        }
        Some(Mock::Answers(_)) | None => {}
    }
    match errand {
        Errand::Prepay => loaded(vec![("prepay_id", value::Value::from("rehearsal"))]),
        // Nobody has paid yet: it is asked again.
        Errand::Query => Answer::TimedOut,
        Errand::Close => loaded(vec![("state", value::Value::from("CLOSED"))]),
        Errand::Refund => loaded(vec![
            ("number", format!("{}R{}", text("order"), integer("nth")).into()),
            transaction,
            ("back_fen", integer("back_fen").into()),
            ("total_fen", integer("total_fen").into()),
            ("at", 0.into()),
        ]),
        Errand::Call | Errand::Keep | Errand::Forget => loaded(Vec::new()),
    }
}

fn told(key: &ConnectorKey, cause: &Unaskable) -> String {
    format!("连接器 {key} 的请求发不出去：{cause}；{}", cause.mend())
}

fn merged(base: &Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            let mut whole = base.clone();
            for (name, part) in over {
                let part = base.get(name).map_or_else(|| part.clone(), |known| merged(known, part));
                whole.insert(name.clone(), part);
            }
            Value::Object(whole)
        }
        _ => over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::connector::Connector;
    use crate::domain::sample::playbook;
    use crate::domain::template::Template;

    fn put(playbook: &Playbook, mocks: &mut Mocks, connector: &str) -> (Answer, Vec<String>) {
        let question = Question { connector: connector.into(), values: value::Values::new(), idempotency_key: None };
        let mut faults = Vec::new();
        let answer = answer(playbook, mocks, (&"o1".into(), &question), &mut faults);
        (answer, faults)
    }

    fn asked(mock: Value) -> Answer {
        let mut mocks = Mocks::from([("balance".into(), serde_json::from_value(mock).unwrap())]);
        let (answer, faults) = put(&playbook(), &mut mocks, "balance");
        assert_eq!(faults, [""; 0]);
        answer
    }

    fn balance(fen: i64) -> Answer {
        Answer::Loaded([("balance".to_owned(), value::Value::Fen(fen))].into())
    }

    #[test]
    fn a_connector_answers_as_its_example_or_as_it_is_told() {
        assert_eq!(put(&playbook(), &mut Mocks::new(), "balance"), (balance(8650), vec![]));
        assert_eq!(asked(serde_json::json!("down")), Answer::Down);
        assert_eq!(asked(serde_json::json!({"refused": "E1"})), Answer::Refused { code: "E1".into() });
        assert_eq!(asked(serde_json::json!({"balance_fen": 1})), balance(1));
        assert_eq!(asked(serde_json::json!({"balance_fen": "x"})), Answer::Down);
    }

    #[test]
    fn only_the_first_question_is_too_slow() {
        let mut mocks = Mocks::from([("balance".into(), Mock::Timeout)]);
        assert_eq!(put(&playbook(), &mut mocks, "balance").0, Answer::TimedOut);
        assert_eq!(put(&playbook(), &mut mocks, "balance").0, balance(8650));
    }

    #[test]
    fn a_question_that_cannot_be_put_is_told() {
        let template = |text: &str| Template::new(text).unwrap();
        let with = |change: &dyn Fn(&mut Connector)| {
            let mut playbook = playbook();
            change(playbook.connectors.get_mut(&ConnectorKey::from("balance")).unwrap());
            put(&playbook, &mut Mocks::new(), "balance")
        };
        assert_eq!(with(&|connector| connector.path = template("/of/{{ openid }}")).1, [""; 0]);
        let unfilled: [&dyn Fn(&mut Connector); 3] = [
            &|connector| connector.path = template("/of/{{ number }}"),
            &|connector| connector.query = [("n".to_owned(), template("{{ number }}"))].into(),
            &|connector| connector.path = template("/of//{{ openid }}"),
        ];
        for change in unfilled {
            let (answer, faults) = with(change);
            assert!(answer == Answer::Down && faults.len() == 1 && faults[0].contains("balance"), "{faults:?}");
        }
        assert_eq!(put(&playbook(), &mut Mocks::new(), "gone").1.len(), 1);
    }

    #[test]
    fn a_misspelt_mock_is_refused() {
        assert!(serde_json::from_value::<Mock>(serde_json::json!("timout")).is_err());
        assert!(serde_json::from_value::<Mock>(serde_json::json!(3)).is_err());
    }
}
