//! What the customer reads: questions with what can be chosen, the summary, and the line that leads back to either.

use super::super::list::{Lines, fill};
use super::super::{Memory, Outcome, View};
use super::plan::is_idle;
use super::{Draft, Form, Kept, RESUME, SENT, SUMMARY, SUMMARY_EXPRESSLY, kept_of};
use crate::domain::customer::{Customer, Dialogue};
use crate::domain::digits::masked;
use crate::domain::form::{Answer, Expects, Open, Step, whole};
use crate::domain::ids::WorkId;
use crate::domain::pool::Later;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

const DAY_SECS: i64 = 86_400;
/// The slot that keeps what of a pool was shown last.
const OFFERS: &str = "offers";
/// Shown for what was left out.
const NOTHING: &str = "—";

impl Form {
    /// Every answer as the customer reads it; empty where there is none.
    pub(super) fn shown(&self, answers: &Values) -> Values {
        let shown = |step: &Step| answers.get(&step.name).map_or_else(|| Value::from(""), |value| step.shown(value));
        self.steps.iter().map(|step| (step.name.clone(), shown(step))).collect()
    }

    /// A text that has only the step's name in it, and the answers.
    pub(super) fn about(&self, step: Option<&Step>, answers: &Values) -> Values {
        let mut values = self.shown(answers);
        values.insert("label".to_owned(), Value::from(step.map_or("", |step| step.label.as_str())));
        values
    }

    /// A question: what is said before it, the question, what can be chosen, and what was answered before.
    pub(super) fn question<'a>(&'a self, step: &'a Step, draft: &Draft) -> Lines<'a> {
        let answers = &draft.progress.answers;
        let mut lines = vec![(&step.ask, self.shown(answers))];
        let choices: Vec<&str> = match step.expects() {
            Some(Expects::Choice(choices)) => choices.iter().map(|choice| choice.label.as_str()).collect(),
            Some(Expects::Pool(_)) => draft.progress.offers.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        lines.extend(self.items(choices));
        if let Some(value) = answers.get(&step.name) {
            let shown = match step.reviewed(value) {
                Value::Text(text) if text.is_empty() => Value::from(NOTHING),
                shown => shown,
            };
            lines.push((&self.texts.keep, Values::from([("value".to_owned(), shown)])));
        }
        lines
    }

    pub(super) fn items<'a>(&'a self, labels: Vec<&str>) -> impl Iterator<Item = (&'a Template, Values)> {
        let values = |(place, label): (i64, &str)| {
            Values::from([("place".to_owned(), Value::Integer(place)), ("label".to_owned(), Value::from(label))])
        };
        (1i64..).zip(labels).map(values).map(|values| (&self.texts.item, values)).collect::<Vec<_>>().into_iter()
    }

