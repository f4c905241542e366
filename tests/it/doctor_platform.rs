//! `fuwu doctor` and the platform: the sandbox is made to refuse what a misconfigured account is refused.

use std::path::Path;

use serde_json::{Value, json};

use crate::business::{copied, copy_playbook, edit};
use crate::harness::World;
use crate::process::run;

/// A platform, and a folder of ours whose demo account lives on it.
struct Ward {
    world: World,
    dir: tempfile::TempDir,
}

impl Ward {
    async fn open() -> Self {
        Self { world: World::start().await, dir: tempfile::tempdir().unwrap() }
    }

    /// What doctor says with these settings, and the exit code.
    async fn told(&self, more: &[(&str, &str)]) -> (String, Option<i32>) {
        let base = self.world.url("/sandbox/platform/");
        let env = [&[("FUWU__ACCOUNTS__DEMO__API_BASE", base.as_str())], more].concat();
        doctor(self.dir.path(), &env).await
    }

    fn conditions(&self, change: Value) {
        self.world.sandbox().change_conditions(&change).unwrap();
    }
}

pub async fn doctor(dir: &Path, env: &[(&str, &str)]) -> (String, Option<i32>) {
    let dir = dir.to_owned();
    let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let ran = tokio::task::spawn_blocking(move || {
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        run(&dir, &env, &["doctor"])
    });
    let output = ran.await.unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

pub fn assert_says((told, code): &(String, Option<i32>), (expected, parts): (i32, &[&str])) {
    for part in parts {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    assert_eq!(*code, Some(expected), "{told}");
    assert!(!told.contains("secret-of-the-tests"), "{told}");
}

#[actix_web::test]
async fn a_sound_account_is_found_sound() {
    let ward = Ward::open().await;
    let says = [
        "收发都加密",
        "gets access tokens",
        "正常 ok  本机时钟",
        "自定义菜单",
        "enough calls left",
        "those of the files",
        "订阅通知模板都在平台上",
        "模板消息模板都在平台上",
    ];
    assert_says(&ward.told(&[]).await, (0, &says));
}

#[actix_web::test]
async fn a_refused_token_is_one_fault_with_what_mends_it() {
    let ward = Ward::open().await;
    let wrong = ward.told(&[("FUWU__ACCOUNTS__DEMO__APP_SECRET", "another-secret")]).await;
    assert_says(&wrong, (1, &["AppSecret 不对或已被重置（40125）", "accounts.demo.app_secret", "1 个故障"]));
    let other = ward.told(&[("FUWU__ACCOUNTS__DEMO__APP_ID", "wxffffffffffffffff")]).await;
    assert_says(&other, (1, &["AppID 不对（40013）", "1 个故障"]));
    ward.conditions(json!({ "ip_white_list": ["203.0.113.9"] }));
    let stranger = ward.told(&[]).await;
    assert_says(&stranger, (1, &["加上 127.0.0.1", "add 127.0.0.1 there", "1 个故障"]));
}

#[actix_web::test]
async fn a_platform_that_is_away_is_one_fault() {
    let dir = tempfile::tempdir().unwrap();
    let away = doctor(dir.path(), &[("FUWU__ACCOUNTS__DEMO__API_BASE", "http://127.0.0.1:1/")]).await;
    assert_says(&away, (1, &["连不上微信平台 127.0.0.1:1", "1 个故障"]));
    // `.invalid` never has an address (RFC 2606).
    let nameless = doctor(dir.path(), &[("FUWU__ACCOUNTS__DEMO__API_BASE", "http://platform.invalid/")]).await;
    assert_says(&nameless, (1, &["platform.invalid 解析不到 IP", "DNS", "1 个故障"]));
    let nobody = doctor(dir.path(), &[]).await;
    assert_says(&nobody, (0, &["0 个故障"]));
    assert!(!nobody.0.contains("平台"), "the sandbox's account without a server: {}", nobody.0);
}

#[actix_web::test]
async fn what_answers_but_is_not_the_platform_is_told() {
    let ward = Ward::open().await;
    let page = ward.world.url("/healthz/");
    let told = ward.told(&[("FUWU__ACCOUNTS__DEMO__API_BASE", &page)]).await;
    assert_says(&told, (1, &["但不是微信平台", "1 个故障"]));
}

#[actix_web::test]
async fn rights_that_are_missing_and_calls_that_run_out_are_told() {
    let ward = Ward::open().await;
    ward.conditions(json!({ "kind": "subscription", "certified": false }));
    let told = ward.told(&[]).await;
    assert_says(&told, (0, &["没有“标签与用户资料”的权限（48001）", "没有“自定义菜单”的权限"]));
    ward.conditions(json!({ "kind": "service", "certified": true, "daily_limits": { "cgi-bin/menu/get": 1 } }));
    let told = ward.told(&[]).await;
    assert_says(&told, (1, &["/cgi-bin/menu/get"]));
}

#[actix_web::test]
async fn a_menu_that_is_not_that_of_the_files_is_a_fault() {
    let ward = Ward::open().await;
    let menus = tempfile::tempdir().unwrap();
    let menu = r#"{"button":[{"type":"click","name":"余额","key":"query_balance"}]}"#;
    std::fs::write(menus.path().join("default.json"), menu).unwrap();
    let told = ward.told(&[("FUWU__ACCOUNTS__DEMO__MENUS", menus.path().to_str().unwrap())]).await;
    assert_says(&told, (1, &["平台上的菜单与文件不一样", "1 个故障"]));
}

#[actix_web::test]
async fn a_template_that_is_gone_or_has_other_fields_is_a_fault_and_a_right_that_lacks_is_told() {
    let ward = Ward::open().await;
    let files = tempfile::tempdir().unwrap();
    copy_playbook(files.path());
    let notices = files.path().join("playbook/notices.toml");
    edit(&notices, "TPLorder-progress-notice", "TPLgone");
    edit(&notices, "character_string5", "character_string9");
    let copied = copied(files.path());
    let env = copied.each_ref().map(|(key, value)| (*key, value.as_str()));
    let says = [
        "通知 order_progress.subscription：平台上没有模板 TPLgone",
        "没有填模板的字段 character_string5",
        "模板里没有字段 character_string9",
        "3 个故障",
    ];
    assert_says(&ward.told(&env).await, (1, &says));
    let kind = [&env[..], &[("FUWU__ACCOUNTS__DEMO__KIND", "test")]].concat();
    assert_says(&ward.told(&kind).await, (1, &["账号 demo 用不了订阅通知", "2 个故障"]));
}

#[actix_web::test]
async fn a_mode_weaker_than_safe_is_a_note_but_for_a_test_account() {
    let ward = Ward::open().await;
    let mode = |mode| ("FUWU__ACCOUNTS__DEMO__MODE", mode);
    let told = ward.told(&[mode("plain")]).await;
    assert_says(&told, (0, &["注意 warning  账号 demo 用的是明文模式", "accounts.demo.mode = \"safe\""]));
    let told = ward.told(&[mode("compatible")]).await;
    assert_says(&told, (0, &["注意 warning  账号 demo 用的是兼容模式"]));
    let told = ward.told(&[mode("plain"), ("FUWU__ACCOUNTS__DEMO__KIND", "test")]).await;
    assert_says(&told, (0, &["正常 ok  账号 demo 是测试号，只有明文模式"]));
}

#[actix_web::test]
async fn a_clock_that_is_off_is_a_fault_either_way() {
    let ward = Ward::open().await;
    for (off, says) in [(120, ["本机时钟比微信平台慢", "behind"]), (-120, ["本机时钟比微信平台快", "ahead"])]
    {
        ward.conditions(json!({ "date_off_secs": off }));
        assert_says(&ward.told(&[]).await, (1, &[says[0], says[1], "NTP", "1 个故障"]));
    }
    ward.conditions(json!({ "date_off_secs": 30 }));
    assert_says(&ward.told(&[]).await, (0, &["正常 ok  本机时钟"]));
}
