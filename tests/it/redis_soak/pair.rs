//! Two programs that serve the same customers from one Redis; one ends, and comes back on its own data.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuwu::store::{PseudonymKey, Redis, Spec, Store};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::talk::Front;
use crate::process::Process;
use crate::redis_servers::{RedisServer, free_port};

const KEY: &str = "a-pseudonym-key-of-the-tests-and-nobody-else";

/// The programs and their Redis.
pub struct Pair {
    programs: [Program; 2],
    redis: RedisServer,
}

struct Program {
    dir: TempDir,
    env: Vec<(&'static str, String)>,
    running: Option<Process>,
}

impl Program {
    fn new(store: &str) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let env = [
            ("FUWU__STORE__URL", store.to_owned()),
            ("FUWU__SERVER__LISTEN", listen),
            ("FUWU__PRIVACY__PSEUDONYM_KEY", KEY.to_owned()),
        ];
        let mut program = Self { dir: tempfile::tempdir().unwrap(), env: env.into(), running: None };
        program.start();
        program
    }

    fn start(&mut self) {
        let env: Vec<(&str, &str)> = self.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.running = Some(Process::start(self.dir.path(), &env));
    }

    fn is(&self) -> &Process {
        self.running.as_ref().unwrap()
    }
}

impl Pair {
    /// Both run, on a Redis with these settings.
    pub async fn start(settings: &[&str]) -> (Self, Front) {
        let redis = RedisServer::start(settings);
        let programs = [Program::new(&redis.url()), Program::new(&redis.url())];
        let store = Redis::open(&redis.url(), Spec::default(), PseudonymKey::new(KEY)).await.unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let front = Front {
            hands: programs.each_ref().map(|program| program.is().hand()).into(),
            metrics: programs.each_ref().map(|program| program.is().url("/metrics")).into(),
            at: i64::try_from(now.as_secs()).unwrap(),
            store: Arc::new(store) as Arc<dyn Store>,
        };
        (Self { programs, redis }, front)
    }
}

/// One of the programs is killed, or ends in order, and starts again a little later.
pub fn end_one(pair: &mut Pair, dice: &mut StdRng) {
    let chosen = &mut pair.programs[dice.random_range(0..2)];
    let running = chosen.running.take().unwrap();
    if dice.random_bool(0.5) {
        running.signal("TERM");
        // It is given the time to end; what it has not done by then the kill takes from it.
        std::thread::sleep(Duration::from_millis(dice.random_range(0..3_000)));
    }
    running.kill();
    std::thread::sleep(Duration::from_millis(dice.random_range(0..1_000)));
    chosen.start();
}

/// One of the programs and Redis are killed at about the same moment.
pub fn end_one_and_redis(pair: &mut Pair, dice: &mut StdRng) {
    let chosen = &mut pair.programs[dice.random_range(0..2)];
    let running = chosen.running.take().unwrap();
    if dice.random_bool(0.5) {
        running.kill();
        pair.redis.kill_and_restart();
    } else {
        pair.redis.kill_and_restart();
        running.kill();
    }
    chosen.start();
}
