//! What an order leaves to be done: outgoing work named after the order and what it is for, so that demanding it twice is
//! one work.

use super::settings::{Order as Settings, points};
use crate::domain::customer::Customer;
use crate::domain::ids::{ConnectorKey, OrderNumber, WorkId};
use crate::domain::order::{Demand, Order, Puts, Reason, State};
use crate::domain::question::{ASKED_BEFORE, Errand, Question};
use crate::domain::time::UnixSecs;
use crate::domain::value::{Value, Values};
use crate::domain::work::{Task, Work};

/// Whether it is paid is asked first after this.
const FIRST_LOOK_SECS: i64 = 10;
/// A payment made at the last moment may be told a little later.
const LAST_LOOK_SECS: i64 = 15;
const DAY_SECS: i64 = 86_400;
/// For so long an order that cannot be paid any more is tried to be closed.
const CLOSE_SECS: i64 = DAY_SECS;
/// For so long a refund is asked for and asked after.
const REFUND_SECS: i64 = 7 * DAY_SECS;
/// Every order under way is looked after so often (reliability.md 2.6).
const KEEP_SECS: i64 = 300;
/// What looks after orders is not given up before nobody remembers them.
const FOR_LONG_SECS: i64 = 400 * DAY_SECS;
/// Without settings an order is asked about for so long.
const SETTLE_SECS: i64 = 3600;

/// What a memo says its work is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Prepay,
    Watch,
    Close,
    Fulfil,
    Refund,
    Call,
    Keep,
    Forget,
}

impl Step {
    const ALL: [Self; 8] =
        [Self::Prepay, Self::Watch, Self::Close, Self::Fulfil, Self::Refund, Self::Call, Self::Keep, Self::Forget];

    fn as_str(self) -> &'static str {
        match self {
            Self::Prepay => "prepay",
            Self::Watch => "watch",
            Self::Close => "close",
            Self::Fulfil => "fulfil",
            Self::Refund => "refund",
            Self::Call => "call",
            Self::Keep => "keep",
            Self::Forget => "forget",
        }
    }

    /// The step of a memo. Before there were several, the only one was to place the order.
    pub(super) fn of(memo: &Values) -> Option<Self> {
        match memo.get("step") {
            None => Some(Self::Fulfil),
            Some(Value::Text(name)) => Self::ALL.into_iter().find(|step| step.as_str() == name),
            Some(_) => None,
        }
    }
}

/// Whether work was left by an order, whatever its action has become since.
pub fn is_of_order(work: &Work) -> bool {
    let Task::Ask { memo, .. } = &work.task else { return false };
    let is_of_old = || ["order", "label", "amount"].iter().all(|name| memo.contains_key(*name));
    work.id.as_str().starts_with("order/") || is_of_old()
}

/// Whether what work would ask for is still wanted: an order that has gone another way is not put to the business system.
pub fn is_wanted(customer: &Customer, work: &Work) -> bool {
    let Task::Ask { memo, .. } = &work.task else { return true };
    let (Some(Step::Fulfil), Some(Value::Text(number))) = (Step::of(memo), memo.get("order")) else { return true };
    if !is_of_order(work) {
        return true;
    }
    match customer.orders.get(&OrderNumber::new(number.as_str())) {
        Some(order) => order.state() == State::Fulfilling,
        // Only the work of an earlier version tells of an order that no record knows.
        None => memo.contains_key("label"),
    }
}

/// The works of one order.
#[derive(Clone, Copy)]
pub(super) struct Works<'a> {
    pub(super) settings: Option<&'a Settings>,
    pub(super) order: &'a Order,
    pub(super) now: UnixSecs,
}

