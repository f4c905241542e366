//! A rehearsal: one customer's conversation with a playbook, without store, network or clock. What `fuwu test` and
//! `fuwu chat` run on.
//!
//! It does what the shell does, in the same order and with the same pure functions: route, ask, decide, record, then
//! the outbox. Time moves only when it is told to.

mod backend;
mod invites;
mod pools;
mod readable;
mod run;
mod script;
mod touched;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use backend::{Mock, Mocks};
pub use readable::{marked, readable};
pub use run::{Failure, Summary, Trial, run};
pub use script::{duration_secs, followed, said, sent};
pub use touched::{Touched, Untouched};

use crate::domain::actions::{Given, Needs};
use crate::domain::customer::Customer;
use crate::domain::decide::{Subject, abandon, decide, resume};
use crate::domain::decision::{Decision, Moment};
use crate::domain::fact::{Fact, FactKind};
use crate::domain::forget::{Forget, Keep, forget_left};
use crate::domain::ids::{ActionKey, DedupeKey, Openid};
use crate::domain::inbound::{Inbound, Message, What};
use crate::domain::notes::{self, Note};
use crate::domain::playbook::Playbook;
use crate::domain::question::{Answer, Question};
use crate::domain::reach::{Delivery, deliver_later, useful_until};
use crate::domain::referral::Friend;
use crate::domain::referral::credit::credits;
use crate::domain::reply::Reply;
use crate::domain::route::route_invited;
use crate::domain::taps;
use crate::domain::time::UnixSecs;
use crate::domain::work::{Task, Work};
use crate::growth::lateness::Lateness;
use crate::growth::record::record;

/// Between one try of a question that must be answered and the next: doubled each time, up to the other.
const RETRY_SECS: i64 = 10;
const LONGEST_RETRY_SECS: i64 = 300;
/// What comes within this time after a message is seen as coming with it.
const SOON_SECS: i64 = 15;

/// One customer and one playbook.
#[derive(Debug)]
pub struct Rehearsal {
    playbook: Arc<Playbook>,
    openid: Openid,
    customer: Customer,
    now: UnixSecs,
    deliveries: u64,
    outbox: Vec<Pending>,
    votes: BTreeMap<String, i64>,
    mocks: Mocks,
    pools: pools::Pools,
    touched: Touched,
    /// Friends who came by the customer's code, and when.
    friends: Vec<(Friend, UnixSecs)>,
    /// What was said so far.
    said: Vec<String>,
}

#[derive(Debug)]
struct Pending {
    work: Work,
    due: UnixSecs,
    tries: u32,
}

/// What the phone shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The answer.
    pub reply: Reply,
    /// What arrives later by itself.
    pub arrived: Vec<Reply>,
    /// What in the playbook did not work.
    pub faults: Vec<String>,
}

impl Rehearsal {
    /// Begins with a customer nobody knows.
    pub fn new(playbook: Arc<Playbook>, now: UnixSecs) -> Self {
        Self {
            playbook,
            openid: Openid::from("rehearsal"),
            customer: Customer::default(),
            now,
            deliveries: 0,
            outbox: Vec::new(),
            votes: BTreeMap::new(),
            mocks: Mocks::new(),
            pools: pools::Pools::default(),
            touched: Touched::default(),
            friends: Vec::new(),
            said: Vec::new(),
        }
    }

    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// Now.
    pub fn now(&self) -> UnixSecs {
        self.now
    }

    /// What of the playbook was touched so far.
    pub fn touched(&self) -> &Touched {
        &self.touched
    }

    /// From now on the business system does this.
    pub fn answer_with(&mut self, mocks: Mocks) {
        self.mocks = mocks;
    }

