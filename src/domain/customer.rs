//! One customer of one account: everything a decision may depend on, in one record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::actions::Memory;
use super::ids::{ActionKey, Channel, OrderNumber, Scene};
use super::notes::Note;
use super::numbers::Numbers;
use super::order::Orders;
use super::reach::{Ways, Windows};
use super::recent::Recent;
use super::referral::drive::Drive;
use super::referral::invite::{Invite, Offer};
use super::referral::points::Points;
use super::time::{BusinessDay, UnixSecs};
use super::value::{Value, Values};
use super::work::Work;

/// A customer's record. It is stored as one value with a format version (`store::shape`): when a field changes,
/// that version rises and the old shape is still read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Deliveries of the last minutes and the replies they earned.
    pub recent: Recent,
    /// Following, and since when.
    pub follow: Follow,
    /// On which days the customer was active (growth.md 5.1).
    pub activity: Option<Activity>,
    /// On which days the customer tapped which menu key; bounded by `growth::taps`.
    pub tapped: Vec<TappedKey>,
    /// Through which windows the customer can be reached now (platform.md 4.9).
    pub windows: Windows,
    /// What could not be said yet.
    pub notes: Vec<Note>,
    /// The dialogue the customer is in.
    pub dialogue: Option<Dialogue>,
    /// A person has the chat since then; the playbook is silent.
    pub with_agent_since: Option<UnixSecs>,
    /// What single actions remember of the customer.
    pub memory: BTreeMap<ActionKey, Memory>,
    /// What else is known of the ways to the customer.
    pub ways: Ways,
    /// Their orders.
    pub orders: Orders,
    /// The numbers they have shown to be theirs.
    pub numbers: Numbers,
    /// What is known of the invite they came by, besides their follows.
    pub invite: Invite,
    /// Whom they have invited, by campaign.
    pub drives: BTreeMap<ActionKey, Drive>,
    /// Their points of the account's own.
    pub points: Points,
}

impl Customer {
    /// Since when the customer is away: they left and have done nothing since. Whoever does something after leaving is
    /// back, only the push that would tell of their follow was lost, and has to be served as everybody else.
    pub fn away_since(&self) -> Option<UnixSecs> {
        let left = self.follow.changed_at.filter(|_| !self.follow.following)?;
        (!self.windows.opened_after(left)).then_some(left)
    }

    /// What is owed to the customer: orders and forms of theirs that are under way, by their numbers.
    pub fn owed(&self) -> Vec<OrderNumber> {
        let orders = self.orders.all().filter(|order| !order.is_over()).map(|order| order.number.clone());
        let forms = self.memory.values().flat_map(Memory::open_forms).map(OrderNumber::new);
        orders.chain(forms).collect()
    }

    /// The last day we heard of a customer who does not follow any more: what is kept of them expires from then on.
    /// `None` as well while an order or a form of theirs is under way: what is owed to them does not expire.
    pub fn left_on(&self) -> Option<BusinessDay> {
        if !self.owed().is_empty() || self.invite.is_on_its_way() {
            return None;
        }
        let left = self.follow.changed_at.filter(|_| !self.follow.following)?.business_day();
        Some(self.activity.map_or(left, |days| days.last.max(left)))
    }

    /// Everything in the record that may be private.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let slots = self.dialogue.iter_mut().flat_map(|dialogue| dialogue.slots.values_mut());
        let unsent = self.ways.unsent_work_mut().flat_map(Work::values_mut);
        let remembered = self.memory.values_mut().flat_map(Memory::values_mut);
        slots.chain(unsent).chain(self.orders.values_mut()).chain(self.numbers.values_mut()).chain(remembered)
    }

    /// Reduces the record to what a tombstone keeps (design.md, "The numbers"): the follow state with the invite they came
    /// by, the activity history and `tapped`, which deliveries were applied, so that a retry changes nothing, and how many
    /// codes were sent on a day.
    pub fn bury(&mut self) {
        let Self { mut recent, follow, activity, tapped, mut memory, invite, .. } = std::mem::take(self);
        recent.forget_replies();
        memory.retain(|_, memory| matches!(memory, Memory::Codes(_)));
        *self = Self { recent, follow, activity, tapped, memory, invite, ..Self::default() };
    }

    /// Forgets what was said and what single actions remember, for a customer who left. What stays: the follow state,
    /// the activity history and `tapped` (hashes and days, without which somebody who comes back and taps the same key
    /// would be counted twice among its customers), which deliveries were applied, so that a retry changes nothing, and
    /// orders on their way, because how they end is still to be recorded.
    pub fn forget(&mut self) {
        self.recent.forget_replies();
        self.ways.forget();
        self.orders.forget();
        self.numbers = Numbers::default();
        self.drives.clear();
        self.points = Points::default();
        self.memory.retain(|_, memory| match memory {
            // One on its way, so that how it ends is recorded; nothing of what was written in it.
            Memory::Form(kept) => kept.forget(),
            // How many codes were sent on a day: leaving and coming back is no way to have more of them sent.
            Memory::Codes(_) => true,
            Memory::Orders(_) | Memory::SignedIn(_) | Memory::Rated(_) | Memory::Topic(_) => false,
        });
    }

    /// Takes over orders that earlier versions remembered with their actions.
    pub fn take_over_orders(&mut self) {
        let mut found = Vec::new();
        for (action, memory) in std::mem::take(&mut self.memory) {
            match memory.into_orders(&action) {
                Ok(orders) => found.extend(orders),
                Err(memory) => drop(self.memory.insert(action, *memory)),
            }
        }
        found.sort_by_key(|order| order.moved_at);
        found.into_iter().for_each(|order| self.orders.put(order));
    }
}

