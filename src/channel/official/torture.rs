//! The torture list of reliability.md 3.1 and 3.3, as far as it concerns this room; names carry its line numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fixtures::{account, sender, stamp};
use super::signature::{as_str, sign};
use super::{Account, AccountSpec, Mode, Opened, Query, Reason, Refusal, open, verify_url};
use crate::domain::ids::Scene;
use crate::domain::inbound::{Event, Inbound, Message, What};

const TOKEN: &str = "rustgrowth2026";

fn message(body: &str) -> String {
    format!(
        "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>o1</FromUserName><CreateTime>1735689600\
         </CreateTime>{body}</xml>"
    )
}

fn text(content: &str) -> String {
    message(&format!("<MsgType>text</MsgType><Content><![CDATA[{content}]]></Content><MsgId>1</MsgId>"))
}

fn opens(mode: Mode, query: &str, body: &str) -> Result<Opened, Refusal> {
    open(&account(mode), &Query::parse(query)?, body.as_bytes())
}

/// What a signed message comes to.
fn heard(xml: &[u8]) -> Result<Inbound, Reason> {
    let query = Query::parse(&sender(Mode::Plain).push("", &stamp()).unwrap().query).unwrap();
    open(&account(Mode::Plain), &query, xml).unwrap().delivery.map_err(|unusable| {
        assert_eq!(unusable.body, xml);
        unusable.reason
    })
}

/// A safe delivery of `encrypted`, rightly signed.
fn signed(encrypted: &str) -> (String, String) {
    let signature = sign([TOKEN, "1735689600", "1", encrypted]);
    let query = format!("encrypt_type=aes&timestamp=1735689600&nonce=1&msg_signature={}", as_str(&signature));
    (query, format!("<xml><ToUserName>gh_0123456789ab</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"))
}

fn encrypted(message: &str, receiver: &str) -> String {
    super::crypt::encrypt(&account(Mode::Safe).keys[0], b"0123456789abcdef", message.as_bytes(), receiver)
}

#[test]
fn w1_to_w5_only_the_whole_signature_in_lower_case_is_accepted() {
    let right = as_str(&sign([TOKEN, "1735689600", "1"])).to_owned();
    let given = |s: &str| opens(Mode::Plain, &format!("timestamp=1735689600&nonce=1{s}"), &text("x")).map(|_| ());
    let verified = |s: &str| {
        let query = Query::parse(&format!("timestamp=1735689600&nonce=1&echostr=42{s}"))?;
        verify_url(&account(Mode::Plain), &query).map(|echo| assert_eq!(echo, "42"))
    };
    assert_eq!((given(&format!("&signature={right}")), verified(&format!("&signature={right}"))), (Ok(()), Ok(())));
    let mut wrong = vec![String::new(), format!("&signature={right}0"), format!("&signature={}", right.to_uppercase())];
    wrong.extend((0..40).map(|cut| format!("&signature={}", &right[..cut])));
    wrong.extend((0..40).map(|at| {
        let other = if right.as_bytes()[at] == b'0' { "1" } else { "0" };
        format!("&signature={}{other}{}", &right[..at], &right[at + 1..])
    }));
    for wrong in wrong {
        assert_eq!((given(&wrong), verified(&wrong)), (Err(Refusal::Forbidden), Err(Refusal::Forbidden)), "{wrong}");
    }
}

#[test]
fn w12_to_w15_a_delivery_weaker_than_the_mode_is_refused() {
    for mode in [Mode::Safe, Mode::Compatible] {
        let push = sender(mode).push(&text("x"), &stamp()).unwrap();
        let body = String::from_utf8(push.body).unwrap();
        assert!(opens(mode, &push.query, &body).is_ok());
        let plain = sender(Mode::Plain).push(&text("x"), &stamp()).unwrap();
        let query = &push.query;
        let (aes, without) = ("&encrypt_type=aes", query.split("&msg_signature").next().unwrap());
        for weaker in [
            plain.query.clone(),
            format!("{}&encrypt_type=raw", plain.query),
            query.replace(aes, ""),
            query.replace(aes, "&encrypt_type="),
            query.replace(aes, "&encrypt_type=AES"),
            query.replace(aes, "&encrypt_type=aes%00"),
            query.replace(aes, "&encrypt_type=raw"),
            without.to_owned(),
            format!("{without}&msg_signature="),
            format!("{without}&msg_signature={}", as_str(&sign([TOKEN, "1735689600", "1234567890"]))),
        ] {
            assert_eq!(opens(mode, &weaker, &body).err(), Some(Refusal::Forbidden), "{mode:?} {weaker}");
            assert!(opens(mode, &weaker, &text("x")).is_err(), "{mode:?} {weaker}");
        }
        let twice = format!("{query}&encrypt_type=raw");
        assert_eq!(opens(mode, &twice, &body).err(), Some(Refusal::Malformed));
    }
}

