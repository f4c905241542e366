//! Replies there and back: sealed for the platform, heard by the platform (platform.md part 3).

use proptest::prelude::*;

use super::deliver::{Chat, ReplyFault};
use super::fixtures::{account, sender, stamp};
use super::text::{cut_around_links, without_controls};
use super::{Mode, Query, ReplyTo, open, seal};
use crate::domain::recent::Earned;
use crate::domain::reply::{Article, Reply};
use crate::domain::time::UnixSecs;

const MODES: [Mode; 3] = [Mode::Plain, Mode::Compatible, Mode::Safe];
const TEXT: &str = "<MsgType>text</MsgType><Content>x</Content><MsgId>1</MsgId>";
const CLICK: &str = "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>k</EventKey>";

fn delivered(mode: Mode, body: &str) -> ReplyTo {
    let xml = format!(
        "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>{body}\
         </xml>"
    );
    let push = sender(mode).push(&xml, &stamp()).unwrap();
    open(&account(mode), &Query::parse(&push.query).unwrap(), &push.body).unwrap().reply_to
}

fn earned(reply: Reply) -> Earned {
    Earned { reply, at: UnixSecs(1_735_689_603) }
}

fn heard(mode: Mode, body: &str, reply: Reply) -> Result<Reply, ReplyFault> {
    let reply_to = delivered(mode, body);
    let chat = Chat { openid: "o1", original_id: "gh_0123456789ab", max_articles: if body == TEXT { 1 } else { 8 } };
    sender(mode).hear(&chat, &seal(&account(mode), &reply_to, &earned(reply)))
}

fn articles(count: usize) -> Reply {
    Reply::Articles(
        (0..count)
            .map(|n| Article {
                title: format!("第{n}条]]>"),
                description: "<b>&amp;".into(),
                picture_url: "https://example.com/p.jpg?a=1&b=2".into(),
                url: String::new(),
            })
            .collect(),
    )
}

fn one_of_each() -> Vec<Reply> {
    let id = || "MEDIA".to_owned();
    vec![
        Reply::Silent,
        Reply::Text("查到了：<a href=\"https://example.com/?a=1&b=2\">点这里</a>".into()),
        Reply::Text("<a href=\"weixin://bizmsgmenu?msgmenucontent=查流量&msgmenuid=1\">查流量</a>".into()),
        Reply::Image { media_id: id() },
        Reply::Voice { media_id: id() },
        Reply::Video { media_id: id(), title: String::new(), description: "说明".into() },
        Reply::Music {
            title: "歌".into(),
            description: String::new(),
            url: "https://example.com/a.mp3".into(),
            hq_url: String::new(),
            thumb_media_id: id(),
        },
        articles(1),
        Reply::HandOver { agent: None },
        Reply::HandOver { agent: Some("a1@gh_0123456789ab".into()) },
    ]
}

#[test]
fn every_reply_is_heard_as_it_was_meant_in_every_mode() {
    for mode in MODES {
        for reply in one_of_each() {
            assert_eq!(heard(mode, TEXT, reply.clone()), Ok(reply), "{mode:?}");
        }
    }
}

#[test]
fn every_reply_has_the_platforms_shape() {
    let shapes: Vec<String> = one_of_each()
        .into_iter()
        .map(|reply| {
            String::from_utf8(seal(&account(Mode::Plain), &delivered(Mode::Plain, TEXT), &earned(reply))).unwrap()
        })
        .collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/official/replies"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("one_of_each", shapes.join("\n")));
}

#[test]
fn a_message_gets_one_article_and_a_tap_eight() {
    for (body, given, shown) in [(TEXT, 3, 1), (CLICK, 3, 3), (CLICK, 8, 8), (CLICK, 10, 8)] {
        let Ok(Reply::Articles(list)) = heard(Mode::Safe, body, articles(given)) else { panic!() };
        assert_eq!(list.len(), shown);
    }
}

