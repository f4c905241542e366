//! Reach: through which path a customer can be told something now, and why not through another (platform.md 4.9 to 4.11,
//! part 5).

mod consents;
mod facts;
mod told;
mod ways;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use consents::{Consents, Term};
pub use facts::{take_note, undelivered};
pub use told::Told;
pub use ways::{CallState, MOST_UNSENT, UNSENT_KEPT_SECS, Unsent, Ways};
pub use windows::{BY_MESSAGE, BY_TAP, Opening, Room, Windows, opening};

use super::customer::Customer;
use super::ids::TemplateId;
use super::reply::Reply;
use super::route::with_agent;
use super::time::UnixSecs;
use super::work::{Task, Work};

/// How a message gets to the customer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// As the answer to a delivery that somebody still waits with.
    Reply {
        /// So long.
        until: UnixSecs,
    },
    /// A customer-service message.
    CustomerService {
        /// Messages left in the best open window, this one included.
        left: u8,
        /// When that window closes.
        until: UnixSecs,
    },
    /// A subscription notice.
    Subscription {
        /// By this template.
        template: TemplateId,
        /// Consents left, this message included; `None` for one that lasts.
        left: Option<u8>,
    },
    /// A template message.
    Template {
        /// By this template.
        template: TemplateId,
    },
    /// With the customer's next message.
    NextVisit {
        /// After that it is of no use.
        until: UnixSecs,
        /// Why not now.
        because: Hindrance,
    },
    /// Not at all.
    Nowhere {
        /// Why.
        because: Hindrance,
    },
}

/// Why a message cannot be told now. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Hindrance {
    /// The customer does not follow (43004).
    Away,
    /// No window is open (45015).
    NoWindow,
    /// The open windows carry no more (45047).
    UsedUp,
    /// A person has the chat.
    WithPerson,
    /// The customer switched off receiving (48002).
    Blocked,
    /// The customer is on the account's blacklist (43019).
    Blacklisted,
    /// It is of no use any more.
    Expired,
    /// The account has no right to the path (48001).
    NoRight,
    /// There are no words, or it can only be said in answer to a message.
    Unsayable,
    /// So many messages wait for the customer already that no more are kept.
    Crowded,
}

/// Why a message was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// There was no path.
    Hindered(Hindrance),
    /// It was tried until it was of no use any more.
    InVain,
    /// The platform took it for wrong, for good.
    Refused {
        /// Its code.
        code: i64,
    },
    /// The platform's answer was lost: it may have arrived, so it was not sent again.
    Unknown,
}

/// A path that an account has a right to or not (platform.md part 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// Customer-service messages.
    CustomerService,
    /// Subscription notices.
    Subscription,
    /// Template messages.
    Template,
}

/// What an account has a right to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    lacking: BTreeSet<Path>,
}

impl Rights {
    /// Without these.
    pub fn without(lacking: impl IntoIterator<Item = Path>) -> Self {
        Self { lacking: lacking.into_iter().collect() }
    }

    /// Of a certified service account (服务号): all.
    pub fn of_service() -> Self {
        Self::default()
    }

    /// Of a certified subscription account (订阅号): it has no template messages.
    pub fn of_subscription() -> Self {
        Self::without([Path::Template])
    }

    /// Of a test account: it has no subscription notices.
    pub fn of_test() -> Self {
        Self::without([Path::Subscription])
    }

    /// The same without this one.
    #[must_use]
    pub fn less(mut self, path: Path) -> Self {
        self.lacking.insert(path);
        self
    }

    /// Whether the account may.
    pub fn has(&self, path: Path) -> bool {
        !self.lacking.contains(&path)
    }
}

/// A template that can carry a message, filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Which.
    pub template: TemplateId,
    /// Of what kind.
    pub by: By,
    /// What fills it, by the template's own keys.
    pub fields: BTreeMap<String, String>,
    /// Where a tap leads; possibly empty.
    pub link: String,
}

/// Of what kind a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// A subscription notice, which takes a consent.
    Subscription(Term),
    /// A template message, for what the customer's own action has triggered (platform.md 4.10).
    Template,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What it says.
    pub reply: &'a Reply,
    /// After that it is of no use.
    pub expires: UnixSecs,
    /// Somebody waits for it as the answer to a delivery, so long.
    pub waited_until: Option<UnixSecs>,
    /// The templates that can carry it, the best one first.
    pub carriers: &'a [Carrier],
}

impl<'a> Message<'a> {
    /// One that nobody waits for and no template carries.
    pub fn late(reply: &'a Reply, expires: UnixSecs) -> Self {
        Self { reply, expires, waited_until: None, carriers: &[] }
    }

    /// What a piece of work says, of use until `expires`; `None` when it says nothing.
    pub fn of(work: &'a Work, expires: UnixSecs) -> Option<Self> {
        let (reply, carriers) = (work.task.reply()?, work.task.carriers());
        Some(Self { reply, expires, waited_until: None, carriers })
    }
}

