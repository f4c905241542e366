//! Posts signed deliveries by hand: what the sandbox's platform would not do, a test can.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fuwu::channel::official::Mode;
use fuwu::channel::official::deliver::{Chat, Push, Sender, Stamp};
use fuwu::domain::reply::Reply;

use crate::harness::{AES_KEY, APP_ID, MONDAY, ORIGINAL_ID, TOKEN};

/// One who knows the account's secrets.
#[derive(Clone)]
pub struct Hand {
    pub sender: Sender,
    pub webhook: String,
    pub http: reqwest::Client,
    tries: Arc<AtomicU64>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Hand {
    pub fn to(address: SocketAddr, mode: Mode) -> Self {
        let sender = Sender { token: TOKEN.into(), aes_key: AES_KEY.into(), app_id: APP_ID.into(), mode };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { sender, webhook: format!("http://{address}/wechat/demo"), http, tries: Arc::default() }
    }

    /// What makes this try different from every other.
    pub fn stamp(&self) -> Stamp {
        let n = self.tries.fetch_add(1, Ordering::Relaxed);
        let random = std::array::from_fn(|at| b'a' + u8::try_from((n + at as u64) % 26).unwrap());
        Stamp { timestamp: MONDAY.0 + n as i64 % 1000, nonce: (1_000_000_000 + n).to_string(), random }
    }

    /// One try of a delivery.
    pub fn push(&self, xml: &str) -> Push {
        self.sender.push(xml, &self.stamp()).unwrap()
    }

    pub async fn deliver(&self, xml: &str) -> Posted {
        self.post(self.push(xml)).await
    }

    pub async fn post(&self, push: Push) -> Posted {
        self.try_post(push).await.unwrap()
    }

    /// The same, where the server may be killed meanwhile.
    pub async fn try_post(&self, push: Push) -> Result<Posted, reqwest::Error> {
        let request = self.http.post(format!("{}?{}", self.webhook, push.query)).body(push.body);
        let answer = request.header("content-type", "text/xml").send().await?;
        let status = answer.status().as_u16();
        Ok(Posted { status, body: answer.bytes().await?.to_vec() })
    }

    /// Reads an answer as strictly as the platform.
    pub fn hear(&self, openid: &str, posted: &Posted) -> Reply {
        assert_eq!(posted.status, 200, "{posted:?}");
        let chat = Chat { openid, original_id: ORIGINAL_ID, max_articles: 8 };
        self.sender.hear(&chat, &posted.body).unwrap()
    }
}

impl Posted {
    pub fn is_acknowledged_only(&self) -> bool {
        self.status == 200 && self.body == b"success"
    }
}

/// A text message.
pub fn text(openid: &str, id: u64, content: &str) -> String {
    let rest =
        format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content><MsgId>{id}</MsgId>");
    message(openid, &rest)
}

/// An event without more than its name and key.
pub fn event(openid: &str, name: &str, key: &str) -> String {
    let rest = format!(
        "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event><EventKey><![CDATA[{key}]]></EventKey>"
    );
    message(openid, &rest)
}

/// A message of Monday morning.
pub fn message(openid: &str, rest: &str) -> String {
    message_at(MONDAY.0, openid, rest)
}

pub fn message_at(at: i64, openid: &str, rest: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
         <CreateTime>{at}</CreateTime>{rest}</xml>"
    )
}