#[test]
fn a_plain_account_with_a_key_takes_encrypted_deliveries_and_one_without_does_not() {
    let push = sender(Mode::Safe).push(&text("x"), &stamp()).unwrap();
    let body = String::from_utf8(push.body).unwrap();
    assert!(opens(Mode::Plain, &push.query, &body).unwrap().delivery.is_ok());
    let keyless = Account::new(AccountSpec {
        id: "demo".into(),
        app_id: "wx0123456789abcdef".into(),
        original_id: String::new(),
        tokens: vec![TOKEN.into()],
        aes_keys: Vec::new(),
        mode: Mode::Plain,
    });
    let refused = open(&keyless.unwrap(), &Query::parse(&push.query).unwrap(), body.as_bytes());
    assert_eq!(refused.err(), Some(Refusal::Forbidden));
}

#[test]
fn w16_to_w22_whatever_is_wrong_with_the_ciphertext_the_answer_is_the_same() {
    let right = encrypted(&text("x"), "wx0123456789abcdef");
    let (query, body) = signed(&right);
    assert!(opens(Mode::Safe, &query, &body).unwrap().delivery.is_ok());
    let mut flipped = STANDARD.decode(&right).unwrap();
    flipped[40] ^= 1;
    // W16: the bit is changed after signing.
    let (_, tampered) = signed(&STANDARD.encode(&flipped));
    assert_eq!(opens(Mode::Safe, &query, &tampered).err(), Some(Refusal::Forbidden));
    let mut cases = vec![
        String::new(),
        "!!!!".to_owned(),
        right.replace(['+', '/'], "-"),
        format!("{} {}", &right[..8], &right[8..]),
        right.trim_end_matches('=').to_owned() + "A",
        encrypted(&text("x"), "wxanother"),
        encrypted(&text("x"), "wx0123456789abcdefjunk"),
        encrypted(&text("x"), ""),
    ];
    cases.extend([0, 15, 16, 17, 31, 33].map(|len| STANDARD.encode(vec![7; len])));
    // A wrong last block gives a wrong padding; which one is up to the cipher.
    cases.extend((0..64).map(|byte| {
        let mut bytes = STANDARD.decode(&right).unwrap();
        *bytes.last_mut().unwrap() ^= byte + 1;
        STANDARD.encode(bytes)
    }));
    for case in cases {
        let (query, body) = signed(&case);
        assert_eq!(opens(Mode::Safe, &query, &body).err(), Some(Refusal::Forbidden), "{case:.60}");
    }
}

#[test]
fn w23_the_outside_must_name_the_same_account_as_the_inside() {
    let (query, body) = signed(&encrypted(&text("x"), "wx0123456789abcdef"));
    let other = body.replace("gh_0123456789ab", "gh_other");
    assert_eq!(opens(Mode::Safe, &query, &other).err(), Some(Refusal::Forbidden));
    let none = body.replace("<ToUserName>gh_0123456789ab</ToUserName>", "");
    assert!(opens(Mode::Safe, &query, &none).unwrap().delivery.is_ok());
    let blanks = body.replace("<Encrypt>", "<Encrypt>\n <![CDATA[").replace("</Encrypt>", "]]>\n</Encrypt>");
    assert!(opens(Mode::Safe, &query, &blanks).unwrap().delivery.is_ok());
}

