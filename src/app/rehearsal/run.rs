//! Runs conversation tests.

use std::sync::Arc;

use super::backend::Mocks;
use super::readable::readable;
use super::script::{Act, Conversation, ReplyKind, Script, Step, line_at};
use super::touched::Touched;
use super::{Heard, Rehearsal};
use crate::domain::inbound::{Event, What};
use crate::domain::playbook::Playbook;
use crate::domain::question::Errand;
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;

/// When every rehearsal begins: a Monday morning, 2026-01-05 10:00 +08:00.
const START: UnixSecs = UnixSecs(1_767_578_400);

/// One file to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// Its name, for failures.
    pub file: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What came of the files tried so far.
#[derive(Debug, Default)]
pub struct Summary {
    /// Conversations run.
    pub conversations: usize,
    /// Steps taken.
    pub steps: usize,
    /// What was not as expected.
    pub failures: Vec<Failure>,
    /// What of the playbook was touched.
    pub touched: Touched,
}

/// Something not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The conversation and the step, counted from 1; empty when the file cannot be read.
    pub place: String,
    /// What is wrong.
    pub cause: String,
    /// What was said.
    pub said: Option<String>,
}

/// Runs the conversations of one file.
pub fn run(playbook: &Arc<Playbook>, trial: Trial<'_>, summary: &mut Summary) {
    let failure = |line, place, (cause, said)| Failure { file: trial.file.to_owned(), line, place, cause, said };
    let script = match Script::read(trial.text) {
        Ok(script) => script,
        Err(fault) => {
            summary.failures.push(failure(fault.line, String::new(), (fault.cause, None)));
            return;
        }
    };
    for conversation in &script.conversation {
        let mut rehearsal = Rehearsal::new(playbook.clone(), START);
        summary.conversations += 1;
        for (n, step) in conversation.step.iter().enumerate() {
            summary.steps += 1;
            if let Err(wrong) = take(&mut rehearsal, conversation, step.get_ref()) {
                let line = line_at(trial.text, &step.span());
                let place = format!("「{}」第 {} 步", conversation.name, n + 1);
                summary.failures.push(failure(line, place, wrong));
                // What follows rests on this step, and would only tell the same again.
                break;
            }
        }
        summary.touched.join(rehearsal.touched().clone());
    }
}

/// What is wrong, and what was said.
type Wrong = (String, Option<String>);

fn take(rehearsal: &mut Rehearsal, conversation: &Conversation, step: &Step) -> Result<(), Wrong> {
    let mut mocks: Mocks = conversation.backend.clone();
    mocks.extend(step.backend.clone());
    if let Some(unknown) =
        mocks.keys().find(|key| Errand::of(key).is_none() && !rehearsal.playbook().connectors.contains_key(key))
    {
        return Err((format!("connectors.toml 里没有 {unknown}"), None));
    }
    rehearsal.answer_with(mocks);
    let act = step.act(rehearsal.playbook()).map_err(|cause| (cause, None))?;
    let heard = match &act {
        Act::Deliver(what) => rehearsal.deliver(what.clone()),
        Act::Choose(words) => rehearsal.choose(words).map_err(|cause| (cause, None))?,
        Act::Invited(campaign) => rehearsal.come_by_code(campaign).map_err(|cause| (cause, None))?,
        Act::Friend(campaign, acts) => rehearsal.friend(campaign, *acts).map_err(|cause| (cause, None))?,
        Act::Wait { secs } => rehearsal.wait_until(rehearsal.now().plus_secs(*secs)),
    };
    judge(step, &act, &heard)
}

fn judge(step: &Step, act: &Act, heard: &Heard) -> Result<(), Wrong> {
    let said = readable(&heard.reply);
    let wrong = |cause: String| Err((cause, Some(said.clone())));
    if let Some(fault) = heard.faults.first() {
        return wrong(fault.clone());
    }
    let kind = kind_of(&heard.reply);
    match step.expect_kind {
        Some(expected) if kind != Some(expected) => return wrong(format!("回复应为 {}", name_of(expected))),
        None if kind == Some(ReplyKind::Silence) && !may_be_silent(act) => {
            return wrong("什么也没有回复；确实不该回复时写 expect_kind = \"silence\"".into());
        }
        _ => {}
    }
    if let Some(missing) = step.expect.0.iter().find(|words| !said.contains(words.as_str())) {
        return wrong(format!("回复里没有「{missing}」"));
    }
    if let Some(unwanted) = step.expect_not.0.iter().find(|words| said.contains(words.as_str())) {
        return wrong(format!("回复里不该有「{unwanted}」"));
    }
    let arrived: Vec<String> = heard.arrived.iter().map(readable).collect();
    let arrived = arrived.join("\n");
    match step.then_arrives.0.iter().find(|words| !arrived.contains(words.as_str())) {
        Some(missing) => Err((format!("随后送达的消息里没有「{missing}」"), Some(arrived))),
        None => Ok(()),
    }
}

fn may_be_silent(act: &Act) -> bool {
    match act {
        Act::Wait { .. } | Act::Friend(..) => true,
        Act::Deliver(What::Event(event)) => matches!(event, Event::Unsubscribed | Event::LinkOpened { .. }),
        Act::Deliver(What::Message(_)) | Act::Choose(_) | Act::Invited(_) => false,
    }
}

/// The kind of an answer, if it is one that a test can name.
fn kind_of(reply: &Reply) -> Option<ReplyKind> {
    Some(match reply {
        Reply::Silent => ReplyKind::Silence,
        Reply::Text(_) => ReplyKind::Text,
        Reply::Articles(_) => ReplyKind::Articles,
        Reply::Image { .. } => ReplyKind::Image,
        Reply::HandOver { .. } => ReplyKind::Handover,
        Reply::Voice { .. } | Reply::Video { .. } | Reply::Music { .. } => return None,
    })
}

fn name_of(kind: ReplyKind) -> &'static str {
    match kind {
        ReplyKind::Text => "text（文字）",
        ReplyKind::Articles => "articles（图文）",
        ReplyKind::Image => "image（图片）",
        ReplyKind::Handover => "handover（转人工）",
        ReplyKind::Silence => "silence（不回复）",
    }
}

#[cfg(test)]
mod tests;
