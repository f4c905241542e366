//! Numbers and names as people read them.

use chrono::{Days, NaiveDate};

use crate::domain::time::BusinessDay;

/// Between groups of three digits: narrow, and no line breaks there.
const THIN: char = '\u{202f}';
const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

/// `48 210`.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// `+86`, `−3`, `±0`.
pub(super) fn signed(number: i64) -> String {
    match number {
        0 => "±0".to_owned(),
        1.. => format!("+{}", grouped(number)),
        _ => grouped(number),
    }
}

/// `3.1%`; nothing of nothing is not known.
pub(super) fn percent(part: i64, whole: i64) -> Option<String> {
    tenths(i128::from(part) * 100, whole).map(|text| text + "%")
}

/// `2.4`, rounded half up; `None` when there is nothing to divide by.
pub(super) fn ratio(part: i64, whole: i64) -> Option<String> {
    tenths(i128::from(part), whole)
}

fn tenths(part: i128, whole: i64) -> Option<String> {
    let whole = i128::from(whole);
    if whole <= 0 {
        return None;
    }
    let tenths = (part.abs() * 20 + whole) / (whole * 2);
    let sign = if part < 0 && tenths > 0 { "−" } else { "" };
    let whole_part = i64::try_from(tenths / 10).map_or_else(|_| "…".to_owned(), grouped);
    Some(format!("{sign}{whole_part}.{}", tenths % 10))
}

/// Whether two counts differ by more than chance would make them: |a − b| > 2·√(a + b).
pub(super) fn clearly_differ(a: i64, b: i64) -> bool {
    let (a, b) = (i128::from(a), i128::from(b));
    (a - b).saturating_mul(a - b) > (a + b).saturating_mul(4)
}

/// Whether two shares differ by more than two standard errors of their difference.
#[allow(clippy::cast_precision_loss, reason = "an interval needs no more than 53 bits")]
pub(super) fn shares_differ((a, of_a): (i64, i64), (b, of_b): (i64, i64)) -> bool {
    if of_a <= 0 || of_b <= 0 {
        return false;
    }
    let (a, of_a, b, of_b) = (a as f64, of_a as f64, b as f64, of_b as f64);
    let pooled = (a + b) / (of_a + of_b);
    let variance = pooled * (1.0 - pooled) * (1.0 / of_a + 1.0 / of_b);
    (a / of_a - b / of_b).powi(2) > 4.0 * variance.max(0.0)
}

/// One line of at most `most` characters.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let one_line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if one_line.chars().count() <= most {
        return one_line;
    }
    one_line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// `周三`.
pub(super) fn weekday(day: BusinessDay) -> &'static str {
    let at = usize::try_from(day.0.saturating_add(3).rem_euclid(7)).unwrap_or_default();
    WEEKDAYS.get(at).copied().unwrap_or_default()
}

/// The Monday of the day's ISO week.
pub(super) fn monday(day: BusinessDay) -> BusinessDay {
    day.plus_days(-day.0.saturating_add(3).rem_euclid(7))
}

/// The ISO week of a day: `2026-W10`.
pub fn week_name(day: BusinessDay) -> String {
    let since = u64::from(day.0.unsigned_abs());
    let epoch = NaiveDate::default();
    let date =
        if day.0 < 0 { epoch.checked_sub_days(Days::new(since)) } else { epoch.checked_add_days(Days::new(since)) };
    date.map_or_else(|| format!("week {}", day.iso_week()), |date| date.format("%G-W%V").to_string())
}

/// The Monday of a week by its name.
pub(super) fn week_begins(name: &str) -> Option<BusinessDay> {
    let date = NaiveDate::parse_from_str(&format!("{name}-1"), "%G-W%V-%u").ok()?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok().map(BusinessDay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let texts = [0, 7, 999, 1_000, 48_210, 1_234_567, -3_901].map(grouped);
        assert_eq!(
            texts.map(|text| text.replace(THIN, "_")),
            ["0", "7", "999", "1_000", "48_210", "1_234_567", "−3_901"]
        );
        assert_eq!(grouped(i64::MIN).replace(THIN, ""), "−9223372036854775808");
        assert_eq!([86, -3, 0].map(signed), ["+86", "−3", "±0"]);
    }

    #[test]
    fn no_rate_is_made_up_where_there_is_nothing_to_divide_by() {
        assert_eq!((percent(3, 0), ratio(3, 0)), (None, None));
        assert_eq!(
            [percent(1, 3), percent(2, 3), percent(0, 9), percent(9, 9)].map(Option::unwrap),
            ["33.3%", "66.7%", "0.0%", "100.0%"]
        );
        assert_eq!(ratio(24, 10).unwrap(), "2.4");
        assert_eq!(ratio(1, 20).unwrap(), "0.1", "half up");
        assert!(percent(i64::MAX, 1).is_some() && ratio(i64::MIN, i64::MAX).is_some());
    }

    #[test]
    fn a_small_difference_is_no_difference() {
        assert!(!clearly_differ(100, 74) && clearly_differ(100, 73));
        assert!(!clearly_differ(0, 0) && !clearly_differ(4, 0) && clearly_differ(5, 0));
        assert!(clearly_differ(i64::MAX, i64::MIN));
        assert!(!shares_differ((30, 100), (40, 100)) && shares_differ((30, 100), (45, 100)));
        assert!(!shares_differ((1, 0), (5, 10)));
    }

    #[test]
    fn long_words_are_cut_and_stay_on_their_line() {
        assert_eq!(clipped(" 怎么\n退订 ", 8), "怎么 退订");
        assert_eq!(clipped("一二三四五", 4), "一二三…");
    }

    #[test]
    fn days_and_weeks_have_the_names_of_the_calendar() {
        let day = |text| BusinessDay::parse(text).unwrap();
        assert_eq!((weekday(day("2026-03-04")), week_name(day("2026-03-04"))), ("周三", "2026-W10".into()));
        assert_eq!((monday(day("2026-03-04")), monday(day("2026-03-02"))), (day("2026-03-02"), day("2026-03-02")));
        assert_eq!(
            (week_name(day("2027-01-03")), week_name(day("1969-12-29"))),
            ("2026-W53".into(), "1970-W01".into())
        );
        assert_eq!(weekday(BusinessDay(-4)), "周日");
    }
}
