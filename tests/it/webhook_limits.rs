//! What is too large or too slow is not waited for (contract.md "HTTP"; platform.md 1.5).

use std::time::{Duration, Instant};

use fuwu::channel::official::Mode;
use fuwu::channel::official::deliver::Push;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::hand::text;
use crate::harness::World;
use crate::raw;

const LIMIT: usize = 64 * 1024;

#[actix_web::test]
async fn a_body_one_byte_too_long_is_refused_and_the_connection_closed() {
    let world = World::start().await;
    let push = world.hand(Mode::Safe).push(&text("o1", 1, "在吗"));
    let padded = |bytes: usize| {
        let mut body = push.body.clone();
        body.resize(bytes, b' ');
        Push { body, ..push.clone() }
    };
    let largest = raw::exchange(world.address(), &raw::post(&padded(LIMIT), "connection: close\r\n")).await;
    assert_eq!(raw::status(&largest), 200, "white space after the message does no harm");
    // Without `connection: close` only the server can end this exchange.
    let refused = raw::exchange(world.address(), &raw::post(&padded(LIMIT + 1), "")).await;
    assert_eq!(raw::status(&refused), 413);
    let chunks: String = (0..=LIMIT / 0x1000).map(|_| format!("1000\r\n{}\r\n", " ".repeat(0x1000))).collect();
    let head =
        format!("POST /wechat/demo?{} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{chunks}", push.query);
    assert_eq!(raw::status(&raw::exchange(world.address(), head.as_bytes()).await), 413, "nor in chunks");
}

#[actix_web::test]
async fn a_body_announced_too_long_is_refused_before_it_comes() {
    let world = World::start().await;
    let query = world.hand(Mode::Safe).push(&text("o1", 1, "在吗")).query;
    let webhook = format!("/wechat/demo?{query}");
    let sandbox = ["/sandbox/telecom/orders", "/sandbox/api/customers", "/sandbox/platform/cgi-bin/menu/create"];
    for path in sandbox.into_iter().chain([webhook.as_str()]) {
        let head = format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", LIMIT + 1);
        // Nothing follows, so only a server that does not wait ends this exchange with an answer.
        let refused = raw::exchange(world.address(), head.as_bytes()).await;
        assert_eq!(raw::status(&refused), 413, "{path}");
    }
}

#[actix_web::test]
async fn heads_and_bodies_that_drip_are_cut_off_after_about_five_seconds() {
    let world = World::start().await;
    let push = world.hand(Mode::Safe).push(&text("o1", 1, "在吗"));
    let request = raw::post(&push, "");
    let body_at = request.len() - push.body.len();
    let chunked = format!(
        "POST /wechat/demo?{} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{}",
        push.query,
        "1\r\n<\r\n".repeat(100)
    );
    let order = "POST /sandbox/telecom/orders HTTP/1.1\r\nhost: h\r\ncontent-length: 99\r\n\r\n";
    let order = format!("{order}{}", " ".repeat(99));
    let ((head, head_took), (body, body_took), (chunk, chunk_took), (_, idle_took), (order, order_took)) = tokio::join!(
        drip(&world, &request, 20),
        drip(&world, &request, body_at + 1),
        drip(&world, chunked.as_bytes(), chunked.len() - 590),
        drip(&world, b"", 0),
        drip(&world, order.as_bytes(), order.len() - 90),
    );
    let took = [head_took, body_took, chunk_took, idle_took, order_took];
    for (what, took) in ["head", "body", "chunks", "nothing", "order"].into_iter().zip(took) {
        assert!((Duration::from_secs(3)..Duration::from_secs(8)).contains(&took), "{what}: {took:?}");
    }
    assert!(head.is_empty() || raw::status(&head) == 408, "{head}");
    assert_eq!([&body, &chunk, &order].map(|answer| raw::status(answer)), [408; 3]);
    let well = world.hand(Mode::Safe).deliver(&text("o1", 1, "在吗")).await;
    assert_eq!(well.status, 200, "everybody else is served");
}

/// Sends the first `at_once` bytes and then one every 300 ms, until the server closes; how long it bore that.
async fn drip(world: &World, request: &[u8], at_once: usize) -> (String, Duration) {
    let (mut reading, mut writing) = TcpStream::connect(world.address()).await.unwrap().into_split();
    let began = Instant::now();
    writing.write_all(&request[..at_once]).await.unwrap();
    let mut answer = Vec::new();
    let drops = async {
        for byte in &request[at_once..] {
            // Not a wait for anything: how slowly it drips is what is tried.
            tokio::time::sleep(Duration::from_millis(300)).await;
            // The server may have closed; the reader tells.
            let _ = writing.write_all(&[*byte]).await;
        }
        std::future::pending::<()>().await;
    };
    let closed = async {
        // A reset is as good an end as any.
        let _ = reading.read_to_end(&mut answer).await;
    };
    let over = async {
        tokio::select! { () = drops => {}, () = closed => {} }
    };
    tokio::time::timeout(Duration::from_secs(15), over).await.expect("never cut off");
    (String::from_utf8(answer).unwrap(), began.elapsed())
}
