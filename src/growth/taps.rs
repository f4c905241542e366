//! Which menu keys a customer tapped on which days, so that the customers of a key are counted once.

use super::counter::{CAP_DAYS, GAP_FAR, GAP_FIRST, Metric};
use super::lateness::Lateness;
use super::ledger::Ledger;
use crate::domain::customer::{Activity, TappedKey};
use crate::domain::time::BusinessDay;

/// At most so many keys are remembered of one customer. A menu has at most 15; of somebody who taps more than this in a
/// quarter the key tapped longest ago is forgotten, and counts as one more customer if it is tapped again.
pub const MAX_KEYS: usize = 32;

/// Counts a tap on `key` on `day`, learned of on `arrival`.
pub fn count_tap(
    tapped: &mut Vec<TappedKey>,
    key: &str,
    (day, arrival): (BusinessDay, BusinessDay),
    ledger: &mut Ledger,
) {
    ledger.add_in((Metric::MenuTaps, day.0, 0), key, 1);
    // A key so old is as far away as one never tapped: forgetting it changes no number.
    tapped.retain(|known| known.days.last >= arrival.plus_days(-(Lateness::MAX_DAYS + CAP_DAYS)));
    let key_hash = fnv1a(key);
    let Some(known) = tapped.iter_mut().find(|known| known.key_hash == key_hash) else {
        if tapped.len() >= MAX_KEYS
            && let Some(oldest) = tapped.iter().enumerate().min_by_key(|(_, known)| known.days.last).map(|(i, _)| i)
        {
            tapped.swap_remove(oldest);
        }
        tapped.push(TappedKey { key_hash, days: Activity::starting(day) });
        return ledger.add_in((Metric::MenuTappers, day.0, GAP_FAR), key, 1);
    };
    if let Some(placed) = known.days.place(day) {
        let never_first = |gap| if gap == GAP_FIRST { GAP_FAR } else { gap };
        ledger.add_in((Metric::MenuTappers, day.0, never_first(placed.gap)), key, 1);
        if let Some(split) = placed.split {
            ledger.add_in((Metric::MenuTappers, split.day.0, never_first(split.was)), key, -1);
            ledger.add_in((Metric::MenuTappers, split.day.0, split.now), key, 1);
        }
    }
}

/// FNV-1a: stored, so it must never change, which rules out the standard library's hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_hash_never_changes() {
        assert_eq!((fnv1a(""), fnv1a("a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    }

    #[test]
    fn a_customer_who_taps_everything_cannot_grow_the_record() {
        let (mut tapped, mut ledger) = (Vec::new(), Ledger::default());
        for n in 0..200 {
            let day = BusinessDay(100 + n / 10);
            count_tap(&mut tapped, &format!("key{n}"), (day, day), &mut ledger);
        }
        assert_eq!(tapped.len(), MAX_KEYS);
        assert!(tapped.iter().all(|known| known.days.last >= BusinessDay(116)));
        let day = BusinessDay(300);
        count_tap(&mut tapped, "key", (day, day), &mut ledger);
        assert_eq!(tapped.len(), 1);
    }
}
