//! A campaign of a playbook (`campaigns/NAME.toml`) as an action: whoever asks for it gets a code of their own, a friend
//! who comes by one is greeted by it, and inviters are told how things stand.

mod earn;
mod shown;
mod told;

use std::collections::BTreeSet;

use super::{ActionKind, CodeFor, Entry, Fault, Given, Needs, Outcome, Stakes, TextField, View};
use crate::domain::fold::fold;
use crate::domain::ids::{ConnectorKey, PoolKey};
use crate::domain::question::Answer;
use crate::domain::referral::Inviter;
pub use crate::domain::referral::campaign::Campaign;
use crate::domain::referral::campaign::Phase;
use crate::domain::referral::code::Tag;
use crate::domain::referral::drive::Drive;
use crate::domain::referral::news::Word;
use crate::domain::referral::terms::Terms;
use crate::domain::reply::Reply;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work, id_for};

use shown::Shown;

/// A poster is worth sending for so long after it was asked for.
const POSTER_SECS: i64 = 600;
/// Stages of one campaign.
const MOST_STAGES: usize = 10;
/// What every text of an inviter may use.
const STANDING: [&str; 6] = ["title", "counted", "waiting", "missing", "reward", "points"];

impl Campaign {
    fn drive(&self, view: &View<'_>) -> Drive {
        view.customer.drives.get(view.action).cloned().unwrap_or_default()
    }

    /// Whoever asks for their code.
    fn join(&self, view: &View<'_>, given: &Given) -> Outcome {
        let mut out = Outcome::default();
        let mut drive = self.drive(view);
        let values = self.standing(view, &drive);
        let Some(code) = &given.code else {
            // Nobody without an openid of the platform's kind asks.
            out.reply = shown::text(view, &mut out, shown::NO_CODE, &values);
            return out;
        };
        let joined = self.say(view, (&mut out, Shown::Joined), &values);
        let mut alone = values;
        alone.insert("code".to_owned(), Value::from(code.as_str()));
        let alone = self.say(view, (&mut out, Shown::Code), &alone);
        if self.poster.is_some() {
            let task = Task::Poster { action: view.action.clone(), scene: code.clone(), alone };
            let (id, now) = (id_for("poster", view.moment.key), view.moment.now);
            out.outbox.push(Work { id, origin: view.moment.key, due: now, expires: now.plus_secs(POSTER_SECS), task });
            out.reply = joined;
        } else {
            out.reply = shown::joined(joined, alone);
        }
        drive.joined = drive.joined.or(Some(view.moment.at));
        out.drive = Some(drive);
        out
    }

    /// A friend, or somebody who is none.
    fn greet(&self, view: &View<'_>, invited: &crate::domain::fact::Invited) -> Outcome {
        let mut out = Outcome::default();
        let mut values = self.of_title();
        out.reply = match crate::domain::referral::verdict::hope(view.customer, invited, view.moment.at) {
            None => self.say(view, (&mut out, Shown::Friend), &values),
            Some(reason) => {
                values.insert("reason".to_owned(), Value::from(shown::reason_to_friend(reason)));
                self.say(view, (&mut out, Shown::NotCounted), &values)
            }
        };
        out
    }

    fn asks_for_mine(&self, words: &str) -> bool {
        let said = fold(words);
        self.mine.iter().any(|known| fold(known) == said)
    }

    /// What was said of an invite by the friend's side, in the inviter's record.
    pub fn hear(&self, view: &View<'_>, (word, inviter): (&Word, Inviter)) -> Outcome {
        let mut drive = self.drive(view);
        let before = drive.clone();
        drive.take(word, inviter);
        let mut out = Outcome::default();
        if drive == before {
            return out;
        }
        self.look_again(view, &mut drive, &mut out);
        out.drive = Some(drive);
        out
    }
}

