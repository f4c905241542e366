//! What one input may cost (reliability.md part 3): more is a failure like any other.

use std::time::{Duration, Instant};

/// What a build for the fuzzer, or one that is not optimised at all, may take longer.
pub const SLOWER: u32 = if cfg!(fuzzing) {
    5
} else if cfg!(debug_assertions) {
    25
} else {
    1
};
/// Of an optimised build on an idle core.
pub const TIME: Duration = Duration::from_millis(20).saturating_mul(SLOWER);
/// The time is taken of the quickest of so many: a busy machine is no fault of the input.
const TRIES: usize = 8;

/// So much an input may take.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Of time, whatever the input.
    pub time: Duration,
    /// Of time for each byte of it.
    pub time_per_byte: Duration,
    /// Of memory at any moment, whatever the input.
    pub base_bytes: u64,
    /// Of memory for each byte of it.
    pub per_byte: u64,
}

/// 20 ms and 2 MiB for anything.
pub const WEBHOOK: Limits =
    Limits { time: TIME, time_per_byte: Duration::ZERO, base_bytes: 2 * 1024 * 1024, per_byte: 0 };

/// Runs `work`, which must come to the same each time, and sees that it kept to the limits.
pub fn within(limits: Limits, input: &[u8], work: impl Fn()) {
    let most = limits.base_bytes + limits.per_byte * input.len() as u64;
    let longest = limits.time + limits.time_per_byte * input.len() as u32;
    let mut quickest = Duration::MAX;
    for _ in 0..TRIES {
        let (began, worked) = (Instant::now(), on_core());
        let used = allocation_counter::measure(&work);
        let took = began.elapsed();
        quickest = quickest.min(on_core().zip(worked).map_or(took, |(now, then)| took.min(now.saturating_sub(then))));
        assert!(used.bytes_max <= most, "{} bytes of memory at once, at most {most} are allowed", used.bytes_max);
        if quickest <= longest {
            return;
        }
    }
    panic!("{quickest:?} of time, at most {longest:?} are allowed");
}

/// How long this thread has had a core, where the system tells (Linux, to a tick): on a busy machine it waits for one.
fn on_core() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
