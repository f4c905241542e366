//! The phone page in a real browser, on a laptop and on a phone's width.

use fuwu::domain::reply::Reply;
use fuwu::sandbox::Sandbox;
use serde_json::Value;

use crate::browser::{Page, visit};
use crate::sandbox_double::{Answer, Double, summary};

/// The sandbox with an account behind it; what `start` hands out is all the tests know.
///
/// The account is a stand-in that names what it heard. To run the same visit against fuwu itself, start it here in
/// process and hand out its address and its sandbox; the words waited for then come from the playbook.
async fn start() -> Double {
    let double = Double::start(|inbound, _| {
        let heard = summary(&inbound.what);
        let words = match heard.as_str() {
            "坏" => return Answer::Raw(500, "broken"),
            "链接" => {
                r#"去<a href="weixin://bizmsgmenu?msgmenucontent=%E6%9F%A5%E6%B5%81%E9%87%8F&msgmenuid=7">查流量</a>，别点<a href="javascript:alert(1)">这个</a><img src=x onerror=alert(1)>"#.to_owned()
            }
            _ => format!("听到了：{heard}。"),
        };
        Answer::Say(Reply::Text(words))
    })
    .await;
    double.push_menu(&menu()).await;
    double
}

fn menu() -> Value {
    serde_json::from_str(include_str!("../../menus/default.json")).unwrap()
}

#[actix_web::test]
async fn on_a_laptop_a_customer_follows_taps_every_entry_and_types() {
    let double = start().await;
    visit((1280, 800), &double.origin, |page| whole_visit(page, double.sandbox.clone())).await;
}

#[actix_web::test]
async fn on_a_phone_a_customer_follows_taps_every_entry_and_types() {
    let double = start().await;
    visit((390, 844), &double.origin, |page| whole_visit(page, double.sandbox.clone())).await;
}

async fn whole_visit(page: Page, sandbox: Sandbox) {
    page.open("/sandbox").await;
    page.find("body[data-ready=yes]").await;
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
    page.click(".phone.shown .follow").await;
    shows(&page, "听到了：关注 。").await;
    tap_everything(&page).await;
    talk(&page).await;
    scan(&page).await;
    unread(&page, &sandbox).await;
    page.click(".phone.shown .top > button").await;
    page.click_words(".sheet button", "取消关注").await;
    page.find(".phone.shown .follow").await;
    page.until("document.documentElement.scrollWidth <= innerWidth").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
}

/// Waits until the chat of the shown phone ends with these words.
async fn shows(page: &Page, words: &str) {
    page.until(&format!(
        "[...document.querySelectorAll('.phone.shown .row:not(.own) .bubble')].at(-1)?.innerText.endsWith('{words}') ?? false"
    ))
    .await;
}

async fn tap_everything(page: &Page) {
    for top in menu()["button"].as_array().unwrap() {
        for sub in top["sub_button"].as_array().unwrap() {
            page.click_words(".phone.shown .column-button", top["name"].as_str().unwrap()).await;
            page.click_words(".phone.shown .popup button", sub["name"].as_str().unwrap()).await;
            shows(page, &format!("听到了：点击 {}。", sub["key"].as_str().unwrap())).await;
        }
    }
}

async fn talk(page: &Page) {
    page.click(".phone.shown .swap").await;
    let words = ".phone.shown textarea";
    page.type_into(words, "<b>套餐</b> 怎么选\u{e007}").await;
    shows(page, "听到了：<b>套餐</b> 怎么选。").await;
    page.type_into(words, "链接\u{e007}").await;
    shows(page, "<img src=x onerror=alert(1)>").await;
    page.until("document.querySelectorAll('.phone.shown .bubble img, .phone.shown .bubble a').length === 0").await;
    page.click_words(".phone.shown .bubble .link", "查流量").await;
    shows(page, "听到了：查流量#7。").await;
    page.type_into(words, "坏\u{e007}").await;
    page.click(".phone.shown .failure summary").await;
    page.until("document.querySelector('.phone.shown .failure').innerText.includes('HTTP 状态 500')").await;
    page.click(".phone.shown [aria-label=更多功能]").await;
    page.click_words(".phone.shown .panel button", "图片").await;
    shows(page, "听到了：图片。").await;
}

async fn scan(page: &Page) {
    page.click(".phone.shown .top > button").await;
    page.click_words(".sheet button", "扫一扫").await;
    page.click("dialog [data-scene='store:nanjing']").await;
    shows(page, "听到了：扫码 store:nanjing。").await;
}

/// What happens on a phone out of sight is counted, and a page that lost the line finds everything again.
async fn unread(page: &Page, sandbox: &Sandbox) {
    sandbox.close().unwrap();
    page.find(".offline:not([hidden])").await;
    let other = page.script("document.querySelectorAll('.phone')[1].dataset.openid").await;
    sandbox.follow(&other.as_str().unwrap().into()).await.unwrap();
    page.until("document.querySelector('.offline').hidden").await;
    page.until("document.querySelectorAll('.phone')[1].querySelectorAll('.row').length === 1").await;
    let hidden = page.script("getComputedStyle(document.querySelectorAll('.phone')[1]).display === 'none'").await;
    let counted = "!document.querySelectorAll('.chip .unread')[1].hidden";
    page.until(&format!("({counted}) === {hidden}")).await;
    page.click(".chip:nth-child(2)").await;
    page.until(&format!("!({counted})")).await;
    page.click(".chip:nth-child(1)").await;
}
