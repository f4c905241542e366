//! Cards and coupons (the card group of platform.md 2.3).

/// What happened to a card or coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coupon {
    /// The platform approved it (`card_pass_check`).
    Approved {
        /// Which.
        card_id: String,
    },
    /// The platform refused it (`card_not_pass_check`).
    Rejected {
        /// Which.
        card_id: String,
        /// Why.
        reason: String,
    },
    /// A customer took it (`user_get_card`).
    Taken {
        /// Which.
        card: CardRef,
        /// The friend who gave it, if one did.
        given_by: Option<String>,
        /// Its former code, when it was given on.
        former_code: Option<String>,
        /// A member card that came back after it was deleted.
        restored: bool,
        /// UnionID, where the platform gives it.
        union_id: Option<String>,
    },
    /// A customer gives it on (`user_gifting_card`).
    Gifted {
        /// Which.
        card: CardRef,
        /// The friend.
        friend: String,
        /// It came back because nobody took it.
        returned: bool,
        /// It went to a group chat.
        to_group: bool,
    },
    /// A customer deleted it (`user_del_card`).
    Deleted {
        /// Which.
        card: CardRef,
    },
    /// It was redeemed (`user_consume_card`).
    Consumed {
        /// Which.
        card: CardRef,
        /// How it was redeemed.
        source: String,
        /// Where.
        place: String,
        /// The staff who did it.
        staff_openid: String,
        /// The code typed at the till.
        verify_code: String,
        /// The amount noted, as text.
        remark_amount: String,
    },
    /// A customer paid from the card's page (`user_pay_from_pay_cell`).
    Paid {
        /// Which.
        card: CardRef,
        /// The payment.
        transaction_id: String,
        /// The shop.
        location_id: String,
        /// Paid, in fen.
        fee_fen: Option<i64>,
        /// Before the discount, in fen.
        original_fee_fen: Option<i64>,
    },
    /// A customer looked at it (`user_view_card`).
    Viewed {
        /// Which.
        card: CardRef,
    },
    /// A customer opened the chat from it (`user_enter_session_from_card`).
    ChatOpened {
        /// Which.
        card: CardRef,
    },
    /// A member card's points or balance changed (`update_member_card`).
    MemberUpdated {
        /// Which.
        card: CardRef,
        /// Points added.
        bonus: Option<i64>,
        /// Balance added.
        balance: Option<i64>,
    },
    /// Stock runs low (`card_sku_remind`).
    StockLow {
        /// Which.
        card_id: String,
        /// In the platform's words.
        detail: String,
    },
    /// An order for card stock changed (`card_pay_order`).
    StockOrdered {
        /// The order.
        order_id: String,
        /// How it stands.
        status: String,
    },
    /// A customer filled in a member card (`submit_membercard_user_info`).
    MemberSubmitted {
        /// Which.
        card: CardRef,
    },
}

/// One customer's card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardRef {
    /// The kind of card.
    pub card_id: String,
    /// This one.
    pub code: String,
    /// Where it was handed out, as we named it: `OuterStr`, or the older `OuterId`.
    pub outer: Option<String>,
}
