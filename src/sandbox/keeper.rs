//! Keeps the state in a file: written whole, beside the old one, then renamed over it.
//!
//! A thread of its own writes at most a few times a second, so no request waits for the disk. What changed last is
//! written when the sandbox closes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::SandboxError;
use super::model::{Fresh, State};

/// Changes gather for this long before they are written.
const GATHER: Duration = Duration::from_millis(400);

/// The state and its file.
pub struct Keeper {
    kept: Arc<Kept>,
    changed: Sender<()>,
}

struct Kept {
    state: Mutex<State>,
    file: Option<PathBuf>,
    /// Whether the file is behind the state.
    behind: AtomicBool,
    /// Held while writing, so that an older state never replaces a newer one.
    writing: Mutex<()>,
}

impl Keeper {
    /// Reads the file, or begins afresh.
    pub fn open(file: Option<PathBuf>, fresh: Fresh) -> Result<Self, SandboxError> {
        let saved = file.as_deref().map(read).transpose()?.flatten();
        let mut state = saved.unwrap_or_else(|| State::new(fresh));
        state.begin_statistics(fresh);
        state.add_demo_templates();
        let state = Mutex::new(state);
        let kept = Arc::new(Kept { state, file, behind: AtomicBool::new(false), writing: Mutex::new(()) });
        let (changed, news) = channel();
        if kept.file.is_some() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || write_behind(&kept, &news));
        }
        Ok(Self { kept, changed })
    }

    /// The state, to be read.
    pub fn read(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves at worst a half-made chat entry; the sandbox goes on.
        self.kept.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to be changed.
    pub fn change(&self) -> MutexGuard<'_, State> {
        let state = self.read();
        self.kept.behind.store(true, Ordering::Release);
        // Without a file nobody listens, and that is fine.
        let _ = self.changed.send(());
        state
    }

    /// Writes what has not been written yet.
    pub fn flush(&self) -> Result<(), SandboxError> {
        self.kept.write()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Err(fault) = self.flush() {
            tracing::warn!(%fault, "the sandbox's state was not saved");
        }
    }
}

impl Kept {
    fn write(&self) -> Result<(), SandboxError> {
        let Some(file) = &self.file else { return Ok(()) };
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.behind.load(Ordering::Acquire) {
            return Ok(());
        }
        let json = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            self.behind.store(false, Ordering::Release);
            serde_json::to_vec(&*state).map_err(std::io::Error::other)
        };
        json.and_then(|json| replace(file, &json)).map_err(|cause| {
            self.behind.store(true, Ordering::Release);
            SandboxError::Unwritable { path: file.clone(), cause }
        })
    }
}

fn write_behind(kept: &Kept, news: &Receiver<()>) {
    let mut gather = GATHER;
    while news.recv().is_ok() {
        std::thread::sleep(gather);
        while news.try_recv().is_ok() {}
        let began = Instant::now();
        if let Err(fault) = kept.write() {
            tracing::warn!(%fault, "the sandbox's state was not saved");
        }
        // A large state is written less often, so that writing takes at most a tenth of the time.
        gather = GATHER.max(began.elapsed() * 10);
    }
}

fn read(file: &Path) -> Result<Option<State>, SandboxError> {
    let unreadable = |cause: String| SandboxError::Unreadable { path: file.to_owned(), cause };
    let json = match fs::read(file) {
        Ok(json) => json,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(unreadable(fault.to_string())),
    };
    let state: State = serde_json::from_slice(&json).map_err(|fault| unreadable(fault.to_string()))?;
    if state.is_current() { Ok(Some(state)) } else { Err(unreadable("it is from another version".into())) }
}

fn replace(file: &Path, json: &[u8]) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let mut out = File::create(&beside)?;
    out.write_all(json)?;
    out.sync_all()?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Openid;
    use crate::domain::time::UnixSecs;
    use crate::sandbox::model::{CodeRequest, Customer};

    const FRESH: Fresh = Fresh { now: 1_767_225_600, random: 42 };

    #[test]
    fn what_was_changed_is_there_after_a_clean_stop() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        let keeper = Keeper::open(Some(file.clone()), FRESH).unwrap();
        keeper.change().add_code(CodeRequest::permanent("ref:1"), "", FRESH);
        keeper.flush().unwrap();
        let again = Keeper::open(Some(file), FRESH).unwrap();
        assert_eq!(*again.read(), *keeper.read());
    }

    #[test]
    fn a_state_saved_before_there_were_statistics_begins_them_with_its_followers() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        let mut state = State::new(FRESH);
        for nickname in ["林小雨", "陈大伟"] {
            let mut customer = Customer::new(Openid::from(nickname), nickname.into(), FRESH.now);
            customer.followed_at = (nickname == "林小雨").then_some(FRESH.now);
            state.add_customer(customer, FRESH);
        }
        let mut old = serde_json::to_value(&state).unwrap();
        old.as_object_mut().unwrap().remove("statistics").unwrap();
        for customer in old["customers"].as_object_mut().unwrap().values_mut() {
            customer.as_object_mut().unwrap().remove("said_today").unwrap();
        }
        fs::write(&file, old.to_string()).unwrap();
        let keeper = Keeper::open(Some(file), FRESH).unwrap();
        let today = UnixSecs(FRESH.now).business_day();
        let followers = [-1, 0].map(|day| keeper.read().statistics.followers(today.plus_days(day)));
        assert_eq!((keeper.read().customers.len(), followers), (2, [None, Some(1)]));
    }

    #[test]
    fn a_state_saved_before_there_was_a_whole_platform_is_opened_with_what_it_held() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        let mut state = State::new(FRESH);
        state.add_customer(Customer::new(Openid::from("oA"), "林小雨".into(), FRESH.now), FRESH);
        let mut old = serde_json::to_value(&state).unwrap();
        let first = ["format", "customers", "menu", "codes", "tokens", "last_msg_id", "last_menu_id"];
        old.as_object_mut().unwrap().retain(|name, _| first.contains(&name.as_str()));
        let customer = old["customers"]["oA"].as_object_mut().unwrap();
        assert!(!customer.contains_key("standing"), "what says nothing is not written");
        customer.insert("service".into(), serde_json::json!({ "state": "agent", "account": "xiaofu@demo" }));
        fs::write(&file, old.to_string()).unwrap();
        let keeper = Keeper::open(Some(file), FRESH).unwrap();
        let opened = keeper.read();
        assert_eq!((opened.customers.len(), &opened.conditions, &opened.desk), (1, &state.conditions, &state.desk));
    }

    #[test]
    fn a_broken_file_is_refused_by_name_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sandbox.json");
        fs::write(&file, "{").unwrap();
        let fault = Keeper::open(Some(file.clone()), FRESH).err().unwrap();
        assert!(fault.to_string().contains("sandbox.json"), "{fault}");
        assert_eq!(fs::read(&file).unwrap(), b"{");
    }

    #[test]
    fn without_a_file_nothing_is_written() {
        let keeper = Keeper::open(None, FRESH).unwrap();
        keeper.change().next_menu_id();
        assert!(keeper.flush().is_ok());
    }
}
