//! `fuwu doctor` and a platform that gives each answer a real one may give.

use serde_json::{Value, json};

use crate::business::{copy_playbook, edit};
use crate::doctor_platform::{assert_says, doctor};
use crate::process::run;
use crate::scripted::{Platform, ping};

struct Ward {
    platform: Platform,
    dir: tempfile::TempDir,
}

impl Ward {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_playbook(dir.path());
        std::fs::create_dir(dir.path().join("none")).unwrap();
        // Templates have their own story in `doctor_platform`.
        for id in ["notice", "template"] {
            let id = format!("demo = \"TPLorder-progress-{id}\"");
            edit(&dir.path().join("playbook/notices.toml"), &id, "");
        }
        Self { platform: Platform::start(), dir }
    }

    /// What doctor says when the platform answers like this.
    async fn told(&self, answers: &[(&'static str, Value)], more: &[(&str, &str)]) -> (String, Option<i32>) {
        self.platform.answers_with(answers);
        let [playbook, menus] = ["playbook", "none"].map(|folder| self.dir.path().join(folder));
        let own = [
            ("FUWU__ACCOUNTS__DEMO__API_BASE", self.platform.base.as_str()),
            ("FUWU__ACCOUNTS__DEMO__PLAYBOOK", playbook.to_str().unwrap()),
            ("FUWU__ACCOUNTS__DEMO__MENUS", menus.to_str().unwrap()),
        ];
        doctor(self.dir.path(), &[&own, more].concat()).await
    }
}

fn refusal(code: i64) -> Value {
    json!({ "errcode": code, "errmsg": "no rid: 65a1b2c3-0d1e2f30-4a5b6c7d" })
}

#[actix_web::test]
async fn every_reason_not_to_give_a_token_is_one_fault_with_what_mends_it() {
    let ward = Ward::open();
    let sound = ward.told(&[], &[]).await;
    assert_says(&sound, (0, &["能换到接口凭证", "0 个故障", "平台上的菜单与文件一致"]));
    for (code, says) in [
        (40001, "AppSecret 不对或已被重置（40001）"),
        (40125, "AppSecret 不对或已被重置（40125）"),
        (41004, "AppSecret 不对或已被重置（41004）"),
        (40013, "AppID 不对（40013）"),
        (41002, "AppID 不对（41002）"),
        (40243, "请在后台解冻"),
        (45009, "零点恢复"),
        (89503, "（89503）"),
        (89506, "（89506）"),
        (-1, "微信平台"),
    ] {
        let told = ward.told(&[("cgi-bin/stable_token", refusal(code))], &[]).await;
        assert_says(&told, (1, &[says, "1 个故障"]));
        assert!(!ward.platform.was_asked("cgi-bin/menu/get"), "{code}: nothing more is asked");
    }
    let stranger =
        json!({ "errcode": 40164, "errmsg": "invalid ip 203.0.113.5 ipv6 ::ffff:203.0.113.5, not in whitelist" });
    let told = ward.told(&[("cgi-bin/stable_token", stranger)], &[]).await;
    assert_says(&told, (1, &["加上 203.0.113.5", "add 203.0.113.5 there"]));
}

#[actix_web::test]
async fn what_the_platform_finds_of_the_callback_is_told() {
    let ward = Ward::open();
    let check = "cgi-bin/callback/check";
    for (found, (code, says)) in [
        (ping(&["0%", "0%"]), (0, "正常 ok  账号 demo 的服务器地址能从微信平台连到")),
        (json!({ "dns": [], "ping": [] }), (1, "故障 fault  账号 demo 的服务器地址解析不到 IP")),
        (ping(&["100%", "100%"]), (0, "注意 warning  微信平台 ping 不通账号 demo 的服务器")),
        (ping(&["0%", "40%"]), (0, "注意 warning  微信平台到账号 demo 的服务器丢包（203.0.113.9 40%）")),
        (refusal(40201), (1, "https://域名/wechat/demo")),
        (refusal(45009), (0, "注意 warning  账号 demo 的服务器地址没查成")),
    ] {
        assert_says(&ward.told(&[(check, found)], &[]).await, (code, &[says]));
    }
}

#[actix_web::test]
async fn calls_that_run_out_are_told_before_they_have() {
    let ward = Ward::open();
    let quota = |used: u64| json!({ "quota": { "daily_limit": 100, "used": used, "remain": 100 - used } });
    let path = "cgi-bin/openapi/quota/get";
    assert_says(&ward.told(&[(path, quota(79))], &[]).await, (0, &["今天的接口次数都够用"]));
    let told = ward.told(&[(path, quota(80))], &[]).await;
    assert_says(&told, (0, &["注意 warning  账号 demo 今天的 /cgi-bin/menu/create 快用完了（80/100）"]));
    let told = ward.told(&[(path, quota(100))], &[]).await;
    assert_says(&told, (1, &["/cgi-bin/user/info 用完了（100/100）", "零点恢复"]));
    assert!(!told.0.contains("都够用"), "{}", told.0);
}

#[actix_web::test]
async fn each_kind_of_account_is_asked_for_what_it_can_have_and_no_more() {
    let ward = Ward::open();
    let calls = [
        "cgi-bin/menu/get",
        "cgi-bin/tags/get",
        "cgi-bin/customservice/getkflist",
        "cgi-bin/template/get_all_private_template",
        "wxaapi/newtmpl/gettemplate",
        "datacube/getusersummary",
    ];
    let kinds = [
        ("service", [true, true, true, true, true, true], "客服、模板消息、订阅通知、数据统计"),
        ("subscription", [true, true, true, false, false, true], "邀请只能用邀请码"),
        ("test", [true, true, false, true, false, false], "自定义菜单、标签与用户资料、模板消息"),
    ];
    for (kind, asked, says) in kinds {
        let told = ward.told(&[], &[("FUWU__ACCOUNTS__DEMO__KIND", kind)]).await;
        assert_says(&told, (0, &[says]));
        assert_eq!(calls.map(|call| ward.platform.was_asked(call)), asked, "{kind}");
    }
    for (call, name) in
        calls.into_iter().zip(["自定义菜单", "标签与用户资料", "客服", "模板消息", "订阅通知", "数据统计"])
    {
        let told = ward.told(&[(call, refusal(48001))], &[]).await;
        assert_says(&told, (0, &[&format!("注意 warning  账号 demo 没有“{name}”的权限（48001）")]));
        let told = ward.told(&[(call, refusal(48004))], &[]).await;
        assert_says(&told, (1, &[&format!("故障 fault  账号 demo 的“{name}”用不了"), "48004"]));
    }
    let told = ward.told(&[("datacube/getusersummary", refusal(61503))], &[]).await;
    assert_says(&told, (0, &["数据统计"]));
    assert!(!told.0.contains("用不了"), "not ready yet is no fault: {}", told.0);
}

#[actix_web::test]
async fn menus_that_are_not_in_step_are_told_by_what_differs() {
    let ward = Ward::open();
    let button = json!([{ "type": "click", "name": "查询", "key": "query_data" }]);
    let menu = |rule: Value| json!({ "menu": { "button": button }, "conditionalmenu": rule });
    let there = |menu: Value| [("cgi-bin/menu/get", menu)];
    let told = ward.told(&there(menu(json!([]))), &[]).await;
    assert_says(&told, (1, &["平台上有菜单，文件里没有", "fuwu menu diff", "fuwu menu push"]));
    let file = ward.dir.path().join("none/default.json");
    std::fs::write(&file, json!({ "button": button }).to_string()).unwrap();
    assert_says(&ward.told(&[], &[]).await, (1, &["文件里的菜单还没有发布"]));
    assert_says(&ward.told(&there(menu(json!([]))), &[]).await, (0, &["平台上的菜单与文件一致"]));
    let some = json!([{ "button": button, "matchrule": { "tag_id": 2 }, "menuid": 1 }]);
    let told = ward.told(&there(menu(some)), &[]).await;
    assert_says(&told, (0, &["注意 warning  账号 demo 的个性化菜单：文件里 0 个，平台上 1 个"]));
    std::fs::write(&file, "{").unwrap();
    assert_says(&ward.told(&[], &[]).await, (1, &["请运行 fuwu check"]));
}

#[actix_web::test]
async fn a_platform_that_falls_silent_is_one_fault_wherever_it_does() {
    let ward = Ward::open();
    let told = ward.told(&[("cgi-bin/callback/check", Value::Null)], &[]).await;
    assert_says(&told, (1, &["能换到接口凭证", "没有及时回应", "稍后再试", "1 个故障"]));
    assert_eq!(told.0.matches("没有及时回应").count(), 1, "{}", told.0);
    // Somebody who takes connections and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", mute.local_addr().unwrap());
    let told = ward.told(&[], &[("FUWU__ACCOUNTS__DEMO__API_BASE", &base)]).await;
    assert_says(&told, (1, &["没有及时回应", "1 个故障"]));
}

#[test]
fn a_key_or_token_that_cannot_be_one_is_refused_with_what_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    for (name, setting) in [("AES_KEY", "accounts.demo.aes_key"), ("TOKEN", "accounts.demo.token")] {
        let wrong = "Zm9yUnVzdEdyb3d0aFNlcnZlcktleVZlY3RvcjAwMD";
        let output = run(dir.path(), &[(&format!("FUWU__ACCOUNTS__DEMO__{name}"), wrong)], &["doctor"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(setting) && said.contains("42 位") && said.contains("重新复制"), "{said}");
        assert!(!said.contains(wrong), "{said}");
    }
}

#[actix_web::test]
async fn an_account_without_a_secret_is_told_what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let env = [
        ("FUWU__ACCOUNTS__REAL__TOKEN", "realtoken2026"),
        ("FUWU__ACCOUNTS__REAL__AES_KEY", crate::harness::AES_KEY),
        ("FUWU__ACCOUNTS__REAL__APP_ID", "wxfedcba9876543210"),
    ];
    let told = doctor(dir.path(), &env).await;
    assert!(
        told.0.contains("账号 real 没有 AppSecret，只能当场回复") && told.0.contains("accounts.real.app_secret"),
        "{}",
        told.0
    );
}