impl ActionKind for Campaign {
    fn texts<'a>(&'a self, _fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>> {
        Shown::ALL
            .into_iter()
            .filter_map(|shown| {
                let template = shown.of(&self.texts)?;
                Some(TextField::new(&format!("texts.{}", shown.field()), template, &shown.allowed()))
            })
            .collect()
    }

    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        self.stage.iter().filter_map(|stage| Some((stage.connector.as_ref()?, Stakes::Value))).collect()
    }

    fn pools(&self) -> Vec<&PoolKey> {
        self.stage.iter().filter_map(|stage| stage.pool.as_ref()).collect()
    }

    fn question_values(&self) -> BTreeSet<String> {
        ["campaign", "stage", "number"].map(str::to_owned).into()
    }

    fn faults(&self) -> Vec<Fault> {
        let fault = |field: &str, cause: String, mend: &str| Fault { field: field.into(), cause, mend: mend.into() };
        let mut faults = Vec::new();
        if self.title.trim().is_empty() {
            faults.push(fault("title", "活动没有名称".into(), "写上客户看得懂的名称"));
        }
        if let Some(ends) = self.ends.filter(|ends| *ends < self.starts) {
            let cause = format!("{ends} 结束，比开始的 {} 还早", self.starts);
            faults.push(fault("ends", cause, "把结束日期改到开始日期之后"));
        }
        for (field, days) in [("within_days", self.terms.within_days), ("hold_days", self.terms.hold_days)] {
            if days > Terms::MOST_DAYS {
                let cause = format!("{days} 天太长，客户的活跃记录不够久");
                faults.push(fault(&format!("terms.{field}"), cause, "写 0 到 60 之间的天数"));
            }
        }
        if self.terms.goal.is_none() && self.terms.active_days > self.terms.within_days {
            let cause = format!("{} 天里来不了 {} 天", self.terms.within_days, self.terms.active_days);
            faults.push(fault("terms.active_days", cause, "写得比 within_days 小，或者等于它"));
        }
        if self.levels != 1 {
            let cause = "多级奖励（好友再邀请的人也给奖励）属于违规，平台会封号".to_owned();
            faults.push(fault("levels", cause, "删掉 levels；只奖励自己邀请来的好友"));
        }
        if self.caps.per_day == 0 || self.caps.in_all == 0 {
            faults.push(fault("caps", "上限是 0，谁的邀请都不会算数".into(), "写 1 以上的数"));
        }
        if !(1..=10).contains(&self.caps.messages_per_day) {
            let cause = format!("一天主动发 {} 次", self.caps.messages_per_day);
            faults.push(fault("caps.messages_per_day", cause, "写 1 到 10 之间的数"));
        }
        if self.stage.len() > MOST_STAGES {
            faults.push(fault("stage", format!("有 {} 档奖励", self.stage.len()), "最多 10 档"));
        }
        if let Some(code) = &self.texts.code
            && !code.placeholders().contains("code")
        {
            let cause = "转发的话里没有邀请码，好友来了也不知道是谁请的".to_owned();
            faults.push(fault("texts.code", cause, "把 {{ code }} 写进去"));
        }
        faults.extend(self.stage_faults());
        faults
    }

    fn needs(&self, view: &View<'_>) -> Needs {
        let asks = match view.entry {
            Entry::Opened { words } => !self.asks_for_mine(words) && self.phase(view.moment.at) == Phase::Runs,
            Entry::Continued { .. } => false,
        };
        let since = view.customer.follow.first_at.unwrap_or(view.moment.at);
        Needs { code: asks.then(|| CodeFor { tag: Tag::of(view.action), since }), ..Needs::default() }
    }

    fn decide(&self, view: &View<'_>, given: &Given) -> Outcome {
        if let Some(invited) = view.invited {
            return self.greet(view, invited);
        }
        let (Entry::Opened { words } | Entry::Continued { words, .. }) = view.entry;
        if self.asks_for_mine(words) {
            return self.show_mine(view);
        }
        let mut out = Outcome::default();
        let mut values = self.standing(view, &self.drive(view));
        values.insert("starts".to_owned(), Value::from(self.starts.to_string()));
        let shown = match self.phase(view.moment.at) {
            Phase::Runs => return self.join(view, given),
            Phase::Before => Shown::NotStarted,
            Phase::Over => Shown::Ended,
        };
        out.reply = self.say(view, (&mut out, shown), &values);
        out
    }

    fn resume(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        match memo.get(earn::STAGE) {
            Some(Value::Text(stage)) => self.answered(view, stage, answer),
            _ => self.look(view),
        }
    }

    fn abandon(&self, view: &View<'_>, memo: &Values) -> Outcome {
        match memo.get(earn::STAGE) {
            Some(Value::Text(stage)) => self.answered(view, stage, &Answer::TimedOut),
            _ => self.look(view),
        }
    }
}

/// What is said beside a reply that is silent.
fn is_said(reply: &Reply) -> bool {
    !reply.is_silent()
}

#[cfg(test)]
mod tests;
