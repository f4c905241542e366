//! Keywords: which action a customer's words mean.

use schemars::JsonSchema;
use serde::Deserialize;

use super::ids::ActionKey;

/// One rule of `keywords.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordRule {
    /// Words that must be all the customer wrote. Width, case, spaces at the ends, and simplified or traditional
    /// writing make no difference.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Words that may stand anywhere in what the customer wrote.
    #[serde(default)]
    pub contains: Vec<String>,
    /// Regular expressions over the folded text.
    #[serde(default)]
    pub pattern: Vec<String>,
    /// The higher one wins; then exact before contains before pattern; then the longer word; then the earlier rule.
    #[serde(default)]
    pub priority: i32,
    /// The action meant.
    pub action: ActionKey,
}

/// All rules, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    rules: Vec<KeywordRule>,
}

/// Why a rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeywordFault {
    /// Index of the rule.
    pub rule: usize,
    /// The word or pattern.
    pub word: String,
    /// In words.
    pub cause: String,
}

/// Two rules that want the same word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Index of the rule that wins.
    pub wins: usize,
    /// Index of the rule that never gets it.
    pub loses: usize,
    /// The word.
    pub word: String,
}

impl Keywords {
    /// Reads the rules; faults name rule and word.
    pub fn new(rules: Vec<KeywordRule>) -> Result<Self, Vec<KeywordFault>> {
        Ok(Self { rules })
    }

    /// The rules in the order they were written.
    pub fn rules(&self) -> &[KeywordRule] {
        &self.rules
    }

    /// The action these words mean.
    pub fn find(&self, _words: &str) -> Option<&ActionKey> {
        None
    }

    /// Rules that can never win a word they name.
    pub fn overlaps(&self) -> Vec<Overlap> {
        Vec::new()
    }
}
