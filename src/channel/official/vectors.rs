//! The published and the cross-checked vectors (platform.md 1.8), in both directions.

use serde::Deserialize;

use super::deliver::{Chat, ReplyFault, Sender, Stamp};
use super::signature::{as_str, sign};
use super::{Account, AccountSpec, Mode, Query, Reason, crypt, key::AesKey, open, verify_url};
use crate::domain::inbound::{Event, Message, What};
use crate::domain::reply::Reply;

#[derive(Deserialize)]
struct Vector {
    name: String,
    token: String,
    aeskey43: String,
    aeskey_hex: String,
    receive_id: String,
    random16: String,
    timestamp: String,
    nonce: String,
    plaintext: String,
    ciphertext: String,
    msg_signature: String,
    url_signature: String,
}

fn all() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../fixtures/vectors.json")).unwrap()
}

fn one(name: &str) -> Vector {
    all().into_iter().find(|v| v.name.split(' ').next() == Some(name)).unwrap()
}

impl Vector {
    fn account(&self) -> Account {
        Account::new(AccountSpec {
            id: "demo".into(),
            app_id: self.receive_id.clone(),
            original_id: "gh_0123456789ab".into(),
            tokens: vec![self.token.clone()],
            aes_keys: vec![self.aeskey43.clone()],
            mode: Mode::Safe,
        })
        .unwrap()
    }

    fn sender(&self) -> Sender {
        Sender {
            token: self.token.clone(),
            aes_key: self.aeskey43.clone(),
            app_id: self.receive_id.clone(),
            mode: Mode::Safe,
        }
    }

    fn query(&self) -> Query {
        let Self { msg_signature, timestamp, nonce, .. } = self;
        let raw = format!("msg_signature={msg_signature}&timestamp={timestamp}&nonce={nonce}&encrypt_type=aes");
        Query::parse(&raw).unwrap()
    }

    fn opened(&self) -> Result<crate::domain::inbound::Inbound, super::Unusable> {
        let body = format!("<xml><Encrypt><![CDATA[{}]]></Encrypt></xml>", self.ciphertext);
        open(&self.account(), &self.query(), body.as_bytes()).unwrap().delivery
    }
}

#[test]
fn every_vector_encrypts_and_signs_to_the_same_bytes() {
    for v in all() {
        let key = AesKey::decode(&v.aeskey43).unwrap();
        let hex: String = key.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, v.aeskey_hex, "{}", v.name);
        let random = v.random16.as_bytes().try_into().unwrap();
        assert_eq!(crypt::encrypt(&key, random, v.plaintext.as_bytes(), &v.receive_id), v.ciphertext, "{}", v.name);
        let signed = sign([&v.token, &v.timestamp, &v.nonce, &v.ciphertext]);
        assert_eq!(as_str(&signed), v.msg_signature, "{}", v.name);
        assert_eq!(as_str(&sign([&v.token, &v.timestamp, &v.nonce])), v.url_signature, "{}", v.name);
    }
}

#[test]
fn every_vector_decrypts_to_its_plaintext() {
    for v in all() {
        let clear = crypt::decrypt(&AesKey::decode(&v.aeskey43).unwrap(), &v.ciphertext, v.receive_id.as_bytes());
        assert_eq!(clear.unwrap().message(), v.plaintext.as_bytes(), "{}", v.name);
    }
}

#[test]
fn a_push_is_the_vector() {
    for name in ["A", "B", "F"] {
        let v = one(name);
        let stamp = Stamp {
            timestamp: v.timestamp.parse().unwrap(),
            nonce: v.nonce.clone(),
            random: v.random16.as_bytes().try_into().unwrap(),
        };
        let push = v.sender().push(&v.plaintext, &stamp).unwrap();
        assert!(push.query.contains(&format!("msg_signature={}", v.msg_signature)), "{name}");
        assert!(push.query.starts_with(&format!("signature={}&", v.url_signature)), "{name}");
        assert!(String::from_utf8(push.body).unwrap().contains(&v.ciphertext), "{name}");
    }
}

#[test]
fn the_inbound_vectors_open() {
    let text = |name| match one(name).opened().unwrap().what {
        What::Message(Message::Text { content, .. }) => content,
        other => panic!("{other:?}"),
    };
    assert_eq!((text("A").as_str(), text("B").as_str()), ("hello", "你好😀"));
    assert_eq!(one("F").opened().unwrap().what, What::Event(Event::SubscriptionsAnswered(Vec::new())));
}

#[test]
fn vectors_that_are_no_message_are_verified_and_kept_in_clear() {
    for (name, reason) in [
        ("C", Reason::MissingField),
        ("C2", Reason::MissingField),
        ("C3", Reason::MissingField),
        ("E", Reason::Malformed),
    ] {
        let v = one(name);
        let unusable = v.opened().unwrap_err();
        assert_eq!((unusable.reason, unusable.body), (reason, v.plaintext.into_bytes()), "{name}");
    }
}

#[test]
fn the_outbound_vector_is_heard_as_a_reply() {
    let v = one("D");
    let chat = Chat { openid: "oTESTopenid0000000000000001", original_id: "gh_0123456789ab", max_articles: 1 };
    let body = super::seal::sealed_xml(&v.token, &v.ciphertext, &v.timestamp, &v.nonce);
    assert!(String::from_utf8(body.clone()).unwrap().contains(&v.msg_signature));
    assert_eq!(v.sender().hear(&chat, &body), Ok(Reply::Text("欢迎关注".into())));
    let forged = String::from_utf8(body).unwrap().replace(&v.nonce, "other");
    assert_eq!(v.sender().hear(&chat, forged.as_bytes()), Err(ReplyFault::Signature));
}

#[test]
fn the_platforms_published_envelope_comes_out() {
    let encrypted = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==";
    let signed = sign(["AAAAA", "1713424427", "415670741", encrypted]);
    assert_eq!(as_str(&signed), "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1");
}

#[test]
fn the_platforms_published_verification_is_answered() {
    let account = Account::new(AccountSpec { tokens: vec!["AAAAA".into()], ..spec() }).unwrap();
    let raw = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249&timestamp=1714036504\
               &nonce=1514711492";
    assert_eq!(verify_url(&account, &Query::parse(raw).unwrap()).as_deref(), Ok("4375120948345356249"));
    let stamp = Stamp { timestamp: 1_714_036_504, nonce: "1514711492".into(), random: [0; 16] };
    let sender = Sender { token: "AAAAA".into(), aes_key: String::new(), app_id: String::new(), mode: Mode::Plain };
    let asked = Query::parse(&sender.verification("+a b/=", &stamp)).unwrap();
    assert_eq!(verify_url(&account, &asked).as_deref(), Ok("+a b/="));
}

fn spec() -> AccountSpec {
    AccountSpec {
        id: "demo".into(),
        app_id: String::new(),
        original_id: String::new(),
        tokens: Vec::new(),
        aes_keys: Vec::new(),
        mode: Mode::Plain,
    }
}
