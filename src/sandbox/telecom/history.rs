//! What was used and charged before: made of who asks and the day, the same whenever it is asked.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A number below `below` that belongs to somebody and a day or a month.
fn chance(who: &str, what: &str, below: i64) -> i64 {
    let digest = Sha256::digest(format!("{who}/{what}"));
    let number = digest.iter().take(4).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
    number.checked_rem(below).unwrap_or(0)
}

/// The latest seven days of this month with what was used on each, newest first. All days of the month up to today make
/// up what was used.
pub fn by_day((who, used_kib): (&str, i64), today: NaiveDate) -> Vec<Value> {
    let first = today.with_day(1).unwrap_or(today);
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= today).collect();
    let weights: Vec<i64> = days.iter().map(|day| 1 + chance(who, &day.to_string(), 9)).collect();
    let all: i64 = weights.iter().sum();
    let mut rest = used_kib;
    let mut shares: Vec<(NaiveDate, i64)> = Vec::new();
    for (day, weight) in days.iter().zip(&weights) {
        let share = if *day == today { rest } else { used_kib * weight / all.max(1) };
        rest -= share;
        shares.push((*day, share));
    }
    let newest = shares.into_iter().rev().take(7);
    newest.map(|(day, kib)| json!({ "day": day.to_string(), "used_kib": kib })).collect()
}

/// The six months before this one, newest first: the plan's fee, what came on top, and both together.
pub fn bills((who, fee_fen): (&str, i64), today: NaiveDate) -> Vec<Value> {
    let this = today.with_day(1).unwrap_or(today);
    let months = (1..=6).filter_map(|back| this.checked_sub_months(Months::new(back)));
    let bill = |month: NaiveDate| {
        let name = month.format("%Y%m").to_string();
        let extra_fen = chance(who, &name, 40) * 75;
        let paid_on = month.checked_add_months(Months::new(1)).and_then(|next| next.checked_add_days(Days::new(4)));
        json!({
            "month": name,
            "fee_fen": fee_fen,
            "extra_fen": extra_fen,
            "total_fen": fee_fen + extra_fen,
            "paid_on": paid_on.unwrap_or(month).to_string(),
        })
    };
    months.map(bill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_days_of_a_month_make_up_what_was_used() {
        let first_week = by_day(("o1", 1_000_003), day("2026-01-06"));
        let sum: i64 = first_week.iter().map(|one| one["used_kib"].as_i64().unwrap()).sum();
        assert_eq!((first_week.len(), sum), (6, 1_000_003));
        let later = by_day(("o1", 1_000_003), day("2026-01-20"));
        assert_eq!((later.len(), later[0]["day"].as_str()), (7, Some("2026-01-20")));
        assert!(later.iter().all(|one| one["used_kib"].as_i64().unwrap() >= 0));
        assert_eq!(by_day(("o1", 0), day("2026-01-01")), [json!({"day": "2026-01-01", "used_kib": 0})]);
    }

    #[test]
    fn six_bills_are_the_same_whenever_they_are_asked_for() {
        let all = bills(("o1", 5_900), day("2026-03-31"));
        let months: Vec<&str> = all.iter().map(|bill| bill["month"].as_str().unwrap()).collect();
        assert_eq!(months, ["202602", "202601", "202512", "202511", "202510", "202509"]);
        for bill in &all {
            let fen = |name: &str| bill[name].as_i64().unwrap();
            assert_eq!(fen("total_fen"), fen("fee_fen") + fen("extra_fen"));
        }
        assert_eq!(all[1..], bills(("o1", 5_900), day("2026-02-01"))[..5]);
    }
}
