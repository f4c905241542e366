//! A simulated population through a real webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use fuwu::domain::ids::Openid;
use fuwu::domain::inbound::{Event, What};
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::sandbox::SandboxError;
use fuwu::sandbox::populate::{DayTally, Population, Watch};
use serde_json::json;

use crate::sandbox_double::{Answer, Double, Heard, echo};

const POPULATION: Population = Population { customers: 60, days: 10, seed: 7, until: UnixSecs(1_767_225_600) };

/// Counts what arrived at the webhook, by nothing but the deliveries themselves.
fn count(heard: &[Heard]) -> BTreeMap<BusinessDay, DayTally> {
    let mut days: BTreeMap<BusinessDay, DayTally> = BTreeMap::new();
    let (mut ever, mut active, mut follows) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::<Openid>::new());
    for Heard { inbound, .. } in heard {
        let (day, openid) = (inbound.at.business_day(), inbound.openid.clone());
        let tally = days.entry(day).or_default();
        match &inbound.what {
            What::Event(Event::Subscribed { .. }) => {
                assert!(follows.insert(openid.clone()), "follows twice");
                if ever.insert(openid) { tally.first_follows += 1 } else { tally.refollows += 1 }
            }
            What::Event(Event::Unsubscribed) => {
                assert!(follows.remove(&openid), "leaves without following");
                tally.unfollows += 1;
            }
            _ => {
                assert!(follows.contains(&openid), "acts without following");
                tally.messages += 1;
                tally.dau += u64::from(active.insert((day, openid)));
            }
        }
    }
    days
}

#[actix_web::test]
async fn what_a_population_expects_is_what_arrived() {
    let double = Double::start_with(|spec| spec.patience.timeout = std::time::Duration::from_secs(30), echo).await;
    double.push_menu(&json!({ "button": [{ "type": "click", "name": "查流量", "key": "query_data" }] })).await;
    let (clock, furthest) = (AtomicI64::new(0), Mutex::new((0, 0)));
    let watch = Watch {
        set_now: &|now| assert!(clock.swap(now, Ordering::SeqCst) < now, "time goes on"),
        progress: &|at| *furthest.lock().unwrap() = (at.done, at.of),
        concurrency: 8,
    };
    let summary = double.sandbox.populate(&POPULATION, watch).await.unwrap();
    let heard = double.heard();
    assert_eq!((summary.failed, summary.deliveries), (0, heard.len() as u64));
    assert_eq!(*furthest.lock().unwrap(), (heard.len(), heard.len()));
    assert_eq!(clock.load(Ordering::SeqCst), POPULATION.until.0);
    let counted = count(&heard);
    let without_total = |tally: &DayTally| DayTally { total: 0, ..*tally };
    let expected: BTreeMap<_, _> = summary.days.iter().map(|(day, tally)| (*day, without_total(tally))).collect();
    assert_eq!(expected.into_iter().filter(|(_, t)| *t != DayTally::default()).collect::<BTreeMap<_, _>>(), counted);
    let last = summary.days.values().last().unwrap().total;
    let sum = |pick: fn(&DayTally) -> u64| summary.days.values().map(pick).sum::<u64>();
    assert_eq!(last, sum(|t| t.first_follows) + sum(|t| t.refollows) - sum(|t| t.unfollows));
    assert!(summary.kinds["tap"] > 10 && summary.kinds["text"] > 10 && sum(|t| t.dau) > 20, "{summary:?}");
    assert_eq!(double.get("/sandbox/api/state").await["crowd"], 60);
    let again = double.sandbox.populate(&POPULATION, quiet()).await;
    assert!(matches!(again, Err(SandboxError::AlreadyPopulated(7))));
}

#[actix_web::test]
async fn what_nobody_answers_is_not_counted() {
    let double = Double::start_with(
        |spec| spec.patience.tries = 1,
        |inbound, _| match inbound.what {
            What::Event(Event::Unsubscribed) => Answer::Raw(200, "success"),
            _ => Answer::Raw(500, ""),
        },
    )
    .await;
    let population = Population { customers: 5, days: 3, ..POPULATION };
    let summary = double.sandbox.populate(&population, quiet()).await.unwrap();
    assert!(summary.failed > 0);
    assert_eq!(summary.days.values().map(|t| t.dau + t.first_follows).sum::<u64>(), 0);
}

fn quiet() -> Watch<'static> {
    Watch { set_now: &|_| {}, progress: &|_| {}, concurrency: 2 }
}
