//! `fuwu referral code`, the command, beside a running server.

use std::path::Path;

use crate::harness::API_TOKEN;
use crate::process::{Process, fuwu};

struct Desk {
    dir: tempfile::TempDir,
    process: Process,
}

impl Desk {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let process = Process::start(dir.path(), &[]);
        Self { dir, process }
    }

    /// What is printed, what is told beside it, and the exit code.
    fn code(&self, scene: &str, out: &str) -> (String, String, Option<i32>) {
        let listen = self.process.address.to_string();
        let out = self.dir.path().join(out);
        let args = ["referral", "code", "--channel", scene, "--out", out.to_str().unwrap()];
        let output = fuwu(self.dir.path(), &[("FUWU__SERVER__LISTEN", &listen)]).args(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    }
}

fn scanned(file: &Path) -> String {
    let seen = image::open(file).unwrap().to_luma8();
    let (width, height) = (seen.width() as usize, seen.height() as usize);
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| seen.get_pixel(x as u32, y as u32).0[0]);
    picture.detect_grids()[0].decode().unwrap().1
}

#[actix_web::test]
async fn the_code_of_a_shop_is_made_once_and_printed_as_often_as_wanted() {
    let desk = Desk::open();
    let (told, beside, code) = desk.code("store:xinjiekou", "a.png");
    assert_eq!(code, Some(0), "{told}{beside}");
    let url = scanned(&desk.dir.path().join("a.png"));
    assert!(url.starts_with("http://weixin.qq.com/q/") && told.contains(&url), "{told}");
    assert!(told.contains("store:xinjiekou") && told.contains("made now") && told.contains("（store）"), "{told}");
    let (again, _, code) = desk.code("store:xinjiekou", "b.jpg");
    assert_eq!((code, scanned(&desk.dir.path().join("b.jpg"))), (Some(0), url));
    assert!(again.contains("made before"), "{again}");
    let address = again.lines().find_map(|line| line.strip_prefix("地址 ticket    ")).unwrap();
    assert!(reqwest::get(address).await.unwrap().status().is_success(), "{address}");
    let (_, beside, code) = desk.code("fair:nobody", "c.png");
    assert!(code == Some(0) && beside.contains("channels.toml"), "{beside}");
}

#[actix_web::test]
async fn the_api_makes_the_same_code_and_refuses_what_the_platform_would_twist() {
    let desk = Desk::open();
    let ask = async |query: String, token: &str| {
        let url = format!("http://{}/api/v1/codes?{query}", desk.process.address);
        let answer = reqwest::Client::new().post(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    assert_eq!(ask("scene=store:a".into(), "guessed").await.0, 401);
    let (status, made) = ask("scene=store:a".into(), API_TOKEN).await;
    assert_eq!((status, &made["scene"], &made["is_new"]), (200, &"store:a".into(), &true.into()), "{made}");
    let (told, _, _) = desk.code("store:a", "a.png");
    assert!(told.contains(made["url"].as_str().unwrap()) && told.contains("made before"), "{told}");
    for (query, expected) in [
        ("scene=".to_owned(), 400),
        (format!("scene={}", "x".repeat(65)), 400),
        (String::new(), 400),
        ("scene=a&colour=red".into(), 400),
        ("scene=a&account=nobody".into(), 404),
    ] {
        let (status, fault) = ask(query.clone(), API_TOKEN).await;
        assert!(status == expected && fault["mend"].is_string(), "{query} {status} {fault}");
    }
}

#[actix_web::test]
async fn what_cannot_be_made_or_written_is_told_before_the_platform_is_asked() {
    let desk = Desk::open();
    for (scene, out, code, cause) in [
        ("store:x", "a.gif", 2, ".png"),
        ("store:x", "nowhere/a.png", 1, "nowhere"),
        ("店", "a.png", 2, "letters"),
        ("", "a.png", 2, "64"),
    ] {
        let (told, beside, left) = desk.code(scene, out);
        assert!(left == Some(code) && told.is_empty() && beside.contains(cause), "{scene} {out} {left:?} {beside}");
    }
    let platform = format!("http://{}/sandbox/api", desk.process.address);
    let http = reqwest::Client::new();
    let codes = async || http.get(format!("{platform}/codes")).send().await.unwrap().text().await.unwrap();
    assert!(!codes().await.contains("store:x"));
    let full = serde_json::json!({ "permanent_codes": 0 });
    http.post(format!("{platform}/conditions")).json(&full).send().await.unwrap().error_for_status().unwrap();
    let (told, beside, left) = desk.code("store:x", "a.png");
    assert!(left == Some(1) && told.is_empty() && beside.contains("45029") && beside.contains("100000"), "{beside}");
    assert!(!desk.dir.path().join("a.png").exists());
}