/// By which path a message gets to the customer at `now`: the first that is open, of those that cost the customer and the
/// account least.
pub fn reach(message: &Message<'_>, customer: &Customer, rights: &Rights, now: UnixSecs) -> Reach {
    if !is_sayable(message) {
        return Reach::Nowhere { because: Hindrance::Unsayable };
    }
    if message.expires <= now {
        return Reach::Nowhere { because: Hindrance::Expired };
    }
    if let Some(until) = message.waited_until.filter(|until| *until > now) {
        return Reach::Reply { until };
    }
    let refused = customer.ways.refused();
    let notice = || by_subscription(message, customer, rights);
    if customer.away_since().is_some() || refused == Some(Hindrance::Away) {
        // Who left can be reached by a notice they have agreed to, and by nothing else (platform.md 4.11).
        return notice().unwrap_or(Reach::Nowhere { because: Hindrance::Away });
    }
    if refused == Some(Hindrance::Blacklisted) {
        return Reach::Nowhere { because: Hindrance::Blacklisted };
    }
    let later = |because| Reach::NextVisit { until: message.expires, because };
    if with_agent(customer, now) {
        return later(Hindrance::WithPerson);
    }
    let because = match by_window(customer, rights, now) {
        Ok(reach) => return reach,
        Err(because) => because,
    };
    let template = || by_template(message, rights).filter(|_| refused != Some(Hindrance::Blocked));
    notice().or_else(template).unwrap_or_else(|| later(because))
}

/// Silence is not said; a chat can only be handed over in answer to a message (platform.md part 3).
fn is_sayable(message: &Message<'_>) -> bool {
    match message.reply {
        Reply::Silent => false,
        Reply::HandOver { .. } => message.waited_until.is_some(),
        Reply::Text(text) => !text.trim().is_empty(),
        Reply::Articles(articles) => !articles.is_empty(),
        _ => true,
    }
}

fn by_window(customer: &Customer, rights: &Rights, now: UnixSecs) -> Result<Reach, Hindrance> {
    if !rights.has(Path::CustomerService) {
        return Err(Hindrance::NoRight);
    }
    if let Some(refused) = customer.ways.refused() {
        return Err(refused);
    }
    match customer.windows.room(now) {
        None => Err(Hindrance::NoWindow),
        Some(Room { left: 0, .. }) => Err(Hindrance::UsedUp),
        Some(Room { left, until }) => Ok(Reach::CustomerService { left, until }),
    }
}

fn by_subscription(message: &Message<'_>, customer: &Customer, rights: &Rights) -> Option<Reach> {
    let carrier = message.carriers.iter().filter(|_| rights.has(Path::Subscription)).find_map(|carrier| {
        let By::Subscription(term) = carrier.by else { return None };
        let left = customer.ways.consents.left(&carrier.template);
        (left > 0).then_some((carrier, (term == Term::Once).then_some(left)))
    });
    carrier.map(|(carrier, left)| Reach::Subscription { template: carrier.template.clone(), left })
}

fn by_template(message: &Message<'_>, rights: &Rights) -> Option<Reach> {
    let mut carriers = message.carriers.iter().filter(|_| rights.has(Path::Template));
    let carrier = carriers.find(|carrier| carrier.by == By::Template)?;
    Some(Reach::Template { template: carrier.template.clone() })
}

/// What becomes of an answer that comes later than the delivery that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is sent now, as a customer-service message.
    Send,
    /// It waits as a note for the customer's next message.
    Note,
    /// It is of no use any more, or nobody is there to read it.
    Drop,
}

/// By which path a late answer to `work` goes, in an account that has every right.
pub fn deliver_later(customer: &Customer, reply: &Reply, work: &Work, now: UnixSecs) -> Delivery {
    let message = Message::late(reply, useful_until(work, now));
    match reach(&message, customer, &Rights::default(), now) {
        Reach::CustomerService { .. } => Delivery::Send,
        Reach::NextVisit { .. } => Delivery::Note,
        _ => Delivery::Drop,
    }
}

/// Until when a late answer to `work` may wait as a note. What became of the customer's money is worth telling also
/// after we have stopped asking.
pub fn useful_until(work: &Work, now: UnixSecs) -> UnixSecs {
    const ABOUT_MONEY_SECS: i64 = 30 * 86_400;
    match &work.task {
        Task::Ask { question, .. } if question.idempotency_key.is_some() => now.plus_secs(ABOUT_MONEY_SECS),
        Task::Ask { .. } | Task::Send(_) | Task::Tell { .. } | Task::Poster { .. } | Task::Credit { .. } => {
            work.expires
        }
    }
}

#[cfg(test)]
mod tests;
