//! Keywords: which action a customer's words mean.

use std::cmp::Reverse;
use std::collections::HashMap;

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::contiguous::NFA;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::fold::{fold, simplified, without_marks};
use super::ids::ActionKey;

/// A compiled pattern may take so many bytes: enough for a sentence's worth of alternatives and a few repetitions,
/// too little for one that makes a long message slow (reliability.md W54).
const PATTERN_BYTES: usize = 64 * 1024;
/// At most so many patterns: with the 0.5 µs that each takes of a message of full length.
const MAX_PATTERNS: usize = 500;
/// Patterns look at so many characters: a customer who means one of them says so early.
const PATTERN_CHARS: usize = 256;

/// One rule of `keywords.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordRule {
    /// Words that must be all the customer wrote. Width, case, spaces and punctuation at the ends, and simplified or
    /// traditional writing make no difference.
    #[serde(default)]
    #[schemars(description = "整句等于这些词时命中；全角半角、大小写、首尾空格和标点、繁简不影响")]
    pub exact: Vec<String>,
    /// Words that may stand anywhere in what the customer wrote.
    #[serde(default)]
    #[schemars(description = "句中出现这些词时命中")]
    pub contains: Vec<String>,
    /// Regular expressions over the folded text, of which the first 256 characters are looked at.
    #[serde(default)]
    #[schemars(description = "正则表达式，匹配归一化后的文字（半角、小写、简体）的前 256 个字")]
    pub pattern: Vec<String>,
    /// The higher one wins; then exact before contains before pattern; then the longer word; then the earlier rule.
    #[serde(default)]
    #[schemars(description = "优先级，大的先；相同时依次比较：整句、包含、正则，词更长，写在前面")]
    pub priority: i32,
    /// The action meant.
    #[schemars(description = "命中后执行的动作")]
    pub action: ActionKey,
}

/// All rules, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    rules: Vec<KeywordRule>,
    exact: HashMap<String, Rank>,
    contains: Option<Contained>,
    /// Strongest first. One by one: each alone stays small enough for a table, all in one set do not.
    patterns: Vec<(Regex, Rank)>,
}

/// The words that may stand anywhere, found in one pass.
#[derive(Clone, Debug)]
struct Contained {
    automaton: NFA,
    /// By word: the strongest rank of the word itself and of every word inside it.
    ranks: Vec<Rank>,
}

/// How strong a word's claim is. The order of the fields is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: i32,
    way: Way,
    chars: usize,
    rule: Reverse<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Pattern,
    Contains,
    Exact,
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
        let mut faults = Vec::new();
        let exact = words(&rules, Way::Exact, |rule| &rule.exact, &mut faults);
        let contains = words(&rules, Way::Contains, |rule| &rule.contains, &mut faults);
        let contains = Contained::new(contains).unwrap_or_else(|cause| {
            faults.push(KeywordFault { rule: 0, word: String::new(), cause });
            None
        });
        let patterns = patterns(&rules, &mut faults);
        if faults.is_empty() { Ok(Self { rules, exact, contains, patterns }) } else { Err(faults) }
    }

    /// The rules in the order they were written.
    pub fn rules(&self) -> &[KeywordRule] {
        &self.rules
    }

    /// The action these words mean.
    pub fn find(&self, words: &str) -> Option<&ActionKey> {
        self.rules.get(self.rule_for(words)?).map(|rule| &rule.action)
    }

    /// Whether a rule names these words and no others: whole ones, or ones that may stand anywhere and here stand alone.
    pub fn names(&self, words: &str) -> bool {
        let folded = fold(words);
        let bare = without_marks(&folded);
        let alone = self.best_contained(bare).is_some_and(|rank| rank.chars == bare.chars().count());
        alone || self.named(&folded).is_some()
    }

    /// The claim of the rule that names exactly these words. Punctuation is looked at only when it is all there is.
    fn named(&self, folded: &str) -> Option<Rank> {
        self.exact.get(folded).or_else(|| self.exact.get(without_marks(folded))).copied()
    }

    /// The index of the rule that wins these words.
    pub fn rule_for(&self, words: &str) -> Option<usize> {
        let folded = fold(words);
        let exact = self.named(&folded);
        let best = exact.max(self.best_contained(&folded)).max(self.best_pattern(&folded));
        best.map(|rank| rank.rule.0)
    }

    /// Rules that can never win a word they name, because whenever the word is there a stronger one of another action
    /// is there too. (Whether one pattern covers another is not looked into, only whether they are the same.)
    pub fn overlaps(&self) -> Vec<Overlap> {
        let mut overlaps = Vec::new();
        for (loses, rule) in self.rules.iter().enumerate() {
            let exact = rule.exact.iter().map(|word| (word, self.rule_for(word)));
            let contains = rule.contains.iter().map(|word| {
                (
                    word,
                    self.best_contained(&fold(word))
                        .filter(|b| *b > rank(loses, rule, (Way::Contains, &fold(word))))
                        .map(|b| b.rule.0),
                )
            });
            let pattern = rule.pattern.iter().map(|word| (word, self.same_pattern(word)));
            overlaps.extend(exact.chain(contains).chain(pattern).filter_map(|(word, winner)| {
                let wins = winner.filter(|wins| self.rules.get(*wins).is_some_and(|w| w.action != rule.action))?;
                Some(Overlap { wins, loses, word: word.clone() })
            }));
        }
        overlaps
    }

    fn best_contained(&self, folded: &str) -> Option<Rank> {
        self.contains.as_ref()?.best(folded)
    }

    fn best_pattern(&self, folded: &str) -> Option<Rank> {
        let seen = seen(folded);
        self.patterns.iter().find(|(pattern, _)| pattern.is_match(seen)).map(|(_, rank)| *rank)
    }

    fn same_pattern(&self, pattern: &str) -> Option<usize> {
        let twins = self.rules.iter().enumerate().filter(|(_, rule)| rule.pattern.iter().any(|p| p == pattern));
        twins.map(|(at, rule)| rank(at, rule, (Way::Pattern, pattern))).max().map(|best| best.rule.0)
    }
}