    /// What was answered, a line each.
    pub(super) fn summary(&self, draft: &Draft, now: UnixSecs) -> Lines<'_> {
        let answers = &draft.progress.answers;
        let mut lines = vec![(&self.texts.summary, self.shown(answers))];
        for (place, step) in (1i64..).zip(self.walk(now, draft.held(now)).path(answers)) {
            let value = answers.get(&step.name).map(|value| step.reviewed(value));
            let value = value.filter(|value| *value != Value::from("")).unwrap_or_else(|| Value::from(NOTHING));
            lines.push((
                &self.texts.line,
                Values::from([
                    ("place".to_owned(), Value::Integer(place)),
                    ("label".to_owned(), Value::from(step.label.as_str())),
                    ("value".to_owned(), value),
                ]),
            ));
        }
        lines.push((&self.texts.summary_end, self.shown(answers)));
        lines
    }

    /// What was answered, without what is private, for whoever works on the ticket.
    pub(super) fn written(&self, draft: &Draft, now: UnixSecs) -> String {
        let path = self.walk(now, draft.held(now)).path(&draft.progress.answers);
        let lines = path.into_iter().filter_map(|step| {
            let shown = draft.progress.answers.get(&step.name).map(|value| step.shown(value).to_string())?;
            // In free words there may be somebody's number as well; one chosen of a pool is what it is about.
            let is_free = matches!(step.expects(), Some(Expects::Answer(Answer::Text { .. })));
            let shown = if is_free { masked(&shown) } else { shown };
            (!shown.is_empty()).then(|| format!("{}：{shown}", step.label))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Says lines; where that cannot be filled, the fault is told by whoever made the decision.
    pub(super) fn say(&self, out: &mut Outcome, lines: Lines<'_>) {
        let text = fill(out, lines);
        out.reply = if text.is_empty() { Reply::Silent } else { Reply::Text(text) };
    }

    /// The draft is kept, and the customer stands at this step.
    pub(super) fn stand(&self, view: &View<'_>, out: &mut Outcome, (mut kept, mut draft, step): (Kept, Draft, &str)) {
        let now = view.moment.now;
        let until = now.plus_secs((i64::from(self.resume_days) * DAY_SECS).max(i64::from(self.expires_secs)));
        draft.until = until;
        if !draft.is_timed && !draft.progress.answers.is_empty() {
            draft.is_timed = true;
            out.outbox.push(erase(view, (&draft.number, until)));
        }
        let idle_at = now.plus_secs(i64::from(self.expires_secs));
        out.dialogue = Some(Dialogue {
            action: view.action.clone(),
            step: step.to_owned(),
            slots: Values::from([
                ("until".to_owned(), Value::Integer(idle_at.0)),
                (OFFERS.to_owned(), Value::from(draft.progress.offers.join("\n"))),
            ]),
            expires: until,
        });
        kept.draft = Some(draft);
        out.memory = Some(Memory::Form(kept));
    }

    /// The open question once more.
    pub(super) fn ask_again(&self, view: &View<'_>, dialogue: &Dialogue) -> Reply {
        let now = view.moment.now;
        let draft = Kept::of(view).draft.filter(|draft| draft.until > now && dialogue.step != SENT);
        let (mut out, Some(mut draft)) = (Outcome::default(), draft) else { return Reply::Silent };
        let open = self.open_now(now, &mut draft);
        let lines = match open {
            _ if dialogue.step == RESUME || is_idle(dialogue, now) => {
                let step = if let Open::Step(step) = open { Some(step) } else { None };
                vec![(&self.texts.resume, self.about(step, &draft.progress.answers))]
            }
            Open::Step(step) => self.question(step, &draft),
            Open::Summary => self.summary(&draft, now),
        };
        self.say(&mut out, lines);
        out.reply
    }

    /// The open question in a line, for somebody who asked something else in between.
    pub(super) fn come_back(&self, view: &View<'_>, dialogue: &Dialogue) -> Option<Outcome> {
        let now = view.moment.now;
        if dialogue.step == SENT || dialogue.expires <= now {
            return None;
        }
        let mut draft = Kept::of(view).draft.filter(|draft| draft.until > now)?;
        let mut out = Outcome { dialogue: Some(dialogue.clone()), ..Outcome::default() };
        if dialogue.step == RESUME || is_idle(dialogue, now) {
            return Some(out);
        }
        match self.open_now(now, &mut draft) {
            Open::Step(step) => {
                let values = self.about(Some(step), &draft.progress.answers);
                out.reply = view.text(&mut out, &self.texts.again, &values);
            }
            Open::Summary => {
                let values = self.shown(&draft.progress.answers);
                out.reply = view.text(&mut out, &self.texts.again_summary, &values);
                out.dialogue.iter_mut().filter(|dialogue| dialogue.step == SUMMARY).for_each(|dialogue| {
                    dialogue.step = SUMMARY_EXPRESSLY.to_owned();
                });
            }
        }
        Some(out)
    }
}

/// What of a pool was shown last.
pub(super) fn offered(dialogue: &Dialogue) -> Vec<String> {
    match dialogue.slots.get(OFFERS) {
        Some(Value::Text(offers)) => offers.lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Where the dialogue stands: in which form, at which step; and what a summary sums up.
pub(super) fn place(customer: &Customer, dialogue: &Dialogue) -> String {
    let kept = kept_of(customer, &dialogue.action);
    let draft = kept.and_then(|kept| kept.draft.as_ref());
    let number = match dialogue.step.as_str() {
        SENT => kept.and_then(|kept| kept.sent.last()).map_or("", |sent| &sent.number),
        _ => draft.map_or("", |draft| &draft.number),
    };
    match dialogue.step.as_str() {
        SUMMARY | SUMMARY_EXPRESSLY => {
            format!("{SUMMARY}\0{number}\0{}", draft.map_or_else(String::new, |draft| whole(&draft.progress.answers)))
        }
        step => format!("{step}\0{number}"),
    }
}

/// What was asked by work: to take away what was written in the form of this number.
pub(super) const ERASE: &str = "erase";

/// Work that takes away what was written, when the time for that has come.
pub(super) fn erase(view: &View<'_>, (number, due): (&str, UnixSecs)) -> Work {
    let memo = Values::from([("stage".to_owned(), Value::from(ERASE)), ("number".to_owned(), Value::from(number))]);
    Work {
        id: WorkId::new(format!("form/{}/{number}/erase", view.action)),
        origin: view.moment.key,
        due,
        // Late is better than never.
        expires: due.plus_secs(365 * DAY_SECS),
        task: Task::Ask { action: view.action.clone(), question: Later::question(), memo },
    }
}
