//! What a stage gives: points at once, a piece of a pool or something the business system does by outgoing work, each
//! under a number that is always the same, so that it is given once.

use super::Campaign;
use crate::domain::actions::{Fault, Outcome, View};
use crate::domain::fact::{FactKind, Rewarded};
use crate::domain::ids::WorkId;
use crate::domain::pool::Wish;
use crate::domain::question::{Answer, Question};
use crate::domain::referral::campaign::Stage;
use crate::domain::referral::drive::Drive;
use crate::domain::referral::reward::{Right, RightState, number};
use crate::domain::referral::telling::morning;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

/// In the memo of the work that gets a reward: for which stage.
pub(super) const STAGE: &str = "stage";
/// A reward is asked for until it is there, for so long; after that a person is told.
const ASKED_SECS: i64 = 30 * 86_400;
/// A right that was asked for and heard nothing is asked for again after so long: its number is the same.
const ASK_AGAIN_SECS: i64 = 31 * 86_400;
/// What could not be given is asked for again, once a day: a pool may have been filled, a business system mended.
const FAILED_AGAIN_SECS: i64 = 12 * 3600;

fn is_asked_again(right: &Right, now: UnixSecs) -> bool {
    let secs = now.secs_since(right.since);
    match right.state {
        RightState::Asked => secs > ASK_AGAIN_SECS,
        RightState::Failed(_) => secs > FAILED_AGAIN_SECS,
        RightState::Given(_) => false,
    }
}

impl Campaign {
    /// Whether a stage is reached and nothing was given for it.
    pub(super) fn is_due(&self, drive: &Drive, (stage, counted): (&Stage, u32)) -> bool {
        stage.friends <= counted && !drive.rights.contains_key(&stage.key)
    }

    /// Gives what is due.
    pub(super) fn give(&self, view: &View<'_>, (drive, counted): (&mut Drive, u32), out: &mut Outcome) {
        let now = view.moment.now;
        for stage in &self.stage {
            let is_again = drive.rights.get(&stage.key).is_some_and(|right| is_asked_again(right, now));
            if is_again || self.is_due(drive, (stage, counted)) {
                self.give_one(view, (drive, stage), out);
            }
        }
    }

    /// When something that could not be given is asked for again.
    pub(super) fn failed_again(&self, drive: &Drive, now: UnixSecs) -> Option<UnixSecs> {
        let has_failed = |stage: &&Stage| {
            drive.rights.get(&stage.key).is_some_and(|right| matches!(right.state, RightState::Failed(_)))
        };
        self.stage.iter().find(has_failed).map(|_| morning(now.business_day().plus_days(1)))
    }

    fn give_one(&self, view: &View<'_>, (drive, stage): (&mut Drive, &Stage), out: &mut Outcome) {
        let now = view.moment.now;
        let number = number(view.action, drive.inviter, &stage.key);
        let question = match (&stage.pool, &stage.connector) {
            (Some(pool), _) => Some(Wish::Take { by: number.clone(), item: None }.question(pool)),
            (None, Some(connector)) => {
                let of = |name: &str, value: &str| (name.to_owned(), Value::from(value));
                let values = Values::from([
                    of("campaign", view.action.as_str()),
                    of("stage", &stage.key),
                    of("number", &number),
                ]);
                Some(Question { connector: connector.clone(), values, idempotency_key: Some(number.clone()) })
            }
            (None, None) => None,
        };
        let state = match question {
            Some(question) => {
                let memo = Values::from([(STAGE.to_owned(), Value::from(stage.key.as_str()))]);
                let task = Task::Ask { action: view.action.clone(), question, memo };
                let id = WorkId::new(format!("reward/{number}"));
                let expires = now.plus_secs(ASKED_SECS);
                out.outbox.push(Work { id, origin: view.moment.key, due: now, expires, task });
                // Whoever heard that it failed is told when that changes, and not every day.
                match drive.rights.get(&stage.key) {
                    Some(Right { state: failed @ RightState::Failed(_), .. }) => failed.clone(),
                    _ => RightState::Asked,
                }
            }
            None => {
                self.hand_out(view, (stage, &number), out);
                RightState::Given(None)
            }
        };
        drive.rights.insert(stage.key.clone(), Right { since: now, state });
    }

