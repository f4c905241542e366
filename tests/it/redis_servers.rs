//! Private Redis servers: started for a test on ports of their own, ended with it.

use std::collections::HashMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that does not listen by then never will.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A redis-server of this test's own.
pub struct RedisServer {
    child: Child,
    pub port: u16,
    dir: TempDir,
    settings: Vec<String>,
}

/// A port that was free a moment ago. A cluster's node also takes the one 10,000 above.
pub fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

impl RedisServer {
    /// Starts one and waits until it answers. Another process may take the port first; then it is another one.
    pub fn start(settings: &[&str]) -> Self {
        loop {
            let port = free_port().to_string();
            let mut all = vec!["--port", &port, "--save", "", "--appendonly", "no"];
            all.extend(settings);
            if let Some(server) = Self::started(tempfile::tempdir().unwrap(), &port, &all) {
                return server;
            }
        }
    }

    /// Starts what settings say, which may be that it listens over TLS only; nothing when the port is another's.
    pub fn started(dir: TempDir, port: &str, settings: &[&str]) -> Option<Self> {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let child = spawn(&dir, &settings);
        let mut server = Self { child, port: port.parse().unwrap(), dir, settings };
        server.answers().then_some(server)
    }

    /// Kills it as a crash would, and starts it again on what it had saved.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.child = spawn(&self.dir, &self.settings);
        assert!(self.answers(), "somebody took its port");
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it lives to say that it is there, and on its port.
    fn answers(&mut self) -> bool {
        let ready = |log: String| log.contains("Ready to accept connections") || log.contains("Sentinel ID is");
        let log = self.dir.path().join("log");
        wait_for("redis-server is ready", || {
            self.child.try_wait().unwrap().is_some() || ready(std::fs::read_to_string(&log).unwrap_or_default())
        });
        let log = std::fs::read_to_string(&log).unwrap();
        let lives = self.child.try_wait().unwrap().is_none();
        assert!(lives || log.contains("Address already in use"), "{log}");
        lives
    }

    /// Ends it without a word (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it where it is (SIGSTOP), and lets it go on (SIGCONT).
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Asks one command.
    pub fn ask(&self, command: &[&str]) -> Option<String> {
        Some(match self.asked(command)? {
            redis::Value::SimpleString(text) => text,
            redis::Value::Okay => "OK".into(),
            redis::Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        })
    }