/// The follow state (growth.md 1.3): only transitions count, so repeated pushes are harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Whether the customer follows now.
    pub following: bool,
    /// The day of the first follow ever; a later one is a re-follow and never new.
    pub first_day: Option<BusinessDay>,
    /// The day the present spell began.
    pub spell_day: Option<BusinessDay>,
    /// The scene of the first follow, fixed for good.
    pub first_scene: Option<Scene>,
    /// The channel of the first follow: the customer's in every number; empty without a code.
    pub first_channel: Channel,
    /// When the latest transition happened by the platform's clock.
    pub changed_at: Option<UnixSecs>,
    /// The follows and unfollows that an earlier one may still have to be sorted before, oldest first. Usually empty;
    /// bounded by `growth::follow`.
    pub recent: Vec<Transition>,
    /// How things stood before `recent`; `None` while that is empty, for then the fields above say it.
    pub before: Option<Standing>,
    /// The moment of the first follow ever; of one before this was kept the beginning of its day.
    pub first_at: Option<UnixSecs>,
    /// The personal code of the first follow.
    pub first_offer: Option<Box<Offer>>,
    /// The day the first spell ended.
    pub first_left: Option<BusinessDay>,
}

/// A follow or an unfollow as the platform reported it, whether or not it changed anything: what arrives late may make
/// it count (growth.md 5.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When it happened by the platform's clock.
    pub at: UnixSecs,
    /// Which of the two.
    pub turn: Turn,
    /// The scene a follower came by.
    pub scene: Option<Scene>,
    /// The channel that the playbook of that moment saw in it.
    pub channel: Channel,
    /// The personal code in it, as the playbook of that moment saw it.
    pub offer: Option<Box<Offer>>,
}

/// Coming or going. Of two in the same second the follow is taken as the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Turn {
    /// The customer followed.
    Followed,
    /// The customer left.
    Unfollowed,
}

/// The follow state at some moment; the fields are those of [`Follow`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether the customer followed.
    pub following: bool,
    /// The day of the first follow ever.
    pub first_day: Option<BusinessDay>,
    /// The day the spell began.
    pub spell_day: Option<BusinessDay>,
    /// The scene of the first follow.
    pub first_scene: Option<Scene>,
    /// The channel of the first follow.
    pub first_channel: Channel,
    /// The latest transition up to that moment.
    pub changed_at: Option<UnixSecs>,
    /// The first follow.
    pub first_at: Option<UnixSecs>,
    /// Its personal code.
    pub first_offer: Option<Box<Offer>>,
    /// The day the first spell ended.
    pub first_left: Option<BusinessDay>,
}

/// 24 bytes of activity history (growth.md 5.1). The days are set by `growth::history` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The first active day.
    pub first: BusinessDay,
    /// The latest active day.
    pub last: BusinessDay,
    /// Bit i is set when the customer was active on day `last - i`.
    pub bits: u128,
}

/// On which days a customer tapped one menu key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TappedKey {
    /// A stable hash of the key; only ever compared within one customer's record.
    pub key_hash: u64,
    /// The days.
    pub days: Activity,
}

/// Where the customer stands in a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The action whose dialogue it is.
    pub action: ActionKey,
    /// The action's own name of the step.
    pub step: String,
    /// What was chosen so far.
    pub slots: Values,
    /// From then on it is over.
    pub expires: UnixSecs,
}
