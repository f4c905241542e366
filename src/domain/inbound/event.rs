//! Events (platform.md 2.3).

use crate::domain::ids::Scene;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The customer follows the account.
    Subscribed {
        /// The scene of the code that was scanned.
        scene: Option<Scene>,
        /// The ticket of that code.
        ticket: Option<String>,
        /// `EventKey` of any other way to follow (`last_trade_no_…`).
        other_key: Option<String>,
    },
    /// The customer left.
    Unsubscribed,
    /// A follower scanned one of our codes.
    Scanned {
        /// The scene of the code.
        scene: Scene,
        /// Its ticket.
        ticket: Option<String>,
    },
    /// A tap on a click button.
    MenuTapped {
        /// The button's key, which names an action.
        key: String,
    },
    /// A tap on a view button.
    LinkOpened {
        /// Where to.
        url: String,
        /// The platform's id of the menu.
        menu_id: Option<String>,
    },
    /// An automatic position report; not an act of the customer.
    LocationReported {
        /// Degrees north.
        latitude: Option<f64>,
        /// Degrees east.
        longitude: Option<f64>,
        /// Metres.
        precision: Option<f64>,
    },
    /// A person took the chat over (`kf_create_session`).
    AgentJoined {
        /// The agent's account.
        agent: String,
    },
    /// The person gave the chat back (`kf_close_session`).
    AgentLeft {
        /// The agent's account.
        agent: String,
    },
    /// An event we do not know.
    Unknown {
        /// `Event` as it came.
        name: String,
    },
}
