//! The sandbox's platform, family by family, as a caller meets it (platform.md part 4).

use std::sync::atomic::Ordering;

use fuwu::domain::ids::Openid;
use serde_json::{Value, json};

use crate::sandbox_double::{APP_ID, Answer, Double, SECRET, echo};

/// A sandbox, a token and two followers.
pub struct Scene {
    pub double: Double,
    pub token: String,
    pub a: Openid,
    pub b: Openid,
}

impl Scene {
    pub async fn new() -> Self {
        let double = Double::start(|_, _| Answer::Raw(200, "success")).await;
        let token = double.token().await;
        let a = double.sandbox.add_customer("小安").unwrap();
        let b = double.sandbox.add_customer("小白").unwrap();
        for openid in [&a, &b] {
            double.sandbox.follow(openid).await.unwrap();
        }
        Self { double, token, a, b }
    }

    fn url(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{}/sandbox/platform/{path}{mark}access_token={}", self.double.origin, self.token)
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let sent = self.double.http.post(self.url(path)).body(body.to_string()).send().await.unwrap();
        sent.json().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.double.http.get(self.url(path)).send().await.unwrap().json().await.unwrap()
    }

    /// The errcode of a POST; 0 when it is missing.
    pub async fn code(&self, path: &str, body: Value) -> i64 {
        code(&self.post(path, body).await)
    }

    pub async fn upload(&self, path: &str, name: &str, bytes: Vec<u8>) -> Value {
        let head = format!("--XX\r\nContent-Disposition: form-data; name=\"media\"; filename=\"{name}\"\r\n\r\n");
        let form = [head.as_bytes(), &bytes, b"\r\n--XX--\r\n"].concat();
        let request = self.double.http.post(self.url(path)).header("content-type", "multipart/form-data; boundary=XX");
        request.body(form).send().await.unwrap().json().await.unwrap()
    }

    /// Changes something below `/sandbox/api`.
    pub async fn switch(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.double.post(&format!("/sandbox/api/{path}"), &body).await;
        assert!(status < 300, "{path} {status} {answer}");
        answer
    }

    pub async fn forward(&self, secs: i64) {
        self.switch("clock", json!({ "forward_secs": secs })).await;
    }

    /// The events heard since, by name.
    fn events(&self) -> String {
        format!("{:?}", self.double.heard().iter().map(|heard| &heard.inbound.what).collect::<Vec<_>>())
    }
}

pub fn code(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or(0)
}

#[actix_web::test]
async fn the_phone_shows_the_menu_of_the_tag_put_on_last() {
    let scene = Scene::new().await;
    let menu = |key: &str| json!({ "button": [{ "type": "click", "name": key, "key": key }] });
    assert_eq!(scene.code("cgi-bin/menu/addconditional", menu("vip")).await, 65303);
    scene.double.push_menu(&menu("all")).await;
    let tag = scene.post("cgi-bin/tags/create", json!({ "tag": { "name": "会员" } })).await["tag"]["id"].clone();
    let mut vip = menu("vip");
    vip["matchrule"] = json!({ "tag_id": tag.to_string() });
    let made = scene.post("cgi-bin/menu/addconditional", vip).await;
    let put = json!({ "openid_list": [scene.a], "tagid": tag });
    assert_eq!(scene.code("cgi-bin/tags/members/batchtagging", put).await, 0);
    let matched = scene.post("cgi-bin/menu/trymatch", json!({ "user_id": scene.a })).await;
    assert_eq!(matched["button"][0]["key"], "vip");
    assert!(scene.double.sandbox.tap(&scene.a, "vip").await.is_ok());
    assert!(scene.double.sandbox.tap(&scene.a, "all").await.is_err(), "not on this phone");
    assert!(scene.double.sandbox.tap(&scene.b, "all").await.is_ok());
    let state = scene.double.get("/sandbox/api/state").await;
    assert_eq!(
        (&state["customers"][3]["button"][0]["key"], &state["customers"][4]["button"]),
        (&json!("vip"), &Value::Null)
    );
    let whole = scene.get("cgi-bin/menu/get").await;
    assert_eq!(whole["conditionalmenu"][0]["menuid"].to_string(), made["menuid"].as_str().unwrap());
    assert_eq!(scene.code("cgi-bin/menu/delconditional", json!({ "menuid": made["menuid"] })).await, 0);
    assert!(scene.double.sandbox.tap(&scene.a, "all").await.is_ok());
}

