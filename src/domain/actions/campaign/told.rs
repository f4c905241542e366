//! Looking at somebody's invites by itself: what ripened is counted, what there is for it is given, and news are told,
//! bundled.

use super::Campaign;
use super::shown::{Shown, of_right};
use crate::domain::actions::{Outcome, View};
use crate::domain::ids::WorkId;
use crate::domain::pool::Later;
use crate::domain::referral::drive::Drive;
use crate::domain::referral::reward::{Right, RightState};
use crate::domain::referral::telling::morning;
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

/// What a look tells is worth reading for so long. A look that comes later than this is taken all the same ([`abandon`]).
///
/// [`abandon`]: crate::domain::actions::ActionKind::abandon
const WORTH_SECS: i64 = 7 * 86_400;

impl Campaign {
    /// Looks: gives what is due and tells what is new.
    pub(super) fn look(&self, view: &View<'_>) -> Outcome {
        let mut out = Outcome::default();
        let (now, mut drive) = (view.moment.now, self.drive(view));
        let today = now.business_day();
        drive.look_at = None;
        drive.settle(today, self.caps());
        let counted = drive.counted(today, self.caps());
        self.give(view, (&mut drive, counted), &mut out);
        if drive.telling.is_due(now, self.caps.messages_per_day) && drive.telling.is_owed(counted) {
            let mut lines = news(&drive, counted);
            lines.extend(self.rights_untold(&drive));
            let mut values = self.standing(view, &drive);
            values.insert("news".to_owned(), Value::from(lines.join("\n")));
            out.reply = self.say(view, (&mut out, Shown::News), &values);
            drive.telling.told(now, counted);
        }
        self.look_again(view, &mut drive, &mut out);
        out.drive = Some(drive);
        out
    }

    /// Sees to it that it is looked at when there is something to tell, or an invite ripens.
    pub(super) fn look_again(&self, view: &View<'_>, drive: &mut Drive, out: &mut Outcome) {
        let now = view.moment.now;
        let today = now.business_day();
        let counted = drive.counted(today, self.caps());
        let gives = self.stage.iter().any(|stage| self.is_due(drive, (stage, counted)));
        let telling = drive.telling.is_owed(counted) || gives;
        let soon = telling.then(|| drive.telling.next(now, self.caps.messages_per_day));
        let ripe = drive.next_ripe(today).map(morning);
        let again = self.failed_again(drive, now);
        let Some(at) = [soon, ripe, again].into_iter().flatten().min() else { return };
        if drive.look_at.is_some_and(|known| known > now && known <= at) {
            return;
        }
        drive.look_at = Some(at);
        out.outbox.push(look_work(view, at));
    }

    /// What was given since the last message. What was asked for elsewhere is told when it comes.
    fn rights_untold(&self, drive: &Drive) -> impl Iterator<Item = String> {
        let rights = self.stage.iter().filter_map(|stage| Some((stage, drive.rights.get(&stage.key)?)));
        let is_new = |right: &Right| !right.state.is_open() && drive.telling.at.is_none_or(|told| right.since > told);
        rights.filter(move |(_, right)| is_new(right)).map(|(stage, right)| of_right(stage, &right.state))
    }

    /// What is told of a stage whose reward came, or did not.
    pub(super) fn tell_right(&self, view: &View<'_>, drive: &Drive, stage: &str) -> Outcome {
        let mut out = Outcome::default();
        let found = self.stage.iter().find(|known| known.key == stage);
        let (Some(stage), Some(right)) = (found, drive.rights.get(stage)) else { return out };
        let mut values = self.standing(view, drive);
        values.insert("news".to_owned(), Value::from(of_right(stage, &right.state)));
        if !matches!(right.state, RightState::Asked) {
            out.reply = self.say(view, (&mut out, Shown::News), &values);
        }
        out
    }
}

fn news(drive: &Drive, counted: u32) -> Vec<String> {
    let telling = &drive.telling;
    let counts = counted.saturating_sub(telling.counted);
    let lines = [
        (telling.came, "位好友扫您的码关注了"),
        (counts, "位好友算数了"),
        (telling.left, "位好友取消了关注，不算数了"),
    ];
    lines.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
}

/// The work that looks at a moment: named by it, so that there is one.
fn look_work(view: &View<'_>, at: UnixSecs) -> Work {
    let task = Task::Ask { action: view.action.clone(), question: Later::question(), memo: Values::new() };
    let id = WorkId::new(format!("look/{}/{}", view.action, at.0));
    Work { id, origin: view.moment.key, due: at, expires: at.plus_secs(WORTH_SECS), task }
}
