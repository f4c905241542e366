//! Messages to customers, by the path that is open: a customer-service message, else a notice the customer agreed to,
//! else a template message, else with their next visit ([`reach`]).
//!
//! Each is sent at most once. The platform knows no mark by which it could tell a customer-service message or a notice
//! again (platform.md 4.9, 4.11), so the call is written down in the customer's record before it is made, together with
//! the place in the window or the consent that it takes. Whoever finds it written down and not ended does not know
//! whether it arrived: after a crash between the two, or when the platform's answer was lost, it is given up and kept for
//! the operator, never sent again. Only a template message bears a mark of ours, by which the platform sends it once in
//! ten minutes (4.10): so long it is asked for again, under the same mark.
//!
//! What became of money waits as a note whenever it is given up, since a receipt that is read twice does less harm than
//! none.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::super::dead_letters::cause_of_end;
use super::super::{App, ServedAccount};
use super::ending::{Asked, Ending, Kept, Way, ended, learn};
use super::{MAX_TRIES, Tried};
use crate::channel::official::api::{ApiError, Filled, Reaction, Reason};
use crate::domain::customer::Customer;
use crate::domain::forget::forget_left;
use crate::domain::reach::{By, CallState, Carrier, Cause, Hindrance, Message, Path, Reach, Rights, reach};
use crate::domain::reply::{Reply, whole_address};
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, Commit, Committed, Keep, StoreError, Stored, Version};

/// The platform sends a template message with the same mark once in 600 s (platform.md 4.10); less what a call may take,
/// and what its clock may be ahead of ours.
const ASKED_AGAIN_WITHIN_SECS: i64 = 540;
/// A call and what is written down before and after it take no longer.
const CALL_WITHIN_SECS: i64 = 30;
/// So long after a lost answer.
const ASKED_AGAIN_AFTER_SECS: i64 = 30;

/// The store may be away for a moment just when a call has ended.
const WRITTEN_AGAIN_AFTER_MS: [u64; 5] = [100, 300, 1_000, 3_000, 6_000];

/// Whether the end of a call may have been written down before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    First,
    Again,
}

/// How a message stands after it was tried.
pub(super) enum Said {
    /// This is what came of it.
    Tried(Tried),
    /// The platform does not take what was to be shown. Nothing left, and what the call cost was given back.
    NotShown(ApiError),
}

/// How a message goes on after a call.
enum Next {
    /// This is what came of it.
    Tried(Tried),
    /// By another path.
    OtherWay,
}

impl App {
    /// What the account has a right to: by its kind, less what the platform refused of late.
    pub(in crate::app) fn rights(&self, account: &ServedAccount, now: UnixSecs) -> Rights {
        self.lacking.take_from(account.rights.clone(), (account.id(), now))
    }

    /// Says something by the path that is open.
    pub(super) async fn send(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        reply: &Reply,
    ) -> Result<Tried, StoreError> {
        match self.show(account, claimed, (reply, None)).await? {
            Said::Tried(tried) => Ok(tried),
            Said::NotShown(_) => Ok(Tried::Again),
        }
    }

    /// As [`Self::send`], with something that is shown in its place where a window is open.
    pub(super) async fn show(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        (reply, shown): (&Reply, Option<&Reply>),
    ) -> Result<Said, StoreError> {
        let work = &claimed.work;
        let mut shut: Vec<Path> = Vec::new();
        for _ in 0..MAX_TRIES {
            let now = self.clock.now();
            let Stored { version, mut customer } = self.store.load(&claimed.of).await?;
            let rights = shut.iter().fold(self.rights(account, now), |rights, path| rights.less(*path));
            let (way, first) = match way(claimed, (&customer, &rights), now) {
                Ok(found) => found,
                Err(ending) => {
                    let kept = ended(customer, (claimed, reply), &ending, now);
                    match self.keep_record(claimed, version, kept).await? {
                        Committed::Applied | Committed::Settled => return Ok(Said::Tried(Tried::Finished)),
                        // Whoever came back meanwhile is told after all.
                        Committed::Stale => continue,
                    }
                }
            };
            let asked = Asked { way, windows: customer.windows.clone(), at: now, first };
            if first.is_none() {
                // Nothing is written down as begun that cannot leave, or while somebody else may take it up.
                match account.platform.ready().await {
                    Ok(()) => {}
                    Err(ApiError::NotBefore { at, .. }) => return Ok(Said::Tried(Tried::Until(at))),
                    Err(_) => return Ok(Said::Tried(Tried::Again)),
                }
                if self.clock.now().plus_secs(CALL_WITHIN_SECS) > claimed.lease_ends {
                    return Ok(Said::Tried(Tried::NotPut));
                }
                asked.take_place(&mut customer);
                customer.ways.begin(&work.id, (way.path(), now));
                let intent = Kept { customer, settles: false, unsent: None };
                if self.keep_record(claimed, version, intent).await? != Committed::Applied {
                    continue;
                }
            }
            let said = self.call(account, claimed, (shown.unwrap_or(reply), way)).await;
            let not_shown = said.as_ref().err().filter(|error| shown.is_some() && is_about_content(error)).cloned();
            let ending = match self.ending_of(account, &asked, said) {
                _ if not_shown.is_some() => Ending::PutOff(None),
                // By then it were of no use: the customer's next message may come earlier.
                Ending::PutOff(Some(at)) if at >= work.expires => Ending::Noted,
                ending => ending,
            };
            match (self.end_call((claimed, reply), (&ending, &asked), &rights).await?, not_shown) {
                (Next::Tried(Tried::Again), Some(error)) => return Ok(Said::NotShown(error)),
                (Next::Tried(tried), _) => return Ok(Said::Tried(tried)),
                (Next::OtherWay, _) => shut.push(way.path()),
            }
        }
        Err(too_many_conflicts())
    }

