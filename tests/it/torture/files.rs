//! 3.5: what operators and their editors can write, and what their business systems can say.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fuwu::channel::official::Mode;
use fuwu::config::playbook::{Dirs, Finding, Live, read};
use fuwu::domain::reply::Reply;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::data::{Line, Tally, Waits, grown, same};
use crate::business::{copied, copy_playbook, edit};
use crate::hand::{Hand, text};
use crate::harness::{World, until};

/// A refusal is quick, whatever is refused. This machine may be busy.
const WITHIN: Duration = Duration::from_secs(8);

/// A playbook that is good but for one file, and what is found in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    name: String,
    later: Option<String>,
    /// The file: `playbook/actions.toml`, `menus/m.json`.
    file: String,
    /// What is in it, or what stands before and after what is in it.
    text: Option<String>,
    before: String,
    after: String,
    /// A character and the bytes, in hex, that stand in its place.
    bytes: Option<(String, String)>,
    utf16: bool,
    /// So many MiB of nothing, none of it on the disk.
    sparse_mib: Option<u64>,
    /// A form beside it, good but for this: what is written instead of what ([`FORM`]).
    form: Option<(String, String)>,
    /// Not a file at all: `fifo`, `folder`, `missing`, `unreadable`, or a link to what stands behind `link:`.
    instead: Option<String>,
    /// What is found; nothing and the playbook is good.
    finds: Option<String>,
    line: Option<usize>,
    /// Words of the finding and of how to mend it.
    says: Option<String>,
    /// A step of a save, for O14.
    save: Option<String>,
    /// What a business system says to a question, byte by byte.
    answers: Option<String>,
    /// Words in the reply to the customer.
    reply: Option<String>,
}

impl Waits for Case {
    fn later(&self) -> Option<&str> {
        self.later.as_deref()
    }
}

const ACTIONS: &str = "[hello]\nkind = \"say\"\ntext = \"你好\"\n\n[plan]\nkind = \"say\"\ntext = \"套餐\"\n";
const MOMENTS: &str =
    "first_follow = \"hello\"\nrefollow = \"hello\"\nscan = \"hello\"\nfallback = \"hello\"\nnot_words = \"hello\"\n";
const MENU: &str = "{\"button\": [\n  {\"type\": \"click\", \"name\": \"套餐\", \"key\": \"plan\"}\n]}\n";

/// A form that leaves a ticket, with a step of most kinds, and the pool that one of them chooses from.
const FORM: &str = include_str!("form.toml");
const POOL: &str = "[numbers]\nitems = [\"170\"]\n";

pub async fn run(lines: &[Line<Case>]) -> Tally {
    let mut tally = Tally::of(lines);
    let business = Asking::start().await;
    let saving = Saving::start();
    for line in lines {
        for case in line.case.iter().filter(|case| case.later.is_none()) {
            let began = Instant::now();
            let went = match (&case.answers, &case.save) {
                (Some(answer), _) => business.hears(&grown(answer), case).await,
                (None, Some(step)) => saving.goes_well(step).await,
                (None, None) => {
                    let case = case.clone();
                    tokio::task::spawn_blocking(move || case.holds()).await.unwrap()
                }
            };
            tally.case(&line.id, &format!("{} {}", line.input, case.name), (went, began));
        }
    }
    tally
}

fn good(dir: &Path) -> Dirs {
    let dirs = Dirs { playbook: dir.join("playbook"), menus: dir.join("menus") };
    fs::create_dir_all(dirs.playbook.join("actions")).unwrap();
    fs::create_dir_all(&dirs.menus).unwrap();
    for (name, text) in [("actions.toml", ACTIONS), ("moments.toml", MOMENTS), ("keywords.toml", "")] {
        fs::write(dirs.playbook.join(name), text).unwrap();
    }
    fs::write(dirs.menus.join("m.json"), MENU).unwrap();
    dirs
}

