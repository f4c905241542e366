//! The account's templates for subscription notices, chosen from the library (platform.md 4.11).

use serde_json::{Value, json};

use super::account::Fresh;
use super::fault::ApiFault;
use super::fields::{list, number, text};
use super::library;
use super::template::{Template, Templates};

/// What `getcategory` answers.
pub fn category() -> Value {
    let (id, name) = library::CATEGORY;
    json!({ "errcode": 0, "errmsg": "ok", "data": [{ "id": id, "name": name }] })
}

/// What `getpubtemplatetitles` answers for `start` and `limit` (at most 30).
pub fn titles(start: Option<usize>, limit: Option<usize>) -> Result<Value, ApiFault> {
    let start = start.ok_or_else(|| ApiFault::new(200_016, "invalid start"))?;
    let limit = limit.filter(|n| (1..=30).contains(n)).ok_or_else(|| ApiFault::new(200_017, "invalid limit"))?;
    let data: Vec<Value> = library::LIBRARY.iter().skip(start).take(limit).map(library::Public::title).collect();
    Ok(json!({ "errcode": 0, "errmsg": "ok", "count": library::LIBRARY.len(), "data": data }))
}

/// What `getpubtemplatekeywords` answers.
pub fn keywords(tid: &str) -> Result<Value, ApiFault> {
    let public = tid.parse().ok().and_then(library::find).ok_or_else(bad_tid)?;
    let data = public.keyword_list();
    Ok(json!({ "errcode": 0, "errmsg": "ok", "count": data.len(), "data": data }))
}

fn bad_tid() -> ApiFault {
    ApiFault::new(200_014, "invalid tid")
}

impl Templates {
    /// `addtemplate`: two to five keywords, a scene of at most 15 characters.
    pub fn choose(&mut self, body: &Value, fresh: Fresh) -> Result<String, ApiFault> {
        let tid = number(body, "/tid").and_then(|tid| u32::try_from(tid).ok());
        let public = tid.and_then(library::find).ok_or_else(bad_tid)?;
        let kid = |value: &Value| value.as_u64().and_then(|kid| u32::try_from(kid).ok());
        let kids: Vec<u32> = list(body, "/kidList").iter().filter_map(kid).collect();
        let content = public.content(&kids).filter(|_| (2..=5).contains(&kids.len()));
        let content = content.ok_or_else(|| ApiFault::new(200_020, "invalid kidList"))?;
        if text(body, "/sceneDesc").chars().count() > 15 {
            return Err(ApiFault::new(200_021, "invalid sceneDesc"));
        }
        self.add(Template { title: public.title.to_owned(), content, lasting: 2 }, fresh)
    }

    /// What `gettemplate` answers.
    pub fn chosen(&self) -> Value {
        let template = |(id, template): (&String, &Template)| {
            json!({
                "priTmplId": id,
                "title": template.title,
                "content": template.content,
                "example": "",
                "type": template.lasting,
                "keywordEnumValueList": [],
            })
        };
        json!({ "errcode": 0, "errmsg": "ok", "data": self.own.iter().map(template).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_chosen_with_two_to_five_keywords() {
        let mut own = Templates::default();
        let fresh = Fresh { now: 0, random: 3 };
        let mut code = |body: Value| own.choose(&body, fresh).map_or_else(|f| f.errcode, |_| 0);
        assert_eq!(code(json!({ "tid": 43219, "kidList": [1, 2], "sceneDesc": "活动提醒" })), 0);
        assert_eq!(code(json!({ "tid": 1, "kidList": [1, 2] })), 200_014);
        assert_eq!(code(json!({ "tid": 43219, "kidList": [1] })), 200_020);
        assert_eq!(code(json!({ "tid": 43219, "kidList": [1, 9] })), 200_020);
        assert_eq!(code(json!({ "tid": 43219, "kidList": [1, 2], "sceneDesc": "长".repeat(16) })), 200_021);
        assert_eq!(own.chosen()["data"][0]["content"], "活动名称：{{thing1.DATA}}\n开始时间：{{time2.DATA}}");
    }

    #[test]
    fn the_library_is_listed_in_pages() {
        assert_eq!(titles(Some(3), Some(30)).unwrap()["data"].as_array().unwrap().len(), 1);
        assert_eq!(titles(Some(0), Some(31)).map_err(|f| f.errcode), Err(200_017));
        assert_eq!(titles(None, Some(1)).map_err(|f| f.errcode), Err(200_016));
        assert_eq!(keywords("43216").unwrap()["count"], 4);
        assert_eq!(keywords("x").map_err(|f| f.errcode), Err(200_014));
    }
}
