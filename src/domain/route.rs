//! Which action a delivery means: a dialogue that waits for words, a menu key, a keyword, a moment.

use super::actions::{Claim, Entry, Kind, Needs, View};
use super::customer::{Customer, Dialogue};
use super::decision::Moment;
use super::fact::Invited;
use super::ids::{ActionKey, Scene};
use super::inbound::{Event, Inbound, Message, What};
use super::playbook::Playbook;
use super::taps::Place;
use super::template::Template;
use super::time::UnixSecs;

/// A person who forgets to close a chat keeps it so long; then the playbook answers again.
pub const WITH_AGENT_SECS: i64 = 24 * 3600;
/// A customer who comes back later than that has forgotten what it was about.
const EXPIRY_TOLD_SECS: i64 = 24 * 3600;

/// Where a delivery goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route<'a> {
    /// An action answers.
    Act {
        /// Its key.
        key: &'a ActionKey,
        /// The action.
        kind: &'a Kind,
        /// How the customer came to it.
        entry: Entry<'a>,
        /// Why it is this action.
        because: Because,
    },
    /// The customer wrote to a dialogue that has run out, and is told so.
    Expired {
        /// The action whose dialogue it was.
        key: &'a ActionKey,
        /// What is said.
        text: &'a Template,
    },
    /// The customer tapped a choice of a question that is not open any more, and the playbook has no words for that.
    OldChoice,
    /// Nothing is said: a report of the platform, or a person has the chat.
    Quiet,
}

/// Why an action was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// A button, a word or a dialogue named it.
    Named,
    /// It belongs to the moment: a follow, a scan, a message without words.
    Moment,
    /// No rule knows the words.
    Unanswered,
    /// The words are a tap on a choice of a question that is not open any more.
    OldChoice,
    /// The customer came by a personal code of its campaign, or wrote one.
    Invited,
    /// The playbook has no action for the button: the menu on the platform is another one than the playbook's.
    UnknownButton,
}

/// Finds the action.
pub fn route<'a>(playbook: &'a Playbook, customer: &'a Customer, inbound: &'a Inbound, moment: Moment) -> Route<'a> {
    let moments = &playbook.moments;
    match &inbound.what {
        What::Message(Message::Device { .. }) => Route::Quiet,
        What::Message(_) if with_agent(customer, moment.now) => Route::Quiet,
        What::Message(message) => match words(message) {
            Some(words) => for_words(playbook, customer, (words, said(message)), moment.now),
            None => act(playbook, &moments.not_words, "", Because::Moment),
        },
        What::Event(Event::MenuTapped { key } | Event::CodeRead { key, .. }) => for_button(playbook, key),
        // Without an action of their own they stay quiet: what was picked follows as a message.
        What::Event(Event::PicturesPicked { key, .. } | Event::PlacePicked { key, .. }) => {
            let known = playbook.actions.contains_key(&ActionKey::from(key.as_str()));
            if known { for_button(playbook, key) } else { Route::Quiet }
        }
        What::Event(Event::Scanned { scene, .. }) => {
            let key = scene_action(playbook, scene).unwrap_or(&moments.scan);
            act(playbook, key, "", Because::Moment)
        }
        What::Event(Event::Subscribed { scene, .. }) => {
            let named = scene.as_ref().and_then(|scene| scene_action(playbook, scene));
            let first = customer.follow.first_day.is_none();
            let greeting = if first { &moments.first_follow } else { &moments.refollow };
            act(playbook, named.unwrap_or(greeting), "", Because::Moment)
        }
        What::Event(Event::Unsubscribed) => {
            moments.farewell.as_ref().map_or(Route::Quiet, |key| act(playbook, key, "", Because::Moment))
        }
        What::Event(_) => Route::Quiet,
    }
}

/// The same for a delivery that came with a personal code: the campaign greets, as long as the playbook has it.
pub fn route_invited<'a>(
    playbook: &'a Playbook,
    customer: &'a Customer,
    (inbound, invited): (&'a Inbound, Option<&Invited>),
    moment: Moment,
) -> Route<'a> {
    let campaign = invited.and_then(|invited| playbook.actions.get_key_value(&invited.campaign));
    match (campaign, &inbound.what) {
        (Some(_), What::Message(_)) if with_agent(customer, moment.now) => Route::Quiet,
        (Some((key, kind)), _) => {
            Route::Act { key, kind, entry: Entry::Opened { words: "" }, because: Because::Invited }
        }
        (None, _) => route(playbook, customer, inbound, moment),
    }
}