impl Case {
    fn holds(&self) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let dirs = good(dir.path());
        if let Some((from, to)) = &self.form {
            let form = FORM.replacen(&grown(from), &grown(to), 1);
            same("that the form has what is changed", from.is_empty() || form != FORM, true)?;
            fs::write(dirs.playbook.join("actions/form.toml"), form).unwrap();
            fs::write(dirs.playbook.join("pools.toml"), POOL).unwrap();
            fs::write(dirs.playbook.join("keywords.toml"), "[[rule]]\naction = \"form\"\nexact = [\"表单\"]\n")
                .unwrap();
        } else {
            self.write(&dir.path().join(&self.file));
        }
        let began = Instant::now();
        let (playbook, findings) = read(&dirs);
        let took = began.elapsed();
        if took > WITHIN {
            return Err(format!("took {took:?}"));
        }
        let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error()).collect();
        same("that there is a playbook", playbook.is_some(), errors.is_empty())?;
        let told: Vec<String> =
            findings.iter().take(3).map(|f| format!("{} {} {}", f.code.as_str(), f.line, f.message)).collect();
        let Some(code) = &self.finds else {
            return if findings.is_empty() { Ok(()) } else { Err(format!("finds {told:?}")) };
        };
        let Some(found) = findings.iter().find(|finding| finding.code.as_str() == code) else {
            return Err(format!("does not find {code} but {told:?}"));
        };
        if let Some(line) = self.line {
            same("the line", found.line, line)?;
        }
        let words = format!("{} {}", found.message, found.mend);
        if !self.says.as_ref().is_none_or(|says| words.contains(says)) || found.mend.is_empty() {
            return Err(format!("says {words}"));
        }
        // Nothing of a file that is not ours to read comes into a message.
        if self.instead.as_ref().is_some_and(|_| format!("{findings:?}").contains("root:")) {
            return Err("a finding shows what is in the other file".into());
        }
        Ok(())
    }

    fn write(&self, file: &Path) {
        if let Some(mib) = self.sparse_mib {
            return fs::File::create(file).unwrap().set_len(mib * 1024 * 1024).unwrap();
        }
        if let Some(what) = &self.instead {
            let _ = fs::remove_file(file);
            return match what.split_once(':') {
                Some((_, target)) => std::os::unix::fs::symlink(target, file).unwrap(),
                None if what == "folder" => fs::create_dir(file).unwrap(),
                None if what == "missing" => {}
                None => assert!(std::process::Command::new("mkfifo").arg(file).status().unwrap().success()),
            };
        }
        let was = fs::read_to_string(file).unwrap_or_default();
        let text = self.text.as_deref().map_or(was, grown);
        let text = format!("{}{text}{}", grown(&self.before), grown(&self.after));
        let bytes = if self.utf16 {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else if let Some((char, hex)) = &self.bytes {
            let (head, tail) = text.split_once(char.as_str()).expect("the character stands in the file");
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            [head.as_bytes(), &hex.as_bytes().chunks(2).map(byte).collect::<Vec<u8>>(), tail.as_bytes()].concat()
        } else {
            text.into_bytes()
        };
        fs::write(file, bytes).unwrap();
    }
}

/// A fuwu whose business system says what a case tells it to.
struct Asking {
    _world: World,
    hand: Hand,
    business: tokio::net::TcpListener,
}

impl Asking {
    async fn start() -> Self {
        let business = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        copy_playbook(dir.path());
        let connectors = dir.path().join("playbook/connectors.toml");
        let own = format!("\"http://{}\"\nallow_addresses = [\"127.0.0.1\"]", business.local_addr().unwrap());
        edit(&connectors, "\"sandbox:\"", &own);
        let env = copied(dir.path());
        let env = env.each_ref().map(|(key, value)| (*key, value.as_str()));
        let world = World::open(dir, &env).await;
        Self { hand: world.hand(Mode::Safe), _world: world, business }
    }