#[actix_web::test]
async fn lists_come_in_pages_and_end_with_an_empty_one() {
    let scene = Scene::new().await;
    scene.switch("conditions", json!({ "page_rows": 1 })).await;
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = scene.get(&format!("cgi-bin/user/get?next_openid={next}")).await;
        assert_eq!(page["total"], 2);
        if page["count"] == 0 {
            assert!(page.get("data").is_none());
            break;
        }
        next = page["next_openid"].as_str().unwrap().to_owned();
        assert_eq!(page["data"]["openid"][0], json!(next));
        seen.push(next.clone());
    }
    assert_eq!(seen.len(), 2);
    let unlist = json!({ "openid_list": [scene.a] });
    assert_eq!(scene.code("cgi-bin/tags/members/batchblacklist", unlist.clone()).await, 0);
    let listed = scene.post("cgi-bin/tags/members/getblacklist", json!({ "begin_openid": "" })).await;
    assert_eq!((&listed["count"], &listed["data"]["openid"][0]), (&json!(1), &json!(scene.a)));
    let before = scene.double.heard().len();
    scene.double.sandbox.say(&scene.a, "在吗").await.unwrap();
    assert_eq!(scene.double.heard().len(), before, "what the black-listed say does not arrive");
    let message = json!({ "touser": scene.a, "msgtype": "text", "text": { "content": "好" } });
    assert_eq!(scene.code("cgi-bin/message/custom/send", message.clone()).await, 43019);
    assert_eq!(scene.code("cgi-bin/tags/members/batchunblacklist", unlist).await, 0);
    assert_eq!(scene.code("cgi-bin/message/custom/send", message).await, 0);
}

#[actix_web::test]
async fn users_have_remarks_tags_and_are_read_in_batches() {
    let scene = Scene::new().await;
    let remark = json!({ "openid": scene.a, "remark": "老客户" });
    assert_eq!(scene.code("cgi-bin/user/info/updateremark", remark).await, 0);
    let batch = json!({ "user_list": [{ "openid": scene.a, "lang": "zh_CN" }, { "openid": scene.b }] });
    let told = scene.post("cgi-bin/user/info/batchget", batch).await;
    assert_eq!(
        (&told["user_info_list"][0]["remark"], &told["user_info_list"][1]["remark"]),
        (&json!("老客户"), &json!(""))
    );
    let many = json!({ "user_list": vec![json!({ "openid": scene.a }); 101] });
    assert_eq!(scene.code("cgi-bin/user/info/batchget", many).await, 40032);
    assert_eq!(scene.code("cgi-bin/user/info/updateremark", json!({ "openid": "oX", "remark": "x" })).await, 40003);
}

