//! Tags and who carries them (platform.md 4.8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::State;
use super::fault::ApiFault;
use super::fields::{number, text, texts};
use crate::domain::ids::Openid;

const MOST: usize = 100;
const NAME_BYTES: usize = 30;
const AT_ONCE: usize = 50;
const LARGE: usize = 100_000;
/// 0, 1 and 2 are the platform's own; 2 is 星标组.
const SYSTEM: [u32; 3] = [0, 1, 2];
const FIRST: u32 = 100;

/// The account's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    next: u32,
    names: BTreeMap<u32, String>,
}

impl Default for Tags {
    fn default() -> Self {
        Self { next: FIRST, names: BTreeMap::from([(2, "星标组".to_owned())]) }
    }
}

impl Tags {
    /// A new tag.
    pub fn create(&mut self, body: &Value) -> Result<Value, ApiFault> {
        let name = self.free_name(text(body, "/tag/name"), None)?;
        if self.names.keys().filter(|id| !SYSTEM.contains(id)).count() >= MOST {
            return Err(ApiFault::new(45056, "too many tag now, no need to add new"));
        }
        let id = self.next;
        self.next += 1;
        self.names.insert(id, name.clone());
        Ok(json!({ "tag": { "id": id, "name": name } }))
    }

    /// Another name for a tag.
    pub fn rename(&mut self, body: &Value) -> Result<(), ApiFault> {
        let id = self.own(body)?;
        let name = self.free_name(text(body, "/tag/name"), Some(id))?;
        self.names.insert(id, name);
        Ok(())
    }

    /// The id in `tag.id`, which must be one of the account's own.
    fn own(&self, body: &Value) -> Result<u32, ApiFault> {
        let id = self.known(body, "/tag/id")?;
        if SYSTEM.contains(&id) {
            return Err(ApiFault::new(45058, "can not modify sys tag"));
        }
        Ok(id)
    }

    fn known(&self, body: &Value, pointer: &str) -> Result<u32, ApiFault> {
        let id = number(body, pointer).and_then(|id| u32::try_from(id).ok());
        let known = |id: &u32| SYSTEM.contains(id) || self.names.contains_key(id);
        id.filter(known).ok_or_else(|| ApiFault::new(45159, "invalid tag id"))
    }

    fn free_name(&self, name: &str, of: Option<u32>) -> Result<String, ApiFault> {
        let taken = self.names.iter().any(|(id, other)| other == name && Some(*id) != of);
        match name.len() {
            0 => Err(ApiFault::new(45157, "invalid tag name")),
            _ if taken => Err(ApiFault::new(45157, "invalid tag name: it exists")),
            bytes if bytes > NAME_BYTES => Err(ApiFault::new(45158, "tag name is too long")),
            _ => Ok(name.to_owned()),
        }
    }
}

impl State {
    /// What `tags/get` answers.
    pub fn tags(&self) -> Value {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for tag in self.customers.values().filter(|c| c.follows()).flat_map(|c| &c.standing.tags) {
            *counts.entry(*tag).or_default() += 1;
        }
        let tag =
            |(id, name): (&u32, &String)| json!({ "id": id, "name": name, "count": counts.get(id).unwrap_or(&0) });
        json!({ "tags": self.tags.names.iter().map(tag).collect::<Vec<_>>() })
    }

    /// Deletes a tag, from its customers too; not while more than 100 000 carry it.
    pub fn delete_tag(&mut self, body: &Value) -> Result<(), ApiFault> {
        let id = self.tags.own(body)?;
        let carriers = self.customers.values().filter(|c| c.standing.tags.contains(&id)).count();
        if carriers > LARGE {
            return Err(ApiFault::new(45057, "can not delete the tag that has too many fans"));
        }
        self.tags.names.remove(&id);
        self.customers.values_mut().for_each(|c| c.standing.tags.retain(|tag| *tag != id));
        Ok(())
    }

    /// The tag in `tagid`.
    pub fn tag_asked(&self, body: &Value) -> Result<u32, ApiFault> {
        self.tags.known(body, "/tagid")
    }

