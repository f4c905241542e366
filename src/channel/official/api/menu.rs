//! Menus (platform.md 4.5): everybody's, and those for some customers only.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::client::Client;
use super::error::{ApiError, number};
use super::limits::{self, Checked, Invalid};
use crate::domain::ids::Openid;
use crate::domain::menu::{BUTTON_TYPES, Limits, SUB, TOP};

/// A menu as the platform has it: its own JSON, since it may hold what fuwu knows nothing of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformMenu {
    /// `button`: what everybody or somebody sees.
    pub buttons: Value,
    /// Its number.
    pub id: Option<String>,
    /// `matchrule` of a conditional menu, as the platform tells it.
    pub rule: Option<Value>,
}

/// All menus of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menus {
    /// Everybody's.
    pub default: PlatformMenu,
    /// For some customers only, latest first.
    pub conditional: Vec<PlatformMenu>,
}

/// The menu in use, wherever it was made (`get_current_selfmenu_info`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CurrentMenu {
    /// Whether customers see one.
    #[serde(deserialize_with = "super::lenient::flag")]
    pub is_menu_open: bool,
    /// As the platform tells it; made in the console its buttons hold other fields.
    #[serde(default)]
    pub selfmenu_info: Value,
}

impl Client {
    /// Puts the default menu on the account. Customers see it within minutes, or at once after following anew.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for what the platform would refuse: 1 to 3 buttons with names of 16 bytes, 1 to 5 entries
    /// below one with names of 60, keys of 128 bytes, addresses of 1024. [`ApiError::Refused`] with the platform's code
    /// if it does not take the menu all the same.
    pub async fn create_menu(&self, menu: &Value) -> Result<(), ApiError> {
        check(menu)?;
        self.ask(Call::post("cgi-bin/menu/create", menu.clone())).await.map(drop)
    }

    /// All menus; `None` when the account has none (46003).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn menus(&self) -> Result<Option<Menus>, ApiError> {
        let mut answer = self.ask(Call::get("cgi-bin/menu/get")).await?;
        let Some(default) = answer.get_mut("menu").map(Value::take) else { return Ok(None) };
        let conditional = match answer.get_mut("conditionalmenu").map(Value::take) {
            Some(Value::Array(menus)) => menus.into_iter().map(platform_menu).collect(),
            _ => Vec::new(),
        };
        Ok(Some(Menus { default: platform_menu(default), conditional }))
    }

    /// Takes every menu off the account, the default one and those for some customers only.
    ///
    /// # Errors
    /// [`ApiError`]; an account without a menu is none.
    pub async fn delete_menu(&self) -> Result<(), ApiError> {
        self.ask(Call::get("cgi-bin/menu/delete")).await.map(drop)
    }

    /// Adds a menu for those who match its `matchrule`, and answers its number. There has to be a default one (65303).
    /// Of several that match, the latest is shown. Each call makes another menu: it is never repeated by itself.
    ///
    /// # Errors
    /// As [`Client::create_menu`], also without a rule; rules by place, sex or language are refused with 65320.
    pub async fn add_conditional_menu(&self, menu: &Value) -> Result<String, ApiError> {
        check(menu)?;
        let rule = menu.get("matchrule").and_then(Value::as_object).filter(|rule| !rule.is_empty());
        rule.ok_or_else(|| Invalid::new("matchrule", "个性化菜单要写明给谁看"))?;
        let answer = self.ask(Call::post("cgi-bin/menu/addconditional", menu.clone()).once()).await?;
        answer.get("menuid").and_then(id).ok_or(ApiError::Busy)
    }

    /// Takes one conditional menu off; one that is not there (65301) is off already, as after a call whose answer was
    /// lost.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_conditional_menu(&self, id: &str) -> Result<(), ApiError> {
        limits::required("menuid", id)?;
        match self.ask(Call::post("cgi-bin/menu/delconditional", json!({ "menuid": id }))).await {
            Err(gone) if gone.code() == Some(65301) => Ok(()),
            done => done.map(drop),
        }
    }

    /// The buttons this customer sees (`trymatch`).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn try_menu(&self, openid: &Openid) -> Result<PlatformMenu, ApiError> {
        limits::required("user_id", openid.as_str())?;
        let mut answer = self.ask(Call::post("cgi-bin/menu/trymatch", json!({ "user_id": openid.as_str() }))).await?;
        // Told bare by some versions, below `menu` by others.
        let menu = answer.get_mut("menu").map(Value::take).unwrap_or(answer);
        Ok(platform_menu(menu))
    }

    /// The menu in use, also one that was made in the console.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn current_menu(&self) -> Result<CurrentMenu, ApiError> {
        self.read(Call::get("cgi-bin/get_current_selfmenu_info")).await
    }
}

fn platform_menu(mut menu: Value) -> PlatformMenu {
    let buttons = menu.get_mut("button").map_or_else(|| json!([]), Value::take);
    let rule = menu.get_mut("matchrule").map(Value::take).filter(|rule| !rule.is_null());
    PlatformMenu { buttons, id: menu.get("menuid").and_then(id), rule }
}

