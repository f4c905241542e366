//! The sandbox serves what platform.md part 10 lists.

use serde_json::Value;

use crate::sandbox_platform::{Scene, code};

/// What platform.md part 10 lists, payments apart.
const CHECKLIST: [&str; 87] = [
    "cgi-bin/token",
    "cgi-bin/stable_token",
    "cgi-bin/clear_quota",
    "cgi-bin/clear_quota/v2",
    "cgi-bin/openapi/quota/get",
    "cgi-bin/openapi/quota/clear",
    "cgi-bin/openapi/rid/get",
    "cgi-bin/get_api_domain_ip",
    "cgi-bin/getcallbackip",
    "cgi-bin/callback/check",
    "cgi-bin/menu/create",
    "cgi-bin/menu/get",
    "cgi-bin/menu/delete",
    "cgi-bin/menu/addconditional",
    "cgi-bin/menu/delconditional",
    "cgi-bin/menu/trymatch",
    "cgi-bin/get_current_selfmenu_info",
    "cgi-bin/qrcode/create",
    "cgi-bin/shorten/gen",
    "cgi-bin/shorten/fetch",
    "cgi-bin/user/get",
    "cgi-bin/user/info",
    "cgi-bin/user/info/batchget",
    "cgi-bin/user/info/updateremark",
    "cgi-bin/tags/members/getblacklist",
    "cgi-bin/tags/members/batchblacklist",
    "cgi-bin/tags/members/batchunblacklist",
    "cgi-bin/tags/create",
    "cgi-bin/tags/get",
    "cgi-bin/tags/update",
    "cgi-bin/tags/delete",
    "cgi-bin/user/tag/get",
    "cgi-bin/tags/members/batchtagging",
    "cgi-bin/tags/members/batchuntagging",
    "cgi-bin/tags/getidlist",
    "cgi-bin/message/custom/send",
    "cgi-bin/message/custom/typing",
    "customservice/kfaccount/add",
    "customservice/kfaccount/update",
    "customservice/kfaccount/inviteworker",
    "customservice/kfaccount/uploadheadimg",
    "customservice/kfaccount/del",
    "cgi-bin/customservice/getkflist",
    "cgi-bin/customservice/getonlinekflist",
    "customservice/kfsession/create",
    "customservice/kfsession/close",
    "customservice/kfsession/getsession",
    "customservice/kfsession/getsessionlist",
    "customservice/kfsession/getwaitcase",
    "customservice/msgrecord/getmsglist",
    "cgi-bin/message/template/send",
    "cgi-bin/template/api_add_template",
    "cgi-bin/template/get_all_private_template",
    "cgi-bin/template/del_private_template",
    "cgi-bin/message/subscribe/bizsend",
    "wxaapi/newtmpl/getcategory",
    "wxaapi/newtmpl/getpubtemplatetitles",
    "wxaapi/newtmpl/getpubtemplatekeywords",
    "wxaapi/newtmpl/addtemplate",
    "wxaapi/newtmpl/gettemplate",
    "wxaapi/newtmpl/deltemplate",
    "cgi-bin/message/mass/sendall",
    "cgi-bin/message/mass/send",
    "cgi-bin/message/mass/preview",
    "cgi-bin/message/mass/get",
    "cgi-bin/message/mass/delete",
    "cgi-bin/message/mass/speed/get",
    "cgi-bin/message/mass/speed/set",
    "cgi-bin/media/upload",
    "cgi-bin/media/get",
    "cgi-bin/media/uploadimg",
    "cgi-bin/material/add_material",
    "cgi-bin/material/get_material",
    "cgi-bin/material/del_material",
    "cgi-bin/material/batchget_material",
    "cgi-bin/draft/add",
    "cgi-bin/draft/batchget",
    "cgi-bin/freepublish/submit",
    "cgi-bin/freepublish/get",
    "datacube/getusersummary",
    "datacube/getusercumulate",
    "datacube/getupstreammsg",
    "cgi-bin/ticket/getticket",
    "sns/oauth2/access_token",
    "sns/oauth2/refresh_token",
    "sns/userinfo",
    "sns/auth",
];

#[actix_web::test]
async fn every_call_of_the_checklist_is_served_and_wants_a_token_of_its_own() {
    let scene = Scene::new().await;
    for path in CHECKLIST {
        let url = format!("{}/sandbox/platform/{path}", scene.double.origin);
        let get: Value = scene.double.http.get(&url).send().await.unwrap().json().await.unwrap();
        let post: Value = scene.double.http.post(&url).body("{}").send().await.unwrap().json().await.unwrap();
        for answer in [get, post] {
            // Without anything a call is made the wrong way, or lacks its token, or what stands for one.
            let expected = [43001, 43002, 41001, 41002, 40001, 40002, 40013];
            assert!(expected.contains(&code(&answer)), "{path} {answer}");
        }
    }
    assert_eq!(code(&scene.get("cgi-bin/shorturl").await), 40066, "retired");
}
