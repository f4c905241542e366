//! Followers: lists, what the platform tells of one, remarks, the black list (platform.md 4.7). Certified accounts only.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::{flag, int, ints};
use super::limits::{self, Checked};
use crate::domain::ids::Openid;

/// So many are told of in one call.
pub const MOST_USERS: usize = 100;
/// So many are put on the black list in one call.
pub const MOST_BLACKED: usize = 20;

/// Some of a list; the next ones are asked for by `next`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenidPage {
    /// Over all pages.
    pub total: i64,
    /// At most 10 000.
    pub openids: Vec<Openid>,
    /// What to ask for next; `None` at the end.
    pub next: Option<Openid>,
}

/// What the platform tells of a customer. Name and picture are not in it since 2021-12-27: only web authorization tells
/// them, with consent (platform.md 4.18).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UserInfo {
    /// Whether they follow. If not, only openid and perhaps unionid are told.
    #[serde(deserialize_with = "flag")]
    pub subscribe: bool,
    /// Who.
    pub openid: Openid,
    /// The same over all accounts of one Open Platform subject.
    #[serde(default)]
    pub unionid: Option<String>,
    /// Of the follow, in Unix seconds; 0 without one.
    #[serde(default, deserialize_with = "int")]
    pub subscribe_time: i64,
    /// How they came (`ADD_SCENE_QR_CODE`); new values appear.
    #[serde(default)]
    pub subscribe_scene: String,
    /// The number on the code they came by; 0 if none.
    #[serde(default, deserialize_with = "int")]
    pub qr_scene: i64,
    /// The text on the code they came by.
    #[serde(default)]
    pub qr_scene_str: String,
    /// What the operator calls them.
    #[serde(default)]
    pub remark: String,
    /// `zh_CN`, or nothing.
    #[serde(default)]
    pub language: String,
    /// In the order in which they were given.
    #[serde(default, deserialize_with = "ints")]
    pub tagid_list: Vec<i64>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "int")]
    total: i64,
    #[serde(default)]
    data: Option<PageData>,
    #[serde(default)]
    next_openid: Option<Openid>,
}

#[derive(Deserialize)]
struct PageData {
    #[serde(default)]
    openid: Option<Vec<Openid>>,
}

#[derive(Deserialize)]
struct Batch {
    user_info_list: Vec<UserInfo>,
}

impl Client {
    /// All followers, page by page of 10 000; from the beginning without `after`. 500 calls a day.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn followers(&self, after: Option<&Openid>) -> Result<OpenidPage, ApiError> {
        let after = after.map(Openid::as_str).unwrap_or_default();
        self.page(Call::get("cgi-bin/user/get").with("next_openid", after)).await
    }

    /// One customer, also one who does not follow.
    ///
    /// # Errors
    /// [`ApiError::NotFollowing`] (40003) for an openid of another account.
    pub async fn user(&self, openid: &Openid) -> Result<UserInfo, ApiError> {
        limits::required("openid", openid.as_str())?;
        self.read(Call::get("cgi-bin/user/info").with("openid", openid.as_str()).with("lang", "zh_CN")).await
    }

    /// Up to [`MOST_USERS`] customers, in the platform's order.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn users(&self, openids: &[Openid]) -> Result<Vec<UserInfo>, ApiError> {
        check_openids("user_list", openids, MOST_USERS)?;
        let list: Vec<Value> = openids.iter().map(|id| json!({ "openid": id.as_str(), "lang": "zh_CN" })).collect();
        let call = Call::post("cgi-bin/user/info/batchget", json!({ "user_list": list }));
        Ok(self.read::<Batch>(call).await?.user_info_list)
    }

    /// Names a customer for the operator: fewer than 30 characters, or none. 10 000 calls a day.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn set_remark(&self, openid: &Openid, remark: &str) -> Result<(), ApiError> {
        limits::required("openid", openid.as_str())?;
        limits::chars("remark", remark, 0..=29)?;
        let body = json!({ "openid": openid.as_str(), "remark": remark });
        self.ask(Call::post("cgi-bin/user/info/updateremark", body)).await.map(drop)
    }

    /// The black list, page by page of 10 000.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn blacklist(&self, after: Option<&Openid>) -> Result<OpenidPage, ApiError> {
        let body = json!({ "begin_openid": after.map(Openid::as_str).unwrap_or_default() });
        self.page(Call::post("cgi-bin/tags/members/getblacklist", body)).await
    }

    /// Puts up to [`MOST_BLACKED`] on the black list: they get nothing any more.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn blacken(&self, openids: &[Openid]) -> Result<(), ApiError> {
        self.members("batchblacklist", openids).await
    }

    /// Takes up to [`MOST_BLACKED`] off it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unblacken(&self, openids: &[Openid]) -> Result<(), ApiError> {
        self.members("batchunblacklist", openids).await
    }

    async fn members(&self, action: &str, openids: &[Openid]) -> Result<(), ApiError> {
        check_openids("openid_list", openids, MOST_BLACKED)?;
        let call = Call::post(format!("cgi-bin/tags/members/{action}"), json!({ "openid_list": openids }));
        self.ask(call).await.map(drop)
    }

    pub(super) async fn page(&self, call: Call) -> Result<OpenidPage, ApiError> {
        let Page { total, data, next_openid } = self.read(call).await?;
        let openids = data.and_then(|data| data.openid).unwrap_or_default();
        // The last page is empty and has no data, or names nobody to go on from (platform.md 4.7).
        let next = next_openid.filter(|next| !openids.is_empty() && !next.as_str().is_empty());
        Ok(OpenidPage { total, openids, next })
    }
}

