//! The figures of a run, and how they follow from what was seen.

use std::time::Duration;

use serde::Serialize;

use super::checks::Faults;
use super::client::Harvest;
use super::counts::Counts;
use super::floors::Kind;
use super::meters::Spent;

/// A third of the crypto floor's throughput is the goal of fuwu on the embedded store.
pub const GOAL_OF_THROUGHPUT: f64 = 1.0 / 3.0;
/// On Redis the floor pays for the way there and a script as well, and more of it can be kept.
pub const GOAL_ON_REDIS: f64 = 0.6;
/// So many times the crypto floor's p99 at half load, and one fsync more, is the goal for fuwu's.
pub const GOAL_OF_P99: f64 = 3.0;

/// What one server did under one load. Everything but rate, times and share is per message.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    pub per_second: f64,
    pub cpu_us: f64,
    /// The part of it that the store's writer took.
    pub writer_cpu_us: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    /// Bytes on their way to the disk.
    pub written_bytes: f64,
    /// Bytes handed to `write`.
    pub asked_to_write_bytes: f64,
    /// The share of its core that the client needed: near 1 it is the client that was measured.
    pub client_busy: f64,
}

/// Both loads of one round.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    pub full: Load,
    pub half: Load,
}

/// One server: medians, and the rounds they come from.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    pub kind: Kind,
    pub full: Load,
    pub half: Load,
    pub peak_memory_kib: u64,
    pub counts: Option<Counts>,
    pub rounds: Vec<Round>,
}

/// fuwu beside the crypto floor.
#[derive(Clone, Debug, Serialize)]
pub struct Ratios {
    /// The floor fuwu stands on.
    pub floor: Kind,
    pub goal_of_throughput: f64,
    pub throughput: Ratio,
    pub cpu: Ratio,
    pub p99_at_half: Ratio,
    /// Three times the floor's p99 at half load and one fsync.
    pub p99_at_half_goal_us: f64,
}

/// A ratio, taken in every round. Far apart, the machine had other things to do.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// The disk.
#[derive(Clone, Debug, Serialize)]
pub struct Fsync {
    pub median_us: f64,
    pub p99_us: f64,
}

/// Everything a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How it was asked for.
    pub asked: String,
    pub fsync: Fsync,
    pub servers: Vec<Server>,
    pub ratios: Ratios,
    pub faults: Faults,
}

impl Load {
    /// From the answers to a batch and what the server and the client took for it.
    pub fn of(harvest: &Harvest, spent: &Spent, client_cpu: Duration) -> Self {
        let messages = harvest.len().max(1) as f64;
        let mut waits: Vec<f64> = harvest.answers().map(|(answer, _)| micros(answer.waited)).collect();
        waits.sort_unstable_by(f64::total_cmp);
        Self {
            per_second: messages / harvest.took.as_secs_f64(),
            cpu_us: micros(spent.cpu) / messages,
            writer_cpu_us: micros(spent.writer_cpu) / messages,
            p50_us: quantile(&waits, 0.5),
            p99_us: quantile(&waits, 0.99),
            p999_us: quantile(&waits, 0.999),
            written_bytes: spent.written as f64 / messages,
            asked_to_write_bytes: spent.asked_to_write as f64 / messages,
            client_busy: client_cpu.as_secs_f64() / harvest.took.as_secs_f64(),
        }
    }

    /// The share of its core that the server had. Less than all of it at full load: it waited, for the disk or for others
    /// on the same core.
    pub fn server_busy(&self) -> f64 {
        self.per_second * self.cpu_us / 1e6
    }

    fn median(rounds: &[Round], of: fn(&Round) -> &Self) -> Self {
        let median = |figure: fn(&Self) -> f64| median(rounds.iter().map(|round| figure(of(round))).collect());
        Self {
            per_second: median(|load| load.per_second),
            cpu_us: median(|load| load.cpu_us),
            writer_cpu_us: median(|load| load.writer_cpu_us),
            p50_us: median(|load| load.p50_us),
            p99_us: median(|load| load.p99_us),
            p999_us: median(|load| load.p999_us),
            written_bytes: median(|load| load.written_bytes),
            asked_to_write_bytes: median(|load| load.asked_to_write_bytes),
            client_busy: median(|load| load.client_busy),
        }
    }
}

impl Server {
    pub fn new(kind: Kind, rounds: Vec<Round>, peak_memory_kib: u64) -> Self {
        let full = Load::median(&rounds, |round| &round.full);
        let half = Load::median(&rounds, |round| &round.half);
        Self { kind, full, half, peak_memory_kib, counts: None, rounds }
    }
}

impl Ratios {
    /// Of a server to the floor it stands on.
    pub fn of(server: &Server, floor: &Server, fsync: &Fsync) -> Self {
        let ratio = |figure: fn(&Round) -> f64| {
            let pairs = server.rounds.iter().zip(&floor.rounds);
            let mut ratios: Vec<f64> = pairs.map(|(server, floor)| figure(server) / figure(floor)).collect();
            ratios.sort_unstable_by(f64::total_cmp);
            Ratio { median: quantile(&ratios, 0.5), least: quantile(&ratios, 0.0), most: quantile(&ratios, 1.0) }
        };
        let goal_of_throughput = if floor.kind == Kind::Script { GOAL_ON_REDIS } else { GOAL_OF_THROUGHPUT };
        Self {
            floor: floor.kind,
            goal_of_throughput,
            throughput: ratio(|round| round.full.per_second),
            cpu: ratio(|round| round.full.cpu_us),
            p99_at_half: ratio(|round| round.half.p99_us),
            p99_at_half_goal_us: GOAL_OF_P99 * floor.half.p99_us + fsync.median_us,
        }
    }
}

impl Fsync {
    pub fn of(times: &[Duration]) -> Self {
        let mut times: Vec<f64> = times.iter().map(|time| micros(*time)).collect();
        times.sort_unstable_by(f64::total_cmp);
        Self { median_us: quantile(&times, 0.5), p99_us: quantile(&times, 0.99) }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    quantile(&figures, 0.5)
}

/// The smallest figure that at least so large a share does not exceed; of figures in order. Not a number for none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}
