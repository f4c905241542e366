//! Personal codes at the edge: opened when somebody comes by one, sealed when somebody asks for theirs. Only here is the
//! key at hand.

use super::{App, Discretion};
use crate::domain::actions::CodeFor;
use crate::domain::ids::{ActionKey, Openid, Scene};
use crate::domain::inbound::{Event, Inbound, Message, What};
use crate::domain::referral::code::{CodeKey, Contents, PREFIX, Tag, in_words};
use crate::domain::referral::opened::Opened;
use crate::domain::referral::{Friend, Inviter};
use crate::store::{CustomerRef, Store, StoreError};

impl Discretion {
    fn code_key(&self) -> CodeKey {
        CodeKey::new(self.key.mark(&[b"", b"personal code"]))
    }

    fn pseudonym(&self, purpose: &[u8], of: &CustomerRef) -> u64 {
        let mark = self.key.mark(&[b"", purpose, of.account.as_str().as_bytes(), of.openid.as_str().as_bytes()]);
        mark.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A customer, as numbers name them where they invite.
    pub fn inviter(&self, of: &CustomerRef) -> Inviter {
        Inviter(self.pseudonym(b"inviter", of))
    }

    /// A customer, as an inviter's record names them.
    pub fn friend(&self, of: &CustomerRef) -> Friend {
        Friend(self.pseudonym(b"friend", of))
    }

    /// The code of a customer. `None` for an openid that is too long for one, which no platform hands out.
    pub fn code(&self, of: &CustomerRef, wanted: CodeFor) -> Option<Scene> {
        let contents = Contents { tag: wanted.tag, owner: of.openid.clone(), since: wanted.since };
        self.code_key().seal(&of.account, &contents)
    }

    /// Whose code it is.
    pub(super) fn owner(&self, of: &CustomerRef, code: &Scene) -> Option<Openid> {
        Some(self.code_key().open(&of.account, code)?.owner)
    }

    /// The personal code that came with a delivery, if one did.
    pub(super) fn opened(&self, of: &CustomerRef, inbound: &Inbound) -> Option<Opened> {
        let (scene, written) = match &inbound.what {
            What::Event(Event::Subscribed { scene: Some(scene), .. } | Event::Scanned { scene, .. }) => {
                (scene.as_str().starts_with(PREFIX).then(|| scene.clone())?, false)
            }
            What::Message(Message::Text { content, .. }) => (in_words(content)?, true),
            _ => return None,
        };
        let Contents { tag, owner, since } = self.code_key().open(&of.account, &scene)?;
        let theirs = CustomerRef { account: of.account.clone(), openid: owner };
        Some(Opened {
            tag,
            scene,
            inviter: self.inviter(&theirs),
            owner_as_friend: self.friend(&theirs),
            owner: theirs.openid,
            since,
            friend: self.friend(of),
            written,
        })
    }
}

/// The code of a customer in a campaign, as their poster carries it; `None` for somebody who never followed.
///
/// # Errors
/// As the store answers.
pub async fn personal_code(
    store: &dyn Store,
    discretion: &Discretion,
    (of, campaign): (&CustomerRef, &ActionKey),
) -> Result<Option<Scene>, StoreError> {
    let follow = store.load(of).await?.customer.follow;
    let wanted = follow.first_at.map(|since| CodeFor { tag: Tag::of(campaign), since });
    Ok(wanted.and_then(|wanted| discretion.code(of, wanted)))
}

impl App {
    /// [`personal_code`] of a customer here.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn personal_code(&self, of: &CustomerRef, campaign: &ActionKey) -> Result<Option<Scene>, StoreError> {
        personal_code(self.store.as_ref(), &self.rules.discretion, (of, campaign)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forget::Forget;
    use crate::domain::ids::DedupeKey;
    use crate::domain::referral::code::Tag;
    use crate::domain::time::UnixSecs;
    use crate::store::PseudonymKey;

    fn of(openid: &str) -> CustomerRef {
        CustomerRef { account: "demo".into(), openid: openid.into() }
    }

    fn inbound(what: What) -> Inbound {
        Inbound { openid: "friend".into(), at: UnixSecs(9), key: DedupeKey(1), what }
    }

    #[test]
    fn a_code_is_opened_wherever_it_comes_and_nothing_else_is() {
        let key = PseudonymKey::new("a secret of at least thirty-two bytes");
        let discretion = Discretion { forget: Forget::Tombstone, keep_days: 180, key };
        let tag = Tag::of(&"spring".into());
        let scene = discretion.code(&of("owner"), CodeFor { tag, since: UnixSecs(5) }).unwrap();
        let followed = |scene: Option<Scene>| What::Event(Event::Subscribed { scene, ticket: None, other_key: None });
        let text = |content: String| What::Message(Message::Text { content, menu_id: None });
        for (what, written) in [
            (followed(Some(scene.clone())), false),
            (What::Event(Event::Scanned { scene: scene.clone(), ticket: None }), false),
            (text(format!("把 {scene} 发给公众号")), true),
        ] {
            let opened = discretion.opened(&of("friend"), &inbound(what)).unwrap();
            assert_eq!((opened.written, opened.tag, opened.since), (written, tag, UnixSecs(5)));
            assert_eq!((opened.owner, opened.inviter), ("owner".into(), discretion.inviter(&of("owner"))));
            assert_eq!(opened.friend, discretion.friend(&of("friend")));
            assert_ne!(opened.friend, opened.owner_as_friend);
        }
        for what in
            [followed(None), followed(Some("store:1".into())), followed(Some("i_forged".into())), text("你好".into())]
        {
            assert_eq!(discretion.opened(&of("friend"), &inbound(what)), None);
        }
    }
}
