//! What a dialogue asks for, as an operator writes it: one question a step, and how its answer is read.

mod amount;
mod check;
mod identity;
mod person;
mod said;
mod step;
mod walk;
mod wrong;

use schemars::JsonSchema;
use serde::Deserialize;

pub use amount::fen;
pub use check::{Reserved, faults};
pub use identity::identity;
pub use person::{address, code, name, phone};
pub use said::{is_cancel, is_keep, is_restart, is_resume, offers_cancel};
pub use step::{As, Choice, Expects, Read, Step, When};
pub(in crate::domain) use walk::claim_summary;
pub(in crate::domain) use walk::whole;
pub use walk::{Form, Open, Progress, Turn};
pub use wrong::Wrong;

use super::private::Private;
use super::time::BusinessDay;
use super::value::Value;

/// What an answer has to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "as", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(description = "客户要回答什么")]
pub enum Answer {
    /// A mobile number of mainland China. Private.
    #[schemars(description = "手机号")]
    Phone,
    /// An identity number whose check digit holds. Private.
    #[schemars(description = "身份证号，核对校验位")]
    Identity,
    /// A person's name. Private.
    #[schemars(description = "姓名")]
    Name,
    /// Where something is sent. Private.
    #[schemars(description = "收货地址")]
    Address,
    /// A one-time code of 4 to 8 digits. Private.
    #[schemars(description = "验证码，4 到 8 位数字")]
    Code,
    /// An amount of money.
    #[schemars(description = "金额，单位元，最多两位小数")]
    Amount {
        /// At least, in fen.
        #[schemars(description = "最少多少，单位：分")]
        min_fen: i64,
        /// At most, in fen.
        #[schemars(description = "最多多少，单位：分")]
        max_fen: i64,
    },
    /// Words.
    #[schemars(description = "随便写的话")]
    Text {
        /// At most so many characters.
        #[schemars(description = "最多多少个字")]
        max_chars: u16,
    },
}

impl Answer {
    /// Reads an answer given on `today`; `None` when it is none.
    pub fn read(&self, words: &str, today: BusinessDay) -> Option<Value> {
        let private = |clear: Option<String>| clear.map(|clear| Value::Private(Private::new(clear)));
        match self {
            Self::Phone => private(phone(words)),
            Self::Identity => private(identity(words, today)),
            Self::Name => private(name(words)),
            Self::Address => private(address(words)),
            Self::Code => private(code(words)),
            Self::Amount { min_fen, max_fen } => {
                fen(words).filter(|fen| (min_fen..=max_fen).contains(&fen)).map(Value::Fen)
            }
            Self::Text { max_chars } => {
                let text = words.trim();
                let fits = !text.is_empty() && text.chars().count() <= usize::from(*max_chars);
                fits.then(|| Value::from(text))
            }
        }
    }

    /// Whether answers are about the person: sealed where they are kept, masked wherever they are read.
    pub fn is_private(&self) -> bool {
        !matches!(self, Self::Amount { .. } | Self::Text { .. })
    }
}

/// The characters as a keyboard of narrow letters writes them, without spaces and without what ends a sentence:
/// "１３８ ００１３。" is "1380013". Whoever speaks gets a full stop written behind what they said.
fn narrow(words: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    unspoken(words).nfkc().filter(|char| !char.is_whitespace()).collect()
}

/// Words without the marks that a sentence ends with, and without blanks around them.
fn unspoken(words: &str) -> &str {
    words
        .trim_end_matches(|char: char| char.is_whitespace() || matches!(char, '。' | '｡' | '！' | '!' | '～' | '~'))
        .trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_what_they_have_to_be() {
        let today = BusinessDay::parse("2026-01-01").unwrap();
        let read = |answer: Answer, words: &str| answer.read(words, today);
        let private = |clear: &str| Some(Value::Private(Private::new(clear)));
        assert_eq!(read(Answer::Phone, "138-0013-8000"), private("13800138000"));
        for spoken in ["13800138000。", "１３８ ００１３ ８０００！", "13800138000 ｡ "] {
            assert_eq!(read(Answer::Phone, spoken), private("13800138000"), "{spoken}");
        }
        assert_eq!(read(Answer::Identity, "11010519491231002X。"), private("11010519491231002X"));
        assert_eq!(read(Answer::Code, "123456。"), private("123456"));
        assert_eq!(read(Answer::Name, "张小明。"), private("张小明"));
        assert_eq!(read(Answer::Address, "南京市鼓楼区中山路1号。"), private("南京市鼓楼区中山路1号"));
        assert_eq!(read(Answer::Amount { min_fen: 1, max_fen: 10_000 }, "50。"), Some(Value::Fen(5_000)));
        assert_eq!(read(Answer::Identity, "11010519491231002x"), private("11010519491231002X"));
        assert_eq!(read(Answer::Name, " 张小明 "), private("张小明"));
        assert_eq!(read(Answer::Address, "南京市鼓楼区 1 号"), private("南京市鼓楼区 1 号"));
        assert_eq!(read(Answer::Code, "1234"), private("1234"));
        let amount = Answer::Amount { min_fen: 100, max_fen: 10_000 };
        assert_eq!(amount.read("50", today), Some(Value::Fen(5_000)));
        assert_eq!([amount.read("0.99", today), amount.read("100.01", today)], [None, None]);
        let text = Answer::Text { max_chars: 3 };
        assert_eq!(text.read(" 好的呀 ", today), Some(Value::from("好的呀")));
        assert_eq!([text.read("   ", today), text.read("一二三四", today)], [None, None]);
        assert!(Answer::Phone.is_private() && !text.is_private());
    }
}
