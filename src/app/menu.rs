//! The account's menu on the platform, as the playbook has it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::ServedAccount;
use crate::domain::menu::Menu;

/// So long until a menu that was not taken is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// What is known of the menu on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// Nothing yet: one of an earlier run may stand there.
    Unknown,
    /// This one, or none.
    Known(Option<Menu>),
}

impl ServedAccount {
    /// Publishes everybody's menu if it differs from the published one, or takes that off if the playbook has none any
    /// more, and says how things stand then. What the platform does not take is told in the log.
    pub async fn publish_menu(&self, published: Published) -> Published {
        let wanted = self.wanted_menu();
        if published == wanted {
            return published;
        }
        let done = match &wanted {
            Published::Known(Some(menu)) => match serde_json::to_value(menu) {
                Ok(menu) => self.platform.create_menu(&menu).await,
                Err(_) => return published,
            },
            _ => self.platform.delete_menu().await,
        };
        match done {
            Ok(()) => wanted,
            Err(error) => {
                tracing::warn!(account = %self.id(), %error, "the menu was not published");
                published
            }
        }
    }

    fn wanted_menu(&self) -> Published {
        Published::Known(self.playbook().menus.iter().find(|menu| menu.matchrule.is_none()).cloned())
    }

    /// Follows the playbook until told to stop. What was not taken is tried again, so that one bad moment does not
    /// leave the old menu standing.
    pub async fn keep_menu_published(self: Arc<Self>, mut published: Published, mut stopped: watch::Receiver<bool>) {
        let mut changed = self.playbook.changed();
        while !*stopped.borrow() {
            published = self.publish_menu(published).await;
            let taken = published == self.wanted_menu();
            tokio::select! {
                heard = changed.changed() => if heard.is_err() { return },
                heard = stopped.changed() => if heard.is_err() { return },
                () = tokio::time::sleep(AGAIN), if !taken => {}
            }
        }
    }
}
