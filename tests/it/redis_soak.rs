//! Whatever befalls Redis under signed traffic: every acknowledged delivery is there in the end, once, every answer is
//! right, and all numbers are those of the facts. `FUWU_FAULTS=100` makes a soak of it; what is ignored takes long,
//! or root.

pub mod course;
pub mod faults;
mod groups;
mod pair;
mod root;
mod talk;

use self::course::{Trouble, faults as so_often, run, through};
use self::faults::Slow;
use self::pair::Pair;
use self::root::{SmallDisk, Wired};
use crate::redis_servers::{RedisCluster, RedisServer, RedisTrio};

/// Kept on the disk, as it is where numbers matter.
const KEPT: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

/// A fault of one Redis.
macro_rules! faults {
    ($($(#[$ignored:meta])? $case:ident: $strike:ident, $named:literal, $usual:literal;)+) => {
        $(#[actix_web::test]
        $(#[$ignored])?
        async fn $case() {
            let servers = RedisServer::start(&KEPT);
            let url = servers.url();
            run($named, &url, (Trouble { servers, strike: faults::$strike }, so_often($usual))).await;
        })+
    };
}

faults! {
    #[ignore = "takes long"]
    nothing_is_lost_while_it_stands_still: freeze, "SIGSTOP for 0.5 to 5 s", 1;
    #[ignore = "takes long"]
    nothing_is_lost_while_it_forgets_scripts: forget_scripts, "SCRIPT FLUSH every 50 ms for 1 s", 1;
    nothing_is_lost_while_it_has_no_memory: fill_memory, "no memory for 0.5 to 3 s", 1;
}

#[actix_web::test]
#[ignore = "takes long"]
async fn nothing_is_lost_while_it_is_far_away() {
    let servers = Slow::start();
    let url = format!("redis://127.0.0.1:{}", servers.port);
    run(
        "100, 600 or 800 ms further away for 1 to 4 s",
        &url,
        (Trouble { servers, strike: faults::be_slow }, so_often(1)),
    )
    .await;
}

#[actix_web::test]
#[ignore = "a cluster takes long to start"]
async fn nothing_is_lost_when_a_master_of_a_cluster_is_killed() {
    let servers = RedisCluster::with_replicas("1000");
    let url = servers.url();
    run("kill -9 of a Cluster master", &url, (Trouble { servers, strike: groups::kill_in_cluster }, so_often(2))).await;
}

#[actix_web::test]
#[ignore = "sentinels take long to decide"]
async fn nothing_is_lost_when_the_master_of_sentinels_is_killed() {
    let servers = RedisTrio::start("1000");
    let url = servers.url();
    run("kill -9 of a Sentinel master", &url, (Trouble { servers, strike: groups::kill_under_sentinel }, so_often(2)))
        .await;
}

#[actix_web::test]
#[ignore = "needs root"]
async fn nothing_is_lost_while_its_packets_are() {
    let servers = Wired::start();
    let url = servers.url();
    run("packets lost for 0.5 to 5 s", &url, (Trouble { servers, strike: root::cut }, so_often(3))).await;
}

#[actix_web::test]
#[ignore = "needs root"]
async fn nothing_is_lost_while_its_disk_is_full() {
    let servers = SmallDisk::start();
    let url = servers.redis.url();
    run("a full disk for 1 to 4 s", &url, (Trouble { servers, strike: root::fill_disk }, so_often(3))).await;
}

#[actix_web::test]
#[ignore = "starts programs again and again"]
async fn nothing_is_lost_when_one_of_two_programs_ends() {
    let (servers, front) = Pair::start(&KEPT).await;
    let trouble = Trouble { servers, strike: pair::end_one };
    through("the end of one of two fuwu", front, (trouble, so_often(3))).await;
}

#[actix_web::test]
#[ignore = "starts programs again and again"]
async fn nothing_is_lost_when_one_of_two_programs_and_redis_are_killed() {
    let (servers, front) = Pair::start(&["--save", "1 1"]).await;
    let trouble = Trouble { servers, strike: pair::end_one_and_redis };
    through("kill -9 of Redis (snapshots) and of one of two fuwu", front, (trouble, so_often(3))).await;
}