#[actix_web::test]
async fn a_file_lives_three_days_and_json_comes_where_a_file_was_expected() {
    let scene = Scene::new().await;
    let made = scene.upload("cgi-bin/media/upload?type=image", "图 a.png", b"\x89PNG....".to_vec()).await;
    let id = made["media_id"].as_str().unwrap().to_owned();
    let fetch = || async {
        scene.double.http.get(scene.url(&format!("cgi-bin/media/get?media_id={id}"))).send().await.unwrap()
    };
    let file = fetch().await;
    assert!(file.headers()["content-disposition"].to_str().unwrap().contains("a.png"));
    assert_eq!(file.bytes().await.unwrap(), b"\x89PNG...."[..]);
    let message = json!({ "touser": scene.a, "msgtype": "image", "image": { "media_id": id } });
    assert_eq!(scene.code("cgi-bin/message/custom/send", message.clone()).await, 0);
    scene.forward(3 * 86_400 + 1).await;
    let scene = Scene { token: scene.double.token().await, ..scene };
    let gone = scene.double.http.get(scene.url(&format!("cgi-bin/media/get?media_id={id}"))).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(gone.json::<Value>().await.unwrap()["errcode"], 40007);
    assert_eq!(scene.code("cgi-bin/message/custom/send", message).await, 40007);
    let large = scene.upload("cgi-bin/media/upload?type=voice", "a.amr", vec![0; 2 * 1024 * 1024 + 1]).await;
    assert_eq!(code(&large), 40010);
    assert_eq!(code(&scene.upload("cgi-bin/media/upload?type=news", "a.png", vec![1]).await), 40004);
    assert_eq!(scene.code("cgi-bin/media/upload?type=image", json!({})).await, 41005);
    scene.double.sandbox.send(&scene.a, fuwu::sandbox::model::Act::Image).await.unwrap();
}

#[actix_web::test]
async fn a_draft_is_published_a_little_later_and_its_event_tells() {
    let scene = Scene::new().await;
    let thumb = scene.upload("cgi-bin/material/add_material?type=thumb", "a.jpg", vec![1; 9]).await["media_id"].clone();
    let article = json!({ "title": "开学季", "content": "<p>正文</p>", "thumb_media_id": thumb });
    let draft = scene.post("cgi-bin/draft/add", json!({ "articles": [article] })).await["media_id"].clone();
    let submitted = scene.post("cgi-bin/freepublish/submit", json!({ "media_id": draft })).await;
    let ask = json!({ "publish_id": submitted["publish_id"] });
    assert_eq!(scene.post("cgi-bin/freepublish/get", ask.clone()).await["publish_status"], 1);
    scene.forward(2).await;
    let done = scene.post("cgi-bin/freepublish/get", ask).await;
    assert_eq!((&done["publish_status"], &done["article_detail"]["count"]), (&json!(0), &json!(1)));
    assert!(
        scene.events().contains("Published(Publication") && scene.events().contains("outcome: Success"),
        "{}",
        scene.events()
    );
    let message =
        |id: &Value| json!({ "touser": scene.a, "msgtype": "mpnewsarticle", "mpnewsarticle": { "article_id": id } });
    assert_eq!(scene.code("cgi-bin/message/custom/send", message(&done["article_id"])).await, 0);
    assert_eq!(scene.code("cgi-bin/message/custom/send", message(&json!("none"))).await, 53600);
    assert_eq!(scene.code("cgi-bin/draft/get", json!({ "media_id": draft })).await, 40007);
    let (count, library) =
        (scene.get("cgi-bin/draft/count").await, scene.get("cgi-bin/material/get_materialcount").await);
    assert_eq!((&count["total_count"], &library["image_count"]), (&json!(0), &json!(0)));
}

#[actix_web::test]
async fn templates_and_notices_end_in_an_event() {
    let scene = Scene::new().await;
    let add = json!({ "template_id_short": "TM43217", "keyword_name_list": ["充值金额", "充值时间"] });
    let id = scene.post("cgi-bin/template/api_add_template", add).await["template_id"].clone();
    let data = json!({ "amount2": { "value": "¥50.00" }, "time3": { "value": "2026-01-01 12:00" } });
    let send = json!({ "touser": scene.a, "template_id": id, "data": data });
    assert_eq!(scene.code("cgi-bin/message/template/send", send.clone()).await, 0);
    scene.forward(2).await;
    assert!(scene.events().contains("TemplateSent"), "{}", scene.events());
    let listed = scene.get("cgi-bin/template/get_all_private_template").await;
    assert_eq!(listed["template_list"][0]["template_id"], id);
    assert_eq!(scene.code("cgi-bin/template/del_private_template", json!({ "template_id": id })).await, 0);
    assert_eq!(scene.code("cgi-bin/message/template/send", send).await, 40037);

    let choose = json!({ "tid": 43219, "kidList": [1, 3], "sceneDesc": "活动" });
    let notice = scene.post("wxaapi/newtmpl/addtemplate", choose).await["priTmplId"].clone();
    let data = json!({ "thing1": { "value": "抽奖" }, "phrase3": { "value": "已开始" } });
    let send = json!({ "touser": scene.b, "template_id": notice, "data": data });
    assert_eq!(scene.code("cgi-bin/message/subscribe/bizsend", send.clone()).await, 43101);
    scene.switch(&format!("customers/{}/consent", scene.b), json!({ "template_id": notice, "accept": true })).await;
    assert_eq!(scene.code("cgi-bin/message/subscribe/bizsend", send.clone()).await, 0);
    assert_eq!(scene.code("cgi-bin/message/subscribe/bizsend", send).await, 43101);
    scene.forward(2).await;
    assert!(
        scene.events().contains("SubscriptionsSent") && scene.events().contains("accepted: true"),
        "{}",
        scene.events()
    );
}

