//! Cases: orders, and payments without an order, that a person has to look at. A list is kept of the account that names no
//! customer; whose an order is, is found in the log.

use serde::{Deserialize, Serialize};

use super::errand::Sent;
use super::form_cases::WhyNot;
use super::handed_in::HandedIn;
use super::pay_forgotten::{self, Forgotten, GaveBack};
use super::printed::put;
use super::settle::Setting;
use super::{App, Rules, ServedAccount, told};
use crate::domain::decide::happened;
use crate::domain::decision::Moment;
use crate::domain::ids::{AccountId, DedupeKey, OrderNumber};
use crate::domain::order::{Decided, Happening, Order};
use crate::domain::playbook::Playbook;
use crate::domain::time::UnixSecs;
use crate::store::{Committed, CustomerRef, SharedChange, SharedKind, SharedName, Store, StoreError, Version};

/// Facts read at once.
pub(super) const PAGE: usize = 4_096;
const MAX_TRIES: usize = 16;
/// Orders and payments that wait for a person, by account.
const OPEN: &str = "fuwu_order_cases";
/// People called, by account and reason.
const CALLED: &str = "fuwu_order_calls_total";

/// One that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The order's number, ours or what the payment platform calls ours.
    #[serde(skip)]
    pub number: OrderNumber,
    /// Since when.
    pub at: UnixSecs,
    /// Why: a reason of the order machine, or `unknown_order`.
    pub reason: String,
    /// How much, in fen.
    pub amount_fen: i64,
    /// The delivery that confirmed the order; `None` where no order of ours is known.
    pub origin: Option<DedupeKey>,
    /// Whether only a person closes it: the order itself would need none.
    #[serde(default)]
    pub stays: bool,
    /// The payment of an order of ours whose customer's record is gone.
    #[serde(default)]
    pub forgotten: Option<Forgotten>,
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is done, or not: the order goes on by that.
    Of(Decided),
    /// It was looked at, and nothing is to be done here.
    Seen,
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The order as it stands now.
    Order(Box<Order>),
    /// The case is closed.
    Closed,
    /// It cannot be decided so as it stands.
    NotSo(Box<Order>),
    /// The form as it stands now.
    Form(Box<HandedIn>),
    /// The same of a form, and why.
    FormNotSo(Box<HandedIn>, WhyNot),
    /// What became of money that is to go back to somebody of whom nothing is kept.
    GaveBack(GaveBack),
    /// There is no such order, nor form, nor case.
    Unknown,
}

fn name(number: &OrderNumber) -> SharedName {
    SharedName { kind: SharedKind::Case, part: number.as_str().to_owned() }
}

/// The cases of an account, in order of their numbers.
///
/// # Errors
/// As the store answers.
pub async fn cases(store: &dyn Store, account: &AccountId) -> Result<Vec<Case>, StoreError> {
    let all = store.shared_of(account, SharedKind::Case).await?;
    let read = |(part, shared): (String, crate::store::Shared)| {
        let case: Case = serde_json::from_slice(&shared.body).ok()?;
        Some(Case { number: OrderNumber::new(part), ..case })
    };
    Ok(all.into_iter().filter_map(read).collect())
}

