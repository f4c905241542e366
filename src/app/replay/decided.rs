//! The customers of a chunk while it is decided, and the numbers that changed.

use std::collections::{HashMap, hash_map};
use std::hash::{Hash, Hasher};

use super::line::{Entry, Line, Recorded};
use super::spent::Buried;
use super::{Progress, Replay};
use crate::app::settle::{Consequences, Setting, consequences};
use crate::channel::official::Unusable;
use crate::domain::actions::{Given, Needs};
use crate::domain::customer::Customer;
use crate::domain::decide::{Subject, decide};
use crate::domain::decision::Moment;
use crate::domain::forget::{Keep, forget_left};
use crate::domain::ids::AccountId;
use crate::domain::inbound::Inbound;
use crate::domain::playbook::Playbook;
use crate::domain::pool::is_own;
use crate::domain::question::{Answer, Errand, Question};
use crate::domain::referral::verdict::seen;
use crate::domain::route::route_invited;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::work::{Task, Work};
use crate::growth::counter::{CounterKey, Increment, Metric};
use crate::store::{Bulk, Commit, CounterRange, CustomerRef, Quarantined, StoreError, Version};

/// So many customers are read at once. Few enough to be at hand, all of them, while they are decided.
const CUSTOMERS_AT_ONCE: usize = 256;

/// Increments, added up over the chunk: of one account, by the day they are journalled on.
type Sums = HashMap<Cell, i64>;

#[derive(PartialEq, Eq)]
struct Cell {
    account: usize,
    late_on: Option<BusinessDay>,
    key: CounterKey,
}

/// The numbers in two pieces: every increment of a replay is looked up by its hash.
impl Hash for Cell {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { account, late_on, key } = self;
        let day = late_on.map_or(u32::MAX, |day| day.0.cast_unsigned());
        state.write_usize(account << 8 | key.metric as usize);
        state.write_u128(pieces([day, key.a.cast_unsigned(), key.b.cast_unsigned()]));
        state.write(key.dimension.as_bytes());
    }
}

fn pieces(numbers: [u32; 3]) -> u128 {
    numbers.iter().fold(0, |all, number| all << 32 | u128::from(*number))
}

/// A customer of the chunk.
struct Concerned {
    of: CustomerRef,
    account: usize,
}

/// A delivery that is to be decided.
#[derive(Clone, Copy)]
struct Due<'c> {
    /// The place of its customer.
    customer: usize,
    at: UnixSecs,
    inbound: &'c Inbound,
}

/// What comes after the commit that forgets a customer, from what the store would find then.
fn after(buried: &Commit) -> Commit {
    let known = buried.keep == Keep::Tombstone;
    Commit {
        of: buried.of.clone(),
        base: if known { Version(buried.base.0 + 1) } else { Version::default() },
        customer: if known { buried.customer.clone() } else { Customer::default() },
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Known,
    }
}

/// A chunk that is being decided.
pub(super) struct Decided<'c> {
    replay: &'c Replay,
    customers: Vec<Concerned>,
    due: Vec<Due<'c>>,
    sums: Sums,
    /// Votes by account: those of the store, and those of this chunk on top.
    votes: HashMap<usize, HashMap<String, i64>>,
    buried: Buried<'c>,
    bulk: Bulk,
    pub(super) progress: Progress,
}

impl<'c> Decided<'c> {
    /// Goes through the lines in their order, and finds whose they are.
    pub(super) fn begin(replay: &'c Replay, lines: &'c [Line], progress: Progress) -> Self {
        let mut decided = Self {
            replay,
            customers: Vec::new(),
            due: Vec::with_capacity(lines.len()),
            sums: Sums::new(),
            votes: HashMap::new(),
            buried: Buried::new(replay),
            bulk: Bulk::default(),
            progress,
        };
        let mut places = HashMap::new();
        for Line { entry, end } in lines {
            decided.progress.lines += 1;
            decided.progress.offset = *end;
            match entry {
                Entry::Blank => continue,
                Entry::Useless(cause) => decided.progress.list(cause.clone()),
                Entry::Delivery(recorded) => decided.sort(&mut places, recorded),
            }
            decided.progress.tallies.read += 1;
        }
        // One customer after the other, each in the order of arrival: nobody's decision depends on another customer.
        decided.due.sort_by_key(|due| due.customer);
        decided
    }

