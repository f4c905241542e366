//! Events (platform.md 2.3): what a customer did besides writing, and what the platform says about a customer.

use super::{Coupon, Report};
use crate::domain::ids::{Openid, Scene};

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
    /// A tap on a mini-program button (`view_miniprogram`).
    MiniProgramOpened {
        /// The page.
        page_path: String,
        /// The platform's id of the menu.
        menu_id: Option<String>,
    },
    /// A tap on a button that reads a code with the camera.
    CodeRead {
        /// The button's key.
        key: String,
        /// What the client shows meanwhile.
        mode: CodeReadMode,
        /// `qrcode` or `barcode`.
        kind: String,
        /// What the code says.
        result: String,
    },
    /// A tap on a button that sends pictures; each picture follows as a message of its own.
    PicturesPicked {
        /// The button's key.
        key: String,
        /// Where they come from.
        source: PictureSource,
        /// How many, as the platform counts them.
        count: Option<u32>,
        /// MD5 of each, to match the messages that follow.
        md5s: Vec<String>,
    },
    /// A tap on a button that sends a place; a location message follows.
    PlacePicked {
        /// The button's key.
        key: String,
        /// Degrees north.
        latitude: Option<f64>,
        /// Degrees east.
        longitude: Option<f64>,
        /// Zoom of the map.
        scale: Option<i64>,
        /// Address in words.
        label: String,
        /// Name of the place.
        place: String,
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
    /// One person handed the chat to another (`kf_switch_session`).
    AgentSwitched {
        /// The agent who had it.
        from: String,
        /// The agent who has it now.
        to: String,
    },
    /// The customer entered the customer-service chat of a mini program (`user_enter_tempsession`).
    TempSessionEntered {
        /// Where from, as the mini program says it.
        from: String,
    },
    /// The customer answered a subscription pop-up (`subscribe_msg_popup_event`).
    SubscriptionsAnswered(Vec<SubscriptionChoice>),
    /// The customer changed subscriptions in the settings (`subscribe_msg_change_event`).
    SubscriptionsChanged(Vec<SubscriptionChoice>),
    /// The platform cleaned the customer's profile (`user_info_modified`): stored names and pictures are void.
    ProfileModified(Withdrawal),
    /// The customer withdrew what they had authorized (`user_authorization_revoke`): it must be deleted.
    AuthorizationRevoked(Withdrawal),
    /// The customer closed their account with the platform (`user_authorization_cancellation`).
    AccountCancelled(Withdrawal),
    /// A shopping guide's code was scanned (`guide_qrcode_scan_event`).
    GuideCodeScanned {
        /// The guide's account.
        guide_account: String,
        /// The guide's own OpenID.
        guide_openid: String,
        /// Who scanned.
        openid: Openid,
        /// What happened, as the platform numbers it.
        action: String,
        /// What the code carries.
        code: String,
    },
    /// A card or coupon.
    Coupon(Coupon),
    /// A report about work the account gave the platform, or about the account itself.
    Report(Report),
    /// An event that is known to exist and has no use here; only its name is kept.
    Other {
        /// Its name, from a closed list.
        name: &'static str,
    },
    /// An event we do not know.
    Unknown {
        /// `Event` as it came.
        name: String,
    },
}

/// What the client does with a code it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeReadMode {
    /// It shows the result or opens it (`scancode_push`).
    Shows,
    /// It waits for our message (`scancode_waitmsg`).
    Waits,
}

/// Where pictures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSource {
    /// The camera (`pic_sysphoto`).
    Camera,
    /// Camera or album (`pic_photo_or_album`).
    CameraOrAlbum,
    /// The album inside the chat (`pic_weixin`).
    Album,
}

/// One subscription template a customer accepted or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionChoice {
    /// The template.
    pub template_id: String,
    /// Accepted; anything but `accept` is a refusal.
    pub accepted: bool,
    /// Where the pop-up stood: `1` a page, `2` an article; absent for a change in the settings.
    pub scene: Option<String>,
}

/// Personal data that must be refreshed or deleted. The delivery is about the customer in `OpenID`, not the sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withdrawal {
    /// The app it concerns.
    pub app_id: String,
    /// What was withdrawn, as the platform numbers it: 201 address, 205 nickname and picture, 206 location, …
    pub scope: Option<String>,
    /// UnionID, where the platform gives it.
    pub union_id: Option<String>,
}
