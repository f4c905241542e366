//! `fuwu menu`, the command, beside a running server.

use std::path::Path;
use std::process::Output;

use fuwu::channel::official::api::Client;
use serde_json::{Value, json};

use crate::harness::APP_ID;
use crate::process::{Process, fuwu};

/// A server whose menus lie in a folder of their own.
pub struct Desk {
    pub dir: tempfile::TempDir,
    pub process: Process,
}

impl Desk {
    pub fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let menus = dir.path().join("menus");
        std::fs::create_dir(&menus).unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("menus/default.json");
        std::fs::copy(demo, menus.join("default.json")).unwrap();
        let process = Process::start(dir.path(), &[("FUWU__ACCOUNTS__DEMO__MENUS", menus.to_str().unwrap())]);
        // What the operator edits is a copy, which the server does not follow.
        let edited = dir.path().join("edited");
        std::fs::create_dir(&edited).unwrap();
        std::fs::copy(menus.join("default.json"), edited.join("default.json")).unwrap();
        Self { dir, process }
    }

    fn fuwu_at(&self, listen: &str, args: &[&str]) -> Output {
        let edited = self.dir.path().join("edited");
        let env = [("FUWU__SERVER__LISTEN", listen), ("FUWU__ACCOUNTS__DEMO__MENUS", edited.to_str().unwrap())];
        fuwu(self.dir.path(), &env).arg("menu").args(args).output().unwrap()
    }

    /// What a command says, and its exit code.
    pub fn menu(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = self.fuwu_at(&self.process.address.to_string(), args);
        let told = [output.stdout, output.stderr].concat();
        (String::from_utf8(told).unwrap(), output.status.code())
    }

    pub fn read(&self, file: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.dir.path().join("edited").join(file)).unwrap()).unwrap()
    }

    pub fn write(&self, file: &str, menu: &Value) {
        std::fs::write(self.dir.path().join("edited").join(file), menu.to_string()).unwrap();
    }

    /// Gives an entry of the first button another name.
    pub fn rename(&self, name: &str) {
        let mut menu = self.read("default.json");
        menu["button"][0]["sub_button"][1]["name"] = json!(name);
        self.write("default.json", &menu);
    }
}

#[actix_web::test]
async fn the_platforms_menu_is_shown_and_held_against_the_files() {
    let desk = Desk::open();
    let (shown, code) = desk.menu(&["show"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("1.2  「查流量」（点击 query_data）"), "{shown}");
    assert_eq!(desk.menu(&["diff"]), ("平台上的菜单和文件一致\n".to_owned(), Some(0)));
    desk.rename("流量余额");
    let differ = "默认菜单第 1 栏第 2 项：平台上是「查流量」（点击 query_data），文件里是「流量余额」（点击 query_data）\n共 1 处不同\n";
    assert_eq!(desk.menu(&["diff"]), (differ.to_owned(), Some(1)));
    let nowhere = desk.fuwu_at("127.0.0.1:9", &["show"]);
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert!(nowhere.status.code() == Some(1) && said.contains("FUWU__SERVER__LISTEN"), "{said}");
}

#[actix_web::test]
async fn a_push_is_read_back_and_can_be_taken_back() {
    let desk = Desk::open();
    assert_eq!(desk.menu(&["push", "--rollback"]).1, Some(1), "nothing was kept yet");
    desk.rename("流量余额");
    let (said, code) = desk.menu(&["push"]);
    assert!(code == Some(0) && said.contains("读回核对一致"), "{said}");
    assert_eq!(desk.menu(&["diff"]).1, Some(0));
    assert!(desk.menu(&["push"]).0.contains("没有改动"));
    let (said, code) = desk.menu(&["push", "--rollback"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(desk.menu(&["show"]).0.contains("「查流量」"));
    let again = desk.menu(&["push", "--rollback"]);
    assert!(again.1 == Some(0) && desk.menu(&["show"]).0.contains("「流量余额」"), "what was taken back was kept, too");

    desk.write("default.json", &json!({"button": [{"type": "clik", "name": "错", "key": "query_data"}]}));
    let (said, code) = desk.menu(&["push"]);
    assert!(code == Some(1) && said.contains("clik"), "checked before anything is sent: {said}");
}

#[actix_web::test]
async fn menus_for_a_tag_are_pushed_in_order_and_previewed() {
    let desk = Desk::open();
    let base = desk.process.url("/sandbox/platform/").parse().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let platform = Client::new(base, APP_ID, "secret-of-the-tests", http);
    let tag = platform.create_tag("老客户").await.unwrap().id.to_string();
    let only = |name: &str| json!({"button": [{"type": "click", "name": name, "key": "query_data"}], "matchrule": {"tag_id": tag}});
    desk.write("tag-1.json", &only("先"));
    desk.write("tag-2.json", &only("后"));
    let (said, code) = desk.menu(&["diff"]);
    assert!(code == Some(1) && said.contains(&format!("个性化菜单（标签 {tag}）：平台上没有")), "{said}");
    let (said, code) = desk.menu(&["push"]);
    assert_eq!(code, Some(0), "{said}");
    let (said, code) = desk.menu(&["preview", "--tag", "老客户"]);
    assert!(code == Some(0) && said.contains("「后」") && said.contains("文件里也是这样"), "{said}");
    std::fs::remove_file(desk.dir.path().join("edited/tag-1.json")).unwrap();
    assert_eq!(desk.menu(&["push"]).1, Some(0));
    let menus = platform.menus().await.unwrap().unwrap();
    assert_eq!(menus.conditional.len(), 1);
    assert_eq!(desk.menu(&["push", "--rollback"]).1, Some(0));
    assert_eq!(platform.menus().await.unwrap().unwrap().conditional.len(), 2);
    let (said, code) = desk.menu(&["preview", "--tag", "没有的"]);
    assert!(code == Some(1) && said.contains("老客户"), "{said}");
}

#[actix_web::test]
async fn a_pull_brings_the_platforms_menu_into_the_files_and_copies_what_it_overwrites() {
    let desk = Desk::open();
    let before = desk.read("default.json");
    assert!(desk.menu(&["pull"]).0.contains("没有改动"));
    desk.rename("流量余额");
    let renamed = desk.read("default.json");
    let (said, code) = desk.menu(&["pull"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(desk.read("default.json"), before, "keys and the schema's name are kept");
    assert_eq!(desk.menu(&["diff"]).1, Some(0));
    let names = std::fs::read_dir(desk.dir.path().join("edited")).unwrap().map(|entry| entry.unwrap().file_name());
    let copy = names.map(|name| name.into_string().unwrap()).find(|name| name.ends_with(".bak")).unwrap();
    assert_eq!(desk.read(&copy), renamed);
}
