//! The playbook while serving: an edit goes live by itself, a bad edit leaves the last good one in place.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use notify_debouncer_full::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::watch;

use super::finding::Finding;
use super::read::judge;
use super::source::{Dirs, Sources};
use crate::domain::ids::PlaybookVersion;
use crate::domain::playbook::Playbook;
use crate::domain::time::UnixSecs;

/// So long an editor is given to finish a save.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// How often files are looked at in any case: some file systems report no changes, and a folder that was replaced is
/// no longer watched. Their bytes are compared: two edits can share a time stamp.
const LOOK: Duration = Duration::from_millis(500);

/// A playbook that follows its files.
#[derive(Debug)]
pub struct Live {
    state: watch::Receiver<State>,
    wake: Sender<Wake>,
}

/// What serves now, and what the last attempt to read the files found.
#[derive(Clone, Debug)]
pub struct State {
    /// What serves.
    pub playbook: Arc<Playbook>,
    /// About it.
    pub status: Arc<Status>,
}

/// How the files stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The playbook that serves.
    pub version: PlaybookVersion,
    /// Since when.
    pub since: UnixSecs,
    /// When the files were last read.
    pub read_at: UnixSecs,
    /// What was found then. With an error among them the files are not what serves.
    pub findings: Vec<Finding>,
}

impl Status {
    /// Whether the files as they are now were refused, so that an older playbook serves.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }
}

#[derive(Debug)]
enum Wake {
    Edited,
    Stop,
}

impl Live {
    /// Reads the playbook and follows its files from then on; the findings, when there is nothing good to begin with.
    pub fn start(dirs: Dirs) -> Result<Self, Vec<Finding>> {
        Self::start_with(dirs, debouncer)
    }

    fn start_with(dirs: Dirs, reporter: impl FnOnce(Sender<Wake>) -> Option<Reporter>) -> Result<Self, Vec<Finding>> {
        let sources = Sources::read(&dirs);
        let seen = sources.version();
        let (playbook, findings) = judge(sources, &dirs);
        let Some(playbook) = playbook else { return Err(findings) };
        let now = now();
        let status = Status { version: playbook.version.clone(), since: now, read_at: now, findings };
        let (publish, state) = watch::channel(State { playbook: Arc::new(playbook), status: Arc::new(status) });
        let (wake, woken) = channel();
        let reporter = reporter(wake.clone());
        let mut follower = Follower { dirs, seen, publish, reporter };
        thread::spawn(move || follower.run(&woken));
        Ok(Self { state, wake })
    }

    /// A playbook that stays as it is, of no files.
    pub fn still(playbook: Arc<Playbook>) -> Self {
        let version = playbook.version.clone();
        let status = Status { version, since: UnixSecs(0), read_at: UnixSecs(0), findings: Vec::new() };
        let (_, state) = watch::channel(State { playbook, status: Arc::new(status) });
        Self { state, wake: channel().0 }
    }

    /// The playbook that serves now.
    pub fn current(&self) -> Arc<Playbook> {
        Arc::clone(&self.state.borrow().playbook)
    }

    /// How the files stand.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.state.borrow().status)
    }

    /// Hears of every change of playbook or status.
    pub fn changed(&self) -> watch::Receiver<State> {
        self.state.clone()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.wake.send(Wake::Stop);
    }
}

struct Follower {
    dirs: Dirs,
    seen: PlaybookVersion,
    publish: watch::Sender<State>,
    reporter: Option<Reporter>,
}

/// What tells us of changes.
type Reporter = Debouncer<RecommendedWatcher, RecommendedCache>;

impl Follower {
    fn run(&mut self, woken: &Receiver<Wake>) {
        self.arm();
        let mut changing = None;
        loop {
            match woken.recv_timeout(LOOK) {
                Ok(Wake::Edited) => self.reload(),
                Err(RecvTimeoutError::Timeout) => {
                    // Two looks that agree: nobody is in the middle of a save.
                    let look = Sources::read(&self.dirs).version();
                    if look == self.seen {
                        changing = None;
                    } else if changing.as_ref() == Some(&look) {
                        self.reload();
                    } else {
                        changing = Some(look);
                    }
                }
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn reload(&mut self) {
        // Watched anew before reading, so that nothing written in between goes unseen.
        self.arm();
        let sources = Sources::read(&self.dirs);
        self.seen = sources.version();
        let (playbook, findings) = judge(sources, &self.dirs);
        let before = self.publish.borrow().clone();
        let same = playbook.as_ref().is_none_or(|playbook| playbook.version == before.status.version);
        if same && findings == before.status.findings {
            return;
        }
        let read_at = now();
        let mut status = Status { read_at, findings, ..Status::clone(&before.status) };
        let playbook = match playbook {
            Some(playbook) if same => {
                tracing::info!(version = %playbook.version, "the playbook is as it was, the refused edit is gone");
                before.playbook
            }
            Some(playbook) => {
                tracing::info!(version = %playbook.version, warnings = status.findings.len(), "a new playbook is live");
                status.version = playbook.version.clone();
                status.since = read_at;
                Arc::new(playbook)
            }
            None => {
                refused(&status);
                before.playbook
            }
        };
        self.publish.send_replace(State { playbook, status: Arc::new(status) });
    }

    /// Watches both folders; a folder that was removed and made again is another one.
    fn arm(&mut self) {
        let Some(reporter) = &mut self.reporter else { return };
        for folder in [&self.dirs.playbook, &self.dirs.menus] {
            let _ = reporter.unwatch(folder);
            // A folder that is not there is looked for again and again.
            let _ = reporter.watch(folder as &Path, RecursiveMode::Recursive);
        }
    }
}

fn refused(status: &Status) {
    let errors = status.findings.iter().filter(|finding| finding.is_error());
    let (count, first) = (errors.clone().count(), errors.min_by_key(|finding| (&finding.file, finding.line)));
    if let Some(Finding { file, line, message, mend, .. }) = first {
        let serving = &status.version;
        tracing::warn!(%file, line, message, mend, errors = count, %serving, "an edit of the playbook is refused");
    }
}

fn debouncer(wake: Sender<Wake>) -> Option<Reporter> {
    let tell = move |result: DebounceEventResult| {
        // Our own reading is an event too, but no edit.
        if result.map_or(true, |events| events.iter().any(|event| !event.kind.is_access())) {
            let _ = wake.send(Wake::Edited);
        }
    };
    match new_debouncer(DEBOUNCE, None, tell) {
        Ok(debouncer) => Some(debouncer),
        Err(error) => {
            tracing::warn!(%error, "the system reports no file changes; the playbook's files are looked at instead");
            None
        }
    }
}

fn now() -> UnixSecs {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixSecs(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