    /// Asks one command whose answer has a shape.
    pub fn asked<T: redis::FromRedisValue>(&self, command: &[&str]) -> Option<T> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(1)).ok()?;
        let mut ask = redis::cmd(command[0]);
        ask.arg(&command[1..]);
        ask.query(&mut connection).ok()
    }

    /// Whether its files hold these bytes.
    pub fn has_on_disk(&self, bytes: &[u8]) -> bool {
        holds(self.dir.path(), bytes)
    }

    /// Moves all keys of a slot to another node.
    pub fn move_slot(&self, slot: &str, to: &Self) {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("GETKEYSINSLOT").arg(slot).arg(1_000);
        let keys: Vec<Vec<u8>> = ask.query(&mut connection).unwrap();
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(to.port).arg("").arg(0).arg(5_000).arg("KEYS").arg(keys);
        let moved: String = migrate.query(&mut connection).unwrap();
        assert_eq!(moved, "OK");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn spawn(dir: &TempDir, settings: &[String]) -> Child {
    Command::new("redis-server")
        .args(settings)
        .args(["--bind", "127.0.0.1", "--dir", &dir.path().display().to_string(), "--daemonize", "no"])
        .stdout(File::create(dir.path().join("log")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .expect("please install redis-server (apt-get install redis-server)")
}

/// Whether a file in a folder holds these bytes; one that vanishes meanwhile does not.
fn holds(dir: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => holds(&path, bytes),
        false => std::fs::read(&path).is_ok_and(|file| file.windows(bytes.len()).any(|part| part == bytes)),
    })
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until it is so.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

fn follows(replica: &RedisServer) -> bool {
    replica.ask(&["INFO", "replication"]).is_some_and(|info| info.contains("master_link_status:up"))
}

/// Masters that share the slots, and perhaps a replica of each.
pub struct RedisCluster(pub Vec<RedisServer>);

impl RedisCluster {
    /// Three masters.
    pub fn start() -> Self {
        Self::of(3, "2000")
    }

    /// Three masters and three replicas, the nth of the nth. Who is not heard of for so long is replaced.
    pub fn with_replicas(node_timeout_ms: &str) -> Self {
        let cluster = Self::of(6, node_timeout_ms);
        let (masters, replicas) = cluster.0.split_at(3);
        for (master, replica) in masters.iter().zip(replicas) {
            let id = master.ask(&["CLUSTER", "MYID"]).unwrap();
            wait_for("a replica knows its master", || {
                replica.ask(&["CLUSTER", "REPLICATE", &id]).as_deref() == Some("OK")
            });
        }
        wait_for("all replicas follow", || replicas.iter().all(follows));
        let all_are_known = |node: &RedisServer| {
            node.ask(&["CLUSTER", "SLOTS"])
                .is_some_and(|slots| replicas.iter().all(|it| slots.contains(&it.port.to_string())))
        };
        wait_for("all know the replicas", || cluster.0.iter().all(all_are_known));
        cluster
    }

    fn of(nodes: usize, node_timeout_ms: &str) -> Self {
        let settings = [
            ["--cluster-enabled", "yes"],
            ["--cluster-node-timeout", node_timeout_ms],
            ["--cluster-require-full-coverage", "no"],
        ];
        let settings = settings.concat();
        let nodes: Vec<_> = (0..nodes).map(|_| RedisServer::start(&settings)).collect();
        for (nth, node) in nodes.iter().enumerate() {
            let (from, to) = (nth * 16_384 / 3, (nth + 1) * 16_384 / 3 - 1);
            let slots = ["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()];
            assert!(nth >= 3 || node.ask(&slots).as_deref() == Some("OK"));
            let first = nodes[0].port.to_string();
            assert_eq!(node.ask(&["CLUSTER", "MEET", "127.0.0.1", &first]).as_deref(), Some("OK"));
        }
        let known = format!("cluster_known_nodes:{}\r", nodes.len());
        let knows_all = |node: &RedisServer| {
            let info = node.ask(&["CLUSTER", "INFO"]).unwrap_or_default();
            info.contains("cluster_state:ok") && info.contains(&known)
        };
        wait_for("the cluster comes together", || nodes.iter().all(knows_all));
        Self(nodes)
    }

    pub fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.0.iter()
    }

    /// Takes everything away.
    pub fn empty(&self) {
        for node in &self.0 {
            // A replica refuses, and follows its master.
            node.ask(&["FLUSHALL"]);
        }
    }

    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.0.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }
}

/// A master, two replicas, and three sentinels that watch them.
pub struct RedisTrio {
    pub servers: Vec<RedisServer>,
    pub sentinels: Vec<RedisServer>,
}

impl RedisTrio {
    /// A master that is not heard of for so long is replaced.
    pub fn start(down_after_ms: &str) -> Self {
        let master = RedisServer::start(&[]);
        let port = master.port.to_string();
        let mut servers = vec![master];
        servers.extend((0..2).map(|_| RedisServer::start(&["--replicaof", "127.0.0.1", &port])));
        wait_for("both replicas follow", || servers[1..].iter().all(follows));
        let sentinels = (0..3).map(|_| Self::sentinel(&port, down_after_ms)).collect();
        let trio = Self { servers, sentinels };
        let knows_all = |sentinel: &RedisServer| {
            let told: HashMap<String, String> = sentinel.asked(&["SENTINEL", "MASTER", "shop"]).unwrap_or_default();
            ["num-slaves", "num-other-sentinels"].iter().all(|name| told.get(*name).is_some_and(|number| number == "2"))
        };
        wait_for("the sentinels know all", || trio.sentinels.iter().all(knows_all));
        trio
    }

    fn sentinel(master: &str, down_after_ms: &str) -> RedisServer {
        loop {
            let (port, dir) = (free_port().to_string(), tempfile::tempdir().unwrap());
            let file = dir.path().join("sentinel.conf");
            let watch = format!("sentinel monitor shop 127.0.0.1 {master} 2\nsentinel failover-timeout shop 3000\n");
            std::fs::write(&file, format!("{watch}sentinel down-after-milliseconds shop {down_after_ms}\n")).unwrap();
            let settings = [&file.display().to_string(), "--sentinel", "--port", &port];
            if let Some(sentinel) = RedisServer::started(dir, &port, &settings) {
                return sentinel;
            }
        }
    }

    /// Waits until both replicas have all that the master has.
    pub fn settle(&self) {
        let client = redis::Client::open(self.servers[0].url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let (mut last, mut wait) = (redis::cmd("SET"), redis::cmd("WAIT"));
        last.arg("settled").arg(1).exec(&mut connection).unwrap();
        assert_eq!(wait.arg(2).arg(PATIENCE.as_millis() as u64).query::<u8>(&mut connection).unwrap(), 2);
    }

    /// Takes everything away.
    pub fn empty(&self) {
        assert_eq!(self.servers[0].ask(&["FLUSHALL"]).as_deref(), Some("OK"));
    }

    pub fn url(&self) -> String {
        let all: Vec<String> = self.sentinels.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
        format!("redis+sentinel://{}/0?master=shop", all.join(","))
    }
}
