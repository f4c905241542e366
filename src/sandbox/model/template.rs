//! Template messages (platform.md 4.10) and subscription notices (4.11): the account's templates, and what is sent with
//! them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::{Fresh, State};
use super::chat::{Article, Body, Side};
use super::fault::ApiFault;
use super::fields::{id, text, texts};
use super::job::Work;
use super::{library, parameters};
use crate::domain::ids::Openid;
use crate::domain::time::UnixSecs;

/// The demo account's template for template messages.
const DEMO_TEMPLATE: &str = "TPLorder-progress-template";
/// Its template for subscription notices.
const DEMO_NOTICE: &str = "TPLorder-progress-notice";
const MOST: usize = 25;
/// The same client id to the same customer goes out once within ten minutes.
const ONCE_SECS: i64 = 600;
const REMEMBERED: usize = 5000;

/// The account's templates of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Templates {
    /// By template id.
    pub own: BTreeMap<String, Template>,
    industry: Option<(u32, u32)>,
    industry_month: i32,
    /// `(when, openid and client id, msgid)`, the oldest first.
    sent: VecDeque<(i64, String, u64)>,
}

/// A template of the account's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its title.
    pub title: String,
    /// Its text with `{{key.DATA}}`.
    pub content: String,
    /// Of a notice: 2 for one message a consent, 3 for as many as there are.
    pub lasting: u8,
}

impl Templates {
    /// Takes a template over; answers its id.
    pub fn add(&mut self, template: Template, fresh: Fresh) -> Result<String, ApiFault> {
        if self.own.len() >= MOST {
            return Err(ApiFault::new(45026, "template num exceeds limit"));
        }
        let id = format!("TPL{:016x}{:024x}", fresh.random, self.own.len());
        self.own.insert(id.clone(), template);
        Ok(id)
    }

    /// A template of the library by its short number and the names of its keywords.
    pub fn take_from_library(&mut self, body: &Value, fresh: Fresh) -> Result<String, ApiFault> {
        let short = id(body, "/template_id_short");
        let tid = short.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap_or(0);
        let public = library::find(tid).ok_or_else(|| ApiFault::new(40037, "invalid template_id"))?;
        let names = texts(body, "/keyword_name_list");
        let kids = if names.is_empty() { public.kids(&[]) } else { public.kids(&names) };
        let kids = kids
            .map(|kids| if kids.is_empty() { public.keywords.iter().map(|(kid, ..)| *kid).collect() } else { kids });
        let content = kids.and_then(|kids| public.content(&kids));
        let content = content.ok_or_else(|| ApiFault::new(40246, "invalid keyword_name_list"))?;
        self.add(Template { title: public.title.to_owned(), content, lasting: 2 }, fresh)
    }

    /// What `get_all_private_template` answers.
    pub fn list(&self) -> Value {
        let template = |(id, template): (&String, &Template)| {
            json!({
                "template_id": id,
                "title": template.title,
                "primary_industry": "IT科技",
                "deputy_industry": "电信与运营商",
                "content": template.content,
                "example": "",
            })
        };
        json!({ "template_list": self.own.iter().map(template).collect::<Vec<_>>() })
    }

    /// A template, or 40037.
    pub fn get(&self, id: &str) -> Result<&Template, ApiFault> {
        self.own.get(id).ok_or_else(|| ApiFault::new(40037, "invalid template_id"))
    }

    /// Removes a template.
    pub fn delete(&mut self, id: &str) -> Result<(), ApiFault> {
        self.get(id)?;
        self.own.remove(id);
        Ok(())
    }

    /// Sets the industries, once a month.
    pub fn set_industry(&mut self, body: &Value, now: i64) -> Result<(), ApiFault> {
        let industry = |name: &str| id(body, name).parse::<u32>().ok().filter(|n| (1..=41).contains(n));
        let both = industry("/industry_id1").zip(industry("/industry_id2"));
        let both = both.ok_or_else(|| ApiFault::new(40102, "invalid industry id"))?;
        let month = UnixSecs(now).business_day().month();
        if self.industry.is_some() && self.industry_month == month {
            return Err(ApiFault::new(43100, "change template too frequently"));
        }
        (self.industry, self.industry_month) = (Some(both), month);
        Ok(())
    }

    /// What `get_industry` answers.
    pub fn industry(&self) -> Value {
        json!({
            "primary_industry": { "first_class": "IT科技", "second_class": "电信与运营商" },
            "secondary_industry": { "first_class": "IT科技", "second_class": "互联网|电子商务" },
            "set": self.industry.is_some(),
        })
    }

