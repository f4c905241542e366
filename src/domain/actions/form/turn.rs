//! One message of the dialogue: what was planned, and what was found out, become what is said and kept.

use super::super::{Given, Memory, Outcome, View};
use super::plan::{Act, Plan};
use super::{DEFAULT, Draft, Form, Hold, Kept, RESUME, SENT, SUMMARY, Sent};
use crate::domain::customer::Dialogue;
use crate::domain::form::{Open, Step, Turn, Wrong};
use crate::domain::ids::{PoolKey, WorkId};
use crate::domain::pool::Wish;
use crate::domain::question::Answer;
use crate::domain::template::Template;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

/// For so long after one was handed in the customer's next words may still be about it.
const SENT_SECS: i64 = 600;
/// What is given back is given back within this time, or runs out by itself before.
const GIVE_BACK_SECS: i64 = 7 * 86_400;

/// What was asked by work: to take or give back what was held for the form of this number.
pub(super) const GOODS: &str = "goods";

/// What a pool answered.
enum Found {
    /// It is held.
    Got { item: String, until: UnixSecs },
    /// It is not; these are free.
    Denied { offers: Vec<String> },
    /// Only these were asked for.
    Offers(Vec<String>),
    /// Nobody knows now.
    Unknown,
    /// Nothing was asked.
    Nothing,
}

impl Found {
    fn of(given: &Given) -> Self {
        let values = match &given.answer {
            None => return Self::Nothing,
            Some(Answer::Loaded(values)) => values,
            Some(_) => return Self::Unknown,
        };
        let text = |name: &str| match values.get(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let offers = || text("offers").unwrap_or_default().lines().map(str::to_owned).collect();
        let until = match values.get("until") {
            Some(Value::Integer(until)) => UnixSecs(*until),
            _ => UnixSecs(0),
        };
        match (text("got"), text("denied")) {
            (Some(item), _) => Self::Got { item: item.to_owned(), until },
            (None, Some(_)) => Self::Denied { offers: offers() },
            (None, None) => Self::Offers(offers()),
        }
    }
}

impl Form {
    pub(super) fn take_turn(&self, view: &View<'_>, given: &Given) -> Outcome {
        let Plan { kept, mut draft, released, act } = self.plan(view);
        let mut out = Outcome::default();
        if let Some(hold) = released {
            out.outbox.push(give_back(view, &hold));
        }
        match (act, Found::of(given)) {
            (Act::Standing(sent), _) => {
                self.say_standing(view, &mut out, &sent);
                out.dialogue = Some(sent_dialogue(view));
            }
            (Act::Resume, _) => {
                let open = match self.open_now(view.moment.now, &mut draft) {
                    Open::Step(step) => Some(step),
                    Open::Summary => None,
                };
                let values = self.about(open, &draft.progress.answers);
                out.reply = view.text(&mut out, &self.texts.resume, &values);
                self.stand(view, &mut out, (kept, draft, RESUME));
            }
            (Act::Lapsed(step), Found::Offers(offers)) => {
                draft.progress.offers = offers;
                self.lapsed(view, (kept, draft, step), &mut out);
            }
            (Act::Lapsed(step), found) => self.denied(view, (kept, draft, step, found), &mut out),
            (Act::Turn(Turn::Wish(step, _)), found) => self.wished(view, (kept, draft, step, found), &mut out),
            (Act::Turn(Turn::Agreed), found) => self.agreed(view, (kept, draft, found), &mut out),
            (Act::Turn(Turn::Cancelled), _) => {
                let values = self.shown(&draft.progress.answers);
                out.reply = view.text(&mut out, &self.texts.cancelled, &values);
                out.outbox.extend(draft.hold.take().map(|hold| give_back(view, &hold)));
                out.memory = Some(Memory::Form(kept));
            }
            (Act::Turn(Turn::Ask(step) | Turn::First(step)), found @ Found::Unknown) => {
                self.denied(view, (kept, draft, step, found), &mut out);
            }
            (Act::Turn(turn), found) => {
                if let Found::Offers(offers) = found {
                    draft.progress.offers = offers;
                }
                self.asked(view, (kept, draft, &turn), &mut out);
            }
        }
        out
    }

