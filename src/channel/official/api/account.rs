//! The account itself: quotas, connectivity, the platform's addresses (platform.md 4.2 to 4.4).

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::{Client, parsed};
use super::error::ApiError;
use super::lenient::int;
use super::limits;
use super::quota::Quota;

/// What a callback check tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckWhat {
    /// Whether the callback's name is resolved.
    Dns,
    /// Whether its address answers.
    Ping,
    /// Both.
    All,
}

/// From which network it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckFrom {
    /// China Telecom.
    Chinanet,
    /// China Unicom.
    Unicom,
    /// The platform's own.
    Cap,
    /// Whichever fits.
    Default,
}

/// What a callback check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct CallbackCheck {
    /// Addresses of the callback's name.
    #[serde(default)]
    pub dns: Vec<Resolved>,
    /// How they answer.
    #[serde(default)]
    pub ping: Vec<Pinged>,
}

/// An address of the callback's name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Resolved {
    /// It.
    pub ip: String,
    /// Whose network it is in.
    #[serde(default)]
    pub real_operator: String,
}

/// How an address answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pinged {
    /// It.
    pub ip: String,
    /// From whose network.
    #[serde(default)]
    pub from_operator: String,
    /// As `0%`.
    #[serde(default)]
    pub package_loss: String,
    /// As `23.079ms`.
    #[serde(default)]
    pub time: String,
}

#[derive(Deserialize)]
struct Told {
    #[serde(deserialize_with = "int")]
    daily_limit: i64,
    #[serde(deserialize_with = "int")]
    used: i64,
}

#[derive(Deserialize)]
struct Addresses {
    ip_list: Vec<String>,
}

impl Client {
    /// What is left today of an interface, named by its path (`/cgi-bin/message/custom/send`), and keeps to it from now
    /// on. Paths of web authorization have no quota (76022).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn quota(&self, path: &str) -> Result<Quota, ApiError> {
        let (ask, key) = (format!("/{}", key(path)), key(path));
        let mut answer = self.ask(Call::post("cgi-bin/openapi/quota/get", json!({ "cgi_path": ask }))).await?;
        let told: Told = parsed("cgi-bin/openapi/quota/get", answer.get_mut("quota").map_or(Value::Null, Value::take))?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let quota = Quota { daily_limit: count(told.daily_limit), used: count(told.used) };
        self.0.quotas.correct(key, quota, self.now());
        Ok(quota)
    }

    /// How often this process has called an interface today, and others as far as the platform told.
    pub fn calls_today(&self, path: &str) -> u64 {
        self.0.quotas.used(key(path), self.now())
    }

    /// Sets the day's counter of one interface back; 50 a month.
    ///
    /// # Errors
    /// [`ApiError`]; 48006 when the month's are used up.
    pub async fn clear_quota(&self, path: &str) -> Result<(), ApiError> {
        let body = json!({ "cgi_path": format!("/{}", key(path)) });
        self.ask(Call::post("cgi-bin/openapi/quota/clear", body).once()).await?;
        self.0.quotas.cleared(Some(key(path)));
        Ok(())
    }

    /// Sets the day's counters of all interfaces back; 10 a month, those in the console included. Works also when there
    /// are no calls left for a token.
    ///
    /// # Errors
    /// [`ApiError`]; 48006 when the month's are used up.
    pub async fn clear_all_quotas(&self) -> Result<(), ApiError> {
        let (id, secret) = (&self.0.app_id, &self.0.app_secret);
        let body = json!({ "appid": id, "appsecret": secret });
        self.ask(Call::post("cgi-bin/clear_quota/v2", body).without_token().once()).await?;
        self.0.quotas.cleared(None);
        Ok(())
    }

    /// Lets the platform try the account's callback address.
    ///
    /// # Errors
    /// [`ApiError`]; 40201 when none is set.
    pub async fn check_callback(&self, what: CheckWhat, from: CheckFrom) -> Result<CallbackCheck, ApiError> {
        let action = match what {
            CheckWhat::Dns => "dns",
            CheckWhat::Ping => "ping",
            CheckWhat::All => "all",
        };
        let operator = match from {
            CheckFrom::Chinanet => "CHINANET",
            CheckFrom::Unicom => "UNICOM",
            CheckFrom::Cap => "CAP",
            CheckFrom::Default => "DEFAULT",
        };
        self.read(Call::post("cgi-bin/callback/check", json!({ "action": action, "check_operator": operator }))).await
    }

    /// Addresses of the platform's interfaces: single ones, or networks as `1.2.3.0/25`. They change.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn api_addresses(&self) -> Result<Vec<String>, ApiError> {
        Ok(self.read::<Addresses>(Call::get("cgi-bin/get_api_domain_ip")).await?.ip_list)
    }

    /// Addresses that deliveries come from, as [`Client::api_addresses`].
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn callback_addresses(&self) -> Result<Vec<String>, ApiError> {
        Ok(self.read::<Addresses>(Call::get("cgi-bin/getcallbackip")).await?.ip_list)
    }

    /// What became of a request the platform gave this `rid`, for 7 days. The answer repeats what was sent: for a
    /// person, not for a log.
    ///
    /// # Errors
    /// [`ApiError`]; 76001 for one it does not know, 76004 for one that is too old.
    pub async fn request(&self, rid: &str) -> Result<Value, ApiError> {
        limits::required("rid", rid)?;
        let mut answer = self.ask(Call::post("cgi-bin/openapi/rid/get", json!({ "rid": rid }))).await?;
        Ok(answer.get_mut("request").map(Value::take).unwrap_or_default())
    }
}

