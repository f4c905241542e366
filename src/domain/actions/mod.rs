//! The kinds of action, one file each. This file holds the contract and the registry and nothing else.
//!
//! To add a kind: write `actions/NAME.rs` with its settings (what an operator writes) and its `impl ActionKind`, then
//! add one line to the registry below and, if it remembers something of a customer, one to [`Memory`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::customer::{Customer, Dialogue};
use super::decision::Moment;
use super::fact::{FactKind, Invited};
use super::ids::{ActionKey, ConnectorKey, NoticeKey, OrderNumber, PoolKey, Scene};
use super::notice::Noticed;
use super::numbers::Numbers;
use super::order::{Happening, Orders};
use super::question::{Answer, Question};
use super::referral::code::Tag;
use super::referral::drive::Drive;
use super::referral::points::Points;
use super::reply::Reply;
use super::template::{Template, TemplateFault};
use super::time::UnixSecs;
use super::value::{Value, Values};
use super::work::Work;

mod articles;
mod bind;
mod campaign;
#[cfg(test)]
mod desk;
mod details;
mod form;
mod handover;
mod list;
mod numbering;
mod order;
mod orders;
mod query;
mod rating;
mod say;
mod sign_in;
mod ticket;
mod topic;
pub(super) mod words;

pub use campaign::Campaign;
pub use form::{Hold as FormHold, Kept as FormKept, Sent as FormSent};
pub use form::{decision as form_decision, kept_of as forms_of, remember};
pub use order::{is_of_order, is_wanted};
pub use orders::page as order_page;

/// What an action sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its own key.
    pub action: &'a ActionKey,
    /// The customer before.
    pub customer: &'a Customer,
    /// How the customer came here.
    pub entry: &'a Entry<'a>,
    /// Time and what is fresh.
    pub moment: Moment,
    /// The personal code of this action's campaign that they came by just now, or wrote.
    pub invited: Option<&'a Invited>,
}

/// How the customer came to an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A tap, a keyword, a scan, a follow: the action begins. The words, when there were any.
    Opened {
        /// What was written, empty for a tap.
        words: &'a str,
    },
    /// The customer is in this action's dialogue and wrote this.
    Continued {
        /// Where they stand.
        dialogue: &'a Dialogue,
        /// What was written.
        words: &'a str,
    },
}

/// What must be known before the action can decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// A question to the business system.
    pub question: Option<Question>,
    /// The tally of these votes: the prefix `action/topic/` of the votes' dimension.
    pub tally: Option<String>,
    /// The customer's own code.
    pub code: Option<CodeFor>,
}

/// What a personal code says besides whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeFor {
    /// Of which campaign.
    pub tag: Tag,
    /// Since when its owner follows.
    pub since: UnixSecs,
}

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The business system's answer, when one was needed.
    pub answer: Option<Answer>,
    /// Votes by option, when a tally was needed.
    pub tally: Vec<(String, i64)>,
    /// The customer's own code, when it was needed and there can be one.
    pub code: Option<Scene>,
}

/// What an action wants. `decide` makes the whole decision of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is said.
    pub reply: Reply,
    /// The dialogue afterwards: none unless the action keeps one.
    pub dialogue: Option<Dialogue>,
    /// The dialogue that what is said is about, where that may be another one: taps on it are taps in that dialogue.
    pub about: Option<Dialogue>,
    /// What the action remembers of the customer, when that changes.
    pub memory: Option<Memory>,
    /// The customer's orders, when they change.
    pub orders: Option<Orders>,
    /// The customer's bound numbers, when they change.
    pub numbers: Option<Numbers>,
    /// The customer's part in the campaign that the action is, when it changes.
    pub drive: Option<Drive>,
    /// Their points, when they change.
    pub points: Option<Points>,
    /// What happened.
    pub facts: Vec<FactKind>,
    /// What is left to be done.
    pub outbox: Vec<Work>,
    /// The one piece of `outbox` whose outcome may still become the answer: the first one.
    pub wait: bool,
    /// The notice that may carry the reply, if it comes when no window is open.
    pub notice: Option<Noticed>,
    /// Where the customer has to go first: `decide` takes them there and brings them back (`domain::lead`).
    pub lead: Option<Lead>,
    /// Texts that could not be filled. `decide` sees to it that the customer reads something else and the operator
    /// reads this.
    pub faults: Vec<TemplateFault>,
}

/// Another action that has to be done first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Which.
    pub to: ActionKey,
    /// The words it is opened with.
    pub words: &'static str,
}