    /// A question, why the last words were no answer to it, or the summary.
    fn asked(&self, view: &View<'_>, (kept, mut draft, turn): (Kept, Draft, &Turn<'_>), out: &mut Outcome) {
        self.release_unused(view, &mut draft, out);
        let (texts, answers) = (&self.texts, &draft.progress.answers);
        let mut step_name = SUMMARY;
        match turn {
            Turn::Ask(step) | Turn::First(step) => {
                step_name = &step.name;
                let is_empty = step.pool().is_some() && draft.progress.offers.is_empty();
                let mut lines = match texts.empty.as_ref().filter(|_| is_empty) {
                    Some(empty) => vec![(empty, Values::new())],
                    None => self.question(step, &draft),
                };
                if matches!(turn, Turn::First(_)) {
                    lines.insert(0, (&texts.first, Values::new()));
                }
                self.say(out, lines);
            }
            Turn::Wrong(step, why) => {
                step_name = &step.name;
                let values = self.about_wrong(step, *why, answers);
                self.say(out, vec![(step.wrong.as_ref().unwrap_or(&texts.wrong), values)]);
            }
            Turn::Stuck(step) => {
                step_name = &step.name;
                self.say(out, vec![(&texts.stuck, self.about(Some(step), answers))]);
            }
            Turn::Gathered => self.say(out, self.summary(&draft, view.moment.now)),
            Turn::Unclear => self.say(out, vec![(&texts.unclear, self.shown(answers))]),
            Turn::Wish(..) | Turn::Agreed | Turn::Restarted | Turn::Cancelled => {}
        }
        let step_name = step_name.to_owned();
        self.stand(view, out, (kept, draft, &step_name));
    }

    fn about_wrong(&self, step: &Step, why: Wrong, answers: &Values) -> Values {
        let reasons = &self.texts.reasons;
        let reason = reasons.get(why.key()).or_else(|| reasons.get(DEFAULT)).map_or("", String::as_str);
        let mut values = self.about(Some(step), answers);
        values.insert("reason".to_owned(), Value::from(reason));
        values
    }

    /// One of a pool was wished for.
    fn wished(&self, view: &View<'_>, (kept, mut draft, step, found): (Kept, Draft, &Step, Found), out: &mut Outcome) {
        let (Found::Got { .. }, Some(pool)) = (&found, step.pool()) else {
            return self.denied(view, (kept, draft, step, found), out);
        };
        let Found::Got { item, until } = found else { return };
        // What was held before is free again.
        out.outbox.extend(draft.hold.take().map(|hold| give_back(view, &hold)));
        let by = format!("{}/{:016x}", draft.number, view.moment.key.0);
        draft.hold = Some(Hold { pool: pool.clone(), by, item: item.clone(), until });
        draft.progress.answers.insert(step.name.clone(), Value::from(item.as_str()));
        draft.progress.offers.clear();
        draft.progress.page = 0;
        let turn = self.walk(view.moment.now, Some(&item)).advance(&mut draft.progress);
        self.asked(view, (kept, draft, &turn), out);
    }

    /// What was held is free again: that is said, and what is free now is shown.
    fn lapsed(&self, view: &View<'_>, (kept, draft, step): (Kept, Draft, &Step), out: &mut Outcome) {
        let texts = &self.texts;
        let why = texts.lapsed.as_ref().or(texts.taken.as_ref());
        let mut lines: super::super::list::Lines<'_> = why.map(|text| (text, Values::new())).into_iter().collect();
        match texts.empty.as_ref().filter(|_| draft.progress.offers.is_empty()) {
            Some(empty) => lines.push((empty, Values::new())),
            None => lines.extend(self.question(step, &draft)),
        }
        self.say(out, lines);
        self.stand(view, out, (kept, draft, &step.name));
    }

    /// Somebody was quicker, none is left, or nobody knows: the step is open again.
    fn denied(&self, view: &View<'_>, (kept, mut draft, step, found): (Kept, Draft, &Step, Found), out: &mut Outcome) {
        let texts = &self.texts;
        draft.progress.at.clone_from(&step.name);
        let text = match found {
            Found::Denied { offers } => {
                draft.progress.offers = offers;
                if draft.progress.offers.is_empty() { texts.empty.as_ref() } else { texts.taken.as_ref() }
            }
            _ => texts.unavailable.as_ref(),
        };
        let mut lines: super::super::list::Lines<'_> = text.map(|text| (text, Values::new())).into_iter().collect();
        lines.extend(self.items(draft.progress.offers.iter().map(String::as_str).collect()));
        self.say(out, lines);
        self.stand(view, out, (kept, draft, &step.name));
    }

