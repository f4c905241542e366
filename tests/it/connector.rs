//! Connectors against business systems that behave as real ones do: pages in place of answers, floods, silence.

use std::path::Path;
use std::sync::Mutex;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use crate::business::{copied, copy_playbook, edit};
use crate::harness::{World, until};
use crate::phone::Phone;
use crate::process::{Process, run};

const SECRET: &str = "s3cret-of-the-tests";

/// Answers everything with the same body and keeps what it was asked.
#[derive(Default)]
struct Says {
    body: Mutex<Vec<u8>>,
    asked: Mutex<Vec<String>>,
    keys: Mutex<Vec<String>>,
}

fn business() -> (u16, web::Data<Says>) {
    let says = web::Data::new(Says::default());
    let data = says.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(data.clone()).default_service(web::to(
            async |request: HttpRequest, says: web::Data<Says>| {
                says.asked.lock().unwrap().push(request.uri().to_string());
                let key = request.headers().get("x-api-key").map(|key| key.to_str().unwrap().to_owned());
                says.keys.lock().unwrap().extend(key);
                HttpResponse::Ok().body(says.body.lock().unwrap().clone())
            },
        ))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let port = server.addrs()[0].port();
    actix_web::rt::spawn(server.run());
    (port, says)
}

/// A copy of the demo's playbook that asks `base_url`.
fn asking(dir: &Path, base_url: &str, allowed: &str) {
    copy_playbook(dir);
    let to = format!("base_url = \"{base_url}\"\nallow_addresses = [{allowed}]");
    edit(&dir.join("playbook/connectors.toml"), "base_url = \"sandbox:\"", &to);
}

#[actix_web::test]
async fn whatever_a_business_system_answers_the_customer_reads_a_whole_sentence() {
    let (port, says) = business();
    let dir = tempfile::tempdir().unwrap();
    asking(dir.path(), &format!("http://127.0.0.1:{port}"), "\"127.0.0.1\"");
    let copied = copied(dir.path());
    let env = copied.each_ref().map(|(name, value)| (*name, value.as_str()));
    let world = World::open(dir, &env).await;
    let phone = Phone::following(&world, "小林").await;
    let good = "{\"code\":\"0\",\"balance\":{\"balance_fen\":1234,\"charge_fen\":0},\"month\":\"2026-03\"}";
    let gbk = b"{\"code\":\"0\",\"x\":\"\xc7\xe0\"}".to_vec();
    let deep = format!("{{\"code\":\"0\",\"x\":{}{}}}", "[".repeat(9_000), "]".repeat(9_000));
    let bodies: [Vec<u8>; 8] = [
        b"<html><title>502 Bad Gateway</title></html>".to_vec(),
        vec![b' '; 10 << 20],
        Vec::new(),
        good.replace("\"2026-03\"", "202603.5").into_bytes(),
        good.replace("1234", "\"十二元\"").into_bytes(),
        good.replace("\"code\":\"0\",", "").into_bytes(),
        gbk,
        deep.into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        *says.body.lock().unwrap() = body;
        let answer = phone.say("查话费").await;
        assert!(answer.contains("话费暂时查不到"), "{shown}: {answer}");
    }
    *says.body.lock().unwrap() = good.as_bytes().to_vec();
    assert!(phone.say("查话费").await.contains("12.34 元"));
}

#[actix_web::test]
async fn a_name_that_leads_inside_is_not_asked_and_an_address_is_refused_by_the_check() {
    let (port, says) = business();
    let dir = tempfile::tempdir().unwrap();
    asking(dir.path(), &format!("http://localhost:{port}"), "");
    let world = {
        let copied = copied(dir.path());
        let env = copied.each_ref().map(|(name, value)| (*name, value.as_str()));
        let connectors = dir.path().join("playbook/connectors.toml");
        edit(&connectors, "localhost", "127.0.0.1");
        let checked = run(dir.path(), &env, &["check"]);
        let told = String::from_utf8(checked.stdout).unwrap();
        assert_eq!(checked.status.code(), Some(1), "{told}");
        assert!(told.contains("allow_addresses = [\"127.0.0.1\"]"), "{told}");
        edit(&connectors, "127.0.0.1", "localhost");
        World::open(dir, &env).await
    };
    let phone = Phone::following(&world, "小林").await;
    assert!(phone.say("查话费").await.contains("暂时查不到"));
    assert_eq!(says.asked.lock().unwrap().len(), 0);
}

