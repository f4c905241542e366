//! A business system in the test's own hands, and a copy of the demo's playbook that asks it.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Waits for questions; answers when told.
pub struct Business(TcpListener);

/// A question that waits for its answer.
pub struct Asked(TcpStream);

impl Business {
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Where it is.
    pub fn address(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// The next question.
    pub async fn asked(&self) -> Asked {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        assert!(head[..read].starts_with(b"GET "), "{:?}", String::from_utf8_lossy(&head[..read]));
        Asked(stream)
    }
}

impl Asked {
    /// Answers with JSON.
    pub async fn answer(mut self, json: &str) {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{json}",
            json.len()
        );
        self.0.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// Copies the demo's playbook and menus below `dir`.
pub fn copy_playbook(dir: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&root.join("config/playbook"), &dir.join("playbook"));
    copy(&root.join("menus"), &dir.join("menus"));
}

/// The settings that use that copy.
pub fn copied(dir: &Path) -> [(&'static str, String); 2] {
    [
        ("FUWU__ACCOUNTS__DEMO__PLAYBOOK", dir.join("playbook").display().to_string()),
        ("FUWU__ACCOUNTS__DEMO__MENUS", dir.join("menus").display().to_string()),
    ]
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Replaces words in a file, which must be there.
pub fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}
