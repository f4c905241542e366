//! What may happen to one Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;

use crate::redis_servers::RedisServer;

const FORGETS_EVERY: Duration = Duration::from_millis(50);

/// SIGKILL, and it starts again on what it had saved: at once or after a while.
pub fn kill(redis: &mut RedisServer, dice: &mut StdRng) {
    redis.kill();
    if dice.random_bool(0.5) {
        sleep(Duration::from_millis(dice.random_range(0..2_000)));
    }
    redis.kill_and_restart();
}

/// It stands still for a while.
pub fn freeze(redis: &mut RedisServer, dice: &mut StdRng) {
    redis.freeze();
    sleep(Duration::from_millis(dice.random_range(500..5_000)));
    redis.thaw();
}

/// For a second it forgets all scripts again and again.
pub fn forget_scripts(redis: &mut RedisServer, _: &mut StdRng) {
    for _ in 0..20 {
        assert!(redis.ask(&["SCRIPT", "FLUSH"]).is_some());
        sleep(FORGETS_EVERY);
    }
}

/// Its memory is full for a while, and it refuses what needs more.
pub fn fill_memory(redis: &mut RedisServer, dice: &mut StdRng) {
    let memory = redis.ask(&["INFO", "memory"]).unwrap();
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    // Whoever asked takes some of it, and leaves it behind.
    limit_memory(redis, used);
    sleep(Duration::from_millis(dice.random_range(500..3_000)));
    limit_memory(redis, "0");
}

fn limit_memory(redis: &RedisServer, bytes: &str) {
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", bytes]).as_deref(), Some("OK"));
}

/// A Redis whose answers come later than it gives them.
pub struct Slow {
    _redis: RedisServer,
    later_ms: Arc<AtomicU64>,
    pub port: u16,
}

impl Slow {
    pub fn start() -> Self {
        let (redis, later_ms) = (RedisServer::start(&[]), Arc::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let (to, later) = (redis.port, Arc::clone(&later_ms));
        // Not where fuwu runs, so that neither waits for the other. It ends with the program.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (from, _) = listener.accept().await.unwrap();
                    tokio::spawn(pass_on(from, to, Arc::clone(&later)));
                }
            });
        });
        Self { _redis: redis, later_ms, port }
    }
}

/// Redis is 100, 600 or 800 ms further away for a while.
pub fn be_slow(slow: &mut Slow, dice: &mut StdRng) {
    slow.later_ms.store([100, 600, 800][dice.random_range(0..3)], Ordering::Relaxed);
    sleep(Duration::from_millis(dice.random_range(1_000..4_000)));
    slow.later_ms.store(0, Ordering::Relaxed);
}

async fn pass_on(from: TcpStream, to: u16, later_ms: Arc<AtomicU64>) {
    let Ok(to) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let ((mut asks, mut hears), (mut answers, mut hears_from)) = (from.into_split(), to.into_split());
    let (put, mut take) = unbounded_channel::<(Instant, Vec<u8>)>();
    // Either end may hang up at any time.
    tokio::spawn(async move { tokio::io::copy(&mut asks, &mut hears_from).await.ok() });
    tokio::spawn(async move {
        while let Some((due, bytes)) = take.recv().await {
            tokio::time::sleep_until(due.into()).await;
            if hears.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read @ 1..) = answers.read(&mut bytes).await {
        let due = Instant::now() + Duration::from_millis(later_ms.load(Ordering::Relaxed));
        if put.send((due, bytes[..read].to_vec())).is_err() {
            return;
        }
    }
}
