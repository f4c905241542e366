//! The outbox: due work is claimed, done, and put off with growing patience when it cannot be done yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::App;
use super::perform::{Tried, account_of};
use super::turns::{Next, Turn, Turns};
use crate::domain::time::UnixSecs;
use crate::domain::work::Task;
use crate::store::{Claimed, CustomerRef, StoreError};

/// A claim is ours for so long; after a crash somebody else finds the work then.
const LEASE_SECS: i64 = 60;
/// So much is worked on at once. One that waits for a slow business system takes one place and keeps nobody waiting.
const AT_ONCE: usize = 64;
/// The longest the worker looks away: other machines may have left work too.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Whoever stops us waits; a slow business system may take half a minute.
const FINISH_WITHIN: Duration = Duration::from_secs(3);
/// A message that is cut off is one of which nobody knows whether it arrived: so long a call to the platform takes, and
/// what is written down after it.
const MESSAGES_WITHIN: Duration = Duration::from_secs(15);
/// Seconds until the next try, by number of tries.
const PATIENCE_SECS: [i64; 8] = [1, 3, 10, 30, 120, 600, 1800, 7200];
/// What somebody has paid for waits no longer than this between two tries: orders are looked after every five minutes.
const LONGEST_FOR_MONEY_SECS: i64 = 300;

/// Seconds until work that was not its turn is tried again.
const NOT_PUT_SECS: i64 = 20;

/// What is being worked on.
#[derive(Default)]
struct InHand {
    /// Each ends with the moment its work comes back, if it does.
    tasks: JoinSet<Option<UnixSecs>>,
    /// Whose message a task sends.
    whose: HashMap<Id, CustomerRef>,
    /// Questions: they can be cut off, since they are asked again.
    questions: HashMap<Id, AbortHandle>,
    /// No message is begun any more.
    is_stopping: bool,
    turns: Turns,
}

type Ended = Result<(Id, Option<UnixSecs>), JoinError>;

impl InHand {
    fn room(&self) -> usize {
        AT_ONCE.saturating_sub(self.tasks.len() + self.turns.waiting())
    }

    fn cut_off_questions(&self) {
        self.questions.values().for_each(AbortHandle::abort);
    }
}

impl App {
    /// Works until told to stop, then finishes what is in hand if that does not take long.
    pub async fn run_outbox(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut in_hand = InHand::default();
        while !*stop.borrow() {
            let begun = match self.begin_due(&mut in_hand).await {
                Ok(begun) => begun,
                Err(error) => {
                    tracing::warn!(%error, "the outbox waits for the store");
                    0
                }
            };
            if begun > 0 {
                continue;
            }
            let full = in_hand.room() == 0;
            // In this order and not at random, so that a simulated run can be repeated.
            tokio::select! {
                biased;
                heard = stop.changed() => if heard.is_err() { break },
                Some(ended) = in_hand.tasks.join_next_with_id() => self.go_on(&mut in_hand, ended).await,
                () = self.outbox_bell.notified(), if !full => {}
                () = sleep(LOOK_AGAIN), if !full => {}
            }
        }
        in_hand.is_stopping = true;
        if timeout(FINISH_WITHIN, self.finish(&mut in_hand)).await.is_ok() {
            return;
        }
        // As after a crash: it is asked again when its lease has ended.
        tracing::info!(left = in_hand.questions.len(), "questions that take long are left to the next start");
        in_hand.cut_off_questions();
        if timeout(MESSAGES_WITHIN, self.finish(&mut in_hand)).await.is_err() {
            tracing::error!(left = in_hand.tasks.len(), "messages were cut off; what became of them is unknown");
            in_hand.tasks.shutdown().await;
        }
    }

    /// Waits for what is in hand.
    async fn finish(self: &Arc<Self>, in_hand: &mut InHand) {
        while let Some(ended) = in_hand.tasks.join_next_with_id().await {
            self.go_on(in_hand, ended).await;
        }
    }