#[actix_web::test]
async fn a_connector_is_tried_out_with_its_secret_and_prints_neither_secret_nor_number() {
    let (port, says) = business();
    *says.body.lock().unwrap() = b"{\"code\":\"0\",\"bills\":[{\"month\":\"202602\",\"fee_fen\":5900,\"extra_fen\":50,\"total_fen\":5950,\"paid_on\":\"2026-03-05\"}]}".to_vec();
    let dir = tempfile::tempdir().unwrap();
    asking(dir.path(), &format!("http://127.0.0.1:{port}"), "\"127.0.0.0/8\"");
    let connectors = dir.path().join("playbook/connectors.toml");
    edit(&connectors, "path = \"/bills\"", "path = \"/bills\"\nheaders = { X-Api-Key = \"${FUWU_SECRET_BSS}\" }");
    let copied = copied(dir.path());
    let mut env: Vec<(&str, &str)> = copied.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let fuwu = async |env: &[(&str, &str)], args: &[&str]| {
        let (dir, env, args) =
            (dir.path().to_owned(), owned(env), args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        let run = move || {
            let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            run(&dir, &env, &args.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        (
            output.status.code(),
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        )
    };
    let (code, told) = fuwu(&env, &["check"]).await;
    assert!(code == Some(1) && told.contains("缺少环境变量 FUWU_SECRET_BSS"), "{told}");
    env.push(("FUWU_SECRET_BSS", SECRET));
    assert_eq!(fuwu(&env, &["check"]).await.0, Some(0));

    let (code, told) = fuwu(&env, &["connector", "try", "bills"]).await;
    assert!(code == Some(2) && told.contains("--value number=…"), "{told}");
    let try_bills = ["connector", "try", "bills", "--value", "number=13800138000", "--openid", "oABCDEFGHIJ"];
    let (code, told) = fuwu(&env, &try_bills).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("bills = 1 条") && told.contains("total = 59.50") && told.contains("month = 2026-02"),
        "{told}"
    );
    assert!(told.contains("X-Api-Key: ${FUWU_SECRET_BSS}") && told.contains("138****8000"), "{told}");
    assert!(!told.contains(SECRET) && !told.contains("13800138000") && !told.contains("oABCDEFGHIJ"), "{told}");
    assert_eq!(*says.keys.lock().unwrap(), [SECRET]);
    assert_eq!(*says.asked.lock().unwrap(), ["/bills?number=13800138000"]);

    // A password in the address is refused, and neither the check nor a trial shows it.
    edit(&connectors, "http://127.0.0.1", "http://boss:hidden@127.0.0.1");
    let (code, told) = fuwu(&env, &["check"]).await;
    assert!(code == Some(1) && told.contains("不能写账号和密码") && !told.contains("hidden"), "{told}");
    let (_, told) = fuwu(&env, &try_bills).await;
    assert!(!told.contains("hidden"), "{told}");
    edit(&connectors, "http://boss:hidden@127.0.0.1", "http://127.0.0.1");

    *says.body.lock().unwrap() = b"<html>login</html>".to_vec();
    let (code, told) = fuwu(&env, &try_bills).await;
    assert!(code == Some(1) && told.contains("网页") && told.contains("怎么改："), "{told}");
    *says.body.lock().unwrap() = b"{\"code\":\"0\",\"list\":[{\"m\":1}]}".to_vec();
    let (code, told) = fuwu(&env, &try_bills).await;
    assert!(code == Some(1) && told.contains("/bills 处没有值") && told.contains("/list/0/m number"), "{told}");
    *says.body.lock().unwrap() = b"{\"code\":\"NO_NUMBER\"}".to_vec();
    let (code, told) = fuwu(&env, &try_bills).await;
    assert!(code == Some(1) && told.contains("NO_NUMBER"), "{told}");
    let (code, told) = fuwu(&env, &["connector", "try", "send_code", "--value", "number=13800138000"]).await;
    assert!(code == Some(2) && told.contains("--for-real"), "{told}");
    let (code, told) = fuwu(&env, &["connector", "try", "bill"]).await;
    assert!(code == Some(2) && told.contains("bills"), "{told}");
}

fn owned(env: &[(&str, &str)]) -> Vec<(String, String)> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[actix_web::test]
async fn the_demos_connectors_are_tried_out_at_the_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let listen = process.address.to_string();
    let tried = run(dir.path(), &[("FUWU__SERVER__LISTEN", &listen)], &["connector", "try", "balance"]);
    let told = String::from_utf8(tried.stdout).unwrap();
    assert!(tried.status.success() && told.contains("balance = ") && told.contains("答：HTTP 200"), "{told}");
    drop(process);
    let tried = run(dir.path(), &[("FUWU__SERVER__LISTEN", &listen)], &["connector", "try", "balance"]);
    assert_eq!(tried.status.code(), Some(1));
    assert!(String::from_utf8(tried.stderr).unwrap().contains("fuwu serve"));
}

/// Reads the answer of the status of an application.
const STATUS: &str = r#"
[connectors.apply_status]
method = "GET"
path = "/status"
query = { number = "{{ number }}" }
timeout_ms = 2000
late_timeout_ms = 10000
refusal = { at = "/code", ok = "0" }
pending = { at = "/status", values = ["processing"] }
fields = { ready_on = { at = "/ready_on", as = "text" } }
example = { code = "0", ready_on = "2026-01-03" }
"#;

#[actix_web::test]
async fn what_the_business_system_is_still_at_is_asked_about_again_and_told_once_it_is_done() {
    const KEYED: &str = "path = \"/applications\"\nidempotency_header = \"Idempotency-Key\"";
    const PENDING: &str = "pending = { at = \"/status\", values = [\"processing\"] }";
    let once = format!("path = \"/applications\"\nidempotent = false\nstatus = \"apply_status\"\n{PENDING}");
    for (edited, is_put_once) in [(format!("{KEYED}\n{PENDING}"), false), (once, true)] {
        let (port, says) = business();
        *says.body.lock().unwrap() = b"{\"code\":\"0\",\"status\":\"processing\"}".to_vec();
        let dir = tempfile::tempdir().unwrap();
        asking(dir.path(), &format!("http://127.0.0.1:{port}"), "\"127.0.0.1\"");
        let connectors = dir.path().join("playbook/connectors.toml");
        edit(&connectors, KEYED, &edited);
        let text = std::fs::read_to_string(&connectors).unwrap();
        std::fs::write(&connectors, format!("{text}{STATUS}")).unwrap();
        let copied = copied(dir.path());
        let env = copied.each_ref().map(|(name, value)| (*name, value.as_str()));
        let world = World::open(dir, &env).await;
        let phone = Phone::following(&world, "小林").await;
        for words in ["线上办卡", "1", "1", "张小明", "11010519491231002X", "2", "13800138000"] {
            phone.say(words).await;
        }
        assert!(phone.tap_link("确认").await.contains("正在为您登记"));
        let asked = |path: &str| says.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(path)).count();
        until("it is asked again and again", async || {
            world.clock.advance_secs(1);
            asked("/applications") + asked("/status") >= 4
        })
        .await;
        assert_eq!(phone.heard("办好了"), 0, "nobody knows yet");
        *says.body.lock().unwrap() = b"{\"code\":\"0\",\"status\":\"done\",\"ready_on\":\"2026-03-05\"}".to_vec();
        until("it is done", async || {
            world.clock.advance_secs(1);
            phone.heard("办好了") > 0
        })
        .await;
        assert_eq!(phone.heard("办好了"), 1);
        if is_put_once {
            assert_eq!(asked("/applications"), 1, "what is put once is only asked about");
        }
    }
}
