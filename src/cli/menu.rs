//! `fuwu menu`: the account's menus, on the platform and in the files.

mod fault;
mod preview;
mod pull;
mod push;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::explain::{on_one_line, print};
use super::platform::Platform;
use super::playbook_on_disk;
use crate::channel::official::api::Menus;
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;
use crate::domain::menu::{Button, Difference, MenuSet, differences};

#[derive(Debug, Subcommand)]
pub(super) enum MenuCommand {
    /// The menus that stand on the platform.
    Show,
    /// What the platform's menus and the files' differ in, slot by slot; exit 1 when they do.
    Diff,
    /// Puts the files' menus on the platform, and reads them back. What stood there before is kept.
    Push(PushArgs),
    /// Writes the platform's menus into the menu folder, keys and all; what is overwritten is copied beside itself first.
    Pull,
    /// What one customer with a tag sees.
    Preview {
        /// The tag's name or number.
        #[arg(long, value_name = "TAG")]
        tag: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct PushArgs {
    /// Puts back what stood there before the last push.
    #[arg(long)]
    rollback: bool,
}

/// The account meant, with its platform.
struct Desk<'a> {
    id: &'a AccountId,
    data_dir: &'a Path,
    account: &'a AccountSettings,
    platform: Platform,
}

pub(super) fn run(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    command: &MenuCommand,
) -> anyhow::Result<ExitCode> {
    let desk = Desk { id, data_dir: &settings.data_dir, account, platform: Platform::of(settings, (id, account))? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            MenuCommand::Show => desk.show().await,
            MenuCommand::Diff => desk.diff().await,
            MenuCommand::Push(PushArgs { rollback: false }) => desk.push().await,
            MenuCommand::Push(PushArgs { rollback: true }) => desk.roll_back().await,
            MenuCommand::Pull => desk.pull().await,
            MenuCommand::Preview { tag } => desk.preview(tag).await,
        }
    })
}

impl Desk<'_> {
    async fn show(&self) -> anyhow::Result<ExitCode> {
        let standing = self.standing().await?;
        if standing != MenuSet::default() {
            return print(&tree(&standing));
        }
        if let Some(console) = self.console().await? {
            return print(&format!("这个菜单是在公众平台后台设置的：\n{}", tree(&console)));
        }
        print("平台上没有菜单\n")
    }

    async fn diff(&self) -> anyhow::Result<ExitCode> {
        let files = self.files()?;
        let differ = differences(&self.standing().await?, &files);
        if differ.is_empty() {
            return print("平台上的菜单和文件一致\n");
        }
        print(&listed(&differ))?;
        Ok(ExitCode::from(1))
    }

    /// What the files say, if they are without errors.
    fn files(&self) -> anyhow::Result<MenuSet> {
        Ok(MenuSet::of_files(&playbook_on_disk(self.account)?.menus))
    }

    /// The menu that was made in the console, where customers see one. It is told by another call only.
    async fn console(&self) -> anyhow::Result<Option<MenuSet>> {
        let current = self.platform.client.current_menu().await.map_err(|error| self.fault(&error))?;
        let buttons = current.selfmenu_info.get("button").filter(|_| current.is_menu_open);
        Ok(buttons.map(|buttons| {
            let mut set = MenuSet::default();
            set.add_platforms(buttons, None);
            set
        }))
    }

    /// The platform's menus.
    async fn menus(&self) -> anyhow::Result<Option<Menus>> {
        self.platform.client.menus().await.map_err(|error| self.fault(&error))
    }

    async fn standing(&self) -> anyhow::Result<MenuSet> {
        Ok(set_of(self.menus().await?.as_ref()))
    }
}

/// What stands on the platform, which tells the latest conditional menu first.
pub(super) fn set_of(menus: Option<&Menus>) -> MenuSet {
    let mut set = MenuSet::default();
    if let Some(menu) = menus {
        set.add_platforms(&menu.default.buttons, None);
        for one in menu.conditional.iter().rev() {
            set.add_platforms(&one.buttons, Some(one.rule.as_ref().unwrap_or(&Value::Null)));
        }
    }
    set
}

fn listed(differ: &[Difference]) -> String {
    let mut told = String::new();
    for one in differ {
        let _ = writeln!(told, "{}", on_one_line(&one.to_string()));
    }
    let _ = writeln!(told, "共 {} 处不同", differ.len());
    told
}

fn tree(set: &MenuSet) -> String {
    let mut told = String::new();
    if let Some(everybody) = &set.everybody {
        told.push_str("默认菜单\n");
        told.push_str(&buttons(everybody));
    }
    for one in &set.conditional {
        let _ = writeln!(told, "个性化菜单（{}）", on_one_line(&one.rule.to_string()));
        told.push_str(&buttons(&one.button));
    }
    told
}

fn buttons(list: &[Button]) -> String {
    let mut told = String::new();
    for (top, button) in (1..).zip(list) {
        if button.sub_button.is_empty() {
            let _ = writeln!(told, "  {top}  {}", on_one_line(&button.to_string()));
            continue;
        }
        let _ = writeln!(told, "  {top}  「{}」", on_one_line(&button.name));
        for (sub, entry) in (1..).zip(&button.sub_button) {
            let _ = writeln!(told, "     {top}.{sub}  {}", on_one_line(&entry.to_string()));
        }
    }
    told
}
