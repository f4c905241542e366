//! HTTP by the byte: what no well-behaved client can be made to send.

use std::net::SocketAddr;
use std::time::Duration;

use fuwu::channel::official::deliver::Push;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes as they are and reads until the server closes, which it must do within ten seconds.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), read_to_end(&mut stream, &mut answer)).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(closed.is_ok(), "the connection stays open after {answer:?}");
    answer
}

/// A reset after the answer is as good an end as any.
async fn read_to_end(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        answer.extend_from_slice(&chunk[..read]);
    }
}

/// A delivery as one request.
pub fn post(push: &Push, headers: &str) -> Vec<u8> {
    let head = format!(
        "POST /wechat/demo?{} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n{headers}\r\n",
        push.query,
        push.body.len()
    );
    [head.as_bytes(), &push.body].concat()
}

/// An answer without what differs from second to second.
pub fn without_date(answer: &str) -> String {
    answer.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect()
}

/// The status code an answer begins with.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no HTTP: {answer:?}"))
}
