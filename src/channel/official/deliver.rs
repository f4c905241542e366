//! The platform's side of the wire: it signs and encrypts messages, and reads what comes back as strictly as the
//! platform does (platform.md 1.3 to 1.6, part 3). For the sandbox, the tests and the load tool.

use super::account::Mode;
use super::crypt;
use super::key::AesKey;
use super::read::{ContentEnds, parse_xml};
use super::render::{MAX_TEXT_BYTES, Xml};
use super::signature::{as_str, matches, sign};
use super::tree::Node;
use crate::domain::reply::{Article, Reply};

/// The platform, as it sees one account.
#[derive(Clone)]
pub struct Sender {
    /// The token it signs with.
    pub token: String,
    /// The EncodingAESKey it encrypts with; unused in plain mode.
    pub aes_key: String,
    /// The AppID.
    pub app_id: String,
    /// How it delivers.
    pub mode: Mode,
}

/// What makes one try different from another. Handed in: nothing here is random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Unix seconds.
    pub timestamp: i64,
    /// Digits; used as they are.
    pub nonce: String,
    /// Random bytes before the message.
    pub random: [u8; 16],
}

/// A request, ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The query string, without its question mark.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The chat a reply must belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chat<'a> {
    /// The customer who sent the message.
    pub openid: &'a str,
    /// The account's original id.
    pub original_id: &'a str,
    /// Articles that would be shown: 1 after a message, 8 after a tap, scan or follow.
    pub max_articles: usize,
}

/// What is wrong with a reply: the customer would see that the service is unavailable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// Neither `success`, nor nothing, nor a message.
    #[error("the body is not the XML of a reply: {0}")]
    NotAReply(&'static str),
    /// In clear where it must be encrypted.
    #[error("the reply is in clear, but the account is in safe mode")]
    NotEncrypted,
    /// Encrypted where nothing may be.
    #[error("the reply is encrypted, but the account is in plain mode")]
    Encrypted,
    /// `MsgSignature` does not fit.
    #[error("MsgSignature does not fit Encrypt, TimeStamp, Nonce and the token")]
    Signature,
    /// It cannot be decrypted, or is for another AppID.
    #[error("Encrypt cannot be decrypted with the key, or is for another AppID")]
    Undecryptable,
    /// A field is missing, empty or wrong.
    #[error("{0} is missing or not what it must be")]
    Field(&'static str),
    /// More than the platform takes.
    #[error("Content has {0} bytes, the platform takes 2048")]
    TextTooLong(usize),
    /// More than the platform shows.
    #[error("{0} articles, the platform shows {1} here")]
    TooManyArticles(usize, usize),
    /// A type no reply has.
    #[error("a reply cannot be of type {0}")]
    Kind(String),
}

impl Sender {
    /// Signs and encrypts a message as the mode says. `xml` is the message in clear, from `<xml>` to `</xml>` (or an
    /// object of JSON); what a customer typed stands raw in its `Content`, because the platform does not split `]]>` there (platform.md 9.26).
    ///
    /// # Errors
    /// [`AccountFault::BadKey`](super::AccountFault::BadKey) if the mode needs the key and it is none.
    pub fn push(&self, xml: &str, stamp: &Stamp) -> Result<Push, super::AccountFault> {
        let openid = text_of(xml, "<FromUserName>", "</FromUserName>");
        let query = format!("{}&openid={}", self.ask(stamp), escaped(openid));
        if self.mode == Mode::Plain {
            return Ok(Push { query, body: xml.as_bytes().to_vec() });
        }
        let key = AesKey::decode(&self.aes_key).ok_or(super::AccountFault::BadKey(1))?;
        let encrypted = crypt::encrypt(&key, &stamp.random, xml.as_bytes(), &self.app_id);
        let signature = sign([&self.token, &stamp.timestamp.to_string(), &stamp.nonce, &encrypted]);
        let body = self.envelope(xml, &encrypted);
        let query = format!("{query}&encrypt_type=aes&msg_signature={}", as_str(&signature));
        Ok(Push { query, body: body.into_bytes() })
    }

    fn envelope(&self, message: &str, encrypted: &str) -> String {
        if message.starts_with('{') {
            // Mini programs have no compatible mode: their envelope is always the safe one (platform.md 1.7).
            return serde_json::json!({"Encrypt": encrypted}).to_string();
        }
        let mut body = Xml(String::with_capacity(message.len() + encrypted.len() + 64));
        if self.mode == Mode::Compatible {
            body.0.push_str(message.strip_suffix("</xml>").unwrap_or(message));
        } else {
            body.open("xml");
            body.text("ToUserName", text_of(message, "<ToUserName>", "</ToUserName>"));
        }
        body.text("Encrypt", encrypted);
        body.close("xml");
        body.0
    }

    /// The query string of the verification of the URL.
    pub fn verification(&self, echostr: &str, stamp: &Stamp) -> String {
        format!("{}&echostr={}", self.ask(stamp), escaped(echostr))
    }

    fn ask(&self, stamp: &Stamp) -> String {
        let timestamp = stamp.timestamp.to_string();
        let signature = sign([&self.token, &timestamp, &stamp.nonce]);
        format!("signature={}&timestamp={timestamp}&nonce={}", as_str(&signature), stamp.nonce)
    }

    /// Reads what came back: verifies and decrypts it as the mode says, and holds it against part 3.
    ///
    /// # Errors
    /// [`ReplyFault`]: what the platform would not show.
    pub fn hear(&self, chat: &Chat<'_>, body: &[u8]) -> Result<Reply, ReplyFault> {
        if body.is_empty() || body == super::seal::ACK {
            return Ok(Reply::Silent);
        }
        let outer = std::str::from_utf8(body).map_err(|_| ReplyFault::NotAReply("encoding"))?;
        let tree = parse_xml(outer, ContentEnds::First).map_err(|reason| ReplyFault::NotAReply(reason.as_str()))?;
        match (tree.root().child("Encrypt"), self.mode) {
            (None, Mode::Safe) => Err(ReplyFault::NotEncrypted),
            (None, _) => understand(tree.root(), chat),
            (Some(_), Mode::Plain) => Err(ReplyFault::Encrypted),
            (Some(encrypted), _) => {
                let clear = self.decrypt(tree.root(), encrypted.value())?;
                let clear = std::str::from_utf8(clear.message()).map_err(|_| ReplyFault::NotAReply("encoding"))?;
                let inner = parse_xml(clear, ContentEnds::First);
                understand(inner.map_err(|reason| ReplyFault::NotAReply(reason.as_str()))?.root(), chat)
            }
        }
    }

    fn decrypt(&self, root: Node<'_>, encrypted: &str) -> Result<crypt::Clear, ReplyFault> {
        let signed = sign([&self.token, root.get("TimeStamp"), root.get("Nonce"), encrypted]);
        if !matches(&signed, root.get("MsgSignature")) {
            return Err(ReplyFault::Signature);
        }
        AesKey::decode(&self.aes_key)
            .and_then(|key| crypt::decrypt(&key, encrypted, self.app_id.as_bytes()))
            .ok_or(ReplyFault::Undecryptable)
    }
}

/// The text of an element of a message that is known to be well-formed, CDATA or not.
fn text_of<'x>(xml: &'x str, opens: &str, closes: &str) -> &'x str {
    let text = xml.split_once(opens).and_then(|(_, rest)| rest.split_once(closes)).map_or("", |(text, _)| text);
    text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text)
}