#[actix_web::test]
async fn a_mass_message_reaches_everybody_once() {
    let scene = Scene::new().await;
    let body = json!({ "filter": { "is_to_all": true }, "msgtype": "text", "text": { "content": "大家好" }, "clientmsgid": "c1" });
    let sent = scene.post("cgi-bin/message/mass/sendall", body.clone()).await;
    let again = scene.post("cgi-bin/message/mass/sendall", body).await;
    assert_eq!((code(&again), &again["msg_id"]), (45065, &sent["msg_id"]));
    scene.forward(2).await;
    let got = scene.post("cgi-bin/message/mass/get", json!({ "msg_id": sent["msg_id"] })).await;
    assert_eq!(got["msg_status"], "SEND_SUCCESS");
    for openid in [&scene.a, &scene.b] {
        assert!(scene.double.sandbox.history(openid, 0).unwrap().iter().any(|e| e.body.preview() == "大家好"));
    }
    assert!(scene.events().contains("MassSent"), "{}", scene.events());
    assert_eq!(code(&scene.post("cgi-bin/message/mass/speed/set", json!({ "speed": 3 })).await), 0);
    assert_eq!(scene.get("cgi-bin/message/mass/speed/get").await["realspeed"], 30);
}

#[actix_web::test]
async fn a_session_is_opened_and_closed_by_the_api() {
    let scene = Scene::new().await;
    let ask = json!({ "kf_account": "xiaofu@demo", "openid": scene.a });
    assert_eq!(scene.code("customservice/kfsession/close", ask.clone()).await, 65413);
    assert_eq!(scene.code("customservice/kfsession/create", ask.clone()).await, 0);
    let session = scene.get(&format!("customservice/kfsession/getsession?openid={}", scene.a)).await;
    assert_eq!(session["kf_account"], "xiaofu@demo");
    let listed = scene.get("customservice/kfsession/getsessionlist?kf_account=xiaofu@demo").await;
    assert_eq!(listed["sessionlist"][0]["openid"], json!(scene.a));
    scene.double.sandbox.say(&scene.a, "在吗").await.unwrap();
    let now = scene.double.now.load(Ordering::SeqCst);
    let ask_records = json!({ "starttime": now - 10, "endtime": now + 10, "msgid": 1, "number": 100 });
    let records = scene.post("customservice/msgrecord/getmsglist", ask_records).await;
    assert_eq!(
        (&records["recordlist"][0]["text"], &records["recordlist"][0]["opercode"]),
        (&json!("在吗"), &json!(2003))
    );
    assert_eq!(scene.code("customservice/kfsession/close", ask).await, 0);
    let session = scene.get(&format!("customservice/kfsession/getsession?openid={}", scene.a)).await;
    assert_eq!(session["kf_account"], "");
}

