//! Customers who talk to fuwu while something is wrong behind it: the platform repeats what is refused, and whoever was
//! only acknowledged waits until others were, too, rather than to ask more and more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuwu::channel::official::Mode;
use fuwu::domain::reply::Reply;
use fuwu::store::Store;
use tokio::time::sleep;

use crate::hand::{Hand, Posted, message_at};
use crate::harness::{MONDAY, World};

pub const TALKERS: u64 = 8;
const CUSTOMERS_OF_A_TALKER: u64 = 8;
/// What is asked, and what only its answer says.
const WORDS: [(&str, &str); 2] = [("你好", "小禾在呢"), ("谢谢", "不客气")];
/// Whoever was only acknowledged goes on when fewer than so many deliveries wait.
const FEW_WAIT: u64 = 200;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Between two of a talker's deliveries: people read, and the last check reads all of it.
const READS: Duration = Duration::from_millis(5);
/// The platform waits longer; the run need not.
const REPEATS_AFTER: Duration = Duration::from_millis(100);

/// Where customers talk to, and where it is kept.
pub struct Front {
    pub hands: Vec<Hand>,
    pub metrics: Vec<String>,
    /// When they talk, by fuwu's clock.
    pub at: i64,
    pub store: Arc<dyn Store>,
}

impl Front {
    pub fn of(world: &World) -> Self {
        Self {
            hands: vec![world.hand(Mode::Safe)],
            metrics: vec![world.url("/metrics")],
            at: MONDAY.0,
            store: Arc::clone(world.store()),
        }
    }
}

/// What talkers and those who watch fuwu tell each other.
pub struct Told {
    next: AtomicU64,
    pub is_over: AtomicBool,
    /// What fuwu says is still read.
    pub is_watched: AtomicBool,
    waiting: AtomicU64,
    pub restored: AtomicU64,
    pub given_up: AtomicU64,
}

impl Told {
    pub fn at_first() -> Arc<Self> {
        Arc::new(Self {
            next: AtomicU64::new(1),
            is_over: AtomicBool::new(false),
            is_watched: AtomicBool::new(true),
            waiting: AtomicU64::new(0),
            restored: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
        })
    }
}

/// What talkers saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub acknowledged: u64,
    /// How many of them without an answer.
    pub later: u64,
    /// Tries that were answered with another status, and that were not answered.
    pub refused: u64,
    pub cut: u64,
    pub wrong: Vec<String>,
    pub slowest: Duration,
}

impl Seen {
    pub fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.wrong.extend(other.wrong);
        self.later += other.later;
        self.refused += other.refused;
        self.cut += other.cut;
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// One who speaks for some customers in turn, until it is over.
pub async fn talk((hands, at): (Vec<Hand>, i64), told: Arc<Told>, talker: u64) -> Seen {
    let (mut seen, mut owed) = (Seen::default(), HashMap::<String, [usize; 2]>::new());
    for n in 0.. {
        if told.is_over.load(Ordering::Relaxed) {
            break;
        }
        let id = told.next.fetch_add(1, Ordering::Relaxed);
        let openid = format!("oSoak{talker}-{}", n % CUSTOMERS_OF_A_TALKER);
        let word = usize::try_from(n / CUSTOMERS_OF_A_TALKER % 2).unwrap();
        let posted = until_acknowledged(&hands, (&said((at, id), &openid, word), id), &mut seen).await;
        seen.acknowledged += 1;
        let owed = owed.entry(openid.clone()).or_default();
        if posted.is_acknowledged_only() {
            seen.later += 1;
            owed[word] += 1;
            while told.waiting.load(Ordering::Relaxed) >= FEW_WAIT && !told.is_over.load(Ordering::Relaxed) {
                sleep(LOOK_EVERY).await;
            }
        } else if let Err(wrong) = is_right(&hands[0].hear(&openid, &posted), word, *owed) {
            seen.wrong.push(format!("{openid}, delivery {id}: {wrong}"));
        }
        sleep(READS).await;
    }
    seen
}

fn said((at, id): (i64, u64), openid: &str, word: usize) -> String {
    let asked = WORDS[word].0;
    let rest = format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{asked}]]></Content><MsgId>{id}</MsgId>");
    message_at(at, openid, &rest)
}

async fn until_acknowledged(hands: &[Hand], (xml, id): (&str, u64), seen: &mut Seen) -> Posted {
    for turn in usize::try_from(id).unwrap().. {
        let hand = &hands[turn % hands.len()];
        let since = Instant::now();
        let posted = hand.try_post(hand.push(xml)).await;
        seen.slowest = seen.slowest.max(since.elapsed());
        match posted {
            Ok(posted) if posted.status == 200 => return posted,
            Ok(_) => seen.refused += 1,
            Err(_) => seen.cut += 1,
        }
        sleep(REPEATS_AFTER).await;
    }
    unreachable!("it is repeated for ever")
}

/// Whether an answer is that to what was asked. In front of it may stand what the customer was owed from before.
fn is_right(reply: &Reply, word: usize, owed: [usize; 2]) -> Result<(), String> {
    let Reply::Text(words) = reply else { return Err(format!("{reply:?}")) };
    let own = |at: usize| usize::from(at == word);
    let times = [0, 1].map(|at| words.matches(WORDS[at].1).count());
    let is_right = [0, 1].iter().all(|at| (own(*at)..=own(*at) + owed[*at]).contains(&times[*at]));
    is_right.then_some(()).ok_or_else(|| format!("{} was answered with {words}", WORDS[word].0))
}

/// Reads what fuwu says of itself.
pub async fn watch(metrics: Vec<String>, told: Arc<Told>) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut before = vec![None; metrics.len()];
    while told.is_watched.load(Ordering::Relaxed) {
        let mut waiting = 0;
        for (url, before) in metrics.iter().zip(&mut before) {
            // It may be killed just now.
            let Ok(now) = told_by(&http, url).await else { continue };
            waiting += now[0];
            // Who was started again counts from nothing.
            let [_, restored, given_up] = before.unwrap_or(now);
            let grown = |before: u64, now: u64| if now < before { now } else { now - before };
            told.restored.fetch_add(grown(restored, now[1]), Ordering::Relaxed);
            told.given_up.fetch_add(grown(given_up, now[2]), Ordering::Relaxed);
            *before = Some(now);
        }
        told.waiting.store(waiting, Ordering::Relaxed);
        sleep(LOOK_EVERY).await;
    }
}

/// How many deliveries wait, were restored, were given up.
async fn told_by(http: &reqwest::Client, url: &str) -> Result<[u64; 3], reqwest::Error> {
    let text = http.get(url).timeout(Duration::from_secs(1)).send().await?.text().await?;
    let number = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    };
    Ok(["fuwu_journal_waiting", "fuwu_journal_restored_total", "fuwu_journal_lost_total"].map(number))
}

#[test]
fn an_answer_to_another_question_is_wrong_unless_it_was_owed() {
    let [hello, thanks] = WORDS.map(|(_, answer)| answer);
    let both = Reply::Text(format!("{hello}\n\n{thanks}"));
    assert!(is_right(&Reply::Text(hello.into()), 0, [0, 0]).is_ok());
    assert!(is_right(&Reply::Text(hello.into()), 1, [9, 9]).is_err());
    assert!(is_right(&both, 1, [0, 0]).is_err());
    assert!(is_right(&both, 1, [1, 0]).is_ok());
    assert!(is_right(&Reply::Text(format!("{hello}{hello}")), 0, [0, 0]).is_err());
}
