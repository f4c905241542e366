//! What an order's payment carries with it (`attach`, platform.md part 6): which order of ours it is, sealed, so that a
//! payment that is told when nothing is kept of its customer any more is known for ours, and can be paid back.
//!
//! AES-SIV (RFC 5297): only we make one, it says nothing to anybody else, and the same order has the same one, so that a
//! prepayment may be asked for again.

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes128Siv;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Order;
use crate::domain::ids::{ActionKey, OrderNumber};
use crate::domain::pay::Fen;

/// The platform takes so many characters.
const ATTACH_CHARS: usize = 128;
/// What is sealed begins so: another content would begin otherwise.
const SHAPE: u8 = 1;

/// What is known of an order by its payment alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The action that took it.
    pub action: ActionKey,
    /// What was agreed.
    pub amount: Fen,
}

/// What seals the origins of one account's orders.
#[derive(Clone)]
pub struct OriginKey([u8; 32]);

impl fmt::Debug for OriginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginKey(…)")
    }
}

impl OriginKey {
    /// With 32 secret bytes, the account's own.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// What the payment of this order carries; empty where that would be too long for the platform.
    pub fn seal(&self, order: &Order) -> String {
        let clear = [&[SHAPE][..], &order.amount.0.to_be_bytes(), order.action.as_str().as_bytes()].concat();
        let sealed = Aes128Siv::new(&self.0.into()).encrypt([order.number.as_str().as_bytes()], &clear);
        let attach = sealed.map(|sealed| URL_SAFE_NO_PAD.encode(sealed)).unwrap_or_default();
        if attach.len() <= ATTACH_CHARS { attach } else { String::new() }
    }

    /// What a payment of this number carried; `None` when it is none of ours.
    pub fn open(&self, number: &OrderNumber, attach: &str) -> Option<Origin> {
        let sealed = URL_SAFE_NO_PAD.decode(attach).ok().filter(|_| attach.len() <= ATTACH_CHARS)?;
        let clear = Aes128Siv::new(&self.0.into()).decrypt([number.as_str().as_bytes()], &sealed).ok()?;
        let (amount, action) = clear.strip_prefix(&[SHAPE])?.split_first_chunk::<8>()?;
        let action = ActionKey::new(String::from_utf8(action.to_vec()).ok()?);
        Some(Origin { action, amount: Fen(i64::from_be_bytes(*amount)) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::order::Happening;
    use crate::domain::sample::wechat_order;

    const NUMBER: &str = "20260101000000000000000001";

    fn order() -> Order {
        wechat_order(NUMBER, &[Happening::Agreed])
    }

    #[test]
    fn a_payment_says_which_order_it_was_of_and_nobody_else_can_say_so() {
        let (key, order) = (OriginKey::new([7; 32]), order());
        let attach = key.seal(&order);
        assert_eq!(key.seal(&order), attach, "a prepayment that is asked for again is the same");
        assert!(attach.len() <= ATTACH_CHARS && !attach.contains(order.action.as_str()), "{attach}");
        let origin = Origin { action: order.action.clone(), amount: order.amount };
        assert_eq!(key.open(&NUMBER.into(), &attach), Some(origin));
        assert_eq!(key.open(&"20260101000000000000000002".into(), &attach), None, "of another order");
        assert_eq!(OriginKey::new([8; 32]).open(&NUMBER.into(), &attach), None, "of another account");
        assert_eq!(format!("{key:?}"), "OriginKey(…)");
    }

    #[test]
    fn an_action_with_a_very_long_name_is_paid_all_the_same() {
        let long = Order { action: "很长的名字".repeat(20).as_str().into(), ..order() };
        assert_eq!(OriginKey::new([7; 32]).seal(&long), "");
    }

    proptest! {
        #[test]
        fn whatever_a_payment_carries_is_none_of_ours(attach in "[A-Za-z0-9_-]{0,140}|.{0,40}") {
            prop_assert_eq!(OriginKey::new([7; 32]).open(&NUMBER.into(), &attach), None);
        }
    }
}
