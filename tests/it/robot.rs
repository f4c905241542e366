//! A group robot in the test's own hands.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Takes messages, or answers as told.
#[derive(Clone)]
pub struct Robot {
    address: std::net::SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Robot {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let robot = Self { address: listener.local_addr().unwrap(), taken: Arc::default(), answers: Arc::default() };
        let served = robot.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let robot = served.clone();
                tokio::spawn(async move { robot.answer(stream).await });
            }
        });
        robot
    }

    /// Its address, with the key that is a secret.
    pub fn url(&self) -> String {
        format!("http://{}/cgi-bin/webhook/send?key=the-robots-secret-key", self.address)
    }

    /// What it answers next, instead of taking the message.
    pub fn answers_next(&self, status: u16, body: &'static str) {
        self.answers.lock().unwrap().push_back((status, body));
    }

    /// Every message it took.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let content = loop {
            let mut chunk = [0; 4096];
            let read = stream.read(&mut chunk).await.unwrap();
            assert!(read > 0, "the request broke off");
            request.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("POST /cgi-bin/webhook/send?key=the-robots-secret-key "), "{head}");
            let long = head
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next())
                .map(str::to_owned);
            if request.len() - (head.len() + 4) < long.unwrap().parse::<usize>().unwrap() {
                continue;
            }
            let message: Value = serde_json::from_str(body).unwrap();
            assert_eq!(message["msgtype"], "markdown");
            break message["markdown"]["content"].as_str().unwrap().to_owned();
        };
        let answer = self.answers.lock().unwrap().pop_front();
        let (status, body) = answer.unwrap_or_else(|| {
            assert!(content.len() <= 4096, "the robot refuses longer messages");
            self.taken.lock().unwrap().push(content);
            (200, r#"{"errcode":0,"errmsg":"ok"}"#)
        });
        let answer =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
