//! The closed set of names of what can arrive, for metrics and facts, and which of it is an act of the customer.

use super::{CodeReadMode, Coupon, Event, Message, PictureSource, Report, What};

/// Writes `name()` and the list of all names from one table, so that the two cannot drift apart.
macro_rules! named {
    ($kind:ident { $($pattern:pat => $name:literal,)* } $(via $($group:ident)*)?) => {
        impl $kind {
            /// Every name [`Self::name`] itself can give; a group adds its own list.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name, from a closed set: the platform's own in lower case, except where two would be the same.
            pub fn name(&self) -> &'static str {
                match self {
                    $($pattern => $name,)*
                    $($(Self::$group(inner) => inner.name(),)*)?
                }
            }
        }
    };
}

named!(Message {
    Self::Text { .. } => "text",
    Self::Unsupported => "unsupported",
    Self::Image { .. } => "image",
    Self::Voice { .. } => "voice",
    Self::Video { .. } => "video",
    Self::ShortVideo { .. } => "shortvideo",
    Self::Location { .. } => "location",
    Self::Link { .. } => "link",
    Self::File { .. } => "file",
    Self::MiniProgramPage { .. } => "miniprogrampage",
    Self::Device { .. } => "device",
    Self::Unknown { .. } => "unknown_message",
});

named!(Event {
    Self::Subscribed { .. } => "subscribe",
    Self::Unsubscribed => "unsubscribe",
    Self::Scanned { .. } => "scan",
    Self::MenuTapped { .. } => "click",
    Self::LinkOpened { .. } => "view",
    Self::MiniProgramOpened { .. } => "view_miniprogram",
    Self::CodeRead { mode: CodeReadMode::Shows, .. } => "scancode_push",
    Self::CodeRead { mode: CodeReadMode::Waits, .. } => "scancode_waitmsg",
    Self::PicturesPicked { source: PictureSource::Camera, .. } => "pic_sysphoto",
    Self::PicturesPicked { source: PictureSource::CameraOrAlbum, .. } => "pic_photo_or_album",
    Self::PicturesPicked { source: PictureSource::Album, .. } => "pic_weixin",
    Self::PlacePicked { .. } => "location_select",
    Self::LocationReported { .. } => "location_report",
    Self::AgentJoined { .. } => "kf_create_session",
    Self::AgentLeft { .. } => "kf_close_session",
    Self::AgentSwitched { .. } => "kf_switch_session",
    Self::TempSessionEntered { .. } => "user_enter_tempsession",
    Self::SubscriptionsAnswered(_) => "subscribe_msg_popup_event",
    Self::SubscriptionsChanged(_) => "subscribe_msg_change_event",
    Self::ProfileModified(_) => "user_info_modified",
    Self::AuthorizationRevoked(_) => "user_authorization_revoke",
    Self::AccountCancelled(_) => "user_authorization_cancellation",
    Self::GuideCodeScanned { .. } => "guide_qrcode_scan_event",
    Self::Other { .. } => "other_event",
    Self::Unknown { .. } => "unknown_event",
} via Coupon Report);

named!(Coupon {
    Self::Approved { .. } => "card_pass_check",
    Self::Rejected { .. } => "card_not_pass_check",
    Self::Taken { .. } => "user_get_card",
    Self::Gifted { .. } => "user_gifting_card",
    Self::Deleted { .. } => "user_del_card",
    Self::Consumed { .. } => "user_consume_card",
    Self::Paid { .. } => "user_pay_from_pay_cell",
    Self::Viewed { .. } => "user_view_card",
    Self::ChatOpened { .. } => "user_enter_session_from_card",
    Self::MemberUpdated { .. } => "update_member_card",
    Self::StockLow { .. } => "card_sku_remind",
    Self::StockOrdered { .. } => "card_pay_order",
    Self::MemberSubmitted { .. } => "submit_membercard_user_info",
});

