//! No secret shows, whatever goes wrong: not in an error, not in `Debug`, not in the log.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::stage::staged;
use super::{ApiError, Client, CodeLife, CodeScene, Upload, WebVisitor};
use crate::channel::official::api::MediaKind;
use crate::domain::reply::Reply;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const SECRETS: [&str; 7] =
    ["s3cret", "ACCESS-1", "JS-TICKET", "WEB-ACCESS", "WEB-REFRESH", "o-customer", "what was said"];

fn shown(told: &mut String, error: &ApiError) {
    told.push_str(&format!("{error:?} {error} {}\n", error.in_words()));
}

/// Tries every kind of failure and tells what could be seen of it.
async fn everything_fails() -> String {
    let say = |body: &str| (200_u16, body.as_bytes().to_vec());
    let echoing = |code: i64| {
        let message = "s3cret ACCESS-1 o-customer data.ACCESS-1 rid: 65a1b2c3-0d1e2f30-4a5b6c7d";
        say(&format!(r#"{{"errcode":{code},"errmsg":"invalid {message}"}}"#))
    };
    let grant =
        r#"{"access_token":"WEB-ACCESS","expires_in":7200,"refresh_token":"WEB-REFRESH","openid":"o-customer"}"#;
    let ticket = r#"{"ticket":"JS-TICKET","expires_in":7200}"#;
    let stage = staged(vec![
        echoing(48001),
        echoing(40001),
        echoing(40001),
        echoing(45009),
        say("<html>ACCESS-1</html>"),
        (502, b"ACCESS-1".to_vec()),
        say(r#"{"ticket":["ACCESS-1"],"url":7}"#),
        say(grant),
        say(ticket),
        echoing(40029),
    ]);
    let token = r#"{"access_token":"ACCESS-1","expires_in":7200}"#;
    *stage.script.no_token.lock().unwrap() = vec![say(token), echoing(40164), say(token), say(token)];
    let (client, openid) = (&stage.client, "o-customer".into());
    let mut told = format!("{client:?}\n");
    let said = Reply::Text("what was said".into());
    shown(&mut told, &client.callback_addresses().await.unwrap_err());
    for _ in 0..5 {
        if let Err(error) = client.send(&openid, &said).await {
            shown(&mut told, &error);
        }
    }
    stage.client.clear_all_quotas().await.ok();
    let png = Upload { name: "a.png", bytes: b"x" };
    let code = client.create_code(&CodeScene::Id(1), CodeLife::Permanent).await.map(drop);
    let media = client.upload_media(MediaKind::Image, png).await.map(drop);
    let visitor = client.exchange_code("WEB-CODE").await;
    told.push_str(&format!("{visitor:?}\n"));
    let page = client.sign_page("https://e.cn/").await.map(drop);
    let again = match visitor {
        Ok(WebVisitor::Known(grant)) => client.refresh_grant(&grant).await.map(drop),
        other => other.map(drop),
    };
    for outcome in [code, media, page, again] {
        told.push_str(&format!("{outcome:?}\n"));
        outcome.err().iter().for_each(|error| shown(&mut told, error));
    }
    let gone = Client::new("http://127.0.0.1:1/".parse().unwrap(), "wx1", "s3cret", reqwest::Client::new());
    shown(&mut told, &gone.send(&openid, &said).await.unwrap_err());
    stage.close().await;
    told
}

#[actix_web::test]
async fn no_secret_is_in_an_error_or_in_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let told = {
        let _guard = tracing::subscriber::set_default(subscriber);
        everything_fails().await
    };
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the platform refuses") && logged.contains("65a1b2c3-0d1e2f30-4a5b6c7d"), "{logged}");
    assert!(told.contains("48001") && told.contains("65a1b2c3-0d1e2f30-4a5b6c7d"), "{told}");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} in\n{told}");
        assert!(!logged.contains(secret), "{secret} in\n{logged}");
    }
}
