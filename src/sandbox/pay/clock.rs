//! Moments as the payment platform writes them: RFC 3339 in +08:00, and local time in bills.

use chrono::{DateTime, FixedOffset, NaiveDate};

const OFFSET_SECS: i32 = 8 * 3600;
const DAY_SECS: i64 = 86_400;

fn local(at: i64) -> Option<DateTime<FixedOffset>> {
    Some(DateTime::from_timestamp(at, 0)?.with_timezone(&FixedOffset::east_opt(OFFSET_SECS)?))
}

/// Reads RFC 3339.
pub fn read_time(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}

/// Writes RFC 3339.
pub fn write_time(at: i64) -> String {
    local(at).map(|time| time.to_rfc3339()).unwrap_or_default()
}

/// As a bill writes it.
pub fn in_bill(at: i64) -> String {
    local(at).map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

/// The first second of a day written `YYYY-MM-DD`, and of the next.
pub fn day(text: &str) -> Option<(i64, i64)> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let start = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp() - i64::from(OFFSET_SECS);
    Some((start, start + DAY_SECS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read_in_chinas_time() {
        assert_eq!(write_time(1_735_689_600), "2025-01-01T08:00:00+08:00");
        assert_eq!(read_time("2025-01-01T08:00:00+08:00"), Some(1_735_689_600));
        assert_eq!(in_bill(1_735_689_600), "2025-01-01 08:00:00");
        assert_eq!(day("2025-01-01"), Some((1_735_660_800, 1_735_747_200)));
        assert_eq!((read_time("soon"), day("2025-02-30")), (None, None));
    }
}
