//! What of a playbook a rehearsal has touched, and what it has not.

use std::collections::BTreeSet;

use crate::domain::customer::Customer;
use crate::domain::ids::ActionKey;
use crate::domain::inbound::{Event, Inbound, Message, What};
use crate::domain::playbook::Playbook;
use crate::domain::route::{Because, Route};

/// What was touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    actions: BTreeSet<ActionKey>,
    /// Indices of keyword rules.
    rules: BTreeSet<usize>,
    /// Names of `moments.toml`; codes as `scenes.NAME`.
    moments: BTreeSet<String>,
    /// Keys and addresses of buttons.
    buttons: BTreeSet<String>,
}

/// What nothing touched, in an operator's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untouched {
    /// Menu entries: name and key.
    pub buttons: Vec<String>,
    /// Keyword rules, by their first word.
    pub rules: Vec<String>,
    /// Names of `moments.toml`.
    pub moments: Vec<String>,
    /// Actions.
    pub actions: Vec<String>,
}

impl Touched {
    /// Notes where a delivery went.
    pub(super) fn note(&mut self, playbook: &Playbook, customer: &Customer, (inbound, route): (&Inbound, &Route<'_>)) {
        match &inbound.what {
            What::Event(Event::MenuTapped { key }) => self.buttons.insert(key.clone()),
            What::Event(Event::LinkOpened { url, .. }) => self.buttons.insert(url.clone()),
            _ => false,
        };
        if let Some(moment) = moment_of(playbook, customer, (&inbound.what, route)) {
            self.moments.insert(moment);
        }
        let (Route::Act { key, .. } | Route::Expired { key, .. }) = route else { return };
        self.actions.insert((*key).clone());
        let Route::Act { because: Because::Named, entry: crate::domain::actions::Entry::Opened { words }, .. } = route
        else {
            return;
        };
        if matches!(inbound.what, What::Message(_)) {
            self.rules.extend(playbook.keywords.rule_for(words));
        }
    }

    /// Adds what another rehearsal has touched.
    pub fn join(&mut self, other: Self) {
        self.actions.extend(other.actions);
        self.rules.extend(other.rules);
        self.moments.extend(other.moments);
        self.buttons.extend(other.buttons);
    }

    /// What is left.
    pub fn untouched(&self, playbook: &Playbook) -> Untouched {
        let leaves = playbook.menus.iter().flat_map(|menu| menu.leaves());
        let buttons = leaves.filter_map(|button| {
            let key = button.key.as_ref().or(button.url.as_ref())?;
            (!self.buttons.contains(key)).then(|| format!("{}（{key}）", button.name))
        });
        let rules = playbook.keywords.rules().iter().enumerate().filter(|(at, _)| !self.rules.contains(at));
        let rules = rules.map(|(at, rule)| {
            let word = [&rule.exact, &rule.contains, &rule.pattern].into_iter().flatten().next();
            format!("第 {} 条「{}」→ {}", at + 1, word.map_or("", String::as_str), rule.action)
        });
        let actions = playbook.actions.keys().filter(|key| !self.actions.contains(key)).map(ToString::to_string);
        Untouched {
            buttons: buttons.collect(),
            rules: rules.collect(),
            moments: moments(playbook).into_iter().filter(|name| !self.moments.contains(name)).collect(),
            actions: actions.collect(),
        }
    }
}

impl Untouched {
    /// Whether everything was touched.
    pub fn is_empty(&self) -> bool {
        [&self.buttons, &self.rules, &self.moments, &self.actions].into_iter().all(Vec::is_empty)
    }
}

/// Every moment the playbook has an answer for.
fn moments(playbook: &Playbook) -> Vec<String> {
    let always = ["first_follow", "refollow", "scan", "fallback", "not_words"].map(str::to_owned);
    let farewell = playbook.moments.farewell.as_ref().map(|_| "farewell".to_owned());
    let old_choice = playbook.moments.old_choice.as_ref().map(|_| "old_choice".to_owned());
    let scenes = playbook.moments.scenes.keys().map(|scene| format!("scenes.{scene}"));
    always.into_iter().chain(farewell).chain(old_choice).chain(scenes).collect()
}

fn moment_of(playbook: &Playbook, customer: &Customer, (what, route): (&What, &Route<'_>)) -> Option<String> {
    let named = |scene: &str| playbook.moments.scenes.contains_key(scene).then(|| format!("scenes.{scene}"));
    let Route::Act { because, .. } = route else { return None };
    match (what, because) {
        (_, Because::Unanswered | Because::UnknownButton) => Some("fallback".into()),
        (_, Because::OldChoice) => Some("old_choice".into()),
        (What::Message(Message::Text { .. }), _) => None,
        (What::Message(_), Because::Moment) => Some("not_words".into()),
        (What::Event(Event::Scanned { scene, .. }), _) => named(scene.as_str()).or(Some("scan".into())),
        (What::Event(Event::Unsubscribed), _) => Some("farewell".into()),
        (What::Event(Event::Subscribed { scene, .. }), _) => {
            let first = customer.follow.first_day.is_none();
            let greeting = if first { "first_follow" } else { "refollow" };
            scene.as_ref().and_then(|scene| named(scene.as_str())).or(Some(greeting.into()))
        }
        _ => None,
    }
}
