//! Card and coupon events (the card group of platform.md 2.3).

use crate::channel::official::tree::Node;
use crate::domain::inbound::{CardRef, Coupon};

/// Reads a card event, if it is one.
pub(super) fn read(root: Node<'_>, name: &str) -> Option<Coupon> {
    Some(match name {
        "card_pass_check" => Coupon::Approved { card_id: root.text("CardId") },
        "card_not_pass_check" => Coupon::Rejected { card_id: root.text("CardId"), reason: root.text("RefuseReason") },
        "user_get_card" => Coupon::Taken {
            card: card(root),
            given_by: root.some_text("FriendUserName").filter(|_| root.flag("IsGiveByFriend")),
            former_code: root.some_text("OldUserCardCode"),
            restored: root.flag("IsRestoreMemberCard"),
            union_id: root.some_text("UnionId"),
        },
        "user_gifting_card" => Coupon::Gifted {
            card: card(root),
            friend: root.text("FriendUserName"),
            returned: root.flag("IsReturnBack"),
            to_group: root.flag("IsChatRoom"),
        },
        "user_del_card" => Coupon::Deleted { card: card(root) },
        "user_consume_card" => Coupon::Consumed {
            card: card(root),
            source: root.text("ConsumeSource"),
            place: root.text("LocationName"),
            staff_openid: root.text("StaffOpenId"),
            verify_code: root.text("VerifyCode"),
            remark_amount: root.text("RemarkAmount"),
        },
        "user_pay_from_pay_cell" => Coupon::Paid {
            card: card(root),
            transaction_id: root.text("TransId"),
            location_id: root.text("LocationId"),
            fee_fen: root.number("Fee"),
            original_fee_fen: root.number("OriginalFee"),
        },
        "user_view_card" => Coupon::Viewed { card: card(root) },
        "user_enter_session_from_card" => Coupon::ChatOpened { card: card(root) },
        "update_member_card" => Coupon::MemberUpdated {
            card: card(root),
            bonus: root.number("ModifyBonus"),
            balance: root.number("ModifyBalance"),
        },
        "card_sku_remind" => Coupon::StockLow { card_id: root.text("CardId"), detail: root.text("Detail") },
        "card_pay_order" => Coupon::StockOrdered { order_id: root.text("OrderId"), status: root.text("Status") },
        "submit_membercard_user_info" => Coupon::MemberSubmitted { card: card(root) },
        _ => return None,
    })
}

fn card(root: Node<'_>) -> CardRef {
    // `OuterId` is the older, numeric form and is 0 when nothing was named.
    let outer_id = || root.some_text("OuterId").filter(|id| id != "0");
    CardRef {
        card_id: root.text("CardId"),
        code: root.text("UserCardCode"),
        outer: root.some_text("OuterStr").or_else(outer_id),
    }
}
