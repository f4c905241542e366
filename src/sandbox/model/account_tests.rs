use super::*;
use crate::domain::ids::{Openid, Scene};
use crate::sandbox::SandboxError;

const FRESH: Fresh = Fresh { now: 1_767_225_600, random: 0x1234_5678_9abc_def0 };

fn openid() -> Openid {
    Openid::from("oSANDBOX00000000000000000001")
}

fn state() -> State {
    let mut state = State::new(FRESH);
    state.add_customer(Customer::new(openid(), "小林".into(), FRESH.now), FRESH);
    state
}

fn apply(state: &mut State, act: &Act, at: i64) -> Result<(), SandboxError> {
    state.apply(&openid(), act, Stamp { at, msg_id: 1 })
}

#[test]
fn a_scan_before_the_follow_makes_the_follow_carry_the_code() {
    let mut state = state();
    assert_eq!(state.scan(&openid(), "store:nanjing", 0).unwrap(), None);
    let act = state.follow(&openid(), 1).unwrap();
    assert!(matches!(&act, Act::Follow(Some(code)) if code.scene.as_str() == "store:nanjing"));
    apply(&mut state, &act, 1).unwrap();
    assert_eq!(state.customer(&openid()).unwrap().scene, Some(Scene::from("store:nanjing")));
    assert!(matches!(state.scan(&openid(), "store:nanjing", 2).unwrap(), Some(Act::Scan(_))));
    apply(&mut state, &Act::Unfollow, 3).unwrap();
    assert_eq!(state.follow(&openid(), 4).unwrap(), Act::Follow(None));
}

#[test]
fn an_expired_code_does_nothing() {
    let mut state = state();
    let code = state.add_code(CodeRequest { scene: Scene::from("ref:1"), life_secs: Some(60) }, "", FRESH);
    assert!(state.code(&code.ticket, FRESH.now + 59).is_ok());
    assert!(matches!(state.scan(&openid(), "ref:1", FRESH.now + 60), Err(SandboxError::CodeExpired)));
}

#[test]
fn a_permanent_code_made_again_keeps_its_ticket() {
    let mut state = state();
    let other = Fresh { random: 7, ..FRESH };
    let one = state.add_code(CodeRequest::permanent("door"), "", FRESH);
    assert_eq!(state.add_code(CodeRequest::permanent("door"), "", other).ticket, one.ticket);
    let temporary = state.add_code(CodeRequest { scene: Scene::from("door"), life_secs: Some(60) }, "", other);
    assert_ne!(temporary.ticket, one.ticket);
}

#[test]
fn only_a_follower_can_act() {
    let mut state = state();
    let hello = Act::Text { content: "你好".into(), menu_id: None };
    assert!(matches!(apply(&mut state, &hello, 0), Err(SandboxError::DoesNotFollow)));
    assert!(matches!(apply(&mut state, &Act::Unfollow, 0), Err(SandboxError::DoesNotFollow)));
    apply(&mut state, &Act::Follow(None), 0).unwrap();
    assert!(matches!(apply(&mut state, &Act::Follow(None), 0), Err(SandboxError::AlreadyFollows)));
    apply(&mut state, &hello, 1).unwrap();
    assert_eq!(state.customer(&openid()).unwrap().chat.len(), 2);
}

#[test]
fn message_ids_only_rise() {
    let mut state = state();
    let first = state.next_msg_id(FRESH);
    assert!(first > u64::from(u32::MAX) && first < i64::MAX as u64);
    let same_second = state.next_msg_id(FRESH);
    let earlier_clock = state.next_msg_id(Fresh { now: 0, random: 0 });
    assert!(first < same_second && same_second < earlier_clock);
    let mut lost = State::new(FRESH);
    assert!(lost.next_msg_id(Fresh { now: FRESH.now + 1, random: 0 }) > earlier_clock);
}

#[test]
fn customer_service_messages_spend_the_window_and_land_in_the_chat() {
    let mut state = state();
    let to = |openid: Openid| CustomMessage {
        to: openid,
        agent: None,
        body: Body::line("好"),
        details: Vec::new(),
        media: Vec::new(),
        article: None,
    };
    assert_eq!(state.custom(to(Openid::from("oNOBODY")), 0).map_err(|f| f.errcode), Err(40003));
    assert_eq!(state.custom(to(openid()), 0).map_err(|f| f.errcode), Err(45015));
    apply(&mut state, &Act::Follow(None), 0).unwrap();
    let codes: Vec<i32> = (0..4).map(|_| state.custom(to(openid()), 1).map_or_else(|f| f.errcode, |_| 0)).collect();
    assert_eq!(codes, [0, 0, 0, 45047]);
    apply(&mut state, &Act::Unfollow, 2).unwrap();
    assert_eq!(state.custom(to(openid()), 3).map_err(|f| f.errcode), Err(45015));
}

#[test]
fn typing_needs_a_recent_act_and_is_not_repeated() {
    let mut state = state();
    let typing = |state: &mut State, now: i64| state.typing(&openid(), now).map_err(|f| f.errcode);
    assert_eq!(typing(&mut state, 0), Err(45080));
    apply(&mut state, &Act::Follow(None), 0).unwrap();
    assert_eq!(typing(&mut state, 1), Ok(16));
    assert_eq!(typing(&mut state, 2), Err(45081));
    assert_eq!(typing(&mut state, 16), Ok(31));
    assert_eq!(typing(&mut state, 40), Err(45080));
}

#[test]
fn the_state_survives_being_written_and_read() {
    let mut state = state();
    apply(&mut state, &Act::Follow(None), 0).unwrap();
    let menu = serde_json::json!({ "button": [{ "type": "click", "name": "查流量", "key": "data" }] });
    state.menu = Some(Menu::parse(&menu, state.next_menu_id()).unwrap());
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
}
