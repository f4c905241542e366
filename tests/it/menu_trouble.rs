//! `fuwu menu` when something is wrong: in the files, on the platform, or half-way.

use fuwu::channel::official::api::{Client, TagId};
use fuwu::domain::ids::Openid;
use serde_json::{Value, json};

use crate::harness::APP_ID;
use crate::menu_command::Desk;
use crate::process::run;
use crate::scripted::Platform;

impl Desk {
    fn client(&self) -> Client {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Client::new(self.process.url("/sandbox/platform/").parse().unwrap(), APP_ID, "secret-of-the-tests", http)
    }

    async fn sandbox(&self, path: &str, body: Value) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = http.post(self.process.url(&format!("/sandbox/api/{path}"))).json(&body).send().await.unwrap();
        sent.error_for_status().unwrap().json().await.unwrap()
    }

    async fn state(&self) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.get(self.process.url("/sandbox/api/state")).send().await.unwrap().json().await.unwrap()
    }

    /// The sandbox refuses the next calls of `path`, however often they are made.
    async fn refuse(&self, path: &str, code: i64) {
        let refusal = json!({ path: { "errcode": code, "errmsg": "no rid: 65a1b2c3-0d1e2f30-4a5b6c7d", "times": 99 } });
        self.sandbox("faults", json!({ "errcodes": refusal })).await;
    }

    /// How often a call may be made today.
    async fn limit(&self, path: &str, times: Option<u64>) {
        let limits = times.map_or(json!({}), |times| json!({ path: times }));
        self.sandbox("conditions", json!({ "daily_limits": limits })).await;
    }

    fn says(&self, args: &[&str], (expected, parts): (i32, &[&str])) {
        let (said, code) = self.menu(args);
        for part in parts {
            assert!(said.contains(part), "{args:?} {part}:\n{said}");
        }
        assert_eq!(code, Some(expected), "{args:?}: {said}");
    }

    /// The files' menu folder, by name.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join("edited")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn only(tag: &str, name: &str) -> Value {
    json!({"button": [{"type": "click", "name": name, "key": "query_data"}], "matchrule": {"tag_id": tag}})
}

#[actix_web::test]
async fn a_preview_asks_the_platform_what_a_customer_with_the_tag_sees() {
    let desk = Desk::open();
    let platform = desk.client();
    let state: Value = desk.state().await;
    let openid = Openid::from(state["customers"][0]["openid"].as_str().unwrap());
    desk.sandbox(&format!("customers/{openid}/follow"), json!({})).await;
    let (first, last) = (platform.create_tag("老客户").await.unwrap(), platform.create_tag("会员").await.unwrap());
    desk.write("tag-1.json", &only(&first.id.to_string(), "老客户专享"));
    desk.write("tag-2.json", &only(&last.id.to_string(), "会员专享"));
    desk.says(
        &["preview", "--tag", "老客户"],
        (0, &["还没有客户有标签「老客户」", "文件里，只有这个标签的客户会看到", "「老客户专享」"]),
    );
    desk.says(&["push"], (0, &["读回核对一致"]));
    platform.tag(TagId(first.id), std::slice::from_ref(&openid)).await.unwrap();
    let seen = ["的一位客户在平台上看到", "「老客户专享」", "文件里也是这样"];
    desk.says(&["preview", "--tag", "老客户"], (0, &seen));
    // The tag that was put on last decides, which only the platform knows.
    platform.tag(TagId(last.id), std::slice::from_ref(&openid)).await.unwrap();
    let seen = ["的一位客户在平台上看到", "「会员专享」", "文件里，只有这个标签的客户会看到", "「老客户专享」"];
    desk.says(&["preview", "--tag", &first.id.to_string()], (0, &seen));
    let (said, _) = desk.menu(&["preview", "--tag", "老客户"]);
    assert!(!said.contains(openid.as_str()), "{said}");
    desk.refuse("cgi-bin/menu/trymatch", 65302).await;
    desk.says(&["preview", "--tag", "老客户"], (1, &["平台不认识这位客户", "65302"]));
}

#[actix_web::test]
async fn a_pull_writes_conditional_menus_so_that_a_push_restores_the_same() {
    let desk = Desk::open();
    let platform = desk.client();
    for (tag, name) in [("100", "先"), ("101", "别的"), ("100", "后")] {
        platform.add_conditional_menu(&only(tag, name)).await.unwrap();
    }
    desk.write("vip.json", &only("7", "旧的"));
    desk.says(&["pull"], (0, &["vip.json 已移到", "tag-001.json", "tag-003.json"]));
    let names = desk.names();
    let aside = names.iter().find(|name| name.starts_with("vip.json.") && name.ends_with(".bak")).unwrap();
    assert_eq!(desk.read(aside), only("7", "旧的"));
    assert!(!names.contains(&"vip.json".to_owned()), "{names:?}");
    assert_eq!(desk.read("tag-001.json"), only("100", "先"));
    assert_eq!(desk.read("tag-003.json"), only("100", "后"));
    desk.says(&["diff"], (0, &["一致"]));
    desk.says(&["pull"], (0, &["没有改动"]));
    desk.says(&["push"], (0, &["没有改动"]));
    platform.delete_menu().await.unwrap();
    desk.says(&["push"], (0, &["读回核对一致"]));
    let told = platform.menus().await.unwrap().unwrap();
    let names: Vec<_> = told.conditional.iter().map(|menu| menu.buttons[0]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["后", "别的", "先"], "the latest first");
}

