//! The sandbox and our envelope seen from outside, by a client library that others wrote: wechatpy.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fuwu::channel::official::Mode;

use crate::sandbox_double::{AES_KEY, APP_ID, Answer, Double, ORIGINAL_ID, SECRET, TOKEN, echo};

/// What a missing library is answered with.
const MISSING: &str = "wechatpy is not there: `make setup` installs it into target/wechatpy \
                       (python3 -m venv target/wechatpy && target/wechatpy/bin/pip install wechatpy==1.8.18 cryptography)";

fn python() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python: PathBuf = root.join("target/wechatpy/bin/python3");
    assert!(python.exists(), "{MISSING}");
    let mut command = Command::new(python);
    command.arg(root.join("tests/it/sandbox_wechatpy.py"));
    // A proxy of the environment has no business on the loopback.
    command.env("NO_PROXY", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs a part of the script to its end and gives back what it printed.
async fn run(arguments: &[&str]) -> String {
    let mut command = python();
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server of the script that ends with the test.
struct Webhook {
    server: Child,
    port: u16,
}

impl Webhook {
    fn start() -> Self {
        let mut command = python();
        command.args(["webhook", TOKEN, AES_KEY, APP_ID]).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("{MISSING}"));
        Self { server, port }
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[actix_web::test]
async fn wechatpy_drives_the_platform() {
    let double = Double::start(|_, _| Answer::Raw(200, "success")).await;
    let people = ["小林", "小陈"].map(|name| double.sandbox.add_customer(name).unwrap());
    for openid in &people {
        double.sandbox.follow(openid).await.unwrap();
    }
    let base = format!("{}/sandbox/platform/", double.origin);
    run(&["drive", &base, APP_ID, SECRET, people[0].as_str(), people[1].as_str()]).await;
    let chat = double.sandbox.history(&people[0], 0).unwrap();
    assert!(chat.iter().any(|entry| entry.body.preview() == "您好，这里是 wechatpy"), "{chat:?}");
}

#[actix_web::test]
async fn wechatpy_reads_our_deliveries_and_the_sandbox_its_replies() {
    for mode in [Mode::Safe, Mode::Compatible] {
        let webhook = Webhook::start();
        let url = format!("http://127.0.0.1:{}/wechat?own=1", webhook.port).parse().unwrap();
        let change = |spec: &mut fuwu::sandbox::SandboxSpec| {
            spec.mode = mode;
            spec.webhook_url = Some(url);
            spec.patience.timeout = std::time::Duration::from_secs(5);
        };
        let double = Double::start_with(change, echo).await;
        let openid = double.sandbox.add_customer("小林").unwrap();
        assert_eq!(double.sandbox.follow(&openid).await.unwrap().text(), "wechatpy 读到：subscribe");
        assert_eq!(double.sandbox.say(&openid, "你好😀").await.unwrap().text(), "wechatpy 读到：你好😀");
    }
}

#[actix_web::test]
async fn wechatpy_reads_our_replies() {
    let double = Double::start(echo).await;
    let url = format!("{}/wechat/demo", double.origin);
    let reply = run(&["platform", &url, TOKEN, AES_KEY, APP_ID, ORIGINAL_ID]).await;
    assert!(reply.contains("<Content><![CDATA[听到了：你好😀]]></Content>"), "{reply}");
}