    /// Points, and the fact that something was given.
    fn hand_out(&self, view: &View<'_>, (stage, number): (&Stage, &str), out: &mut Outcome) {
        if stage.points > 0 {
            let on = view.moment.now.business_day();
            let mut points = out.points.take().unwrap_or_else(|| view.customer.points.clone());
            points.earn(number, stage.points, (on, on.plus_days(i32::from(stage.points_days))));
            out.points = Some(points);
        }
        let rewarded = Rewarded { campaign: view.action.clone(), stage: stage.key.clone(), cost_fen: stage.cost_fen };
        out.facts.push(FactKind::Rewarded(Box::new(rewarded)));
    }

    /// The answer to what was asked for a stage.
    pub(super) fn answered(&self, view: &View<'_>, key: &str, answer: &Answer) -> Outcome {
        let mut drive = self.drive(view);
        let mut out = Outcome::default();
        let Some(stage) = self.stage.iter().find(|known| known.key == key) else { return out };
        let Some(right) = drive.rights.get_mut(key).filter(|right| right.state.is_open()) else { return out };
        let denied = |values: &Values| match values.get("denied") {
            Some(Value::Text(why)) => Some(why.clone()),
            _ => None,
        };
        let before = right.state.clone();
        right.state = match answer {
            Answer::Loaded(values) => match (denied(values), values.get("got").or_else(|| values.get("code"))) {
                (Some(why), _) => RightState::Failed(why),
                (None, Some(Value::Text(item))) if !item.is_empty() => RightState::Given(Some(item.clone())),
                (None, _) => RightState::Given(None),
            },
            Answer::Refused { code } => RightState::Failed(code.clone()),
            Answer::TimedOut | Answer::Down => RightState::Failed("no_answer".to_owned()),
        };
        if matches!(right.state, RightState::Given(_)) {
            let number = number(view.action, drive.inviter, key);
            self.hand_out(view, (stage, &number), &mut out);
        }
        if right.state != before {
            let told = self.tell_right(view, &drive, key);
            (out.reply, out.faults) = (told.reply, told.faults);
        }
        self.look_again(view, &mut drive, &mut out);
        out.drive = Some(drive);
        out
    }

    /// What is wrong with the stages.
    pub(super) fn stage_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (i, stage) in self.stage.iter().enumerate() {
            let earlier = self.stage.get(..i).unwrap_or_default();
            let mut fault = |field: &str, cause: String, mend: &str| {
                faults.push(Fault { field: format!("stage[{i}].{field}"), cause, mend: mend.into() });
            };
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if stage.key.is_empty() || stage.key.len() > 32 || !stage.key.chars().all(is_plain) {
                fault("key", format!("代号「{}」不能用", stage.key), "用 1 到 32 个英文字母、数字、- 或 _");
            } else if earlier.iter().any(|known| known.key == stage.key) {
                fault("key", format!("代号「{}」前面用过了，这一档永远不会给", stage.key), "换一个代号");
            }
            if stage.friends == 0 || earlier.iter().any(|known| known.friends >= stage.friends) {
                fault("friends", format!("{} 位不比前面的多", stage.friends), "从少到多写，第一档至少 1 位");
            }
            if stage.friends > self.caps.in_all {
                let cause = format!("要 {} 位，但一共最多算 {} 位，谁也拿不到", stage.friends, self.caps.in_all);
                fault("friends", cause, "改小，或者把 caps.in_all 改大");
            }
            if stage.title.trim().is_empty() {
                fault("title", "奖励没有名称".into(), "写上客户看得懂的名称");
            }
            if stage.pool.is_some() && stage.connector.is_some() {
                fault("connector", "pool 和 connector 只能写一个".into(), "删掉一个；两样都给就写成两档");
            }
            if stage.points == 0 && stage.pool.is_none() && stage.connector.is_none() {
                fault("points", "这一档什么也不给".into(), "写 points、pool 或 connector 中的一个");
            }
            if stage.points > 0 && stage.points_days == 0 {
                fault("points_days", "积分当天就过期".into(), "写 1 以上的天数");
            }
        }
        faults
    }
}
