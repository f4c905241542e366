//! A poster on the phone's page, in a real browser: it is seen in the chat, and another customer scans it there.

use crate::browser::{Page, visit};
use crate::posters::Stage;
use fuwu::domain::reach::BY_MESSAGE;

#[actix_web::test]
async fn on_a_laptop_a_poster_is_shown_and_another_customer_scans_it() {
    shown_and_scanned((1280, 800)).await;
}

#[actix_web::test]
async fn on_a_phone_a_poster_is_shown_and_another_customer_scans_it() {
    shown_and_scanned((390, 844)).await;
}

async fn shown_and_scanned(size: (u32, u32)) {
    let stage = Stage::new().await;
    let friend = stage.double.sandbox.add_customer("小白").unwrap();
    stage.ask("w", Some(BY_MESSAGE)).await;
    stage.work(&stage.process(200)).await;
    let (inviter, origin) = (stage.inviter.to_string(), stage.double.origin.clone());
    visit(size, &origin, |page| look(page, inviter, friend.to_string())).await;
    assert_eq!(stage.came_by(), [crate::posters::SCENE]);
}

async fn look(page: Page, inviter: String, friend: String) {
    page.open("/sandbox").await;
    page.find("body[data-ready=yes]").await;
    // Where there is little room a chip shows no name.
    page.script("[...document.querySelectorAll('.chip')].find((chip) => chip.textContent.includes('小安')).click()")
        .await;
    let phone = format!(".phone.shown[data-openid='{inviter}']");
    // As large as it is, and not wider than the chat.
    page.until(&format!("document.querySelector(\"{phone} button.picture img\")?.naturalWidth === 360")).await;
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
    page.click(&format!("{phone} button.picture")).await;
    page.until("document.querySelector('dialog .full').naturalHeight === 640").await;
    page.until("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth").await;
    page.click(&format!("dialog [data-openid='{friend}']")).await;
    let other = format!(".phone.shown[data-openid='{friend}']");
    page.find(&format!("{other} .invited")).await;
    page.click(&format!("{other} .follow")).await;
    page.until(&format!("document.querySelector(\"{other} .log\").innerText.includes('你已关注')")).await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
}
