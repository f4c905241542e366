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
        let is_number = chars.len() >= 11 && chars.iter().all(char::is_ascii_alphanumeric);
        let (head, tail) = if is_number { (3, 4) } else { (chars.len().min(3) / 2, 0) };
        for (index, char) in chars.iter().enumerate() {
            let is_shown = index < head || index + tail >= chars.len();
            write!(f, "{}", if is_shown { *char } else { '*' })?;
        }
        Ok(())
    }
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
        assert_eq!(format!("{:?}", Private::new("13800138000")), "Private");
        assert_eq!(Private::new("13800138000").clear(), "13800138000");
    }
}
