//! Books as a wrong bill has them.

use super::books::Books;
use super::refunds::Refund;
use super::switches::Twist;

/// The number of an order that no merchant made.
const STRANGE: &str = "STRANGE0001";
/// And of a refund made by hand.
const BY_HAND: &str = "BYHAND0001";

impl Books {
    /// The books with this wrong in them; what a bill of them says adds up. `None`: there is no bill.
    pub(in crate::sandbox::pay) fn twisted(&self, twist: Twist) -> Option<Self> {
        let mut books = self.clone();
        let first = self.orders.values().find(|order| order.paid_at.is_some());
        let first = first.filter(|_| twist != Twist::Missing)?;
        let (number, at) = (first.out_trade_no.clone(), first.paid_at.unwrap_or_default());
        match twist {
            Twist::Missing => return None,
            Twist::Adds => {
                let mut strange = first.clone();
                strange.out_trade_no = STRANGE.to_owned();
                strange.transaction_id = Some(format!("4200{:024}", 7));
                books.book((strange.total_fen, "交易"), (STRANGE.to_owned(), STRANGE.to_owned()), at);
                books.orders.insert(STRANGE.to_owned(), strange);
            }
            Twist::Less => {
                if let Some(order) = books.orders.get_mut(&number) {
                    order.total_fen -= 1;
                }
            }
            Twist::Drops => drop(books.orders.remove(&number)),
            Twist::Returns => {
                let refund = Refund::by_hand(first, BY_HAND, at);
                books.book((-refund.refund_fen, "退款"), (refund.refund_id.clone(), BY_HAND.to_owned()), at);
                books.refunds.insert(BY_HAND.to_owned(), refund);
            }
        }
        Some(books)
    }
}
