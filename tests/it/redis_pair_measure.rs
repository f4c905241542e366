//! Two programs on one Redis beside one of them alone: messages a second, and what each message costs the programs.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::hand::text;
use crate::process::Process;
use crate::redis_servers::RedisServer;

const TALKERS: usize = 32;
const FOR: Duration = Duration::from_secs(8);

/// The CPU time of a process so far, in clock ticks.
fn ticks(process: &Process) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Messages a second, and ticks a thousand messages.
async fn served_by(programs: usize) -> (f64, f64) {
    let redis = RedisServer::start(&["--appendonly", "yes"]);
    let url = redis.url();
    let env =
        [("FUWU__STORE__URL", url.as_str()), ("FUWU__PRIVACY__PSEUDONYM_KEY", "a-key-of-the-measurements-only-32")];
    let dirs: Vec<TempDir> = (0..programs).map(|_| tempfile::tempdir().unwrap()).collect();
    let processes: Vec<Process> = dirs.iter().map(|dir| Process::start(dir.path(), &env)).collect();
    let before: u64 = processes.iter().map(ticks).sum();
    let since = Instant::now();
    let talkers = (0..TALKERS).map(|talker| {
        let hand = processes[talker % programs].hand();
        tokio::spawn(async move {
            let mut served = 0_u64;
            while since.elapsed() < FOR {
                let posted =
                    hand.deliver(&text(&format!("oTalker{talker:02}x{}", served % 50), served + 1, "你好")).await;
                assert!(posted.status == 200 && !posted.is_acknowledged_only(), "{posted:?}");
                served += 1;
            }
            served
        })
    });
    let served: u64 = join_all(talkers).await.into_iter().map(Result::unwrap).sum();
    let took = since.elapsed().as_secs_f64();
    let after: u64 = processes.iter().map(ticks).sum();
    (served as f64 / took, (after - before) as f64 * 1_000.0 / served as f64)
}

#[actix_web::test]
#[ignore = "a measurement"]
async fn measure_two_programs_beside_one() {
    for _ in 0..3 {
        let (one, two) = (served_by(1).await, served_by(2).await);
        println!(
            "two programs: {:.2} of one's messages a second, {:.2} of its CPU time a message ({:.0} and {:.0} a second)",
            two.0 / one.0,
            two.1 / one.1,
            two.0,
            one.0
        );
    }
}
