//! The list of messages that were given up, and sending one again, as strangers and tired people ask for it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{API_TOKEN, World, until};
use crate::phone::Phone;
use crate::reach::{is_idle, owe};

const WORDS: &str = "words-of-the-receipt";
const ID: &str = "owed/words-of-the-receipt";

/// A customer who may not have got a message: its answer was lost.
async fn given_up(world: &World) -> Phone<'_> {
    let phone = Phone::following(world, "小林").await;
    phone.say("你好").await;
    world.sandbox().switch_faults(&json!({ "down": "reset" })).unwrap();
    owe(world, &phone.openid, (0, &[WORDS])).await;
    until("it was given up", async || is_idle(world).await).await;
    world.sandbox().switch_faults(&json!({ "down": null })).unwrap();
    let listed = async || world.get_json("/api/v1/dead-letters").await["dead_letters"][0]["id"] == ID;
    until("it is listed", listed).await;
    phone
}

#[actix_web::test]
async fn a_request_that_cannot_be_meant_sends_nothing_and_repeats_nothing_of_the_customer() {
    let world = World::start().await;
    let phone = given_up(&world).await;
    let other = Phone::following(&world, "大陈").await;
    let long = "x".repeat(2000);
    let (own, strange) = (phone.openid.as_str(), other.openid.as_str());
    let resend = |openid: &str, query: &str| format!("/api/v1/customers/{openid}/resend{query}");
    let whole = format!("?id={ID}");
    let asked = [
        (Method::POST, resend(own, ""), 400),
        (Method::POST, resend(own, "?id="), 404),
        (Method::POST, resend(own, "?id=owed%2F..%2F..%2Fother"), 404),
        (Method::POST, resend(own, "?id=%00%0A%E2%80%AE"), 404),
        (Method::POST, resend(own, "?id=%FF"), 404),
        (Method::POST, resend(own, &format!("?id={long}")), 404),
        (Method::POST, resend(own, &format!("{whole}&all=true")), 400),
        (Method::POST, resend(own, &format!("{whole}&account=nobody")), 404),
        (Method::POST, resend(strange, &whole), 404),
        (Method::POST, resend("%2e%2e", &whole), 404),
        (Method::POST, resend(&long, &whole), 404),
        (Method::GET, resend(own, &whole), 404),
        (Method::GET, "/api/v1/dead-letters?account=nobody".to_owned(), 404),
        (Method::GET, "/api/v1/dead-letters?openid=x".to_owned(), 400),
    ];
    for (method, path, expected) in asked {
        let request = world.http.request(method, world.url(&path)).bearer_auth(API_TOKEN);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(status == expected || (status == 405 && expected == 404), "{path}: {status}");
        let said = answer.text().await.unwrap();
        assert!(!said.contains(WORDS) && !said.contains(own) && !said.contains(strange), "{path}: {said}");
    }
    for (method, path) in [(Method::POST, resend(own, &whole)), (Method::GET, "/api/v1/dead-letters".to_owned())] {
        for token in [None, Some("wrong"), Some("")] {
            let request = world.http.request(method.clone(), world.url(&path));
            let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
            assert_eq!(request.send().await.unwrap().status(), 401, "{path} {token:?}");
        }
    }
    assert_eq!((phone.heard(WORDS), other.heard(WORDS)), (0, 0));
    assert_eq!(world.customer(&phone.openid).await.ways.unsent().len(), 1, "it is kept");
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn many_who_press_at_once_send_it_once() {
    let world = World::start().await;
    let phone = given_up(&world).await;
    let url = world.url(&format!("/api/v1/customers/{}/resend?id={ID}", phone.openid));
    let press = || async {
        let answer = world.http.post(&url).bearer_auth(API_TOKEN).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let answers = join_all((0..6).map(|_| press())).await;
    let done = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!((done, answers.iter().filter(|(status, _)| *status == 404).count()), (1, 5), "{answers:?}");
    phone.hears(WORDS).await;
    until("the outbox is idle", async || is_idle(&world).await).await;
    assert_eq!(phone.heard(WORDS), 1);
    assert_eq!(press().await.0, 404);
    world.running.stop().await.unwrap();
}