#[test]
fn w24_old_tokens_and_keys_are_accepted_while_they_rotate_and_answered_with_themselves() {
    use super::deliver::{Chat, Sender};
    let new_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned();
    let old = sender(Mode::Safe);
    let new = Sender { token: "newtoken".into(), aes_key: new_key.clone(), ..old.clone() };
    let spec = AccountSpec {
        id: "demo".into(),
        app_id: old.app_id.clone(),
        original_id: "gh_0123456789ab".into(),
        tokens: vec!["newtoken".into(), TOKEN.into()],
        aes_keys: vec![new_key, old.aes_key.clone()],
        mode: Mode::Safe,
    };
    let rotating = Account::new(spec.clone()).unwrap();
    let earned = crate::domain::recent::Earned {
        reply: crate::domain::reply::Reply::Text("好".into()),
        at: crate::domain::time::UnixSecs(1),
    };
    let chat = Chat { openid: "o1", original_id: "gh_0123456789ab", max_articles: 1 };
    for platform in [&old, &new] {
        let push = platform.push(&text("x"), &stamp()).unwrap();
        let opened = open(&rotating, &Query::parse(&push.query).unwrap(), &push.body).unwrap();
        assert!(opened.delivery.is_ok());
        let answer = super::seal(&rotating, &opened.reply_to, &earned);
        assert_eq!(platform.hear(&chat, &answer).as_ref(), Ok(&earned.reply));
    }
    let after =
        Account::new(AccountSpec { tokens: spec.tokens[..1].to_vec(), aes_keys: spec.aes_keys[..1].to_vec(), ..spec });
    let push = old.push(&text("x"), &stamp()).unwrap();
    let refused = open(&after.unwrap(), &Query::parse(&push.query).unwrap(), &push.body);
    assert_eq!(refused.err(), Some(Refusal::Forbidden));
}

#[test]
fn w25_and_w26_nothing_is_echoed_without_a_signature() {
    let query = Query::parse("echostr=%3Cscript%3E").unwrap();
    assert_eq!(verify_url(&account(Mode::Safe), &query), Err(Refusal::Forbidden));
    let long = sender(Mode::Safe).verification(&"1".repeat(100_000), &stamp());
    assert_eq!(Query::parse(&long), Err(Refusal::Malformed));
    let none = Query::parse(&sender(Mode::Safe).push("", &stamp()).unwrap().query).unwrap();
    assert_eq!(verify_url(&account(Mode::Safe), &none), Err(Refusal::Forbidden));
}

#[test]
fn what_is_no_envelope_at_all_is_malformed() {
    let (query, body) = signed("AAAA");
    for body in [
        String::new(),
        "<xml></xml>".to_owned(),
        text("x"),
        "{}".to_owned(),
        "{\"Encrypt\":1}".to_owned(),
        body.replace("<xml>", "<!DOCTYPE xml><xml>"),
        format!("{body}junk"),
        body.replace("</Encrypt>", ""),
    ] {
        assert_eq!(opens(Mode::Safe, &query, &body).err(), Some(Refusal::Malformed), "{body}");
    }
}

#[test]
fn w41_to_w50_hostile_xml_is_kept_aside_with_its_reason() {
    let inside = |body: &str| text("x").replace("</xml>", &format!("{body}</xml>"));
    let nested = |depth: usize| inside(&("<a>".repeat(depth) + &"</a>".repeat(depth)));
    let laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]>";
    for (xml, reason) in [
        (format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{}", text("x")), Reason::Doctype),
        (format!("<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1/\">%p;]>{}", text("x")), Reason::Doctype),
        (format!("{laughs}{}", inside("<a>&lol2;</a>")), Reason::Doctype),
        (inside("<!DOCTYPE x>"), Reason::Doctype),
        (inside("<a>&lol;</a>"), Reason::Entity),
        (nested(16), Reason::TooLarge),
        (nested(20_000), Reason::TooLarge),
        (inside("<a b=\"1\"></a>"), Reason::Attribute),
        (inside("<a b/>"), Reason::Attribute),
        (inside(&format!("<a {}/>", "x=\"1\" ".repeat(80_000))), Reason::Attribute),
        (inside(&format!("<a {}/>", "xmlns:a=\"b\" ".repeat(20_000))), Reason::Attribute),
        (inside(&format!("<{0}></{0}>", "n".repeat(60_000))), Reason::TooLarge),
        (inside(&"<a/>".repeat(10_000)), Reason::TooLarge),
        (inside("<MsgType>event</MsgType><Event>CLICK</Event>"), Reason::Repeated),
        (inside("<FromUserName>o2</FromUserName>"), Reason::Repeated),
        (inside("<a>te<!-- x -->xt</a>"), Reason::Comment),
        (inside("<a>te<?x y?>xt</a>"), Reason::Comment),
        ("<html></html>".to_owned(), Reason::Malformed),
        (format!("{}<xml></xml>", text("x")), Reason::Malformed),
        (format!("{}junk", text("x")), Reason::Malformed),
        (format!("{}<![CDATA[x]]>", text("x")), Reason::Malformed),
        (format!("{}&amp;", text("x")), Reason::Malformed),
        (text("x").replace("</xml>", ""), Reason::Malformed),
        (text("x").replace("</MsgType>", "</MsgTyp>"), Reason::Malformed),
        (inside("<a>&</a>"), Reason::Malformed),
        (inside("<?xml version=\"1.0\"?>"), Reason::Malformed),
        (String::new(), Reason::Malformed),
        ("   ".to_owned(), Reason::Malformed),
        (format!("<?xml version=\"1.0\" encoding=\"GBK\"?>{}", text("x")), Reason::Encoding),
        (text("a\0b"), Reason::Character),
        (text("\u{fffe}"), Reason::Character),
        (inside("<a>\u{1}</a>"), Reason::Character),
        (inside("<a>&#0;</a>"), Reason::Character),
        (inside("<a>&#x1;</a>"), Reason::Character),
        (inside("<a>&#xD800;</a>"), Reason::Character),
        (inside("<a>&#xFFFE;</a>"), Reason::Character),
    ] {
        assert_eq!(heard(xml.as_bytes()).err(), Some(reason), "{xml:.300}");
    }
    assert!(heard(nested(15).as_bytes()).is_ok());
    assert_eq!(heard(b"<xml>\xff\xfe</xml>").err(), Some(Reason::Encoding));
    let utf16: Vec<u8> = "\u{feff}<xml/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(heard(&utf16).err(), Some(Reason::Encoding));
}