/// Without the slash that the platform writes before a path.
fn key(path: &str) -> &str {
    path.trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn what_the_platform_says_is_left_is_kept_to_until_it_is_cleared() {
        let left = r#"{"quota":{"daily_limit":"2","used":1,"remain":1},"rate_limit":{"call_count":600}}"#;
        let stage = stage(&[left, left, r#"{"ip_list":["1.2.3.4","101.226.103.0/25"]}"#]);
        let client = &stage.client;
        let path = "/cgi-bin/getcallbackip";
        assert_eq!(client.quota(path).await, Ok(Quota { daily_limit: 2, used: 1 }));
        assert_eq!(stage.asked()[0].json(), json!({"cgi_path": path}));
        assert_eq!(client.callback_addresses().await.unwrap(), ["1.2.3.4", "101.226.103.0/25"]);
        assert_eq!(stage.asked()[1].json(), json!({"cgi_path": path}), "half of what is left is gone with this call");
        assert_eq!(client.calls_today(path), 2);
        let error = client.callback_addresses().await.unwrap_err();
        assert_eq!((error.code(), error.may_be_done()), (Some(45009), false));
        client.clear_quota(path).await.unwrap();
        assert_eq!(client.callback_addresses().await, Err(ApiError::Busy), "the script has run out of addresses");
        assert_eq!(stage.asked().last().unwrap().line(), "GET cgi-bin/getcallbackip");
        stage.close().await;
    }

    #[actix_web::test]
    async fn the_callback_is_checked_and_all_quotas_are_cleared_without_a_token() {
        let stage = stage(&[
            r#"{"dns":[{"ip":"1.2.3.4","real_operator":"UNICOM"}],
                "ping":[{"ip":"1.2.3.4","from_operator":"CAP","package_loss":"0%","time":"23.079ms"}]}"#,
            "{}",
        ]);
        let found = stage.client.check_callback(CheckWhat::All, CheckFrom::Cap).await.unwrap();
        assert_eq!((found.dns[0].ip.as_str(), found.ping[0].time.as_str()), ("1.2.3.4", "23.079ms"));
        stage.client.clear_all_quotas().await.unwrap();
        let asked = stage.asked();
        assert_eq!(asked[0].json(), json!({"action": "all", "check_operator": "CAP"}));
        assert_eq!((asked[1].line(), asked[1].token()), ("POST cgi-bin/clear_quota/v2".into(), None));
        stage.close().await;
    }
}
