//! A customer tops up in a real browser, from the chat to the receipt: the link, the page in the phone, the sheet over it;
//! on a laptop and on a phone's width.

use std::rc::Rc;

use fuwu::domain::ids::Openid;

use crate::browser::{Page, visit};
use crate::harness::World;
use crate::phone::Phone;

#[actix_web::test]
async fn on_a_laptop_a_customer_pays_in_the_chats_browser() {
    customer((1280, 800)).await;
}

#[actix_web::test]
async fn on_a_phone_a_customer_pays_in_the_chats_browser() {
    customer((390, 844)).await;
}

async fn customer(size: (u32, u32)) {
    let world = Rc::new(World::start().await);
    let inside = Rc::clone(&world);
    visit(size, &world.url(""), |page| async move { whole_visit(&page, &inside).await }).await;
    Rc::into_inner(world).unwrap().running.stop().await.unwrap();
}

async fn whole_visit(page: &Page, world: &World) {
    page.open("/sandbox").await;
    page.find("body[data-ready=yes]").await;
    page.click(".phone.shown .follow").await;
    page.until("document.querySelectorAll('.phone.shown .row').length > 0").await;
    let openid = page.script("document.querySelector('.phone.shown').dataset.openid").await;
    let phone = Phone { world, openid: Openid::from(openid.as_str().unwrap()) };
    let before = phone.balance_fen().await;

    order(&phone, "2").await;
    open_link(page, "去付款", "等您付款").await;
    page.until(&frame("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).await;
    changes_their_mind(page).await;
    tap_pay(page).await;
    page.click(".pay-do").await;
    shows(page, "办好了").await;
    page.until(&frame("document.querySelector('#pay') === null")).await;
    page.click(".phone.shown .web .plain").await;
    phone.hears("充好了").await;
    page.until("[...document.querySelectorAll('.phone.shown .bubble')].some(b => b.innerText.includes('充好了'))")
        .await;
    assert_eq!(phone.balance_fen().await, before + 5_000, "paid for once, done once");

    order(&phone, "1").await;
    open_link(page, "去付款", "等您付款").await;
    without_a_bridge(page).await;
    lied_to(page).await;
    page.click(".phone.shown .web .plain").await;
    world.clock.advance_secs(1);
    assert!(phone.tap("orders").await.contains("等您付款"));
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
    assert_eq!(phone.balance_fen().await, before + 5_000);
}

/// Orders in the chat, up to the link.
async fn order(phone: &Phone<'_>, choice: &str) {
    phone.say("充话费").await;
    phone.say(choice).await;
    phone.say("确认").await;
    phone.hears("去付款").await;
}

/// The latest link of these words, and what it leads to.
async fn open_link(page: &Page, words: &str, title: &str) {
    let links = "[...document.querySelectorAll('.phone.shown .row:not(.own) .bubble')].at(-1)";
    page.until(&format!("{links}.innerText.includes('{words}')")).await;
    page.script(&format!("[...{links}.querySelectorAll('.link')].find(l => l.innerText === '{words}').click()")).await;
    shows(page, title).await;
}

/// An expression about the page inside the phone; false while there is none.
fn frame(expression: &str) -> String {
    format!(
        "((document, window) => Boolean(document && document.querySelector('h1')) && ({expression}))(
            document.querySelector('.phone.shown .web iframe')?.contentDocument,
            document.querySelector('.phone.shown .web iframe')?.contentWindow)"
    )
}

async fn shows(page: &Page, title: &str) {
    page.until(&frame(&format!("document.querySelector('h1').innerText === '{title}'"))).await;
}

async fn says(page: &Page, words: &str) {
    page.until(&frame(&format!("document.querySelector('#said').innerText.includes('{words}')"))).await;
}

async fn tap_pay(page: &Page) {
    page.until(&frame("!document.querySelector('#pay').disabled && !document.querySelector('#pay').hidden")).await;
    page.script(&frame("document.querySelector('#pay').click()")).await;
}

/// The password is wrong, the bank says no, and then they do not want to; a second tap meanwhile opens nothing.
async fn changes_their_mind(page: &Page) {
    tap_pay(page).await;
    page.script(&frame("document.querySelector('#pay').click()")).await;
    page.until("document.querySelector('.pay-amount')?.innerText.includes('50.00') ?? false").await;
    page.script("document.querySelector('.pay-ways input[value=wrong]').click()").await;
    page.click(".pay-do").await;
    page.until("document.querySelector('.pay-said').innerText.includes('密码错误')").await;
    page.script("document.querySelector('.pay-ways input[value=no_money]').click()").await;
    page.click(".pay-do").await;
    page.until("document.querySelector('.pay-said').innerText.includes('余额不足')").await;
    page.until("document.querySelectorAll('.pay-sheet').length === 1").await;
    page.click(".pay-sheet header .plain").await;
    says(page, "没有付款").await;
    shows(page, "等您付款").await;
}

/// A browser of the platform's that puts no bridge into pages: its scripts do, once the page's signature is checked.
async fn without_a_bridge(page: &Page) {
    page.script(&frame("(window.WeixinJSBridge = null, true)")).await;
    tap_pay(page).await;
    page.find(".pay-sheet").await;
    page.click(".pay-sheet header .plain").await;
    says(page, "没有付款").await;
}

/// A browser that says it is paid: the page only believes the server.
async fn lied_to(page: &Page) {
    let liar = "{ invoke: (name, data, done) => done({ err_msg: 'get_brand_wcpay_request:ok' }) }";
    page.script(&frame(&format!("(window.WeixinJSBridge = {liar}, true)"))).await;
    let asked = "window.performance.getEntriesByType('resource').filter(r => r.name.endsWith('/state')).length";
    page.script(&frame(&format!("(window.asked = {asked}, true)"))).await;
    tap_pay(page).await;
    says(page, "正在确认付款").await;
    // Some looks at the server later nothing is claimed.
    page.until(&frame(&format!("{asked} >= window.asked + 3"))).await;
    shows(page, "等您付款").await;
    says(page, "正在确认付款").await;
}
