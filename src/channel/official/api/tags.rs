//! Tags of followers (platform.md 4.8): 100 an account, 20 a customer. Certified accounts only.

use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::client::Client;
use super::error::ApiError;
use super::lenient::{int, ints};
use super::limits::{self, Checked, Invalid};
use super::users::{OpenidPage, check_openids};
use crate::domain::ids::Openid;

/// So many are tagged in one call.
pub const MOST_TAGGED: usize = 50;

/// A tag's number. 0, 1 and 2 are the platform's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(pub i64);

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Tag {
    /// Its number.
    #[serde(deserialize_with = "int")]
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many have it; 0 where it is not told.
    #[serde(default, deserialize_with = "int")]
    pub count: i64,
}

#[derive(Deserialize)]
struct Made {
    tag: Tag,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct TagIds {
    #[serde(default, deserialize_with = "ints")]
    tagid_list: Vec<i64>,
}

impl Client {
    /// Makes a tag: a name of 30 bytes at most that no other has.
    ///
    /// # Errors
    /// 45157 for a name that is taken, 45056 for the 101st tag.
    pub async fn create_tag(&self, name: &str) -> Result<Tag, ApiError> {
        check_name(name)?;
        let body = json!({ "tag": { "name": name } });
        Ok(self.read::<Made>(Call::post("cgi-bin/tags/create", body).once()).await?.tag)
    }

    /// All tags with the number of their followers.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn tags(&self) -> Result<Vec<Tag>, ApiError> {
        Ok(self.read::<Tags>(Call::get("cgi-bin/tags/get")).await?.tags)
    }

    /// Renames a tag.
    ///
    /// # Errors
    /// 45157 for a name that is taken, 45159 for a tag that is not there.
    pub async fn rename_tag(&self, TagId(id): TagId, name: &str) -> Result<(), ApiError> {
        check_own(id)?;
        check_name(name)?;
        self.ask(Call::post("cgi-bin/tags/update", json!({ "tag": { "id": id, "name": name } }))).await.map(drop)
    }

    /// Deletes a tag.
    ///
    /// # Errors
    /// 45057 while more than 100 000 have it.
    pub async fn delete_tag(&self, TagId(id): TagId) -> Result<(), ApiError> {
        check_own(id)?;
        self.ask(Call::post("cgi-bin/tags/delete", json!({ "tag": { "id": id } })).once()).await.map(drop)
    }

    /// The tags of a customer.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn tags_of(&self, openid: &Openid) -> Result<Vec<TagId>, ApiError> {
        limits::required("openid", openid.as_str())?;
        let call = Call::post("cgi-bin/tags/getidlist", json!({ "openid": openid.as_str() }));
        Ok(self.read::<TagIds>(call).await?.tagid_list.into_iter().map(TagId).collect())
    }

    /// Who has a tag, page by page of 10 000.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn tagged(&self, TagId(id): TagId, after: Option<&Openid>) -> Result<OpenidPage, ApiError> {
        let after = after.map(Openid::as_str).unwrap_or_default();
        self.page(Call::post("cgi-bin/user/tag/get", json!({ "tagid": id, "next_openid": after }))).await
    }

    /// Gives up to [`MOST_TAGGED`] customers a tag, all or none of them.
    ///
    /// # Errors
    /// 45059 when one of them has 20, 40003 or 49003 for one who is none of ours.
    pub async fn tag(&self, TagId(id): TagId, openids: &[Openid]) -> Result<(), ApiError> {
        self.batch("batchtagging", (id, openids)).await
    }

    /// Takes a tag from up to [`MOST_TAGGED`] customers.
    ///
    /// # Errors
    /// As [`Client::tag`].
    pub async fn untag(&self, TagId(id): TagId, openids: &[Openid]) -> Result<(), ApiError> {
        self.batch("batchuntagging", (id, openids)).await
    }

    async fn batch(&self, action: &str, (id, openids): (i64, &[Openid])) -> Result<(), ApiError> {
        check_openids("openid_list", openids, MOST_TAGGED)?;
        let body = json!({ "openid_list": openids, "tagid": id });
        self.ask(Call::post(format!("cgi-bin/tags/members/{action}"), body)).await.map(drop)
    }
}

/// The documents say 30 characters, the platform's error 30 bytes: what is short enough for both.
fn check_name(name: &str) -> Checked {
    limits::bytes("tag.name", name, 1..=30)
}

fn check_own(id: i64) -> Checked {
    if id > 2 { Ok(()) } else { Err(Invalid::new("tag.id", "0、1、2 是平台自己的标签，不能修改")) }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    #[actix_web::test]
    async fn tags_are_made_given_and_taken() {
        let stage = stage(&[
            r#"{"tag":{"id":134,"name":"会员"}}"#,
            r#"{"tags":[{"id":2,"name":"星标组","count":0},{"id":"134","name":"会员","count":"1"}]}"#,
            "{}",
            "{}",
            r#"{"tagid_list":[134,2]}"#,
            r#"{"count":1,"data":{"openid":["o1"]},"next_openid":"o1"}"#,
            "{}",
        ]);
        let (client, id) = (&stage.client, TagId(134));
        assert_eq!(client.create_tag("会员").await.unwrap().id, 134);
        assert_eq!(client.tags().await.unwrap()[1], Tag { id: 134, name: "会员".into(), count: 1 });
        client.rename_tag(id, "老会员").await.unwrap();
        client.tag(id, &["o1".into()]).await.unwrap();
        assert_eq!(client.tags_of(&"o1".into()).await.unwrap(), [TagId(134), TagId(2)]);
        assert_eq!(client.tagged(id, None).await.unwrap().openids, [Openid::from("o1")]);
        client.untag(id, &["o1".into()]).await.unwrap();
        client.delete_tag(id).await.unwrap();
        let asked = stage.asked();
        assert_eq!(asked[0].text(), r#"{"tag":{"name":"会员"}}"#);
        assert_eq!(asked[3].json(), json!({"openid_list": ["o1"], "tagid": 134}));
        assert_eq!(asked[5].json(), json!({"tagid": 134, "next_openid": ""}));
        assert_eq!(asked[7].line(), "POST cgi-bin/tags/delete");
        stage.close().await;
    }

    #[actix_web::test]
    async fn names_numbers_and_batches_have_limits() {
        let stage = stage(&[]);
        let client = &stage.client;
        let told = |error: Result<(), ApiError>| error.unwrap_err().in_words();
        assert_eq!(told(client.create_tag(&"长".repeat(11)).await.map(drop)), "tag.name：有 33 字节，最多 30 字节");
        assert_eq!(told(client.delete_tag(TagId(2)).await), "tag.id：0、1、2 是平台自己的标签，不能修改");
        let many = vec![Openid::from("o"); 51];
        assert_eq!(told(client.untag(TagId(3), &many).await), "openid_list：有 51 个，最多 50 个");
        assert!(stage.asked().is_empty());
        stage.close().await;
    }
}
