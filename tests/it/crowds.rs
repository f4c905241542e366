//! Slow and many (reliability.md C3, C7, C8, W36, W37, W62): whatever crowd is at the door, memory is bounded, every
//! socket that does not do its part is closed, and customers are served.
//!
//! `cargo test --release --test it -- --ignored --nocapture measure_crowds` brings the crowds of the list.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use fuwu::domain::reply::Reply;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::hand::{Hand, message, text};
use crate::harness::until;
use crate::process::Process;

/// reliability.md C8.
const MAX_RSS_KIB: u64 = 256 * 1024;
/// The server closes after five seconds; a machine under a crowd may be late to notice.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);
const DROP_EVERY: Duration = Duration::from_millis(500);
/// So many connections are opened at once: more would wait in the listener's queue, not in the server.
const OPENED_AT_ONCE: usize = 64;
/// A customer is answered within this time whatever happens (platform.md 1.5).
const ANSWERED_WITHIN: Duration = Duration::from_secs(4);

/// What a socket of the crowd does.
#[derive(Clone, Copy, Debug)]
enum Guest {
    /// Connects and says nothing.
    Idle,
    /// Sends a head byte by byte.
    DripsHead,
    /// Sends a body byte by byte.
    DripsBody,
    /// Announces a thousand bytes, sends ten and closes its half.
    HalfCloses,
    /// Sends 64 KiB that are not signed.
    SendsMuch,
    /// Sends a body that says it is compressed, and stays.
    Compresses,
    /// Sends a thousand requests and reads the answers when it likes.
    Pipelines,
}

/// How many of each, and how many reports of the platform's beside them.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    guests: [(Guest, usize); 7],
    reports: u64,
}

/// What the crowd cost.
#[derive(Debug)]
struct Cost {
    peak_rss_kib: u64,
    closed_after: Duration,
    /// What customers waited meanwhile, shortest first.
    waited: Vec<Duration>,
}

impl Crowd {
    fn of(scale: usize, idle: usize, reports: u64) -> Self {
        let guests = [
            (Guest::Idle, idle),
            (Guest::DripsHead, scale),
            (Guest::DripsBody, scale),
            (Guest::HalfCloses, scale / 4),
            (Guest::SendsMuch, scale / 4),
            (Guest::Compresses, scale / 4),
            (Guest::Pipelines, scale / 50),
        ];
        Self { guests, reports }
    }

    async fn comes(self) -> Cost {
        let dir = tempfile::tempdir().unwrap();
        let process = Process::start(dir.path(), &[]);
        let before = open_files(&process);
        let guests = self.guests.iter().flat_map(|(guest, many)| std::iter::repeat_n(*guest, *many));
        let opening = guests.map(|guest| opened(process.address, guest));
        let sockets: Vec<_> = stream::iter(opening).buffered(OPENED_AT_ONCE).collect().await;
        let began = Instant::now();
        let guests = async {
            join_all(sockets.into_iter().map(|(guest, stream)| guest.stays(stream))).await;
            began.elapsed()
        };
        let reports = async {
            let hand = process.hand();
            let told = stream::iter((0..self.reports).map(|n| report(&hand, n))).buffer_unordered(OPENED_AT_ONCE);
            assert!(told.all(async |acknowledged| acknowledged).await, "every report is acknowledged");
        };
        let crowd = async { tokio::join!(guests, reports).0 };
        let (closed_after, waited) = while_customers_write(&process.hand(), crowd).await;
        until("every socket is closed", async || open_files(&process) <= before + 8).await;
        let cost = Cost { peak_rss_kib: peak_rss_kib(&process), closed_after, waited };
        process.kill();
        cost
    }
}

impl Cost {
    fn is_bearable(&self) {
        assert!(self.peak_rss_kib < MAX_RSS_KIB, "{} KiB", self.peak_rss_kib);
        assert!(self.closed_after < CLOSED_WITHIN, "{:?}", self.closed_after);
        let worst = self.waited.last().expect("a customer wrote meanwhile");
        assert!(*worst < ANSWERED_WITHIN, "a customer waited {worst:?}");
    }
}

async fn opened(address: SocketAddr, guest: Guest) -> (Guest, TcpStream) {
    (guest, TcpStream::connect(address).await.unwrap())
}

