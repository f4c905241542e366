//! `fuwu menu preview`: the menu as one customer with a tag sees it.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::bail;

use super::{Desk, buttons, print};
use crate::channel::official::api::{Tag, TagId};
use crate::cli::explain::on_one_line;
use crate::domain::menu::MenuSet;

impl Desk<'_> {
    /// Asks the platform what a customer with the tag sees; where nobody has it, its rules say it. Beside it stands what
    /// the files would show.
    pub(super) async fn preview(&self, named: &str) -> anyhow::Result<ExitCode> {
        let files = self.files()?;
        let fault = |error| self.fault(&error);
        let client = &self.platform.client;
        let tag = found(client.tags().await.map_err(fault)?, named)?;
        let title = format!("标签「{}」（{}）", on_one_line(&tag.name), tag.id);
        let someone = client.tagged(TagId(tag.id), None).await.map_err(fault)?.openids.into_iter().next();
        let mut told = String::new();
        let id = tag.id.to_string();
        let seen = match someone {
            Some(openid) => {
                let _ = writeln!(told, "{title}的一位客户在平台上看到：");
                let mut set = MenuSet::default();
                set.add_platforms(&client.try_menu(&openid).await.map_err(fault)?.buttons, None);
                set.everybody.unwrap_or_default()
            }
            None => {
                let _ = writeln!(told, "还没有客户有{title}；按平台上的菜单，只有这个标签的客户会看到：");
                self.standing().await?.seen_with(&id).unwrap_or_default().to_vec()
            }
        };
        let planned = files.seen_with(&id).unwrap_or_default();
        let none = |list: &str| if list.is_empty() { "  没有菜单\n".to_owned() } else { list.to_owned() };
        told.push_str(&none(&buttons(&seen)));
        if planned == seen {
            told.push_str("文件里也是这样\n");
        } else {
            let _ = write!(told, "文件里，只有这个标签的客户会看到：\n{}", none(&buttons(planned)));
        }
        print(&told)
    }
}

/// By its name, else by its number.
fn found(tags: Vec<Tag>, named: &str) -> anyhow::Result<Tag> {
    let known = tags.iter().map(|tag| format!("{}（{}）", on_one_line(&tag.name), tag.id)).collect::<Vec<_>>();
    let by_name = tags.iter().position(|tag| tag.name == named);
    let at = by_name.or_else(|| tags.iter().position(|tag| tag.id.to_string() == named));
    match at.and_then(|at| tags.into_iter().nth(at)) {
        Some(tag) => Ok(tag),
        None if known.is_empty() => bail!("没有标签「{named}」，账号还没有任何标签"),
        None => bail!("没有标签「{named}」，现有：{}", known.join("、")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_by_name_before_its_number() {
        let tag = |id, name: &str| Tag { id, name: name.into(), count: 0 };
        let tags = || vec![tag(100, "老客户"), tag(101, "100")];
        let id = |named| found(tags(), named).map(|tag| tag.id).ok();
        assert_eq!([id("老客户"), id("100"), id("101"), id("新")], [Some(100), Some(101), Some(101), None]);
        assert!(found(tags(), "新").unwrap_err().to_string().contains("老客户（100）"));
    }
}
