//! Finding out what an action needs before it can decide.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::errand::{Sent, Went};
use super::{App, ServedAccount};
use crate::backend::{Full, Patience, Waits};
use crate::domain::actions::{Given, Needs};
use crate::domain::connector::OPENID;
use crate::domain::ids::Openid;
use crate::domain::question::{Answer, Errand, Question};
use crate::domain::value::Value;
use crate::growth::counter::Metric;
use crate::store::{CounterRange, CustomerRef, StoreError};

/// A question of the reply path may take this long at most, whatever its connector says: the answer leaves within 4 s.
pub const LONGEST_QUESTION: Duration = Duration::from_millis(3000);
/// So much of the time to answer is left for keeping and sending what the customer is told.
const TO_TELL: Duration = Duration::from_millis(500);
/// With less time than this nobody is asked.
const WORTH_ASKING: Duration = Duration::from_millis(50);

impl App {
    /// Finds out what is needed for a customer's message that is answered by `deadline`.
    pub(super) async fn find_out(
        &self,
        account: &ServedAccount,
        needs: &Needs,
        (of, deadline): (&CustomerRef, Instant),
    ) -> Result<Given, StoreError> {
        let code = needs.code.and_then(|wanted| self.rules.discretion.code(of, wanted));
        let answer = match &needs.question {
            Some(question) => Some(self.ask_in_time(account, question, (of, deadline)).await),
            None => None,
        };
        let tally = match &needs.tally {
            Some(prefix) => self.tally(account, prefix).await?,
            None => Vec::new(),
        };
        Ok(Given { answer, tally, code })
    }

    async fn tally(&self, account: &ServedAccount, prefix: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let counters = self.store.counters(account.id(), &[CounterRange::all(Metric::Votes)]).await?;
        let votes = counters.by_dimension(Metric::Votes, (0, 0));
        let of_option = |(dimension, n): (&str, i64)| Some((dimension.strip_prefix(prefix)?.to_owned(), n));
        Ok(votes.filter_map(of_option).collect())
    }

    /// Asks within the time a customer's message can wait, however much of it is gone already.
    pub(super) async fn ask_in_time(
        &self,
        account: &ServedAccount,
        question: &Question,
        (of, deadline): (&CustomerRef, Instant),
    ) -> Answer {
        if let Some(errand) = Errand::of(&question.connector) {
            let sent = Sent { errand, question, of, attempt: 1 };
            let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(TO_TELL);
            return match tokio::time::timeout(left, self.run_errand(account, &sent)).await {
                Ok(Ok(Went::Answered(answer))) => answer,
                _ => Answer::TimedOut,
            };
        }
        if let Some(own) =
            timeout_at(deadline, self.answer_own(account, question)).await.unwrap_or(Some(Answer::TimedOut))
        {
            return own;
        }
        let playbook = account.playbook();
        let Some(connector) = playbook.connectors.get(&question.connector) else { return Answer::Down };
        let own = Duration::from_millis(u64::from(connector.timeout_ms));
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(TO_TELL);
        if left < WORTH_ASKING {
            return Answer::TimedOut;
        }
        let meant = own.min(LONGEST_QUESTION);
        let patience = Patience { within: meant.min(left), meant, waits: Waits::Customer };
        if let Some(refused) = self.has_had_enough(account, question).await {
            return refused;
        }
        let answer = account.backend.ask(&playbook, &about(question, &of.openid), patience).await;
        // What was not put at all has sent nothing either.
        self.take_back(account, (question, answer.as_ref().unwrap_or(&Answer::Down))).await;
        // What was not put is as if it were still on its way: it is asked later, and the customer told so at once.
        answer.unwrap_or(Answer::TimedOut)
    }

    /// Asks with the patience of a later attempt.
    ///
    /// # Errors
    /// [`Full`] when it was not put.
    pub(super) async fn ask_later(
        &self,
        account: &ServedAccount,
        question: &Question,
        openid: &Openid,
    ) -> Result<Answer, Full> {
        if let Some(own) = self.answer_own(account, question).await {
            return Ok(own);
        }
        let playbook = account.playbook();
        let Some(connector) = playbook.connectors.get(&question.connector) else { return Ok(Answer::Down) };
        let within = Duration::from_millis(u64::from(connector.late_timeout_ms));
        let patience = Patience { within, meant: within, waits: Waits::Nobody };
        if let Some(refused) = self.has_had_enough(account, question).await {
            return Ok(refused);
        }
        let answer = account.backend.ask(&playbook, &about(question, openid), patience).await;
        // What was not put at all has sent nothing either.
        self.take_back(account, (question, answer.as_ref().unwrap_or(&Answer::Down))).await;
        answer
    }
}

/// Every question carries the customer; what is kept of it does not, because it is kept with the customer.
pub(super) fn about(question: &Question, openid: &Openid) -> Question {
    let mut question = question.clone();
    question.values.insert(OPENID.to_owned(), Value::from(openid.as_str()));
    question
}
