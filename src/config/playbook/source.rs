//! The files of a playbook: which there are, and their bytes as text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::finding::{Code, Finding};
use super::site::{Document, Site};
use super::span::Spans;
use crate::config::nearest::nearest;
use crate::domain::ids::PlaybookVersion;
use crate::domain::poster::MOST_PICTURE_BYTES;

/// A larger file is refused.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
const MAX_PICTURE_BYTES: u64 = MOST_PICTURE_BYTES as u64;
/// Where pictures of posters are, besides the folder itself.
const PICTURE_FOLDERS: [&str; 2] = ["campaigns", "posters"];
const PICTURE_ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];
const SAVE_AS_UTF8: &str = "用编辑器把文件另存为 UTF-8 编码";

/// Where a playbook is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dirs {
    /// Actions, keywords, moments, connectors: `config/playbook`.
    pub playbook: PathBuf,
    /// The menus: `menus`.
    pub menus: PathBuf,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `actions.toml` or a file in `actions/`.
    Actions,
    /// `keywords.toml`.
    Keywords,
    /// `moments.toml`.
    Moments,
    /// `connectors.toml`.
    Connectors,
    /// `channels.toml`; an account may do without.
    Channels,
    /// `notices.toml`; an account may do without.
    Notices,
    /// `pools.toml`, or a file in `pools/`; an account may do without.
    Pools,
    /// A file in `campaigns/`; an account may do without.
    Campaign,
    /// A file in the menu folder.
    Menu,
    /// A picture of a poster, in the folder itself, in `campaigns/` or in `posters/`; by its path within the playbook.
    Picture,
}

/// One file, its bytes as they are.
#[derive(Debug)]
pub struct Source {
    /// What it is for.
    pub role: Role,
    /// Its path, as the settings name its folder.
    pub shown: String,
    /// What is in it, or why it could not be read.
    pub bytes: io::Result<Vec<u8>>,
}

/// Every file of a playbook.
#[derive(Debug, Default)]
pub struct Sources {
    /// By role and name.
    pub files: BTreeMap<(Role, String), Source>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// The folders themselves, links followed: nothing outside of them is read.
    roots: Vec<PathBuf>,
}

const FILES: [(&str, Role); 7] = [
    ("actions.toml", Role::Actions),
    ("keywords.toml", Role::Keywords),
    ("moments.toml", Role::Moments),
    ("connectors.toml", Role::Connectors),
    ("channels.toml", Role::Channels),
    ("notices.toml", Role::Notices),
    ("pools.toml", Role::Pools),
];

impl Sources {
    /// Reads the folders. The conversation tests in `tests/` are no part of the playbook.
    pub fn read(dirs: &Dirs) -> Self {
        let roots = [&dirs.playbook, &dirs.menus].into_iter().filter_map(|dir| dir.canonicalize().ok()).collect();
        let mut sources = Self { roots, ..Self::default() };
        let read = ["actions", "campaigns", "pools", "posters", "tests"].map(|folder| dirs.playbook.join(folder));
        let read = [&read[..], std::slice::from_ref(&dirs.menus)].concat();
        sources.stray_folders(&dirs.playbook, &read);
        for (name, path) in sources.list(&dirs.playbook, "toml") {
            match FILES.iter().find(|(known, _)| *known == name) {
                Some((_, role)) => sources.add(*role, &name, &path),
                None => sources.stray(&name, &path),
            }
        }
        for (name, role) in [("actions", Role::Actions), ("campaigns", Role::Campaign), ("pools", Role::Pools)] {
            let folder = dirs.playbook.join(name);
            if folder.is_dir() {
                sources.stray_folders(&folder, &[]);
                for (file, path) in sources.list(&folder, "toml") {
                    sources.add(role, &format!("{name}/{file}"), &path);
                }
            }
        }
        sources.pictures(&dirs.playbook);
        // An account without a menu has an empty folder: one that is not there is a slip, and would take the menu away.
        for (name, path) in sources.list(&dirs.menus, "json") {
            sources.add(Role::Menu, &name, &path);
        }
        sources
    }

    /// The first 12 hex digits of a hash over names and bytes.
    pub fn version(&self) -> PlaybookVersion {
        let mut hash = Sha256::new();
        for ((role, name), source) in &self.files {
            let bytes = source.bytes.as_deref().unwrap_or_default();
            hash.update(format!("{role:?}/{name}\0{}\0", bytes.len()));
            hash.update(bytes);
        }
        let hex: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        PlaybookVersion::new(hex)
    }

    /// The pictures that a poster may name: an edited one is another playbook.
    fn pictures(&mut self, playbook: &Path) {
        let folders = PICTURE_FOLDERS.map(|name| (format!("{name}/"), playbook.join(name)));
        for (before, folder) in [(String::new(), playbook.to_path_buf())].into_iter().chain(folders) {
            for ending in PICTURE_ENDINGS.into_iter().filter(|_| folder.is_dir()) {
                for (name, path) in self.list(&folder, ending) {
                    self.add(Role::Picture, &format!("{before}{name}"), &path);
                }
            }
        }
    }

