use super::super::desk::{Desk, said};
use super::*;

fn topic() -> Topic {
    toml::from_str(
        r#"
        topic = "w03"
        question = "最常用？"
        item = "{{ number }} {{ tap(label) }}"
        question_end = "回复序号"
        voted = "你选了{{ label }}，共{{ total }}票"
        again = "你选过{{ label }}，共{{ total }}票"
        result = "{{ label }} {{ votes }}票 {{ percent }}%"
        result_end = "也可以说说"
        posted = "收到"
        refused = "最多{{ max_chars }}字{{ max_posts }}条"
        unclear = "回复 1 到 {{ count }}"
        cancelled = "好的"
        expired = "太久了"
        expires_secs = 600
        options = [{ code = "video", label = "看视频" }, { code = "game", label = "打游戏" }]
        "#,
    )
    .unwrap()
}

#[test]
fn a_vote_counts_itself_and_shows_the_result() {
    let topic = topic();
    let mut desk = Desk::new(&topic);
    assert_eq!(said(&desk.tap()), "最常用？\n1 看视频\n2 打游戏\n回复序号");
    desk.tally = vec![("game".into(), 2), ("gone".into(), 50)];
    let out = desk.say("２");
    assert_eq!(said(&out), "你选了打游戏，共3票\n看视频 0票 0%\n打游戏 3票 100%\n也可以说说");
    assert_eq!(out.facts, [FactKind::Voted { action: "demo".into(), topic: "w03".into(), option: "game".into() }]);
}

#[test]
fn the_first_vote_of_all_is_a_result_too() {
    let topic = topic();
    let mut desk = Desk::new(&topic);
    desk.tap();
    assert_eq!(said(&desk.say("看视频")), "你选了看视频，共1票\n看视频 1票 100%\n打游戏 0票 0%\n也可以说说");
}

#[test]
fn nobody_votes_twice_in_a_topic_and_everybody_may_in_the_next() {
    let first = topic();
    let mut desk = Desk::new(&first);
    desk.tap();
    desk.say("1");
    desk.tally = vec![("video".into(), 1)];
    let out = desk.say("2");
    assert!(said(&out).starts_with("你选过看视频，共1票") && out.facts.is_empty() && out.memory.is_none());
    assert!(said(&desk.tap()).starts_with("你选过看视频"));

    let next = Topic { topic: "w04".into(), ..topic() };
    desk.kind = &next;
    desk.tally.clear();
    assert!(said(&desk.tap()).starts_with("最常用"));
    assert_eq!(desk.say("2").facts.len(), 1);
}

#[test]
fn the_tally_is_asked_for_only_when_it_is_shown() {
    let topic = topic();
    let mut desk = Desk::new(&topic);
    let tally = |desk: &Desk<'_>, entry: &Entry<'_>| topic.needs(&desk.view(entry)).tally;
    let opened = Entry::Opened { words: "" };
    assert_eq!(tally(&desk, &opened), None);
    let dialogue = desk.tap().dialogue.unwrap();
    assert_eq!(tally(&desk, &Entry::Continued { dialogue: &dialogue, words: "1" }).as_deref(), Some("demo/w03/"));
    assert_eq!(tally(&desk, &Entry::Continued { dialogue: &dialogue, words: "都喜欢" }), None);
    desk.say("1");
    assert_eq!(tally(&desk, &opened).as_deref(), Some("demo/w03/"));
}

#[test]
fn words_are_kept_and_bounded() {
    let topic = topic();
    let mut desk = Desk::new(&topic);
    desk.tap();
    for long in ["字".to_owned(), "字".repeat(201)] {
        assert_eq!(said(&desk.say(&long)), "最多200字3条");
    }
    for n in 0..5 {
        let out = if n == 0 { desk.say(" 我爱听歌 ") } else { desk.say("还有看书") };
        let kept = matches!(out.facts.as_slice(), [FactKind::Posted { text, .. }] if text.len() == 12);
        assert_eq!((kept, said(&out).as_str()), if n < 3 { (true, "收到") } else { (false, "最多200字3条") });
        desk.tap();
    }
    let Some(Memory::Topic(part)) = desk.memory() else { panic!() };
    assert_eq!((part.posts, &part.option), (3, &None));
    assert_eq!(desk.say("1").facts.len(), 1, "words do not use up the vote");
}

#[test]
fn what_is_unclear_is_asked_again_and_a_customer_may_leave() {
    let topic = topic();
    let mut desk = Desk::new(&topic);
    desk.tap();
    for words in ["3", "０", "？？"] {
        assert_eq!(said(&desk.say(words)), "回复 1 到 2", "{words}");
    }
    let dialogue = desk.customer.dialogue.clone().unwrap();
    let claims = ["2", "9", "取消", "查流量"].map(|words| topic.claim(&dialogue, words));
    assert_eq!(claims, [Claim::Meant, Claim::Meant, Claim::Meant, Claim::Any]);
    let out = desk.say("不用了");
    assert_eq!((said(&out).as_str(), out.dialogue), ("好的", None));
}

#[test]
fn a_lone_tally_can_neither_overflow_nor_go_below_zero() {
    let topic = topic();
    let mut desk = Desk::new(&topic);
    desk.tap();
    desk.tally = vec![("video".into(), i64::MAX), ("game".into(), -7)];
    assert!(said(&desk.say("1")).contains("打游戏 0票 0%"));
    assert_eq!((percent(1, 3), percent(0, 0), percent(2, 2)), (33, 0, 100));
}

#[test]
fn settings_that_cannot_work_are_named() {
    assert_eq!(topic().faults(), []);
    let mut bad = Topic { topic: "w/3".into(), expires_secs: 1, ..topic() };
    bad.options[1] = Choice { code: "video".into(), label: "看 视频".into() };
    let fields: Vec<String> = bad.faults().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["topic", "options[1].code", "options[1].label", "expires_secs"]);
    bad.options.truncate(1);
    assert!(bad.faults().iter().any(|fault| fault.field == "options"));
    assert_eq!(topic().texts(&|_| BTreeSet::new()).len(), 12);
}