impl Guest {
    /// Does what it does until the server closes.
    async fn stays(self, stream: TcpStream) {
        let (mut reading, mut writing) = stream.into_split();
        let hearing = async {
            let mut chunk = [0; 4096];
            // A reset is as good an end as any.
            while let Ok(1..) = reading.read(&mut chunk).await {}
        };
        let acting = async {
            // The server may have closed already; the other half tells.
            let _ = self.acts(&mut writing).await;
            std::future::pending::<()>().await;
        };
        let over = async {
            tokio::select! { () = hearing => {}, () = acting => {} }
        };
        assert!(tokio::time::timeout(CLOSED_WITHIN, over).await.is_ok(), "{self:?} is never closed");
    }

    async fn acts(self, to: &mut OwnedWriteHalf) -> std::io::Result<()> {
        let head = |length: usize, more: &str| {
            format!("POST /wechat/demo?nonce=1 HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n{more}\r\n")
        };
        match self {
            Self::Idle => Ok(()),
            Self::DripsHead => drip(to, "POST /wechat/demo?x=").await,
            Self::DripsBody => drip(to, &head(60_000, "")).await,
            Self::HalfCloses => {
                to.write_all(format!("{}0123456789", head(1000, "")).as_bytes()).await?;
                to.shutdown().await
            }
            Self::SendsMuch => to.write_all(format!("{}{}", head(65_536, ""), "x".repeat(65_536)).as_bytes()).await,
            Self::Compresses => to.write_all(head(60_000, "content-encoding: gzip\r\n").as_bytes()).await,
            Self::Pipelines => to.write_all("GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n".repeat(1000).as_bytes()).await,
        }
    }
}

async fn drip(to: &mut OwnedWriteHalf, first: &str) -> std::io::Result<()> {
    to.write_all(first.as_bytes()).await?;
    loop {
        tokio::time::sleep(DROP_EVERY).await;
        to.write_all(b"x").await?;
    }
}

/// What the platform tells after a push to everybody.
async fn report(hand: &Hand, n: u64) -> bool {
    let of = format!("oReportedCustomer{n:08}");
    let rest = format!(
        "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>{n}</MsgID><Status>success</Status>"
    );
    hand.deliver(&message(&of, &rest)).await.is_acknowledged_only()
}

/// A customer writes, one message after the other, until the crowd is gone; how long each answer took.
async fn while_customers_write<T>(hand: &Hand, crowd: impl Future<Output = T>) -> (T, Vec<Duration>) {
    let mut waited = Vec::new();
    let writing = async {
        for id in 1.. {
            let openid = format!("oWaitingCustomer{:04}", id % 100);
            let began = Instant::now();
            let posted = hand.deliver(&text(&openid, id, "你好")).await;
            waited.push(began.elapsed());
            assert!(matches!(hand.hear(&openid, &posted), Reply::Text(_)), "{posted:?}");
        }
    };
    let told = tokio::select! { told = crowd => told, () = writing => unreachable!("customers do not stop") };
    waited.sort_unstable();
    (told, waited)
}

fn peak_rss_kib(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn open_files(process: &Process) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap().count()
}

#[actix_web::test]
async fn a_crowd_of_slow_sockets_is_closed_in_bounded_memory_while_customers_are_served() {
    Crowd::of(100, 300, 200).comes().await.is_bearable();
}

/// 10,000 idle and 2,000 dripping sockets, 64 KiB bodies, and 20,000 reports: needs 16,000 open files on either side.
#[actix_web::test]
#[ignore = "it wants the machine, and many open files, for itself"]
async fn measure_crowds() {
    for (what, crowd) in [
        ("nobody", Crowd::of(0, 1, 0)),
        ("2,000 that drip, 64 KiB bodies, half-closed, compressed, pipelined", Crowd::of(1000, 0, 0)),
        ("10,000 that are idle", Crowd::of(0, 10_000, 0)),
        ("20,000 reports", Crowd::of(0, 1, 20_000)),
    ] {
        let cost = crowd.comes().await;
        let at = |part: usize| cost.waited[(cost.waited.len() - 1) * part / 100];
        println!(
            "{what}: {} customers' messages meanwhile, p50 {:?}, p99 {:?}, worst {:?}; peak {} MiB; closed after {:?}",
            cost.waited.len(),
            at(50),
            at(99),
            at(100),
            cost.peak_rss_kib / 1024,
            cost.closed_after
        );
        cost.is_bearable();
    }
}
