//! One message on its way to the account, and what came back (platform.md 1.5).

use std::borrow::Cow;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::model::{Answered, Spoil};
use super::service::Sandbox;
use crate::channel::official::deliver::{Chat, Push, ReplyFault, Sender, Stamp};
use crate::domain::ids::Openid;
use crate::domain::reply::Reply;

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// The answer, or `None` when every try failed.
    pub reply: Option<Reply>,
    /// What was wrong with each try that failed, for developers.
    pub faults: Vec<String>,
    /// From the first byte sent to the last byte received of the try that counted, in milliseconds.
    pub took_ms: u64,
}

impl Sandbox {
    /// Delivers a message as the faults that are switched on have it: late, more than once, after the next one.
    pub(super) async fn deliver(&self, openid: &Openid, xml: &str) -> Delivered {
        let (late_ms, reorder_ms, duplicate) = {
            let switches = self.switches();
            (switches.late_ms, switches.reorder_ms, switches.duplicate)
        };
        if late_ms > 0 {
            tokio::time::sleep(Duration::from_millis(late_ms)).await;
        }
        if reorder_ms > 0 {
            self.line().stand(Duration::from_millis(reorder_ms)).await;
        }
        // What the duplicates are answered reaches nobody.
        let timeout = self.spec().patience.timeout;
        let more = (0..duplicate).map(|_| tokio::time::timeout(timeout, self.attempt(openid, xml)));
        let (delivered, _) = tokio::join!(self.deliver_once(openid, xml), join_all(more));
        self.line().passed();
        delivered
    }

    /// Delivers a message until it is answered, at most as often as the platform does.
    async fn deliver_once(&self, openid: &Openid, xml: &str) -> Delivered {
        let patience = self.spec().patience;
        let mut faults = Vec::new();
        for nth in 1..=patience.tries {
            let began = Instant::now();
            let attempt = tokio::time::timeout(patience.timeout, self.attempt(openid, xml)).await;
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.count_answer(took_ms, i64::from(!matches!(attempt, Ok(Ok(_)))));
            match attempt {
                Ok(Ok(reply)) => {
                    return Delivered { reply: Some(reply), faults, took_ms };
                }
                Ok(Err(fault)) => faults.push(format!("第 {nth} 次：{fault}")),
                Err(_) => faults.push(format!("第 {nth} 次：{} 毫秒内没有回答", patience.timeout.as_millis())),
            }
            if nth < patience.tries {
                tokio::time::sleep(patience.interval.saturating_sub(began.elapsed())).await;
            }
        }
        tracing::warn!(tries = patience.tries, "the account did not answer a delivery");
        Delivered { reply: None, faults, took_ms: 0 }
    }

    /// Counts a try for the platform's statistics.
    fn count_answer(&self, took_ms: u64, failed: i64) {
        let ms = i64::try_from(took_ms).unwrap_or(i64::MAX);
        let answered = Answered { callbacks: 1, failed, total_ms: ms, longest_ms: ms };
        self.keeper().change().upstream.answered(self.now(), answered);
    }

