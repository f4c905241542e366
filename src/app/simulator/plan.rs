//! What a seed stands for: who does what when, what the network loses, when the process dies, how clocks go wrong, and how
//! often each thing outside fails.

use super::dice::Dice;
use crate::domain::forget::Forget;

/// Something a customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    Say(&'static str),
    Tap(&'static str),
    Follow,
    Unfollow,
    Scan,
    Picture,
    /// Signed by the platform, and yet unreadable.
    Garbled,
}

/// One message or event, and how the platform's tries fare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    pub customer: u64,
    /// Since the beginning of the run.
    pub at_ms: u64,
    /// Seconds by the platform's clock since the beginning; no two of one customer are the same.
    pub at_secs: i64,
    pub act: Act,
    /// Of which of the three tries the answer does not reach the platform.
    pub lost: [bool; 3],
    /// The same once more, so long after the first.
    pub copies_ms: Vec<u64>,
}

/// The process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crash {
    /// After so many more steps towards the store, the business system or the platform.
    pub after_steps: u64,
    /// Nobody listens for so long.
    pub down_ms: u64,
}

/// A clock goes otherwise than the seconds of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Jump {
    /// Nothing happens for so long.
    Passes { secs: i64 },
    /// Our clock is off by so much from now on.
    Off { by_secs: i64 },
}

/// In a thousand, each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rates {
    pub store_fails: u64,
    pub store_loses_answer: u64,
    pub store_conflicts: u64,
    pub store_slow: u64,
    pub read_fails: u64,
    pub business: u64,
    pub platform: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    pub seed: u64,
    /// Seconds since 1970 when the run begins.
    pub start: i64,
    pub deliveries: Vec<Delivery>,
    pub crashes: Vec<Crash>,
    pub jumps: Vec<(u64, Jump)>,
    pub rates: Rates,
    /// 0 strict, 1 tombstone, 2 soft.
    pub forget: u64,
}

