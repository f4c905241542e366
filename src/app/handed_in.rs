//! A form that was handed in, as the log and its customer's record tell of it.

use super::cases::{PAGE, case};
use crate::domain::actions::{FormHold, FormSent, forms_of};
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::ids::{AccountId, ActionKey, OrderNumber};
use crate::domain::time::UnixSecs;
use crate::store::{CustomerRef, Store, StoreError};

/// Where one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At the business system, which has not answered yet.
    Placed,
    /// Done.
    Done,
    /// Refused, or called off by a person.
    Refused,
    /// Nobody knows: a person decides.
    Unknown,
    /// It goes to nobody but the people who work on tickets; what they do is not followed here.
    Ticket,
}

impl Standing {
    /// Its name in answers of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Ticket => "ticket",
        }
    }

    fn of(outcome: OrderOutcome) -> Self {
        match outcome {
            OrderOutcome::Placed => Self::Placed,
            OrderOutcome::Done => Self::Done,
            OrderOutcome::Refused => Self::Refused,
            OrderOutcome::Unknown => Self::Unknown,
        }
    }
}

/// A form that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedIn {
    /// Its number, by which the business system and the customer know it.
    pub number: OrderNumber,
    /// Whose.
    pub of: CustomerRef,
    /// Of which action, whether or not that is still in the playbook.
    pub action: ActionKey,
    /// Where it has stood, and since when, oldest first; the last one is where it stands.
    pub history: Vec<(UnixSecs, Standing)>,
    /// What of a pool is held for it, until it is taken or given back.
    pub hold: Option<FormHold>,
    /// Whether the customer's record knows of it: it knows the latest few, and those that are open.
    pub is_kept: bool,
    /// Why a person has to look at it, when one has to.
    pub case: Option<String>,
}

impl HandedIn {
    /// Where it stands.
    pub fn stands(&self) -> Standing {
        self.history.last().map_or(Standing::Placed, |(_, standing)| *standing)
    }
}

/// The form of this number; `None` when there is none. Reads the whole log.
///
/// # Errors
/// As the store answers.
pub async fn handed_in(
    store: &dyn Store,
    account: &AccountId,
    number: &OrderNumber,
) -> Result<Option<HandedIn>, StoreError> {
    let (mut after, mut found) = (0, None::<HandedIn>);
    loop {
        let page = store.facts(account, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for logged in page {
            let (action, standing) = match logged.fact.what {
                FactKind::Applied { action, number: of, outcome } if of == number.as_str() => {
                    (action, Standing::of(outcome))
                }
                FactKind::TicketOpened { action, number: of, .. } if of == number.as_str() => {
                    (action, Standing::Ticket)
                }
                _ => continue,
            };
            let form = found.get_or_insert_with(|| HandedIn {
                number: number.clone(),
                of: logged.of,
                action,
                history: Vec::new(),
                hold: None,
                is_kept: false,
                case: None,
            });
            form.history.push((logged.fact.arrived, standing));
        }
    }
    let Some(mut form) = found else { return Ok(None) };
    let customer = store.load(&form.of).await?.customer;
    let sent = |sent: &&FormSent| sent.number == number.as_str();
    if let Some(sent) = forms_of(&customer, &form.action).and_then(|kept| kept.sent.iter().find(sent)) {
        (form.hold, form.is_kept) = (sent.hold.clone(), true);
    }
    form.case = case(store, account, number).await?.map(|case| case.reason);
    Ok(Some(form))
}