    /// The customer, or the platform about them, says this.
    pub fn deliver(&mut self, what: What) -> Heard {
        let playbook = self.playbook.clone();
        self.deliveries += 1;
        let moment = self.moment(DedupeKey(self.deliveries));
        let inbound = Inbound { openid: self.openid.clone(), at: self.now, key: moment.key, what };
        let before = self.customer.clone();
        let invited = self.seen(&inbound);
        let route = route_invited(&playbook, &before, (&inbound, invited.as_ref()), moment);
        self.touched.note(&playbook, &before, (&inbound, &route));
        let mut heard = Heard::default();
        let given = self.find_out(&route.needs(&before, moment), &mut heard.faults);
        let subject =
            Subject { customer: &before, inbound: &inbound, moment, awaited: true, invited: invited.as_ref() };
        let decision = decide(&playbook, subject, &route, &given);
        heard.reply = decision.reply.clone();
        let wait_for = decision.wait_for.clone();
        self.apply(decision, moment, &mut heard.faults);
        if let Some(at) = wait_for.and_then(|id| self.outbox.iter().position(|pending| pending.work.id == id)) {
            let pending = self.outbox.remove(at);
            let earned = self.ask(pending, &mut heard.faults);
            if let Some(reply) = earned.filter(|reply| !reply.is_silent()) {
                self.customer.recent.remember(moment.key, reply.clone(), self.now);
                heard.reply = reply;
            }
        }
        if matches!(inbound.what, What::Message(_)) {
            heard.reply = first_article_only(heard.reply);
        }
        self.run_until(self.now.plus_secs(SOON_SECS), &mut heard);
        self.remember(&heard);
        heard
    }

    /// The customer taps this in what they were told: in the newest message that has it.
    ///
    /// # Errors
    /// In words, when no message has it.
    pub fn choose(&mut self, named: &str) -> Result<Heard, String> {
        let (content, id) = self.said.iter().rev().find_map(|text| taps::tap(text, named)).ok_or_else(|| {
            format!(
                "前面说过的话里没有可以点的「{named}」：话术里写 {{{{ tap(\"{named}\") }}}}，或者动作里写 taps = true"
            )
        })?;
        Ok(self.deliver(What::Message(Message::Text { content, menu_id: Some(id) })))
    }

    fn remember(&mut self, heard: &Heard) {
        let replies = std::iter::once(&heard.reply).chain(&heard.arrived);
        self.said.extend(replies.filter_map(|reply| match reply {
            Reply::Text(text) => Some(text.clone()),
            _ => None,
        }));
    }

    /// Time passes until then.
    pub fn wait_until(&mut self, until: UnixSecs) -> Heard {
        let mut heard = Heard::default();
        self.run_until(until, &mut heard);
        self.now = self.now.max(until);
        self.remember(&heard);
        heard
    }

    fn moment(&self, key: DedupeKey) -> Moment {
        // Any fixed odd multiplier spreads the counter over 64 bits; a rehearsal must go the same way every time.
        let fresh = self.deliveries.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Moment { now: self.now, at: self.now, key, fresh }
    }

    fn find_out(&mut self, needs: &Needs, faults: &mut Vec<String>) -> Given {
        let answer = needs.question.as_ref().map(|question| self.put(question, faults));
        let tally = needs.tally.as_deref().map(|prefix| {
            let votes = self.votes.iter().filter_map(|(name, n)| Some((name.strip_prefix(prefix)?.to_owned(), *n)));
            votes.collect()
        });
        let code = needs.code.and_then(|wanted| self.own_code(wanted));
        Given { answer, tally: tally.unwrap_or_default(), code }
    }

    fn put(&mut self, question: &Question, faults: &mut Vec<String>) -> Answer {
        if let Some(own) = self.pools.answer(&self.playbook, question, self.now) {
            return own;
        }
        backend::answer(&self.playbook, &mut self.mocks, (&self.openid, question), faults)
    }

    fn apply(&mut self, decision: Decision, moment: Moment, faults: &mut Vec<String>) {
        self.customer = decision.customer;
        let fact = |what| Fact {
            at: moment.at,
            arrived: moment.now,
            key: moment.key,
            playbook: self.playbook.version.clone(),
            what,
        };
        let facts: Vec<Fact> = decision.facts.into_iter().map(fact).collect();
        for fact in &facts {
            if let FactKind::Voted { action, topic, option } = &fact.what {
                *self.votes.entry(format!("{action}/{topic}/{option}")).or_default() += 1;
            }
        }
        let invited = self.customer.invited();
        record(&mut self.customer, &facts, Lateness::default());
        let credits = credits(invited.as_ref(), &mut self.customer, (&facts, moment));
        faults.extend(decision.faults);
        let new = decision.outbox.into_iter().chain(credits).map(|work| Pending { due: work.due, work, tries: 0 });
        self.outbox.extend(new);
        // As an account does that sets nothing else.
        if forget_left(&mut self.customer, Forget::default()) != Keep::Known {
            self.outbox.clear();
        }
    }