impl Outcome {
    /// Fills a template. Every kind fills its texts here: a fault goes to `faults` and the text is empty.
    pub fn fill(&mut self, template: &Template, values: &Values) -> String {
        template.fill(values).unwrap_or_else(|fault| {
            self.faults.push(fault);
            String::new()
        })
    }
}

impl View<'_> {
    /// The template filled, as a reply; silence and a fault in `out` when it cannot be filled.
    pub fn text(&self, out: &mut Outcome, template: &Template, values: &Values) -> Reply {
        let text = out.fill(template, values);
        if text.is_empty() { Reply::Silent } else { Reply::Text(text) }
    }
}

/// A text of an action, as the playbook's check sees it.
#[derive(Clone, Debug)]
pub struct TextField<'a> {
    /// The field as the operator wrote it: `reply`, `choices[0].label`.
    pub field: String,
    /// The text.
    pub template: &'a Template,
    /// The names it may use.
    pub allowed: BTreeSet<String>,
}

impl<'a> TextField<'a> {
    /// A text whose names are known beforehand.
    pub fn new(field: &str, template: &'a Template, allowed: &[&str]) -> Self {
        let allowed = allowed.iter().map(|name| (*name).to_owned()).collect();
        Self { field: field.to_owned(), template, allowed }
    }
}

/// A reply made of several texts, or of one with the operator's own words in it, at its longest: as the playbook's
/// check sees it.
#[derive(Clone, Debug)]
pub struct Composed<'a> {
    /// What it is, and of which fields, for the operator.
    pub what: String,
    /// Its parts, a line each, and what is known to fill them. The check fills the rest from examples.
    pub parts: Vec<(&'a Template, Values)>,
}

/// What every kind of action can do. Pure.
pub trait ActionKind {
    /// The settings as they are used: called once when they were read, for what would be made anew for every customer.
    fn prepared(self) -> Self
    where
        Self: Sized,
    {
        self
    }

    /// Every text a customer can read, with the names it may use. `fields` are those of the action's connector.
    fn texts<'a>(&'a self, fields: &dyn Fn(&ConnectorKey) -> BTreeSet<String>) -> Vec<TextField<'a>>;

    /// The replies that [`ActionKind::texts`] alone do not show at full length.
    fn composed(&self) -> Vec<Composed<'_>> {
        Vec::new()
    }

    /// The connectors it asks, and whether money moves.
    fn connectors(&self) -> Vec<(&ConnectorKey, Stakes)> {
        Vec::new()
    }

    /// Whether customers pay for it by WeChat Pay.
    fn takes_payments(&self) -> bool {
        false
    }

    /// The pools it gives from.
    fn pools(&self) -> Vec<&PoolKey> {
        Vec::new()
    }

    /// The values it hands to a connector's templates.
    fn question_values(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// The actions it leads to when something has to be done first, by the fields that name them: each binds a number.
    fn leads_to(&self) -> Vec<(&'static str, &ActionKey)> {
        Vec::new()
    }

    /// The notice that may carry its outcome, and all that it can be about.
    fn noticed(&self) -> Option<(&NoticeKey, Vec<Values>)> {
        None
    }

    /// Rules between fields that no type can hold; each fault names the field and how to mend it.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// What these words are to this action's dialogue.
    fn claim(&self, _dialogue: &Dialogue, _words: &str) -> Claim {
        Claim::Meant
    }

    /// Whether this is said in passing: a dialogue the customer is in stays open after their words led here.
    fn in_passing(&self) -> bool {
        false
    }

    /// The dialogue after something was said in passing ([`ActionKind::in_passing`]): what comes next may answer that
    /// instead.
    fn interrupted(&self, dialogue: Dialogue) -> Dialogue {
        dialogue
    }

    /// What is said after another action has answered while this dialogue is open, and the dialogue as it goes on: a
    /// question in between does not lose the place. `None` for one that ends then.
    fn comes_back(&self, _view: &View<'_>, _dialogue: &Dialogue) -> Option<Outcome> {
        None
    }

    /// What is said when the customer's dialogue has run out and they write what was meant for it, or what no rule
    /// knows. It has no placeholders.
    fn expired(&self, _dialogue: &Dialogue) -> Option<&Template> {
        None
    }

    /// Whether its questions may leave as menus to tap where they are sent as messages ([`super::taps`]).
    fn taps(&self) -> bool {
        false
    }

    /// Where its dialogue stands, in words that nobody reads: the same as long as a choice that was shown there means the
    /// same.
    fn place(&self, _customer: &Customer, dialogue: &Dialogue) -> String {
        dialogue.step.clone()
    }

    /// The open question once more, as it stands; silence for a dialogue that has none. Nothing comes of asking.
    fn asks_again(&self, _view: &View<'_>, _dialogue: &Dialogue) -> Reply {
        Reply::Silent
    }

    /// What must be known before `decide`.
    fn needs(&self, _view: &View<'_>) -> Needs {
        Needs::default()
    }

    /// Decides.
    fn decide(&self, view: &View<'_>, given: &Given) -> Outcome;

    /// The answer to work the action left in the outbox ([`super::work::Task::Ask`]) has come. The customer may be
    /// somewhere else by now: a dialogue they are in stays as it is unless this outcome keeps one.
    fn resume(&self, _view: &View<'_>, _memo: &Values, _answer: &Answer) -> Outcome {
        Outcome::default()
    }

    /// That work has expired and no answer will be waited for any more: the last thing that is ever said about it.
    fn abandon(&self, _view: &View<'_>, _memo: &Values) -> Outcome {
        Outcome::default()
    }
}

/// What words are to a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Meant for it.
    Meant,
    /// It takes any words, but a keyword that is exactly these goes first.
    Any,
    /// It takes words that no rule knows.
    Otherwise,
    /// About something else: the playbook answers them as if there were no dialogue.
    Not,
}

