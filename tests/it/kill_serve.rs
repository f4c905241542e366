//! The real program, killed at any moment under signed traffic: every delivery that got its 200 is there, once, and one
//! that did not is there once after the platform has repeated it. `FUWU_KILLS=1000` makes a soak of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use fuwu::domain::fact::FactKind;
use fuwu::domain::recent::{MAX_REPLIES, REPLIES_KEPT_SECS};
use fuwu::growth::counter::Metric;
use fuwu::store::{CounterRange, Embedded, Store};
use tokio::sync::Notify;

use crate::hand::{Hand, Posted, message_at};
use crate::process::Process;

const TASKS: u64 = 16;
const CUSTOMERS_OF_A_TASK: u64 = 16;
const KILLS_OF_A_STORE: u64 = 50;

/// A message and whom it is from.
#[derive(Clone)]
pub struct Sent {
    pub openid: String,
    pub xml: String,
    since: Instant,
}

/// What became of the messages of one life of the program.
#[derive(Default)]
pub struct Life {
    pub acknowledged: Vec<(Sent, Posted)>,
    pub unanswered: Vec<Sent>,
}

#[actix_web::test]
async fn every_acknowledged_delivery_survives_a_kill_of_the_real_program_once() {
    let kills: u64 = std::env::var("FUWU_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let (mut dir, mut expected) = (tempfile::tempdir().unwrap(), BTreeMap::<String, usize>::new());
    let mut acknowledged = 0;
    for kill in 0..kills {
        // All of it is counted after every kill, which would take ever longer.
        if kill % KILLS_OF_A_STORE == 0 {
            acknowledged += expected.values().sum::<usize>();
            (dir, expected) = (tempfile::tempdir().unwrap(), BTreeMap::new());
        }
        let process = Process::start(dir.path(), &[]);
        let life = run_and_kill(process, kill).await;
        for (sent, posted) in &life.acknowledged {
            assert!(!posted.is_acknowledged_only(), "who is served by a file is answered");
            *expected.entry(sent.openid.clone()).or_default() += 1;
        }
        // Beside the dead program, before anything is mended.
        let there = kept(dir.path()).await;
        for (openid, acknowledged) in &expected {
            let in_flight = life.unanswered.iter().filter(|sent| sent.openid == *openid).count();
            let found = there.get(openid).copied().unwrap_or(0);
            assert!((*acknowledged..=acknowledged + in_flight).contains(&found), "kill {kill}, {openid}: {found}");
        }

        let process = Process::start(dir.path(), &[]);
        let hand = process.hand();
        for sent in &life.unanswered {
            assert_eq!(hand.deliver(&sent.xml).await.status, 200, "repeated after kill {kill}");
            *expected.entry(sent.openid.clone()).or_default() += 1;
        }
        for (sent, answer) in still_repeated(&life).step_by(7).take(50) {
            let again = hand.deliver(&sent.xml).await;
            let is_old = sent.since.elapsed() >= Duration::from_secs(REPLIES_KEPT_SECS.unsigned_abs());
            assert!(
                again == *answer || is_old,
                "an acknowledged one again, after kill {kill}: {again:?}, not {answer:?}"
            );
        }
        assert_eq!(kept(dir.path()).await, expected, "after kill {kill}");
        process.kill();
    }
    acknowledged += expected.values().sum::<usize>();
    println!("{kills} kills, {acknowledged} deliveries acknowledged");
    assert!(acknowledged > usize::try_from(kills * 100).unwrap(), "it was hardly busy");
}

/// What was acknowledged, the last first, but for what so many newer replies to the same customer have driven out.
fn still_repeated(life: &Life) -> impl Iterator<Item = &(Sent, Posted)> {
    let mut newer: BTreeMap<&str, usize> = BTreeMap::new();
    for sent in &life.unanswered {
        *newer.entry(&sent.openid).or_default() += 1;
    }
    life.acknowledged.iter().rev().filter(move |(sent, _)| {
        let newer = newer.entry(&sent.openid).or_default();
        *newer += 1;
        *newer <= MAX_REPLIES
    })
}

/// Lets the program acknowledge so many deliveries, and kills it among the next ones.
pub async fn run_and_kill(process: Process, kill: u64) -> Life {
    let after = 100 + kill * 7_919 % 901;
    let (count, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let hand = process.hand();
    let tasks = (0..TASKS).map(|task| {
        let (hand, count, enough) = (hand.clone(), Arc::clone(&count), Arc::clone(&enough));
        tokio::spawn(async move {
            let mut life = Life::default();
            for n in 0.. {
                let sent = message(kill, task, n);
                match send(&hand, &sent).await {
                    Some(answer) => life.acknowledged.push((sent, answer)),
                    None => {
                        life.unanswered.push(sent);
                        break;
                    }
                }
                if count.fetch_add(1, Ordering::Relaxed) + 1 == after {
                    enough.notify_one();
                }
            }
            life
        })
    });
    let tasks: Vec<_> = tasks.collect();
    tokio::time::timeout(Duration::from_secs(60), enough.notified()).await.expect("it is too slow");
    process.kill();
    let mut all = Life::default();
    for life in join_all(tasks).await {
        let life = life.unwrap();
        all.acknowledged.extend(life.acknowledged);
        all.unanswered.extend(life.unanswered);
    }
    all
}

/// `None` when no whole answer came.
async fn send(hand: &Hand, sent: &Sent) -> Option<Posted> {
    let posted = hand.try_post(hand.push(&sent.xml)).await.ok()?;
    assert_eq!(posted.status, 200);
    assert!(posted.body.ends_with(b"</xml>") || posted.is_acknowledged_only(), "a whole answer: {posted:?}");
    Some(posted)
}

fn message(kill: u64, task: u64, n: u64) -> Sent {
    let openid = format!("oKilled{kill:06}x{task:04}x{:09}", n % CUSTOMERS_OF_A_TASK);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let id = (kill << 32) + (task << 24) + n + 1;
    let rest = format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[第{n}句]]></Content><MsgId>{id}</MsgId>");
    Sent { xml: message_at(i64::try_from(now).unwrap(), &openid, &rest), openid, since: Instant::now() }
}

/// The messages of each customer that are in the store, by its log; the counters agree with it.
pub async fn kept(dir: &Path) -> BTreeMap<String, usize> {
    let store = Embedded::open_read_only(&dir.join("data")).unwrap();
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for logged in store.facts(&"demo".into(), 0, usize::MAX).await.unwrap() {
        if logged.fact.what == FactKind::Messaged {
            *kept.entry(logged.of.openid.as_str().to_owned()).or_default() += 1;
        }
    }
    let range = CounterRange::all(Metric::Messages);
    let counted = store.counters(&"demo".into(), &[range]).await.unwrap().sum_to(Metric::Messages, i32::MAX);
    assert_eq!(usize::try_from(counted).unwrap(), kept.values().sum::<usize>(), "counters and log");
    kept
}
