//! How a call for a message ends, and what that leaves in the customer's record.

use crate::domain::customer::Customer;
use crate::domain::notes::{Note, have_room, keep};
use crate::domain::reach::{By, Carrier, Cause, Hindrance, Path, Unsent, Windows};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::store::Claimed;

/// How a message ends, or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The platform has it.
    Sent,
    /// It waits for the customer's next message.
    Noted,
    /// As noted, and the platform said so: it is so until the customer does something.
    Refused(Hindrance),
    /// The customer agreed to no such notice (43101).
    NoConsent,
    /// It will never go this way: the template is gone, the content is refused, the account lacks the right.
    NotThisWay,
    /// It did not leave, and another path is open.
    OtherWay,
    /// It is given up.
    GivenUp(Cause),
    /// It did not leave, and will be tried again: then, or as patience says.
    PutOff(Option<UnixSecs>),
    /// It may have left, and the platform is asked again then, under the same mark.
    AskedAgain(UnixSecs),
    /// Somebody else has ended it.
    Over,
}

/// The path a call takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// A customer-service message, within a window.
    Window,
    /// By a template.
    Carried(&'a Carrier),
}

impl Way<'_> {
    pub(super) fn path(&self) -> Path {
        match self {
            Self::Window => Path::CustomerService,
            Self::Carried(Carrier { by: By::Subscription(_), .. }) => Path::Subscription,
            Self::Carried(Carrier { by: By::Template, .. }) => Path::Template,
        }
    }
}

/// How things stood when the platform was asked.
pub(super) struct Asked<'a> {
    pub(super) way: Way<'a>,
    pub(super) windows: Windows,
    pub(super) at: UnixSecs,
    /// When it was asked first, if this was not the first time.
    pub(super) first: Option<UnixSecs>,
}

impl Asked<'_> {
    /// Takes what the call costs: a place in the windows, or a consent.
    pub(super) fn take_place(&self, customer: &mut Customer) {
        match self.way {
            Way::Window => customer.windows.spend(self.at),
            Way::Carried(Carrier { template, by: By::Subscription(term), .. }) => {
                customer.ways.consents.spend(template, *term);
            }
            Way::Carried(Carrier { by: By::Template, .. }) => {}
        }
    }

    /// Gives it back, since the message surely did not leave.
    fn give_back(&self, customer: &mut Customer) {
        match self.way {
            Way::Window => customer.windows.give_back(&self.windows, self.at),
            Way::Carried(Carrier { template, by: By::Subscription(term), .. }) => {
                customer.ways.consents.give_back(template, (*term, self.at));
            }
            Way::Carried(Carrier { by: By::Template, .. }) => {}
        }
    }
}

/// A record as it is to be kept.
pub(super) struct Kept {
    pub(super) customer: Customer,
    /// Whether the work is done with.
    pub(super) settles: bool,
    /// What was given up with it.
    pub(super) unsent: Option<Unsent>,
}

/// The record after the end of a message.
pub(super) fn ended(
    mut customer: Customer,
    (claimed, reply): (&Claimed, &Reply),
    ending: &Ending,
    now: UnixSecs,
) -> Kept {
    let work = &claimed.work;
    if matches!(ending, Ending::PutOff(_) | Ending::OtherWay) {
        customer.ways.forget_call(&work.id);
        return Kept { customer, settles: false, unsent: None };
    }
    customer.ways.end(&work.id);
    let (cause, noted) = match ending {
        Ending::Noted
        | Ending::NoConsent
        | Ending::NotThisWay
        | Ending::Refused(Hindrance::NoWindow | Hindrance::UsedUp | Hindrance::Blocked) => (None, true),
        Ending::Refused(because) => (Some(Cause::Hindered(*because)), work.is_receipt()),
        Ending::GivenUp(cause) => (Some(cause.clone()), work.is_receipt()),
        Ending::Sent | Ending::PutOff(_) | Ending::OtherWay | Ending::AskedAgain(_) | Ending::Over => (None, false),
    };
    let fits = have_room(&customer.notes, now);
    // What nothing holds any more is not passed over: the operator finds it among what was given up.
    let cause = cause.or((noted && !fits).then_some(Cause::Hindered(Hindrance::Crowded)));
    if noted && fits {
        let note = Note { reply: reply.clone(), expires: work.expires, is_receipt: work.is_receipt() };
        keep(&mut customer.notes, note, now);
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
pub(super) fn learn(customer: &mut Customer, (ending, asked): (&Ending, &Asked<'_>), now: UnixSecs) {
    match (ending, asked.way) {
        (Ending::Refused(Hindrance::UsedUp), Way::Window) => {
            if asked.windows.opened_like(&customer.windows) {
                customer.windows.used_up(now);
            }
        }
        (Ending::Refused(because), _) => {
            asked.give_back(customer);
            customer.ways.learn(*because, (&asked.windows, &customer.windows), now);
        }
        (Ending::NoConsent, Way::Carried(carrier)) => customer.ways.consents.refused(&carrier.template),
        (
            Ending::PutOff(_)
            | Ending::Noted
            | Ending::NoConsent
            | Ending::NotThisWay
            | Ending::OtherWay
            | Ending::GivenUp(Cause::Hindered(_)),
            _,
        ) => asked.give_back(customer),
        (Ending::Sent | Ending::GivenUp(_) | Ending::AskedAgain(_) | Ending::Over, _) => {}
    }
}