#[actix_web::test]
async fn a_push_that_is_refused_half_way_tells_how_far_it_came_and_can_go_on_or_back() {
    let desk = Desk::open();
    desk.rename("流量余额");
    desk.write("tag-1.json", &only("2", "先"));
    desk.write("tag-2.json", &only("2", "后"));
    desk.limit("cgi-bin/menu/addconditional", Some(1)).await;
    let half =
        ["只推送了一部分", "个性化菜单（标签 2）：平台上没有，文件里是「后」", "共 1 处不同", "没有全部推送", "45009"];
    desk.says(&["push"], (1, &half));
    desk.says(&["push"], (1, &["没有推送，平台上", "45009"]));
    // Back, from half-way: to what stood there before the first of them.
    desk.says(&["push", "--rollback"], (0, &["已放回上次推送之前的菜单"]));
    let told = desk.client().menus().await.unwrap().unwrap();
    assert!(told.conditional.is_empty() && told.default.buttons.to_string().contains("查流量"), "{told:?}");
    // And on, from half-way.
    desk.limit("cgi-bin/menu/addconditional", Some(2)).await;
    desk.says(&["push"], (1, &half));
    desk.limit("cgi-bin/menu/addconditional", None).await;
    desk.says(&["push"], (0, &["读回核对一致"]));
    desk.says(&["diff"], (0, &["一致"]));
    assert_eq!(desk.client().menus().await.unwrap().unwrap().conditional.len(), 2);
    desk.says(&["push", "--rollback"], (0, &["再运行一次 --rollback 就换回来"]));
    assert!(desk.menu(&["show"]).0.contains("「查流量」"));
    desk.says(&["push", "--rollback"], (0, &[]));
    desk.says(&["diff"], (0, &["一致"]));
}

#[actix_web::test]
async fn a_push_whose_end_nobody_heard_of_counts_once_it_is_seen_to_stand() {
    let desk = Desk::open();
    desk.rename("一改");
    // The platform is read once and then no more.
    desk.limit("cgi-bin/menu/get", Some(1)).await;
    desk.refuse("cgi-bin/menu/addconditional", -1).await;
    desk.write("tag-1.json", &only("2", "专享"));
    desk.says(&["push"], (1, &["推送到哪一步还不知道", "fuwu menu diff", "--rollback"]));
    desk.limit("cgi-bin/menu/get", None).await;
    desk.says(&["push"], (1, &["推送后读回的菜单与要推送的不同", "没有全部推送", "平台繁忙或没有回应"]));
    desk.sandbox("faults", json!({ "errcodes": {} })).await;
    std::fs::remove_file(desk.dir.path().join("edited/tag-1.json")).unwrap();
    desk.says(&["push"], (0, &["平台上已经是这个菜单"]));
    desk.rename("二改");
    desk.says(&["push"], (0, &["读回核对一致"]));
    desk.says(&["push", "--rollback"], (0, &[]));
    assert!(
        desk.menu(&["show"]).0.contains("「一改」"),
        "back to what stood before the last push, not before the first"
    );
}

#[actix_web::test]
async fn a_refusal_of_the_platform_is_told_in_words_and_changes_nothing() {
    let desk = Desk::open();
    desk.rename("流量余额");
    let codes =
        (40016..=40027).chain([40007, 40033, 40054, 40055, 40166, 45009, 45011, 45064, 47001, 48001, 48004, 53600]);
    for code in codes {
        desk.refuse("cgi-bin/menu/create", code).await;
        let (said, exit) = desk.menu(&["push"]);
        assert_eq!(exit, Some(1), "{said}");
        assert!(said.contains(&format!("（{code}）")) && said.contains("没有推送，平台上"), "{said}");
        assert!(!said.contains("平台拒绝了请求"), "{code} has no words: {said}");
        assert!(code == 45009 || code == 45011 || said.contains("，rid "), "{said}");
    }
    desk.sandbox("faults", json!({ "errcodes": {} })).await;
    desk.says(&["push"], (0, &[]));
    desk.write("tag-1.json", &only("2", "专享"));
    for code in (65301..=65317).chain([65320]) {
        desk.refuse("cgi-bin/menu/addconditional", code).await;
        desk.says(&["push"], (1, &[&format!("（{code}）"), "没有推送，平台上"]));
    }
    for (code, args) in [(40164, ["show"]), (40001, ["diff"]), (48001, ["show"]), (40013, ["pull"])] {
        desk.refuse("cgi-bin/menu/get", code).await;
        desk.says(&args, (1, &[&format!("（{code}）")]));
    }
    assert!(desk.client().menus().await.is_err(), "still refused");
    desk.sandbox("faults", json!({ "errcodes": {} })).await;
    assert!(desk.client().menus().await.unwrap().unwrap().conditional.is_empty());
}

