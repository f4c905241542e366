//! The account's menu on the platform, as the playbook has it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::ServedAccount;
use crate::domain::menu::Menu;

/// So long until a menu that was not taken is tried again.
const AGAIN: Duration = Duration::from_secs(30);

impl ServedAccount {
    /// Publishes everybody's menu if it differs from the published one, and says which stands. A menu that the platform
    /// does not take is told in the log.
    pub async fn publish_menu(&self, published: Option<Menu>) -> Option<Menu> {
        let playbook = self.playbook();
        let wanted = playbook.menus.iter().find(|menu| menu.matchrule.is_none())?;
        if published.as_ref() == Some(wanted) {
            return published;
        }
        let menu = serde_json::to_value(wanted).ok()?;
        match self.platform.create_menu(&menu).await {
            Ok(()) => Some(wanted.clone()),
            Err(error) => {
                tracing::warn!(account = %self.id(), %error, "the menu was not published");
                published
            }
        }
    }

    /// Follows the playbook until told to stop. What was not taken is tried again, so that one bad moment does not
    /// leave the old menu standing.
    pub async fn keep_menu_published(self: Arc<Self>, mut published: Option<Menu>, mut stopped: watch::Receiver<bool>) {
        let mut changed = self.playbook.changed();
        while !*stopped.borrow() {
            published = self.publish_menu(published).await;
            let taken = published.as_ref() == self.playbook().menus.iter().find(|menu| menu.matchrule.is_none());
            tokio::select! {
                heard = changed.changed() => if heard.is_err() { return },
                heard = stopped.changed() => if heard.is_err() { return },
                () = tokio::time::sleep(AGAIN), if !taken => {}
            }
        }
    }
}
