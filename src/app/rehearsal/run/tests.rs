use super::super::backend::Mock;
use super::*;
use crate::domain::ids::ConnectorKey;
use crate::domain::inbound::Message;
use crate::domain::sample::playbook;
use crate::domain::template::Template;

fn tried(steps: &str) -> Summary {
    let text = format!("[[conversation]]\nname = '试'\nstep = [\n{steps}\n]\n");
    let mut summary = Summary::default();
    run(&Arc::new(playbook()), Trial { file: "a.toml", text: &text }, &mut summary);
    summary
}

fn passes(steps: &str) {
    let summary = tried(steps);
    assert_eq!(summary.failures, [], "{steps}");
}

fn fails(steps: &str) -> Failure {
    let mut summary = tried(steps);
    assert_eq!(summary.failures.len(), 1, "{steps}");
    summary.failures.remove(0)
}

#[test]
fn a_conversation_is_played_from_the_follow_to_the_order() {
    passes(
        r#"{ follow = true, expect = "欢迎！" },
        { tap = "balance", expect = ["话费余额", "86.50 元"], expect_kind = "text" },
        { tap = "offers", expect_kind = "articles", expect = ["特惠", "新品"] },
        { say = "有什么优惠", expect_kind = "articles", expect = "特惠", expect_not = "新品" },
        { say = "转人工", expect_kind = "handover" },
        { say = "充流量", expect = "1. 5GB 月包 20.00 元" },
        { say = "1", expect = "确认办理" },
        { say = "确认", expect = "已到账", expect_not = "正在办理" },
        { send = "image", expect = "请打字" },
        { scan = "shop", expect = "门店专享" },
        { unfollow = true },
        { follow = "other", expect = "欢迎回来" }"#,
    );
}

#[test]
fn a_slow_business_system_answers_later() {
    passes(
        r#"{ say = "查话费", backend.balance = "timeout", expect = "正在查询", then_arrives = "86.50 元" },
        { say = "查话费", backend.balance = "down", expect = "不可用" },
        { say = "查话费", backend.balance = { refused = "NO_NUMBER" }, expect = "没有绑定" },
        { say = "查话费", backend.balance = { balance_fen = 5 }, expect = "0.05 元" },
        { say = "充流量" }, { say = "1" },
        { say = "确认", backend.order = "timeout", expect = "正在办理", then_arrives = "已到账" }"#,
    );
}

#[test]
fn an_order_without_an_answer_ends_with_a_person() {
    passes(
        r#"{ say = "充流量" }, { say = "1" },
        { say = "确认", backend.order = "down", expect = "正在办理" },
        { later = "2h", backend.order = "down", then_arrives = "人工核实" },
        { say = "查话费", expect = "话费余额", expect_not = "人工核实" }"#,
    );
}

#[test]
fn what_comes_when_no_window_is_open_waits_for_the_next_message() {
    // A tap on a link in the chat opens one minute only (platform.md 4.9).
    let link = |words: &str| What::Message(Message::Text { content: words.into(), menu_id: Some("1".into()) });
    let mut rehearsal = Rehearsal::new(Arc::new(playbook()), START);
    rehearsal.answer_with(Mocks::from([("order".into(), Mock::Down)]));
    for words in ["充流量", "1", "确认"] {
        rehearsal.deliver(link(words));
    }
    assert_eq!(rehearsal.wait_until(START.plus_secs(120)).arrived, []);
    rehearsal.answer_with(Mocks::new());
    assert_eq!(rehearsal.wait_until(START.plus_secs(1800)).arrived, []);
    let heard = rehearsal.deliver(link("查话费"));
    assert_eq!(readable(&heard.reply), "5GB 月包 已到账\n\n话费余额 86.50 元");
    assert_eq!(readable(&rehearsal.deliver(link("查话费")).reply), "话费余额 86.50 元");
}

#[test]
fn what_is_not_as_expected_is_told_with_line_and_words() {
    let failure = fails("{ follow = true },\n{ say = '查话费', expect = '流量' }");
    assert_eq!((failure.file.as_str(), failure.line), ("a.toml", 5));
    assert_eq!(failure.place, "「试」第 2 步");
    assert_eq!(failure.cause, "回复里没有「流量」");
    assert_eq!(failure.said.as_deref(), Some("话费余额 86.50 元"));
    for (steps, cause) in [
        ("{ say = '查话费', expect_not = '话费' }", "不该有"),
        ("{ say = '查话费', expect_kind = 'articles' }", "articles"),
        ("{ say = '查话费', then_arrives = '到账' }", "随后送达"),
        ("{ say = '查话费', backend.gone = 'down' }", "connectors.toml"),
        ("{ tap = 'gone' }", "菜单里没有"),
        ("{ say = '查话费', tap = 'balance' }", "只写一个"),
        ("{ say = '查话费', expect_kind = 'silence' }", "silence"),
    ] {
        assert!(fails(steps).cause.contains(cause), "{steps}: {}", fails(steps).cause);
    }
}

#[test]
fn a_broken_text_fails_the_step_that_meets_it() {
    let mut broken = playbook();
    broken.moments.not_words = "broken".into();
    let text = "[[conversation]]\nname = 'x'\nstep = [{ send = 'sticker' }]";
    let mut summary = Summary::default();
    run(&Arc::new(broken), Trial { file: "a.toml", text }, &mut summary);
    assert!(summary.failures[0].cause.contains("broken"), "{:?}", summary.failures);
}

#[test]
fn a_question_that_could_not_be_put_fails_the_step_that_asks_it() {
    let text = "[[conversation]]\nname = 'x'\nstep = [{ say = '充流量' }, { say = '1' }, { say = '确认' }]";
    let failures = |body: &str| {
        let mut playbook = playbook();
        let order = playbook.connectors.get_mut(&ConnectorKey::from("order")).unwrap();
        order.body = [("what".to_owned(), Template::new(body).unwrap())].into();
        let mut summary = Summary::default();
        run(&Arc::new(playbook), Trial { file: "a.toml", text }, &mut summary);
        summary.failures
    };
    assert_eq!(failures("{{ code }} {{ amount_fen }} {{ order }} {{ openid }}"), []);
    let failures = failures("{{ plan }}");
    assert!(failures[0].place.contains("第 3 步") && failures[0].cause.contains("order"), "{failures:?}");
}

#[test]
fn what_no_conversation_touches_is_named() {
    let summary = tried(r#"{ tap = "balance" }, { say = "有优惠吗" }, { follow = "shop" }, { say = "天气" }"#);
    let left = summary.touched.untouched(&playbook());
    assert_eq!(left.buttons, ["优惠（offers）"]);
    assert_eq!(left.rules.len(), 3, "{:?}", left.rules);
    assert!(left.rules.iter().all(|rule| !rule.contains("优惠")), "{:?}", left.rules);
    assert_eq!(left.moments, ["first_follow", "refollow", "scan", "not_words"]);
    assert!(left.actions.contains(&"person".to_owned()) && !left.actions.contains(&"shop".to_owned()));
    assert!(!left.is_empty());
}