/// Whose an order is, by the facts of it. Reads the log until it finds one.
///
/// # Errors
/// As the store answers.
pub async fn whose_order(
    store: &dyn Store,
    account: &AccountId,
    number: &OrderNumber,
) -> Result<Option<CustomerRef>, StoreError> {
    use crate::domain::fact::FactKind;
    let mut after = 0;
    loop {
        let page = store.facts(account, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.seq;
        let is_of = |what: &FactKind| match what {
            FactKind::OrderMoved { order, .. } => order == number,
            FactKind::Ordered { order, .. } => order == number.as_str(),
            _ => false,
        };
        if let Some(found) = page.into_iter().find(|logged| is_of(&logged.fact.what)) {
            return Ok(Some(found.of));
        }
    }
}

impl App {
    /// Puts an order on the list of those that a person has to look at.
    pub(super) async fn call_person(&self, account: &ServedAccount, sent: &Sent<'_>) -> Result<(), StoreError> {
        let stored = self.store.load(sent.of).await?;
        let origin = stored.customer.orders.get(&sent.number()).map(|order| order.origin);
        let case = Case {
            number: sent.number(),
            at: self.clock.now(),
            reason: sent.text("reason").unwrap_or_default().to_owned(),
            amount_fen: sent.integer("amount_fen").unwrap_or_default(),
            origin,
            stays: sent.integer("stays").is_some_and(|stays| stays != 0),
            forgotten: None,
        };
        self.open_case(account, &case).await
    }

    /// Opens a case, unless it is open for the same reason.
    pub(super) async fn open_case(&self, account: &ServedAccount, case: &Case) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let shared = self.store.shared(account.id(), &name(&case.number)).await?;
            let known: Option<Case> = serde_json::from_slice(&shared.body).ok();
            let stays = case.stays || known.as_ref().is_some_and(|known| known.stays);
            if known.is_some_and(|known| known.reason == case.reason && known.stays == stays) {
                return Ok(());
            }
            let case = &Case { stays, ..case.clone() };
            let opened = put(self.store.as_ref(), account.id(), (name(&case.number), shared.version), case).await?;
            if opened == Committed::Applied {
                metrics::counter!(CALLED, "account" => account.id().to_string(), "reason" => case.reason.clone())
                    .increment(1);
                tracing::warn!(
                    account = %account.id(), order = %case.number, reason = case.reason, amount_fen = case.amount_fen,
                    "an order needs a person: see `fuwu order list`"
                );
                return self.count_cases(account).await;
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one case")))
    }

    async fn count_cases(&self, account: &ServedAccount) -> Result<(), StoreError> {
        let open = self.store.shared_of(account.id(), SharedKind::Case).await?.len();
        metrics::gauge!(OPEN, "account" => account.id().to_string())
            .set(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// Takes a case off the list.
    pub(super) async fn close(&self, account: &ServedAccount, number: &OrderNumber) -> Result<(), StoreError> {
        close_case(self.store.as_ref(), account.id(), number).await?;
        self.count_cases(account).await
    }

    /// Closes the case of an order that needs nobody any more, unless somebody has to look at it whatever the order says.
    pub(super) async fn keep_case(&self, account: &ServedAccount, sent: &Sent<'_>) -> Result<(), StoreError> {
        let stored = self.store.load(sent.of).await?;
        let needs = stored.customer.orders.get(&sent.number()).is_some_and(Order::needs_person);
        if needs || case(self.store.as_ref(), account.id(), &sent.number()).await?.is_none_or(|case| case.stays) {
            return Ok(());
        }
        close_case(self.store.as_ref(), account.id(), &sent.number()).await?;
        self.count_cases(account).await
    }

    /// As [`Desk::decide`], by this process.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn decide_case(
        &self,
        account: &ServedAccount,
        (number, decision): (&OrderNumber, Decision),
    ) -> Result<Taken, StoreError> {
        let playbook = account.playbook();
        let desk = Desk { store: self.store.as_ref(), playbook: &playbook, rules: &self.rules, now: self.clock.now() };
        let taken = match (case(self.store.as_ref(), account.id(), number).await?, decision) {
            (Some(case), Decision::Of(decided)) if case.forgotten.is_some() => {
                self.decide_forgotten(account, (&case, decided)).await?
            }
            _ => desk.decide(account.id(), (number, decision)).await?,
        };
        self.outbox_bell.notify_one();
        self.count_cases(account).await?;
        Ok(taken)
    }
}

/// The case of this number, if one is open.
pub(super) async fn case(
    store: &dyn Store,
    account: &AccountId,
    number: &OrderNumber,
) -> Result<Option<Case>, StoreError> {
    let shared = store.shared(account, &name(number)).await?;
    Ok(serde_json::from_slice(&shared.body).ok().map(|case| Case { number: number.clone(), ..case }))
}

/// Closes a case; whether there was one.
pub(super) async fn close_case(
    store: &dyn Store,
    account: &AccountId,
    number: &OrderNumber,
) -> Result<bool, StoreError> {
    let shared = store.shared(account, &name(number)).await?;
    if shared.version == Version(0) {
        return Ok(false);
    }
    let change = SharedChange { account: account.clone(), name: name(number), base: shared.version, body: None };
    Ok(store.put_shared(change).await? == Committed::Applied)
}

/// Where a person decides: with a store at hand, in a server or beside it.
pub struct Desk<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The playbook of the account.
    pub playbook: &'a Playbook,
    /// The rules under which facts are counted.
    pub rules: &'a Rules,
    /// Now.
    pub now: UnixSecs,
}

impl Desk<'_> {
    /// Takes the case of an order off the list. That of one that waits for a decision comes back until there is one.
    async fn seen(&self, account: &AccountId, (number, of): (&OrderNumber, &CustomerRef)) -> Result<Taken, StoreError> {
        let stored = self.store.load(of).await?;
        if let Some(order) = stored.customer.orders.get(number).filter(|order| order.needs_person()) {
            return Ok(Taken::NotSo(Box::new(order.clone())));
        }
        Ok(if close_case(self.store, account, number).await? { Taken::Closed } else { Taken::Unknown })
    }

    /// Takes what a person decided about an order or a form.
    ///
    /// # Errors
    /// As the store answers.
    pub async fn decide(
        &self,
        account: &AccountId,
        (number, decision): (&OrderNumber, Decision),
    ) -> Result<Taken, StoreError> {
        let Self { store, playbook, rules, now } = *self;
        let Some(of) = whose_order(store, account, number).await? else {
            if let (Some(case), Decision::Of(decided)) = (case(store, account, number).await?, decision)
                && case.forgotten.is_some()
            {
                return pay_forgotten::decide_beside(store, account, (&case, decided)).await;
            }
            return super::form_cases::decide(self, account, (number, decision)).await;
        };
        let Decision::Of(decided) = decision else { return self.seen(account, (number, &of)).await };
        for _ in 0..MAX_TRIES {
            let stored = store.load(&of).await?;
            let Some(before) = stored.customer.orders.get(number).cloned() else { return Ok(Taken::Unknown) };
            let moment = Moment { now, at: now, key: before.origin, fresh: rand::random() };
            let decision = happened(playbook, &stored.customer, (number, Happening::Decided(decided)), moment);
            let Some(after) = decision.customer.orders.get(number).cloned().filter(|after| *after != before) else {
                return Ok(Taken::NotSo(Box::new(before)));
            };
            let setting = Setting { of: &of, playbook, moment, rules };
            let commit = told::commit(setting, (stored.version, decision), &after);
            if store.commit(commit).await? == Committed::Applied {
                // Whatever else was odd about it: whoever decides has looked.
                if !after.needs_person() {
                    close_case(store, account, number).await?;
                }
                return Ok(Taken::Order(Box::new(after)));
            }
        }
        Err(StoreError::Unavailable(format!("{MAX_TRIES} conflicts in a row on one customer")))
    }
}
