//! What a report costs, from the store to its JSON, over a thousand customers and over a million (within a factor of 1.5):
//! `cargo test --release --test it -- --ignored --nocapture measure_report_cost`

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use fuwu::app::read_report;
use fuwu::domain::customer::Customer;
use fuwu::domain::fact::{Fact, FactKind, Invited};
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::referral::refusal::Refusal;
use fuwu::domain::referral::terms::Terms;
use fuwu::domain::referral::{Friend, Inviter};
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{CounterKey, Increment};
use fuwu::growth::lateness::Lateness;
use fuwu::growth::record::record;
use fuwu::growth::report::{AsOf, Asked, Context, Explain, Meta, Period, ReportName, needed, to_json};
use fuwu::store::{Commit, Committed, CustomerRef, Embedded, Keep, Spec, Store, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const START: BusinessDay = BusinessDay(20_458);
const DAYS: i32 = 365;
/// The reports are about the latest so many days.
const REPORT_DAYS: i32 = 90;
const REPETITIONS: usize = 41;
/// So many counter changes are committed at once.
const CHUNK: usize = 50_000;
const KEYS: [&str; 13] = [
    "plan", "data", "fee", "points", "buy", "offers", "common", "latest", "sign", "topic", "feedback", "rating",
    "person",
];
const CAMPAIGNS: [&str; 2] = ["spring", "autumn"];
const CHANNELS: [&str; 4] = ["", "store", "poster", "other"];
const WORDS: [&str; 5] = ["办宽带", "怎么改密码", "没信号", "换卡", "发票"];

pub type Cells = BTreeMap<CounterKey, i64>;

fn fact((day, sec): (i32, i64), nth: u64, what: FactKind) -> Fact {
    let at = START.plus_days(day).start().plus_secs(sec);
    Fact { at, arrived: at, key: DedupeKey(nth), playbook: "0123456789ab".into(), what }
}

/// A personal code of somebody who followed up to a month before.
fn invited(rng: &mut StdRng, day: i32) -> FactKind {
    FactKind::Invited(Box::new(Invited {
        campaign: CAMPAIGNS[rng.random_range(0..CAMPAIGNS.len())].into(),
        inviter: Inviter(rng.random_range(0..100)),
        since: START.plus_days(day - rng.random_range(1..31)).start(),
        friend: Friend(0),
        terms: Terms { active_days: 1, within_days: 7, hold_days: 14, ..Terms::default() },
        refused: rng.random_bool(0.1).then_some(Refusal::Ended),
        written: false,
        code: "i_x".into(),
    }))
}

/// One customer's year: they follow, one in five by a friend's code, come on some days, and one in three leaves.
pub fn live(rng: &mut StdRng, cells: &mut Cells) {
    let mut customer = Customer::default();
    let mut nth = 0;
    let mut tell = |when, what: Vec<FactKind>| {
        nth += 1;
        let facts: Vec<Fact> = what.into_iter().map(|what| fact(when, nth, what)).collect();
        for Increment { key, by, .. } in record(&mut customer, &facts, Lateness::default()).increments {
            *cells.entry(key).or_default() += by;
        }
    };
    let mut day = rng.random_range(0..DAYS);
    let channel = CHANNELS[rng.random_range(0..CHANNELS.len())].into();
    let followed = FactKind::Followed { scene: None, channel };
    let invited = rng.random_bool(0.2).then(|| invited(rng, day));
    tell((day, rng.random_range(0..40_000)), invited.into_iter().chain([followed]).collect());
    for _ in 0..rng.random_range(1..20) {
        let when = (day, rng.random_range(40_000..80_000));
        tell(
            when,
            match rng.random_range(0..10) {
                0..6 => vec![FactKind::Tapped { key: KEYS[rng.random_range(0..KEYS.len())].into() }],
                6 => vec![
                    FactKind::Messaged,
                    FactKind::Unanswered { text: WORDS[rng.random_range(0..WORDS.len())].into() },
                ],
                _ => vec![FactKind::Messaged],
            },
        );
        day += if rng.random_bool(0.6) { rng.random_range(0..3) } else { rng.random_range(3..60) };
        if day >= DAYS {
            return;
        }
    }
    if rng.random_bool(0.33) {
        tell((day, 80_001), vec![FactKind::Unfollowed]);
    }
}

/// The counters of a year of so many customers, in a store.
async fn store(dir: &Path, customers: u32) -> Embedded {
    let mut cells = Cells::new();
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..customers {
        live(&mut rng, &mut cells);
    }
    println!("{customers} customers: {} counter cells", cells.values().filter(|n| **n != 0).count());
    let store = Embedded::open(dir, Spec::default(), crate::harness::key()).unwrap();
    let increments: Vec<Increment> = cells.into_iter().map(|(key, by)| Increment { key, by, late_on: None }).collect();
    for (base, chunk) in (0..).zip(increments.chunks(CHUNK)) {
        let commit = Commit {
            of: CustomerRef { account: "demo".into(), openid: "o1".into() },
            base: Version(base),
            customer: Customer::default(),
            increments: chunk.to_vec(),
            facts: Vec::new(),
            outbox: Vec::new(),
            settled: Vec::new(),
            spent: Vec::new(),
            keep: Keep::Known,
        };
        assert_eq!(store.commit(commit).await.unwrap(), Committed::Applied);
    }
    store
}

fn asked(report: ReportName) -> Asked {
    let to = START.plus_days(DAYS - 1);
    let period = Period::new(to.plus_days(1 - REPORT_DAYS), to).unwrap();
    Asked { explain: Explain::No, ..Asked::new(report, period) }
}

/// So many counter cells the store hands over for a report.
async fn cells_read(store: &Embedded, report: ReportName) -> usize {
    store.counters(&"demo".into(), &needed(&asked(report))).await.unwrap().cells().count()
}

/// Milliseconds.
async fn read(store: &Embedded, report: ReportName) -> f64 {
    let (asked, to) = (asked(report), START.plus_days(DAYS - 1));
    let clock = AsOf { now: UnixSecs(to.plus_days(10).start().0), lateness: Lateness::default() };
    let begun = Instant::now();
    let table = read_report(store, &"demo".into(), (&asked, clock), &Context::default()).await.unwrap();
    let meta = Meta { account: "demo".into(), as_of: clock.now, playbook: "0123456789ab".into() };
    let written = to_json(&table, &meta, Explain::No).to_string();
    assert!(written.len() > 100 && !table.rows.is_empty());
    begun.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[tokio::test]
#[ignore = "a measurement"]
async fn measure_report_cost() {
    let customers = |name, usual| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (few, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let few = store(few.path(), customers("FUWU_FEW", 1_000)).await;
    let many = store(many.path(), customers("FUWU_MANY", 1_000_000)).await;
    let mut all = [vec![0.0; REPETITIONS], vec![0.0; REPETITIONS]];
    for report in ReportName::ALL {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..REPETITIONS {
            for (of, store) in [&few, &many].into_iter().enumerate() {
                let ms = read(store, report).await;
                times[of].push(ms);
            }
        }
        for (all, times) in all.iter_mut().zip(&times) {
            all.iter_mut().zip(times).for_each(|(all, ms)| *all += ms);
        }
        let read = (cells_read(&few, report).await, cells_read(&many, report).await);
        let [few, many] = times.map(median);
        let factor = many / few;
        println!("{:<12} {few:>8.2} ms {many:>8.2} ms  factor {factor:.2}, cells {read:?}", report.as_str());
    }
    let [few, many] = all.map(median);
    println!("{:<12} {few:>8.2} ms {many:>8.2} ms  factor {:.2}", "all", many / few);
}
