//! How often each interface was called today, so that its quota is known before it is hit (platform.md 4.2).
//!
//! The numbers of a new account are a guess, and other processes and the console call as well: so when half of what is
//! thought to be left is gone the platform is asked (`openapi/quota/get`), and what it says is kept to. What is closed
//! (45009 until midnight in +08:00, 45011 for a minute) is not called; whether the day's quota was cleared meanwhile, in the
//! console or by another process, the platform is asked every quarter of an hour.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{ApiError, midnight};
use crate::domain::time::{BusinessDay, UnixSecs};

/// Calls a day of a new account (platform.md 4.2). Others have more, or have not this many calls in them.
const DAILY: &[(&str, u64)] = &[
    ("cgi-bin/token", 2_000),
    ("cgi-bin/menu/create", 1_000),
    ("cgi-bin/menu/get", 10_000),
    ("cgi-bin/menu/delete", 1_000),
    ("cgi-bin/tags/create", 1_000),
    ("cgi-bin/tags/get", 1_000),
    ("cgi-bin/tags/update", 1_000),
    ("cgi-bin/tags/members/batchtagging", 100_000),
    ("cgi-bin/media/upload", 100_000),
    ("cgi-bin/media/get", 200_000),
    ("cgi-bin/message/custom/send", 500_000),
    ("cgi-bin/message/template/send", 100_000),
    ("cgi-bin/message/mass/sendall", 100),
    ("cgi-bin/message/mass/send", 100),
    ("cgi-bin/message/mass/preview", 100),
    ("cgi-bin/qrcode/create", 100_000),
    ("cgi-bin/user/get", 500),
    ("cgi-bin/user/info", 5_000_000),
    ("cgi-bin/user/info/updateremark", 10_000),
    ("cgi-bin/draft/add", 1_000),
    ("cgi-bin/draft/get", 500),
    ("cgi-bin/draft/delete", 1_000),
    ("cgi-bin/draft/update", 1_000),
    ("cgi-bin/draft/count", 1_000),
    ("cgi-bin/draft/batchget", 1_000),
    ("cgi-bin/freepublish/submit", 100),
    ("cgi-bin/freepublish/get", 100),
    ("cgi-bin/freepublish/delete", 10),
    ("cgi-bin/freepublish/getarticle", 100),
    ("cgi-bin/freepublish/batchget", 100),
];

/// So often the platform is asked whether a quota that was used up is so still.
const ASK_AGAIN_SECS: i64 = 15 * 60;
const DAY_SECS: i64 = 24 * 3600;
/// The day's quota is used up.
const USED_UP: i64 = 45009;

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Call.
    Granted,
    /// Counted. Ask the platform what is left, once; then call.
    AskFirst,
    /// Not counted. It is closed, and the platform may open it again: ask, once, and come back.
    AskWhetherOpen,
}

/// What the platform says of one interface (`openapi/quota/get`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Calls a day.
    pub daily_limit: u64,
    /// Of these, made.
    pub used: u64,
}

#[derive(Debug, Default)]
struct Tally {
    day: BusinessDay,
    /// Of all processes as far as known.
    used: u64,
    limit: Option<u64>,
    /// The limit is the platform's word.
    is_told: bool,
    /// With so many the platform is asked.
    ask_at: u64,
    closed: Option<(i64, UnixSecs)>,
    /// From then on the platform is asked whether it is open again.
    ask_again: Option<UnixSecs>,
}

/// The counters of one account.
#[derive(Debug, Default)]
pub(super) struct Quotas(Mutex<BTreeMap<String, Tally>>);