    /// What a folder holds with this ending, by name; an editor's own files (`.x.swp`, `#x#`, `x~`) are none. A folder
    /// or a dead link in a file's place is told when it is read: without a word its file would be taken for deleted.
    fn list(&mut self, folder: &Path, ending: &str) -> Vec<(String, PathBuf)> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let code = if error.kind() == io::ErrorKind::NotFound { Code::MissingFile } else { Code::Unreadable };
                let message = format!("打不开文件夹：{error}");
                let mend = "建好这个文件夹，或在设置里改 accounts.….playbook 和 .menus";
                self.findings.push(Finding::of_file(code, folder.display().to_string(), (message, mend)));
                return Vec::new();
            }
        };
        let mut files: Vec<(String, PathBuf)> = entries
            .flatten()
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
            .filter(|(name, path)| !name.starts_with(['.', '#']) && path.extension().is_some_and(|e| e == ending))
            .collect();
        files.sort();
        files
    }

    fn add(&mut self, role: Role, name: &str, path: &Path) {
        let most = if role == Role::Picture { MAX_PICTURE_BYTES } else { MAX_FILE_BYTES };
        let bytes = self.bytes(path, most);
        self.files.insert((role, name.to_owned()), Source { role, shown: path.display().to_string(), bytes });
    }

    /// A link may lead to another file of the folders, as where they are mounted by a container; but not out of them:
    /// what is found in a file is shown to people who may not read everything here.
    fn bytes(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let real = path.canonicalize()?;
        if !self.roots.iter().any(|root| real.starts_with(root)) {
            return Err(io::Error::other("这是一个指到文件夹外面的链接"));
        }
        let about = fs::metadata(&real)?;
        if about.is_dir() {
            return Err(io::Error::other("这是一个文件夹，不是文件；把文件移出来，再删掉文件夹"));
        }
        // One that is written to by another program would be waited for.
        if !about.is_file() {
            return Err(io::Error::other("这不是普通的文件"));
        }
        if about.len() > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        fs::read(real)
    }

    /// Folders that nothing reads.
    fn stray_folders(&mut self, folder: &Path, read: &[PathBuf]) {
        let read: Vec<PathBuf> = read.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        let is_read = |path: &Path| path.canonicalize().is_ok_and(|path| read.contains(&path));
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<(String, PathBuf)> =
            entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect();
        found.retain(|(name, path)| !name.starts_with('.') && path.is_dir() && !is_read(path));
        found.sort();
        for (_, path) in found {
            let told = ("没有程序会读这个文件夹".to_owned(), "把动作文件直接放进 actions/；不用的文件夹请移走");
            self.findings.push(Finding::of_file(Code::UnknownFile, path.display().to_string(), told).as_warning());
        }
    }

    fn stray(&mut self, name: &str, path: &Path) {
        let message = match nearest(name, FILES.map(|(known, _)| known)) {
            Some(meant) => format!("没有程序会读这个文件，是不是想写 {meant}？"),
            None => "没有程序会读这个文件".to_owned(),
        };
        let mend = "动作放进 actions/ 文件夹；不用的文件请移走";
        self.findings
            .push(Finding::of_file(Code::UnknownFile, path.display().to_string(), (message, mend)).as_warning());
    }
}

impl Source {
    /// The text, or why it is none.
    pub fn text(&self) -> Result<String, Box<Finding>> {
        let whole = |code, message: String, mend| Box::new(Finding::of_file(code, &self.shown, (message, mend)));
        let bytes = match &self.bytes {
            Ok(bytes) => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(whole(Code::TooLarge, "文件超过 1 MiB".into(), "动作可以分成几个文件放进 actions/"));
            }
            Err(error) => {
                return Err(whole(
                    Code::Unreadable,
                    format!("读不了文件：{error}"),
                    "检查文件的权限；链接请换成文件本身",
                ));
            }
        };
        if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
            return Err(whole(Code::Encoding, "文件是 UTF-16 编码".into(), SAVE_AS_UTF8));
        }
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            return Err(self.at(bytes, at, "这里有 NUL 字节，文件可能是 UTF-16 编码或已损坏"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(self.at(bytes, error.valid_up_to(), "这里不是 UTF-8 文字，文件可能是 GBK 编码")),
        }
    }

    /// The line is not shown: it is not text.
    fn at(&self, bytes: &[u8], at: usize, message: &str) -> Box<Finding> {
        let text = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default()).into_owned();
        let document =
            Document { file: self.shown.clone(), text, value: serde_json::Value::Null, spans: Spans::default() };
        let finding = Site::root(document.into()).within(at..at).error(Code::Encoding, message, SAVE_AS_UTF8);
        Box::new(Finding { excerpt: String::new(), ..finding })
    }
}
