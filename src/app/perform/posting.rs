//! Posters to customers: made or found (`app::poster`), and then sent as every message is ([`super::sending`]), as a picture
//! in the open window. Where that cannot be, the words that stand for it are said by the path that is open, so that nobody
//! who asked for a poster is left with nothing.

use std::sync::Arc;

use super::super::outbox::next_try;
use super::super::poster::{Made, Wanted};
use super::super::{App, ServedAccount};
use super::Tried;
use super::sending::Said;
use crate::domain::ids::{ActionKey, Scene};
use crate::domain::reach::{CallState, Message, Reach, reach};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, StoreError};

/// 40007: the platform knows the media id no more.
const MEDIA_GONE: i64 = 40007;
/// Words need so long to get out before the window closes.
const SAID_BEFORE_SECS: i64 = 2;

impl App {
    /// Shows a customer the poster of an action.
    pub(super) async fn post(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        (action, scene, alone): (&ActionKey, &Scene, &Reply),
    ) -> Result<Tried, StoreError> {
        let playbook = account.playbook();
        let (Some(handed_out), Some(until)) = (playbook.posters.get(action), self.window_for(account, claimed).await?)
        else {
            return self.send(account, claimed, alone).await;
        };
        let wanted = Wanted { campaign: &handed_out.campaign, scene, poster: &handed_out.poster };
        let media_id = match self.poster(account, &wanted).await? {
            Made::Media(media_id) => media_id,
            Made::NoCode => return self.send(account, claimed, alone).await,
            Made::Later(at) => {
                let now = self.clock.now();
                let next = at.unwrap_or(next_try(claimed, now)).max(now.plus_secs(1));
                // By then nothing could be shown: the words are, while they can be.
                let last = claimed.work.expires.min(until).plus_secs(-SAID_BEFORE_SECS);
                if next > last {
                    return self.send(account, claimed, alone).await;
                }
                return Ok(Tried::Until(next));
            }
        };
        let shown = Reply::Image { media_id: media_id.clone() };
        match self.show(account, claimed, (alone, Some(&shown))).await? {
            Said::Tried(tried) => Ok(tried),
            Said::NotShown(error) if error.code() == Some(MEDIA_GONE) => {
                tracing::warn!(account = %account.id(), "a poster is gone from the platform before its time; it is made anew");
                self.forget_picture(account, &wanted, &media_id).await?;
                Ok(Tried::Again)
            }
            Said::NotShown(error) => {
                let mend = error.in_words();
                tracing::error!(account = %account.id(), %error, mend, "a poster was refused; words go in its place");
                self.send(account, claimed, alone).await
            }
        }
    }

    /// Until when the customer takes a picture, if they do and this message has not been begun yet.
    async fn window_for(&self, account: &ServedAccount, claimed: &Claimed) -> Result<Option<UnixSecs>, StoreError> {
        let customer = self.store.load(&claimed.of).await?.customer;
        if customer.ways.call(&claimed.work.id) != CallState::None {
            return Ok(None);
        }
        let now = self.clock.now();
        let message = Message::of(&claimed.work, claimed.work.expires);
        Ok(match message.map(|message| reach(&message, &customer, &self.rights(account, now), now)) {
            Some(Reach::CustomerService { until, .. }) => Some(until),
            _ => None,
        })
    }
}
