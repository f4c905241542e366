//! The real program as a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use fuwu::channel::official::Mode;

use crate::hand::Hand;
use crate::harness::environment;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running `fuwu serve`. Dropped, it is killed.
pub struct Process {
    /// `None` once somebody waits for its end.
    child: Option<Child>,
    id: u32,
    pub address: SocketAddr,
    stderr: PathBuf,
}

/// `fuwu` with its data below `dir` and settings of the test's own.
pub fn fuwu(dir: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fuwu"));
    // Not in the repository: somebody may keep a config/local.toml there.
    command.current_dir(dir).envs(environment(dir, env)).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs `fuwu` to its end.
pub fn run(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Output {
    fuwu(dir, env).args(args).output().unwrap()
}

/// `fuwu` as what a line of shell says of `$0`.
fn by_shell(dir: &Path, line: &str) -> Command {
    let fuwu = fuwu(dir, &[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).arg(fuwu.get_program()).current_dir(dir).stdin(Stdio::null());
    for (name, value) in fuwu.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

impl Process {
    /// Starts, and waits until it says where it is.
    pub fn start(dir: &Path, env: &[(&str, &str)]) -> Self {
        Self::started(dir, fuwu(dir, env))
    }

    /// Starts it so that a write past [`Process::limit_files`] fails instead of ending it.
    pub fn start_on_a_small_disk(dir: &Path) -> Self {
        Self::started(dir, by_shell(dir, "trap '' XFSZ; exec \"$0\""))
    }

    /// The same, with a log that never finds room.
    pub fn start_without_room_for_a_log(dir: &Path) -> Self {
        Self::started(dir, by_shell(dir, "trap '' XFSZ; exec \"$0\" 2>/dev/full"))
    }

    /// Starts a command that says where it is as `fuwu serve` does.
    pub fn started(dir: &Path, mut command: Command) -> Self {
        let stderr = dir.join("stderr");
        let log = File::options().create(true).append(true).open(&stderr).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let Some(console) = lines.find(|line| line.contains("/console?token=")) else {
            panic!("it ended at its start: {}", std::fs::read_to_string(&stderr).unwrap_or_default())
        };
        // Whatever it says afterwards finds somebody who listens.
        std::thread::spawn(move || lines.for_each(drop));
        let address = console.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        Self { id: child.id(), child: Some(child), address: address.parse().unwrap(), stderr }
    }

    pub fn hand(&self) -> Hand {
        Hand::to(self.address, Mode::Safe)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    /// Sends a signal by its name: `TERM`, `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// No file of it grows beyond so many bytes from now on; `None` lifts the limit.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let args = ["--pid".to_owned(), self.id.to_string(), format!("--fsize={limit}:unlimited")];
        assert!(Command::new("prlimit").args(args).status().unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        let Ok(status) = tokio::time::timeout(PATIENCE, ended).await else {
            // So that the waiting thread ends, too.
            self.signal("KILL");
            panic!("it does not end: {}", self.log())
        };
        status.unwrap()
    }

    /// SIGKILL, and waits until the system has taken everything back.
    pub fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Everything it and its predecessors in the same folder said to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may be gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
