//! What is kept of a customer who unfollows (growth.md 1.2): one switch, declared, and printed under every report.

use super::actions::Memory;
use super::customer::Customer;

/// `privacy.forget`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forget {
    /// Nothing: somebody who comes back is new.
    Strict,
    /// Under a keyed hash in place of the openid: ever followed, credits given, the activity history; nothing else.
    #[default]
    Tombstone,
    /// Everything, hidden, until `privacy.keep_days` are over.
    Soft,
}

/// Under what name a record is kept from a commit on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Under the openid.
    #[default]
    Known,
    /// Under a keyed hash of it: who comes back is recognised.
    Tombstone,
    /// Under a name that leads to nobody.
    Nothing,
}

/// Forgets, once the customer has left, what the mode says, and tells how the rest is kept. Somebody whose order is on
/// its way, or whose inviter is still to be told, is buried by the commit that ends it.
pub fn forget_left(customer: &mut Customer, forget: Forget) -> Keep {
    if forget == Forget::Soft || customer.away_since().is_none() {
        return Keep::Known;
    }
    customer.forget();
    // Of what leads to a person only orders on their way are left in it.
    let is_open = |memory: &Memory| !matches!(memory, Memory::Codes(_));
    if customer.memory.values().any(is_open) || !customer.orders.is_empty() || customer.invite.is_on_its_way() {
        return Keep::Known;
    }
    if forget == Forget::Tombstone {
        customer.bury();
        Keep::Tombstone
    } else {
        *customer = Customer::default();
        Keep::Nothing
    }
}

/// What an unfollow deletes and what a re-follow is, for those who read numbers: printed under every report.
pub fn small_print(forget: Forget, keep_days: i32) -> String {
    match forget {
        Forget::Strict => {
            "取消关注后立即清除这位客户的一切；再回来算新增关注，跨越取消关注的去重人数会把同一个人算两次。".into()
        }
        Forget::Tombstone => format!(
            "取消关注后只留加密编号、关注记录和活跃的日子，{keep_days} 天后清除；在此之前回来算重新关注，不算新增，\
             去重人数也只算一次；之后回来算新增。"
        ),
        Forget::Soft => format!(
            "取消关注后资料停用但保留 {keep_days} 天，到期清除；在此之前回来算重新关注，不算新增，去重人数也只算一次；\
             之后回来算新增。"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::{Activity, Follow, Transition, Turn};
    use crate::domain::ids::DedupeKey;
    use crate::domain::notes::Note;
    use crate::domain::reach::{BY_MESSAGE, BY_TAP};
    use crate::domain::reply::Reply;
    use crate::domain::time::{BusinessDay, UnixSecs};

    const LEFT: UnixSecs = UnixSecs(1_767_240_000);

    /// Somebody who followed, was active and left.
    fn left() -> Customer {
        let day = LEFT.business_day();
        let mut customer = Customer {
            follow: Follow {
                first_day: Some(day),
                first_scene: Some("shop".into()),
                changed_at: Some(LEFT),
                recent: vec![Transition {
                    at: LEFT,
                    turn: Turn::Unfollowed,
                    scene: None,
                    channel: Default::default(),
                    offer: None,
                }],
                ..Follow::default()
            },
            activity: Some(Activity { first: day, last: day, bits: 1 }),
            notes: vec![Note { reply: Reply::Text("还没说".into()), expires: LEFT, is_receipt: false }],
            ..Customer::default()
        };
        customer.recent.remember(DedupeKey(1), Reply::Text("您好".into()), LEFT);
        customer
    }

    #[test]
    fn a_tombstone_keeps_the_follow_the_days_and_the_deliveries_and_nothing_else() {
        let mut customer = left();
        assert_eq!(forget_left(&mut customer, Forget::Tombstone), Keep::Tombstone);
        assert_eq!((&customer.follow, customer.activity), (&left().follow, left().activity));
        assert_eq!(customer.recent.earned(DedupeKey(1)).unwrap().reply, Reply::Silent);
        assert_eq!(customer.notes, []);
        let again = customer.clone();
        assert_eq!((forget_left(&mut customer, Forget::Tombstone), &customer), (Keep::Tombstone, &again));
    }

    #[test]
    fn leaving_and_coming_back_is_no_way_to_have_more_codes_sent() {
        let codes = serde_json::from_value(serde_json::json!({"Codes": {"day": 20_454, "sent": 5}})).unwrap();
        let memory: std::collections::BTreeMap<_, Memory> = [("bind".into(), codes)].into();
        let mut customer = Customer { memory: memory.clone(), ..left() };
        assert_eq!(forget_left(&mut customer, Forget::Tombstone), Keep::Tombstone);
        assert_eq!(customer.memory, memory);
    }

    #[test]
    fn strictly_nothing_is_kept_and_softly_everything() {
        let mut customer = left();
        assert_eq!((forget_left(&mut customer, Forget::Soft), &customer), (Keep::Known, &left()));
        assert_eq!(forget_left(&mut customer, Forget::Strict), Keep::Nothing);
        assert_eq!(customer, Customer::default());
    }

    #[test]
    fn somebody_who_follows_or_was_never_seen_to_leave_is_known() {
        for follow in [Follow { following: true, changed_at: Some(LEFT), ..Follow::default() }, Follow::default()] {
            let mut customer = Customer { follow, ..left() };
            let before = customer.clone();
            assert_eq!((forget_left(&mut customer, Forget::Strict), &customer), (Keep::Known, &before));
        }
    }

    #[test]
    fn an_unfollow_of_somebody_whose_follow_we_never_saw_is_one_too() {
        let mut customer = left();
        customer.follow.first_day = None;
        assert_eq!(forget_left(&mut customer, Forget::Tombstone), Keep::Tombstone);
    }

    #[test]
    fn whoever_acts_after_leaving_is_back_though_their_follow_was_lost_on_the_way() {
        for opening in [BY_MESSAGE, BY_TAP] {
            let mut customer = left();
            customer.windows.open(opening, LEFT.plus_secs(1));
            assert_eq!(forget_left(&mut customer, Forget::Tombstone), Keep::Known);
            let mut late = left();
            late.windows.open(opening, LEFT);
            assert_eq!(forget_left(&mut late, Forget::Tombstone), Keep::Tombstone);
        }
    }

    #[test]
    fn the_day_somebody_left_is_the_last_day_we_heard_of_them() {
        let mut customer = left();
        assert_eq!(customer.left_on(), Some(LEFT.business_day()));
        let later = BusinessDay(LEFT.business_day().0 + 3);
        customer.activity = Some(Activity { first: later, last: later, bits: 1 });
        assert_eq!(customer.left_on(), Some(later));
        customer.follow.following = true;
        assert_eq!(customer.left_on(), None);
    }

    #[test]
    fn the_small_print_says_what_a_refollow_is() {
        assert!(small_print(Forget::Strict, 180).contains("新增"));
        for forget in [Forget::Tombstone, Forget::Soft] {
            let print = small_print(forget, 90);
            assert!(print.contains("90 天") && print.contains("重新关注"), "{print}");
        }
    }
}
