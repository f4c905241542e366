//! What only root can do to a machine: a network that drops packets, a disk without room.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::redis_servers::{RedisServer, wait_for};

const PORT: &str = "6379";

fn run(line: &str) {
    let mut words = line.split(' ');
    let said = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(said.status.success(), "{line}: {}", String::from_utf8_lossy(&said.stderr));
}

/// A Redis behind a cable of its own. Nobody else is on it.
pub struct Wired {
    redis: Child,
    names: [String; 3],
    pub address: String,
    _dir: TempDir,
}

impl Wired {
    pub fn start() -> Self {
        let id = std::process::id();
        let names = [format!("fuwu-{id}"), format!("fw{id}h"), format!("fw{id}r")];
        let [space, here, there] = &names;
        let net = format!("10.213.{}", id % 250);
        // Known from the start, so that nobody asks for it: a packet that goes nowhere is lost without a word.
        let mac = "02:00:00:00:00:02";
        run(&format!("ip netns add {space}"));
        run(&format!("ip link add {here} type veth peer name {there} address {mac} netns {space}"));
        run(&format!("ip address add {net}.1/30 dev {here}"));
        run(&format!("ip link set {here} up"));
        run(&format!("ip neighbour add {net}.2 lladdr {mac} nud permanent dev {here}"));
        run(&format!("ip -n {space} address add {net}.2/30 dev {there}"));
        run(&format!("ip -n {space} link set {there} up"));
        let (dir, address) = (tempfile::tempdir().unwrap(), format!("{net}.2:{PORT}"));
        let bind = ["--bind", &format!("{net}.2"), "--port", PORT, "--protected-mode", "no", "--save", ""];
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space, "redis-server"]).args(bind).current_dir(dir.path());
        let redis = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let wired = Self { redis, address, _dir: dir, names };
        let client = redis::Client::open(wired.url()).unwrap();
        wait_for("it is there", || client.get_connection_with_timeout(Duration::from_secs(1)).is_ok());
        wired
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

/// The cable is cut at its far end for a while: packets are lost, and nobody is told.
pub fn cut(wired: &mut Wired, dice: &mut StdRng) {
    let [space, _, there] = &wired.names;
    run(&format!("ip -n {space} link set {there} down"));
    sleep(Duration::from_millis(dice.random_range(500..5_000)));
    run(&format!("ip -n {space} link set {there} up"));
}

impl Drop for Wired {
    fn drop(&mut self) {
        self.redis.kill().unwrap();
        self.redis.wait().unwrap();
        run(&format!("ip link del {}", self.names[1]));
        run(&format!("ip netns del {}", self.names[0]));
    }
}

/// A file system in memory, of so many MiB.
struct Mount(TempDir);

impl Mount {
    fn new(mib: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        run(&format!("mount -t tmpfs -o size={mib}m fuwu-soak {}", dir.path().display()));
        Self(dir)
    }

    fn rest(&self) -> PathBuf {
        self.0.path().join("rest")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run(&format!("umount {}", self.0.path().display()));
    }
}

/// A Redis that writes all it is told to a small disk. It goes before its disk.
pub struct SmallDisk {
    pub redis: RedisServer,
    disk: Mount,
}

impl SmallDisk {
    pub fn start() -> Self {
        let disk = Mount::new(64);
        let dir = tempfile::tempdir_in(disk.0.path()).unwrap();
        let port = crate::redis_servers::free_port().to_string();
        let settings = ["--port", &port, "--save", "", "--appendonly", "yes", "--auto-aof-rewrite-min-size", "8mb"];
        let redis = RedisServer::started(dir, &port, &settings).expect("somebody took its port");
        Self { redis, disk }
    }
}

/// Its disk is full for a while. Where every write is synced Redis then ends, otherwise it takes no more writes.
pub fn fill_disk(small: &mut SmallDisk, dice: &mut StdRng) {
    let synced = if dice.random_bool(0.5) { "always" } else { "everysec" };
    assert_eq!(small.redis.ask(&["CONFIG", "SET", "appendfsync", synced]).as_deref(), Some("OK"));
    let mut rest = File::create(small.disk.rest()).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while rest.write_all(&vec![0; size]).is_ok() {}
    }
    sleep(Duration::from_millis(dice.random_range(1_000..4_000)));
    std::fs::remove_file(small.disk.rest()).unwrap();
    if small.redis.ask(&["PING"]).is_none() {
        small.redis.kill_and_restart();
    }
}