impl Claim {
    /// Meant for the dialogue, or about something else.
    pub fn meant(meant: bool) -> Self {
        if meant { Self::Meant } else { Self::Not }
    }
}

/// What is at stake in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stakes {
    /// It only reads.
    Read,
    /// Money or a service number is at stake: an idempotency header is required.
    Value,
}

/// Something an operator wrote that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: String,
    /// What is wrong.
    pub cause: String,
    /// How to mend it.
    pub mend: String,
}

macro_rules! kinds {
    ($($name:literal => $variant:ident($module:ident::$settings:ident),)*) => {
        /// An action of any kind.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "a playbook holds a few dozen, in a map that is never moved")]
        pub enum Kind {
            $(
                #[doc = concat!("`kind = \"", $name, "\"`")]
                $variant($module::$settings),
            )*
        }

        impl Kind {
            /// Every kind by the name an operator writes.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Reads the settings of a kind (its table without `kind`); `None` when there is no such kind.
            pub fn read<'de, D: serde::Deserializer<'de>>(name: &str, settings: D) -> Option<Result<Self, D::Error>> {
                match name {
                    $($name => Some($module::$settings::deserialize(settings).map(|read| Self::$variant(read.prepared()))),)*
                    _ => None,
                }
            }

            /// The JSON Schema of a kind's settings; `None` when there is no such kind.
            pub fn schema(name: &str, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
                match name {
                    $($name => Some(<$module::$settings as schemars::JsonSchema>::json_schema(generator)),)*
                    _ => None,
                }
            }

            /// The kind as an operator writes it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            /// What it can do.
            pub fn as_action(&self) -> &dyn ActionKind {
                match self { $(Self::$variant(settings) => settings),* }
            }
        }
    };
}

kinds! {
    "order" => Order(order::Order),
    "rating" => Rating(rating::Rating),
    "say" => Say(say::Say),
    "articles" => Articles(articles::Articles),
    "query" => Query(query::Query),
    "handover" => HandOver(handover::HandOver),
    "sign_in" => SignIn(sign_in::SignIn),
    "ticket" => Ticket(ticket::Ticket),
    "topic" => Topic(topic::Topic),
    "bind" => Bind(bind::Bind),
    "orders" => Orders(orders::Orders),
    "form" => Form(form::Form),
    "campaign" => Campaign(campaign::Campaign),
}

/// What follows when an order of the customer is told what happened to it, whether or not its action is still in the
/// playbook.
pub fn order_told(kind: Option<&Kind>, view: &View<'_>, of: (&OrderNumber, Happening)) -> Outcome {
    order::happen(order_settings(kind), view, of)
}

/// What follows from the answer to work that an action left which is not in the playbook any more: orders and forms go on.
pub fn orphaned(view: &View<'_>, memo: &Values, answer: Option<&Answer>) -> Outcome {
    if form::is_of_form(memo) {
        return form::answered(None, view, memo, answer);
    }
    order::answered(None, view, memo, answer)
}

/// Whether work was left by an order or a form: what comes of it is owed to the customer, whatever the action has become.
pub fn is_owed(work: &Work) -> bool {
    is_of_order(work) || form::is_left_by_form(work)
}

