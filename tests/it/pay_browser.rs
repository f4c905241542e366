//! Paying in a real browser: a link in the chat, the page in the phone, the sheet over it; on a laptop and on a phone's
//! width.

use std::rc::Rc;

use fuwu::domain::ids::Openid;
use fuwu::domain::order::{Happening, Paid};
use fuwu::domain::reply::Reply;

use crate::browser::{Page, visit};
use crate::harness::World;
use crate::order_page::{awaiting, happens};

const FIRST: &str = "202603021234";
const SECOND: &str = "202603025678";

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
    let openid = Openid::from(openid.as_str().unwrap());
    awaiting(world, &openid, FIRST).await;
    awaiting(world, &openid, SECOND).await;
    link(world, &openid, "看第一单", FIRST).await;
    page.click_words(".phone.shown .bubble .link", "看第一单").await;
    shows(page, "等您付款").await;
    page.until(&frame("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).await;
    changes_their_mind(page).await;
    pays(page, world, &openid).await;
    page.click(".phone.shown .web .plain").await;
    link(world, &openid, "看第二单", SECOND).await;
    page.click_words(".phone.shown .bubble .link", "看第二单").await;
    shows(page, "等您付款").await;
    without_a_bridge(page).await;
    lied_to(page).await;
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
}

/// The account says a link of its own accord.
async fn link(world: &World, openid: &Openid, words: &str, number: &str) {
    let account = world.running.app.account("demo").unwrap();
    let text = Reply::Text(format!("<a href=\"/orders/~/{number}\">{words}</a>"));
    account.platform.send(openid, &text.reachable_at(&account.site, account.id())).await.unwrap();
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

/// The bank says no, the password is wrong, and then they do not want to; a second tap meanwhile opens nothing.
async fn changes_their_mind(page: &Page) {
    tap_pay(page).await;
    page.script(&frame("document.querySelector('#pay').click()")).await;
    page.until("document.querySelector('.pay-amount')?.innerText.includes('20.00') ?? false").await;
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

/// The browser says that it is paid, and the page only believes the server.
async fn pays(page: &Page, world: &World, openid: &Openid) {
    tap_pay(page).await;
    page.click(".pay-do").await;
    says(page, "正在确认付款").await;
    let paid = Paid { transaction: "4200000001".into(), total_fen: 2_000, at: world.clock_now_secs() };
    happens(world, (openid, FIRST), &[Happening::Paid(paid)]).await;
    shows(page, "已付款，正在办理").await;
    happens(world, (openid, FIRST), &[Happening::Fulfilled]).await;
    shows(page, "办好了").await;
    page.until(&frame("document.querySelector('#pay') === null")).await;
}

/// A browser of the platform's that puts no bridge into pages: its scripts do, once the page's signature is checked.
async fn without_a_bridge(page: &Page) {
    page.script(&frame("window.WeixinJSBridge = null, true")).await;
    tap_pay(page).await;
    page.find(".pay-sheet").await;
    page.click(".pay-sheet header .plain").await;
    says(page, "没有付款").await;
}

async fn lied_to(page: &Page) {
    let liar = "{ invoke: (name, data, done) => done({ err_msg: 'get_brand_wcpay_request:ok' }) }";
    page.script(&frame(&format!("window.WeixinJSBridge = {liar}, true"))).await;
    tap_pay(page).await;
    says(page, "正在确认付款").await;
    // Two looks at the server later nothing is claimed.
    page.until(&frame("window.performance.getEntriesByType('resource').filter(r => r.name.endsWith('/state')).length >= 4")).await;
    shows(page, "等您付款").await;
}