#[test]
fn what_the_platform_would_not_take_becomes_silence() {
    let none = String::new;
    for reply in [
        Reply::Text(none()),
        Reply::Text("\u{1}\u{fffe}".into()),
        Reply::Image { media_id: none() },
        Reply::Voice { media_id: none() },
        Reply::Video { media_id: none(), title: "T".into(), description: none() },
        Reply::Music { title: none(), description: none(), url: none(), hq_url: none(), thumb_media_id: none() },
        articles(0),
    ] {
        for mode in MODES {
            let bytes = seal(&account(mode), &delivered(mode, CLICK), &earned(reply.clone()));
            assert_eq!(bytes, b"success", "{reply:?}");
        }
    }
    let nobody = seal(&account(Mode::Safe), &ReplyTo::default(), &earned(Reply::Text("x".into())));
    assert_eq!(nobody, b"success");
}

#[test]
fn an_id_of_which_nothing_can_be_sent_becomes_silence() {
    let odd = || "\u{1}\u{fffe}".to_owned();
    for reply in [
        Reply::Image { media_id: odd() },
        Reply::Voice { media_id: odd() },
        Reply::Video { media_id: odd(), title: "T".into(), description: String::new() },
        Reply::Music {
            title: "T".into(),
            description: String::new(),
            url: String::new(),
            hq_url: String::new(),
            thumb_media_id: odd(),
        },
    ] {
        assert_eq!(heard(Mode::Safe, TEXT, reply.clone()), Ok(Reply::Silent), "{reply:?}");
    }
    let agent = Reply::HandOver { agent: Some(odd()) };
    assert_eq!(heard(Mode::Safe, TEXT, agent), Ok(Reply::HandOver { agent: None }));
}

#[test]
fn a_retry_with_another_timestamp_and_nonce_gets_the_same_bytes() {
    for mode in MODES {
        let xml = format!(
            "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>\
             {TEXT}</xml>"
        );
        let answered = |timestamp, nonce: &str| {
            let stamp = super::deliver::Stamp { timestamp, nonce: nonce.into(), random: *b"another16 bytes." };
            let push = sender(mode).push(&xml, &stamp).unwrap();
            let opened = open(&account(mode), &Query::parse(&push.query).unwrap(), &push.body).unwrap();
            seal(&account(mode), &opened.reply_to, &earned(Reply::Text("好".into())))
        };
        assert_eq!(answered(1, "1"), answered(6, "2"), "{mode:?}");
    }
}

#[test]
fn different_words_never_share_their_random_bytes() {
    let sealed = |words: &str| {
        let bytes = seal(&account(Mode::Safe), &delivered(Mode::Safe, TEXT), &earned(Reply::Text(words.into())));
        let text = String::from_utf8(bytes).unwrap();
        let nonce = text.split_once("<Nonce><![CDATA[").unwrap().1.split_once(']').unwrap().0.to_owned();
        (text[..60].to_owned(), nonce)
    };
    assert_ne!(sealed("a").0, sealed("b").0);
    assert_ne!(sealed("a").1, sealed("b").1);
}

#[test]
fn the_platforms_side_finds_every_fault() {
    let clear = |from: &str, to: &str| {
        let bytes = seal(&account(Mode::Plain), &delivered(Mode::Plain, CLICK), &earned(articles(2)));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from));
        let chat = Chat { openid: "o1", original_id: "gh_0123456789ab", max_articles: 1 };
        sender(Mode::Plain).hear(&chat, text.replace(from, to).as_bytes()).unwrap_err()
    };
    assert_eq!(clear("o1", "o2"), ReplyFault::Field("ToUserName"));
    assert_eq!(clear("gh_0", "gh_1"), ReplyFault::Field("FromUserName"));
    assert_eq!(clear("<CreateTime>1", "<CreateTime>x"), ReplyFault::Field("CreateTime"));
    assert_eq!(clear("<ArticleCount>2", "<ArticleCount>3"), ReplyFault::Field("ArticleCount"));
    assert_eq!(clear("<CreateTime>", "<CreateTime>"), ReplyFault::TooManyArticles(2, 1));
    assert_eq!(clear("[news]", "[poem]"), ReplyFault::Kind("poem".into()));
    assert_eq!(clear("[news]", "[text]"), ReplyFault::Field("Content"));
    assert_eq!(clear("[news]", "[image]"), ReplyFault::Field("MediaId"));
    assert_eq!(clear("</xml>", ""), ReplyFault::NotAReply("malformed"));

    let chat = Chat { openid: "o1", original_id: "gh_0123456789ab", max_articles: 1 };
    let hello = |mode| seal(&account(mode), &delivered(mode, TEXT), &earned(Reply::Text("hi".into())));
    let hears = |mode, body: &[u8]| sender(mode).hear(&chat, body).err();
    assert_eq!(hears(Mode::Safe, &hello(Mode::Plain)), Some(ReplyFault::NotEncrypted));
    assert_eq!(hears(Mode::Compatible, &hello(Mode::Plain)), None);
    assert_eq!(hears(Mode::Plain, &hello(Mode::Safe)), Some(ReplyFault::Encrypted));
    let other = super::deliver::Sender { app_id: "wxother".into(), ..sender(Mode::Safe) };
    assert_eq!(other.hear(&chat, &hello(Mode::Safe)).err(), Some(ReplyFault::Undecryptable));
    assert_eq!(hears(Mode::Safe, b""), None);
    let long = String::from_utf8(hello(Mode::Plain)).unwrap().replace("[hi]", &format!("[{}]", "x".repeat(2049)));
    assert_eq!(hears(Mode::Plain, long.as_bytes()), Some(ReplyFault::TextTooLong(2049)));
}

