//! A store that holds something of everything, and all that is in a store.

use std::collections::BTreeMap;
use std::path::Path;

use fuwu::domain::customer::Customer;
use fuwu::domain::fact::Fact;
use fuwu::domain::notes::Note;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{CounterKey, Increment};
use fuwu::store::{
    Commit, CustomerRef, KeptWork, Moving, PseudonymKey, Quarantined, Shared, SharedChange, SharedKind, SharedName,
    Store, Version,
};

use super::embedded;
use crate::hand::message_at;
use crate::process::run;
use crate::recorded::{Population, Recorded};
use crate::store_conformance::samples::{apply, commit, demo, who, work};

/// Somebody of the population who acts every day.
pub const STAYED: &str = "oRecorded0007_00000001";
/// 2026-01-11 00:00 +08:00, after the last day of the population.
const AFTERWARDS: i64 = 1_768_060_800;
const ERASED: &str = "oRecorded0007_00000002";

/// The key of a folder's store.
pub fn key_of(dir: &Path) -> PseudonymKey {
    let secrets = std::fs::read(dir.join("data/secrets.json")).unwrap();
    let secrets: serde_json::Value = serde_json::from_slice(&secrets).unwrap();
    PseudonymKey::new(secrets["pseudonym_key"].as_str().unwrap())
}

/// A population that left tombstones, and one that left nobodies; somebody erased; work due, leased and put off;
/// deliveries that could not be used; shared records of every kind.
pub async fn fill(dir: &Path) -> Everything {
    populate(dir, 600);
    let store = embedded(dir);
    assert!(store.erase(&who(ERASED)).await.unwrap());
    let of = who(STAYED);
    let stored = store.load(&of).await.unwrap();
    let note = Note { reply: Reply::Text("满".repeat(20_000)), expires: UnixSecs(9), is_receipt: false };
    let customer = Customer { notes: vec![note], ..stored.customer };
    let outbox = vec![work("leased", 10), work("due", 20), work("later", 3_000_000_000)];
    apply(&store, Commit { customer, outbox, ..commit(&of, stored.version.0) }).await;
    let others = vec![work("due", 15)];
    apply(&store, Commit { outbox: others, ..commit(&who("oNobodyElse"), 0) }).await;
    assert_eq!(store.claim_due(UnixSecs(10), 5, 9).await.unwrap().len(), 1);
    assert_eq!(store.claim_due(UnixSecs(15), 1_000_000, 1).await.unwrap()[0].work.id.as_str(), "leased");
    for (nth, kind) in SharedKind::all().enumerate() {
        for part in 0..=nth {
            let name = SharedName { kind, part: format!("part {part}") };
            for base in 0..=u64::try_from(part).unwrap() {
                let body = Some(vec![0, 0xff, u8::try_from(base).unwrap()]);
                store
                    .put_shared(SharedChange { account: demo(), name: name.clone(), base: Version(base), body })
                    .await
                    .unwrap();
            }
        }
    }
    for n in 0..120_u8 {
        let body = vec![n; 300];
        let (account, arrived) = (demo(), UnixSecs(i64::from(n) * 1_000));
        store.quarantine(Quarantined { account, arrived, reason: "broken".into(), body }).await.unwrap();
    }
    let all = everything(&store).await;
    store.close().await.unwrap();
    let kinds = ['~', '!', 'o'].map(|sign| all.records.keys().filter(|name| name.starts_with(sign)).count());
    assert!(kinds.iter().all(|records| *records > 4), "tombstones, nobodies, and those who stayed: {kinds:?}");
    all
}

/// Recorded customers: the first ones under tombstones, the others in strict mode.
pub fn populate(dir: &Path, deliveries: usize) {
    for (seed, forget) in [(7, "tombstone"), (8, "strict")] {
        let file = dir.join(format!("recorded-{seed}.jsonl"));
        let mut lines = Vec::new();
        Population { customers: 40, days: 6, deliveries, seed }.deliver(|delivery| lines.push(delivery.line()));
        // Some are away at the end.
        lines.extend((20..26).map(|customer| {
            let (at, who) = (AFTERWARDS + customer, format!("oRecorded{seed:04}_{customer:08}"));
            let leaves = "<MsgType>event</MsgType><Event>unsubscribe</Event><EventKey></EventKey>";
            Recorded { at, xml: message_at(at, &who, leaves) }.line()
        }));
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        let env = [("FUWU__PRIVACY__FORGET", forget)];
        let replayed = run(dir, &env, &["replay", file.to_str().unwrap()]);
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    }
}

/// Somebody under their own name whose words are in the log.
pub async fn speaker(store: &dyn Store) -> CustomerRef {
    let facts = store.facts(&demo(), 0, usize::MAX).await.unwrap();
    let mut speaking = facts.iter().filter(|logged| logged.fact.without_words().is_some());
    speaking.find(|logged| logged.of != who(STAYED)).unwrap().of.clone()
}

/// What a store holds, whatever numbers its engine gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Everything {
    /// By the name they are kept under.
    pub records: BTreeMap<String, (Version, Customer, Vec<KeptWork>)>,
    pub facts: BTreeMap<String, Vec<Fact>>,
    counters: Vec<(CounterKey, i64)>,
    journal: Vec<(BusinessDay, CounterKey, i64)>,
    residue: Vec<(CounterKey, Option<BusinessDay>, i64)>,
    aside: Vec<Quarantined>,
    shared: Vec<(SharedKind, Vec<(String, Shared)>)>,
}

pub async fn everything<S: Moving>(store: &S) -> Everything {
    let (mut records, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = store.kept(&demo(), after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 7 && page.windows(2).all(|two| two[0].place < two[1].place) && page[0].place > after);
        after = last.place;
        for kept in page {
            let found = store.load(&kept.of).await.unwrap();
            assert_eq!(found, kept.stored, "as it is loaded");
            let record = (kept.stored.version, kept.stored.customer, kept.outbox);
            assert!(records.insert(kept.of.openid.as_str().to_owned(), record).is_none());
        }
    }
    let mut facts = BTreeMap::<String, Vec<Fact>>::new();
    for logged in store.facts(&demo(), 0, usize::MAX).await.unwrap() {
        facts.entry(logged.of.openid.as_str().to_owned()).or_default().push(logged.fact);
    }
    let numbers = store.numbers(&demo()).await.unwrap();
    assert_eq!(store.journal(&demo(), BusinessDay(i32::MIN), BusinessDay(i32::MAX)).await.unwrap(), numbers.journal);
    let residue = store.residue(&demo()).await.unwrap();
    let mut residue: Vec<_> = residue.into_iter().map(|Increment { key, by, late_on }| (key, late_on, by)).collect();
    residue.sort();
    let mut shared = Vec::new();
    for kind in SharedKind::all() {
        shared.push((kind, store.shared_of(&demo(), kind).await.unwrap()));
    }
    let aside = store.quarantined(&demo(), usize::MAX).await.unwrap();
    Everything { records, facts, counters: numbers.counters, journal: numbers.journal, residue, aside, shared }
}