fn id(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| number(value).map(|id| id.to_string()))
}

fn check(menu: &Value) -> Checked {
    level(menu.get("button"), ("button", TOP))
}

fn level(buttons: Option<&Value>, (place, limits): (&str, Limits)) -> Checked {
    let none = Vec::new();
    let buttons = buttons.and_then(Value::as_array).unwrap_or(&none);
    limits::count(place, buttons.len(), 1..=limits.buttons)?;
    for (nth, button) in buttons.iter().enumerate() {
        let at = |field: &str| format!("{place}[{nth}].{field}");
        let text = |field: &str| button.get(field).and_then(Value::as_str).unwrap_or_default();
        limits::bytes(&at("name"), text("name"), 1..=limits.name_bytes)?;
        let below = button.get("sub_button").filter(|below| below.as_array().is_some_and(|below| !below.is_empty()));
        if let Some(below) = below {
            if !limits.parents {
                return Err(Invalid::new(at("sub_button"), "二级菜单下面不能再有菜单"));
            }
            level(Some(below), (&at("sub_button"), SUB))?;
            continue;
        }
        let Some((_, needed)) = BUTTON_TYPES.iter().find(|(kind, _)| *kind == text("type")) else {
            return Err(Invalid::new(at("type"), format!("平台没有「{}」这种按钮", text("type"))));
        };
        for field in *needed {
            let most = if *field == "url" { 1024 } else { 128 };
            limits::bytes(&at(field), text(field), 1..=most)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::stage::stage;
    use super::*;

    fn click(name: &str) -> Value {
        json!({"type": "click", "name": name, "key": "k"})
    }

    #[actix_web::test]
    async fn menus_are_made_read_tried_and_taken_off() {
        let stage = stage(&[
            "{}",
            r#"{"menu":{"button":[{"name":"查询"}],"menuid":208396938},
                "conditionalmenu":[{"button":[],"matchrule":{"tag_id":"2"},"menuid":"208396993"}]}"#,
            r#"{"errcode":46003,"errmsg":"menu no exist"}"#,
            r#"{"menuid":208379533}"#,
            r#"{"button":[{"name":"我"}]}"#,
            r#"{"is_menu_open":1,"selfmenu_info":{"button":[]}}"#,
            r#"{"errcode":46003}"#,
            r#"{"errcode":-1}"#,
            r#"{"errcode":65301,"errmsg":"menuid not exist"}"#,
        ]);
        let client = &stage.client;
        let menu = json!({"button": [click("查询")]});
        client.create_menu(&menu).await.unwrap();
        let menus = client.menus().await.unwrap().unwrap();
        assert_eq!((menus.default.id.as_deref(), menus.default.rule), (Some("208396938"), None));
        assert_eq!(menus.conditional[0].id.as_deref(), Some("208396993"));
        assert_eq!(menus.conditional[0].rule, Some(json!({"tag_id": "2"})));
        assert_eq!(client.menus().await, Ok(None));
        let some = json!({"button": [click("会员")], "matchrule": {"tag_id": "2"}});
        assert_eq!(client.add_conditional_menu(&some).await.as_deref(), Ok("208379533"));
        assert_eq!(client.try_menu(&"o1".into()).await.unwrap().buttons, json!([{"name": "我"}]));
        assert!(client.current_menu().await.unwrap().is_menu_open);
        assert_eq!(client.delete_menu().await, Ok(()));
        client.delete_conditional_menu("208379533").await.unwrap();
        let asked = stage.asked();
        assert_eq!(asked[0].line(), "POST cgi-bin/menu/create");
        assert_eq!(asked[0].text(), menu.to_string());
        assert_eq!(asked[1].line(), "GET cgi-bin/menu/get");
        assert_eq!(asked[4].json(), json!({"user_id": "o1"}));
        assert_eq!(asked[6].line(), "GET cgi-bin/menu/delete");
        assert_eq!(asked[7].json(), json!({"menuid": "208379533"}));
        stage.close().await;
    }

    #[test]
    fn what_the_platform_would_refuse_is_told_by_its_place() {
        let told = |menu: Value| check(&menu).err().map(|invalid| invalid.to_string()).unwrap_or_default();
        assert_eq!(told(json!({"button": []})), "button：有 0 个，至少要 1 个");
        assert_eq!(told(json!({"button": [click("六个汉字菜单")]})), "button[0].name：有 18 字节，最多 16 字节");
        let sub = json!({"button": [{"name": "更多", "sub_button": [{"type": "view", "name": "网站"}]}]});
        assert_eq!(told(sub), "button[0].sub_button[0].url：不能是空的");
        let deep = json!({"button": [{"name": "a", "sub_button": [{"name": "b", "sub_button": [click("c")]}]}]});
        assert_eq!(told(deep), "button[0].sub_button[0].sub_button：二级菜单下面不能再有菜单");
        assert_eq!(told(json!({"button": [{"name": "a", "type": "tap"}]})), "button[0].type：平台没有「tap」这种按钮");
        assert_eq!(told(json!({"button": [click("a"), click("b"), click("c")]})), "");
    }
}