    /// Begins what is due as far as there is room, and says how much that was.
    async fn begin_due(self: &Arc<Self>, in_hand: &mut InHand) -> Result<usize, StoreError> {
        while let Some(ended) = in_hand.tasks.try_join_next_with_id() {
            self.go_on(in_hand, ended).await;
        }
        let room = in_hand.room();
        if room == 0 {
            return Ok(0);
        }
        let claimed = self.store.claim_due(self.clock.now(), LEASE_SECS, room).await?;
        let count = claimed.len();
        for claimed in claimed {
            match &claimed.work.task {
                // Questions may take long and their outcomes commute: nobody waits behind one.
                Task::Ask { .. } | Task::Credit { .. } => {
                    let question = self.begin(in_hand, claimed);
                    in_hand.questions.insert(question.id(), question);
                }
                Task::Send(_) | Task::Tell { .. } | Task::Poster { .. } => {
                    match in_hand.turns.take(claimed, self.clock.now()) {
                        Turn::Now(claimed) => self.begin_message(in_hand, claimed),
                        Turn::Waits => {}
                        Turn::Until(claimed, until) => self.put_off(vec![claimed], until).await,
                    }
                }
            }
        }
        Ok(count)
    }

    fn begin(self: &Arc<Self>, in_hand: &mut InHand, claimed: Claimed) -> AbortHandle {
        let app = Arc::clone(self);
        in_hand.tasks.spawn(async move { app.try_one(claimed).await })
    }

    fn begin_message(self: &Arc<Self>, in_hand: &mut InHand, claimed: Claimed) {
        let of = claimed.of.clone();
        let message = self.begin(in_hand, claimed);
        in_hand.whose.insert(message.id(), of);
    }

    /// Takes note of an end. After a message comes the customer's next one, or nothing before it is tried again.
    async fn go_on(self: &Arc<Self>, in_hand: &mut InHand, ended: Ended) {
        let now = self.clock.now();
        let (id, comes_back) = ended.unwrap_or_else(|error| {
            if !error.is_cancelled() {
                tracing::error!("a piece of outgoing work failed unexpectedly; it is tried again after its lease");
            }
            (error.id(), Some(now.plus_secs(LEASE_SECS)))
        });
        in_hand.questions.remove(&id);
        let Some(of) = in_hand.whose.remove(&id) else { return };
        let next = match comes_back {
            Some(until) => Next::PutOff(in_hand.turns.put_off(&of, until), until),
            None => in_hand.turns.finished(&of, now),
        };
        match next {
            // It would be cut off, and nobody would know whether it arrived.
            Next::Send(claimed) if in_hand.is_stopping => self.put_off(vec![*claimed], now).await,
            Next::Send(claimed) => self.begin_message(in_hand, *claimed),
            Next::PutOff(waited, until) => self.put_off(waited, until).await,
            Next::Nothing => {}
        }
    }

    async fn put_off(&self, waited: Vec<Claimed>, until: UnixSecs) {
        for claimed in waited {
            if let Err(error) = self.store.defer(&claimed.of, &claimed, until).await {
                tracing::warn!(account = account_of(&claimed.of), %error, "outgoing work waits for its lease");
            }
        }
    }

    /// Tries it, and says when it comes back, if it does.
    async fn try_one(&self, claimed: Claimed) -> Option<UnixSecs> {
        let lease_ends = claimed.lease_ends;
        let Some(account) = self.accounts.get(&claimed.of.account).cloned() else {
            tracing::error!(account = account_of(&claimed.of), "outgoing work of an account that is not configured");
            return Some(lease_ends);
        };
        let again = match self.perform(&account, &claimed).await {
            Ok(Tried::Finished) => return None,
            Ok(tried) => {
                let now = self.clock.now();
                let next = match tried {
                    Tried::NotPut => not_put(&claimed, now),
                    Tried::Until(at) => within(&claimed, (at.max(now.plus_secs(1)), now)),
                    Tried::Again | Tried::Finished => next_try(&claimed, now),
                };
                self.store.defer(&claimed.of, &claimed, next).await.map(|()| next)
            }
            Err(error) => Err(error),
        };
        Some(again.unwrap_or_else(|error| {
            tracing::warn!(account = account_of(&claimed.of), %error, "outgoing work is tried again after its lease");
            lease_ends
        }))
    }
}

