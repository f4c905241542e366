//! A random conversation, delivered once each and in order, and the same one with duplicates at once and retries later,
//! leave the same record, the same counters and the same facts. `PROPTEST_CASES` sets how many (32).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use fuwu::channel::official::Mode;
use fuwu::domain::customer::Customer;
use fuwu::domain::ids::Openid;
use fuwu::domain::recent::{KEYS_KEPT_SECS, REPLIES_KEPT_SECS};
use fuwu::domain::time::UnixSecs;
use fuwu::growth::counter::{CounterKey, Metric};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::hand::{Hand, Posted, message_at};
use crate::harness::{World, until};

const WORDS: [&str; 22] = [
    "你好",
    "查话费",
    "充流量",
    "1",
    "2",
    "3",
    "5",
    "9",
    "确认",
    "取消",
    "重选",
    "好的",
    "我的订单",
    "签到",
    "评分",
    "5星",
    "话题",
    "反馈",
    "昨晚八点在人民路一直卡",
    "转人工",
    "天下大势分久必合",
    "]]> <xml>",
];
const KEYS: [&str; 8] =
    ["query_data", "buy_data", "offers", "sign_in", "topic", "feedback", "rating", "a_key_without_action"];
/// How long work in hand is nobody else's; what nobody waits for is put off for longer than that.
const LEASE_SECS: i64 = 60;

