//! Consents: which templates a customer agreed to be told by (platform.md 4.11).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::TemplateId;
use crate::domain::inbound::SubscriptionChoice;
use crate::domain::time::UnixSecs;

/// An account has 25 templates in use at most; of more the oldest consents give way.
const MOST_TEMPLATES: usize = 32;
/// Nobody is asked so often in earnest.
const MOST_OF_ONE: u8 = 20;

/// How long a consent lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// One consent carries one message.
    Once,
    /// It stands until it is withdrawn (public services only).
    Lasting,
}

/// What the customer agreed to, by template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents(BTreeMap<TemplateId, Consent>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Consent {
    /// How often it was given and not used.
    left: u8,
    latest: UnixSecs,
}

impl Consents {
    /// Whether nothing was agreed to.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every template with what is left of it.
    pub fn all(&self) -> impl Iterator<Item = (&TemplateId, u8)> {
        self.0.iter().map(|(template, consent)| (template, consent.left))
    }

    /// How many messages by a template were agreed to and not sent.
    pub fn left(&self, template: &TemplateId) -> u8 {
        self.0.get(template).map_or(0, |consent| consent.left)
    }

    /// The customer answered a pop-up at `at`. A refusal there takes nothing back that was given before.
    pub fn answered(&mut self, choices: &[SubscriptionChoice], at: UnixSecs) {
        for choice in choices.iter().filter(|choice| choice.accepted && !choice.template_id.is_empty()) {
            let template = TemplateId::new(choice.template_id.clone());
            let consent = self.0.entry(template).or_insert(Consent { left: 0, latest: at });
            consent.left = MOST_OF_ONE.min(consent.left.saturating_add(1));
            consent.latest = consent.latest.max(at);
        }
        while self.0.len() > MOST_TEMPLATES {
            let oldest = self.0.iter().min_by_key(|(_, consent)| consent.latest).map(|(template, _)| template.clone());
            match oldest {
                Some(oldest) => drop(self.0.remove(&oldest)),
                None => break,
            }
        }
    }

    /// The customer changed the settings. Only what is taken away is believed: whoever allows a template again is asked
    /// again, since a setting is not a consent to one more message.
    pub fn changed(&mut self, choices: &[SubscriptionChoice]) {
        for choice in choices.iter().filter(|choice| !choice.accepted) {
            self.0.remove(&TemplateId::new(choice.template_id.clone()));
        }
    }

    /// A message by the template is sent.
    pub fn spend(&mut self, template: &TemplateId, term: Term) {
        if term == Term::Once
            && let Some(consent) = self.0.get_mut(template)
        {
            consent.left = consent.left.saturating_sub(1);
            if consent.left == 0 {
                self.0.remove(template);
            }
        }
    }

    /// A message by the template, for which a consent was spent, surely did not leave. Whoever took the consent back in
    /// that very moment is known to have one too many: the platform's next refusal (43101) mends it.
    pub fn give_back(&mut self, template: &TemplateId, (term, now): (Term, UnixSecs)) {
        if term == Term::Once {
            let consent = self.0.entry(template.clone()).or_insert(Consent { left: 0, latest: now });
            consent.left = MOST_OF_ONE.min(consent.left.saturating_add(1));
        }
    }

    /// The platform says that there is no consent (43101).
    pub fn refused(&mut self, template: &TemplateId) {
        self.0.remove(template);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(template: &str, accepted: bool) -> SubscriptionChoice {
        SubscriptionChoice { template_id: template.into(), accepted, scene: None }
    }

    fn agreed(choices: &[(&str, bool)]) -> Consents {
        let mut consents = Consents::default();
        let choices: Vec<_> = choices.iter().map(|(template, accepted)| choice(template, *accepted)).collect();
        consents.answered(&choices, UnixSecs(1));
        consents
    }

    #[test]
    fn one_consent_is_one_message() {
        let mut consents = agreed(&[("T1", true), ("T1", true), ("T2", false)]);
        assert_eq!((consents.left(&"T1".into()), consents.left(&"T2".into())), (2, 0));
        consents.spend(&"T1".into(), Term::Once);
        consents.spend(&"T1".into(), Term::Once);
        consents.spend(&"T1".into(), Term::Once);
        assert!(consents.is_empty());
    }

    #[test]
    fn a_consent_whose_message_did_not_leave_is_there_again() {
        let mut consents = agreed(&[("T1", true)]);
        consents.spend(&"T1".into(), Term::Once);
        consents.give_back(&"T1".into(), (Term::Once, UnixSecs(1)));
        assert_eq!(consents, agreed(&[("T1", true)]));
        consents.give_back(&"T1".into(), (Term::Lasting, UnixSecs(1)));
        assert_eq!(consents.left(&"T1".into()), 1, "none was spent");
    }

    #[test]
    fn a_lasting_consent_stands_until_it_is_withdrawn() {
        let mut consents = agreed(&[("T1", true)]);
        for _ in 0..3 {
            consents.spend(&"T1".into(), Term::Lasting);
        }
        assert_eq!(consents.left(&"T1".into()), 1);
        consents.changed(&[choice("T1", true)]);
        assert_eq!(consents.left(&"T1".into()), 1, "a setting gives nothing");
        consents.changed(&[choice("T1", false)]);
        assert!(consents.is_empty());
    }

    #[test]
    fn the_platforms_refusal_is_believed_and_a_refused_pop_up_takes_nothing_back() {
        let mut consents = agreed(&[("T1", true)]);
        consents.answered(&[choice("T1", false)], UnixSecs(2));
        assert_eq!(consents.left(&"T1".into()), 1);
        consents.refused(&"T1".into());
        assert!(consents.is_empty());
    }

    #[test]
    fn what_is_kept_of_one_customer_is_bounded() {
        let mut consents = Consents::default();
        for n in 0..100 {
            consents.answered(&[choice(&format!("T{n}"), true), choice("same", true)], UnixSecs(n));
        }
        assert_eq!((consents.all().count(), consents.left(&"same".into())), (MOST_TEMPLATES, MOST_OF_ONE));
        assert_eq!((consents.left(&"T99".into()), consents.left(&"T1".into())), (1, 0));
    }
}
