//! Why words are no answer: a closed set, for each of which the playbook has a sentence.

use super::{Answer, amount, identity, narrow, person};
use crate::domain::time::BusinessDay;

macro_rules! wrongs {
    ($($(#[$doc:meta])* $variant:ident = $key:literal,)*) => {
        /// Why words are no answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Wrong {
            $($(#[$doc])* $variant,)*
        }

        impl Wrong {
            /// Every one, as an operator names it.
            pub const KEYS: &'static [&'static str] = &[$($key),*];

            /// As an operator names it.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }
        }
    };
}

wrongs! {
    /// Not of the characters it consists of.
    Unreadable = "unreadable",
    /// A number of the wrong length.
    Length = "length",
    /// A phone number that is no mobile one.
    Landline = "landline",
    /// A mobile number that no operator has.
    Prefix = "prefix",
    /// An identity number of 15 digits, not valid since 2013.
    Old = "old",
    /// Of no province.
    Region = "region",
    /// A day of birth that never was.
    Birthday = "birthday",
    /// The check digit does not fit: a slip.
    Checksum = "checksum",
    /// Too few words.
    TooShort = "too_short",
    /// Too many words.
    TooLong = "too_long",
    /// Signs that do not belong there.
    Symbols = "symbols",
    /// Less than the least.
    Below = "below",
    /// More than the most.
    Above = "above",
    /// A number that the list does not have.
    OutOfRange = "out_of_range",
    /// Nothing of the list.
    NotOffered = "not_offered",
    /// An amount with a plus or minus before it.
    Sign = "sign",
    /// An amount with more than two decimals.
    Decimals = "decimals",
    /// More than one number where one was asked for, or one with marks between its digits.
    Several = "several",
    /// A question, a greeting, a wish: words, and no name.
    NoName = "no_name",
    /// Words, and nothing that leads to a door.
    NoAddress = "no_address",
    /// A link.
    Link = "link",
}

impl Answer {
    /// Why these words are none; of words that are one it says nothing of use.
    pub fn why_not(&self, words: &str, today: BusinessDay) -> Wrong {
        match self {
            Self::Phone => person::why_no_phone(words),
            Self::Identity => identity::why_no_identity(words, today),
            Self::Name => person::why_no_name(words),
            Self::Address => person::why_no_address(words),
            Self::Code if narrow(words).bytes().all(|byte| byte.is_ascii_digit()) => Wrong::Length,
            Self::Code => Wrong::Unreadable,
            Self::Amount { min_fen, .. } => match amount::fen(words) {
                Some(fen) if fen < *min_fen => Wrong::Below,
                Some(_) => Wrong::Above,
                None => amount::why_no_fen(words),
            },
            Self::Text { .. } if words.trim().is_empty() => Wrong::TooShort,
            Self::Text { .. } => Wrong::TooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slip_is_told_as_what_it_is() {
        let today = BusinessDay::parse("2026-01-01").unwrap();
        let amount = || Answer::Amount { min_fen: 100, max_fen: 10_000 };
        for (answer, words, why) in [
            (Answer::Phone, "1380013800", Wrong::Length),
            (Answer::Phone, "138001380000", Wrong::Length),
            (Answer::Phone, "12800138000", Wrong::Prefix),
            (Answer::Phone, "025-84000000", Wrong::Landline),
            (Answer::Phone, "我的号码", Wrong::Unreadable),
            (Answer::Phone, "", Wrong::Unreadable),
            (Answer::Identity, "110105491231002", Wrong::Old),
            (Answer::Identity, "1101051949123100", Wrong::Length),
            (Answer::Identity, "00010519491231002X", Wrong::Region),
            (Answer::Identity, "11010519490230002X", Wrong::Birthday),
            (Answer::Identity, "11010520490101002X", Wrong::Birthday),
            (Answer::Identity, "110105194912310021", Wrong::Checksum),
            (Answer::Identity, "不想说身份证号码的十八个字符呀呀呀呀", Wrong::Unreadable),
            (Answer::Name, "张", Wrong::TooShort),
            (Answer::Name, "张3", Wrong::Symbols),
            (Answer::Address, "南京", Wrong::TooShort),
            (Answer::Address, "12345678", Wrong::NoAddress),
            (Answer::Address, "<南京市鼓楼区>", Wrong::Symbols),
            (Answer::Code, "123", Wrong::Length),
            (Answer::Code, "12ab", Wrong::Unreadable),
            (amount(), "0.5", Wrong::Below),
            (amount(), "101", Wrong::Above),
            (amount(), "5e2", Wrong::Unreadable),
            (amount(), "五十", Wrong::Unreadable),
            (amount(), "-50", Wrong::Sign),
            (amount(), "＋５０", Wrong::Sign),
            (amount(), "5.001", Wrong::Decimals),
            (amount(), "１９．９９９元", Wrong::Decimals),
            (amount(), "10 20", Wrong::Several),
            (amount(), "1,000", Wrong::Several),
            (amount(), "1.2.3", Wrong::Several),
            (amount(), "1000000000", Wrong::Above),
            (Answer::Name, "什么套餐便宜", Wrong::NoName),
            (Answer::Name, "https", Wrong::NoName),
            (Answer::Name, "啊啊啊", Wrong::NoName),
            (Answer::Address, "我想先看看有什么", Wrong::NoAddress),
            (Answer::Address, "不想填了谢谢你", Wrong::NoAddress),
            (Answer::Address, "https://example.com/路1号", Wrong::Link),
            (Answer::Text { max_chars: 3 }, "  ", Wrong::TooShort),
            (Answer::Text { max_chars: 3 }, "一二三四", Wrong::TooLong),
        ] {
            assert_eq!(answer.read(words, today), None, "{words}");
            assert_eq!(answer.why_not(words, today), why, "{answer:?} {words}");
        }
        assert_eq!(Answer::Name.why_not(&"张".repeat(31), today), Wrong::TooLong);
        assert_eq!(Answer::Address.why_not(&"路".repeat(121), today), Wrong::TooLong);
    }

    #[test]
    fn keys_are_told_apart() {
        let mut keys = Wrong::KEYS.to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Wrong::KEYS.len());
        assert_eq!(Wrong::Checksum.key(), "checksum");
    }
}