    fn sort(&mut self, places: &mut HashMap<(usize, &'c str), usize>, recorded: &'c Recorded) {
        let Recorded { at, account, what } = recorded;
        let Some((id, _)) = self.replay.accounts.get(*account) else { return };
        self.progress.arrive(*at);
        let inbound = match what {
            Ok(inbound) => inbound,
            Err(unusable) => return self.set_aside(id, *at, unusable),
        };
        let customers = &mut self.customers;
        let customer = *places.entry((*account, inbound.openid.as_str())).or_insert_with(|| {
            let of = CustomerRef { account: id.clone(), openid: inbound.openid.clone() };
            customers.push(Concerned { of, account: *account });
            customers.len() - 1
        });
        self.due.push(Due { customer, at: *at, inbound });
    }

    /// As the webhook does.
    fn set_aside(&mut self, account: &AccountId, arrived: UnixSecs, unusable: &Unusable) {
        self.progress.list(unusable.reason.into());
        self.progress.tallies.kept += 1;
        let reason = unusable.reason.as_str().to_owned();
        let body = unusable.body.clone();
        self.bulk.quarantined.push(Quarantined { account: account.clone(), arrived, reason, body });
    }

    /// Decides all deliveries.
    pub(super) async fn decide(&mut self) -> Result<(), StoreError> {
        let due = std::mem::take(&mut self.due);
        let mut due = due.chunk_by(|a, b| a.customer == b.customer);
        let mut customers = std::mem::take(&mut self.customers).into_iter();
        loop {
            let (of, accounts): (Vec<CustomerRef>, Vec<usize>) =
                customers.by_ref().take(CUSTOMERS_AT_ONCE).map(|Concerned { of, account }| (of, account)).unzip();
            if of.is_empty() {
                return Ok(());
            }
            let stored = self.replay.store.load_all(&of).await?;
            for (((of, account), stored), due) in of.into_iter().zip(accounts).zip(stored).zip(due.by_ref()) {
                let commit = Commit {
                    of,
                    base: stored.version,
                    customer: stored.customer,
                    increments: Vec::new(),
                    facts: Vec::with_capacity(2 * due.len()),
                    outbox: Vec::new(),
                    settled: Vec::new(),
                    spent: Vec::new(),
                    keep: Keep::Known,
                };
                self.customer(account, commit, due).await?;
            }
        }
    }

    async fn customer(&mut self, account: usize, mut commit: Commit, due: &[Due<'c>]) -> Result<(), StoreError> {
        let Some((id, playbook)) = self.replay.accounts.get(account) else { return Ok(()) };
        let mut applied = false;
        for Due { at, inbound, .. } in due {
            if commit.customer.recent.earned(inbound.key).is_some()
                || self.buried.holds(id, (&commit.of, inbound.key)).await?
            {
                self.progress.tallies.duplicates += 1;
                continue;
            }
            applied = true;
            // The decision would forget them too, after it has copied them.
            commit.customer.recent.forget_old_replies(*at);
            let made = self.one(playbook, (account, *at), (&commit, inbound)).await?;
            if made.keep == Keep::Nothing {
                commit.spent = self.buried.bury(id, commit.customer.recent.keys().chain([inbound.key]));
            }
            self.count(account, &mut commit, made);
            if commit.keep != Keep::Known {
                // Whoever comes back in the same chunk begins anew after this one.
                let next = after(&commit);
                self.bulk.commits.push(std::mem::replace(&mut commit, next));
                applied = false;
            }
        }
        if applied {
            // Nobody waits for a reply of the past, and a record without one is half as long.
            commit.customer.recent.forget_old_replies(self.progress.latest);
            self.bulk.commits.push(commit);
        }
        Ok(())
    }

    async fn one(
        &mut self,
        playbook: &Playbook,
        (account, now): (usize, UnixSecs),
        (commit, inbound): (&Commit, &Inbound),
    ) -> Result<Consequences, StoreError> {
        let customer = &commit.customer;
        let moment = Moment { now, at: inbound.at, key: inbound.key, fresh: rand::random() };
        let discretion = &self.replay.rules.discretion;
        let opened = discretion.opened(&commit.of, inbound);
        let invited = opened.map(|opened| seen(playbook, (customer, &inbound.openid), &opened, inbound.at));
        let invited = invited.as_ref();
        let route = route_invited(playbook, customer, (inbound, invited), moment);
        let Needs { question, tally, code } = route.needs(customer, moment);
        let code = code.and_then(|wanted| discretion.code(&commit.of, wanted));
        let tally = match &tally {
            Some(prefix) => self.tally(account, prefix).await?,
            None => Vec::new(),
        };
        // Nobody is asked, as if the answer were still on its way.
        let given = Given { answer: question.as_ref().map(|_| Answer::TimedOut), tally, code };
        // Nobody hears a replay, so what customers are still to be told stays theirs.
        let subject = Subject { customer, inbound, moment, awaited: false, invited };
        let decision = decide(playbook, subject, &route, &given);
        let setting = Setting { of: &commit.of, playbook, moment, rules: &self.replay.rules };
        let mut made = consequences(setting, decision);
        // Nobody is told, so nothing is on its way.
        if made.customer.invite.is_on_its_way() {
            made.customer.invite.arrived = made.customer.invite.told;
            made.keep = forget_left(&mut made.customer, discretion.forget);
        }
        self.count_work(question.as_ref(), &made.outbox);
        let tallies = &mut self.progress.tallies;
        if made.recorded.quarantined > 0 {
            tallies.quarantined += 1;
        } else {
            tallies.applied += 1;
            tallies.late += u64::from(made.recorded.late > 0);
        }
        Ok(made)
    }

    fn count(&mut self, account: usize, commit: &mut Commit, made: Consequences) {
        commit.customer = made.customer;
        commit.facts.extend(made.facts);
        commit.keep = made.keep;
        for Increment { key, by, late_on } in made.recorded.increments {
            if key.metric == Metric::Votes
                && let Some(votes) = self.votes.get_mut(&account)
            {
                *votes.entry(key.dimension.clone()).or_default() += by;
            }
            *self.sums.entry(Cell { account, late_on, key }).or_default() += by;
        }
    }

    /// A question that would be asked again later is one question.
    fn count_work(&mut self, asked: Option<&Question>, outbox: &[Work]) {
        let tallies = &mut self.progress.tallies;
        tallies.questions += u64::from(asked.is_some_and(|asked| !stays_here(asked)));
        for work in outbox {
            match &work.task {
                Task::Send(_) | Task::Tell { .. } | Task::Poster { .. } => tallies.messages += 1,
                Task::Credit { .. } => {}
                Task::Ask { question, .. } if stays_here(question) => {}
                Task::Ask { question, .. } if question.idempotency_key.is_some() => tallies.orders += 1,
                Task::Ask { question, .. } => tallies.questions += u64::from(asked != Some(question)),
            }
        }
    }

    /// The votes whose dimension begins with `prefix`, by what follows it.
    async fn tally(&mut self, account: usize, prefix: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let known = match self.votes.entry(account) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(place) => {
                let Some((id, _)) = self.replay.accounts.get(account) else { return Ok(Vec::new()) };
                let stored = self.replay.store.counters(id, &[CounterRange::all(Metric::Votes)]).await?;
                let votes = stored.by_dimension(Metric::Votes, (0, 0));
                let mut known: HashMap<String, i64> = votes.map(|(dimension, n)| (dimension.to_owned(), n)).collect();
                for (Cell { account: of, key, .. }, by) in &self.sums {
                    if *of == account && key.metric == Metric::Votes {
                        *known.entry(key.dimension.clone()).or_default() += by;
                    }
                }
                place.insert(known)
            }
        };
        let mut options: Vec<(String, i64)> =
            known.iter().filter_map(|(dimension, n)| Some((dimension.strip_prefix(prefix)?.to_owned(), *n))).collect();
        options.sort_unstable();
        Ok(options)
    }

    /// What is to be stored, the note left out.
    pub(super) fn into_bulk(self) -> (Bulk, Progress) {
        let Self { replay, sums, mut bulk, progress, .. } = self;
        let mut of_accounts: Vec<Vec<Increment>> = replay.accounts.iter().map(|_| Vec::new()).collect();
        for (Cell { account, late_on, key }, by) in sums {
            if let Some(increments) = of_accounts.get_mut(account).filter(|_| by != 0) {
                increments.push(Increment { key, by, late_on });
            }
        }
        // Any commit of the account may carry them; where something was counted there is one.
        for ((id, _), increments) in replay.accounts.iter().zip(of_accounts) {
            if let Some(commit) = bulk.commits.iter_mut().find(|commit| commit.of.account == *id) {
                commit.increments = increments;
            }
        }
        (bulk, progress)
    }
}
/// Whether it is answered by ourselves and nobody outside hears of it.
fn stays_here(question: &Question) -> bool {
    is_own(question) || Errand::of(&question.connector).is_some_and(Errand::stays_here)
}
