//! Deliveries, signed and encrypted before a clock starts.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::ValueEnum;
use fuwu::channel::official::deliver::{Chat, Sender, Stamp};
use fuwu::channel::official::{Account, AccountSpec, Mode};

/// The account under load. Its secrets open nothing else.
pub const TOKEN: &str = "loadtoken2026";
/// Its EncodingAESKey.
pub const AES_KEY: &str = "Zm9yVGhlTG9hZFRvb2xPbmx5Tm90QVNlY3JldDAwMDE";
/// Its AppID.
pub const APP_ID: &str = "wx00000000000load1";
/// Its original id.
pub const ORIGINAL_ID: &str = "gh_0000000load1";

/// What words are made of: no rule of the demo's playbook knows any two of them in a row.
const CHARACTERS: &str = "春江潮水连海平明月共生滟随波千里何处无流宛转绕芳甸照花林皆似霰空霜觉飞汀白沙看见";
const WORDS_CHARACTERS: usize = 20;
/// So many different sentences are said, each by many: customers ask for the same things.
const SENTENCES: u64 = 5_000;
/// An action that asks no business system.
const MENU_KEY: &str = "offers";
/// Customers acted so long ago, which leaves their later acts in the past too.
const BEGAN_BEFORE_SECS: i64 = 3_600;

/// What customers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Act {
    /// Write 20 Chinese characters that no rule knows: one of 5,000 sentences.
    Words,
    /// Write 20 Chinese characters that nobody wrote before, so that every message is counted in a place of its own.
    StrangeWords,
    /// Tap a menu entry that shows articles.
    Taps,
}

/// Requests, as they go over the wire.
pub struct Batch {
    bytes: Vec<u8>,
    requests: Vec<(Range<usize>, u64)>,
}

/// Customers who act again and again, each act a delivery of its own.
pub struct Crowd {
    sender: Sender,
    customers: u64,
    began: i64,
    acts: u64,
    act: Act,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// The bytes of a request.
    pub fn request(&self, n: usize) -> Option<&[u8]> {
        self.requests.get(n).and_then(|(range, _)| self.bytes.get(range.clone()))
    }

    /// Who sent it.
    pub fn openid(&self, n: usize) -> Option<String> {
        self.requests.get(n).map(|(_, customer)| openid(*customer))
    }
}

impl Crowd {
    pub fn new(customers: u64, act: Act) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
        Ok(Self { sender: platform(), customers, began: now.cast_signed() - BEGAN_BEFORE_SECS, acts: 0, act })
    }

    /// Every customer follows.
    pub fn follows(&self) -> anyhow::Result<Batch> {
        let followed = "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event>\
                        <EventKey><![CDATA[]]></EventKey>";
        self.batch(0..self.customers, |n| (n, message(n, self.began, followed)))
    }

    /// The next acts. Customers take turns in an order in which neighbours have nothing to do with each other.
    pub fn next(&mut self, count: usize) -> anyhow::Result<Batch> {
        let acts = self.acts..self.acts + count as u64;
        self.acts = acts.end;
        self.batch(acts, |n| {
            let customer = n % self.customers;
            let at = self.began + 1 + (n / self.customers).cast_signed();
            let rest = match self.act {
                Act::Words => said(n, &words(mixed(n) % SENTENCES)),
                Act::StrangeWords => said(n, &words(n)),
                Act::Taps => format!(
                    "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[CLICK]]></Event>\
                     <EventKey><![CDATA[{MENU_KEY}]]></EventKey>"
                ),
            };
            (customer, message(customer, at, &rest))
        })
    }

    fn batch(&self, numbers: Range<u64>, act: impl Fn(u64) -> (u64, String)) -> anyhow::Result<Batch> {
        let mut batch = Batch { bytes: Vec::new(), requests: Vec::new() };
        for n in numbers {
            let (customer, xml) = act(n);
            let spread = mixed(n ^ 0x5eed);
            let random = std::array::from_fn(|at| b'a' + (spread >> (at * 4) & 15) as u8);
            let stamp = Stamp { timestamp: self.began, nonce: (spread % 10_000_000_000).to_string(), random };
            let push = self.sender.push(&xml, &stamp)?;
            let head = format!(
                "POST /wechat/demo?{} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\n\
                 Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
                push.query,
                push.body.len()
            );
            let begins = batch.bytes.len();
            batch.bytes.extend_from_slice(head.as_bytes());
            batch.bytes.extend_from_slice(&push.body);
            batch.requests.push((begins..batch.bytes.len(), customer));
        }
        Ok(batch)
    }
}

/// The platform, as the account sees it.
pub fn platform() -> Sender {
    Sender { token: TOKEN.into(), aes_key: AES_KEY.into(), app_id: APP_ID.into(), mode: Mode::Safe }
}

/// The chat a reply must belong to.
pub fn chat(openid: &str) -> Chat<'_> {
    Chat { openid, original_id: ORIGINAL_ID, max_articles: 8 }
}

/// The account, as it sees the platform.
pub fn account() -> anyhow::Result<Account> {
    Ok(Account::new(AccountSpec {
        id: "demo".into(),
        app_id: APP_ID.into(),
        original_id: ORIGINAL_ID.into(),
        tokens: vec![TOKEN.into()],
        aes_keys: vec![AES_KEY.into()],
        mode: Mode::Safe,
    })?)
}

fn openid(customer: u64) -> String {
    format!("oLoadTest{:019x}", mixed(customer))
}

fn message(customer: u64, at: i64, rest: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[{}]]></FromUserName>\
         <CreateTime>{at}</CreateTime>{rest}</xml>",
        openid(customer)
    )
}

fn said(n: u64, words: &str) -> String {
    let id = 7_000_000_000_000_000_000 + n;
    format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>")
}

/// A sentence; hardly any two are the same.
fn words(n: u64) -> String {
    let characters: Vec<char> = CHARACTERS.chars().collect();
    let mut spread = mixed(n);
    let mut drawn = || {
        let at = usize::try_from(spread % characters.len() as u64).unwrap_or(0);
        spread = mixed(spread);
        characters.get(at).copied().unwrap_or('春')
    };
    (0..WORDS_CHARACTERS).map(|_| drawn()).collect()
}

/// Spreads numbers without a pattern; the same in every run (the finaliser of SplitMix64).
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}