impl Contained {
    fn new(words: HashMap<String, Rank>) -> Result<Option<Self>, String> {
        if words.is_empty() {
            return Ok(None);
        }
        let (words, own): (Vec<String>, Vec<Rank>) = words.into_iter().unzip();
        let automaton = NFA::new(&words).map_err(|error| format!("关键词太多：{error}"))?;
        let ranks = words.iter().zip(&own).map(|(word, rank)| {
            let inside = automaton.try_find_overlapping_iter(word.as_str().into());
            let inside = inside.into_iter().flatten().filter_map(|hit| own.get(hit.pattern().as_usize()));
            inside.max().unwrap_or(rank).to_owned()
        });
        let ranks = ranks.collect();
        Ok(Some(Self { automaton, ranks }))
    }

    fn best(&self, folded: &str) -> Option<Rank> {
        self.claims(folded).max()
    }

    /// Of the words that end at one place every shorter one stands inside the longest, which the automaton gives
    /// first. So one claim per byte is enough, however many words are nested.
    fn claims(&self, folded: &str) -> impl Iterator<Item = Rank> {
        let mut at = self.automaton.start_state(Anchored::No).ok();
        folded.bytes().filter_map(move |byte| {
            let state = self.automaton.next_state(Anchored::No, at?, byte);
            at = Some(state);
            let longest = self.automaton.is_match(state).then(|| self.automaton.match_pattern(state, 0))?;
            self.ranks.get(longest.as_usize()).copied()
        })
    }
}

/// What patterns look at.
fn seen(folded: &str) -> &str {
    let end = folded.char_indices().nth(PATTERN_CHARS).map_or(folded.len(), |(at, _)| at);
    folded.get(..end).unwrap_or_default()
}

fn rank(at: usize, rule: &KeywordRule, (way, word): (Way, &str)) -> Rank {
    Rank { priority: rule.priority, way, chars: word.chars().count(), rule: Reverse(at) }
}

/// Every word of a way, folded, with the strongest rank that claims it.
fn words(
    rules: &[KeywordRule],
    way: Way,
    of: fn(&KeywordRule) -> &Vec<String>,
    faults: &mut Vec<KeywordFault>,
) -> HashMap<String, Rank> {
    let mut words: HashMap<String, Rank> = HashMap::new();
    for (at, rule) in rules.iter().enumerate() {
        for word in of(rule) {
            let folded = fold(word);
            if folded.is_empty() {
                let cause = "关键词是空的，去掉它或写上客户会说的词".into();
                faults.push(KeywordFault { rule: at, word: word.clone(), cause });
            } else {
                let rank = rank(at, rule, (way, &folded));
                let best = words.entry(folded).or_insert(rank);
                *best = (*best).max(rank);
            }
        }
    }
    words
}

fn patterns(rules: &[KeywordRule], faults: &mut Vec<KeywordFault>) -> Vec<(Regex, Rank)> {
    let mut patterns = Vec::new();
    let all =
        rules.iter().enumerate().flat_map(|(at, rule)| rule.pattern.iter().map(move |pattern| (at, rule, pattern)));
    // Those beyond the limit are not even compiled.
    for (tried, (at, rule, pattern)) in all.take(MAX_PATTERNS + 1).enumerate() {
        let compiled = if tried < MAX_PATTERNS {
            compiled(pattern)
        } else {
            Err(format!("正则超过 {MAX_PATTERNS} 条，改用 contains"))
        };
        match compiled {
            Ok(regex) => patterns.push((regex, rank(at, rule, (Way::Pattern, pattern)))),
            Err(cause) => faults.push(KeywordFault { rule: at, word: pattern.clone(), cause }),
        }
    }
    patterns.sort_by_key(|(_, rank)| Reverse(*rank));
    patterns
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let source: String = simplified(pattern.chars()).collect();
    match RegexBuilder::new(&source).case_insensitive(true).size_limit(PATTERN_BYTES).build() {
        Ok(regex) if regex.is_match("") => {
            Err("这个正则什么都能匹配；没有规则命中时的回答写在 moments.toml 的 fallback".to_owned())
        }
        Ok(regex) => Ok(regex),
        Err(regex::Error::CompiledTooBig(_)) => Err("这个正则太大，减少重复次数或改用 contains".to_owned()),
        Err(error) => Err(format!("这不是正确的正则表达式：{}", error.to_string().lines().last().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests;
