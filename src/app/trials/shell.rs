//! The same logs as deliveries to the whole shell: what it stores as facts is what was sent, once each, and its counters
//! are what the oracle makes of these facts.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;

use super::expect::View;
use super::logs::{self, Delivery, Log, Trial, WORDS};
use super::{assert_same, demo, every_counter, how_many};
use crate::app::stand::account_at;
use crate::app::{App, Clock, Discretion, ManualClock, Rules};
use crate::domain::fact::{Fact, FactKind};
use crate::domain::forget::Forget;
use crate::domain::ids::{Channel, Scene};
use crate::domain::inbound::{Event, Inbound, Message, What};
use crate::growth::lateness::Lateness;
use crate::store::{Embedded, PseudonymKey, Spec};

const KEYS: [&str; 3] = ["offers", "sign_in", "a_key_without_action"];
/// Scenes of the demo's codes and the channels that its playbook sees in them.
const CODES: [(&str, &str); 3] =
    [("store:nanjing", "store"), ("poster:metro", "poster"), ("fair:2026", Channel::OTHER)];

fn pick<T: Copy, const N: usize>(list: [T; N], delivery: &Delivery) -> T {
    list[usize::try_from(delivery.fact().key.0 % N as u64).unwrap()]
}

/// What the customer does, and the fact that it is.
fn sent(delivery: &Delivery) -> (What, FactKind) {
    match &delivery.fact().what {
        FactKind::Followed { scene, .. } => {
            let code = scene.as_ref().map(|_| pick(CODES, delivery));
            let scene = code.map(|(scene, _)| Scene::from(scene));
            let channel = code.map(|(_, channel)| Channel::from(channel)).unwrap_or_default();
            let event = Event::Subscribed { scene: scene.clone(), ticket: None, other_key: None };
            (What::Event(event), FactKind::Followed { scene, channel })
        }
        FactKind::Unfollowed => (What::Event(Event::Unsubscribed), FactKind::Unfollowed),
        FactKind::Scanned { .. } => {
            let scene = Scene::from(CODES[0].0);
            (What::Event(Event::Scanned { scene: scene.clone(), ticket: None }), FactKind::Scanned { scene })
        }
        FactKind::Tapped { .. } => {
            let key = pick(KEYS, delivery).to_owned();
            (What::Event(Event::MenuTapped { key: key.clone() }), FactKind::Tapped { key })
        }
        _ => {
            let content = pick(WORDS, delivery).to_owned();
            (What::Message(Message::Text { content, menu_id: None }), FactKind::Messaged)
        }
    }
}

struct Shell {
    app: Arc<App>,
    clock: Arc<ManualClock>,
}

impl Shell {
    fn open(dir: &Path, (partitions, lateness): (u16, Lateness)) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(Embedded::open(dir, Spec { partitions, lateness }, PseudonymKey::new("trial")).unwrap());
        // Nobody listens there; nothing is asked.
        let account = account_at("http://127.0.0.1:9/".parse().unwrap());
        // Softly, so that words stay countable by what was said.
        let discretion = Discretion { forget: Forget::Soft, keep_days: 3650, key: PseudonymKey::new("trial") };
        let rules = Rules { lateness, discretion };
        Self { app: App::new(vec![account], store, Arc::clone(&clock) as Arc<dyn Clock>, rules), clock }
    }

    async fn live(&self, deliveries: &[Delivery]) {
        let account = Arc::clone(self.app.account("demo").unwrap());
        for delivery in deliveries {
            self.clock.set(delivery.fact().arrived);
            let Fact { at, key, .. } = *delivery.fact();
            let inbound = Inbound { openid: delivery.of().openid, at, key, what: sent(delivery).0 };
            let answers = (0..delivery.copies).map(|_| self.app.handle(&account, inbound.clone()));
            let answers: Vec<_> = join_all(answers).await.into_iter().map(Result::unwrap).collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]));
        }
    }

    /// The log as it was stored.
    async fn facts(&self) -> Log {
        let logged = self.app.store().facts(&demo(), 0, usize::MAX).await.unwrap().into_iter();
        logged.map(|logged| (logged.of.openid.as_str()[1..].parse().unwrap(), logged.fact)).collect()
    }
}

async fn run(seed: u64) {
    let trial = Trial::of(seed);
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = trial.deliveries.split_at(trial.deliveries.len() / 2);

    let shell = Shell::open(dir.path(), (trial.partitions, trial.lateness));
    shell.live(before).await;
    shell.app.drain().await.unwrap();
    let shell = Shell::open(dir.path(), (trial.partitions, trial.lateness));
    shell.live(after).await;

    let log = shell.facts().await;
    let is_own = |what: &FactKind| {
        use FactKind::*;
        matches!(what, Followed { .. } | Unfollowed | Scanned { .. } | Tapped { .. } | Messaged)
    };
    let own = log.iter().filter(|(_, fact)| is_own(&fact.what));
    let own: Vec<_> = own.map(|(customer, fact)| (*customer, fact.at, fact.arrived, fact.what.clone())).collect();
    let once = trial.deliveries.iter().filter(|delivery| !delivery.again);
    let once = once.map(|delivery| (delivery.customer, delivery.fact().at, delivery.fact().arrived, sent(delivery).1));
    assert_eq!(own, once.collect::<Vec<_>>(), "log {seed}");

    let (days, oracle) = (logs::span(&log), logs::oracle(&log, trial.lateness));
    assert_same(&every_counter(&**shell.app.store()).await, &oracle.cells, seed);
    let store = &**shell.app.store();
    View { store, oracle: &oracle, lateness: trial.lateness, days, as_of: None }.check().await;
    shell.app.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_of_random_deliveries_to_the_shell_equals_the_oracle() {
    for seed in 0..how_many(60).div_ceil(3) {
        run(seed).await;
    }
}