/// The customer's words, typed or spoken.
pub(super) fn words(message: &Message) -> Option<&str> {
    match message {
        Message::Text { content, .. } => Some(content),
        Message::Voice { recognition, .. } => recognition.as_deref().filter(|words| !words.trim().is_empty()),
        _ => None,
    }
}

/// Whether a person has the chat.
pub(super) fn with_agent(customer: &Customer, now: UnixSecs) -> bool {
    customer.with_agent_since.is_some_and(|since| now.secs_since(since) < WITH_AGENT_SECS)
}

/// How words came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Typed or spoken.
    Freely,
    /// By a tap on a link, which always means what the link says.
    ByLink,
    /// By a tap on a choice of a question that was asked here.
    As(Place),
}

fn said(message: &Message) -> Said {
    match message {
        Message::Text { menu_id: Some(id), .. } => Place::in_id(id).map_or(Said::ByLink, Said::As),
        _ => Said::Freely,
    }
}

fn for_words<'a>(
    playbook: &'a Playbook,
    customer: &'a Customer,
    (words, said): (&'a str, Said),
    now: UnixSecs,
) -> Route<'a> {
    let dialogue = customer.dialogue.as_ref();
    let talk = dialogue.and_then(|dialogue| {
        let (key, kind) = playbook.actions.get_key_value(&dialogue.action)?;
        Some((dialogue, key, kind))
    });
    if let Said::As(place) = said {
        return for_choice(playbook, (customer, talk), (words, place), now);
    }
    if let Some((dialogue, key, kind)) = talk {
        let claim = kind.as_action().claim(dialogue, words);
        let meant = claim == Claim::Meant;
        if dialogue.expires > now {
            let free = || said == Said::Freely && !playbook.keywords.names(words);
            let unknown = || said == Said::Freely && playbook.keywords.find(words).is_none();
            if meant || (claim == Claim::Any && free()) || (claim == Claim::Otherwise && unknown()) {
                let entry = Entry::Continued { dialogue, words };
                return Route::Act { key, kind, entry, because: Because::Named };
            }
        } else if let Some(told) = expired(playbook, dialogue, now).filter(|_| meant) {
            // A late "确认" is told that nothing came of it; to a keyword it would mean something else.
            return told;
        }
    }
    if let Some(key) = playbook.keywords.find(words) {
        return act(playbook, key, words, Because::Named);
    }
    dialogue
        .and_then(|over| expired(playbook, over, now))
        .unwrap_or_else(|| act(playbook, &playbook.moments.fallback, words, Because::Unanswered))
}

/// A tap on a choice is for the question it was read under and for no other.
fn for_choice<'a>(
    playbook: &'a Playbook,
    (customer, talk): (&Customer, Option<(&'a Dialogue, &'a ActionKey, &'a Kind)>),
    (words, place): (&'a str, Place),
    now: UnixSecs,
) -> Route<'a> {
    let there = talk.filter(|(dialogue, key, kind)| Place::of((key, kind.as_action()), customer, dialogue) == place);
    match there {
        Some((dialogue, key, kind)) if dialogue.expires > now => {
            Route::Act { key, kind, entry: Entry::Continued { dialogue, words }, because: Because::Named }
        }
        Some((dialogue, ..)) => expired(playbook, dialogue, now).unwrap_or_else(|| old_choice(playbook)),
        None => old_choice(playbook),
    }
}

fn old_choice(playbook: &Playbook) -> Route<'_> {
    let action = playbook.moments.old_choice.as_ref();
    action.map_or(Route::OldChoice, |key| act(playbook, key, "", Because::OldChoice))
}

