//! `fuwu referral`: the codes by which customers come.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::assemble::{rules, store_spec};
use super::customer::{at_server_below, key};
use super::platform::Platform;
use super::{Misused, playbook_on_disk, running};
use crate::app::{ChannelCode, CodeFault, channel_code, personal_code};
use crate::config::{AccountSettings, Settings};
use crate::domain::actions::Kind;
use crate::domain::ids::{AccountId, ActionKey, Channel, Openid, Scene};
use crate::domain::playbook::Playbook;
use crate::domain::poster::{CodePicture, code_picture};
use crate::store::{CustomerRef, StoreError};

/// No code carries a longer scene (platform.md 4.6).
const MOST_SCENE_CHARS: usize = 64;

#[derive(Debug, Subcommand)]
pub(super) enum ReferralCommand {
    /// The permanent code of a shop, an article, a colleague: made once, written as a picture to print, through the running
    /// server where there is one. Or what a customer's own code carries.
    Code(CodeArgs),
}

#[derive(Debug, Args)]
pub(super) struct CodeArgs {
    /// What the code carries, as `channels.toml` has it: store:nanjing.
    #[arg(long, value_name = "SCENE", value_parser = scene, requires = "out", required_unless_present = "campaign")]
    channel: Option<Scene>,
    /// The picture to write: a .png or .jpg file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The campaign whose code a customer has: the name of its file.
    #[arg(long, value_name = "CAMPAIGN", requires = "openid", conflicts_with = "channel")]
    campaign: Option<String>,
    /// Whose code.
    #[arg(value_name = "OPENID", requires = "campaign")]
    openid: Option<String>,
}

/// Also what the platform would take, and some phone or printer would not.
fn scene(text: &str) -> Result<Scene, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
    if text.is_empty() || text.chars().count() > MOST_SCENE_CHARS {
        return Err(format!(
            "场景值要有 1 到 {MOST_SCENE_CHARS} 个字符。a scene has 1 to {MOST_SCENE_CHARS} characters"
        ));
    }
    match text.chars().all(fits) {
        true => Ok(Scene::from(text)),
        false => Err("场景值只用字母、数字和 _-:。a scene is of letters, digits and _-:".into()),
    }
}

pub(super) fn run(
    settings: &Settings,
    whose: (&AccountId, &AccountSettings),
    command: &ReferralCommand,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        ReferralCommand::Code(CodeArgs { channel: Some(channel), out: Some(out), .. }) => {
            runtime.block_on(code(settings, whose, (channel, out)))
        }
        ReferralCommand::Code(CodeArgs { campaign: Some(campaign), openid: Some(openid), .. }) => {
            runtime.block_on(own_code(settings, whose, (&ActionKey::new(campaign), &Openid::new(openid))))
        }
        ReferralCommand::Code(_) => {
            let mend = "写 --channel SCENE --out FILE，或 --campaign CAMPAIGN OPENID。one of the two is wanted";
            Err(Misused(mend.to_owned()).into())
        }
    }
}

