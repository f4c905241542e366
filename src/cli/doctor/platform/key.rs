//! What the settings alone tell: secret and mode (platform.md 1.3). A token or key that cannot be one is refused with the
//! settings, before anything is looked at.

use crate::cli::doctor::finding::Findings;
use crate::config::AccountSettings;
use crate::config::settings::{AccountKind, Mode};
use crate::domain::ids::AccountId;

pub(super) fn look(id: &AccountId, account: &AccountSettings, findings: &mut Findings) {
    if account.app_secret.is_none() {
        findings.warning(
            format!(
                "账号 {id} 没有 AppSecret，只能当场回复，不能发菜单、客服消息和二维码；请写 accounts.{id}.app_secret"
            ),
            format!(
                "account {id} has no AppSecret: it can only answer deliveries, and make no menus, messages or codes; \
                 set accounts.{id}.app_secret"
            ),
        );
    }
    match account.mode {
        Mode::Safe => findings.ok(
            format!("账号 {id} 收发都加密（安全模式）"),
            format!("deliveries and replies of account {id} are encrypted (safe mode)"),
        ),
        // The platform has no other mode for a test account.
        Mode::Plain if account.kind == AccountKind::Test => findings.ok(
            format!("账号 {id} 是测试号，只有明文模式"),
            format!("account {id} is a test account, which has the plain mode only"),
        ),
        Mode::Compatible | Mode::Plain => {
            let (chinese, english) =
                if account.mode == Mode::Plain { ("明文模式", "plain") } else { ("兼容模式", "compatible") };
            findings.warning(
                format!(
                    "账号 {id} 用的是{chinese}，消息内容不只以密文传送；请在后台改为安全模式，写好 aes_key，再把 \
                     accounts.{id}.mode 改为 safe"
                ),
                format!(
                    "account {id} is in the {english} mode, so that messages travel in clear: choose the safe mode in \
                     the console, set aes_key, then accounts.{id}.mode = \"safe\""
                ),
            );
        }
    }
}
