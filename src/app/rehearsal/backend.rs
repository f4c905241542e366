//! The business system of a rehearsal: every connector answers with its example unless told otherwise.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::ids::ConnectorKey;
use crate::domain::playbook::Playbook;
use crate::domain::question::Answer;

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

/// Answers one question and uses up a mock that holds for one question only.
pub(super) fn answer(playbook: &Playbook, mocks: &mut Mocks, key: &ConnectorKey) -> Answer {
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
    use crate::domain::sample::playbook;
    use crate::domain::value;

    fn asked(mock: Value) -> Answer {
        let mut mocks = Mocks::from([("balance".into(), serde_json::from_value(mock).unwrap())]);
        answer(&playbook(), &mut mocks, &"balance".into())
    }

    fn balance(fen: i64) -> Answer {
        Answer::Loaded([("balance".to_owned(), value::Value::Fen(fen))].into())
    }

    #[test]
    fn a_connector_answers_as_its_example_or_as_it_is_told() {
        assert_eq!(answer(&playbook(), &mut Mocks::new(), &"balance".into()), balance(8650));
        assert_eq!(asked(serde_json::json!("down")), Answer::Down);
        assert_eq!(asked(serde_json::json!({"refused": "E1"})), Answer::Refused { code: "E1".into() });
        assert_eq!(asked(serde_json::json!({"balance_fen": 1})), balance(1));
        assert_eq!(asked(serde_json::json!({"balance_fen": "x"})), Answer::Down);
        assert_eq!(answer(&playbook(), &mut Mocks::new(), &"gone".into()), Answer::Down);
    }

    #[test]
    fn only_the_first_question_is_too_slow() {
        let mut mocks = Mocks::from([("balance".into(), Mock::Timeout)]);
        assert_eq!(answer(&playbook(), &mut mocks, &"balance".into()), Answer::TimedOut);
        assert_eq!(answer(&playbook(), &mut mocks, &"balance".into()), balance(8650));
    }

    #[test]
    fn a_misspelt_mock_is_refused() {
        assert!(serde_json::from_value::<Mock>(serde_json::json!("timout")).is_err());
        assert!(serde_json::from_value::<Mock>(serde_json::json!(3)).is_err());
    }
}