async fn code(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    (channel, out): (&Scene, &PathBuf),
) -> anyhow::Result<ExitCode> {
    // Nothing is asked for that could not be written: a permanent code cannot be taken back.
    let kind = kind_of(out)?;
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("没有文件夹 {0}。there is no folder {0}", folder.display());
    }
    let playbook = playbook_on_disk(account)?;
    let platform = Platform::of(settings, (id, account))?;
    let made = made(settings, (id, &platform), channel).await?;
    let picture = code_picture(&made.url, kind).map_err(|fault| anyhow!("{}：{}", fault.cause, fault.mend))?;
    std::fs::write(out, picture).with_context(|| format!("{} cannot be written", out.display()))?;
    print!("{}", told(&made, (channel, &playbook), (&platform.code_url(&made.ticket)?, out)));
    if playbook.channels.of(Some(channel)).as_str() == Channel::OTHER {
        eprintln!(
            "fuwu: channels.toml 里没有哪个渠道包含 {0}，扫码来的客户会计入“其他二维码”。no channel of channels.toml has \
             {0}: whoever comes by it counts as \"other\"",
            channel
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What a customer's own code carries; it is computed, and nothing is asked of the platform.
async fn own_code(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    (campaign, openid): (&ActionKey, &Openid),
) -> anyhow::Result<ExitCode> {
    let playbook = playbook_on_disk(account)?;
    if !matches!(playbook.actions.get(campaign), Some(Kind::Campaign(_))) {
        bail!("campaigns/ 里没有活动 {campaign}。there is no campaign {campaign}");
    }
    let of = CustomerRef { account: id.clone(), openid: openid.clone() };
    let (url, data_dir) = (settings.store_url.expose(), &settings.data_dir);
    let store = crate::store::open_to_export(url, data_dir, key(settings)?).await?;
    let code = personal_code(store.as_ref(), &rules(settings, key(settings)?)?.discretion, (&of, campaign)).await?;
    let Some(code) = code else {
        bail!("没有这位客户，或者从没关注过。there is no such customer, or they never followed");
    };
    println!("{code}");
    Ok(ExitCode::SUCCESS)
}

fn kind_of(file: &Path) -> Result<CodePicture, Misused> {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("png") => Ok(CodePicture::Png),
        Some("jpg" | "jpeg") => Ok(CodePicture::Jpeg),
        _ => Err(Misused("--out 要写成 .png 或 .jpg 文件。the file is a .png or a .jpg".to_owned())),
    }
}

fn told(made: &ChannelCode, (scene, playbook): (&Scene, &Playbook), (address, file): (&str, &Path)) -> String {
    let channel = playbook.channels.of(Some(scene));
    let age = if made.is_new { "新做的 made now" } else { "以前做过的 made before" };
    format!(
        "场景 scene     {scene}\n渠道 channel   {}（{channel}）\n内容 inside    {}\n地址 ticket    {address}\n图片 picture   \
         {}（{age}）\n",
        playbook.channel_title(&channel),
        made.url,
        file.display()
    )
}

async fn made(
    settings: &Settings,
    (id, platform): (&AccountId, &Platform),
    scene: &Scene,
) -> anyhow::Result<ChannelCode> {
    let (url, data_dir) = (settings.store_url.expose(), &settings.data_dir);
    match crate::store::open(url, data_dir, store_spec(settings)?, key(settings)?).await {
        Ok(store) => {
            let made = channel_code((store.as_ref(), &platform.client), id, scene).await;
            store.close().await?;
            made.map_err(|fault| match fault {
                CodeFault::Platform(error) => platform.fault(&error),
                CodeFault::Store(error) => error.into(),
            })
        }
        Err(StoreError::Locked(_)) => at_running_server(settings, id, scene).await,
        Err(error) => Err(error.into()),
    }
}

/// The running server holds the store, so it is asked.
async fn at_running_server(settings: &Settings, id: &AccountId, scene: &Scene) -> anyhow::Result<ChannelCode> {
    let (mut url, token) = at_server_below(settings, "codes")?;
    url.query_pairs_mut().append_pair("account", id.as_str()).append_pair("scene", scene.as_str());
    let (status, body) = running::post((url, token)).await?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match status {
        200 => {
            let is_new = body.get("is_new").and_then(Value::as_bool).unwrap_or_default();
            Ok(ChannelCode { ticket: text("ticket"), url: text("url"), is_new })
        }
        _ => bail!("{}\n{}", text("mend"), text("error")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::{ChannelRule, Channels};

    #[test]
    fn a_scene_that_some_phone_would_lose_is_refused() {
        for good in ["store:nanjing", "a", "0_-:Z"] {
            assert_eq!(scene(good).as_ref().map(Scene::as_str), Ok(good));
        }
        for bad in ["", "店", "a b", "a&b", &"x".repeat(65)] {
            assert!(scene(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_file_says_what_kind_of_picture_it_is() {
        assert_eq!(kind_of(Path::new("a/b.PNG")).unwrap(), CodePicture::Png);
        assert_eq!(kind_of(Path::new("b.jpeg")).unwrap(), CodePicture::Jpeg);
        for bad in ["b.gif", "b", "png", ".png/b"] {
            assert!(kind_of(Path::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_was_made_is_told_with_the_channel_it_counts_for() {
        let rule = ChannelRule { title: "营业厅".into(), scenes: vec!["store:*".into()] };
        let playbook = Playbook { channels: Channels([("store".into(), rule)].into()), ..Playbook::default() };
        let made = ChannelCode { ticket: "T".into(), url: "http://weixin.qq.com/q/02".into(), is_new: true };
        let told = |scene: &str| told(&made, (&scene.into(), &playbook), ("http://there/T", Path::new("a.png")));
        insta::assert_snapshot!(told("store:nanjing"), @r"
        场景 scene     store:nanjing
        渠道 channel   营业厅（store）
        内容 inside    http://weixin.qq.com/q/02
        地址 ticket    http://there/T
        图片 picture   a.png（新做的 made now）
        ");
        assert!(told("fair").contains("其他二维码（other）"));
    }
}