#[derive(Clone, Debug)]
enum Act {
    Say(&'static str),
    Picture,
    Event(&'static str, String),
}

/// One act, and how it is delivered in the second world.
#[derive(Clone, Debug)]
struct Step {
    act: Act,
    /// Since the step before.
    secs: i64,
    /// At the same moment.
    copies: usize,
    /// Once more, after so many further steps.
    again_after: Option<usize>,
}

fn act() -> impl Strategy<Value = Act> {
    let event = |name: &'static str, key: &str| Just(Act::Event(name, key.to_owned()));
    prop_oneof![
        8 => select(&WORDS[..]).prop_map(Act::Say),
        4 => select(&KEYS[..]).prop_map(|key| Act::Event("CLICK", key.to_owned())),
        1 => Just(Act::Picture),
        1 => event("subscribe", ""),
        1 => event("subscribe", "qrscene_store:nanjing"),
        1 => event("unsubscribe", ""),
        1 => event("SCAN", "poster:metro"),
        1 => event("VIEW", "https://example.com/"),
        1 => event("something_new", "x"),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let secs = prop_oneof![6 => 1..20i64, 1 => 20..700i64, 1 => Just(86_400i64)];
    (act(), secs, 1..=3usize, proptest::option::of(0..3usize)).prop_map(|(act, secs, copies, again_after)| Step {
        act,
        secs,
        copies,
        again_after,
    })
}

impl Step {
    fn xml(&self, openid: &str, at: i64, id: u64) -> String {
        let rest = match &self.act {
            Act::Say(words) => {
                format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId>")
            }
            Act::Picture => format!(
                "<MsgType><![CDATA[image]]></MsgType><PicUrl><![CDATA[http://p/1]]></PicUrl><MsgId>{id}</MsgId>\
                 <MediaId><![CDATA[m]]></MediaId>"
            ),
            Act::Event(name, key) => format!(
                "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>\
                 <EventKey><![CDATA[{key}]]></EventKey>"
            ),
        };
        message_at(at, openid, &rest)
    }
}

/// What a conversation leaves behind.
#[derive(Debug, PartialEq)]
struct Left {
    customer: Customer,
    counters: BTreeMap<CounterKey, i64>,
    facts: Vec<String>,
    answers: Vec<Posted>,
}

#[test]
fn a_property_duplicates_and_retries_change_nothing() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32);
    let system = actix_web::rt::System::new();
    // One address, so that articles are at the same place in both.
    let address = [("FUWU__SERVER__PUBLIC_URL", "http://story.example")];
    let once = system.block_on(World::start_with(&address));
    // And one key, since numbers of orders and tickets are made with it.
    let beside = tempfile::tempdir().unwrap();
    std::fs::create_dir(beside.path().join("data")).unwrap();
    let secrets = std::path::Path::new("data/secrets.json");
    std::fs::copy(once.dir.path().join(secrets), beside.path().join(secrets)).unwrap();
    let often = system.block_on(World::open(beside, &address));
    let number = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&vec(step(), 1..14), |steps| {
        number.set(number.get() + 1);
        // Both worlds know the customer by the same name: numbers of orders and tickets are made from it.
        let openid = format!("oPropertyCustomer{:011}", number.get());
        let started = once.clock_now().max(often.clock_now());
        let (mut left, mut right) = (None, None);
        system.block_on(async {
            left = Some(live(&once, &openid, started, &steps.iter().cloned().map(plainly).collect::<Vec<_>>()).await);
            right = Some(live(&often, &openid, started, &steps).await);
        });
        prop_assert_eq!(left, right);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn plainly(step: Step) -> Step {
    Step { copies: 1, again_after: None, ..step }
}

async fn live(world: &World, openid: &str, started: i64, steps: &[Step]) -> Left {
    let hand = world.hand(Mode::Safe);
    let before = counters(world).await;
    let (mut clock, mut left) = (started, 0);
    let mut later: Vec<(usize, i64, String, Posted)> = Vec::new();
    let mut answers = Vec::new();
    for (nth, step) in steps.iter().enumerate() {
        clock += step.secs;
        world.clock.set(UnixSecs(clock));
        let xml = step.xml(openid, clock, u64::try_from(started + nth as i64).unwrap());
        let answer = the_same_for_all(&hand, step.copies, &xml).await;
        settled(world).await;
        if let Some(steps) = step.again_after {
            later.push((nth + steps, clock, xml, answer.clone()));
        }
        answers.push(answer);
        if matches!(step.act, Act::Event("unsubscribe", _)) {
            left = clock;
        }
        for (_, at, xml, first) in later.extract_if(.., |(due, ..)| *due <= nth) {
            // The platform gives up long before: what comes later than this is another matter.
            if clock - at <= KEYS_KEPT_SECS {
                let again = hand.deliver(&xml).await;
                // What was said is forgotten after a minute, and at once when the customer leaves.
                let forgotten = clock - at > REPLIES_KEPT_SECS || left > at;
                assert!(again == first || (forgotten && again.is_acknowledged_only()), "{xml}");
            }
        }
    }
    let of = Openid::from(openid);
    let mut customer = world.customer(&of).await;
    customer.recent = Default::default();
    let facts = world.store().facts(&"demo".into(), 0, usize::MAX).await.unwrap();
    let facts = facts.into_iter().filter(|logged| logged.of.openid == of).map(|logged| format!("{:?}", logged.fact));
    let mut counters = counters(world).await;
    for (key, n) in before {
        *counters.entry(key).or_default() -= n;
    }
    // Rare words of long ago are counted together one night, which says nothing of this conversation.
    let began = UnixSecs(started).business_day();
    counters.retain(|key, n| *n != 0 && (key.metric != Metric::Unanswered || key.a >= began.0));
    Left { customer, counters, facts: facts.collect(), answers }
}

async fn the_same_for_all(hand: &Hand, copies: usize, xml: &str) -> Posted {
    let mut answers = join_all((0..copies).map(|_| hand.deliver(xml))).await;
    let first = answers.swap_remove(0);
    assert!(first.status == 200 && answers.iter().all(|other| *other == first), "{xml}");
    first
}

/// Nothing is under way that could still change a record: what is left is an order that is looked after now and then.
async fn settled(world: &World) {
    let is_far = |due: UnixSecs| due.0 > world.clock_now() + LEASE_SECS;
    until("the outbox is done", async || world.store().next_due().await.unwrap().is_none_or(is_far)).await;
}

async fn counters(world: &World) -> BTreeMap<CounterKey, i64> {
    let mut all = BTreeMap::new();
    for metric in Metric::all() {
        all.extend(world.counters(metric).await);
    }
    all
}