    /// The id of what was sent already under the same client id.
    fn earlier(&mut self, openid: &Openid, body: &Value, now: i64) -> Option<u64> {
        while self.sent.len() > REMEMBERED || self.sent.front().is_some_and(|(at, ..)| now - at >= ONCE_SECS) {
            self.sent.pop_front();
        }
        let key = once(openid, body)?;
        self.sent.iter().find(|(_, own, _)| *own == key).map(|(.., msg_id)| *msg_id)
    }

    fn remember(&mut self, openid: &Openid, body: &Value, sent: (i64, u64)) {
        if let Some(key) = once(openid, body) {
            self.sent.push_back((sent.0, key, sent.1));
        }
    }
}

fn once(openid: &Openid, body: &Value) -> Option<String> {
    let client = text(body, "/client_msg_id");
    (!client.is_empty()).then(|| format!("{openid} {client}"))
}

impl State {
    /// The demo account has chosen its templates before anybody came: `notices.toml` names them.
    pub fn add_demo_templates(&mut self) {
        let lines =
            "办理业务：{{thing1.DATA}}\n办理结果：{{phrase2.DATA}}\n金额：{{amount3.DATA}}\n时间：{{time4.DATA}}";
        let template = |content: String| Template { title: "业务办理结果通知".to_owned(), content, lasting: 2 };
        let full = format!("{lines}\n订单编号：{{{{character_string5.DATA}}}}");
        for (own, id, content) in
            [(&mut self.templates.own, DEMO_TEMPLATE, full), (&mut self.notices.own, DEMO_NOTICE, lines.to_owned())]
        {
            own.entry(id.to_owned()).or_insert_with(|| template(content));
        }
    }
}

/// What a call sent: its id, to whom, and the chat's latest entry before.
pub type Sent = (u64, Openid, u64);

impl State {
    /// A template message: only to a follower; whether it arrived is told later.
    pub fn send_template(&mut self, body: &Value, fresh: Fresh) -> Result<Sent, ApiFault> {
        let openid = Openid::from(text(body, "/touser"));
        let customer = self.customers.get(&openid).ok_or_else(ApiFault::openid)?;
        if !customer.follows() {
            return Err(ApiFault::new(43004, "require subscribe"));
        }
        let blocked = customer.standing.refuses || customer.standing.blacklisted;
        let (before, now) = (customer.last_seq, fresh.now);
        let template = self.templates.get(text(body, "/template_id"))?;
        let card = card(template, body, text(body, "/url"))?;
        if let Some(msg_id) = self.templates.earlier(&openid, body, now) {
            return Ok((msg_id, openid, before));
        }
        let msg_id = self.next_msg_id(fresh);
        let status = if blocked { "failed:user block" } else { "success" }.to_owned();
        self.queue(Work::Template { openid: openid.clone(), msg_id, status }, now)?;
        self.templates.remember(&openid, body, (now, msg_id));
        if let Some(customer) = self.customers.get_mut(&openid).filter(|_| !blocked) {
            customer.append(now, Side::Account, card).details.push("模板消息".to_owned());
        }
        Ok((msg_id, openid, before))
    }

    /// A subscription notice: to whoever consented, follower or not; one consent is one message.
    pub fn send_notice(&mut self, body: &Value, fresh: Fresh) -> Result<Sent, ApiFault> {
        let openid = Openid::from(text(body, "/touser"));
        let name = text(body, "/template_id");
        let template = self.notices.get(name)?;
        let lasting = template.lasting == 3;
        let card = card(template, body, text(body, "/page"))?;
        let earlier = self.notices.earlier(&openid, body, fresh.now);
        let customer = self.customers.get_mut(&openid).ok_or_else(ApiFault::openid)?;
        let before = customer.last_seq;
        if let Some(msg_id) = earlier {
            return Ok((msg_id, openid, before));
        }
        let left = customer.standing.consents.get(name).copied().unwrap_or(0);
        if !(lasting && left > 0) {
            customer.standing.spend(name)?;
        }
        customer.append(fresh.now, Side::Account, card).details.push("订阅通知".to_owned());
        let msg_id = self.next_msg_id(fresh);
        self.queue(Work::Notice { openid: openid.clone(), msg_id, template: name.to_owned() }, fresh.now)?;
        self.notices.remember(&openid, body, (fresh.now, msg_id));
        Ok((msg_id, openid, before))
    }
}

fn card(template: &Template, body: &Value, url: &str) -> Result<Body, ApiFault> {
    let words = parameters::filled(&template.content, body.get("data").unwrap_or(&Value::Null))?;
    let article =
        Article { title: template.title.clone(), description: words, picture: String::new(), url: url.to_owned() };
    Ok(Body::Articles { articles: vec![article] })
}
