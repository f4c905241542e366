//! One-time codes as the business system sends and checks them: so many for a number, whoever asks for them, and so many
//! tries each.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Between two codes for a number, in seconds.
const BETWEEN_SECS: i64 = 60;
/// Codes for a number within a day.
const A_DAY: usize = 5;
const DAY_SECS: i64 = 86_400;
/// A code is good for so long.
const GOOD_SECS: i64 = 300;
/// Wrong tries before a code is good for nothing.
const TRIES: u8 = 5;
/// Messages that the demo's phones show.
const MESSAGES: usize = 50;

/// Codes and what they showed. Saved with the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// What was answered, by the caller's key.
    answered: BTreeMap<String, Answered>,
    numbers: BTreeMap<String, Number>,
    /// Who showed last that a number is theirs.
    owners: BTreeMap<String, String>,
    messages: VecDeque<Message>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    at: i64,
    answer: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Number {
    /// When codes were sent within the last day.
    sent: Vec<i64>,
    code: String,
    wrong: u8,
    until: i64,
}

/// A text message on the demo's phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When, in Unix seconds.
    pub at: i64,
    /// To which number.
    pub number: String,
    /// What it says.
    pub text: String,
}

/// A code that somebody tries.
#[derive(Clone, Copy, Debug)]
pub struct Try<'a> {
    /// For this number.
    pub number: &'a str,
    /// The code.
    pub code: &'a str,
    /// Who tries.
    pub openid: &'a str,
}

impl Codes {
    /// Sends `fresh` to `number`, once a key. The answer, and the message if one went out.
    pub fn send(&mut self, key: &str, (number, fresh): (&str, &str), now: i64) -> (String, Option<Message>) {
        if let Some(answered) = self.answered.get(key) {
            return (answered.answer.clone(), None);
        }
        let standing = self.numbers.entry(number.to_owned()).or_default();
        standing.sent.retain(|at| now - at < DAY_SECS);
        let refused = match standing.sent.last() {
            Some(last) if now - last < BETWEEN_SECS => Some("TOO_SOON"),
            _ if standing.sent.len() >= A_DAY => Some("TOO_MANY"),
            _ => None,
        };
        if let Some(code) = refused {
            return (self.answer(key, &refusal(code), now), None);
        }
        standing.sent.push(now);
        (standing.code, standing.wrong, standing.until) = (fresh.to_owned(), 0, now + GOOD_SECS);
        let text = format!("【演示营业厅】验证码 {fresh}，5 分钟内有效，请勿告诉他人。");
        let message = Message { at: now, number: number.to_owned(), text };
        self.messages.push_back(message.clone());
        if self.messages.len() > MESSAGES {
            self.messages.pop_front();
        }
        (self.answer(key, &json!({ "code": "0" }), now), Some(message))
    }

    /// Checks a code, once a key. A code that was right is used up.
    pub fn check(&mut self, key: &str, tried: Try<'_>, now: i64) -> String {
        if let Some(answered) = self.answered.get(key) {
            return answered.answer.clone();
        }
        let answer = match self.numbers.get_mut(tried.number) {
            Some(standing) if now < standing.until && standing.wrong < TRIES => {
                if standing.code == tried.code {
                    standing.until = 0;
                    self.owners.insert(tried.number.to_owned(), tried.openid.to_owned());
                    json!({ "code": "0" })
                } else {
                    standing.wrong += 1;
                    refusal("WRONG_CODE")
                }
            }
            _ => refusal("EXPIRED"),
        };
        self.answer(key, &answer, now)
    }

    /// Whose number it is; one that nobody has shown is its own.
    pub fn owner<'a>(&'a self, number: &'a str) -> &'a str {
        self.owners.get(number).map_or(number, String::as_str)
    }

    /// The latest messages to a number, or to all, newest first.
    pub fn messages(&self, number: Option<&str>) -> Vec<&Message> {
        let mine = |message: &&Message| number.is_none_or(|number| number == message.number);
        self.messages.iter().rev().filter(mine).collect()
    }

    fn answer(&mut self, key: &str, answer: &Value, now: i64) -> String {
        self.answered.retain(|_, answered| now - answered.at < DAY_SECS);
        let answer = answer.to_string();
        self.answered.insert(key.to_owned(), Answered { at: now, answer: answer.clone() });
        answer
    }
}

fn refusal(code: &str) -> Value {
    let message = match code {
        "TOO_SOON" => "刚刚发过",
        "TOO_MANY" => "今天发得太多",
        "WRONG_CODE" => "验证码不对",
        _ => "验证码已失效",
    };
    json!({ "code": code, "message": message })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "13800138000";

    fn code(answer: &str) -> String {
        serde_json::from_str::<Value>(answer).unwrap()["code"].as_str().unwrap().to_owned()
    }

    fn tried(codes: &mut Codes, (key, with): (&str, &str), now: i64) -> String {
        code(&codes.check(key, Try { number: NUMBER, code: with, openid: "o1" }, now))
    }

    #[test]
    fn a_code_is_sent_once_a_key_and_good_once() {
        let mut codes = Codes::default();
        let (answer, message) = codes.send("k", (NUMBER, "123456"), 0);
        assert_eq!((code(&answer).as_str(), message.unwrap().text.contains("123456")), ("0", true));
        assert_eq!(codes.send("k", (NUMBER, "999999"), 1), (answer, None));
        assert_eq!(tried(&mut codes, ("a", "000000"), 2), "WRONG_CODE");
        assert_eq!(tried(&mut codes, ("a", "123456"), 2), "WRONG_CODE", "the same key, the same answer");
        assert_eq!(codes.owner(NUMBER), NUMBER);
        assert_eq!(tried(&mut codes, ("b", "123456"), 2), "0");
        assert_eq!(
            (tried(&mut codes, ("b", "123456"), 9), tried(&mut codes, ("c", "123456"), 3)),
            ("0".into(), "EXPIRED".into())
        );
        assert_eq!(
            (codes.owner(NUMBER), codes.messages(Some(NUMBER)).len(), codes.messages(Some("1")).len()),
            ("o1", 1, 0)
        );
    }

    #[test]
    fn a_number_gets_so_many_codes_whoever_asks_and_a_code_so_many_tries() {
        let mut codes = Codes::default();
        let mut send = |n: i64, at: i64| code(&codes.send(&n.to_string(), (NUMBER, "123456"), at).0);
        assert_eq!([send(0, 0), send(1, 59), send(2, 60)], ["0", "TOO_SOON", "0"]);
        assert_eq!([send(3, 120), send(4, 180), send(5, 240), send(6, 300)], ["0", "0", "0", "TOO_MANY"]);
        assert_eq!(send(7, DAY_SECS), "0", "the first one is a day old");
        for n in 0..TRIES {
            assert_eq!(tried(&mut codes, (&format!("t{n}"), "0"), DAY_SECS + 1), "WRONG_CODE");
        }
        assert_eq!(tried(&mut codes, ("u", "123456"), DAY_SECS + 1), "EXPIRED");
        codes.send("8", (NUMBER, "123456"), DAY_SECS + 60);
        assert_eq!(tried(&mut codes, ("v", "123456"), DAY_SECS + 60 + GOOD_SECS), "EXPIRED");
    }
}
