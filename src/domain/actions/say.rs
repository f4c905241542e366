//! `kind = "say"`: says something.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ActionKind, Given, Outcome, TextField, View};
use crate::domain::ids::ConnectorKey;
use crate::domain::template::Template;
use crate::domain::value::Values;

/// Settings of a `say` action.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// What is said.
    #[schemars(description = "回复的话术")]
    pub text: Template,
}

impl ActionKind for Say {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        vec![TextField { field: "text".into(), template: &self.text, allowed: BTreeSet::new() }]
    }

    fn in_passing(&self) -> bool {
        true
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, &self.text, &Values::new());
        out
    }
}