impl Works<'_> {
    /// What a demand asks for. `None` when nobody knows any more how it is done: then the caller sees to a person.
    pub(super) fn of(&self, demand: Demand, reason: Reason) -> Option<Work> {
        Some(match demand {
            Demand::Prepay => self.prepay(),
            Demand::WatchPayment => self.watch(),
            Demand::Fulfil => self.fulfil()?,
            Demand::Refund => self.refund(),
            Demand::CallPerson => self.call(reason),
        })
    }

    fn payable_until(&self) -> UnixSecs {
        self.order.money().map_or(self.now, |money| money.payable_until)
    }

    fn prepay(&self) -> Work {
        let values = [
            ("label", Value::from(self.order.label.as_str())),
            ("amount_fen", Value::Integer(self.order.amount.0)),
            ("until", Value::Integer(self.payable_until().0)),
        ];
        self.errand(("prepay", Errand::Prepay, Step::Prepay), values, (0, self.payable_until()))
    }

    fn watch(&self) -> Work {
        let ends = self.payable_until().plus_secs(LAST_LOOK_SECS);
        let values =
            [("until", Value::Integer(self.payable_until().0)), ("amount_fen", Value::Integer(self.order.amount.0))];
        self.errand(("watch", Errand::Query, Step::Watch), values, (FIRST_LOOK_SECS, ends))
    }

    /// Closes what nobody has paid, and says why.
    pub(super) fn close(&self, reason: Reason) -> Work {
        let ends = self.now.plus_secs(CLOSE_SECS);
        let mut work = self.errand(("close", Errand::Close, Step::Close), [], (0, ends));
        if let Task::Ask { memo, .. } = &mut work.task {
            memo.insert("reason".to_owned(), Value::from(reason.as_str()));
        }
        work
    }

    /// Asks the business system: under a new name each time that it surely was not reached. `None` without settings.
    pub(super) fn fulfil(&self) -> Option<Work> {
        let settings = self.settings?;
        let mut values = self.order.details.clone();
        values.extend(Values::from([
            ("code".to_owned(), Value::from(self.order.code.as_str())),
            // A count, not money: the business system reads fen, people read yuan.
            ("amount_fen".to_owned(), Value::Integer(self.order.amount.0)),
            ("order".to_owned(), Value::from(self.order.number.as_str())),
        ]));
        values.extend(points(self.order.points));
        let Puts { unreached, before } = self.order.puts;
        let purpose =
            if unreached == 0 { "fulfil".to_owned() } else { format!("fulfil/{}", unreached.saturating_add(1)) };
        let mut work = self.work((&purpose, settings.connector.clone(), Step::Fulfil), values, (0, self.settled_by()));
        if let Task::Ask { memo, .. } = &mut work.task {
            memo.insert("until".to_owned(), Value::Integer(self.settled_by().0));
            if before {
                memo.insert(ASKED_BEFORE.to_owned(), Value::Integer(1));
            }
        }
        Some(work)
    }

    /// The same once more, if it was lost: whoever may have been asked is then asked how it stands, where asking again
    /// would do it twice.
    pub(super) fn fulfil_again(&self) -> Option<Work> {
        let mut work = self.fulfil()?;
        if let Task::Ask { memo, .. } = &mut work.task {
            memo.insert(ASKED_BEFORE.to_owned(), Value::Integer(1));
        }
        Some(work)
    }

    fn settled_by(&self) -> UnixSecs {
        let secs = self.settings.map_or(SETTLE_SECS, |settings| i64::from(settings.settle_secs));
        self.now.plus_secs(secs)
    }

    fn refund(&self) -> Work {
        let (nth, left, total) = self.order.money().map_or((1, 0, 0), |money| {
            (money.asked, money.left().0, money.paid.as_ref().map_or(0, |paid| paid.total.0))
        });
        let values = [
            ("label", Value::from(self.order.label.as_str())),
            ("nth", Value::Integer(nth.into())),
            ("back_fen", Value::Integer(left)),
            ("total_fen", Value::Integer(total)),
        ];
        let ends = self.now.plus_secs(REFUND_SECS);
        let mut work = self.errand((&format!("refund/{nth}"), Errand::Refund, Step::Refund), values, (0, ends));
        if let Task::Ask { memo, .. } = &mut work.task {
            memo.insert("nth".to_owned(), Value::Integer(nth.into()));
        }
        work
    }

    /// Calls a person, and says why. Of an order that does not need one by itself they have the last word.
    pub(super) fn call(&self, reason: Reason) -> Work {
        let stays = i64::from(!self.order.needs_person());
        let values = [
            ("reason", Value::from(reason.as_str())),
            ("amount_fen", Value::Integer(self.order.amount.0)),
            ("stays", Value::Integer(stays)),
        ];
        let ends = self.now.plus_secs(FOR_LONG_SECS);
        let purpose = format!("call/{}/{:x}", reason.as_str(), self.order.moved_at.0);
        self.errand((&purpose, Errand::Call, Step::Call), values, (0, ends))
    }

    /// Looks after the order a little later: each at its own second of every five minutes, whoever demands it.
    pub(super) fn keep(&self) -> Work {
        let own = self.order.origin.0 % KEEP_SECS.unsigned_abs();
        let after_secs = KEEP_SECS - (self.now.0 - own.cast_signed()).rem_euclid(KEEP_SECS);
        let due = self.now.plus_secs(after_secs);
        let ends = due.plus_secs(FOR_LONG_SECS);
        self.errand((&format!("keep/{:x}", due.0), Errand::Keep, Step::Keep), [], (after_secs, ends))
    }

    /// Forgets what the customer told for it, when the playbook says. `None` when there is nothing.
    pub(super) fn forget(&self) -> Option<Work> {
        if self.order.details.is_empty() {
            return None;
        }
        let days = self.settings.map_or(0, |settings| i64::from(settings.keep_details_days));
        let ends = self.now.plus_secs(days * DAY_SECS + FOR_LONG_SECS);
        Some(self.errand(("forget", Errand::Forget, Step::Forget), [], (days * DAY_SECS, ends)))
    }

    fn errand<const N: usize>(
        &self,
        (purpose, errand, step): (&str, Errand, Step),
        values: [(&str, Value); N],
        times: (i64, UnixSecs),
    ) -> Work {
        let mut values: Values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        values.insert("order".to_owned(), Value::from(self.order.number.as_str()));
        self.work((purpose, ConnectorKey::new(errand.as_str()), step), values, times)
    }

    fn work(
        &self,
        (purpose, connector, step): (&str, ConnectorKey, Step),
        values: Values,
        (after_secs, expires): (i64, UnixSecs),
    ) -> Work {
        let number = self.order.number.as_str();
        let question = Question { connector, values, idempotency_key: Some(number.to_owned()) };
        let memo =
            Values::from([("order".to_owned(), Value::from(number)), ("step".to_owned(), Value::from(step.as_str()))]);
        Work {
            id: WorkId::new(format!("order/{number}/{purpose}")),
            origin: self.order.origin,
            due: self.now.plus_secs(after_secs),
            expires,
            task: Task::Ask { action: self.order.action.clone(), question, memo },
        }
    }
}
