//! Private Redis servers: started for a test on ports of their own, ended with it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that does not listen by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// A redis-server of this test's own.
pub struct RedisServer {
    child: Child,
    pub port: u16,
    dir: TempDir,
    settings: Vec<String>,
}

/// A port that was free a moment ago. A cluster's node also takes the one 10,000 above.
fn free_port() -> u16 {
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
            let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
            let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
            let child = spawn(port, &dir, &settings);
            let mut server = Self { child, port, dir, settings };
            if server.answers() {
                return server;
            }
        }
    }

    /// Kills it as a crash would, and starts it again on what it had saved.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.port, &self.dir, &self.settings);
        assert!(self.answers(), "somebody took its port");
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it lives to answer.
    fn answers(&mut self) -> bool {
        let since = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            // Another server may have taken the port while ours was starting.
            let ours = format!("process_id:{}\r", self.child.id());
            if self.ask(&["INFO", "server"]).is_some_and(|info| info.contains(&ours)) {
                return true;
            }
            assert!(since.elapsed() < PATIENCE, "redis-server does not answer");
            std::thread::yield_now();
        }
        false
    }

    /// Asks one command.
    pub fn ask(&self, command: &[&str]) -> Option<String> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(1)).ok()?;
        let mut ask = redis::cmd(command[0]);
        ask.arg(&command[1..]);
        let answer: redis::Value = ask.query(&mut connection).ok()?;
        Some(match answer {
            redis::Value::SimpleString(text) => text,
            redis::Value::Okay => "OK".into(),
            redis::Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        })
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

fn spawn(port: u16, dir: &TempDir, settings: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", &dir.path().display().to_string()])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .args(settings)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("please install redis-server (apt-get install redis-server)")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Three masters that share the slots.
pub struct RedisCluster(Vec<RedisServer>);

impl RedisCluster {
    pub fn start() -> Self {
        let nodes: Vec<_> = (0..3)
            .map(|_| RedisServer::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]))
            .collect();
        for (nth, node) in nodes.iter().enumerate() {
            let (from, to) = (nth * 16_384 / 3, (nth + 1) * 16_384 / 3 - 1);
            let slots = ["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()];
            assert_eq!(node.ask(&slots).as_deref(), Some("OK"));
            let first = nodes[0].port.to_string();
            assert_eq!(node.ask(&["CLUSTER", "MEET", "127.0.0.1", &first]).as_deref(), Some("OK"));
        }
        let since = Instant::now();
        let knows_all = |node: &RedisServer| {
            let info = node.ask(&["CLUSTER", "INFO"]).unwrap_or_default();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        while !nodes.iter().all(knows_all) {
            assert!(since.elapsed() < PATIENCE, "the cluster does not come together");
            std::thread::yield_now();
        }
        Self(nodes)
    }

    pub fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.0.iter()
    }

    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.0.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }
}
