//! The demo account in a real browser, as a newcomer meets it: phone and console, on a laptop's and a phone's width.

use serde_json::Value;

use crate::browser::{Page, visit};
use crate::harness::World;

fn menu() -> Value {
    serde_json::from_str(include_str!("../../menus/default.json")).unwrap()
}

#[actix_web::test]
async fn a_browser_on_a_laptop_gets_an_answer_from_every_entry() {
    newcomer((1280, 800)).await;
}

#[actix_web::test]
async fn a_browser_on_a_phone_gets_an_answer_from_every_entry() {
    newcomer((390, 844)).await;
}

async fn newcomer(size: (u32, u32)) {
    let world = World::start().await;
    let origin = world.url("");
    let console = format!("/console?token={}", world.running.api_token);
    visit(size, &origin, |page| async move {
        chat(&page).await;
        look_at_the_console(&page, &console).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    world.running.stop().await.unwrap();
}

async fn chat(page: &Page) {
    page.open("/sandbox").await;
    page.find("body[data-ready=yes]").await;
    page.click(".phone.shown .follow").await;
    page.until(&ends_with_answer(1)).await;
    let mut answers = 1;
    for top in menu()["button"].as_array().unwrap() {
        for sub in top["sub_button"].as_array().unwrap() {
            page.click_words(".phone.shown .column-button", top["name"].as_str().unwrap()).await;
            page.click_words(".phone.shown .popup button", sub["name"].as_str().unwrap()).await;
            answers += 1;
            page.until(&ends_with_answer(answers)).await;
        }
    }
    page.click(".phone.shown .swap").await;
    page.type_into(".phone.shown textarea", "查流量\u{e007}").await;
    answers += 1;
    page.until(&ends_with_answer(answers)).await;
    page.until("[...document.querySelectorAll('.phone.shown .bubble')].at(-1).innerText.includes('流量')").await;
    page.until("document.querySelectorAll('.phone.shown .failure').length === 0").await;
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
}

/// The account has said so much, and nothing of it is an excuse.
fn ends_with_answer(answers: usize) -> String {
    let said = "[...document.querySelectorAll('.phone.shown .row:not(.own)')]";
    format!("{said}.length >= {answers} && !{said}.at(-1).innerText.includes('暂时')")
}

async fn look_at_the_console(page: &Page, console: &str) {
    page.open(console).await;
    page.find("main .card").await;
    page.until("location.search === '' && document.querySelectorAll('main table').length >= 7").await;
    page.until("[...document.querySelectorAll('main table td')].some(cell => cell.innerText === '—')").await;
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
    page.open("/console/?lang=en").await;
    page.until("document.body.innerText.includes('All checks passed.')").await;
}