    async fn call(
        &self,
        account: &ServedAccount,
        claimed: &Claimed,
        (reply, way): (&Reply, Way<'_>),
    ) -> Result<(), ApiError> {
        let openid = &claimed.of.openid;
        let Way::Carried(carrier) = way else {
            return account.platform.send(openid, &reply.clone().reachable_at(&account.site, account.id())).await;
        };
        let Carrier { template, by, fields, link } = carrier;
        let filled = Filled {
            template_id: template.as_str().to_owned(),
            data: fields.clone(),
            url: whole_address(link, (&account.site, account.id())),
            ..Filled::default()
        };
        match by {
            By::Subscription(_) => account.platform.notify(openid, &filled).await,
            By::Template => {
                let marked = Filled { client_msg_id: Some(claimed.work.mark()), ..filled };
                account.platform.send_template(openid, &marked).await.map(drop)
            }
        }
    }

    /// What the platform's answer means for the message.
    fn ending_of(&self, account: &ServedAccount, asked: &Asked<'_>, said: Result<(), ApiError>) -> Ending {
        let Err(error) = said else { return Ending::Sent };
        if asked.first.is_some() {
            // Whatever is said of this call, the first one may have been done.
            return if error.is_passing() { self.asked_again(asked) } else { Ending::GivenUp(Cause::Unknown) };
        }
        match &error {
            ApiError::NoWindow => Ending::Refused(Hindrance::NoWindow),
            ApiError::CountUsedUp => Ending::Refused(Hindrance::UsedUp),
            ApiError::NotFollowing(48002) => Ending::Refused(Hindrance::Blocked),
            ApiError::NotFollowing(43019) => Ending::Refused(Hindrance::Blacklisted),
            ApiError::NotFollowing(_) => Ending::Refused(Hindrance::Away),
            ApiError::Unsendable => Ending::GivenUp(Cause::Hindered(Hindrance::Unsayable)),
            ApiError::NotBefore { at, .. } => Ending::PutOff(Some(*at)),
            error if error.may_be_done() => match asked.way.path() {
                Path::Template => self.asked_again(asked),
                Path::CustomerService | Path::Subscription => Ending::GivenUp(Cause::Unknown),
            },
            // A token that nobody could replace is no reason to give up what a later one may still bring.
            error if error.is_passing() || error.reaction() == Reaction::Refresh => Ending::PutOff(None),
            // The same by every path, until somebody mends it; then windows may still be open.
            error if error.is_about_the_account() => {
                tracing::error!(account = %account.id(), %error, mend = error.in_words(), "messages wait for the account");
                Ending::PutOff(None)
            }
            error if error.is_no_consent() => Ending::NoConsent,
            error => {
                if error.is_no_right() {
                    self.lacking.learn(account.id(), asked.way.path(), asked.at);
                }
                // Whatever the operator has to mend, the customer shall not miss it for that.
                let (path, mend) = (asked.way.path(), error.in_words());
                tracing::error!(account = %account.id(), ?path, %error, mend, "a message could not be sent this way");
                Ending::NotThisWay
            }
        }
    }

    /// The answer was lost, of a message that the platform would tell again.
    fn asked_again(&self, asked: &Asked<'_>) -> Ending {
        let next = self.clock.now().plus_secs(ASKED_AGAIN_AFTER_SECS);
        if may_ask_again(asked.first.unwrap_or(asked.at), next) {
            Ending::AskedAgain(next)
        } else {
            Ending::GivenUp(Cause::Unknown)
        }
    }

    /// Writes down how a call ended, again if the store fails just then: what is not written down nobody knows later, and
    /// the message would be given up though it arrived.
    async fn end_call(
        &self,
        whose: (&Claimed, &Reply),
        (ending, asked): (&Ending, &Asked<'_>),
        rights: &Rights,
    ) -> Result<Next, StoreError> {
        if let Ending::AskedAgain(at) = ending {
            // It stays written down as begun.
            return Ok(Next::Tried(Tried::Until(*at)));
        }
        patiently(|writing| self.write_end(whose, (ending, asked, writing), rights).boxed()).await
    }

    async fn write_end(
        &self,
        (claimed, reply): (&Claimed, &Reply),
        (ending, asked, writing): (&Ending, &Asked<'_>, Writing),
        rights: &Rights,
    ) -> Result<Next, StoreError> {
        let rights = rights.clone().less(asked.way.path());
        for _ in 0..MAX_TRIES {
            let now = self.clock.now();
            let Stored { version, mut customer } = self.store.load(&claimed.of).await?;
            // Somebody of whom nothing is kept left meanwhile.
            if version == Version(0) {
                return Ok(Next::Tried(Tried::Finished));
            }
            // Whoever came back, or wrote, while they were asked for is told after all.
            let is_of_then =
                matches!(ending, Ending::Refused(Hindrance::Away | Hindrance::NoWindow | Hindrance::UsedUp));
            let is_back =
                is_of_then && !asked.windows.opened_like(&customer.windows) && customer.away_since().is_none();
            let ending = if is_back { Ending::PutOff(None) } else { ending.clone() };
            // Only the store's answer was lost: what the call cost is not given back twice.
            let is_written = writing == Writing::Again && customer.ways.call(&claimed.work.id) == CallState::None;
            if !is_written {
                learn(&mut customer, (&ending, asked), now);
            }
            let ending = elsewhere(ending, claimed, (&customer, &rights), now);
            let kept = ended(customer, (claimed, reply), &ending, now);
            match (self.keep_record(claimed, version, kept).await?, ending) {
                (Committed::Stale, _) => {}
                (Committed::Applied, Ending::OtherWay) => return Ok(Next::OtherWay),
                (_, Ending::PutOff(Some(at))) => return Ok(Next::Tried(Tried::Until(at))),
                (_, Ending::PutOff(None)) => return Ok(Next::Tried(Tried::Again)),
                _ => return Ok(Next::Tried(Tried::Finished)),
            }
        }
        Err(too_many_conflicts())
    }

    /// Commits the record, and tells the operator of what was given up with it.
    async fn keep_record(&self, claimed: &Claimed, base: Version, kept: Kept) -> Result<Committed, StoreError> {
        let Kept { mut customer, settles, unsent } = kept;
        let applied = self.known_to(&customer.recent);
        let keep = forget_left(&mut customer, self.rules.discretion.forget);
        let commit = Commit {
            of: claimed.of.clone(),
            base,
            keep,
            customer,
            increments: Vec::new(),
            facts: Vec::new(),
            outbox: Vec::new(),
            settled: if settles { vec![claimed.work.id.clone()] } else { Vec::new() },
            spent: Vec::new(),
        };
        let committed = self.commit(commit, applied).await?;
        // Of whom nothing is kept there is nothing to list.
        if let (Committed::Applied, Keep::Known, Some(unsent)) = (committed, keep, unsent) {
            self.list_dead_letter(&claimed.of.account, &unsent).await;
        }
        Ok(committed)
    }
}

/// Writes until the store takes it, or has been away for some time.
async fn patiently<'w, T>(
    mut write: impl FnMut(Writing) -> BoxFuture<'w, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut writing = Writing::First;
    for pause_ms in WRITTEN_AGAIN_AFTER_MS {
        match write(writing).await {
            Err(error) => tracing::warn!(%error, "how a message ended is written down again"),
            written => return written,
        }
        writing = Writing::Again;
        sleep(Duration::from_millis(pause_ms)).await;
    }
    write(writing).await
}

/// By which path to call now, and since when that was tried if it was; or how the message ends without a call.
fn way<'a>(
    claimed: &'a Claimed,
    (customer, rights): (&Customer, &Rights),
    now: UnixSecs,
) -> Result<(Way<'a>, Option<UnixSecs>), Ending> {
    let work = &claimed.work;
    let carried = |wanted: Path| {
        let carrier = work.task.carriers().iter().find(|carrier| Way::Carried(carrier).path() == wanted);
        carrier.map(Way::Carried)
    };
    match customer.ways.call(&work.id) {
        CallState::Ended => return Err(Ending::Over),
        CallState::Begun { by: Path::Template, at } if may_ask_again(at, now) => {
            let way = carried(Path::Template).ok_or(Ending::GivenUp(Cause::Unknown))?;
            return Ok((way, Some(at)));
        }
        CallState::Begun { .. } => return Err(Ending::GivenUp(Cause::Unknown)),
        CallState::None => {}
    }
    let Some(message) = Message::of(work, work.expires) else { return Err(Ending::Over) };
    let way = match reach(&message, customer, rights, now) {
        Reach::CustomerService { .. } => Some(Way::Window),
        // One notice has one template of each kind.
        Reach::Subscription { .. } => carried(Path::Subscription),
        Reach::Template { .. } => carried(Path::Template),
        Reach::Nowhere { because } => return Err(Ending::GivenUp(cause_of_end(because, claimed.attempt))),
        Reach::Reply { .. } | Reach::NextVisit { .. } => None,
    };
    way.map(|way| (way, None)).ok_or(Ending::Noted)
}

/// After a refusal: another path, if one is open; else how the message ends.
fn elsewhere(ending: Ending, claimed: &Claimed, (customer, rights): (&Customer, &Rights), now: UnixSecs) -> Ending {
    if !matches!(ending, Ending::Refused(_) | Ending::NoConsent | Ending::NotThisWay) {
        return ending;
    }
    let Some(message) = Message::of(&claimed.work, claimed.work.expires) else { return ending };
    match reach(&message, customer, rights, now) {
        Reach::CustomerService { .. } | Reach::Subscription { .. } | Reach::Template { .. } => Ending::OtherWay,
        _ if matches!(ending, Ending::Refused(_)) => ending,
        Reach::Nowhere { because } => Ending::GivenUp(Cause::Hindered(because)),
        Reach::Reply { .. } | Reach::NextVisit { .. } => Ending::Noted,
    }
}

/// Whether the platform refuses what is shown, and might take something else.
fn is_about_content(error: &ApiError) -> bool {
    error.reaction() == Reaction::GiveUp(Reason::Content)
}

/// Whether the platform still knows a template message at `now` that was first sent at `first`. A clock that went back
/// knows nothing.
fn may_ask_again(first: UnixSecs, now: UnixSecs) -> bool {
    (0..ASKED_AGAIN_WITHIN_SECS).contains(&now.secs_since(first))
}

fn too_many_conflicts() -> StoreError {
    StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::stand::{Stand, message, of};
    use crate::domain::reach::BY_MESSAGE;
    use crate::domain::sample::NOON;

    #[tokio::test(start_paused = true)]
    async fn how_a_message_ended_is_written_down_when_the_store_is_back() {
        let mut writings = Vec::new();
        let away = || StoreError::Unavailable("away".into());
        let written = patiently(|writing| {
            writings.push(writing);
            let is_back = writings.len() == 4;
            async move { if is_back { Ok(7) } else { Err(away()) } }.boxed()
        });
        assert_eq!(written.await.unwrap(), 7);
        assert_eq!(writings, [Writing::First, Writing::Again, Writing::Again, Writing::Again]);
        let mut tries = 0;
        let began = tokio::time::Instant::now();
        let given_up = patiently(|_| {
            tries += 1;
            async move { Err::<(), _>(away()) }.boxed()
        });
        assert!(given_up.await.is_err());
        assert!(tries == 6 && began.elapsed() < Duration::from_secs(15), "within the lease");
    }

    #[actix_web::test]
    async fn what_a_call_cost_is_given_back_once_though_its_end_is_written_twice() {
        let stand = Stand::new();
        let work = message("w", "到账了");
        let mut customer = Customer::default();
        customer.windows.open(BY_MESSAGE, NOON);
        let asked = Asked { way: Way::Window, windows: customer.windows.clone(), at: NOON, first: None };
        customer.windows.spend(NOON);
        asked.take_place(&mut customer);
        customer.ways.begin(&work.id, (Path::CustomerService, NOON));
        stand.keep("o1", customer, vec![work.clone()]).await;
        let claimed = Claimed { of: of("o1"), work, attempt: 1, lease_ends: NOON.plus_secs(60) };
        let (reply, rights) = (Reply::Text("到账了".into()), stand.account().rights.clone());
        for writing in [Writing::First, Writing::Again, Writing::Again] {
            let ending = Ending::PutOff(None);
            let next = stand.app.write_end((&claimed, &reply), (&ending, &asked, writing), &rights).await.unwrap();
            assert!(matches!(next, Next::Tried(Tried::Again)));
            let customer = stand.customer("o1").await;
            assert_eq!(customer.windows.room(NOON).map(|room| room.left), Some(4), "{writing:?}: one was spent before");
            assert_eq!(customer.ways.call(&claimed.work.id), CallState::None);
        }
    }
}
