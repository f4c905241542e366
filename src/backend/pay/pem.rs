//! The text around keys and certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of the first block of this label. Lines may be of any length; `\n` written out, as environment variables
/// carry it, counts as a new line.
pub(super) fn block(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, after) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (inside, _) = after.split_once(&format!("-----END {label}-----"))?;
    let joined: String = inside.replace("\\n", "").chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(joined).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_by_its_label_however_its_lines_are_broken() {
        let text = "words\n-----BEGIN PUBLIC KEY-----\nAQ\r\nID\n-----END PUBLIC KEY-----\n";
        assert_eq!(block(text, "PUBLIC KEY"), Some(vec![1, 2, 3]));
        assert_eq!(block(&text.replace('\n', "\\n").replace('\r', ""), "PUBLIC KEY"), Some(vec![1, 2, 3]));
        assert_eq!(block(text, "PRIVATE KEY"), None);
        assert_eq!(block(&text.replace("AQ", "?"), "PUBLIC KEY"), None);
        assert_eq!(block("-----BEGIN PUBLIC KEY-----\nAQID", "PUBLIC KEY"), None);
    }
}