/// Strings with everything in them that hurts XML.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("]]>".to_owned()),
        Just("]]]]><![CDATA[>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("</Content>".to_owned()),
        Just("&#0;&amp;".to_owned()),
        Just("<a href=\"x\">y</a>".to_owned()),
        Just("]".to_owned()),
        Just("\u{0}\u{1}\r\n\t\u{fffe}".to_owned()),
        any::<String>(),
        "\\PC{0,60}",
        "[你好😀a]{300,700}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_string_comes_back_as_it_was(words in nasty()) {
        let legal = without_controls(&words);
        let expected = cut_around_links(&legal, 2048);
        for mode in [Mode::Plain, Mode::Safe] {
            let expected = if expected.is_empty() { Reply::Silent } else { Reply::Text(expected.to_owned()) };
            prop_assert_eq!(heard(mode, TEXT, Reply::Text(words.clone())), Ok(expected));
        }
        let article = |text: &str| Article {
            title: text.to_owned(),
            description: text.to_owned(),
            picture_url: text.to_owned(),
            url: text.to_owned(),
        };
        let heard = heard(Mode::Plain, CLICK, Reply::Articles(vec![article(&words)]));
        prop_assert_eq!(heard, Ok(Reply::Articles(vec![article(&legal)])));
    }

    #[test]
    fn every_message_comes_through_every_mode(typed in nasty()) {
        use crate::domain::inbound::{Message, What};
        // What cannot be in a message at all is refused elsewhere; the reader of messages drops control characters.
        let typed = typed.replace(['\u{0}', '\u{fffe}', '\u{ffff}'], "");
        let xml = format!(
            "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>\
             <MsgType>text</MsgType><Content><![CDATA[{typed}]]></Content><MsgId>1</MsgId></xml>"
        );
        for mode in MODES {
            let push = sender(mode).push(&xml, &stamp()).unwrap();
            let opened = open(&account(mode), &Query::parse(&push.query).unwrap(), &push.body).unwrap();
            let content = without_controls(&typed);
            prop_assert_eq!(opened.delivery.unwrap().what, What::Message(Message::Text { content, menu_id: None }));
        }
    }

    #[test]
    fn no_bytes_at_all_can_hurt_the_reader(body in prop::collection::vec(any::<u8>(), 0..300), nasty in nasty()) {
        let query = sender(Mode::Safe).push("", &stamp()).unwrap().query;
        for body in [body.as_slice(), nasty.as_bytes(), format!("<xml>{nasty}</xml>").as_bytes()] {
            for mode in MODES {
                let _ = open(&account(mode), &Query::parse(&query).unwrap(), body);
            }
            let _ = super::read_clear(body);
            let _ = sender(Mode::Safe).hear(&Chat { openid: "", original_id: "", max_articles: 1 }, body);
        }
        let _ = Query::parse(&nasty);
    }
}