impl Quotas {
    /// Counts a call that is about to be made.
    ///
    /// # Errors
    /// [`ApiError::NotBefore`], with the moment it may be worth a try again; then nothing is counted.
    pub(super) fn take(&self, path: &str, now: UnixSecs) -> Result<Leave, ApiError> {
        let mut tallies = self.tallies();
        let tally = of(&mut tallies, path, now);
        if let Some((code, at)) = tally.closed_at(now) {
            if code != USED_UP {
                return Err(ApiError::NotBefore { code, at, rid: None });
            }
            // A clock that was set back must not make it longer.
            let again = tally.ask_again.filter(|again| (0..=ASK_AGAIN_SECS).contains(&again.secs_since(now)));
            let Some(again) = again.filter(|again| *again > now) else {
                tally.ask_again = Some(now.plus_secs(ASK_AGAIN_SECS));
                return Ok(Leave::AskWhetherOpen);
            };
            return Err(ApiError::NotBefore { code, at: at.min(again), rid: None });
        }
        tally.used += 1;
        if tally.limit.is_some() && tally.used >= tally.ask_at {
            // Whatever becomes of the question, the next one waits for as many calls again.
            tally.ask_at = tally.used.saturating_mul(2);
            return Ok(Leave::AskFirst);
        }
        Ok(Leave::Granted)
    }

    /// Not to be called before `at`, as the platform says. Gives back when it may be worth a try again.
    pub(super) fn close(&self, path: &str, (code, at): (i64, UnixSecs), now: UnixSecs) -> UnixSecs {
        let again = now.plus_secs(ASK_AGAIN_SECS);
        let mut tallies = self.tallies();
        let tally = of(&mut tallies, path, now);
        (tally.closed, tally.ask_again) = (Some((code, at)), Some(again));
        if code == USED_UP { at.min(again) } else { at }
    }

    /// What the platform counts.
    pub(super) fn correct(&self, path: &str, quota: Quota, now: UnixSecs) {
        let mut tallies = self.tallies();
        let tally = of(&mut tallies, path, now);
        let Quota { daily_limit, used } = quota;
        // It says 0 of what is not limited.
        tally.limit = (daily_limit > 0).then_some(daily_limit);
        (tally.is_told, tally.used) = (true, used);
        if tally.limit.is_none_or(|limit| used < limit) {
            tally.closed = tally.closed.filter(|(code, _)| *code != USED_UP);
        }
        tally.ask_at = used + daily_limit.saturating_sub(used).div_ceil(2);
    }

    /// The counter of one interface, or of all, begins anew: the quota was cleared.
    pub(super) fn cleared(&self, path: Option<&str>) {
        match path {
            Some(path) => drop(self.tallies().remove(path)),
            None => self.tallies().clear(),
        }
    }

    /// Calls of today as far as known.
    pub(super) fn used(&self, path: &str, now: UnixSecs) -> u64 {
        of(&mut self.tallies(), path, now).used
    }

    fn tallies(&self) -> MutexGuard<'_, BTreeMap<String, Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// Why and until when it is not to be called.
    fn closed_at(&self, now: UnixSecs) -> Option<(i64, UnixSecs)> {
        // Nothing is closed for longer than a day: a clock that was ahead and went back does not make it so.
        let closed = self.closed.filter(|(_, at)| *at > now && at.secs_since(now) <= DAY_SECS);
        let is_used_up = self.is_told && self.limit.is_some_and(|limit| self.used >= limit);
        closed.or_else(|| is_used_up.then(|| (USED_UP, midnight(now))))
    }
}

fn of<'t>(tallies: &'t mut BTreeMap<String, Tally>, path: &str, now: UnixSecs) -> &'t mut Tally {
    let day = now.business_day();
    let tally = tallies.entry(path.to_owned()).or_insert_with(|| new(path, day));
    if tally.day != day {
        let closed = tally.closed.filter(|(_, at)| *at > now);
        *tally = Tally { closed, limit: tally.limit, ..new(path, day) };
        tally.ask_at = tally.limit.unwrap_or_default().div_ceil(2);
    }
    tally
}

