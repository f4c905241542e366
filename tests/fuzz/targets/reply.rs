//! Replies: whatever we say is one whole message that the platform takes, with those words in it.
//!
//! An input is the kind of reply, the mode and what is answered, and the reply's texts.

use std::collections::BTreeMap;

use fuwu::channel::official::deliver::{Chat, ReplyFault};
use fuwu::channel::official::{Mode, Query, ReplyTo, open, seal};
use fuwu::domain::recent::Earned;
use fuwu::domain::reply::{Article, Reply};
use fuwu::domain::time::UnixSecs;

use super::kit::{MODES, OPENID, ORIGINAL_ID, TAP, account, is_legal, legal, sender, stamp, text_message};
use super::limits::{WEBHOOK, within};
use super::pieces::Pieces;

const MAX_TEXT_BYTES: usize = 2048;
const KINDS: usize = 8;

pub fn run(input: &[u8]) {
    within(WEBHOOK, input, || {
        let mut pieces = Pieces::of(input);
        let (kind, way) = (pieces.choice(KINDS), pieces.choice(2 * MODES.len()));
        let reply = composed(kind, &mut pieces);
        it_is_heard_as_it_was_meant(MODES[way / 2], way % 2, &reply);
    });
}

fn composed(kind: usize, pieces: &mut Pieces<'_>) -> Reply {
    let mut text = || pieces.text().into_owned();
    match kind {
        0 => Reply::Text(text()),
        1 => Reply::Image { media_id: text() },
        2 => Reply::Voice { media_id: text() },
        3 => Reply::Video { media_id: text(), title: text(), description: text() },
        4 => Reply::Music { title: text(), description: text(), url: text(), hq_url: text(), thumb_media_id: text() },
        5 => Reply::HandOver { agent: Some(text()) },
        6 => Reply::Silent,
        _ => {
            let mut articles = Vec::new();
            while !pieces.is_done() {
                let mut text = || pieces.text().into_owned();
                articles.push(Article { title: text(), description: text(), picture_url: text(), url: text() });
            }
            Reply::Articles(articles)
        }
    }
}

fn it_is_heard_as_it_was_meant(mode: Mode, answers: usize, reply: &Reply) {
    let (message, max_articles) = if answers == 0 { (text_message("x"), 1) } else { (TAP.to_owned(), 8) };
    let push = sender(mode).push(&message, &stamp()).unwrap();
    let to = open(account(mode), &Query::parse(&push.query).unwrap(), &push.body).unwrap().reply_to;
    let body = sealed(mode, &to, reply);
    assert_eq!(body, sealed(mode, &to, reply), "a retry gets the same bytes");
    let texts = elements(&body);
    let chat = Chat { openid: OPENID, original_id: ORIGINAL_ID, max_articles };
    let heard = sender(mode).hear(&chat, &body).unwrap_or_else(|fault: ReplyFault| panic!("{fault}: {reply:?}"));
    match (reply, &heard) {
        (Reply::Text(words), Reply::Text(said)) => said_of(said, &legal(words)),
        (Reply::Text(words), Reply::Silent) => assert!(nothing_in(&legal(words)), "{words:?} is not said"),
        (reply, Reply::Silent) => assert!(is_nothing(reply), "{reply:?} is not sent"),
        (reply, heard) => assert_eq!(heard, &meant(reply, max_articles)),
    }
    if let (Reply::Text(said), Mode::Plain) = (&heard, mode) {
        assert_eq!(texts.get("Content"), Some(said));
    }
}

fn sealed(mode: Mode, to: &ReplyTo, reply: &Reply) -> Vec<u8> {
    seal(account(mode), to, &Earned { reply: reply.clone(), at: UnixSecs(1_735_689_603) })
}

/// What was said is what was meant; of what is too long the beginning, or of a link that is too long its words.
fn said_of(said: &str, meant: &str) {
    assert!(!said.is_empty() && said.len() <= MAX_TEXT_BYTES);
    if meant.len() <= MAX_TEXT_BYTES {
        assert_eq!(said, meant);
    } else {
        assert!(meant.starts_with(said) || (meant.trim_start().starts_with("<a") && meant.contains(said)), "{said}");
    }
}

/// Nothing is said of an empty text, nor of a link that is too long and has no words.
fn nothing_in(words: &str) -> bool {
    words.is_empty() || (words.len() > MAX_TEXT_BYTES && words.trim_start().starts_with("<a"))
}

fn is_nothing(reply: &Reply) -> bool {
    match reply {
        Reply::Silent => true,
        Reply::Image { media_id } | Reply::Voice { media_id } | Reply::Video { media_id, .. } => {
            legal(media_id).is_empty()
        }
        Reply::Music { thumb_media_id, .. } => legal(thumb_media_id).is_empty(),
        Reply::Articles(articles) => articles.is_empty(),
        Reply::Text(_) | Reply::HandOver { .. } => false,
    }
}

fn meant(reply: &Reply, max_articles: usize) -> Reply {
    match reply.clone() {
        Reply::Image { media_id } => Reply::Image { media_id: legal(&media_id) },
        Reply::Voice { media_id } => Reply::Voice { media_id: legal(&media_id) },
        Reply::Video { media_id, title, description } => {
            Reply::Video { media_id: legal(&media_id), title: legal(&title), description: legal(&description) }
        }
        Reply::Music { title, description, url, hq_url, thumb_media_id } => Reply::Music {
            title: legal(&title),
            description: legal(&description),
            url: legal(&url),
            hq_url: legal(&hq_url),
            thumb_media_id: legal(&thumb_media_id),
        },
        Reply::Articles(articles) => Reply::Articles(
            articles
                .iter()
                .take(max_articles)
                .map(|article| Article {
                    title: legal(&article.title),
                    description: legal(&article.description),
                    picture_url: legal(&article.picture_url),
                    url: legal(&article.url),
                })
                .collect(),
        ),
        Reply::HandOver { agent } => {
            Reply::HandOver { agent: agent.map(|agent| legal(&agent)).filter(|agent| !agent.is_empty()) }
        }
        other => other,
    }
}

/// Reads a body with nothing but the rules of XML: legal characters, elements that are opened and closed, text in
/// sections that end at the first `]]>`. Gives the texts by element.
fn elements(body: &[u8]) -> BTreeMap<String, String> {
    let mut rest = std::str::from_utf8(body).expect("a body is UTF-8");
    assert!(rest.chars().all(is_legal), "a character that XML cannot hold");
    let (mut open, mut texts) = (Vec::new(), BTreeMap::new());
    if rest == "success" {
        return texts;
    }
    while !rest.is_empty() {
        if let Some(section) = rest.strip_prefix("<![CDATA[") {
            let (text, after) = section.split_once("]]>").expect("a section ends");
            texts.entry(String::clone(open.last().unwrap())).or_default().push_str(text);
            rest = after;
        } else if let Some(tag) = rest.strip_prefix('<') {
            let (name, after) = tag.split_once('>').expect("a tag ends");
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
                None => open.push(name.to_owned()),
            }
            assert!(name.trim_start_matches('/').bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
            rest = after;
            assert!(!open.is_empty() || rest.is_empty(), "one root");
        } else {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '-').expect("a number ends");
            assert!(digits > 0, "text outside of a section: {rest}");
            rest = &rest[digits..];
        }
    }
    texts
}