#[actix_web::test]
async fn a_customer_agrees_on_a_page_and_the_code_is_worth_one_token() {
    let scene = Scene::new().await;
    let page = format!(
        "{}/sandbox/platform/connect/oauth2/authorize?appid={APP_ID}&redirect_uri=https%3A%2F%2Fa.example%2Fback%3Fx%3D1\
         &response_type=code&scope=snsapi_userinfo&state=S1",
        scene.double.origin
    );
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let asked = browser.get(&page).send().await.unwrap();
    assert!(asked.headers().contains_key("content-security-policy"));
    let html = asked.text().await.unwrap();
    assert!(html.contains("小安") && html.contains("小白"), "{html}");
    let agree = |more: &str| browser.get(format!("{page}&openid={}{more}", scene.a)).send();
    let back = |response: reqwest::Response| {
        let to: url::Url = response.headers()["location"].to_str().unwrap().parse().unwrap();
        assert!(to.as_str().starts_with("https://a.example/back?x=1&code=") && to.as_str().ends_with("&state=S1"));
        to.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    };
    let code_one = back(agree("").await.unwrap());
    let redeem = |code: &str| {
        format!("sns/oauth2/access_token?appid={APP_ID}&secret={SECRET}&code={code}&grant_type=authorization_code")
    };
    let token = scene.get(&redeem(&code_one)).await;
    assert_eq!((&token["openid"], token.get("is_snapshotuser")), (&json!(scene.a), None));
    assert_eq!(code(&scene.get(&redeem(&code_one)).await), 40163);
    assert_eq!(code(&scene.get(&redeem("none")).await), 40029);
    let info = format!(
        "{}/sandbox/platform/sns/userinfo?access_token={}&openid={}",
        scene.double.origin,
        token["access_token"].as_str().unwrap(),
        scene.a
    );
    let info: Value = browser.get(info).send().await.unwrap().json().await.unwrap();
    assert_eq!(info["nickname"], "小安");
    let anonymous = scene.get(&redeem(&back(agree("&snapshot=1").await.unwrap()))).await;
    assert_eq!(anonymous["is_snapshotuser"], 1);
    assert_ne!(anonymous["openid"], json!(scene.a));
    let late = back(agree("").await.unwrap());
    scene.forward(300).await;
    assert_eq!(code(&scene.get(&redeem(&late)).await), 42003);
    scene.switch("conditions", json!({ "authorization_domain": "b.example" })).await;
    assert_eq!(agree("").await.unwrap().status(), 200, "a page that says why not");
    let script = page.replace("https%3A%2F%2Fa.example%2Fback%3Fx%3D1", "javascript%3Aalert(1)");
    assert_eq!(browser.get(format!("{script}&openid={}", scene.a)).send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn a_restart_keeps_tags_media_templates_and_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sandbox.json");
    let keep = |spec: &mut fuwu::sandbox::SandboxSpec| spec.data_file = Some(file.clone());
    let double = Double::start_with(keep, echo).await;
    let token = double.token().await;
    let nobody = Openid::from("oNOBODY");
    let scene = Scene { double, token, a: nobody.clone(), b: nobody.clone() };
    scene.post("cgi-bin/tags/create", json!({ "tag": { "name": "会员" } })).await;
    let media = scene.upload("cgi-bin/material/add_material?type=image", "a.png", vec![7; 7]).await["media_id"].clone();
    scene.forward(100).await;
    scene.double.stop().await;
    let keep = |spec: &mut fuwu::sandbox::SandboxSpec| spec.data_file = Some(file.clone());
    let double = Double::start_with(keep, echo).await;
    let scene = Scene { double, token: scene.token, a: nobody.clone(), b: nobody };
    assert_eq!(scene.get("cgi-bin/tags/get").await["tags"][1]["name"], "会员");
    assert_eq!(scene.double.get("/sandbox/api/clock").await["forward_secs"], 100);
    let url = scene.url("cgi-bin/material/get_material");
    let bytes = scene.double.http.post(url).body(json!({ "media_id": media }).to_string()).send().await.unwrap();
    assert_eq!(bytes.bytes().await.unwrap(), vec![7; 7]);
}