    /// Checks the webhook's address as the platform does when it is saved: it must answer exactly the echo it is
    /// sent (platform.md 1.2).
    ///
    /// # Errors
    /// In words, what is wrong.
    pub async fn verify_webhook(&self) -> Result<(), String> {
        let echo = rand::random::<u64>().to_string();
        let url = self.addressed(&self.sender().verification(&echo, &self.stamp()))?;
        let asked = async {
            let response = self.http().get(url).send().await.map_err(|fault| unreachable(&fault))?;
            let status = response.status().as_u16();
            let answer = response.bytes().await.map_err(|fault| unreachable(&fault))?;
            match status {
                200 if answer == echo => Ok(()),
                200 => Err("回答的不是 echostr 原文".to_owned()),
                _ => Err(format!("HTTP 状态 {status}，Token 可能对不上")),
            }
        };
        let timeout = self.spec().patience.timeout;
        tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| Err("没有及时回答".to_owned()))
    }

    /// What makes one try different from another.
    fn stamp(&self) -> Stamp {
        Stamp {
            timestamp: self.now(),
            nonce: (rand::random::<u32>() | 1 << 30).to_string(),
            random: rand::random::<[u8; 16]>().map(|byte| b'a' + byte % 26),
        }
    }

    /// The webhook's address, its own query string kept.
    fn addressed(&self, query: &str) -> Result<Url, String> {
        let mut url = self.webhook_url().ok_or("还没有设置消息推送地址")?;
        let query = url.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
        url.set_query(Some(&query));
        Ok(url)
    }

    /// The message as it travels, spoiled if that is switched on.
    fn sealed(&self, xml: &str) -> Result<Push, String> {
        let spoil = self.switches().spoil;
        let own = self.sender().clone();
        let sender = match spoil {
            Some(Spoil::Signature) => Sender { token: format!("not{}", own.token), ..own },
            Some(Spoil::AppId) => Sender { app_id: "wxffffffffffffffff".to_owned(), ..own },
            _ => own,
        };
        let xml = spoil.map_or_else(|| Cow::Borrowed(xml), |spoil| Cow::Owned(spoil.message(xml)));
        sender.push(&xml, &self.stamp()).map_err(|fault| fault.to_string())
    }

    /// One try: a fresh timestamp, nonce and signature around the same message.
    async fn attempt(&self, openid: &Openid, xml: &str) -> Result<Reply, String> {
        let sealed = self.sealed(xml)?;
        let url = self.addressed(&format!("{}&openid={openid}", sealed.query))?;
        let request = self.http().post(url).header(CONTENT_TYPE, "text/xml").body(sealed.body);
        let response = request.send().await.map_err(|fault| unreachable(&fault))?;
        let status = response.status();
        let answer = response.bytes().await.map_err(|fault| unreachable(&fault))?;
        if status != reqwest::StatusCode::OK {
            return Err(format!("HTTP 状态 {}", status.as_u16()));
        }
        let chat = Chat {
            openid: openid.as_str(),
            original_id: &self.spec().original_id,
            // What is too many is dropped where it is shown, as the platform does without a word.
            max_articles: usize::MAX,
        };
        self.sender().hear(&chat, &answer).map_err(|fault| in_words(&fault))
    }
}

/// What is wrong with an answer, for the developer at the phone.
fn in_words(fault: &ReplyFault) -> String {
    match fault {
        ReplyFault::NotAReply(reason) => format!("回复不是平台认得的 XML（{reason}）；没有要说的就答 success"),
        ReplyFault::NotEncrypted => "账号在安全模式，回复却没有加密".to_owned(),
        ReplyFault::Encrypted => "账号在明文模式，回复却加了密".to_owned(),
        ReplyFault::Signature => "MsgSignature 与 Encrypt、TimeStamp、Nonce、Token 对不上".to_owned(),
        ReplyFault::Undecryptable => "Encrypt 解不开，或是给别的 AppID 的".to_owned(),
        ReplyFault::Field("ToUserName") => "ToUserName 不是这位客户的 openid".to_owned(),
        ReplyFault::Field("FromUserName") => "FromUserName 不是公众号的原始 ID".to_owned(),
        ReplyFault::Field(name) => format!("{name} 缺失、为空或不合规则"),
        ReplyFault::TextTooLong(bytes) => format!("Content 有 {bytes} 字节，平台最多收 2048 字节"),
        ReplyFault::TooManyArticles(sent, most) => format!("图文有 {sent} 篇，平台这里只收 {most} 篇"),
        ReplyFault::Kind(kind) => format!("被动回复没有 {kind} 这种类型"),
    }
}

/// In words that do not hold the address, which carries the openid.
fn unreachable(fault: &reqwest::Error) -> String {
    let words = if fault.is_connect() {
        "连不上消息推送地址"
    } else if fault.is_body() {
        "回答没有传完"
    } else {
        "连接中断，没有回答"
    };
    words.to_owned()
}
