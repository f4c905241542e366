//! Messages to customers, at most once. The platform knows no mark by which it could tell a customer-service message
//! again (platform.md 4.9), so it is written down in the customer's record before the call, together with the place in
//! the window that it takes. Whoever finds it written down and not ended does not know whether it arrived: after a crash
//! between the two, or when the platform's answer was lost, it is given up and kept for the operator, never sent again.
//! What became of money waits as a note whenever it is given up, since a receipt that is read twice does less harm than
//! none.

use std::sync::Arc;

use super::super::dead_letters::cause_of_end;
use super::super::{App, ServedAccount};
use super::{MAX_TRIES, Tried};
use crate::channel::official::api::{ApiError, Reaction};
use crate::domain::customer::Customer;
use crate::domain::forget::forget_left;
use crate::domain::notes::{Note, keep};
use crate::domain::reach::{CallState, Cause, Hindrance, Message, Path, Reach, Unsent, Windows, reach};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::store::{Claimed, Commit, Committed, Keep, StoreError, Stored, Version};

/// How a message ends, or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// The platform has it.
    Sent,
    /// It waits for the customer's next message.
    Noted,
    /// As noted, and the platform said so: it is so until the customer does something.
    Refused(Hindrance),
    /// It is given up.
    GivenUp(Cause),
    /// It did not leave, and will be tried again: then, or as patience says.
    PutOff(Option<UnixSecs>),
    /// Somebody else has ended it.
    Over,
}

/// How things stood when the platform was asked.
struct Asked {
    windows: Windows,
    at: UnixSecs,
}

impl App {
    /// Says something by the path that is open.
    pub(super) async fn send(
        &self,
        account: &Arc<ServedAccount>,
        claimed: &Claimed,
        reply: &Reply,
    ) -> Result<Tried, StoreError> {
        let work = &claimed.work;
        for _ in 0..MAX_TRIES {
            let now = self.clock.now();
            let Stored { version, mut customer } = self.store.load(&claimed.of).await?;
            let rights = self.lacking.rights(account.id(), now);
            let ending = match customer.ways.call(&work.id) {
                CallState::Ended => Some(Ending::Over),
                CallState::Begun => Some(Ending::GivenUp(Cause::Unknown)),
                CallState::None => match reach(&Message::late(reply, work.expires), &customer, &rights, now) {
                    Reach::CustomerService { .. } => None,
                    Reach::Nowhere { because } => Some(Ending::GivenUp(cause_of_end(because, claimed.attempt))),
                    _ => Some(Ending::Noted),
                },
            };
            let Some(ending) = ending else {
                let asked = Asked { windows: customer.windows.clone(), at: now };
                customer.windows.spend(now);
                customer.ways.begin(&work.id, now);
                let intent = Kept { customer, settles: false, unsent: None };
                if self.keep_record(claimed, version, intent).await? != Committed::Applied {
                    continue;
                }
                let said = account.platform.send(&claimed.of.openid, &reply.clone().reachable_at(&account.site)).await;
                let ending = match self.ending_of(account, said, now) {
                    // By then it were of no use: the customer's next message may come earlier.
                    Ending::PutOff(Some(at)) if at >= work.expires => Ending::Noted,
                    ending => ending,
                };
                return self.end_call(claimed, reply, (ending, asked)).await;
            };
            let kept = ended(customer, (claimed, reply), (&ending, None), now);
            match self.keep_record(claimed, version, kept).await? {
                Committed::Applied | Committed::Settled => return Ok(Tried::Finished),
                // Whoever came back meanwhile is told after all.
                Committed::Stale => {}
            }
        }
        Err(too_many_conflicts())
    }

    /// What the platform's answer means for the message.
    fn ending_of(&self, account: &ServedAccount, said: Result<(), ApiError>, now: UnixSecs) -> Ending {
        let Err(error) = said else { return Ending::Sent };
        match &error {
            ApiError::NoWindow => Ending::Refused(Hindrance::NoWindow),
            ApiError::CountUsedUp => Ending::Refused(Hindrance::UsedUp),
            ApiError::NotFollowing(48002) => Ending::Refused(Hindrance::Blocked),
            ApiError::NotFollowing(43019) => Ending::Refused(Hindrance::Blacklisted),
            ApiError::NotFollowing(_) => Ending::Refused(Hindrance::Away),
            ApiError::Unsendable => Ending::GivenUp(Cause::Hindered(Hindrance::Unsayable)),
            ApiError::NotBefore { at, .. } => Ending::PutOff(Some(*at)),
            error if error.may_be_done() => Ending::GivenUp(Cause::Unknown),
            // A token that nobody could replace is no reason to give up what a later one may still bring.
            error if error.is_passing() || error.reaction() == Reaction::Refresh => Ending::PutOff(None),
            error => {
                if error.is_no_right() {
                    self.lacking.learn(account.id(), Path::CustomerService, now);
                }
                // Whatever the operator has to mend, the customer shall not miss it for that.
                tracing::error!(account = %account.id(), %error, "a message could not be sent; it waits as a note");
                Ending::Noted
            }
        }
    }

