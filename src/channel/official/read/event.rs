//! Events of customers (platform.md 2.3). Reports and coupons have files of their own.

use super::{coupon, report};
use crate::channel::official::tree::Node;
use crate::domain::ids::{Openid, Scene};
use crate::domain::inbound::{CodeReadMode, Event, PictureSource, SubscriptionChoice, Withdrawal};

/// A scene has 1 to 64 characters (platform.md 4.6).
const MAX_SCENE_CHARS: usize = 64;
/// What is longer than any key or scene is cut here: it can equal none of them, and fills no record.
const MAX_KEY_CHARS: usize = 128;

/// Known to exist, of no use here (the last row of platform.md 2.3); in lower case.
const OTHERS: [&str; 11] = [
    "merchant_order",
    "poi_check_notify",
    "wificonnected",
    "shakearoundusershake",
    "user_authorize_invoice",
    "submit_invoice_title",
    "weapp_audit_success",
    "weapp_audit_fail",
    "weapp_audit_delay",
    "apply_merchant_audit_info",
    "enter",
];
/// A whole group of them.
const GIFT_CARDS: &str = "giftcard_";

/// Reads an event; `name` is its `Event` in lower case.
pub(super) fn read(root: Node<'_>, name: &str) -> Event {
    match name {
        "subscribe" => subscribed(root),
        "unsubscribe" => Event::Unsubscribed,
        "scan" => Event::Scanned { scene: Scene::new(key(root)), ticket: root.some_text("Ticket") },
        "click" => Event::MenuTapped { key: key(root) },
        "view" => Event::LinkOpened { url: root.text("EventKey"), menu_id: root.some_text("MenuId") },
        "view_miniprogram" => {
            Event::MiniProgramOpened { page_path: root.text("EventKey"), menu_id: root.some_text("MenuId") }
        }
        "scancode_push" => code_read(root, CodeReadMode::Shows),
        "scancode_waitmsg" => code_read(root, CodeReadMode::Waits),
        "pic_sysphoto" => pictures(root, PictureSource::Camera),
        "pic_photo_or_album" => pictures(root, PictureSource::CameraOrAlbum),
        "pic_weixin" => pictures(root, PictureSource::Album),
        "location_select" => place(root),
        "location" => Event::LocationReported {
            latitude: root.decimal("Latitude"),
            longitude: root.decimal("Longitude"),
            precision: root.decimal("Precision"),
        },
        "kf_create_session" => Event::AgentJoined { agent: root.text("KfAccount") },
        "kf_close_session" => Event::AgentLeft { agent: root.text("KfAccount") },
        "kf_switch_session" => Event::AgentSwitched { from: root.text("FromKfAccount"), to: root.text("ToKfAccount") },
        "user_enter_tempsession" => Event::TempSessionEntered { from: root.text("SessionFrom") },
        "subscribe_msg_popup_event" => Event::SubscriptionsAnswered(choices(root, "SubscribeMsgPopupEvent")),
        "subscribe_msg_change_event" => Event::SubscriptionsChanged(choices(root, "SubscribeMsgChangeEvent")),
        "user_info_modified" => Event::ProfileModified(withdrawal(root)),
        "user_authorization_revoke" => Event::AuthorizationRevoked(withdrawal(root)),
        "user_authorization_cancellation" => Event::AccountCancelled(withdrawal(root)),
        "guide_qrcode_scan_event" => guide_code(root),
        _ => report::read(root, name)
            .map(Event::Report)
            .or_else(|| coupon::read(root, name).map(Event::Coupon))
            .or_else(|| other(name))
            .unwrap_or_else(|| Event::Unknown { name: root.text("Event") }),
    }
}

fn key(root: Node<'_>) -> String {
    root.get("EventKey").chars().take(MAX_KEY_CHARS).collect()
}

/// Only `qrscene_` marks a scene; other ways to follow put other things here (platform.md 9.22).
fn subscribed(root: Node<'_>) -> Event {
    let event_key = root.get("EventKey");
    let scene = event_key
        .strip_prefix("qrscene_")
        .filter(|scene| !scene.is_empty() && scene.chars().count() <= MAX_SCENE_CHARS)
        .map(Scene::new);
    let has_other_key = scene.is_none() && !matches!(event_key, "" | "qrscene_");
    Event::Subscribed { scene, ticket: root.some_text("Ticket"), other_key: has_other_key.then(|| key(root)) }
}

fn code_read(root: Node<'_>, mode: CodeReadMode) -> Event {
    let info = root.child("ScanCodeInfo").unwrap_or(root);
    Event::CodeRead { key: key(root), mode, kind: info.text("ScanType"), result: info.text("ScanResult") }
}

fn pictures(root: Node<'_>, source: PictureSource) -> Event {
    let info = root.child("SendPicsInfo").unwrap_or(root);
    let list = info.child("PicList");
    let md5s = list.into_iter().flat_map(|list| list.all("item")).map(|item| item.text("PicMd5Sum")).collect();
    Event::PicturesPicked { key: key(root), source, count: info.number("Count"), md5s }
}

fn place(root: Node<'_>) -> Event {
    let info = root.child("SendLocationInfo").unwrap_or(root);
    Event::PlacePicked {
        key: key(root),
        latitude: info.decimal("Location_X"),
        longitude: info.decimal("Location_Y"),
        scale: info.number("Scale"),
        label: info.text("Label"),
        place: info.text("Poiname"),
    }
}

/// In JSON the list stands at the top; in XML inside a wrapper (platform.md 1.7).
pub(super) fn list<'t>(root: Node<'t>, wrapper: &str) -> impl Iterator<Item = Node<'t>> {
    root.child(wrapper).unwrap_or(root).all("List")
}

fn choices(root: Node<'_>, wrapper: &str) -> Vec<SubscriptionChoice> {
    let choice = |item: Node<'_>| SubscriptionChoice {
        template_id: item.text("TemplateId"),
        accepted: item.get("SubscribeStatusString").trim().eq_ignore_ascii_case("accept"),
        scene: item.some_text("PopupScene"),
    };
    list(root, wrapper).map(choice).collect()
}

fn withdrawal(root: Node<'_>) -> Withdrawal {
    Withdrawal {
        app_id: root.text("AppID"),
        scope: root.some_text("RevokeInfo"),
        union_id: root.some_text("UnionID").or_else(|| root.some_text("UnionId")),
    }
}

fn guide_code(root: Node<'_>) -> Event {
    let info = root.child("GuideScanEvent").unwrap_or(root);
    Event::GuideCodeScanned {
        guide_account: info.text("qrcode_guide_account"),
        guide_openid: info.text("qrcode_guide_openid"),
        openid: Openid::new(info.text("openid")),
        action: info.text("action"),
        code: info.text("qrcode_info"),
    }
}

fn other(name: &str) -> Option<Event> {
    let known = OTHERS.into_iter().find(|known| *known == name);
    known.or_else(|| name.starts_with(GIFT_CARDS).then_some(GIFT_CARDS)).map(|name| Event::Other { name })
}