fn expired<'a>(playbook: &'a Playbook, dialogue: &Dialogue, now: UnixSecs) -> Option<Route<'a>> {
    let over_secs = now.secs_since(dialogue.expires);
    if !(0..EXPIRY_TOLD_SECS).contains(&over_secs) {
        return None;
    }
    let (key, kind) = playbook.actions.get_key_value(&dialogue.action)?;
    kind.as_action().expired(dialogue).map(|text| Route::Expired { key, text })
}

fn for_button<'a>(playbook: &'a Playbook, button: &str) -> Route<'a> {
    match playbook.actions.get_key_value(&ActionKey::from(button)) {
        Some((key, kind)) => Route::Act { key, kind, entry: Entry::Opened { words: "" }, because: Because::Named },
        None => act(playbook, &playbook.moments.fallback, "", Because::UnknownButton),
    }
}

fn scene_action<'a>(playbook: &'a Playbook, scene: &Scene) -> Option<&'a ActionKey> {
    playbook.moments.scenes.get(scene.as_str())
}

/// The playbook's check sees to it that every key named anywhere exists; should one not, the fallback answers.
fn act<'a>(playbook: &'a Playbook, key: &ActionKey, words: &'a str, because: Because) -> Route<'a> {
    let found = playbook.actions.get_key_value(key);
    match found.or_else(|| playbook.actions.get_key_value(&playbook.moments.fallback)) {
        Some((key, kind)) => Route::Act { key, kind, entry: Entry::Opened { words }, because },
        None => Route::Quiet,
    }
}