/// Whether what comes of this work is for an action of this kind: a key may lead to another kind of action by now.
pub fn is_for(kind: &Kind, work: &Work) -> bool {
    match kind {
        Kind::Form(_) => !is_of_order(work) || form::is_left_by_form(work),
        Kind::Order(_) => !form::is_left_by_form(work),
        _ => !is_owed(work),
    }
}

fn order_settings(kind: Option<&Kind>) -> Option<&order::Order> {
    match kind {
        Some(Kind::Order(settings)) => Some(settings),
        _ => None,
    }
}

/// What an action remembers of one customer. It is stored with the customer's record by the order of its variants: a new
/// one goes to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Memory {
    /// The latest orders as earlier versions remembered them ([`Memory::into_orders`]).
    Orders(Vec<order::Mark>),
    /// Days signed in.
    SignedIn(sign_in::Streak),
    /// The latest rating.
    Rated(rating::Rated),
    /// The part taken in a topic.
    Topic(topic::Part),
    /// One-time codes sent on a day.
    Codes(bind::Codes),
    /// A form that is being filled, and those that were sent.
    Form(form::Kept),
}

impl Memory {
    /// The numbers of forms that were handed in and have not come to their end.
    pub fn open_forms(&self) -> impl Iterator<Item = &str> {
        let kept = if let Self::Form(kept) = self { Some(kept) } else { None };
        kept.into_iter().flat_map(|kept| &kept.sent).filter(|sent| sent.is_open()).map(|sent| sent.number.as_str())
    }

    /// Everything in it that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let kept = match self {
            Self::Form(kept) => Some(kept.values_mut()),
            Self::Orders(_) | Self::SignedIn(_) | Self::Rated(_) | Self::Topic(_) | Self::Codes(_) => None,
        };
        kept.into_iter().flatten()
    }
}

impl Memory {
    /// The orders that earlier versions remembered here, oldest first; else what it was.
    pub fn into_orders(self, action: &ActionKey) -> Result<Vec<super::order::Order>, Box<Self>> {
        match self {
            Self::Orders(marks) => Ok(marks.into_iter().map(|mark| mark.into_order(action)).collect()),
            other => Err(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::OrderOutcome;
    use crate::domain::time::{BusinessDay, UnixSecs};

    /// If this fails you changed what is stored with every customer; `store::shape` says what to do.
    #[test]
    fn what_actions_remember_is_stored_as_it_always_was() {
        let mark = order::Mark {
            order: "7".into(),
            label: "包".into(),
            amount_fen: 500,
            at: UnixSecs(9),
            outcome: OrderOutcome::Done,
        };
        let all = [
            Memory::Orders(vec![mark]),
            Memory::SignedIn(sign_in::Streak { last: BusinessDay(3), days: 2, total: 5 }),
            Memory::Rated(rating::Rated { day: BusinessDay(3), stars: 4 }),
            Memory::Topic(topic::Part { topic: "t".into(), option: Some("a".into()), posts: 1 }),
            Memory::Codes(bind::Codes { day: BusinessDay(3), sent: 2 }),
            Memory::Form(form::Kept::sample()),
        ];
        let hex = |memory: &Memory| -> String {
            let bytes = postcard::to_stdvec(memory).unwrap();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        const KEPT: &str = "05010137010161000178016201010331373004120101017003372f310331373012010136060101016100017800";
        let golden = ["0001013703e58c85e8071201", "01060205", "020604", "03017401016101", "040602", KEPT];
        assert_eq!(all.each_ref().map(hex), golden.map(String::from));
    }

    #[test]
    fn of_a_customer_who_left_only_codes_sent_are_remembered() {
        let all = [
            Memory::SignedIn(sign_in::Streak { last: BusinessDay(3), days: 2, total: 5 }),
            Memory::Rated(rating::Rated { day: BusinessDay(3), stars: 4 }),
            Memory::Topic(topic::Part::default()),
            Memory::Codes(bind::Codes { day: BusinessDay(3), sent: 2 }),
            Memory::Form(form::Kept::sample()),
        ];
        let memory = all.into_iter().enumerate().map(|(n, memory)| (ActionKey::from(format!("a{n}").as_str()), memory));
        let mut customer = Customer { memory: memory.collect(), ..Customer::default() };
        customer.forget();
        let codes = Memory::Codes(bind::Codes { day: BusinessDay(3), sent: 2 });
        assert_eq!(customer.memory, [("a3".into(), codes)].into());
    }
}