    /// Performs what falls due until then, in order of time.
    fn run_until(&mut self, until: UnixSecs, heard: &mut Heard) {
        while let Some((when, at)) = self.next_due().filter(|(when, _)| *when <= until) {
            self.now = self.now.max(when);
            let pending = self.outbox.remove(at);
            let work = pending.work.clone();
            let reply = match &work.task {
                Task::Send(reply) | Task::Tell { reply, .. } => Some(reply.clone()),
                Task::Poster { action, alone, .. } => Some(self.poster(action, alone)),
                Task::Credit { .. } => {
                    self.forget_credit(&work);
                    None
                }
                Task::Ask { .. } if work.expires <= self.now => Some(self.give_up(&work, &mut heard.faults)),
                Task::Ask { .. } => self.ask(pending, &mut heard.faults),
            };
            if let Some(reply) = reply {
                heard.arrived.extend(self.say_later(reply, &work));
            }
        }
    }

    /// A picture where a real account would send one: what is tested is who gets it.
    fn poster(&self, action: &ActionKey, alone: &Reply) -> Reply {
        match self.playbook.posters.get(action) {
            Some(handed_out) => Reply::Image { media_id: handed_out.poster.settings().picture.clone() },
            None => alone.clone(),
        }
    }

    fn next_due(&self) -> Option<(UnixSecs, usize)> {
        let dues = self.outbox.iter().enumerate();
        dues.map(|(at, pending)| (pending.due.min(pending.work.expires).max(pending.work.due), at)).min()
    }

    /// Asks the question of outgoing work. `None`: it has to be asked again.
    fn ask(&mut self, pending: Pending, faults: &mut Vec<String>) -> Option<Reply> {
        let Task::Ask { question, .. } = &pending.work.task else { return None };
        let answer = self.put(question, faults);
        if question.idempotency_key.is_some() && matches!(answer, Answer::TimedOut | Answer::Down) {
            let tries = pending.tries + 1;
            let pause_secs = LONGEST_RETRY_SECS.min(RETRY_SECS << pending.tries.min(8));
            self.outbox.push(Pending { due: self.now.plus_secs(pause_secs), tries, ..pending });
            return None;
        }
        let moment = self.moment(pending.work.origin);
        let decision = resume(&self.playbook, &self.customer, &pending.work, (&answer, moment));
        let reply = decision.reply.clone();
        self.apply(decision, moment, faults);
        Some(reply)
    }

    fn give_up(&mut self, work: &Work, faults: &mut Vec<String>) -> Reply {
        let moment = self.moment(work.origin);
        let decision = abandon(&self.playbook, &self.customer, work, moment);
        let reply = decision.reply.clone();
        self.apply(decision, moment, faults);
        reply
    }

    /// Sends what comes late, or keeps it as a note.
    fn say_later(&mut self, reply: Reply, work: &Work) -> Option<Reply> {
        match deliver_later(&self.customer, &reply, work, self.now) {
            Delivery::Send => {
                self.customer.windows.spend(self.now);
                Some(first_article_only(reply))
            }
            Delivery::Note => {
                let (expires, is_receipt) = (useful_until(work, self.now), work.is_receipt());
                let note = Note { reply, expires, is_receipt };
                notes::keep(&mut self.customer.notes, note, self.now);
                None
            }
            Delivery::Drop => None,
        }
    }
}

/// The platform shows no more in answer to a message, and takes no more as a customer-service message (platform.md
/// part 3, 4.9).
fn first_article_only(reply: Reply) -> Reply {
    match reply {
        Reply::Articles(mut articles) => {
            articles.truncate(1);
            Reply::Articles(articles)
        }
        reply => reply,
    }
}
