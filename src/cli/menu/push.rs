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
use crate::domain::menu::{Difference, MenuSet, differences};

/// So often the platform is read until what was put there is told.
const LOOKS: usize = 3;
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Which way menus go onto the platform.
#[derive(Clone, Copy)]
enum Way {
    /// The files'.
    There,
    /// Those that stood there before.
    Back,
}

impl Way {
    /// Some of it is there.
    fn again(self) -> &'static str {
        match self {
            Self::There => "没有全部推送；改正后再推送一次，或用 fuwu menu push --rollback 放回原来的菜单",
            Self::Back => "没有全部放回；改正后再运行一次 fuwu menu push --rollback",
        }
    }

    /// Nobody knows how much of it is there.
    fn unknown(self) -> &'static str {
        match self {
            Self::There => {
                "推送到哪一步还不知道；等平台恢复，用 fuwu menu diff 看差别，再推送一次，或用 \
                 fuwu menu push --rollback 放回原来的菜单"
            }
            Self::Back => "放回到哪一步还不知道；等平台恢复，再运行一次 fuwu menu push --rollback",
        }
    }

    /// What the operator reads when it is done; `before` is kept for the next `--rollback`.
    fn done(self, wanted: &Wanted, before: &Wanted) -> &'static str {
        match (self, wanted.everybody.is_some()) {
            // Of a push that broke off half a menu stood there, and that is nothing to go back to.
            (Self::Back, true) if before == wanted => "已放回上次推送之前的菜单，读回核对一致",
            (Self::Back, false) if before == wanted => "上次推送之前平台上没有菜单，已把菜单全部撤下",
            (Self::There, true) => "已推送，读回核对一致。要放回原来的菜单：fuwu menu push --rollback",
            (Self::There, false) => {
                "文件夹里没有菜单，已把平台上的菜单全部撤下。要放回原来的菜单：fuwu menu push --rollback"
            }
            (Self::Back, true) => "已放回上次推送之前的菜单，读回核对一致。再运行一次 --rollback 就换回来",
            (Self::Back, false) => "上次推送之前平台上没有菜单，已把菜单全部撤下。再运行一次 --rollback 就换回来",
        }
    }
}

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
        self.put(wanted, Way::There).await
    }

    /// Puts back what stood there before the last push; what stands there now is kept in its stead.
    pub(super) async fn roll_back(&self) -> anyhow::Result<ExitCode> {
        let kept = self.kept()?.context("没有保存过以前的菜单；fuwu menu push 才会保存")?;
        self.put(kept.before, Way::Back).await
    }

    async fn put(&self, wanted: Wanted, way: Way) -> anyhow::Result<ExitCode> {
        let standing = self.menus().await?;
        let (stands, files) = (set_of(standing.as_ref()), wanted.set());
        let kept = self.kept()?;
        if stands == files {
            // A push whose end nobody heard of was done all the same.
            if let Some(Kept { confirmed: false, before }) = kept {
                self.keep(&Kept { confirmed: true, before })?;
            }
            return print("平台上已经是这个菜单，没有改动\n");
        }
        // The interface puts another menu in its stead, and has no call that puts it back.
        let console = if standing.is_none() { self.console().await? } else { None };
        let before = match kept {
            Some(kept) if !kept.confirmed => kept.before,
            _ => Wanted::of(standing.as_ref()),
        };
        self.keep(&Kept { confirmed: false, before: before.clone() })?;
        let done = self.send(standing.as_ref(), &wanted).await;
        // What was not answered may have been done: what is read afterwards decides.
        if let Err(error) = &done
            && !error.may_be_done()
        {
            return Err(self.broken_off((error, way), (&stands, &files)).await);
        }
        let differ = match self.read_back(&files).await {
            Ok(differ) => differ,
            Err(error) => return Err(error.context(way.unknown())),
        };
        if !differ.is_empty() {
            print(&format!("推送后读回的菜单与要推送的不同：\n{}", listed(&differ)))?;
            done.map_err(|error| self.fault(&error).context(way.again()))?;
            return Ok(ExitCode::from(1));
        }
        let mut told = way.done(&wanted, &before).to_owned() + "\n";
        self.keep(&Kept { confirmed: true, before })?;
        if console.is_some() {
            told.push_str("原来在公众平台后台设置的菜单不再显示，--rollback 放不回它；要用它请到后台重新启用\n");
        }
        print(&told)
    }

    /// What the platform has otherwise than it should; looked for again while it still tells the former menu.
    async fn read_back(&self, files: &MenuSet) -> anyhow::Result<Vec<Difference>> {
        let mut differ = differences(&self.standing().await?, files);
        for _ in 1..LOOKS {
            if differ.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            differ = differences(&self.standing().await?, files);
        }
        Ok(differ)
    }

    /// Why a push broke off, with what stands on the platform now.
    async fn broken_off(&self, (error, way): (&ApiError, Way), (before, files): (&MenuSet, &MenuSet)) -> anyhow::Error {
        let fault = self.fault(error);
        match self.standing().await {
            Ok(now) if now == *before => fault.context("没有推送，平台上的菜单没有变"),
            Ok(now) => {
                let left = listed(&differences(&now, files));
                match print(&format!("只推送了一部分，平台上现在与要推送的还有不同：\n{left}")) {
                    Ok(_) => fault.context(way.again()),
                    Err(unprinted) => unprinted,
                }
            }
            Err(_) => fault.context(way.unknown()),
        }
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
