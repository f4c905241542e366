//! How often a number is sent a code in a day, whoever asks: customers have a limit of their own, and many of them could
//! still flood one phone together. Kept by a keyed hash of the number and for that day only.

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};

use super::{App, ServedAccount};
use crate::domain::connector::wire;
use crate::domain::question::{Answer, MOST_A_DAY, Question, TOO_MANY};
use crate::domain::time::BusinessDay;
use crate::domain::value::Value;
use crate::store::{Committed, Shared, SharedChange, SharedKind, SharedName, StoreError};

/// So many others may be quicker, one after the other.
const MAX_TRIES: usize = 50;
/// So many records are taken away in one write.
const AT_ONCE: usize = 200;
/// What stands for one question in a record.
const MARK_BYTES: usize = 8;

/// A question that sends something to a number.
struct Sends {
    name: SharedName,
    /// The same whenever the question is put.
    mark: [u8; MARK_BYTES],
    most: usize,
}

impl App {
    fn sends(&self, question: &Question) -> Option<Sends> {
        let Some(Value::Integer(most)) = question.values.get(MOST_A_DAY) else { return None };
        let (number, key) = (question.values.get("number")?, question.idempotency_key.as_ref()?);
        let who = self.rules.discretion.key.mark(&[b"", b"code", wire(number).as_bytes()]);
        let who: String = who.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let part = format!("{}/{who}", self.clock.now().business_day().0);
        let mut mark = [0; MARK_BYTES];
        mark.iter_mut().zip(Sha256::digest(key)).for_each(|(to, from)| *to = from);
        let most = usize::try_from(*most).unwrap_or(0);
        Some(Sends { name: SharedName { kind: SharedKind::Codes, part }, mark, most })
    }

    /// Counts a question that sends something to a number. The answer to it where the number has had enough; `None` where
    /// it may be put. Counted again it counts once.
    pub(super) async fn has_had_enough(&self, account: &ServedAccount, question: &Question) -> Option<Answer> {
        let sends = self.sends(question)?;
        let counted = self.count(account, &sends, |marks| {
            let is_new = !marks.contains(&sends.mark);
            let has_room = marks.len() < sends.most;
            if is_new && has_room {
                marks.push(sends.mark);
            }
            !is_new || has_room
        });
        match counted.await {
            Ok(true) => None,
            Ok(false) => {
                tracing::warn!(account = %account.id(), connector = %question.connector, "a number has been sent enough codes today");
                Some(Answer::Refused { code: TOO_MANY.to_owned() })
            }
            Err(error) => {
                tracing::error!(account = %account.id(), %error, "codes of a number could not be counted");
                Some(Answer::Down)
            }
        }
    }

    /// What was refused or surely not put has sent nothing: it does not count.
    pub(super) async fn take_back(&self, account: &ServedAccount, (question, answer): (&Question, &Answer)) {
        let sent_nothing = matches!(answer, Answer::Refused { .. } | Answer::Down);
        let Some(sends) = self.sends(question).filter(|_| sent_nothing) else { return };
        let taken = self.count(account, &sends, |marks| {
            marks.retain(|mark| *mark != sends.mark);
            true
        });
        if let Err(error) = taken.await {
            tracing::warn!(account = %account.id(), %error, "a code that was not sent stays counted");
        }
    }

