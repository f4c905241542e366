use serde_json::{Value, json};

use super::*;
use crate::domain::ids::Openid;

const FRESH: Fresh = Fresh { now: 1_767_225_600, random: 0x1234_5678_9abc_def0 };
const NOW: i64 = FRESH.now;

/// Three customers, the last of whom does not follow.
fn state() -> State {
    let mut state = State::new(FRESH);
    for name in ["oA", "oB", "oC"] {
        state.add_customer(Customer::new(Openid::from(name), name.into(), NOW), FRESH);
    }
    for name in ["oA", "oB"] {
        state.apply(&Openid::from(name), &Act::Follow(None), Stamp { at: NOW, msg_id: 1 }).unwrap();
    }
    state
}

fn code<T>(result: Result<T, ApiFault>) -> i32 {
    result.map_or_else(|fault| fault.errcode, |_| 0)
}

fn later(secs: i64) -> Fresh {
    Fresh { now: NOW + secs, random: FRESH.random + secs.unsigned_abs() }
}

/// The events of everything that is due then.
fn told(state: &mut State, at: i64) -> Vec<String> {
    let due = state.take_due(NOW + at);
    due.into_iter().filter_map(|job| state.finish(job, "gh_1")).map(|outcome| outcome.xml).collect()
}

fn to_all(words: &str) -> Value {
    json!({ "filter": { "is_to_all": true }, "msgtype": "text", "text": { "content": words }, "clientmsgid": words })
}

fn to_two(words: &str) -> Value {
    json!({ "touser": ["oA", "oB"], "msgtype": "text", "text": { "content": words } })
}

#[test]
fn a_mass_message_goes_out_later_and_tells_whom_it_reached() {
    let mut state = state();
    state.customers.get_mut(&Openid::from("oB")).unwrap().standing.refuses = true;
    let msg_id = state.send_mass(&to_all("一"), FRESH).unwrap();
    let status =
        |state: &State| state.mass.get(&json!({ "msg_id": msg_id.to_string() })).unwrap()["msg_status"].clone();
    assert_eq!((status(&state), told(&mut state, 1).len()), (json!("SENDING"), 0));
    let events = told(&mut state, 2);
    assert!(
        events[0]
            .contains("<TotalCount>2</TotalCount><FilterCount>2</FilterCount><SentCount>1</SentCount><ErrorCount>1")
    );
    assert!(events[0].contains("MASSSENDJOBFINISH") && events[0].contains("send success"), "{events:?}");
    assert_eq!(status(&state), json!("SEND_SUCCESS"));
    assert_eq!(state.customers[&Openid::from("oA")].chat.back().unwrap().body.preview(), "一");
}

#[test]
fn a_mass_message_sent_twice_is_told_the_first_ones_id() {
    let mut state = state();
    let msg_id = state.send_mass(&to_all("一"), FRESH).unwrap();
    let fault = state.send_mass(&to_all("一"), later(5)).unwrap_err();
    assert_eq!((fault.errcode, fault.also), (45065, Some(("msg_id", msg_id))));
    let digest = state.send_mass(&to_two("二"), FRESH).unwrap();
    assert_eq!(state.send_mass(&to_two("二"), later(5)).unwrap_err().also, Some(("msg_id", digest)));
    assert_eq!(code(state.send_mass(&to_all("三"), later(6))), 45028, "to all once a day");
    assert_eq!(code(state.send_mass(&to_all("三"), later(7))), 45066);
    assert_eq!(code(state.send_mass(&to_all("三"), later(67))), 45028);
    assert_eq!(code(state.send_mass(&to_all("三"), later(86_400))), 0);
    let mut long = to_two("四");
    long["clientmsgid"] = "x".repeat(65).into();
    assert_eq!(code(state.send_mass(&long, FRESH)), 45067);
}

#[test]
fn the_fifth_mass_message_of_a_month_is_filtered() {
    let mut state = state();
    for n in 0..5 {
        state.send_mass(&to_two(&n.to_string()), later(n)).unwrap();
    }
    let events = told(&mut state, 100);
    assert!(events[3].contains("<SentCount>2</SentCount>") && events[4].contains("<FilterCount>0</FilterCount>"));
    state.send_mass(&to_two("二月"), later(32 * 86_400)).unwrap();
    assert!(told(&mut state, 33 * 86_400)[0].contains("<SentCount>2</SentCount>"));
}

#[test]
fn a_certified_subscription_account_sends_once_a_day() {
    let mut state = state();
    state.conditions.kind = Kind::Subscription;
    assert_eq!(code(state.send_mass(&to_two("一"), FRESH)), 0);
    assert_eq!(code(state.send_mass(&to_two("二"), later(1))), 45028);
    assert_eq!(
        code(state.send_mass(&json!({ "touser": ["oA"], "msgtype": "text", "text": { "content": "x" } }), FRESH)),
        40130
    );
}

fn template(content: &str) -> Template {
    Template { title: "通知".into(), content: content.into(), lasting: 2 }
}