#[actix_web::test]
async fn a_file_edited_wrongly_stops_what_would_publish_it_and_a_pull_mends_it() {
    let desk = Desk::open();
    let file = desk.dir.path().join("edited/default.json");
    let click = |name: &str, key: &str| json!({"button": [{"type": "click", "name": name, "key": key}]}).to_string();
    let wrong: [(Vec<u8>, &[&str]); 7] = [
        (b"{\"button\":[\n{\"name\":}]}".to_vec(), &["default.json:2:", "JSON 语法不对", "改法："]),
        (b"[]".to_vec(), &["default.json:1:1", "改法："]),
        (b"".to_vec(), &["default.json:1:1", "改法："]),
        (click("六个汉字太长了", "query_data").into_bytes(), &["default.json:1:", "最多 16 字节", "缩短到 5 个汉字"]),
        (click("查询", "no_such_action").into_bytes(), &["default.json:1:", "no_such_action", "改法："]),
        (b"{\"button\":[{\"name\":\"\xd6\xd0\"}]}".to_vec(), &["default.json:1:21", "不是 UTF-8", "另存为 UTF-8"]),
        (b"\xFF\xFE{\0}\0".to_vec(), &["UTF-16", "另存为 UTF-8"]),
    ];
    for (text, says) in wrong {
        std::fs::write(&file, &text).unwrap();
        for args in [&["diff"][..], &["push"], &["preview", "--tag", "2"]] {
            desk.says(args, (1, says));
        }
        desk.says(&["show"], (0, &["「查流量」"]));
        desk.says(&["pull"], (0, &["已写入", "原来的留在"]));
        let kept = desk.names().into_iter().find(|name| name.ends_with(".bak")).unwrap();
        let kept = desk.dir.path().join("edited").join(kept);
        assert_eq!(std::fs::read(&kept).unwrap(), text);
        std::fs::remove_file(kept).unwrap();
        desk.says(&["diff"], (0, &["一致"]));
    }
}

#[actix_web::test]
async fn a_folder_or_a_dead_link_in_the_files_place_does_not_take_the_menu_away() {
    let desk = Desk::open();
    let file = desk.dir.path().join("edited/default.json");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    for args in [&["diff"][..], &["push"], &["pull"], &["preview", "--tag", "2"]] {
        desk.says(args, (1, &["default.json", "是一个文件夹，不是文件"]));
    }
    std::fs::remove_dir(&file).unwrap();
    std::os::unix::fs::symlink("nowhere.json", &file).unwrap();
    desk.says(&["push"], (1, &["default.json", "读不了文件"]));
    desk.says(&["show"], (0, &["「查流量」"]));
    // An empty folder is meant, and told.
    std::fs::remove_file(&file).unwrap();
    desk.says(&["push"], (0, &["文件夹里没有菜单，已把平台上的菜单全部撤下"]));
    desk.says(&["push", "--rollback"], (0, &["已放回上次推送之前的菜单"]));
    desk.says(&["show"], (0, &["「查流量」"]));
}

#[actix_web::test]
async fn a_menu_made_in_the_console_is_shown_and_told_when_a_push_takes_its_place() {
    let (platform, dir) = (Platform::start(), tempfile::tempdir().unwrap());
    let button =
        json!([{ "name": "后台", "sub_button": { "list": [{ "type": "text", "name": "文字", "value": "好" }] } }]);
    let console = json!({ "is_menu_open": 1, "selfmenu_info": { "button": button } });
    platform.answers_with(&[("cgi-bin/get_current_selfmenu_info", console)]);
    let menu = async |args: &'static [&'static str]| {
        let (dir, base) = (dir.path().to_owned(), platform.base.clone());
        let ran = tokio::task::spawn_blocking(move || {
            let env = [("FUWU__SANDBOX__ENABLED", "false"), ("FUWU__ACCOUNTS__DEMO__API_BASE", base.as_str())];
            run(&dir, &env, &[&["menu"], args].concat())
        });
        let output = ran.await.unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let shown = menu(&["show"]).await;
    assert!(shown.contains("公众平台后台设置的") && shown.contains("「文字」"), "{shown}");
    let pulled = menu(&["pull"]).await;
    assert!(pulled.contains("没有用接口发布的菜单，没有改动任何文件"), "{pulled}");
    let pushed = menu(&["push"]).await;
    assert!(
        pushed.contains("读回核对一致") && pushed.contains("后台设置的菜单不再显示，--rollback 放不回它"),
        "{pushed}"
    );
    let again = menu(&["push", "--rollback"]).await;
    assert!(again.contains("上次推送之前平台上没有菜单，已把菜单全部撤下"), "{again}");
    assert!(platform.was_asked("cgi-bin/menu/delete"));
}
