//! What is known about a person and nobody else's business: a phone number, an identity number, a name, an address.

use std::fmt;

/// Clear while it is worked with, sealed where it is kept (`store::sealed`), masked wherever somebody reads it.
#[derive(Clone, Default)]
pub struct Private {
    clear: String,
    sealed: Option<Vec<u8>>,
}

impl Private {
    /// Of these words.
    pub fn new(clear: impl Into<String>) -> Self {
        Self { clear: clear.into(), sealed: None }
    }

    /// As it was kept: whoever keeps it again writes the same bytes.
    pub fn kept_as(clear: impl Into<String>, sealed: Vec<u8>) -> Self {
        Self { clear: clear.into(), sealed: Some(sealed) }
    }

    /// The words in clear, for the business system and the seal only.
    pub fn clear(&self) -> &str {
        &self.clear
    }

    /// For its owner to look through once before agreeing to it: so much that a slip is seen, and never all of it. A
    /// number is shown as everywhere, since what it consists of was checked.
    pub fn reviewed(&self) -> String {
        let chars: Vec<char> = self.clear.chars().collect();
        let (head, tail) = match chars.len() {
            _ if is_number(&chars) => return self.to_string(),
            0 | 1 => (0, 0),
            2 => (0, 1),
            3 | 4 => (1, 1),
            long => (long * 3 / 10, long * 4 / 10),
        };
        starred(&chars, (head, tail))
    }

    /// The bytes it was kept as, if it was.
    pub fn sealed(&self) -> Option<&[u8]> {
        self.sealed.as_deref()
    }
}

/// The same words are the same, however they were kept.
impl PartialEq for Private {
    fn eq(&self, other: &Self) -> bool {
        self.clear == other.clear
    }
}

impl Eq for Private {}

/// So much of it that its owner recognises it and nobody else can use it: `138****8000`, `320***********123X`, `张**`.
impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars: Vec<char> = self.clear.chars().collect();
        let ends = if is_number(&chars) { (3, 4) } else { (chars.len().min(3) / 2, 0) };
        f.write_str(&starred(&chars, ends))
    }
}

/// A phone or identity number: digits, the last of which may be the X of a check digit. A long name is none.
fn is_number(chars: &[char]) -> bool {
    let (body, last) = match chars.split_last() {
        Some((last, body)) => (body, last),
        None => return false,
    };
    body.len() >= 10 && body.iter().all(char::is_ascii_digit) && (last.is_ascii_digit() || matches!(last, 'X' | 'x'))
}

/// All but so many at the head and at the tail starred.
fn starred(chars: &[char], (head, tail): (usize, usize)) -> String {
    let shown = |index: usize| index < head || index + tail >= chars.len();
    chars.iter().enumerate().map(|(index, char)| if shown(index) { *char } else { '*' }).collect()
}

/// Never a part of it: what is written for an engineer goes to logs.
impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_owner_recognises_it_and_nobody_else_can_use_it() {
        let shown = |clear: &str| Private::new(clear).to_string();
        assert_eq!(shown("13800138000"), "138****8000");
        assert_eq!(shown("32010219900307123X"), "320***********123X");
        assert_eq!(shown("张小明"), "张**");
        assert_eq!(shown("南京市鼓楼区"), "南*****");
        assert_eq!([shown(""), shown("李"), shown("123456")], ["", "*", "1*****"]);
        assert_eq!(shown("AnnaMariaSmithson"), "A****************", "a long name is no number");
        assert_eq!(format!("{:?}", Private::new("13800138000")), "Private");
        assert_eq!(Private::new("13800138000").clear(), "13800138000");
    }

    #[test]
    fn who_looks_it_through_sees_a_slip_and_never_all_of_it() {
        let reviewed = |clear: &str| Private::new(clear).reviewed();
        assert_eq!([reviewed("张三"), reviewed("张小明"), reviewed("欧阳小明")], ["*三", "张*明", "欧**明"]);
        assert_eq!(reviewed("南京市鼓楼区中山路1号"), "南京市****山路1号");
        assert_eq!(reviewed("Anna Smith"), "Ann***mith");
        assert_eq!([reviewed("13800138000"), reviewed("11010519491231002X")], ["138****8000", "110***********002X"]);
        for clear in ["", "李", "张三", "张小明", "Bo", "AnnaMariaSmithson", "南京市鼓楼区"] {
            assert!(clear.is_empty() || reviewed(clear).contains('*'), "{clear}");
        }
    }
}
