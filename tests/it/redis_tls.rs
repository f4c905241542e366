//! Over TLS: a server, sentinels and a cluster, with certificates of our own.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use fuwu::store::Store;
use tempfile::TempDir;

use crate::redis_opening::{assert_says, open, refusal};
use crate::redis_servers::{RedisServer, free_port, wait_for};
use crate::store_conformance::samples::{commit, who};

/// A certificate of our own for 127.0.0.1, and who signed it.
fn certificates(dir: &Path) {
    let openssl = |line: &str| {
        let done = Command::new("openssl").args(line.split(' ')).current_dir(dir).output();
        let done = done.expect("please install openssl (apt-get install openssl)");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ours");
    openssl("req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=127.0.0.1");
    openssl("x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem -days 2 -extfile names");
}

/// A folder with them.
struct Authority(TempDir);

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        certificates(dir.path());
        Self(dir)
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// What a server is told to use them.
    fn settings(&self) -> Vec<String> {
        let named = [("cert", "own.pem"), ("key", "own.key"), ("ca-cert", "ca.pem")];
        let files = named.iter().flat_map(|(what, name)| [format!("--tls-{what}-file"), self.file(name)]);
        files.chain(["--tls-auth-clients", "no", "--tls-replication", "yes"].map(String::from)).collect()
    }

    /// A server that we ask without TLS and others with it, and the port for these. A sentinel has its settings in a file.
    fn server(&self, first: impl Fn(&TempDir) -> Option<String>, settings: &[&str]) -> (RedisServer, u16) {
        loop {
            let (dir, port, over_tls) = (tempfile::tempdir().unwrap(), free_port().to_string(), free_port());
            let mut all: Vec<String> = first(&dir).into_iter().collect();
            all.extend(settings.iter().map(|setting| (*setting).to_owned()));
            all.extend(["--port", &port, "--tls-port", &over_tls.to_string()].map(String::from));
            all.extend(self.settings());
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            if let Some(server) = RedisServer::started(dir, &port, &all) {
                return (server, over_tls);
            }
        }
    }
}

/// A store opens there with the certificate and serves, and without it does not open.
async fn serves(url: &str, authority: &Authority) {
    let ca = format!("ca={}", authority.file("ca.pem"));
    let store = open(&format!("{url}&{ca}")).await.unwrap();
    // In many homes, so on every node.
    for nth in 0..24 {
        let of = who(&format!("oTls{nth}"));
        store.commit(commit(&of, 0)).await.unwrap();
        assert_eq!(store.load(&of).await.unwrap().version.0, 1);
    }
    assert_says(&open(&format!("{url}&tls=1")).await.err().unwrap().to_string(), &["certificate"]);
    assert!(open(url).await.is_err(), "not without TLS on a port for TLS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_and_the_master_they_name_are_reached_over_tls() {
    let authority = Authority::new();
    let (master, port) = authority.server(|_| None, &["--save", ""]);
    let watch = |dir: &TempDir| {
        let file = dir.path().join("sentinel.conf");
        std::fs::write(&file, format!("sentinel monitor shop 127.0.0.1 {port} 1\n")).unwrap();
        Some(file.display().to_string())
    };
    let (sentinel, over_tls) = authority.server(watch, &["--sentinel"]);
    let told = || sentinel.asked::<HashMap<String, String>>(&["SENTINEL", "MASTER", "shop"]).unwrap_or_default();
    wait_for("the sentinel sees the master", || told().get("flags").is_some_and(|flags| flags == "master"));
    serves(&format!("redis+sentinel://127.0.0.1:{over_tls}/0?master=shop"), &authority).await;
    assert!(master.asked::<Vec<String>>(&["KEYS", "*:record:*"]).unwrap().len() == 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_of_a_cluster_are_reached_over_tls() {
    let authority = Authority::new();
    let settings = ["--save", "", "--cluster-enabled", "yes", "--tls-cluster", "yes"];
    let nodes: Vec<_> = (0..3).map(|_| authority.server(|_| None, &settings)).collect();
    for (nth, (node, _)) in nodes.iter().enumerate() {
        let (from, to) = (nth * 16_384 / 3, (nth + 1) * 16_384 / 3 - 1);
        let slots = ["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()];
        assert_eq!(node.ask(&slots).as_deref(), Some("OK"));
        assert_eq!(node.ask(&["CLUSTER", "MEET", "127.0.0.1", &nodes[0].1.to_string()]).as_deref(), Some("OK"));
    }
    let knows_all = |node: &RedisServer| {
        let info = node.ask(&["CLUSTER", "INFO"]).unwrap_or_default();
        info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3\r")
    };
    wait_for("the cluster comes together", || nodes.iter().all(|(node, _)| knows_all(node)));
    // One is named, the others it tells.
    serves(&format!("redis+cluster://127.0.0.1:{}/?", nodes[0].1), &authority).await;
    let records = nodes.iter().map(|(node, _)| node.asked::<Vec<String>>(&["KEYS", "*:record:*"]).unwrap().len());
    let records: Vec<usize> = records.collect();
    assert!(records.iter().sum::<usize>() == 24 && records.iter().all(|records| *records > 0), "{records:?}");
}

#[tokio::test]
async fn a_store_over_tls_with_user_and_password_is_opened_and_whom_nobody_vouches_for_is_not() {
    let authority = Authority::new();
    let user = ["--user", "shop", "on", ">s3cret/pass", "~*", "&*", "+@all", "--user", "default", "off"];
    let (_server, port) = authority.server(|_| None, &[["--save", ""].as_slice(), &user].concat());
    let ca = authority.file("ca.pem");
    let url = format!("rediss://shop:s3cret%2Fpass@127.0.0.1:{port}/0?ca={ca}");
    let store = open(&url).await.unwrap();
    store.commit(commit(&who("oTls"), 0)).await.unwrap();
    assert_eq!(store.load(&who("oTls")).await.unwrap().version.0, 1);

    let unknown = open(&url.replace(&format!("?ca={ca}"), "")).await.err().unwrap().to_string();
    assert_says(&unknown, &["certificate", "?ca=FILE"]);
    let wrong = refusal(&url.replace("s3cret", "0ther")).await;
    assert_says(&wrong, &["refuses the user or password"]);
    let plain = open(&url.replace("rediss://", "redis://").replace(&format!("?ca={ca}"), "")).await.err().unwrap();
    assert_says(&plain.to_string(), &["does it want TLS (rediss://"]);
    for sentence in [unknown, wrong, plain.to_string()] {
        assert!(!sentence.contains("s3cret") && !sentence.contains("0ther"), "{sentence}");
    }
    // Somebody who does not speak TLS.
    let speaks_plain = RedisServer::start(&[]);
    let over_tls = format!("rediss://:s3cret@127.0.0.1:{}", speaks_plain.port);
    assert_says(&open(&over_tls).await.err().unwrap().to_string(), &["TLS"]);
}