    /// The customer asks, the business system answers like this: is the customer told something sensible?
    async fn hears(&self, answer: &str, case: &Case) -> Result<(), String> {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (openid, hand) = (format!("oTortureOfFiles{id}"), &self.hand);
        let bytes = answer.split_once("{bomb}").map(|(head, _)| [head.as_bytes(), &bomb()].concat());
        let bytes = bytes.unwrap_or_else(|| answer.as_bytes().to_vec());
        let asked = std::cell::Cell::new(0);
        let answering = async {
            loop {
                let (mut stream, _) = self.business.accept().await.unwrap();
                let mut head = [0; 4096];
                // A connection that was opened in advance and never used asks nothing.
                if !stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    continue;
                }
                asked.set(asked.get() + 1);
                // We are cut off as soon as it has heard enough.
                let _ = stream.write_all(&bytes).await;
                if case.name.contains("slow") {
                    std::future::pending::<()>().await;
                }
                let _ = stream.shutdown().await;
            }
        };
        let question = text(&openid, id, "查套餐");
        let posted = tokio::select! { posted = hand.deliver(&question) => posted, () = answering => unreachable!() };
        same("that it was asked", asked.get() > 0, true)?;
        let Reply::Text(words) = hand.hear(&openid, &posted) else { return Err(format!("no words: {posted:?}")) };
        let expected = case.reply.as_deref().unwrap_or("暂时查不到");
        if words.contains(expected) { Ok(()) } else { Err(format!("says {words}")) }
    }
}

/// Eight MiB of nothing, as gzip.
fn bomb() -> Vec<u8> {
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    packed.start_file("x", options).unwrap();
    packed.write_all(&vec![b' '; 8 * 1024 * 1024]).unwrap();
    let packed = packed.finish().unwrap().into_inner();
    let mut archive = zip::ZipArchive::new(Cursor::new(&packed)).unwrap();
    let (start, length) = {
        let file = archive.by_index_raw(0).unwrap();
        (file.data_start().unwrap(), file.compressed_size())
    };
    let mut deflated = Vec::new();
    let mut from = Cursor::new(&packed);
    from.set_position(start);
    std::io::Read::take(from, length).read_to_end(&mut deflated).unwrap();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    [head.as_slice(), &deflated].concat()
}

/// A playbook that serves while it is saved to.
struct Saving {
    dir: tempfile::TempDir,
    live: Live,
}

impl Saving {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let live = Live::start(good(dir.path())).unwrap();
        Self { dir, live }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("playbook/actions.toml")
    }

    async fn serves(&self, words: &str) -> Result<(), String> {
        until(&format!("{words} is served"), async || format!("{:?}", self.live.current().actions).contains(words))
            .await;
        Ok(())
    }

    async fn refused(&self) -> Result<(), String> {
        until("the edit is refused", async || self.live.status().is_refused()).await;
        Ok(())
    }

    /// Whatever happens, the last good one serves until the next good one is whole.
    async fn goes_well(&self, step: &str) -> Result<(), String> {
        let (file, whole) = (self.file(), ACTIONS.replace("套餐", step));
        let before = self.live.current();
        let (first, second) = whole.split_at(whole.find("[plan]").unwrap() + 3);
        match step {
            "two writes" => {
                fs::write(&file, first).unwrap();
                self.refused().await?;
                same("what serves meanwhile", Arc::ptr_eq(&before, &self.live.current()), true)?;
                fs::File::options().append(true).open(&file).unwrap().write_all(second.as_bytes()).unwrap();
            }
            "an editor's own files" => {
                for name in [".actions.toml.swp", "actions.toml~", "#actions.toml#", "4913", ".actions.toml.tmp"] {
                    fs::write(self.dir.path().join("playbook").join(name), "[broken").unwrap();
                }
                fs::write(self.dir.path().join("playbook/.new"), &whole).unwrap();
                fs::rename(self.dir.path().join("playbook/.new"), &file).unwrap();
            }
            "cut to nothing" => {
                fs::write(&file, "").unwrap();
                self.refused().await?;
                same("what serves meanwhile", Arc::ptr_eq(&before, &self.live.current()), true)?;
                fs::write(&file, &whole).unwrap();
            }
            "gone" => {
                fs::remove_file(&file).unwrap();
                self.refused().await?;
                same("what serves meanwhile", Arc::ptr_eq(&before, &self.live.current()), true)?;
                fs::write(&file, &whole).unwrap();
            }
            other => return Err(format!("no such step: {other}")),
        }
        self.serves(step).await?;
        same("that it was good", self.live.status().is_refused(), false)?;
        if step != "gone" {
            return Ok(());
        }
        // Nothing reads again and again what has not changed: for two looks nothing happens.
        let mut changed = self.live.changed();
        changed.mark_unchanged();
        let again = tokio::time::timeout(Duration::from_millis(1200), changed.changed()).await;
        same("that it stays", again.is_err(), true)
    }
}