#[test]
fn odd_shapes_of_honest_messages_are_tolerated() {
    let plain = heard(text("x").as_bytes()).unwrap();
    let pretty = text("x").replace("><", ">\n  <");
    for same in [
        format!("\u{feff}{}", text("x")),
        format!("\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", text("x")),
        pretty,
        text("x").replace("</xml>", "<New><Thing/></New><Encrypt>AAAA</Encrypt></xml>"),
        text("x").replace("1735689600", " 1735689600 "),
        text("x").replace("<MsgType>text", "<MsgType><![CDATA[Text]]>"),
        text("x").replace("<![CDATA[x]]>", "&#120;"),
    ] {
        assert_eq!(heard(same.as_bytes()), Ok(plain.clone()), "{same}");
    }
}

#[test]
fn w51_to_w55_what_a_customer_typed_comes_through_as_typed() {
    for typed in [
        "]]>",
        "a]]>b]]>c",
        "]]]]><![CDATA[>",
        "<![CDATA[x]]>",
        "x]]></Content><MsgType><![CDATA[event]]></MsgType><Content><![CDATA[y",
        "&amp; &lt; &#65; <b>",
        "😀\u{202e}\u{200b}",
        "\u{200b}",
        " 两边有空格 ",
        "{{7*7}} {% for %} ${x} %s%n __proto__",
        "a\r\nSet-Cookie: b\tc",
        "",
    ] {
        let heard = heard(text(typed).as_bytes()).unwrap();
        assert_eq!(heard.what, What::Message(Message::Text { content: typed.into(), menu_id: None }), "{typed}");
    }
    let what = heard(text("a\u{2}\u{1d}b\u{1b}[31m").as_bytes()).unwrap().what;
    assert_eq!(what, What::Message(Message::Text { content: "ab[31m".into(), menu_id: None }));
    let what = heard(text("]]>\u{1}").as_bytes()).unwrap().what;
    assert_eq!(what, What::Message(Message::Text { content: "]]>".into(), menu_id: None }));
}

#[test]
fn w56_to_w58_impossible_fields_are_kept_aside() {
    for id in ["0", "-1", "18446744073709551616", "abc", "1.5", "+1"] {
        let xml = text("x").replace("<MsgId>1<", &format!("<MsgId>{id}<"));
        assert_eq!(heard(xml.as_bytes()).err(), Some(Reason::MessageId), "{id}");
    }
    for time in ["0", "-1", "soon", "1e9", "99999999999999999999", "253402300800"] {
        let xml = text("x").replace("1735689600", time);
        assert_eq!(heard(xml.as_bytes()).err(), Some(Reason::Time), "{time}");
    }
    let long = "o".repeat(1024);
    for sender in ["", " ", "o:1", "o{1", "o1}", "*", "o1\r\n", "o\u{7f}", "客户", long.as_str(), &long[..129]] {
        let xml = text("x").replace(">o1<", &format!("><![CDATA[{sender}]]><"));
        assert_eq!(heard(xml.as_bytes()).err(), Some(Reason::Sender), "{sender}");
    }
    for name in ["ToUserName", "FromUserName", "CreateTime", "MsgType"] {
        let xml = text("x").replace(&format!("<{name}>"), "<Other>").replace(&format!("</{name}>"), "</Other>");
        assert_eq!(heard(xml.as_bytes()).err(), Some(Reason::MissingField), "{name}");
    }
    let foreign = text("x").replace("gh_0123456789ab", "gh_other");
    assert_eq!(heard(foreign.as_bytes()).err(), Some(Reason::OtherAccount));
    assert!(heard(text("x").replace("1735689600", "4102444800").as_bytes()).is_ok());
    assert!(heard(text("x").replace(">o1<", &format!(">{}<", &long[..128])).as_bytes()).is_ok());
}

