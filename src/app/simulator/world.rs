//! The world of one run: its time, its chance, everything that outlives the process, and the trace.

use std::collections::BTreeMap;
use std::future::pending;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::business::Business;
use super::dice::Dice;
use super::plan::{Jump, Plan};
use super::plants::Plant;
use super::platform::Platform;
use super::shop::{Now, Shop};
use super::store::Fate;
use crate::app::Clock;
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;

/// What happened, in words that are cheap to keep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    Starts,
    Dies,
    Jumps(Jump),
    Heals,
    Posts { delivery: usize, nth: usize },
    NobodyListens { delivery: usize, nth: usize },
    Answered { delivery: usize, nth: usize, said: String },
    Unanswered { delivery: usize, nth: usize },
    Store { does: &'static str, of: Option<u64>, fate: &'static str, came: &'static str },
    Asked { ticket: usize, key: String, fate: &'static str },
    Did { ticket: usize, came: String },
    Sends { of: u64, text: String, fate: &'static str },
    Shows { of: u64, text: String },
}

/// A stretch in which the store did not do as asked.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub from_ms: u64,
    pub to_ms: u64,
    /// Whom it hit; everybody without.
    pub of: Option<u64>,
    /// It failed, and was not merely slow.
    pub failed: bool,
}

pub struct State {
    pub plan: Arc<Plan>,
    pub dice: Dice,
    pub plant: Option<Plant>,
    pub shop: Shop,
    pub business: Business,
    pub platform: Platform,
    pub troubles: Vec<Trouble>,
    /// From each death to the next birth.
    pub downs: Vec<(u64, u64)>,
    pub trace: Vec<(u64, Event)>,
    pub counts: BTreeMap<&'static str, u64>,
    /// Writes the store was asked for so far, and what becomes of one of them.
    pub writes: u64,
    pub planned_fault: Option<(u64, Fate)>,
    /// Nothing goes wrong any more.
    pub healed: bool,
    crashes: std::vec::IntoIter<super::plan::Crash>,
    steps_left: Option<(u64, u64)>,
    dead: bool,
    before_ms: u64,
    born: Option<Instant>,
    passed_secs: i64,
    off_secs: i64,
}

#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    death: Arc<Notify>,
}

impl World {
    pub fn new(plan: Plan, plant: Option<Plant>) -> Self {
        let plan = Arc::new(plan);
        let crashes = plan.crashes.clone().into_iter();
        let platform = Platform::new(&plan);
        let state = State {
            dice: Dice::of(!plan.seed),
            plant,
            shop: Shop::new(plant),
            business: Business::default(),
            platform,
            troubles: Vec::new(),
            downs: Vec::new(),
            trace: Vec::new(),
            counts: BTreeMap::new(),
            writes: 0,
            planned_fault: None,
            healed: false,
            crashes,
            steps_left: None,
            dead: false,
            before_ms: 0,
            born: None,
            passed_secs: 0,
            off_secs: 0,
            plan,
        };
        Self { state: Arc::new(Mutex::new(state)), death: Arc::new(Notify::new()) }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Returns when the process must die.
    pub async fn death(&self) {
        self.death.notified().await;
    }

    /// A step towards something outside, after so long. The process may die on it; then it never returns.
    pub async fn step(&self, after_ms: u64) {
        sleep(Duration::from_millis(after_ms)).await;
        let dies = {
            let mut state = self.lock();
            state.strikes();
            state.dead
        };
        if dies {
            self.death.notify_one();
            pending::<()>().await;
        }
    }
}

impl State {
    pub fn now_ms(&self) -> u64 {
        let alive = self.born.map_or(0, |born| born.elapsed().as_millis());
        self.before_ms + u64::try_from(alive).unwrap()
    }

    pub fn moment(&self) -> Now {
        (self.now_ms(), self.ours())
    }

    /// Our clock.
    pub fn ours(&self) -> UnixSecs {
        self.theirs().plus_secs(self.off_secs)
    }

    /// Everybody else's.
    pub fn theirs(&self) -> UnixSecs {
        UnixSecs(self.plan.start + i64::try_from(self.now_ms() / 1_000).unwrap() + self.passed_secs)
    }

    pub fn jump(&mut self, jump: Jump) {
        match jump {
            Jump::Passes { secs } => self.passed_secs += secs,
            Jump::Off { by_secs } => self.off_secs = by_secs,
        }
        let name = match jump {
            Jump::Passes { .. } => "clock: time passes",
            Jump::Off { by_secs: ..=0 } => "clock: goes back",
            Jump::Off { .. } => "clock: goes ahead",
        };
        let ours = self.ours();
        self.shop.ledger.clock_is_at(ours);
        self.count(name);
        self.note(Event::Jumps(jump));
        // What was read before it is not decided after it, nor for who joins while it is being decided.
        let from_ms = self.now_ms();
        self.troubles.push(Trouble { from_ms, to_ms: from_ms + 4_000, of: None, failed: false });
    }

    pub fn note(&mut self, event: Event) {
        let now = self.now_ms();
        self.trace.push((now, event));
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// A process begins, inside its runtime.
    pub fn is_born(&mut self) {
        self.born = Some(Instant::now());
        self.dead = false;
        self.steps_left = self.crashes.next().map(|crash| (crash.after_steps, crash.down_ms));
        self.note(Event::Starts);
    }

    /// The process is gone, and with it its runtime's clock. `down_ms` later the next one begins.
    pub fn buries(&mut self) {
        let down_ms = self.steps_left.map_or(0, |(_, down_ms)| down_ms);
        let from_ms = self.now_ms();
        self.count("process: dies");
        self.note(Event::Dies);
        self.before_ms = from_ms + down_ms;
        self.born = None;
        self.downs.push((from_ms, self.before_ms));
        self.shop.crash();
    }

    /// Whether no process listened at that moment.
    pub fn was_down_at(&self, at_ms: u64) -> bool {
        self.downs.iter().any(|(from_ms, to_ms)| (*from_ms..*to_ms).contains(&at_ms))
    }

    /// Time passes at the end of a run, when nothing happens any more.
    pub fn pass_quietly(&mut self, secs: i64) {
        self.passed_secs += secs;
        self.note(Event::Jumps(Jump::Passes { secs }));
    }

    pub fn heal(&mut self) {
        self.healed = true;
        self.steps_left = None;
        self.note(Event::Heals);
        if self.off_secs != 0 {
            self.jump(Jump::Off { by_secs: 0 });
        }
    }

    fn strikes(&mut self) {
        if let Some((left, _)) = &mut self.steps_left {
            *left = left.saturating_sub(1);
            self.dead |= *left == 0;
        }
    }

    /// The same for the same run. Within one millisecond the order in which several askers hear one answer is the
    /// runtime's own affair.
    pub fn fingerprint(&self) -> u64 {
        let mut trace: Vec<_> = self.trace.iter().collect();
        trace.sort();
        let mut hasher = DefaultHasher::new();
        trace.hash(&mut hasher);
        self.counts.hash(&mut hasher);
        hasher.finish()
    }
}

impl Clock for World {
    fn now(&self) -> UnixSecs {
        self.lock().ours()
    }
}

pub fn openid(customer: u64) -> Openid {
    Openid::new(format!("oSimulatedCustomer{customer:010}"))
}

/// Which customer an openid is.
pub fn number_of(openid: &Openid) -> Option<u64> {
    openid.as_str().strip_prefix("oSimulatedCustomer")?.parse().ok()
}