impl Route<'_> {
    /// What must be known before the decision.
    pub fn needs(&self, customer: &Customer, moment: Moment) -> Needs {
        match self {
            Self::Act { because: Because::Invited, .. } => Needs::default(),
            Self::Act { key, kind, entry, .. } => {
                kind.as_action().needs(&View { action: key, customer, entry, moment, invited: None })
            }
            Self::Expired { .. } | Self::OldChoice | Self::Quiet => Needs::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Follow;
    use crate::domain::sample::{NOON, event, inbound, moment, playbook, talking, tap, text};
    use crate::domain::time::BusinessDay;

    fn went(customer: &Customer, inbound: &Inbound) -> Option<(String, Because)> {
        let playbook = playbook();
        match route(&playbook, customer, inbound, moment()) {
            Route::Act { key, because, .. } => Some((key.to_string(), because)),
            Route::Expired { key, .. } => Some((format!("expired {key}"), Because::Moment)),
            Route::OldChoice => Some(("old choice".to_owned(), Because::OldChoice)),
            Route::Quiet => None,
        }
    }

    fn to(key: &str, because: Because) -> Option<(String, Because)> {
        Some((key.to_owned(), because))
    }

    fn voice(recognition: Option<&str>) -> Inbound {
        inbound(What::Message(Message::Voice {
            media_id: "m".into(),
            format: "amr".into(),
            media_id_16k: None,
            recognition: recognition.map(Into::into),
        }))
    }

    #[test]
    fn words_go_to_their_keyword_spoken_or_typed() {
        let new = Customer::default();
        assert_eq!(went(&new, &text("查话费")), to("balance", Because::Named));
        assert_eq!(went(&new, &voice(Some("查话费"))), to("balance", Because::Named));
        assert_eq!(went(&new, &text("天气")), to("fallback", Because::Unanswered));
        assert_eq!(went(&new, &text("")), to("fallback", Because::Unanswered));
        assert_eq!(went(&new, &voice(Some(" "))), to("not_words", Because::Moment));
        assert_eq!(went(&new, &inbound(What::Message(Message::Unsupported))), to("not_words", Because::Moment));
    }

    #[test]
    fn buttons_go_to_their_action_and_a_stale_button_to_the_fallback() {
        let talking = talking("welcome", NOON.plus_secs(60));
        assert_eq!(went(&talking, &tap("offers")), to("offers", Because::Named));
        assert_eq!(went(&talking, &tap("gone")), to("fallback", Because::UnknownButton));
        let link = Event::LinkOpened { url: "https://example.com".into(), menu_id: None };
        assert_eq!(went(&talking, &event(link)), None);
    }

    #[test]
    fn a_first_follow_a_second_one_and_a_scene_are_greeted_differently() {
        let followed = |scene: Option<&str>| {
            event(Event::Subscribed { scene: scene.map(Scene::from), ticket: None, other_key: None })
        };
        let scanned = |scene: &str| event(Event::Scanned { scene: scene.into(), ticket: None });
        let mut customer = Customer::default();
        assert_eq!(went(&customer, &followed(None)), to("welcome", Because::Moment));
        assert_eq!(went(&customer, &followed(Some("shop"))), to("shop", Because::Moment));
        assert_eq!(went(&customer, &followed(Some("other"))), to("welcome", Because::Moment));
        customer.follow = Follow { first_day: Some(BusinessDay(1)), ..Follow::default() };
        assert_eq!(went(&customer, &followed(None)), to("welcome_back", Because::Moment));
        assert_eq!(went(&customer, &scanned("shop")), to("shop", Because::Moment));
        assert_eq!(went(&customer, &scanned("other")), to("scanned", Because::Moment));
        assert_eq!(went(&customer, &event(Event::Unsubscribed)), None);
    }

    #[test]
    fn while_a_person_has_the_chat_the_playbook_is_silent_for_a_day_at_most() {
        let with = |secs: i64| Customer { with_agent_since: Some(NOON.plus_secs(-secs)), ..Customer::default() };
        assert_eq!(went(&with(WITH_AGENT_SECS - 1), &text("查话费")), None);
        assert_eq!(went(&with(WITH_AGENT_SECS - 1), &voice(None)), None);
        assert_eq!(went(&with(WITH_AGENT_SECS - 1), &tap("offers")), to("offers", Because::Named));
        assert_eq!(went(&with(WITH_AGENT_SECS), &text("查话费")), to("balance", Because::Named));
    }

    #[test]
    fn an_open_dialogue_gets_the_words_and_a_closed_one_does_not() {
        let (playbook, words) = (playbook(), text("查话费"));
        let open = talking("welcome", NOON.plus_secs(1));
        let Route::Act { key, entry, .. } = route(&playbook, &open, &words, moment()) else { panic!() };
        assert_eq!(key.as_str(), "welcome");
        assert_eq!(entry, Entry::Continued { dialogue: open.dialogue.as_ref().unwrap(), words: "查话费" });
        assert_eq!(went(&talking("welcome", NOON), &words), to("balance", Because::Named));
        assert_eq!(went(&talking("gone", NOON.plus_secs(1)), &words), to("balance", Because::Named));
    }

    #[test]
    fn a_dialogue_gets_only_the_words_it_wants_and_says_when_it_has_run_out() {
        let mut choosing = talking("pack", NOON.plus_secs(1));
        choosing.dialogue.as_mut().unwrap().step = "choose".into();
        assert_eq!(went(&choosing, &text("1")), to("pack", Because::Named));
        assert_eq!(went(&choosing, &text("查话费")), to("balance", Because::Named));
        assert_eq!(went(&choosing, &text("天气")), to("fallback", Because::Unanswered));
        choosing.dialogue.as_mut().unwrap().expires = NOON;
        assert_eq!(went(&choosing, &text("1")), to("expired pack", Because::Moment));
        assert_eq!(went(&choosing, &text("查话费")), to("balance", Because::Named));
        choosing.dialogue.as_mut().unwrap().expires = NOON.plus_secs(-EXPIRY_TOLD_SECS);
        assert_eq!(went(&choosing, &text("1")), to("fallback", Because::Unanswered));
    }

    #[test]
    fn taps_of_every_kind_find_their_action() {
        let pictures = |key: &str| {
            let source = crate::domain::inbound::PictureSource::Camera;
            event(Event::PicturesPicked { key: key.into(), source, count: None, md5s: vec![] })
        };
        assert_eq!(went(&Customer::default(), &pictures("offers")), to("offers", Because::Named));
        assert_eq!(went(&Customer::default(), &pictures("gone")), None);
        let device = inbound(What::Message(Message::Device { kind: "device_event".into() }));
        assert_eq!(went(&Customer::default(), &device), None);
    }

    #[test]
    fn a_playbook_without_actions_is_quiet_and_does_not_break() {
        let empty = Playbook::default();
        assert_eq!(route(&empty, &Customer::default(), &text("x"), moment()), Route::Quiet);
    }
}
