//! The programs under load: fuwu as it ships, and the floors, each a process of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::deliveries::{AES_KEY, APP_ID, ORIGINAL_ID, TOKEN};

/// How a program is run.
#[derive(Clone, Debug)]
pub enum Under {
    /// Wherever the system puts it.
    Nothing,
    /// On one core.
    Core(usize),
    /// Under valgrind, which counts what it allocates and executes, and writes that to a file at its end.
    Dhat(PathBuf),
}

/// A running program that has said where it listens. Dropped, it is killed.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    _stdout: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Under {
    /// The command that runs a program so.
    pub fn command(&self, program: &OsStr) -> Command {
        let (wrap, args): (&str, Vec<String>) = match self {
            Self::Nothing => return Command::new(program),
            Self::Core(core) => ("taskset", vec!["--cpu-list".into(), core.to_string()]),
            Self::Dhat(file) => ("valgrind", vec!["--tool=dhat".into(), format!("--dhat-out-file={}", file.display())]),
        };
        let mut command = Command::new(wrap);
        command.args(args).arg(program);
        command
    }

    /// The same command, run so.
    pub fn wrap(&self, command: &Command) -> Command {
        let mut wrapped = self.command(command.get_program());
        wrapped.args(command.get_args());
        wrapped
    }
}

/// `fuwu serve` on an empty store, or where `store` says, with one HTTP worker for each core it may use.
pub fn fuwu(under: &Under, folder: &Path, store: Option<&str>) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = under.command(OsStr::new(env!("CARGO_BIN_EXE_fuwu")));
    command.arg("serve").current_dir(folder).env_remove("RUST_LOG");
    command.envs([
        ("FUWU__DATA_DIR", folder.join("data")),
        ("FUWU__ACCOUNTS__DEMO__PLAYBOOK", root.join("config/playbook")),
        ("FUWU__ACCOUNTS__DEMO__MENUS", root.join("menus")),
    ]);
    command.envs([
        ("FUWU__SERVER__LISTEN", "127.0.0.1:0"),
        ("FUWU__ACCOUNTS__DEMO__APP_ID", APP_ID),
        ("FUWU__ACCOUNTS__DEMO__ORIGINAL_ID", ORIGINAL_ID),
        ("FUWU__ACCOUNTS__DEMO__TOKEN", TOKEN),
        ("FUWU__ACCOUNTS__DEMO__AES_KEY", AES_KEY),
    ]);
    command.envs(store.map(|url| ("FUWU__STORE__URL", url)));
    command
}

impl Server {
    /// Starts, and waits until it says where it is. What it says to standard error goes to `log`.
    pub fn start(mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn().with_context(|| format!("{program} cannot be started; is it installed?"))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        loop {
            line.clear();
            if stdout.read_line(&mut line)? == 0 {
                bail!("{program} ended at its start:\n{}", fs::read_to_string(&log)?);
            }
            if let Some(address) = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok()) {
                return Ok(Self { child, address, _stdout: stdout, log });
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it in order and waits for it: fuwu hears SIGTERM, a floor sees its standard input closed.
    pub fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let told = Command::new("kill").args(["-TERM", &self.pid().to_string()]).stderr(Stdio::null()).status();
        told.context("kill cannot be started")?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a program is installed.
pub fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Puts the calling thread, and what it starts, on one core.
pub fn pin_myself(core: usize) -> anyhow::Result<()> {
    let (core, pid) = (core.to_string(), std::process::id().to_string());
    let done = Command::new("taskset").args(["--all-tasks", "--cpu-list", "--pid", &core, &pid]).output();
    let done = done.context("taskset (util-linux) is needed to choose cores; --unpinned does without")?;
    ensure!(done.status.success(), "core {core}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