#[test]
fn w59_a_scene_no_code_can_carry_is_none() {
    let event = |name: &str, key: &str| {
        let body = format!("<MsgType>event</MsgType><Event>{name}</Event><EventKey>{key}</EventKey>");
        match heard(message(&body).as_bytes()).unwrap().what {
            What::Event(event) => event,
            What::Message(message) => panic!("{message:?}"),
        }
    };
    let long = "s".repeat(10 * 1024);
    let Event::Subscribed { scene, other_key, .. } = event("SUBSCRIBE", &format!("qrscene_{long}")) else { panic!() };
    assert_eq!((scene, other_key.unwrap().len()), (None, 128));
    let Event::Subscribed { scene, other_key, .. } = event("subscribe", "qrscene_") else { panic!() };
    assert_eq!((scene, other_key), (None, None));
    let Event::Subscribed { scene, .. } = event("Subscribe", &format!("qrscene_{}", &long[..64])) else { panic!() };
    assert_eq!(scene, Some(Scene::new(&long[..64])));
    let Event::Scanned { scene, .. } = event("scan", &long) else { panic!() };
    assert_eq!(scene.as_str().len(), 128);
}

#[test]
fn a_compatible_delivery_is_what_is_encrypted_whatever_stands_around_it() {
    let push = sender(Mode::Compatible).push(&text("secret"), &stamp()).unwrap();
    let body = String::from_utf8(push.body).unwrap();
    for body in [
        body.clone(),
        body.replace("secret", "forged"),
        body.replace("secret", "]]></Content><Encrypt>AAAA</Encrypt><ToUserName>x</ToUserName>"),
        body.replace("secret", "<!DOCTYPE html>\u{1}"),
    ] {
        let delivery = opens(Mode::Compatible, &push.query, &body).unwrap().delivery.unwrap();
        assert_eq!(delivery.what, What::Message(Message::Text { content: "secret".into(), menu_id: None }));
    }
}

#[test]
fn the_key_is_the_same_for_a_retry_and_different_for_anything_else() {
    let key = |xml: &str| heard(xml.as_bytes()).unwrap().key;
    let click = |more: &str| message(&format!("<MsgType>event</MsgType><Event>CLICK</Event>{more}"));
    let first = key(&text("x"));
    assert_eq!(key(&text("y")), first, "a MsgId that comes again is a retry, whatever it says");
    assert_ne!(key(&text("x").replace("<MsgId>1<", "<MsgId>2<")), first);
    assert_ne!(key(&text("x").replace("1735689600", "1735689601")), first);
    let tap = key(&click("<EventKey>a</EventKey><X>1</X>"));
    assert_eq!(key(&click("<X>1</X><EventKey><![CDATA[a]]></EventKey><Empty/>")), tap);
    assert_ne!(key(&click("<EventKey>b</EventKey><X>1</X>")), tap);
    assert_ne!(key(&click("<EventKey>a</EventKey><X>2</X>")), tap);
    assert_ne!(key(&click("<EventKey>a</EventKey><X>1</X>").replace("CLICK", "VIEW")), tap);
    let other = |xml: &str| key(&xml.replace("<FromUserName>o1<", "<FromUserName>o2<"));
    assert_ne!(other(&text("x")), first, "orders of two customers in one second are two orders");
    assert_ne!(other(&click("<EventKey>a</EventKey><X>1</X>")), tap);
    let idless = |content: &str| text(content).replace("<MsgId>1</MsgId>", "");
    assert_ne!(key(&idless("x")), key(&idless("y")));
}