    /// The summary was agreed to: what is needed for it is held firmly now, or it is not handed in.
    fn agreed(&self, view: &View<'_>, (kept, mut draft, found): (Kept, Draft, Found), out: &mut Outcome) {
        let step = self.steps.iter().find(|step| step.pool().is_some());
        let pool = draft.hold.as_ref().map(|hold| hold.pool.clone()).or_else(|| self.stock.clone());
        match (found, pool) {
            (Found::Got { item, until }, Some(pool)) => {
                let by = draft.hold.take().map_or_else(|| draft.number.clone(), |hold| hold.by);
                draft.hold = Some(Hold { pool, by, item, until });
                self.hand_in(view, (kept, draft), out);
            }
            (Found::Nothing, None) => self.hand_in(view, (kept, draft), out),
            (found @ Found::Denied { .. }, Some(_)) if draft.hold.is_some() => match step {
                Some(step) => {
                    draft.hold = None;
                    draft.progress.answers.remove(&step.name);
                    self.denied(view, (kept, draft, step, found), out);
                }
                None => self.not_now(view, (kept, draft, self.texts.empty.as_ref()), out),
            },
            (Found::Denied { .. }, _) => self.not_now(view, (kept, draft, self.texts.empty.as_ref()), out),
            _ => self.not_now(view, (kept, draft, self.texts.unavailable.as_ref()), out),
        }
    }

    /// Not handed in: the summary stays open.
    fn not_now(&self, view: &View<'_>, (kept, draft, text): (Kept, Draft, Option<&Template>), out: &mut Outcome) {
        self.say(out, text.map(|text| (text, Values::new())).into_iter().collect());
        self.stand(view, out, (kept, draft, SUMMARY));
    }

    /// What is held for a step that is asked no more is free again.
    fn release_unused(&self, view: &View<'_>, draft: &mut Draft, out: &mut Outcome) {
        let path = self.walk(view.moment.now, draft.held(view.moment.now)).path(&draft.progress.answers);
        if !path.iter().any(|step| step.pool().is_some()) {
            out.outbox.extend(draft.hold.take().map(|hold| give_back(view, &hold)));
        }
    }

    pub(super) fn say_standing(&self, view: &View<'_>, out: &mut Outcome, sent: &Sent) {
        let values = Values::from([("number".to_owned(), Value::from(sent.number.as_str()))]);
        out.reply = view.text(out, self.standing_of(sent.outcome), &values);
    }
}

/// A second "确认" finds the dialogue here and is told how it stands.
pub(super) fn sent_dialogue(view: &View<'_>) -> Dialogue {
    Dialogue {
        action: view.action.clone(),
        step: SENT.to_owned(),
        slots: Values::new(),
        expires: view.moment.now.plus_secs(SENT_SECS),
    }
}

/// Work that gives back what is held.
pub(super) fn give_back(view: &View<'_>, Hold { pool, by, .. }: &Hold) -> Work {
    at_the_pool(view, (pool, "back", Wish::GiveBack { by: by.clone() }))
}

/// The same work, which tells the form of this number when it is done.
pub(super) fn telling(work: Work, number: &str) -> Work {
    let told = Values::from([("stage".to_owned(), Value::from(GOODS)), ("number".to_owned(), Value::from(number))]);
    let task = match work.task {
        Task::Ask { action, question, .. } => Task::Ask { action, question, memo: told },
        other => other,
    };
    Work { task, ..work }
}

/// Work that takes for good what is held.
pub(super) fn take(view: &View<'_>, Hold { pool, by, item, .. }: &Hold) -> Work {
    let item = (!item.is_empty()).then(|| item.clone());
    at_the_pool(view, (pool, "take", Wish::Take { by: by.clone(), item }))
}

fn at_the_pool(view: &View<'_>, (pool, what, wish): (&PoolKey, &str, Wish)) -> Work {
    let question = wish.question(pool);
    let by = question.idempotency_key.clone().unwrap_or_default();
    Work {
        id: WorkId::new(format!("pool/{pool}/{by}/{what}")),
        origin: view.moment.key,
        due: view.moment.now,
        expires: view.moment.now.plus_secs(GIVE_BACK_SECS),
        task: Task::Ask { action: view.action.clone(), question, memo: Values::new() },
    }
}