    /// Puts a tag on up to 50 followers; all or none. Answers who they are.
    pub fn tag_all(&mut self, body: &Value) -> Result<Vec<Openid>, ApiFault> {
        let tag = self.tag_asked(body)?;
        let openids = self.followers(body, AT_ONCE)?;
        for openid in &openids {
            let customer = self.customers.get(openid).ok_or_else(ApiFault::openid)?;
            customer.standing.clone().tag(tag)?;
        }
        for openid in &openids {
            if let Some(customer) = self.customers.get_mut(openid) {
                customer.standing.tag(tag)?;
            }
        }
        Ok(openids)
    }

    /// Takes a tag off up to 50 followers; all or none. Answers who they are.
    pub fn untag_all(&mut self, body: &Value) -> Result<Vec<Openid>, ApiFault> {
        let tag = self.tag_asked(body)?;
        let openids = self.followers(body, AT_ONCE)?;
        for openid in &openids {
            if let Some(customer) = self.customers.get_mut(openid) {
                customer.standing.tags.retain(|other| *other != tag);
            }
        }
        Ok(openids)
    }

    /// The followers in `openid_list`, at most so many; one who is none refuses them all.
    pub fn followers(&self, body: &Value, most: usize) -> Result<Vec<Openid>, ApiFault> {
        let openids: Vec<Openid> = texts(body, "/openid_list").into_iter().map(Openid::from).collect();
        match openids.len() {
            0 => return Err(ApiFault::new(40031, "invalid openid list")),
            n if n > most => return Err(ApiFault::new(40032, "invalid openid list size")),
            _ => {}
        }
        let follows = |openid: &Openid| self.customers.get(openid).is_some_and(|c| c.follows());
        if openids.iter().all(follows) { Ok(openids) } else { Err(ApiFault::openid()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::model::Customer;
    use crate::sandbox::model::account::Fresh;

    fn code<T>(result: Result<T, ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |_| 0)
    }

    fn named(name: &str) -> Value {
        json!({ "tag": { "name": name } })
    }

    #[test]
    fn names_are_short_unique_and_a_hundred() {
        let mut tags = Tags::default();
        assert_eq!(tags.create(&named("会员")).unwrap(), json!({ "tag": { "id": 100, "name": "会员" } }));
        assert_eq!((code(tags.create(&named("会员"))), code(tags.create(&named("")))), (45157, 45157));
        assert_eq!(
            (code(tags.create(&named(&"字".repeat(11)))), code(tags.create(&named(&"字".repeat(10))))),
            (45158, 0)
        );
        assert!((0..98).all(|n| tags.create(&named(&n.to_string())).is_ok()));
        assert_eq!(code(tags.create(&named("more"))), 45056);
        let rename = |id: u32, name: &str| json!({ "tag": { "id": id, "name": name } });
        assert_eq!((code(tags.rename(&rename(100, "老会员"))), code(tags.rename(&rename(100, "老会员")))), (0, 0));
        assert_eq!((code(tags.rename(&rename(2, "x"))), code(tags.rename(&rename(999, "x")))), (45058, 45159));
    }

    #[test]
    fn a_tag_is_put_on_all_or_none() {
        let mut state = State::new(Fresh { now: 0, random: 1 });
        for (name, followed_at) in [("oA", Some(1)), ("oB", Some(1)), ("oC", None)] {
            let mut customer = Customer::new(Openid::from(name), name.into(), 0);
            customer.followed_at = followed_at;
            state.add_customer(customer, Fresh { now: 0, random: 1 });
        }
        state.tags.create(&named("会员")).unwrap();
        let put = |openids: &[&str]| json!({ "openid_list": openids, "tagid": "100" });
        assert_eq!(code(state.tag_all(&put(&["oA", "oC"]))), 40003);
        assert_eq!(state.tags()["tags"][1]["count"], 0);
        assert_eq!(state.tag_all(&put(&["oA", "oB"])).unwrap().len(), 2);
        assert_eq!(state.tags()["tags"][1]["count"], 2);
        assert_eq!(code(state.untag_all(&put(&["oB"]))), 0);
        assert_eq!((code(state.tag_all(&put(&["oA"; 51]))), code(state.tag_all(&put(&[])))), (40032, 40031));
        assert_eq!(code(state.delete_tag(&json!({ "tag": { "id": 100 } }))), 0);
        assert!(state.customers[&Openid::from("oA")].standing.tags.is_empty());
    }
}
