use proptest::prelude::*;

use super::*;

fn rule(action: &str, priority: i32, [exact, contains, pattern]: [&[&str]; 3]) -> KeywordRule {
    let own = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let action = ActionKey::from(action);
    KeywordRule { exact: own(exact), contains: own(contains), pattern: own(pattern), priority, action }
}

fn found<'a>(keywords: &'a Keywords, words: &str) -> Option<&'a str> {
    keywords.find(words).map(ActionKey::as_str)
}

#[test]
fn punctuation_at_the_ends_is_looked_at_only_when_it_is_all() {
    let keywords = Keywords::new(vec![rule("hello", 0, [&["在吗"], &[], &[]]), rule("help", 0, [&["?"], &[], &[]])]);
    let keywords = keywords.unwrap();
    assert_eq!(
        ["在吗", "在吗？！", "？", "。"].map(|words| found(&keywords, words)),
        [Some("hello"), Some("hello"), Some("help"), None]
    );
    assert!(keywords.names("“在吗”") && !keywords.names("你在吗"));
}

#[test]
fn a_rule_names_its_words_when_they_stand_alone() {
    let keywords = Keywords::new(vec![rule("data", 0, [&[], &["查流量", "流量"], &[]])]).unwrap();
    assert!(["查流量", "查流量。", " 流量 "].iter().all(|words| keywords.names(words)));
    assert!(!keywords.names("我想查流量"));
}

#[test]
fn words_are_found_however_they_are_written() {
    let keywords = Keywords::new(vec![
        rule("data", 0, [&["查流量"], &["剩余流量"], &[r"还有.{0,4}流量"]]),
        rule("bill", 0, [&["查話費", "HF"], &[], &[]]),
    ])
    .unwrap();
    for (words, action) in [
        (" 查流量 ", Some("data")),
        ("查流量吧", None),
        ("我的剩餘流量呢", Some("data")),
        ("還有多少流量？", Some("data")),
        ("查话费", Some("bill")),
        ("ｈｆ", Some("bill")),
        ("", None),
    ] {
        assert_eq!(found(&keywords, words), action, "{words}");
    }
}

#[test]
fn priority_then_way_then_length_then_order_decides() {
    let keywords = Keywords::new(vec![
        rule("pattern", 0, [&[], &[], &["流量"]]),
        rule("short", 0, [&[], &["流量"], &[]]),
        rule("long", 0, [&[], &["流量包"], &[]]),
        rule("late", 0, [&[], &["流量包"], &[]]),
        rule("exact", 0, [&["买流量包"], &[], &[]]),
        rule("first", 1, [&[], &[], &["退订.*流量"]]),
    ])
    .unwrap();
    let winners = ["流量", "流量包", "买流量包", "退订流量包", "流 量"].map(|w| found(&keywords, w));
    assert_eq!(winners, [Some("short"), Some("long"), Some("exact"), Some("first"), None]);
}

#[test]
fn a_word_that_can_never_win_is_told() {
    let keywords = Keywords::new(vec![
        rule("a", 1, [&["流量"], &["话费"], &["x+"]]),
        rule("b", 0, [&["流量", "我的话费"], &["查话费", "积分"], &["x+", "y+"]]),
        rule("a", 0, [&["流量"], &[], &[]]),
    ])
    .unwrap();
    let told: Vec<_> = keywords.overlaps().into_iter().map(|o| (o.wins, o.loses, o.word)).collect();
    assert_eq!(told, ["流量", "我的话费", "查话费", "x+"].map(|w| (0, 1, w.to_owned())));
}

#[test]
fn a_rule_that_cannot_work_is_named() {
    let rules = vec![
        rule("ok", 0, [&["好"], &[], &[r"^\d{4,11}$"]]),
        rule("bad", 0, [&[" "], &["\u{200b}"], &["(", ".*", "(a{100}){100}"]]),
    ];
    let faults = Keywords::new(rules).unwrap_err();
    let named: Vec<_> = faults.iter().map(|f| (f.rule, f.word.as_str())).collect();
    assert_eq!(named, [(1, " "), (1, "\u{200b}"), (1, "("), (1, ".*"), (1, "(a{100}){100}")]);
    assert!(faults.iter().all(|f| !f.cause.is_empty()), "{faults:?}");
}

/// reliability.md W54. Counted, not timed: what is looked at, however the words are baited.
#[test]
fn a_bait_for_every_rule_costs_no_more_than_innocent_words() {
    let contains: Vec<String> = (1..200).map(|n| "a".repeat(n)).collect();
    let contains: Vec<&str> = contains.iter().map(String::as_str).collect();
    let rules = (0..20).map(|n| rule(&format!("r{n}"), 0, [&[], &contains, &[]])).collect();
    let keywords = Keywords::new(rules).unwrap();
    let contained = keywords.contains.as_ref().unwrap();
    for bait in ["a", "流量", "aA", "查流量", "\u{fdfa}"] {
        let message = fold(&bait.chars().cycle().take(2048).collect::<String>());
        assert!(contained.claims(&message).count() <= message.len(), "{bait:?}: one claim per byte");
        assert!(message.starts_with(seen(&message)) && seen(&message).chars().count() == 256, "{bait:?}");
    }
    assert_eq!(contained.claims(&"a".repeat(2048)).count(), 2048, "the bait was taken");
}

/// What keeps each pattern from going back over what it saw: it compiles to an automaton of limited size.
#[test]
fn a_pattern_that_would_grow_is_refused_before_a_message_meets_it() {
    for pattern in [r"(a|aa)+$", r"(.*a){12}b", r"^(([a-z])+.)+[A-Z]([a-z])+$", r".*查.*流.*量.*x"] {
        assert!(Keywords::new(vec![rule("r", 0, [&[], &[], &[pattern]])]).is_ok(), "{pattern}");
    }
    for pattern in [r"(.*a){5000}b", r"((a{50}){50}){50}"] {
        assert!(Keywords::new(vec![rule("r", 0, [&[], &[], &[pattern]])]).is_err(), "{pattern}");
    }
}

proptest! {
    #[test]
    fn nested_words_are_found_as_if_each_were_looked_for(
        words in proptest::collection::vec(("[ab]{1,4}", -1..2_i32), 1..8), text in "[abc]{0,12}",
    ) {
        let rules: Vec<_> = words.iter().map(|(word, priority)| rule(word, *priority, [&[], &[word], &[]])).collect();
        let hits = words.iter().enumerate().filter(|(_, (word, _))| text.contains(word.as_str()));
        let winner = hits.max_by_key(|(at, (word, priority))| (*priority, word.len(), Reverse(*at)));
        prop_assert_eq!(Keywords::new(rules).unwrap().rule_for(&text), winner.map(|(at, _)| at));
    }

    #[test]
    fn any_words_can_be_asked(words in any::<String>()) {
        let keywords = Keywords::new(vec![rule("a", 0, [&["甲"], &["乙", "a"], &[r"\d+\s"]])]).unwrap();
        let _ = keywords.find(&words);
    }
}