    /// Writes down how a call ended.
    async fn end_call(
        &self,
        claimed: &Claimed,
        reply: &Reply,
        (ending, asked): (Ending, Asked),
    ) -> Result<Tried, StoreError> {
        for _ in 0..MAX_TRIES {
            let now = self.clock.now();
            let Stored { version, customer } = self.store.load(&claimed.of).await?;
            // Whoever came back while they were asked for is told after all.
            let is_back = ending == Ending::Refused(Hindrance::Away)
                && !asked.windows.opened_like(&customer.windows)
                && customer.away_since().is_none();
            let ending = if is_back { Ending::PutOff(None) } else { ending.clone() };
            let kept = ended(customer, (claimed, reply), (&ending, Some(&asked)), now);
            match (self.keep_record(claimed, version, kept).await?, ending) {
                (Committed::Stale, _) => {}
                (_, Ending::PutOff(Some(at))) => return Ok(Tried::Until(at)),
                (_, Ending::PutOff(None)) => return Ok(Tried::Again),
                _ => return Ok(Tried::Finished),
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

/// A record as it is to be kept.
struct Kept {
    customer: Customer,
    /// Whether the work is done with.
    settles: bool,
    /// What was given up with it.
    unsent: Option<Unsent>,
}

/// The record after the end of a message.
fn ended(
    mut customer: Customer,
    (claimed, reply): (&Claimed, &Reply),
    (ending, asked): (&Ending, Option<&Asked>),
    now: UnixSecs,
) -> Kept {
    let work = &claimed.work;
    if let Some(asked) = asked {
        learn(&mut customer, (ending, asked), now);
    }
    if let Ending::PutOff(_) = ending {
        customer.ways.forget_call(&work.id);
        return Kept { customer, settles: false, unsent: None };
    }
    customer.ways.end(&work.id);
    let (cause, noted) = match ending {
        Ending::Noted | Ending::Refused(Hindrance::NoWindow | Hindrance::UsedUp | Hindrance::Blocked) => (None, true),
        Ending::Refused(because) => (Some(Cause::Hindered(*because)), work.is_receipt()),
        Ending::GivenUp(cause) => (Some(cause.clone()), work.is_receipt()),
        Ending::Sent | Ending::PutOff(_) | Ending::Over => (None, false),
    };
    if noted {
        keep(&mut customer.notes, Note { reply: reply.clone(), expires: work.expires }, now);
    }
    // Who left is owed nothing, and silence was never owed.
    let cause = cause.filter(|_| customer.away_since().is_none() && !reply.is_silent());
    let unsent = cause.map(|cause| Unsent { work: work.clone(), cause, at: now });
    if let Some(unsent) = unsent.clone() {
        customer.ways.give_up(unsent);
    }
    Kept { customer, settles: true, unsent }
}

/// What the platform's answer says of the ways to the customer.
fn learn(customer: &mut Customer, (ending, asked): (&Ending, &Asked), now: UnixSecs) {
    match ending {
        Ending::Refused(Hindrance::UsedUp) => {
            if asked.windows.opened_like(&customer.windows) {
                customer.windows.used_up(now);
            }
        }
        Ending::Refused(because) => {
            customer.windows.give_back(&asked.windows, asked.at);
            customer.ways.learn(*because, (&asked.windows, &customer.windows), now);
        }
        Ending::PutOff(_) | Ending::Noted | Ending::GivenUp(Cause::Hindered(_)) => {
            customer.windows.give_back(&asked.windows, asked.at);
        }
        Ending::Sent | Ending::GivenUp(_) | Ending::Over => {}
    }
}

fn too_many_conflicts() -> StoreError {
    StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer"))
}
