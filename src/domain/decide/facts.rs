//! The facts that a delivery is: which they are does not depend on what is decided.

use super::Subject;
use crate::domain::fact::{FactKind, Invited};
use crate::domain::ids::Scene;
use crate::domain::inbound::{Event, Message, What};
use crate::domain::playbook::Playbook;
use crate::domain::referral::{code, verdict};
use crate::domain::route::{Because, words};
use crate::domain::{digits, menu, reach};

/// So much of what nobody could answer is kept.
const UNANSWERED_CHARS: usize = 64;
/// No code carries a longer scene (platform.md 4.6).
const SCENE_CHARS: usize = 64;

/// What a delivery is, whatever becomes of it.
pub(super) fn own_facts(subject: Subject<'_>, playbook: &Playbook) -> Vec<FactKind> {
    match subject.invited {
        Some(invited) => {
            vec![FactKind::Invited(Box::new(invited.clone())), brought_fact(subject, invited, playbook)]
        }
        None => vec![own_fact(&subject.inbound.what, playbook)],
    }
}

/// The fact that a delivery is, whatever becomes of it.
fn own_fact(what: &What, playbook: &Playbook) -> FactKind {
    let event = match what {
        What::Message(Message::Device { .. }) => return FactKind::Reported { kind: what.name().into() },
        What::Message(_) => return FactKind::Messaged,
        What::Event(event) => event,
    };
    match event {
        Event::Subscribed { scene, .. } => {
            FactKind::Followed { scene: scene.as_ref().map(cut_scene), channel: playbook.channels.of(scene.as_ref()) }
        }
        Event::Unsubscribed => FactKind::Unfollowed,
        Event::Scanned { scene, .. } => FactKind::Scanned { scene: cut_scene(scene) },
        Event::MenuTapped { key }
        | Event::CodeRead { key, .. }
        | Event::PicturesPicked { key, .. }
        | Event::PlacePicked { key, .. } => FactKind::Tapped { key: cut_key(key) },
        Event::LinkOpened { url, .. } => FactKind::Tapped { key: cut_key(url) },
        Event::MiniProgramOpened { page_path, .. } => FactKind::Tapped { key: cut_key(page_path) },
        Event::AgentJoined { .. } => FactKind::HandedOver,
        Event::AgentLeft { .. } => FactKind::HandedBack,
        Event::Unknown { name } => FactKind::Reported { kind: format!("unknown event: {}", cut(name)) },
        _ => {
            let why = reach::undelivered(what).map(|why| format!(": {}", cut(&why))).unwrap_or_default();
            FactKind::Reported { kind: format!("{}{why}", what.name()) }
        }
    }
}

/// The fact of a delivery that came with a personal code. The code leads to its owner, so no fact keeps it: who it was is
/// said by the pseudonym.
fn brought_fact(subject: Subject<'_>, invited: &Invited, playbook: &Playbook) -> FactKind {
    let scene = || Scene::new(format!("{}{}", code::PREFIX, invited.inviter));
    match own_fact(&subject.inbound.what, playbook) {
        FactKind::Followed { .. } => {
            FactKind::Followed { scene: Some(scene()), channel: verdict::channel_of(playbook, &invited.campaign) }
        }
        FactKind::Scanned { .. } => FactKind::Scanned { scene: scene() },
        other => other,
    }
}

/// What the operator should hear of: words without an answer, a button without an action.
pub(super) fn reason_fact(what: &What, because: Because) -> Option<FactKind> {
    match (because, what) {
        (Because::Unanswered, What::Message(message)) => {
            words(message).map(|words| FactKind::Unanswered { text: cut(words) })
        }
        (Because::UnknownButton, What::Event(Event::MenuTapped { key } | Event::CodeRead { key, .. })) => {
            Some(FactKind::Reported { kind: format!("menu key without action: {}", cut(key)) })
        }
        _ => None,
    }
}

/// What is kept of words for the operator to read: not long, and without anybody's number.
fn cut(text: &str) -> String {
    digits::masked(text).trim().chars().take(UNANSWERED_CHARS).collect()
}

fn cut_key(key: &str) -> String {
    menu::counted_as(key).to_owned()
}

fn cut_scene(scene: &Scene) -> Scene {
    Scene::new(scene.as_str().chars().take(SCENE_CHARS).collect::<String>())
}