/// Percent-escaped for a query. This is no form: a plus stays a plus, so a blank must not become one.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn understand(root: Node<'_>, chat: &Chat<'_>) -> Result<Reply, ReplyFault> {
    let check = |fits, name| if fits { Ok(()) } else { Err(ReplyFault::Field(name)) };
    check(root.get("ToUserName") == chat.openid, "ToUserName")?;
    check(root.get("FromUserName") == chat.original_id, "FromUserName")?;
    check(root.number::<i64>("CreateTime").is_some(), "CreateTime")?;
    match root.get("MsgType") {
        "text" => words(root),
        "image" => Ok(Reply::Image { media_id: inside(root, "Image", "MediaId")? }),
        "voice" => Ok(Reply::Voice { media_id: inside(root, "Voice", "MediaId")? }),
        "video" => Ok(Reply::Video {
            media_id: inside(root, "Video", "MediaId")?,
            title: maybe(root, "Video", "Title"),
            description: maybe(root, "Video", "Description"),
        }),
        "music" => Ok(Reply::Music {
            title: maybe(root, "Music", "Title"),
            description: maybe(root, "Music", "Description"),
            url: maybe(root, "Music", "MusicUrl"),
            hq_url: maybe(root, "Music", "HQMusicUrl"),
            thumb_media_id: inside(root, "Music", "ThumbMediaId")?,
        }),
        "news" => articles(root, chat.max_articles),
        "transfer_customer_service" => {
            Ok(Reply::HandOver { agent: Some(maybe(root, "TransInfo", "KfAccount")).filter(|agent| !agent.is_empty()) })
        }
        other => Err(ReplyFault::Kind(other.to_owned())),
    }
}

fn words(root: Node<'_>) -> Result<Reply, ReplyFault> {
    match root.get("Content") {
        "" => Err(ReplyFault::Field("Content")),
        long if long.len() > MAX_TEXT_BYTES => Err(ReplyFault::TextTooLong(long.len())),
        words => Ok(Reply::Text(words.to_owned())),
    }
}

fn maybe(root: Node<'_>, group: &str, name: &str) -> String {
    root.child(group).map(|group| group.text(name)).unwrap_or_default()
}

fn inside(root: Node<'_>, group: &str, name: &'static str) -> Result<String, ReplyFault> {
    Some(maybe(root, group, name)).filter(|text| !text.is_empty()).ok_or(ReplyFault::Field(name))
}

fn articles(root: Node<'_>, max: usize) -> Result<Reply, ReplyFault> {
    let article = |item: Node<'_>| Article {
        title: item.text("Title"),
        description: item.text("Description"),
        picture_url: item.text("PicUrl"),
        url: item.text("Url"),
    };
    let list: Vec<Article> =
        root.child("Articles").into_iter().flat_map(|list| list.all("item")).map(article).collect();
    if list.is_empty() || root.number("ArticleCount") != Some(list.len()) {
        return Err(ReplyFault::Field("ArticleCount"));
    }
    if list.len() > max { Err(ReplyFault::TooManyArticles(list.len(), max)) } else { Ok(Reply::Articles(list)) }
}
