//! Menus for some customers (platform.md 4.5): the newest whose rule fits, else the default.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::State;
use super::customer::Customer;
use super::fault::ApiFault;
use super::fields::id;
use super::menu::Menu;

/// How many the sandbox keeps; the platform's own limit is not documented.
const MOST: usize = 100;
const DOMAINS: usize = 3;
/// Rules that were withdrawn for privacy.
const PRIVATE: [&str; 5] = ["sex", "country", "province", "city", "language"];
/// What every phone of the sandbox calls itself: Android.
const PLATFORM: &str = "2";

/// A menu and whom it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionalMenu {
    /// The menu.
    pub menu: Menu,
    /// `tag_id` and `client_platform_type`, those that were given.
    pub rule: BTreeMap<String, String>,
}

impl ConditionalMenu {
    /// Whether it is shown to a customer: of several tags the one put on last decides.
    fn fits(&self, customer: &Customer) -> bool {
        self.rule.iter().all(|(name, value)| match name.as_str() {
            "tag_id" => customer.standing.tags.last().is_some_and(|tag| tag.to_string() == *value),
            _ => value == PLATFORM,
        })
    }

    /// As `menu/get` shows it.
    pub fn shown(&self) -> Value {
        json!({ "button": self.menu.button, "matchrule": self.rule, "menuid": self.menu.id })
    }
}

impl State {
    /// A new conditional menu; answers its id.
    pub fn add_conditional(&mut self, body: &Value) -> Result<u64, ApiFault> {
        if self.menu.is_none() {
            return Err(ApiFault::new(65303, "there is no selfmenu, please create selfmenu first"));
        }
        let given = |name: &str| Some(id(body, &format!("/matchrule/{name}"))).filter(|value| !value.is_empty());
        if PRIVATE.iter().any(|name| given(name).is_some()) {
            return Err(ApiFault::new(65320, "match rule by private information is not supported"));
        }
        let own = [
            ("tag_id", given("tag_id").or_else(|| given("group_id"))),
            ("client_platform_type", given("client_platform_type")),
        ];
        let rule: BTreeMap<String, String> =
            own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        if rule.is_empty() {
            return Err(ApiFault::new(65304, "match rule empty"));
        }
        if self.conditional.len() >= MOST {
            return Err(ApiFault::new(65305, "personalized menu count limit"));
        }
        let menu = Menu::parse(body, self.next_menu_id())?;
        let mut domains: BTreeSet<String> = self.conditional.iter().flat_map(|c| c.menu.domains()).collect();
        domains.extend(menu.domains());
        if domains.len() > DOMAINS {
            return Err(ApiFault::new(65316, "menu links to too many domains"));
        }
        let id = menu.id;
        self.conditional.push(ConditionalMenu { menu, rule });
        Ok(id)
    }

    /// Removes a conditional menu.
    pub fn delete_conditional(&mut self, body: &Value) -> Result<(), ApiFault> {
        let wanted = id(body, "/menuid");
        let before = self.conditional.len();
        self.conditional.retain(|c| c.menu.id.to_string() != wanted);
        if self.conditional.len() < before { Ok(()) } else { Err(ApiFault::new(65301, "menuid not exist")) }
    }

    /// The menu a customer sees.
    pub fn menu_of(&self, customer: &Customer) -> Option<&Menu> {
        let default = self.menu.as_ref()?;
        Some(self.own_menu(customer).unwrap_or(default))
    }

    /// The menu a customer sees in place of everybody's.
    pub fn own_menu(&self, customer: &Customer) -> Option<&Menu> {
        self.conditional.iter().rev().find(|c| c.fits(customer)).map(|c| &c.menu)
    }

    /// What `get_current_selfmenu_info` answers: `sub_button` holds a `list` there.
    pub fn current_menu(&self) -> Value {
        let Some(menu) = &self.menu else { return json!({ "is_menu_open": 0, "selfmenu_info": { "button": [] } }) };
        let mut button = menu.button.clone();
        for top in button.as_array_mut().into_iter().flatten() {
            if let Some(subs) = top.get_mut("sub_button") {
                *subs = json!({ "list": subs.take() });
            }
        }
        json!({ "is_menu_open": 1, "selfmenu_info": { "button": button } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Openid;
    use crate::sandbox::model::account::Fresh;

    fn menu(name: &str, rule: Value) -> Value {
        json!({ "button": [{ "type": "click", "name": name, "key": name }], "matchrule": rule })
    }

    fn state() -> State {
        let mut state = State::new(Fresh { now: 0, random: 1 });
        state.menu = Some(Menu::parse(&menu("默认", json!({})), 1).unwrap());
        state
    }

    fn code<T>(result: Result<T, ApiFault>) -> i32 {
        result.map_or_else(|fault| fault.errcode, |_| 0)
    }

    #[test]
    fn the_newest_menu_of_the_tag_put_on_last_is_shown() {
        let mut state = state();
        let first = state.add_conditional(&menu("a", json!({ "tag_id": "100" }))).unwrap();
        state.add_conditional(&menu("b", json!({ "tag_id": 101 }))).unwrap();
        state.add_conditional(&menu("c", json!({ "tag_id": "100", "client_platform_type": "2" }))).unwrap();
        state.add_conditional(&menu("d", json!({ "client_platform_type": "1" }))).unwrap();
        let shown = |state: &State, tags: &[u32]| {
            let mut customer = Customer::new(Openid::from("oA"), "小林".into(), 0);
            customer.standing.tags = tags.to_vec();
            state.menu_of(&customer).unwrap().click_keys().concat()
        };
        assert_eq!(shown(&state, &[]), "默认");
        assert_eq!(
            (shown(&state, &[100]), shown(&state, &[100, 101]), shown(&state, &[101, 7])),
            ("c".into(), "b".into(), "默认".into())
        );
        assert_eq!(code(state.delete_conditional(&json!({ "menuid": first.to_string() }))), 0);
        assert_eq!(code(state.delete_conditional(&json!({ "menuid": first }))), 65301);
    }

    #[test]
    fn rules_are_refused_as_the_platform_refuses_them() {
        let mut state = state();
        assert_eq!(code(state.add_conditional(&menu("a", json!({ "sex": "1", "tag_id": "2" })))), 65320);
        assert_eq!(code(state.add_conditional(&menu("a", json!({})))), 65304);
        let view = |host: &str| json!({ "button": [{ "type": "view", "name": "网", "url": format!("https://{host}/x") }], "matchrule": { "tag_id": "2" } });
        assert_eq!(
            ["a.cn", "b.cn", "c.cn", "a.cn", "d.cn"].map(|host| code(state.add_conditional(&view(host)))),
            [0, 0, 0, 0, 65316]
        );
        state.menu = None;
        assert_eq!(code(state.add_conditional(&menu("a", json!({ "tag_id": "2" })))), 65303);
    }

    #[test]
    fn the_current_menu_wraps_its_sub_buttons() {
        let mut state = state();
        let body =
            json!({ "button": [{ "name": "更多", "sub_button": [{ "type": "click", "name": "查", "key": "k" }] }] });
        state.menu = Some(Menu::parse(&body, 1).unwrap());
        assert_eq!(state.current_menu()["selfmenu_info"]["button"][0]["sub_button"]["list"][0]["key"], "k");
    }
}