/// When work is tried again that could not be done now.
pub(super) fn next_try(claimed: &Claimed, now: UnixSecs) -> UnixSecs {
    let step = usize::try_from(claimed.attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let secs = PATIENCE_SECS.get(step).or(PATIENCE_SECS.last()).copied().unwrap_or(1);
    // Times when nobody was asked at all count as tries, too: after a busy hour the first failure would be the eighth.
    let longest = if moves_money(&claimed.work.task) { LONGEST_FOR_MONEY_SECS } else { i64::MAX };
    within(claimed, (now.plus_secs(secs.min(longest)), now))
}

fn moves_money(task: &Task) -> bool {
    matches!(task, Task::Ask { question, .. } if question.idempotency_key.is_some())
}

/// Whoever was not asked is no further: patience does not grow.
fn not_put(claimed: &Claimed, now: UnixSecs) -> UnixSecs {
    within(claimed, (now.plus_secs(NOT_PUT_SECS), now))
}

/// Not later than its end, so that the last word is said in time.
fn within(claimed: &Claimed, (next, now): (UnixSecs, UnixSecs)) -> UnixSecs {
    if claimed.work.expires > now { next.min(claimed.work.expires) } else { next }
}

#[cfg(test)]
mod tests {
    use super::super::stand::{Stand, message, of};
    use super::*;
    use crate::domain::customer::Customer;
    use crate::domain::reach::BY_MESSAGE;
    use crate::domain::sample::NOON;

    fn question(id: &str) -> crate::domain::work::Work {
        use crate::domain::question::Question;
        use crate::domain::value::Values;
        let question = Question { connector: "balance".into(), values: Values::new(), idempotency_key: None };
        let task = Task::Ask { action: "query_balance".into(), question, memo: Values::new() };
        crate::domain::work::Work { id: id.into(), task, ..message(id, "") }
    }

    fn open_to_messages() -> Customer {
        let mut customer = Customer::default();
        customer.windows.open(BY_MESSAGE, NOON);
        customer
    }

    #[actix_web::test]
    async fn one_customers_messages_go_out_in_turn_and_the_others_do_not_wait() {
        let mut stand = Stand::new();
        let bell = Arc::new(tokio::sync::Notify::new());
        *stand.outside.held.lock().unwrap() = Some(("a0", Arc::clone(&bell)));
        stand.keep("a", open_to_messages(), vec![message("note-0", "a0"), message("note-1", "a1")]).await;
        stand.keep("b", open_to_messages(), vec![message("note-0", "b0")]).await;
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(Arc::clone(&stand.app).run_outbox(stopped));
        let mut seen = Vec::new();
        while seen.last().map(String::as_str) != Some("ends a1") {
            seen.extend(stand.events.recv().await);
            if seen.last().map(String::as_str) == Some("ends b0") {
                bell.notify_one();
            }
        }
        stop.send_replace(true);
        running.await.unwrap();
        let of_a: Vec<&str> = seen.iter().map(String::as_str).filter(|event| event.contains('a')).collect();
        assert_eq!(of_a, ["begins a0", "ends a0", "begins a1", "ends a1"]);
        assert_eq!(stand.left().await, []);
    }

    #[actix_web::test]
    async fn who_stops_begins_no_message_and_leaves_it_to_the_next_start() {
        let mut stand = Stand::new();
        let bell = Arc::new(tokio::sync::Notify::new());
        *stand.outside.held.lock().unwrap() = Some(("a0", Arc::clone(&bell)));
        stand.keep("a", open_to_messages(), vec![message("note-0", "a0"), message("note-1", "a1")]).await;
        let mut in_hand = InHand::default();
        assert_eq!(stand.app.begin_due(&mut in_hand).await.unwrap(), 2);
        assert_eq!(stand.events.recv().await.unwrap(), "begins a0");
        in_hand.is_stopping = true;
        bell.notify_one();
        let ended = in_hand.tasks.join_next_with_id().await.unwrap();
        stand.app.go_on(&mut in_hand, ended).await;
        assert_eq!((in_hand.tasks.len(), stand.happened()), (0, vec!["ends a0".into()]));
        assert_eq!(stand.app.store.next_due().await.unwrap(), Some(NOON), "the next start finds it at once");
    }

    #[actix_web::test]
    async fn who_stops_waits_for_a_message_that_has_begun_and_cuts_questions_off() {
        let mut stand = Stand::new();
        let bell = Arc::new(tokio::sync::Notify::new());
        *stand.outside.held.lock().unwrap() = Some(("a0", Arc::clone(&bell)));
        stand.keep("a", open_to_messages(), vec![message("note-0", "a0"), question("ask")]).await;
        let mut in_hand = InHand::default();
        assert_eq!(stand.app.begin_due(&mut in_hand).await.unwrap(), 2);
        let mut begun = [stand.events.recv().await.unwrap(), stand.events.recv().await.unwrap()];
        begun.sort();
        assert_eq!(begun, ["asked", "begins a0"]);
        in_hand.is_stopping = true;
        in_hand.cut_off_questions();
        let ended = in_hand.tasks.join_next_with_id().await.unwrap();
        assert!(ended.as_ref().is_err_and(JoinError::is_cancelled));
        stand.app.go_on(&mut in_hand, ended).await;
        assert_eq!((in_hand.tasks.len(), in_hand.questions.len(), stand.happened()), (1, 0, vec![]));
        bell.notify_one();
        stand.app.finish(&mut in_hand).await;
        assert_eq!(stand.happened(), ["ends a0"]);
        let left: Vec<String> = stand.left().await.into_iter().map(|work| work.id.to_string()).collect();
        assert_eq!(left, ["ask"], "it is asked again after its lease");
    }

    #[actix_web::test]
    async fn a_message_that_was_put_off_takes_those_behind_it_along() {
        let mut stand = Stand::new();
        stand.outside.codes.lock().unwrap().push_back(45011);
        stand.keep("a", open_to_messages(), vec![message("note-0", "a0"), message("note-1", "a1")]).await;
        let mut in_hand = InHand::default();
        assert_eq!(stand.app.begin_due(&mut in_hand).await.unwrap(), 2);
        let ended = in_hand.tasks.join_next_with_id().await.unwrap();
        stand.app.go_on(&mut in_hand, ended).await;
        assert_eq!((in_hand.tasks.len(), stand.happened()), (0, vec!["begins a0".into(), "ends a0".into()]));
        assert_eq!(stand.app.store.next_due().await.unwrap(), Some(NOON.plus_secs(60)));
        stand.clock.advance_secs(60);
        assert_eq!(stand.app.begin_due(&mut in_hand).await.unwrap(), 2);
        while let Some(ended) = in_hand.tasks.join_next_with_id().await {
            stand.app.go_on(&mut in_hand, ended).await;
        }
        assert_eq!(stand.happened(), ["begins a0", "ends a0", "begins a1", "ends a1"]);
    }

    #[test]
    fn patience_grows_and_never_reaches_beyond_the_end() {
        let claimed = |attempt, secs| {
            let work = crate::domain::work::Work { expires: NOON.plus_secs(secs), ..message("w", "") };
            Claimed { of: of("a"), work, attempt, lease_ends: NOON.plus_secs(LEASE_SECS) }
        };
        let waits = |attempt| next_try(&claimed(attempt, 1_000_000), NOON).secs_since(NOON);
        assert_eq!([0, 1, 2, 8, 9, u32::MAX].map(waits), [1, 1, 3, 7200, 7200, 7200]);
        for (attempt, ends) in [(1, 1), (3, 4), (8, 7199), (u32::MAX, 60)] {
            assert_eq!(next_try(&claimed(attempt, ends), NOON), NOON.plus_secs(ends));
        }
        assert_eq!(next_try(&claimed(1, -5), NOON), NOON.plus_secs(1), "never in the past");
        let mut paid_for = claimed(8, 1_000_000);
        paid_for.work = question("put");
        paid_for.work.expires = NOON.plus_secs(1_000_000);
        assert_eq!(next_try(&paid_for, NOON), NOON.plus_secs(7_200), "a question waits");
        let Task::Ask { question, .. } = &mut paid_for.work.task else { panic!("it asks") };
        question.idempotency_key = Some("k".into());
        for (attempt, secs) in [(5, 120), (6, 300), (8, 300), (80, 300)] {
            paid_for.attempt = attempt;
            assert_eq!(next_try(&paid_for, NOON).secs_since(NOON), secs, "what was paid for does not");
        }
    }
}
