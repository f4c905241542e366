//! A master of several servers is killed; its replica takes over, and it comes back as a replica. Every other time the
//! replica has not heard the last of what was confirmed.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::redis_servers::{RedisCluster, RedisServer, RedisTrio, wait_for};

fn is_master(server: &RedisServer) -> bool {
    server.ask(&["INFO", "replication"]).is_some_and(|info| info.contains("role:master"))
}

fn follows(server: &RedisServer) -> bool {
    let up = |info: String| info.contains("role:slave") && info.contains("master_link_status:up");
    server.ask(&["INFO", "replication"]).is_some_and(up)
}

/// Kills a master, whose replicas know all or have been cut off for some time.
fn kill(servers: &mut [RedisServer], chosen: usize, dice: &mut StdRng) {
    let of_it = format!("master_port:{}\r", servers[chosen].port);
    let is_of_it =
        |server: &RedisServer| server.ask(&["INFO", "replication"]).is_some_and(|info| info.contains(&of_it));
    let replicas: Vec<usize> = (0..servers.len()).filter(|at| is_of_it(&servers[*at])).collect();
    let cut_off = dice.random_bool(0.5);
    if cut_off {
        // They stand still, so that they do not connect again. That is shorter than what makes a server count as away.
        replicas.iter().for_each(|at| servers[*at].freeze());
        assert!(servers[chosen].ask(&["CLIENT", "KILL", "TYPE", "replica"]).is_some());
        std::thread::sleep(Duration::from_millis(dice.random_range(100..600)));
    }
    servers[chosen].kill();
    replicas.iter().for_each(|at| servers[*at].thaw());
}

/// SIGKILL of one of the three masters of a cluster.
pub fn kill_in_cluster(cluster: &mut RedisCluster, dice: &mut StdRng) {
    let masters: Vec<usize> = (0..cluster.0.len()).filter(|at| is_master(&cluster.0[*at])).collect();
    assert_eq!(masters.len(), 3);
    let chosen = masters[dice.random_range(0..masters.len())];
    kill(&mut cluster.0, chosen, dice);
    let others = |cluster: &RedisCluster| {
        let others = cluster.0.iter().enumerate().filter(|(at, _)| *at != chosen);
        others.filter(|(_, node)| is_master(node)).count()
    };
    wait_for("a replica has taken over", || others(cluster) == 3);
    cluster.0[chosen].kill_and_restart();
    wait_for("the old master is a replica", || follows(&cluster.0[chosen]));
}

/// SIGKILL of the master that the sentinels name.
pub fn kill_under_sentinel(trio: &mut RedisTrio, dice: &mut StdRng) {
    let chosen = named(trio);
    kill(&mut trio.servers, chosen, dice);
    wait_for("the sentinels name another", || named(trio) != chosen && is_master(&trio.servers[named(trio)]));
    trio.servers[chosen].kill_and_restart();
    let port = trio.servers[named(trio)].port.to_string();
    // A sentinel may have told it already.
    assert!(trio.servers[chosen].ask(&["REPLICAOF", "127.0.0.1", &port]).is_some_and(|said| said.starts_with("OK")));
    let all_follow = |trio: &RedisTrio| trio.servers.iter().filter(|server| follows(server)).count() == 2;
    wait_for("the others follow", || all_follow(trio));
}

fn named(trio: &RedisTrio) -> usize {
    let ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop"];
    let address: Vec<String> = trio.sentinels[0].asked(&ask).unwrap();
    trio.servers.iter().position(|server| server.port.to_string() == address[1]).unwrap()
}
