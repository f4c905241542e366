//! `kind = "handover"`: hands the chat to a person.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ActionKind, Entry, Given, Outcome, TextField, View};
use crate::domain::ids::ConnectorKey;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::Values;

/// Settings of a `handover` action.
///
/// The playbook goes silent once the platform says that a person has the chat (`kf_create_session`), not before: a
/// customer whom nobody picks up is still answered.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// What is said after a tap. The platform hands a chat over only in answer to a message (platform.md part 3), so
    /// this asks for one, best with a link that sends it.
    #[schemars(
        description = "从菜单进来时说的话。微信只能在客户发消息时转人工，所以请客户发一句，最好附上 {{ tap(\"转人工\") }}"
    )]
    pub ask: Template,
    /// One agent by account. If that one is away the platform asks no other.
    #[serde(default)]
    #[schemars(description = "指定客服账号；该客服不在线时微信不会换人，通常不填")]
    pub agent: Option<String>,
}

impl ActionKind for HandOver {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        vec![TextField { field: "ask".into(), template: &self.ask, allowed: BTreeSet::new() }]
    }

    fn decide(&self, view: &View<'_>, _given: &Given) -> Outcome {
        let mut out = Outcome::default();
        out.reply = match view.entry {
            Entry::Opened { words: "" } => view.text(&mut out, &self.ask, &Values::new()),
            Entry::Opened { .. } | Entry::Continued { .. } => Reply::HandOver { agent: self.agent.clone() },
        };
        out
    }
}