fn new(path: &str, day: BusinessDay) -> Tally {
    let limit = DAILY.iter().find(|(known, _)| *known == path).map(|(_, limit)| *limit);
    Tally { day, limit, ask_at: limit.unwrap_or_default().div_ceil(2), ..Tally::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixSecs = UnixSecs(1_772_424_000); // 2026-03-02 12:00 in +08:00
    const PATH: &str = "cgi-bin/message/mass/sendall";

    fn not_before(at: UnixSecs) -> Result<Leave, ApiError> {
        Err(ApiError::NotBefore { code: 45009, at, rid: None })
    }

    #[test]
    fn at_half_of_what_is_left_the_platform_is_asked_and_its_word_is_kept() {
        let quotas = Quotas::default();
        let asks: Vec<u64> = (1..=100).filter(|_| quotas.take(PATH, NOON) == Ok(Leave::AskFirst)).collect();
        assert_eq!(asks, [50, 100]);
        quotas.correct(PATH, Quota { daily_limit: 103, used: 101 }, NOON);
        assert_eq!(quotas.take(PATH, NOON), Ok(Leave::AskFirst));
        assert_eq!(quotas.take(PATH, NOON), Ok(Leave::Granted));
        assert_eq!(quotas.take(PATH, NOON), Ok(Leave::AskWhetherOpen));
        assert_eq!(quotas.take(PATH, NOON), not_before(NOON.plus_secs(900)));
        assert_eq!(quotas.used(PATH, NOON), 103);
        assert_eq!(quotas.take(PATH, NOON.plus_secs(12 * 3600)), Ok(Leave::Granted));
    }

    #[test]
    fn what_is_closed_opens_at_its_time_or_when_the_quota_is_cleared() {
        let quotas = Quotas::default();
        assert_eq!(quotas.close(PATH, (45009, midnight(NOON)), NOON), NOON.plus_secs(900));
        assert_eq!(quotas.take(PATH, NOON), not_before(NOON.plus_secs(900)));
        assert_eq!(quotas.take("cgi-bin/other", NOON), Ok(Leave::Granted));
        assert!(quotas.take(PATH, midnight(NOON)).is_ok());
        assert_eq!(quotas.close(PATH, (45011, NOON.plus_secs(60)), NOON), NOON.plus_secs(60));
        assert!(quotas.take(PATH, NOON.plus_secs(59)).is_err() && quotas.take(PATH, NOON.plus_secs(60)).is_ok());
        quotas.close(PATH, (45009, midnight(NOON)), NOON);
        quotas.cleared(Some(PATH));
        assert!(quotas.take(PATH, NOON).is_ok());
    }

    #[test]
    fn whether_a_quota_was_cleared_elsewhere_is_asked_every_quarter_of_an_hour() {
        let quotas = Quotas::default();
        let later = |secs| NOON.plus_secs(secs);
        quotas.close(PATH, (45009, midnight(NOON)), NOON);
        assert_eq!(quotas.take(PATH, later(899)), not_before(later(900)));
        assert_eq!(quotas.take(PATH, later(900)), Ok(Leave::AskWhetherOpen));
        quotas.correct(PATH, Quota { daily_limit: 100, used: 100 }, later(900));
        assert_eq!(quotas.take(PATH, later(901)), not_before(later(1_800)), "it is used up still");
        assert_eq!(quotas.take(PATH, later(1_800)), Ok(Leave::AskWhetherOpen));
        quotas.correct(PATH, Quota { daily_limit: 100, used: 0 }, later(1_800));
        assert_eq!(quotas.take(PATH, later(1_801)), Ok(Leave::Granted));
        let shortly = midnight(NOON).plus_secs(-60);
        quotas.close(PATH, (45009, midnight(NOON)), shortly);
        assert_eq!(quotas.take(PATH, shortly), not_before(midnight(NOON)), "midnight comes first");
    }

    #[test]
    fn a_clock_that_was_ahead_closes_nothing_for_longer() {
        let quotas = Quotas::default();
        let ahead = NOON.plus_secs(10 * DAY_SECS);
        quotas.close(PATH, (45011, ahead.plus_secs(60)), ahead);
        assert_eq!(quotas.take(PATH, NOON), Ok(Leave::Granted));
        quotas.close(PATH, (45009, midnight(NOON)), NOON.plus_secs(3_600));
        assert_eq!(quotas.take(PATH, NOON), Ok(Leave::AskWhetherOpen));
    }
}
