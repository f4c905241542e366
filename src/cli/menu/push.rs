//! `fuwu menu push`: the files' menus onto the platform, and back.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Desk, listed, print, set_of};
use crate::channel::official::api::{ApiError, Menus, PlatformMenu};
use crate::domain::menu::{MenuSet, differences};

/// So often the platform is read until what was put there is told.
const LOOKS: usize = 3;
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The menus that stood on the platform before a push.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Whether the push that put others there was confirmed. One that was not leaves in place what is kept: half a menu
    /// is nothing to go back to.
    confirmed: bool,
    before: Wanted,
}

/// Menus as they are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Wanted {
    /// `None` without a menu.
    everybody: Option<Value>,
    /// In the order in which they are added.
    conditional: Vec<Value>,
}

impl Wanted {
    fn of(menus: Option<&Menus>) -> Self {
        let sent = |menu: &PlatformMenu| match &menu.rule {
            Some(rule) => json!({ "button": menu.buttons, "matchrule": rule }),
            None => json!({ "button": menu.buttons }),
        };
        menus.map_or_else(Self::default, |menus| Self {
            everybody: Some(sent(&menus.default)),
            conditional: menus.conditional.iter().rev().map(sent).collect(),
        })
    }

    fn set(&self) -> MenuSet {
        let mut set = MenuSet::default();
        for menu in self.everybody.iter().chain(&self.conditional) {
            let button = menu.get("button").unwrap_or(&Value::Null);
            set.add_platforms(button, menu.get("matchrule"));
        }
        set
    }
}

impl Desk<'_> {
    /// Puts the files' menus on the platform.
    pub(super) async fn push(&self) -> anyhow::Result<ExitCode> {
        let mut wanted = Wanted::default();
        for menu in &super::playbook_on_disk(self.account)?.menus {
            let sent = serde_json::to_value(menu)?;
            match menu.matchrule {
                Some(_) => wanted.conditional.push(sent),
                None => wanted.everybody = Some(sent),
            }
        }
        self.put(wanted).await
    }

    /// Puts back what stood there before the last push; what stands there now is kept in its stead.
    pub(super) async fn roll_back(&self) -> anyhow::Result<ExitCode> {
        let kept = self.kept()?.context("没有保存过以前的菜单；fuwu menu push 才会保存")?;
        self.put(kept.before).await
    }

    async fn put(&self, wanted: Wanted) -> anyhow::Result<ExitCode> {
        let standing = self.menus().await?;
        let (stands, files) = (set_of(standing.as_ref()), wanted.set());
        if stands == files {
            return print("平台上已经是这个菜单，没有改动\n");
        }
        let before = match self.kept()? {
            Some(kept) if !kept.confirmed => kept.before,
            _ => Wanted::of(standing.as_ref()),
        };
        self.keep(&Kept { confirmed: false, before: before.clone() })?;
        let done = self.send(standing.as_ref(), &wanted).await;
        // What was not answered may have been done: what is read afterwards decides.
        if let Err(error) = &done
            && !error.may_be_done()
        {
            return Err(self.platform.fault(error).context("没有全部推送；再推送一次，或用 --rollback 放回原来的菜单"));
        }
        let mut differ = differences(&self.standing().await?, &files);
        for _ in 1..LOOKS {
            if differ.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            differ = differences(&self.standing().await?, &files);
        }
        if !differ.is_empty() {
            print(&format!("推送后读回的菜单与要推送的不同：\n{}", listed(&differ)))?;
            done.map_err(|error| self.platform.fault(&error))?;
            return Ok(ExitCode::from(1));
        }
        self.keep(&Kept { confirmed: true, before })?;
        print("已推送，读回核对一致。要放回原来的菜单：fuwu menu push --rollback\n")
    }

    /// Everybody's menu first: without it there is no other (65303). Of the others those that stand in their place stay;
    /// after the first that does not, all are taken off and added in order, since the order decides who sees which.
    async fn send(&self, standing: Option<&Menus>, wanted: &Wanted) -> Result<(), ApiError> {
        let client = &self.platform.client;
        let (stands, files) = (set_of(standing), wanted.set());
        let Some(everybody) = &wanted.everybody else { return client.delete_menu().await };
        if stands.everybody != files.everybody {
            client.create_menu(everybody).await?;
        }
        let same =
            stands.conditional.iter().zip(&files.conditional).take_while(|(stands, file)| stands == file).count();
        let conditional = standing.map(|menus| menus.conditional.as_slice()).unwrap_or_default();
        for menu in conditional.iter().rev().skip(same) {
            if let Some(id) = &menu.id {
                client.delete_conditional_menu(id).await?;
            }
        }
        for menu in wanted.conditional.iter().skip(same) {
            client.add_conditional_menu(menu).await?;
        }
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.data_dir.join("menus").join(format!("{}.json", self.id))
    }

    fn kept(&self) -> anyhow::Result<Option<Kept>> {
        let file = self.file();
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .with_context(|| format!("{} 读不懂；看过内容后移走它再试", file.display())),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} 读不了", file.display())),
        }
    }

    /// Whole or not at all, also when the machine stops.
    fn keep(&self, kept: &Kept) -> anyhow::Result<()> {
        let file = self.file();
        let written = || -> std::io::Result<()> {
            let new = file.with_extension("json.new");
            file.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut open = fs::File::create(&new)?;
            open.write_all(&serde_json::to_vec_pretty(kept)?)?;
            open.sync_all()?;
            fs::rename(&new, &file)
        };
        written().with_context(|| format!("{} 写不了，没有推送", file.display()))
    }
}
