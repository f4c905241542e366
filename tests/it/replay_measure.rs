//! How fast a replay is, and what it takes: `cargo nextest run --release --run-ignored only -E 'test(measure_replay)'`.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::process::fuwu;
use crate::recorded::Population;

/// What a run of the real program took.
struct Took {
    cpu_secs: f64,
    wall: Duration,
    peak_kib: u64,
}

/// Waits for the end of a child. Its times are read while it is dead and not yet buried, its memory until then.
fn watch(mut child: Child) -> Took {
    let began = Instant::now();
    let mut peak_kib = 0;
    loop {
        let read = |file| fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
        if let Some(line) = read("status").lines().find(|line| line.starts_with("VmHWM:")) {
            peak_kib = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        }
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        if fields[0] == "Z" {
            let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
            let wall = began.elapsed();
            assert!(child.wait().unwrap().success());
            // USER_HZ, which Linux shows everywhere as 100.
            return Took { cpu_secs: ticks as f64 / 100.0, wall, peak_kib };
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[ignore = "prints figures, judges nothing"]
fn measure_replay_deliveries_a_second_and_peak_memory() {
    for deliveries in [300_000_usize, 600_000] {
        let dir = tempfile::tempdir_in(std::env::var("FUWU_MEASURE_DIR").unwrap_or_else(|_| ".".into())).unwrap();
        let file = dir.path().join("recorded.jsonl");
        Population { customers: 20_000, days: 60, deliveries, seed: 1 }.write(&file);
        let child = fuwu(dir.path(), &[]).arg("replay").arg(&file).stdout(Stdio::piped()).spawn().unwrap();
        let took = watch(child);
        println!(
            "{deliveries} deliveries, {} MiB: {:.0} a CPU second ({:.2} s of CPU, {:.2} s), peak {} MiB",
            fs::metadata(&file).unwrap().len() >> 20,
            deliveries as f64 / took.cpu_secs,
            took.cpu_secs,
            took.wall.as_secs_f64(),
            took.peak_kib >> 10
        );
    }
}
