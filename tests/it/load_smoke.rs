//! The load tool in small, so that it cannot rot; and what makes one of its runs fail.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use fuwu::channel::official::seal;
use fuwu::channel::official::{Query, open};
use fuwu::domain::recent::Earned;
use fuwu::domain::reply::Reply;
use fuwu::domain::time::UnixSecs;
use serde_json::Value;

use crate::load::checks::{Expected, Faults, check};
use crate::load::client::{Client, Harvest, Pace};
use crate::load::command_line::run;
use crate::load::deliveries::{Act, Batch, Crowd, account};
use crate::load::figures::quantile;
use crate::load::floors::Kind;

fn again() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", "load_smoke::floor", "--ignored", "--nocapture"]);
    Ok(command)
}

/// A floor, only ever started by the tests below.
#[test]
#[ignore = "not a test: what the load tool measures"]
fn floor() {
    if let Some(floor) = crate::load::floors::Floor::asked_for().unwrap() {
        floor.serve().unwrap();
    }
}

#[test]
fn a_small_run_measures_every_server_and_every_answer_is_right() {
    for act in ["words", "strange-words", "taps"] {
        let dir = tempfile::tempdir().unwrap();
        let json = dir.path().join("figures.json");
        let args =
            ["load", "--unpinned", "--without-counts", "--rounds", "1", "--deliveries", "200", "--customers", "40"];
        let (json_arg, folder) = (json.display().to_string(), dir.path().display().to_string());
        let more = ["--connections", "8", "--act", act, "--json", &json_arg, "--folder", &folder];
        let code = run(args.into_iter().chain(more).map(Into::into), again).unwrap();
        assert_eq!(code, ExitCode::SUCCESS);
        let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        let servers = report["servers"].as_array().unwrap();
        assert_eq!(
            servers.iter().map(|s| s["kind"].as_str().unwrap()).collect::<Vec<_>>(),
            ["fixed", "crypto", "fuwu"]
        );
        for server in servers {
            for load in ["full", "half"] {
                for figure in ["per_second", "cpu_us", "p50_us", "p99_us", "p999_us"] {
                    assert!(server[load][figure].as_f64().unwrap() > 0.0, "{act} {load} {figure}: {server:#}");
                }
            }
            assert!(server["peak_memory_kib"].as_u64().unwrap() > 1_000);
        }
        let of = |server: usize, figure: &str| servers[server]["full"][figure].as_f64().unwrap();
        assert!(of(2, "written_bytes") >= 4096.0 / 256.0, "only fuwu writes");
        assert_eq!((of(0, "written_bytes"), of(1, "written_bytes")), (0.0, 0.0));
        assert!(of(2, "writer_cpu_us") > 0.0 && of(2, "writer_cpu_us") < of(2, "cpu_us"));
        assert!(of(0, "cpu_us") < of(1, "cpu_us") && of(1, "cpu_us") < of(2, "cpu_us"), "each does more than the last");
        assert!(report["fsync"]["median_us"].as_f64().unwrap() > 0.0);
    }
}

/// A server that gives every connection's first request this answer, whatever it says, and then closes.
fn answering(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, bytes) = (stream.unwrap(), bytes.clone());
            thread::spawn(move || {
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                while !request.ends_with(b"</xml>") {
                    match stream.read(&mut chunk) {
                        Ok(read @ 1..) => request.extend_from_slice(&chunk[..read]),
                        _ => return,
                    }
                }
                stream.write_all(&bytes).unwrap();
            });
        }
    });
    address
}

fn http(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn one(act: Act) -> Batch {
    Crowd::new(1, act).unwrap().next(1).unwrap()
}

/// What the account would answer to the only delivery of a batch.
fn sealed(batch: &Batch, words: &str) -> Vec<u8> {
    let request = String::from_utf8(batch.request(0).unwrap().to_vec()).unwrap();
    let query = request.split(['?', ' ']).nth(2).unwrap();
    let body = request.split_once("\r\n\r\n").unwrap().1;
    let opened = open(&account().unwrap(), &Query::parse(query).unwrap(), body.as_bytes()).unwrap();
    let earned = Earned { reply: Reply::Text(words.into()), at: UnixSecs(1_772_416_800) };
    seal(&account().unwrap(), &opened.reply_to, &earned)
}

fn exchange(batch: &Batch, answer: Vec<u8>) -> Harvest {
    Client::connect(answering(answer), 1).unwrap().send(batch, Pace::AsAnswered).unwrap()
}

fn faults(answer: impl FnOnce(&Batch) -> Vec<u8>) -> Faults {
    let batch = one(Act::Words);
    let right = exchange(&batch, http("200 OK", &sealed(&batch, "好")));
    let expected = Expected::from_first(&batch, &right).unwrap();
    check(Kind::Fuwu, &batch, (&exchange(&batch, answer(&batch)), &expected))
}

#[test]
fn a_wrong_answer_a_refusal_and_a_broken_connection_are_faults() {
    assert!(!faults(|batch| http("200 OK", &sealed(batch, "好"))).any());
    let wrong = faults(|batch| http("200 OK", &sealed(batch, "坏")));
    assert!(wrong.wrong == 1 && wrong.first.unwrap().contains("another reply"));
    let forged = faults(|batch| http("200 OK", &[sealed(batch, "好").as_slice(), b" "].concat()));
    assert_eq!(forged.wrong, 0, "a blank changes nothing");
    let tampered = faults(|batch| {
        let body = String::from_utf8(sealed(batch, "好")).unwrap();
        http("200 OK", body.replacen("<MsgSignature><![CDATA[", "<MsgSignature><![CDATA[0", 1).as_bytes())
    });
    assert_eq!(tampered.wrong, 1, "{tampered:?}");
    assert_eq!(faults(|_| http("200 OK", b"success")).wrong, 1, "nothing said where something was due");
    let refused = faults(|_| http("503 Service Unavailable", b""));
    assert_eq!((refused.not_ok, refused.wrong), (1, 0));
    let broken = faults(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<xml>".to_vec());
    assert_eq!((broken.dropped, broken.unanswered), (1, 1), "{broken:?}");
}

#[test]
fn a_server_that_hangs_once_is_seen_by_everybody_who_was_due_meanwhile() {
    const HANGS: Duration = Duration::from_millis(200);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let batch = Crowd::new(5, Act::Words).unwrap().next(20).unwrap();
    let answer = http("200 OK", &sealed(&one(Act::Words), "好"));
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
        for n in 0..20 {
            while !request.ends_with(b"</xml>") {
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            request.clear();
            if n == 0 {
                thread::sleep(HANGS);
            }
            stream.write_all(&answer).unwrap();
        }
    });
    // One every millisecond over one connection: while the first hangs, all others are due.
    let harvest = Client::connect(address, 1).unwrap().send(&batch, Pace::PerSecond(1_000.0)).unwrap();
    let waits: Vec<Duration> = harvest.answers().map(|(answer, _)| answer.waited).collect();
    assert_eq!(waits.len(), 20);
    assert!(waits.iter().all(|wait| *wait > HANGS - Duration::from_millis(25)), "{waits:?}");
}

#[test]
fn quantiles_are_figures_that_were_seen() {
    let figures: Vec<f64> = (1..=100).map(f64::from).collect();
    let of = |share| quantile(&figures, share);
    assert_eq!((of(0.5), of(0.99), of(0.999), of(0.0)), (50.0, 99.0, 100.0, 1.0));
    assert!(quantile(&[], 0.5).is_nan());
}
