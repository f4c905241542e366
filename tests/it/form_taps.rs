//! Choices that are tapped: for the question they were read under, and for no other.

use fuwu::domain::actions::Memory;
use fuwu::domain::reach::BY_TAP;

use crate::harness::World;
use crate::phone::Phone;

const OLD: &str = "之前的选项";

#[actix_web::test]
async fn a_form_is_filled_by_taps_and_a_tap_on_an_older_question_chooses_nothing() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("线上办卡").await;
    assert!(phone.choose("青禾畅享 59 元").await.contains("选一个喜欢的号码"));
    let room = world.customer(&phone.openid).await.windows.room(fuwu::domain::time::UnixSecs(world.clock_now()));
    assert!(room.is_some_and(|room| room.left >= BY_TAP.messages), "{room:?}");
    let old = phone.choose("全家畅享 129 元").await;
    assert!(old.contains(OLD) && old.contains("选一个喜欢的号码"), "{old}");
    for words in ["1", "欧阳小明", "11010519491231002X"] {
        phone.say(words).await;
    }
    phone.choose("营业厅自取").await;
    let summary = phone.say("13800138000").await;
    assert!(summary.contains("套餐：青禾畅享 59 元"), "{summary}");
    // What was read and what would be handed in are two things since.
    phone.say("改 1").await;
    let (content, id) = fuwu::domain::taps::tap(&summary, "确认").unwrap();
    assert!(phone.choose("全家畅享 129 元").await.contains("套餐：全家畅享 129 元"));
    world.clock.advance_secs(1);
    let act = fuwu::sandbox::model::Act::Text { content, menu_id: Some(id) };
    let late = world.sandbox().send(&phone.openid, act).await.unwrap().text();
    assert!(late.contains(OLD) && late.contains("套餐：全家畅享 129 元"), "{late}");
    let sent = async || match world.customer(&phone.openid).await.memory.get(&"apply_card".into()) {
        Some(Memory::Form(kept)) => kept.sent.len(),
        _ => 0,
    };
    assert_eq!(sent().await, 0);
    assert!(phone.choose("确认").await.contains("办好了"));
    assert_eq!(sent().await, 1);
}

#[actix_web::test]
async fn a_tap_of_another_dialogue_or_of_one_that_is_over_chooses_nothing() {
    let world = World::start().await;
    let phone = Phone::following(&world, "小林").await;
    phone.say("宽带报修").await;
    phone.say("取消").await;
    assert!(phone.choose("网速很慢").await.contains(OLD), "it is over");
    phone.say("购买手机").await;
    let old = phone.choose("网速很慢").await;
    assert!(old.contains(OLD) && old.contains("想买哪一款"), "it is another's: {old}");
    assert!(phone.choose("青禾 A1 手机 128GB").await.contains("选个颜色"));
    // Words and numbers mean what they did.
    assert!(phone.say("2").await.contains("收货人"));
}