#[test]
fn a_template_message_reaches_followers_once_and_tells_how_it_ended() {
    let mut state = state();
    let id = state.templates.add(template("业务：{{thing1.DATA}}"), FRESH).unwrap();
    let ask = |to: &str| json!({ "touser": to, "template_id": id, "client_msg_id": "k", "data": { "thing1": { "value": "流量包" } } });
    let (first, ..) = state.send_template(&ask("oA"), FRESH).unwrap();
    assert_eq!(state.send_template(&ask("oA"), later(599)).unwrap().0, first, "the same client id");
    assert_ne!(state.send_template(&ask("oA"), later(600)).unwrap().0, first);
    assert_eq!(
        (code(state.send_template(&ask("oC"), FRESH)), code(state.send_template(&ask("oX"), FRESH))),
        (43004, 40003)
    );
    let mut wrong = ask("oA");
    wrong["template_id"] = "none".into();
    assert_eq!(code(state.send_template(&wrong, FRESH)), 40037);
    wrong["template_id"] = id.clone().into();
    wrong["data"]["thing1"]["value"] = "长".repeat(21).into();
    assert_eq!(code(state.send_template(&wrong, FRESH)), 47003);
    state.customers.get_mut(&Openid::from("oB")).unwrap().standing.refuses = true;
    state.send_template(&ask("oB"), FRESH).unwrap();
    let events = told(&mut state, 10);
    let of = |status: &str| events.iter().filter(|xml| xml.contains(&format!("<Status><![CDATA[{status}]]>"))).count();
    assert_eq!((of("success"), of("failed:user block")), (1, 1), "{events:?}");
}

#[test]
fn a_notice_needs_a_consent_and_spends_it() {
    let mut state = state();
    let id = state.notices.add(template("活动：{{thing1.DATA}}"), FRESH).unwrap();
    let ask = json!({ "touser": "oC", "template_id": id, "data": { "thing1": { "value": "抽奖" } } });
    assert_eq!(code(state.send_notice(&ask, FRESH)), 43101);
    state.customers.get_mut(&Openid::from("oC")).unwrap().standing.consents.insert(id, 1);
    assert_eq!((code(state.send_notice(&ask, FRESH)), code(state.send_notice(&ask, FRESH))), (0, 43101));
    assert!(told(&mut state, 2)[0].contains("<ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]>"));
}

#[test]
fn publishing_ends_later_well_or_badly() {
    let mut state = state();
    let upload = Upload {
        kind: MediaKind::Thumb,
        name: "a.jpg".into(),
        bytes: 9,
        title: String::new(),
        introduction: String::new(),
    };
    let (thumb, _) = state.media.add(upload, Keep::ForEver, FRESH).unwrap();
    let articles = json!({ "articles": [{ "title": "一", "content": "文", "thumb_media_id": thumb }] });
    let draft = state.add_draft(&articles, FRESH).unwrap();
    let id = state.submit(&json!({ "media_id": draft }), FRESH).unwrap();
    let get = |state: &State, id: u64| state.publications.get(&json!({ "publish_id": id.to_string() })).unwrap();
    assert_eq!(get(&state, id)["publish_status"], 1);
    let events = told(&mut state, 2);
    assert!(events[0].contains("<publish_status>0</publish_status><article_id>"), "{events:?}");
    let article = get(&state, id)["article_id"].as_str().unwrap().to_owned();
    assert!(state.publications.has_article(&article) && state.drafts.get(&draft).is_err());
    let gone = json!({ "article_id": article, "index": 0 });
    assert_eq!((code(state.publications.delete(&gone)), code(state.publications.delete(&gone))), (0, 53600));
    let draft = state.add_draft(&articles, later(1)).unwrap();
    state.conditions.publish_status = 2;
    let id = state.submit(&json!({ "media_id": draft }), later(1)).unwrap();
    assert!(told(&mut state, 3)[0].contains("<publish_status>2</publish_status><fail_idx>1</fail_idx>"));
    assert!(get(&state, id)["article_id"].is_null() && state.drafts.get(&draft).is_ok());
}

#[test]
fn agents_are_added_invited_and_seated() {
    let mut desk = super::desk::Desk::default();
    let ask = |account: &str, nickname: &str| json!({ "kf_account": account, "nickname": nickname });
    assert_eq!(code(desk.add(&ask("xiaoli@demo", "小李"))), 0);
    assert_eq!(code(desk.add(&ask("xiaoli@demo", "小李"))), 65406);
    assert_eq!((code(desk.add(&ask("far_too_long@x", "小李"))), code(desk.add(&ask("a@x", "")))), (65404, 65403));
    assert_eq!((code(desk.ready("xiaoli@demo")), code(desk.ready("nobody@demo"))), (65402, 65401));
    let invite = json!({ "kf_account": "xiaoli@demo", "invite_wx": "weixin_li" });
    assert_eq!((code(desk.invite(&invite, 0)), code(desk.invite(&invite, 10))), (0, 65411));
    desk.seat("xiaoli@demo", Seat::Empty).unwrap();
    assert_eq!((code(desk.ready("xiaoli@demo")), code(desk.invite(&invite, 10))), (65415, 65412));
    desk.seat("xiaoli@demo", Seat::Taken).unwrap();
    assert_eq!(code(desk.ready("xiaoli@demo")), 0);
    let openid = Openid::from("oA");
    for time in 0..3 {
        desk.record(Wrote::Customer, &openid, ("xiaoli@demo", "在吗", time));
    }
    let ask = |number: i64, end: i64| json!({ "starttime": 0, "endtime": end, "msgid": 1, "number": number });
    let page = desk.records(&ask(2, 100)).unwrap();
    assert_eq!(
        (&page["number"], &page["msgid"], &page["recordlist"][0]["opercode"]),
        (&json!(2), &json!(3), &json!(2003))
    );
    assert_eq!((code(desk.records(&ask(0, 100))), code(desk.records(&ask(1, 86_401)))), (65416, 65417));
}

#[test]
fn permanent_codes_are_counted() {
    let mut state = state();
    state.conditions.permanent_codes = state.codes.len() + 1;
    let permanent = CodeRequest::permanent("door");
    assert_eq!(code(state.create_code(permanent.clone(), FRESH)), 0);
    assert_eq!(code(state.create_code(CodeRequest::permanent("gate"), later(1))), 45029);
    assert_eq!(code(state.create_code(permanent, later(1))), 0, "the same scene again");
}