pub(super) fn check_openids(field: &str, openids: &[Openid], most: usize) -> Checked {
    limits::count(field, openids.len(), 1..=most)?;
    openids.iter().try_for_each(|openid| limits::required(field, openid.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn a_list_is_read_to_its_end() {
        let stage = stage(&[
            r#"{"total":3,"count":2,"data":{"openid":["o1","o2"]},"next_openid":"o2"}"#,
            r#"{"total":"3","count":1,"data":{"openid":["o3"]},"next_openid":"o3"}"#,
            r#"{"total":3,"count":0,"next_openid":""}"#,
        ]);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = stage.client.followers(after.as_ref()).await.unwrap();
            assert_eq!(page.total, 3);
            all.extend(page.openids);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(all, ["o1", "o2", "o3"].map(Openid::from));
        let from: Vec<_> =
            stage.asked().iter().map(|asked| asked.parameter("next_openid").unwrap().to_owned()).collect();
        assert_eq!(from, ["", "o2", "o3"]);
        stage.close().await;
    }

    #[actix_web::test]
    async fn what_is_told_of_a_customer_is_read_whether_they_follow_or_not() {
        let follows = r#"{"subscribe":1,"openid":"o1","nickname":"","sex":0,"language":"zh_CN","subscribe_time":1735689700,
            "unionid":"u","remark":"老王","groupid":0,"tagid_list":[128,2],"subscribe_scene":"ADD_SCENE_QR_CODE",
            "qr_scene":0,"qr_scene_str":"ref:7f3a"}"#;
        let left = r#"{"user_info_list":[{"subscribe":"0","openid":"o2","tagid_list":[]}]}"#;
        let stage = stage(&[follows, left]);
        let user = stage.client.user(&"o1".into()).await.unwrap();
        assert_eq!(
            (user.subscribe, user.tagid_list.as_slice(), user.qr_scene_str.as_str()),
            (true, &[128, 2][..], "ref:7f3a")
        );
        let users = stage.client.users(&["o2".into()]).await.unwrap();
        assert_eq!((users[0].subscribe, users[0].subscribe_time, users[0].unionid.as_ref()), (false, 0, None));
        assert_eq!(stage.asked()[0].parameter("openid"), Some("o1"));
        stage.close().await;
    }

    #[actix_web::test]
    async fn remarks_and_the_black_list_keep_their_limits() {
        let stage = stage(&["{}", "{}", "{}", r#"{"total":1,"count":1,"data":{"openid":["o9"]},"next_openid":""}"#]);
        let client = &stage.client;
        client.set_remark(&"o1".into(), "老王").await.unwrap();
        client.blacken(&["o9".into()]).await.unwrap();
        client.unblacken(&["o9".into()]).await.unwrap();
        assert_eq!(client.blacklist(None).await.unwrap().openids, [Openid::from("o9")]);
        assert_eq!(stage.asked()[1].json(), json!({"openid_list": ["o9"]}));
        let many = vec![Openid::from("o"); 101];
        let told = |error: ApiError| error.in_words();
        assert_eq!(told(client.users(&many).await.unwrap_err()), "user_list：有 101 个，最多 100 个");
        assert_eq!(told(client.blacken(&many[..21]).await.unwrap_err()), "openid_list：有 21 个，最多 20 个");
        assert_eq!(told(client.blacken(&[]).await.unwrap_err()), "openid_list：有 0 个，至少要 1 个");
        let long = "长".repeat(30);
        assert_eq!(told(client.set_remark(&"o1".into(), &long).await.unwrap_err()), "remark：有 30 个字，最多 29 个字");
        assert_eq!(stage.asked().len(), 4);
        stage.close().await;
    }
}