/// Dialogues and single acts, as they come.
const SCRIPTS: &[&[Act]] = &[
    &[Act::Say("买"), Act::Say("1"), Act::Say("确认")],
    &[Act::Tap("buy"), Act::Say("2"), Act::Say("确认"), Act::Say("确认")],
    &[Act::Say("买"), Act::Say("1"), Act::Say("确认"), Act::Say("订单")],
    &[Act::Tap("buy"), Act::Say("1"), Act::Say("取消")],
    &[Act::Say("查")],
    &[Act::Tap("ask")],
    &[Act::Tap("ask"), Act::Say("查")],
    &[Act::Say("查"), Act::Say("查"), Act::Tap("ask"), Act::Say("查")],
    &[Act::Say("买"), Act::Say("查"), Act::Say("2"), Act::Say("确认"), Act::Say("查")],
    &[Act::Say("签到")],
    &[Act::Tap("topic"), Act::Say("1"), Act::Say("我也这么想")],
    &[Act::Say("反馈"), Act::Say("昨晚一直卡")],
    &[Act::Tap("rating"), Act::Say("5")],
    &[Act::Say("您好")],
    &[Act::Say("天下大势")],
    &[Act::Tap("news")],
    &[Act::Say("人工"), Act::Say("转人工")],
    &[Act::Picture],
    &[Act::Scan],
    &[Act::Unfollow, Act::Follow],
    &[Act::Unfollow],
    &[Act::Garbled],
];
/// Of these the most can go wrong, so they come as often as all others.
const ASKING: &[&[Act]] = &[
    &[Act::Say("买"), Act::Say("1"), Act::Say("确认")],
    &[Act::Say("买"), Act::Say("2"), Act::Say("确认"), Act::Say("查")],
    &[Act::Tap("buy"), Act::Say("2"), Act::Say("确认"), Act::Say("订单"), Act::Say("您好")],
    &[Act::Tap("ask"), Act::Say("查")],
    &[Act::Say("查"), Act::Say("查"), Act::Say("查"), Act::Say("查")],
];
/// What may go wrong in a run.
const CALM: u64 = 0;
const STORE: u64 = 1;
const BUSINESS: u64 = 2;
const PLATFORM: u64 = 3;
const CRASHES: u64 = 4;
const CLOCK: u64 = 5;
const ALL: u64 = 6;
const STORM: u64 = 7;

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let climate = dice.between(CALM, STORM);
        let has = |what| climate == what || climate >= ALL;
        let heavy = if climate == STORM { 2 } else { 1 };
        let mut rate = |what, per_mille: u64| if has(what) { dice.between(0, per_mille) * heavy } else { 0 };
        let rates = Rates {
            store_fails: rate(STORE, 60),
            store_loses_answer: rate(STORE, 60),
            store_conflicts: rate(STORE, 60),
            store_slow: rate(STORE, 60),
            read_fails: rate(STORE, 40),
            business: rate(BUSINESS, 600).max(rate(PLATFORM, 500)),
            platform: rate(PLATFORM, 450),
        };
        let crashes = if has(CRASHES) { dice.between(1, 3 * heavy) } else { 0 };
        let crash = |dice: &mut Dice| Crash {
            after_steps: dice.between(1, 90),
            down_ms: if dice.hits(300) { dice.between(3_000, 25_000) } else { dice.between(50, 1_500) },
        };
        let crashes = (0..crashes).map(|_| crash(&mut dice)).collect();
        let loses = if climate == CALM { 0 } else { dice.between(0, 120) };
        let deliveries = deliveries(&mut dice, loses);
        let end_ms = deliveries.iter().map(|delivery| delivery.at_ms).max().unwrap_or(0);
        let jumps = if has(CLOCK) { dice.between(1, 3) } else { u64::from(dice.hits(200)) };
        let mut jumps: Vec<_> = (0..jumps).map(|_| (dice.between(0, end_ms + 5_000), jump(&mut dice))).collect();
        if !has(CLOCK) {
            jumps.retain(|(_, jump)| matches!(jump, Jump::Passes { .. }));
        }
        // Some time in the day before, so that days begin and end while customers write.
        let start = 1_767_578_400 + i64::try_from(dice.between(0, 86_399)).unwrap();
        Self { seed, start, deliveries, crashes, jumps, rates, forget: dice.between(0, 2) }
    }

    /// One customer who does this, and nothing goes wrong.
    pub fn of_acts(acts: &[Act], forget: Forget) -> Self {
        let forget = [Forget::Strict, Forget::Tombstone, Forget::Soft].iter().position(|it| *it == forget);
        let delivery = |(n, act): (u64, &Act)| {
            let at_secs = 3 * i64::try_from(n).unwrap();
            let (lost, copies_ms) = ([false; 3], Vec::new());
            Delivery { customer: 0, at_ms: 3_000 * n, at_secs, act: *act, lost, copies_ms }
        };
        Self {
            seed: 0,
            start: 1_767_578_400,
            deliveries: (0..).zip(acts).map(delivery).collect(),
            crashes: Vec::new(),
            jumps: Vec::new(),
            rates: Rates::default(),
            forget: forget.unwrap() as u64,
        }
    }

    pub fn forgets(&self) -> Forget {
        [Forget::Strict, Forget::Tombstone, Forget::Soft][usize::try_from(self.forget).unwrap()]
    }

    pub fn customers(&self) -> u64 {
        self.deliveries.iter().map(|delivery| delivery.customer + 1).max().unwrap_or(0)
    }
}

fn jump(dice: &mut Dice) -> Jump {
    let secs = |dice: &mut Dice| {
        let upto = dice.pick(&[90, 700, 7_200, 2 * 86_400]);
        i64::try_from(dice.between(1, upto)).unwrap()
    };
    match dice.between(0, 3) {
        0 | 1 => Jump::Passes { secs: secs(dice) },
        2 => Jump::Off { by_secs: secs(dice) },
        _ => Jump::Off { by_secs: -secs(dice).min(3_600) },
    }
}

fn deliveries(dice: &mut Dice, loses: u64) -> Vec<Delivery> {
    let mut all = Vec::new();
    for customer in 0..dice.between(1, 3) {
        let (mut at_ms, mut at_secs) = (dice.between(0, 3_000), -1);
        let mut acts = if dice.hits(800) { vec![Act::Follow] } else { vec![] };
        for _ in 0..dice.between(1, 4) {
            let scripts = if dice.hits(500) { ASKING } else { SCRIPTS };
            acts.extend(dice.pick(scripts));
        }
        for act in acts {
            at_ms += match dice.between(0, 9) {
                0 | 1 => dice.between(0, 40),
                2..=7 => dice.between(300, 6_000),
                _ => dice.between(6_000, 40_000),
            };
            at_secs = i64::try_from(at_ms / 1_000).unwrap().max(at_secs + 1);
            let lost = [(); 3].map(|()| dice.hits(loses));
            let mut copies_ms = Vec::new();
            while dice.hits(loses.max(40)) && copies_ms.len() < 3 {
                copies_ms.push(match dice.between(0, 3) {
                    0 => 0,
                    1 => dice.between(1, 300),
                    2 => dice.between(300, 9_000),
                    _ => dice.between(9_000, 60_000),
                });
            }
            all.push(Delivery { customer, at_ms, at_secs, act, lost, copies_ms });
        }
    }
    all
}