    async fn count(
        &self,
        account: &ServedAccount,
        sends: &Sends,
        change: impl Fn(&mut Vec<[u8; MARK_BYTES]>) -> bool,
    ) -> Result<bool, StoreError> {
        for _ in 0..MAX_TRIES {
            let shared = self.store.shared(account.id(), &sends.name).await?;
            let before: Vec<[u8; MARK_BYTES]> = shared.body.as_chunks::<MARK_BYTES>().0.to_vec();
            let mut marks = before.clone();
            let is_allowed = change(&mut marks);
            if marks == before {
                return Ok(is_allowed);
            }
            let change = SharedChange {
                account: account.id().clone(),
                name: sends.name.clone(),
                base: shared.version,
                body: Some(marks.concat()),
            };
            if self.store.put_shared(change).await? == Committed::Applied {
                return Ok(is_allowed);
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one number")))
    }

    /// Forgets what was counted on the days before this one.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn forget_codes(&self) -> Result<(), StoreError> {
        let today = self.clock.now().business_day();
        for account in self.accounts.keys() {
            let all = self.store.shared_of(account, SharedKind::Codes).await?;
            let old = all.into_iter().filter(|(part, _)| day_of(part).is_none_or(|day| day < today));
            let change = |(part, shared): (String, Shared)| {
                let name = SharedName { kind: SharedKind::Codes, part };
                SharedChange { account: account.clone(), name, base: shared.version, body: None }
            };
            let old: Vec<SharedChange> = old.map(change).collect();
            for some in old.chunks(AT_ONCE) {
                try_join_all(some.iter().map(|change| self.store.put_shared(change.clone()))).await?;
            }
        }
        Ok(())
    }
}

fn day_of(part: &str) -> Option<BusinessDay> {
    part.split_once('/')?.0.parse().ok().map(BusinessDay)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::stand::Stand;
    use super::*;
    use crate::domain::private::Private;
    use crate::domain::value::Values;

    fn code(number: &str, key: &str) -> Question {
        let values = Values::from([
            ("number".to_owned(), Value::Private(Private::new(number))),
            (MOST_A_DAY.to_owned(), Value::Integer(3)),
        ]);
        Question { connector: "send_code".into(), values, idempotency_key: Some(key.to_owned()) }
    }

    #[actix_web::test]
    async fn ten_customers_together_send_a_number_no_more_codes_than_one() {
        let stand = Stand::new();
        let account = Arc::clone(&stand.account());
        let mut allowed = 0;
        for customer in 0..10 {
            let question = code("13800138000", &format!("code/{customer}"));
            for _ in 0..2 {
                // Put again it is the same code.
                allowed += usize::from(stand.app.has_had_enough(&account, &question).await.is_none());
            }
        }
        assert_eq!(allowed, 6, "three, each asked for twice");
        let too_many = Some(Answer::Refused { code: TOO_MANY.into() });
        assert_eq!(stand.app.has_had_enough(&account, &code("13800138000", "code/x")).await, too_many);
        assert_eq!(stand.app.has_had_enough(&account, &code("13800138001", "code/x")).await, None);
        let plain = Question { values: Values::new(), ..code("1", "k") };
        assert_eq!(stand.app.has_had_enough(&account, &plain).await, None, "what sends nothing is not counted");
    }

    #[actix_web::test]
    async fn what_sent_nothing_does_not_count_and_no_number_stands_in_the_store() {
        let stand = Stand::new();
        let account = Arc::clone(&stand.account());
        for key in 0..9 {
            let question = code("13800138000", &format!("code/{key}"));
            assert_eq!(stand.app.has_had_enough(&account, &question).await, None, "{key}");
            stand.app.take_back(&account, (&question, &Answer::Refused { code: "TOO_SOON".into() })).await;
        }
        let question = code("13800138000", "code/sent");
        stand.app.has_had_enough(&account, &question).await;
        stand.app.take_back(&account, (&question, &Answer::TimedOut)).await;
        let kept = stand.app.store.shared_of(account.id(), SharedKind::Codes).await.unwrap();
        let [(part, record)] = kept.as_slice() else { panic!("{kept:?}") };
        assert!(!part.contains("1380") && record.body.len() == MARK_BYTES, "it may have been sent: it counts");
    }

    #[actix_web::test]
    async fn the_days_before_are_forgotten() {
        let stand = Stand::new();
        let account = Arc::clone(&stand.account());
        for _ in 0..2 {
            stand.app.has_had_enough(&account, &code("13800138000", "a")).await;
            stand.app.forget_codes().await.unwrap();
            assert_eq!(stand.app.store.shared_of(account.id(), SharedKind::Codes).await.unwrap().len(), 1);
            stand.clock.set(stand.app.clock.now().plus_secs(86_400));
        }
        stand.app.forget_codes().await.unwrap();
        assert_eq!(stand.app.store.shared_of(account.id(), SharedKind::Codes).await.unwrap(), []);
    }
}
