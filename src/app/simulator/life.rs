//! One life of the process: the real shell between the simulated store, clock, business system and platform.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::plants::Plant;
use super::platform::{Item, Line, Outcome, xml};
use super::shop::lateness;
use super::world::{Event, World};
use crate::app::{App, Clock, Discretion, Rules, ServedAccount, verify};
use crate::backend::Backend;
use crate::channel::official::deliver::{Sender, Stamp};
use crate::channel::official::{Account, AccountSpec, Mode, Query, api, open, seal};
use crate::config::playbook::{Dirs, Live, read};
use crate::domain::playbook::Playbook;
use crate::domain::reach::Rights;
use crate::store::{PseudonymKey, Store};

/// How a life ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Died,
    /// Everything was delivered and everything owed was done, or could not be; then it says what is left.
    Done {
        left: Option<String>,
        miscounted: Option<String>,
    },
}

/// Long enough for everything that waits by the clock.
const MOST_ROUNDS: usize = 400;

static PLAYBOOK: LazyLock<Arc<Playbook>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/simulator");
    let dirs = Dirs { playbook: folder.join("playbook"), menus: folder.join("menus") };
    let (playbook, findings) = read(&dirs);
    Arc::new(playbook.unwrap_or_else(|| panic!("{findings:?}")))
});

fn sender() -> Sender {
    Sender { token: "t".into(), aes_key: String::new(), app_id: "wx1".into(), mode: Mode::Plain }
}

fn shell(world: &World) -> Arc<App> {
    let spec = AccountSpec {
        id: "demo".into(),
        app_id: "wx1".into(),
        original_id: String::new(),
        tokens: vec!["t".into()],
        aes_keys: Vec::new(),
        mode: Mode::Plain,
    };
    let account = ServedAccount {
        channel: Account::new(spec).unwrap(),
        playbook: Live::still(Arc::clone(&PLAYBOOK)),
        backend: Backend::carried_by(Arc::new(world.clone())),
        platform: api::Client::carried_by(Box::new(Line(world.clone())), ("wx1".into(), "s".into())),
        merchant: None,
        rights: Rights::of_service(),
        site: "http://here".into(),
    };
    let forget = world.lock().plan.forgets();
    let discretion = Discretion { forget, keep_days: 180, key: PseudonymKey::new("simulator") };
    let rules = Rules { lateness: lateness(), discretion };
    let outside = Arc::new(world.clone());
    App::new(vec![account], Arc::clone(&outside) as Arc<dyn Store>, outside as Arc<dyn Clock>, rules)
}

/// From birth to death, or to the end of everything.
pub async fn live(world: &World) -> Ended {
    world.lock().is_born();
    let app = shell(world);
    let (stop, stopped) = watch::channel(false);
    let mut outbox = tokio::spawn(Arc::clone(&app).run_outbox(stopped));
    let whole = async {
        deliver(world, &app).await;
        world.lock().heal();
        let left = drain(world).await;
        stop.send_replace(true);
        (&mut outbox).await.unwrap();
        let left = match timeout(Duration::from_secs(600), app.drain()).await {
            Ok(Ok(())) => left,
            _ => left.or(Some("a delivery never ended".to_owned())),
        };
        let numbers = verify(world, (&"demo".into(), lateness()), |_, _| {}).await.unwrap();
        let miscounted = (numbers.differences > 0).then(|| format!("{:?}", numbers.listed));
        Ended::Done { left, miscounted }
    };
    tokio::select! {
        biased;
        () = world.death() => Ended::Died,
        ended = whole => ended,
    }
}

/// Everything that is still on the agenda, at its moment.
async fn deliver(world: &World, app: &Arc<App>) {
    let mut tries = JoinSet::new();
    loop {
        let next = world.lock().platform.next_ms();
        let Some(next_ms) = next else {
            // What is under way may put something on the agenda by being lost.
            match tries.join_next().await {
                Some(tried) => tried.unwrap(),
                None => return,
            }
            continue;
        };
        let wait_ms = next_ms.saturating_sub(world.lock().now_ms());
        if wait_ms > 0 {
            sleep(Duration::from_millis(wait_ms)).await;
        }
        let item = world.lock().platform.take_next();
        match item {
            Some((_, Item::Jump(jump))) => world.lock().jump(jump),
            Some((_, Item::Try { delivery, .. })) if world.lock().is_received(delivery) => {}
            Some((at_ms, Item::Try { delivery, nth } | Item::Copy { delivery, nth })) => {
                let mut state = world.lock();
                state.posts(delivery, nth, at_ms);
                // Nobody listened when it came.
                if at_ms < state.now_ms() && state.was_down_at(at_ms) {
                    state.note(Event::NobodyListens { delivery, nth });
                } else {
                    tries.spawn(one_try(world.clone(), Arc::clone(app), (delivery, nth)));
                }
            }
            None => {}
        }
    }
}

async fn one_try(world: World, app: Arc<App>, (delivery, nth): (usize, usize)) {
    let account = Arc::clone(app.account("demo").unwrap());
    let (began_ms, message, stamp, plant) = {
        let state = world.lock();
        let nonce = format!("{delivery}n{nth}");
        let stamp = Stamp { timestamp: state.theirs().0, nonce, random: [0; 16] };
        (state.now_ms(), xml(&state.plan, delivery), stamp, state.plant)
    };
    let push = sender().push(&message, &stamp).unwrap();
    let opened = open(&account.channel, &Query::parse(&push.query).unwrap(), &push.body).unwrap();
    let body = match opened.delivery {
        Ok(inbound) => {
            let earned = app.handle(&account, inbound).await.ok();
            earned.map(|earned| seal(&account.channel, &opened.reply_to, &earned))
        }
        Err(unusable) => app.set_aside(&account, unusable).await.ok().map(|()| b"success".to_vec()),
    };
    if plant == Some(Plant::AnswersLate) {
        sleep(Duration::from_secs(6)).await;
    }
    if !world.is_dead() {
        let outcome = Outcome { nth, began_ms, ended_ms: 0, ended_secs: 0, body };
        world.lock().answered(delivery, outcome);
    }
}

/// Lets time pass until nothing is owed any more; what is still owed after a long time is stuck.
async fn drain(world: &World) -> Option<String> {
    // What was slow when everything else had ended is still under way.
    let slow_until = world.lock().troubles.iter().map(|trouble| trouble.to_ms).max().unwrap_or(0);
    let wait_ms = slow_until.saturating_sub(world.lock().now_ms());
    sleep(Duration::from_millis(wait_ms + 10_000)).await;
    for _ in 0..MOST_ROUNDS {
        sleep(Duration::from_millis(1_500)).await;
        let mut state = world.lock();
        state.business_goes_on();
        state.letters_arrive();
        let busy = state.business_is_busy() || state.letters_are_out();
        match state.shop.next_due() {
            None if !busy => return None,
            None => {}
            Some(_) if !busy && state.shop.only_looks_after() => return None,
            Some(due) => {
                // Nobody watches a clock for an hour.
                let secs = due.secs_since(state.ours()) - 1;
                if secs > 5 && secs < 400 * 86_400 {
                    state.pass_quietly(secs);
                }
            }
        }
    }
    let state = world.lock();
    Some(format!("still owed at the end, next due {:?} at {:?}", state.shop.next_due(), state.ours()))
}
