//! What a message comes to: pure and from the record alone, so that what has to be loaded first and what is decided then
//! are about the same.

use super::super::numbering::Origin;
use super::super::{Entry, View, words};
use super::{Draft, Form, Hold, Kept, RESUME, SENT, SUMMARY, SUMMARY_EXPRESSLY, Sent};
use crate::domain::customer::Dialogue;
use crate::domain::fact::OrderOutcome;
use crate::domain::form::{self, Open, Step, Turn};
use crate::domain::pool::Wish;
use crate::domain::question::Question;
use crate::domain::time::UnixSecs;
use crate::domain::value::Value;

/// Held so much longer than the business system is asked: what is agreed to does not run out on its way.
const FIRMLY_SECS: i64 = 86_400;

/// What a message comes to.
pub(super) struct Plan<'a> {
    /// What is remembered, the draft taken out.
    pub kept: Kept,
    /// The form as it is filled now.
    pub draft: Draft,
    /// What is held no longer: of a form that was begun anew.
    pub released: Option<Hold>,
    /// What is to be done.
    pub act: Act<'a>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Act<'a> {
    /// Tell how this one stands.
    Standing(Sent),
    /// Ask whether to go on.
    Resume,
    /// Go on.
    Turn(Turn<'a>),
    /// What was held for this step is free again: it is chosen anew.
    Lapsed(&'a Step),
}

impl Form {
    /// The steps at this moment.
    pub(super) fn walk<'a, 'h>(&'a self, now: UnixSecs, held: Option<&'h str>) -> form::Form<'a, 'h> {
        form::Form { steps: &self.steps, today: now.business_day(), held }
    }

    /// Where a draft stands, what is no answer any more taken out of it.
    pub(super) fn open_now(&self, now: UnixSecs, draft: &mut Draft) -> Open<'_> {
        let held = draft.held(now).map(str::to_owned);
        let walk = self.walk(now, held.as_deref());
        walk.clean(&mut draft.progress);
        walk.open(&draft.progress)
    }

    pub(super) fn plan<'a>(&'a self, view: &View<'_>) -> Plan<'a> {
        let now = view.moment.now;
        let mut kept = Kept::of(view);
        let mut draft = kept.draft.take().filter(|draft| draft.until > now);
        match view.entry {
            Entry::Opened { words } => {
                // Whoever comes back goes on with the first thing that is missing: what was held may be gone.
                draft.iter_mut().for_each(|draft| draft.progress.at.clear());
                let asks = words::is_yes(words) || words::asks_standing(words);
                let latest = kept.sent.last().filter(|sent| asks || sent.outcome == OrderOutcome::Placed);
                match (latest.cloned(), draft) {
                    // While nobody knows how one ended, a second one could be done besides.
                    (Some(sent), draft) => Plan::of(kept, draft.unwrap_or_default(), Act::Standing(sent)),
                    (None, Some(draft)) if draft.is_begun(now) => Plan::of(kept, draft, Act::Resume),
                    (None, _) => self.begin(view, kept, None),
                }
            }
            Entry::Continued { dialogue, words } => self.go_on(view, (kept, draft), (dialogue, words)),
        }
    }

    fn begin(&self, view: &View<'_>, kept: Kept, released: Option<Hold>) -> Plan<'_> {
        let (day, number) = Origin { action: view.action, key: view.moment.key, at: view.moment.at }.number("form", 18);
        let draft = Draft { number: format!("{day}{number:018}"), ..Draft::default() };
        Plan { released, ..self.at_open(view, kept, draft) }
    }

    /// Asks what is open.
    fn at_open(&self, view: &View<'_>, kept: Kept, mut draft: Draft) -> Plan<'_> {
        let lapsed = self.lapsed_step(&draft, view.moment.now);
        let turn = match self.open_now(view.moment.now, &mut draft) {
            Open::Step(step) => {
                draft.progress.at.clone_from(&step.name);
                Turn::Ask(step)
            }
            Open::Summary => Turn::Gathered,
        };
        match (turn, lapsed) {
            (Turn::Ask(step), Some(lapsed)) if step.name == lapsed.name => Plan::of_lapsed(kept, draft, lapsed),
            (turn, _) => Plan::of(kept, draft, Act::Turn(turn)),
        }
    }

    /// The step whose answer was held for the customer and is no longer, if they were not told.
    fn lapsed_step(&self, draft: &Draft, now: UnixSecs) -> Option<&Step> {
        let answered = |step: &&Step| step.pool().is_some() && draft.progress.answers.contains_key(&step.name);
        self.steps.iter().find(answered).filter(|_| draft.has_lapsed(now))
    }

    fn go_on<'a>(
        &'a self,
        view: &View<'_>,
        (kept, draft): (Kept, Option<Draft>),
        (dialogue, words): (&Dialogue, &str),
    ) -> Plan<'a> {
        let now = view.moment.now;
        if dialogue.step == SENT {
            return match kept.sent.last().cloned() {
                Some(sent) => Plan::of(kept, draft.unwrap_or_default(), Act::Standing(sent)),
                None => self.begin(view, kept, None),
            };
        }
        let Some(mut draft) = draft else { return self.begin(view, kept, None) };
        if dialogue.step == RESUME || is_idle(dialogue, now) {
            draft.progress.at.clear();
            return if form::is_restart(words) {
                self.begin(view, kept, draft.hold.take())
            } else if form::is_resume(words) || !draft.is_begun(now) {
                self.at_open(view, kept, draft)
            } else if form::is_cancel(words) {
                Plan::of(kept, draft, Act::Turn(Turn::Cancelled))
            } else {
                Plan::of(kept, draft, Act::Resume)
            };
        }
        let lapsed = self.lapsed_step(&draft, now);
        let is_at_summary = matches!(dialogue.step.as_str(), SUMMARY | SUMMARY_EXPRESSLY);
        // A "确认" is no answer to a list that nobody has shown.
        if let Some(step) = lapsed.filter(|_| is_at_summary && !form::is_cancel(words) && !form::is_restart(words)) {
            return Plan::of_lapsed(kept, draft, step);
        }
        let (progress, turn) = self.walk(now, draft.held(now)).hear(&draft.progress, words);
        draft.progress = progress;
        match turn {
            Turn::Ask(step) if step.name != dialogue.step && lapsed.is_some_and(|lapsed| lapsed.name == step.name) => {
                Plan::of_lapsed(kept, draft, step)
            }
            Turn::Restarted => self.begin(view, kept, draft.hold.take()),
            Turn::Agreed if dialogue.step == SUMMARY_EXPRESSLY && !words::is_express_yes(words) => {
                Plan::of(kept, draft, Act::Turn(Turn::Unclear))
            }
            turn => Plan::of(kept, draft, Act::Turn(turn)),
        }
    }
}

/// Whether a dialogue has waited too long to take words for an answer.
pub(super) fn is_idle(dialogue: &Dialogue, now: UnixSecs) -> bool {
    matches!(dialogue.slots.get("until"), Some(Value::Integer(until)) if *until <= now.0)
}

impl<'a> Plan<'a> {
    fn of(kept: Kept, draft: Draft, act: Act<'a>) -> Self {
        Self { kept, draft, released: None, act }
    }

    /// What was held for this step is forgotten, and others are offered.
    fn of_lapsed(kept: Kept, mut draft: Draft, step: &'a Step) -> Self {
        draft.hold = None;
        draft.progress.answers.remove(&step.name);
        draft.progress.at.clone_from(&step.name);
        draft.progress.offers.clear();
        (draft.progress.page, draft.progress.wrong) = (0, 0);
        Self::of(kept, draft, Act::Lapsed(step))
    }

    /// What has to be loaded first.
    pub(super) fn wish(&self, form: &Form, view: &View<'_>) -> Option<Question> {
        let (number, progress) = (&self.draft.number, &self.draft.progress);
        let offers = |step: &Step| {
            let wish = Wish::Offers { by: number.clone(), page: progress.page };
            step.pool().map(|pool| wish.question(pool))
        };
        let turn = match &self.act {
            Act::Turn(turn) => turn,
            Act::Lapsed(step) => return offers(step),
            Act::Standing(_) | Act::Resume => return None,
        };
        match turn {
            // Every wish of its own: what was held before is given back when this one is theirs.
            Turn::Wish(step, item) => {
                let by = format!("{number}/{:016x}", view.moment.key.0);
                Some(Wish::Hold { by, item: Some(item.clone()), secs: None }.question(step.pool()?))
            }
            Turn::Ask(step) | Turn::First(step) | Turn::Wrong(step, _) | Turn::Stuck(step) => {
                let is_asked = matches!(turn, Turn::Ask(_)) || progress.offers.is_empty();
                offers(step).filter(|_| is_asked)
            }
            Turn::Agreed => {
                let secs = Some(i64::from(form.settle_secs) + FIRMLY_SECS);
                match (&self.draft.hold, &form.stock) {
                    (Some(Hold { pool, by, item, .. }), _) => {
                        Some(Wish::Hold { by: by.clone(), item: Some(item.clone()), secs }.question(pool))
                    }
                    (None, Some(pool)) => Some(Wish::Hold { by: number.clone(), item: None, secs }.question(pool)),
                    (None, None) => None,
                }
            }
            Turn::Gathered | Turn::Unclear | Turn::Restarted | Turn::Cancelled => None,
        }
    }
}
