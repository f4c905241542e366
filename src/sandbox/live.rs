//! What an open phone page is told as it happens.

use serde::Serialize;
use serde_json::Value;

use super::model::{Customer, Entry, Service, State};
use super::telecom::Message;
use crate::domain::ids::Openid;

/// One piece of news.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Live {
    /// Something was added to a chat.
    Entry {
        /// Whose chat.
        openid: Openid,
        /// What.
        entry: Entry,
    },
    /// A customer is new or has changed.
    Customer {
        /// What a list shows of them.
        customer: Face,
    },
    /// A new menu is in force.
    Menu {
        /// Its buttons, or null.
        button: Value,
    },
    /// The demo business system changed its mood.
    Business {
        /// What `/sandbox/telecom/mode` answers.
        mode: Value,
    },
    /// A text message of the demo business system arrived on a phone.
    Sms {
        /// What and where.
        message: Message,
    },
    /// The sandbox closes: the page shall come back later.
    Closing,
}

/// What a list shows of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Face {
    /// Who.
    pub openid: Openid,
    /// Their name.
    pub nickname: String,
    /// Whether they follow.
    pub follows: bool,
    /// Where the code hangs through which they would follow now.
    pub invited_by: Option<String>,
    /// `bot`, `waiting` or `agent`.
    pub service: &'static str,
    /// The number of their latest entry.
    pub last_seq: u64,
    /// "Typing" is shown until then, in Unix seconds.
    pub typing_until: Option<i64>,
    /// Customer-service messages that could be sent now.
    pub messages_left: u8,
    /// The buttons of a menu that is not everybody's.
    pub button: Option<Value>,
}

impl Face {
    /// Of a customer, at `now`.
    pub fn of(customer: &Customer, state: &State, now: i64) -> Self {
        let pending = customer.pending_ticket.as_deref().and_then(|ticket| state.code(ticket, now).ok());
        Self {
            openid: customer.openid.clone(),
            nickname: customer.nickname.clone(),
            follows: customer.follows(),
            invited_by: pending.map(|code| if code.label.is_empty() { code.scene.to_string() } else { code.label }),
            service: match customer.service {
                Service::Bot => "bot",
                Service::Waiting => "waiting",
                Service::Agent { .. } => "agent",
            },
            last_seq: customer.last_seq,
            typing_until: customer.typing_until.filter(|end| *end > now),
            messages_left: customer.windows.left(now),
            button: state.own_menu(customer).map(|menu| menu.button.clone()),
        }
    }
}
