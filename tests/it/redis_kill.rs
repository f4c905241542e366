//! Redis killed at any moment under signed traffic: every acknowledged delivery is there in the end, once, and all numbers
//! are those of the facts. `FUWU_KILLS=300` makes a soak of it.

use crate::redis_servers::RedisServer;
use crate::redis_soak::course::{Trouble, run};
use crate::redis_soak::faults::kill;

/// What Redis keeps on its disk.
const WAYS: [(&str, &[&str]); 2] = [
    ("kill -9, a file of every write, synced each second", &["--appendonly", "yes", "--appendfsync", "everysec"]),
    ("kill -9, a snapshot each second", &["--save", "1 1"]),
];

#[actix_web::test]
async fn whatever_redis_forgets_when_it_is_killed_is_there_once_in_the_end() {
    let kills: u64 = std::env::var("FUWU_KILLS").map_or(4, |kills| kills.parse().unwrap());
    for (named, settings) in WAYS {
        let servers = RedisServer::start(settings);
        let url = servers.url();
        run(named, &url, (Trouble { servers, strike: kill }, kills.div_ceil(WAYS.len() as u64))).await;
    }
}
