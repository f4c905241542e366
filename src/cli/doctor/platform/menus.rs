//! Whether the menus on the platform are those of the files (platform.md 4.5).

use super::{Enough, Patient};
use crate::channel::official::api::Menus;
use crate::cli::doctor::finding::Findings;
use crate::cli::menu::set_of;
use crate::config::playbook::read;
use crate::domain::menu::{Menu, MenuSet};

impl Patient<'_> {
    pub(super) async fn menus(&self, findings: &mut Findings) -> Result<(), Enough> {
        let id = self.id.as_str();
        let (Some(playbook), _) = read(&self.settings.dirs) else {
            findings.fault(
                format!("账号 {id} 的话术和菜单文件有误，请运行 fuwu check"),
                format!("the playbook of account {id} cannot be used: run fuwu check"),
            );
            return Ok(());
        };
        // An account without the right to menus was told of already.
        if let Ok(there) = self.ask(self.client.menus(), findings).await? {
            compared((id, &playbook.menus), there, findings);
        }
        Ok(())
    }
}

fn compared((id, files): (&str, &[Menu]), there: Option<Menus>, findings: &mut Findings) {
    let (there, files) = (set_of(there.as_ref()), MenuSet::of_files(files));
    let in_step = there.everybody == files.everybody;
    if !in_step {
        let (chinese, english) = match (&files.everybody, &there.everybody) {
            (None, _) => ("平台上有菜单，文件里没有", "the platform has a menu, the files have none"),
            (Some(_), None) => ("文件里的菜单还没有发布", "the menu of the files is not published"),
            _ => ("平台上的菜单与文件不一样", "the platform's menu is not that of the files"),
        };
        findings.fault(
            format!("账号 {id}：{chinese}；用 fuwu menu diff 看差别，用 fuwu menu push 发布"),
            format!("account {id}: {english}: fuwu menu diff tells the difference, fuwu menu push publishes"),
        );
    }
    let (wanted, found) = (files.conditional.len(), there.conditional.len());
    if files.conditional != there.conditional {
        findings.warning(
            format!(
                "账号 {id} 的个性化菜单：文件里 {wanted} 个，平台上 {found} 个，内容或先后不一致；用 fuwu menu push 发布"
            ),
            format!(
                "the conditional menus of account {id} or their order differ: {wanted} in the files, {found} on the \
                 platform; fuwu menu push publishes them"
            ),
        );
    } else if in_step {
        findings.ok(
            format!("账号 {id} 平台上的菜单与文件一致"),
            format!("the menus of account {id} are those of the files"),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::channel::official::api::PlatformMenu;

    fn file(text: &Value) -> Menu {
        serde_json::from_value(text.clone()).unwrap()
    }

    fn told(files: &[Menu], there: Option<Menus>) -> String {
        let mut findings = Findings::default();
        compared(("a", files), there, &mut findings);
        findings.to_string()
    }

    #[test]
    fn what_the_platform_adds_is_no_difference_and_every_other_is() {
        let button = json!([{ "type": "click", "name": "查询", "key": "q" }]);
        let everybody = file(&json!({ "button": button }));
        let some = file(&json!({ "button": button, "matchrule": { "tag_id": "2" } }));
        let there = |buttons: Value| PlatformMenu { buttons, id: Some("1".into()), rule: None };
        let added = there(json!([{ "type": "click", "name": "查询", "key": "q", "sub_button": [] }]));
        let of_some = PlatformMenu { rule: Some(json!({ "tag_id": 2, "sex": "" })), ..added.clone() };
        let menus = |default: &PlatformMenu, conditional: &[PlatformMenu]| {
            Some(Menus { default: default.clone(), conditional: conditional.to_vec() })
        };
        let files = [everybody.clone(), some];
        assert!(told(&files, menus(&added, std::slice::from_ref(&of_some))).starts_with("正常"));
        assert!(told(&files, menus(&added, &[])).starts_with("注意"));
        assert!(told(&files[..1], menus(&added, std::slice::from_ref(&of_some))).starts_with("注意"));
        // Of several that match the latest is shown, so their order counts; the platform tells the latest first.
        let another = PlatformMenu { rule: Some(json!({ "tag_id": 3 })), ..added.clone() };
        let two =
            [files[0].clone(), files[1].clone(), file(&json!({ "button": button, "matchrule": { "tag_id": "3" } }))];
        assert!(told(&two, menus(&added, &[another.clone(), of_some.clone()])).starts_with("正常"));
        assert!(told(&two, menus(&added, &[of_some, another])).starts_with("注意"));
        let other = there(json!([{ "type": "click", "name": "查", "key": "q" }]));
        assert!(told(&files[..1], menus(&other, &[])).contains("is not that of the files"));
        assert!(told(&files[..1], None).contains("is not published"));
        assert!(told(&[], menus(&added, &[])).contains("the files have none"));
        assert!(told(&[], None).starts_with("正常"));
    }
}
