//! One account as it is served: its channel, its playbook, its business system, its way to the platform.

use std::sync::Arc;

use url::Url;

use crate::backend::{Backend, pay};
use crate::channel::official;
use crate::config::playbook::Live;
use crate::domain::ids::AccountId;
use crate::domain::playbook::Playbook;
use crate::domain::reach::Rights;

/// One account.
pub struct ServedAccount {
    /// Verifies, opens and seals.
    pub channel: official::Account,
    /// The playbook, swapped when its files change.
    pub playbook: Live,
    /// The operator's business system.
    pub backend: Backend,
    /// The platform's API.
    pub platform: official::api::Client,
    /// Its way to the payment platform; `None` for an account that takes no payments.
    pub merchant: Option<pay::Client>,
    /// What an account of its kind has a right to (platform.md part 5).
    pub rights: Rights,
    /// Where customers reach this server, without a slash at the end: what a text names by a path alone is there.
    pub site: String,
}

impl ServedAccount {
    /// Its name in the settings.
    pub fn id(&self) -> &AccountId {
        self.channel.id()
    }

    /// Where the payment platform tells of payments and refunds; `None` when the site is no address.
    pub fn pay_notify_url(&self) -> Option<Url> {
        Url::parse(&format!("{}/pay/{}/notify", self.site, self.id())).ok()
    }

    /// The playbook of this moment. A decision uses one from beginning to end.
    pub fn playbook(&self) -> Arc<Playbook> {
        self.playbook.current()
    }
}
