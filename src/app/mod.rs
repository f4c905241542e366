//! The shell: every side effect, in order. Nothing else loads, asks, commits or sends.

mod account;
mod admission;
mod ask;
mod books;
mod brief;
mod cases;
mod clock;
mod code_limit;
mod copy;
mod customer;
mod day_check;
mod dead_letters;
mod duty;
mod errand;
mod forget;
mod form_cases;
mod handed_in;
mod handle;
mod in_flight;
mod inbox;
mod invites;
mod menu;
mod order_page;
mod order_sums;
mod outbox;
mod pay_errand;
mod pay_forgotten;
mod pay_notice;
mod perform;
pub mod pool;
mod post;
mod poster;
mod printed;
mod rebuild;
mod reconcile;
mod report;
mod report_files;
mod robot;
mod rules;
mod schedule;
mod settle;
#[cfg(test)]
mod simulator;
mod spent;
#[cfg(test)]
mod stand;
mod token;
mod told;
#[cfg(test)]
mod trials;
mod turns;
mod unwritten;
mod visit;

pub mod rehearsal;
pub mod replay;

pub use account::ServedAccount;
use admission::Admission;
pub use books::{Balanced, Book, BookFault};
pub use brief::{Subject, read_brief};
pub use cases::{Case, Decision as CaseDecision, Desk, Taken, cases, whose_order};
pub use clock::{Clock, ManualClock, SystemClock};
pub use copy::{Copied, CopyError, Differing, Doing, copy, left_in_journal};
pub use customer::{Erased, erase_customer, export_customer, moment};
pub use dead_letters::{Listed, Resent, dead_letters, resend, whose_dead_letter};
pub use forget::Discretion;
pub use form_cases::WhyNot;
pub use handed_in::{HandedIn, Standing, handed_in};
pub use handle::{NotNow, Received};
use in_flight::InFlight;
use inbox::Inbox;
pub use inbox::{Marks, TakeUpFault};
pub use invites::personal_code;
pub use menu::Published;
pub use order_page::{PayWays, is_payable};
pub use pay_forgotten::{Forgotten, GaveBack};
pub use pay_notice::NotTaken;
pub use poster::{ChannelCode, CodeFault, Made, Wanted, channel_code};
pub use rebuild::{Difference, MOST_DIFFERENCES, Verified, verify};
pub use reconcile::{ReconcileFault, Reconciled, platform_days};
pub use report::{ReportFault, read_changes, read_report};
pub use rules::Rules;
pub use schedule::Press;
pub use token::StoredTokens;
pub use unwritten::{FolderWatch, Unwritten};
pub use visit::VISIT_SECS;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::domain::ids::AccountId;
use crate::growth::report::{AsOf, Context};
use crate::store::Store;
use crate::store::journal::Journal;

/// Where things are kept.
pub struct Storage {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Deliveries on their way there, for a store that may forget.
    pub journal: Option<Journal>,
}

impl<S: Store + 'static> From<Arc<S>> for Storage {
    fn from(store: Arc<S>) -> Self {
        Self { store, journal: None }
    }
}

impl From<Arc<dyn Store>> for Storage {
    fn from(store: Arc<dyn Store>) -> Self {
        Self { store, journal: None }
    }
}

/// Everything a running fuwu holds. Built once in `cli`, shared by every request.
pub struct App {
    accounts: BTreeMap<AccountId, Arc<ServedAccount>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rules: Rules,
    in_flight: InFlight,
    /// Where deliveries are before the store has them, when it is on other machines.
    inbox: Option<Inbox>,
    admission: Admission,
    /// Which of several processes this is: random.
    number: u64,
    /// Rung when new outgoing work was committed.
    outbox_bell: Notify,
    /// What the platform said accounts have no right to.
    lacking: perform::Lacking,
    /// Whose record is being told of an invite.
    credit_turns: perform::CreditTurns,
    folder_watch: FolderWatch,
    /// Work that must be finished before the store closes.
    tasks: TaskTracker,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        accounts: Vec<ServedAccount>,
        storage: impl Into<Storage>,
        clock: Arc<dyn Clock>,
        rules: Rules,
    ) -> Arc<Self> {
        let Storage { store, journal } = storage.into();
        let accounts = accounts.into_iter().map(|a| (a.id().clone(), Arc::new(a))).collect();
        Arc::new(Self {
            accounts,
            store,
            clock,
            rules,
            in_flight: InFlight::default(),
            inbox: journal.map(Inbox::new),
            admission: Admission::default(),
            number: rand::random(),
            outbox_bell: Notify::new(),
            lacking: perform::Lacking::default(),
            credit_turns: perform::CreditTurns::default(),
            folder_watch: FolderWatch::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// The account of that name.
    pub fn account(&self, id: &str) -> Option<&Arc<ServedAccount>> {
        self.accounts.get(&AccountId::new(id))
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<ServedAccount>> {
        self.accounts.values()
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What a report on an account is told besides the counters.
    pub fn report_context(&self, account: &ServedAccount) -> Context {
        let Discretion { forget, keep_days, .. } = self.rules.discretion;
        Context::new(account.playbook().labels(), (forget, keep_days))
    }

    /// The moment a report is about: now, and how late a fact may be.
    pub fn as_of(&self) -> AsOf {
        AsOf { now: self.clock.now(), lateness: self.rules.lateness }
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whether reports are where they belong.
    pub fn folder_watch(&self) -> &FolderWatch {
        &self.folder_watch
    }

    /// Waits for everything that has begun, then closes the store. Nothing may be handed in any more.
    pub async fn drain(&self) -> Result<(), crate::store::StoreError> {
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(inbox) = &self.inbox {
            inbox.close();
        }
        self.store.close().await
    }
}