named!(Report {
    Self::TemplateSent { .. } => "templatesendjobfinish",
    Self::MassSent(_) => "masssendjobfinish",
    Self::Published(_) => "publishjobfinish",
    Self::SubscriptionsSent(_) => "subscribe_msg_sent_event",
    Self::QualificationPassed { .. } => "qualification_verify_success",
    Self::QualificationFailed { .. } => "qualification_verify_fail",
    Self::NamingPassed { .. } => "naming_verify_success",
    Self::NamingFailed { .. } => "naming_verify_fail",
    Self::RenewalDue { .. } => "annual_renew",
    Self::CertificationLapsed { .. } => "verify_expired",
    Self::MediaChecked { .. } => "wxa_media_check",
});

impl What {
    /// The name, from the closed set of [`What::names`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Message(message) => message.name(),
            Self::Event(event) => event.name(),
        }
    }

    /// Every name there is.
    pub fn names() -> impl Iterator<Item = &'static str> {
        [Message::NAMES, Event::NAMES, Coupon::NAMES, Report::NAMES].into_iter().flatten().copied()
    }

    /// Whether the customer did this: what growth.md 1.4 counts as activity. A follow, an unfollow, a position report
    /// and reports of the platform are not.
    pub fn is_customer_initiated(&self) -> bool {
        match self {
            Self::Message(message) => !matches!(message, Message::Device { .. }),
            Self::Event(event) => event.is_customer_initiated(),
        }
    }
}

impl Event {
    fn is_customer_initiated(&self) -> bool {
        match self {
            Self::Scanned { .. }
            | Self::MenuTapped { .. }
            | Self::LinkOpened { .. }
            | Self::MiniProgramOpened { .. }
            | Self::CodeRead { .. }
            | Self::PicturesPicked { .. }
            | Self::PlacePicked { .. }
            | Self::TempSessionEntered { .. } => true,
            Self::Coupon(coupon) => coupon.is_customer_initiated(),
            Self::Subscribed { .. }
            | Self::Unsubscribed
            | Self::LocationReported { .. }
            | Self::AgentJoined { .. }
            | Self::AgentLeft { .. }
            | Self::AgentSwitched { .. }
            | Self::SubscriptionsAnswered(_)
            | Self::SubscriptionsChanged(_)
            | Self::ProfileModified(_)
            | Self::AuthorizationRevoked(_)
            | Self::AccountCancelled(_)
            | Self::GuideCodeScanned { .. }
            | Self::Report(_)
            | Self::Other { .. }
            | Self::Unknown { .. } => false,
        }
    }
}

impl Coupon {
    /// A card event is activity (growth.md 1.4) when the customer holds the card in hand, not when the operator or the
    /// platform changes it.
    fn is_customer_initiated(&self) -> bool {
        match self {
            Self::Taken { .. }
            | Self::Gifted { .. }
            | Self::Deleted { .. }
            | Self::Consumed { .. }
            | Self::Paid { .. }
            | Self::Viewed { .. }
            | Self::ChatOpened { .. }
            | Self::MemberSubmitted { .. } => true,
            Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::MemberUpdated { .. }
            | Self::StockLow { .. }
            | Self::StockOrdered { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_kinds_share_a_name() {
        let all: Vec<_> = What::names().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_follow_and_a_position_report_are_not_activity_but_a_scan_and_any_tap_are() {
        let event = |event| What::Event(event).is_customer_initiated();
        assert!(!event(Event::Subscribed { scene: None, ticket: None, other_key: None }));
        assert!(!event(Event::Unsubscribed));
        assert!(!event(Event::LocationReported { latitude: None, longitude: None, precision: None }));
        assert!(event(Event::Scanned { scene: "a".into(), ticket: None }));
        assert!(event(Event::MenuTapped { key: String::new() }));
        assert!(event(Event::LinkOpened { url: String::new(), menu_id: None }));
        assert!(What::Message(Message::Unsupported).is_customer_initiated());
        assert!(!What::Message(Message::Device { kind: "device_event".into() }).is_customer_initiated());
    }
}
