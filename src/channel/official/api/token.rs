//! A token that all processes share and one of them renews (platform.md 4.1, 9.6, 9.7).
//!
//! It lies in the vault beside a lease. Whoever holds the lease asks the platform for the next one; the others go on with
//! the old one while it lives, or look into the vault until the next one is there. A holder that stopped is taken over
//! when its lease ends; if it comes back after all, its change finds another version and has no effect.
//!
//! A token that is refused though the platform has just handed it out is replaced by force, which the platform allows only
//! a few times: all processes together count that here, before they do it.

use serde::{Deserialize, Serialize};

use crate::domain::lease::{Lease, lasts};
use crate::domain::time::UnixSecs;

/// So long one has to fetch a token. Asking takes [`super::keeper::ISSUE_WITHIN`] at most.
pub(super) const LEASE_SECS: i64 = 15;
/// The platform renews a stable token 5 minutes before its end; asked earlier it tells the same again.
const RENEW_BEFORE_SECS: i64 = 270;
/// Processes spread over so many of these seconds.
const JITTER_SECS: u64 = 211;
/// A platform that tells the very token it refused is left alone for so long.
const ECHO_SECS: i64 = 60;
/// A forced renewal may come 30 seconds after the one before, by the platform's clock; the question may have been
/// [`super::keeper::ISSUE_WITHIN`] on its way.
const FORCED_APART_SECS: i64 = 45;
/// And so often within a day and an hour, which no two days of the platform's can both fall into.
const FORCED_A_DAY: usize = 20;
const FORCED_DAY_SECS: i64 = 90_000;
/// So long nobody asks again after an answer that only a person can change.
pub(super) const HOLD_SECS: i64 = 300;

/// One token. Nothing prints it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token {
    /// What travels in the query.
    pub(super) text: String,
    obtained_at: UnixSecs,
    ends_at: UnixSecs,
}

impl Token {
    /// A token that lives `expires_in` seconds from `now`.
    pub(super) fn new(text: String, expires_in: i64, now: UnixSecs) -> Self {
        Self { text, obtained_at: now, ends_at: now.plus_secs(expires_in.clamp(0, 30 * 86_400)) }
    }

    pub(super) fn lives(&self, now: UnixSecs) -> bool {
        self.ends_at > now
    }

    /// When the process `owner` sees to the next one. A token that comes with little life left is used for half of it:
    /// asking for each call would not help.
    pub(super) fn renew_at(&self, owner: u64) -> UnixSecs {
        let dice = owner.rotate_left(self.ends_at.0.rem_euclid(64).unsigned_abs().try_into().unwrap_or(0));
        let jitter = i64::try_from(dice % JITTER_SECS).unwrap_or(0);
        let life = self.ends_at.secs_since(self.obtained_at);
        self.ends_at.plus_secs(-(RENEW_BEFORE_SECS - jitter).min(life / 2))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hold {
    code: i64,
    until: UnixSecs,
}

/// What lies in the vault.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    token: Option<Token>,
    lease: Option<Lease>,
    hold: Option<Hold>,
    /// Until then nobody asks for another one than this token, refused or not.
    echo: Option<UnixSecs>,
    /// When one was last asked for by force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forced: Vec<UnixSecs>,
}

/// Who needs a token, and which will not do.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    pub(super) owner: u64,
    pub(super) now: UnixSecs,
    /// The platform has refused this one.
    pub(super) rejected: Option<&'a str>,
    pub(super) urgency: Urgency,
}

/// How a token is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A call waits for it.
    Now,
    /// The one in use ends soon.
    Soon,
    /// A call waits for it, and the refused one had just been handed out: asking for it again would not help.
    Forced,
}

/// How the platform is asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// For the one there is, or the next one.
    Usual,
    /// For another one; the one there is dies at once.
    Forced,
}

/// What is to be done.
pub(super) enum Step {
    /// Take this one.
    Use(Token),
    /// The platform has said no, lately; with this code.
    Refused(i64),
    /// Somebody else is fetching it.
    Wait,
    /// Write this down; if it could be written, fetch.
    Lease(Kept, Ask),
}

impl Kept {
    /// Of a record; what cannot be read is none.
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn step(&self, need: Need<'_>) -> Step {
        let Need { owner, now, rejected, urgency } = need;
        if let Some(token) = &self.token
            && token.lives(now)
        {
            let is_refused = rejected == Some(token.text.as_str());
            let is_good = match urgency {
                Urgency::Now => !is_refused || self.echo.is_some_and(|until| lasts(until, now, ECHO_SECS)),
                Urgency::Soon => token.renew_at(owner) > now,
                // Or there is no better one to be had.
                Urgency::Forced => !is_refused || !self.may_force(now),
            };
            if is_good {
                return Step::Use(token.clone());
            }
        }
        if let Some(Hold { code, .. }) = self.hold.filter(|hold| lasts(hold.until, now, HOLD_SECS)) {
            return Step::Refused(code);
        }
        match self.lease {
            Some(lease) if lease.is_others(owner, now, LEASE_SECS) => Step::Wait,
            _ => self.lease(need),
        }
    }

    /// With the lease; a forced renewal is counted with it.
    fn lease(&self, Need { owner, now, urgency, .. }: Need<'_>) -> Step {
        let ask = if urgency == Urgency::Forced && self.may_force(now) { Ask::Forced } else { Ask::Usual };
        let mut forced = self.forced.clone();
        if ask == Ask::Forced {
            forced.retain(|at| now.secs_since(*at).abs() < FORCED_DAY_SECS);
            forced.push(now);
        }
        Step::Lease(Self { lease: Some(Lease::new(owner, now, LEASE_SECS)), forced, ..self.clone() }, ask)
    }

    /// Whether the platform would still take a forced renewal (platform.md 4.1: 20 a day, 30 seconds apart).
    fn may_force(&self, now: UnixSecs) -> bool {
        let ago = self.forced.iter().map(|at| now.secs_since(*at).abs());
        let today: Vec<i64> = ago.filter(|secs| *secs < FORCED_DAY_SECS).collect();
        today.len() < FORCED_A_DAY && today.iter().all(|secs| *secs >= FORCED_APART_SECS)
    }

    /// A forced renewal that was counted when it began has ended: from now on the next one is waited for.
    pub(super) fn forced_until(mut self, now: UnixSecs) -> Self {
        if let Some(last) = self.forced.last_mut() {
            *last = now.max(*last);
        }
        self
    }

    /// With the token that was fetched.
    pub(super) fn fetched(self, token: Token, need: Need<'_>) -> Self {
        let is_echo = need.rejected == Some(token.text.as_str());
        let echo = is_echo.then(|| need.now.plus_secs(ECHO_SECS));
        Self { token: Some(token), lease: None, hold: None, echo, ..self }
    }

    /// Without one: the lease is given back, and after an answer that only a person can change nobody asks for a while.
    pub(super) fn failed(self, alarm: Option<i64>, now: UnixSecs) -> Self {
        let hold = alarm.map(|code| Hold { code, until: now.plus_secs(HOLD_SECS) });
        Self { lease: None, hold, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSecs = UnixSecs(1_000_000);

    fn need(owner: u64, now: UnixSecs, rejected: Option<&str>) -> Need<'_> {
        Need { owner, now, rejected, urgency: Urgency::Now }
    }

    fn told(step: &Step) -> String {
        match step {
            Step::Use(token) => token.text.clone(),
            Step::Refused(code) => format!("refused {code}"),
            Step::Wait => "wait".into(),
            Step::Lease(_, Ask::Usual) => "lease".into(),
            Step::Lease(_, Ask::Forced) => "force".into(),
        }
    }

    fn leased(kept: &Kept, need: Need<'_>) -> Kept {
        let Step::Lease(kept, _) = kept.step(need) else { panic!("{}", told(&kept.step(need))) };
        kept
    }

    #[test]
    fn one_fetches_the_others_wait_and_a_stopped_one_is_taken_over() {
        let kept = leased(&Kept::default(), need(1, NOW, None));
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(14), None))), "wait");
        assert_eq!(told(&kept.step(need(1, NOW, None))), "lease");
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(15), None))), "lease");
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(-1_000), None))), "lease");
    }

    #[test]
    fn a_refused_token_is_renewed_only_if_it_is_still_the_one_that_is_kept() {
        let kept = Kept::default().fetched(Token::new("T2".into(), 7200, NOW), need(1, NOW, Some("T1")));
        assert_eq!(told(&kept.step(need(2, NOW, Some("T1")))), "T2");
        assert_eq!(told(&kept.step(need(2, NOW, Some("T2")))), "lease");
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(7199), None))), "T2");
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(7200), None))), "lease");
    }

    #[test]
    fn a_platform_that_repeats_the_token_it_refused_is_not_asked_for_each_call() {
        let kept = Kept::default().fetched(Token::new("T1".into(), 7200, NOW), need(1, NOW, Some("T1")));
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(59), Some("T1")))), "T1");
        assert_eq!(told(&kept.step(need(2, NOW.plus_secs(60), Some("T1")))), "lease");
    }

    #[test]
    fn a_token_is_replaced_by_force_as_often_as_the_platform_allows_and_counted_before_it_is_asked_for() {
        let forced = |now, rejected| Need { urgency: Urgency::Forced, ..need(1, now, rejected) };
        let mut kept = Kept::default().fetched(Token::new("T1".into(), 7200, NOW), need(1, NOW, Some("T0")));
        assert_eq!(told(&kept.step(forced(NOW, Some("T0")))), "T1", "somebody else has brought one");
        kept = leased(&kept, forced(NOW, Some("T1")));
        assert_eq!(kept.forced, [NOW], "counted with the lease");
        assert_eq!(told(&kept.step(need(2, NOW, Some("T1")))), "wait");
        kept = Kept::read(&kept.failed(None, NOW).write());
        // Nothing came of it, and the platform may have counted it all the same.
        assert_eq!(told(&kept.step(forced(NOW.plus_secs(44), Some("T1")))), "T1");
        assert_eq!(told(&kept.step(forced(NOW.plus_secs(45), Some("T1")))), "force");
        let slow = kept.clone().forced_until(NOW.plus_secs(10));
        assert_eq!(told(&slow.step(forced(NOW.plus_secs(54), Some("T1")))), "T1", "since its end");
        assert_eq!(told(&slow.step(forced(NOW.plus_secs(55), Some("T1")))), "force");
        assert_eq!(told(&kept.step(forced(NOW.plus_secs(7_200), Some("T1")))), "force", "when its time is over, too");
        assert_eq!(told(&Kept { token: None, ..kept.clone() }.step(forced(NOW.plus_secs(1), Some("T1")))), "lease");
        for n in 1..20 {
            let now = NOW.plus_secs(n * 100);
            kept = leased(&kept, forced(now, Some("T1"))).failed(None, now);
        }
        assert_eq!(told(&kept.step(forced(NOW.plus_secs(4_000), Some("T1")))), "T1", "twenty a day");
        let tomorrow = Token::new("T2".into(), 7200, NOW.plus_secs(86_400));
        kept = kept.fetched(tomorrow, need(1, NOW.plus_secs(86_400), None));
        assert_eq!(told(&kept.step(forced(NOW.plus_secs(89_999), Some("T2")))), "T2");
        kept = leased(&kept, forced(NOW.plus_secs(90_000), Some("T2")));
        assert_eq!(kept.forced.len(), 20, "and no more are remembered than count");
    }

    #[test]
    fn a_bad_secret_is_not_tried_for_five_minutes_and_a_passing_fault_at_once() {
        let held = leased(&Kept::default(), need(1, NOW, None)).failed(Some(40125), NOW);
        assert_eq!(told(&held.step(need(2, NOW.plus_secs(299), None))), "refused 40125");
        assert_eq!(told(&held.step(need(2, NOW.plus_secs(300), None))), "lease");
        let passed = leased(&Kept::default(), need(1, NOW, None)).failed(None, NOW);
        assert_eq!(told(&passed.step(need(2, NOW, None))), "lease");
    }

    #[test]
    fn renewal_begins_in_the_last_five_minutes_at_a_moment_of_each_process_own() {
        let token = Token::new("T".into(), 7200, NOW);
        let left = |owner| token.ends_at.secs_since(token.renew_at(owner));
        let spread: std::collections::BTreeSet<i64> = (0..1_000).map(|n| left(n * 7_919)).collect();
        assert!(spread.iter().all(|secs| (60..=270).contains(secs)), "{spread:?}");
        assert!(spread.len() > 50, "{spread:?}");
        assert_eq!(Token::new("T".into(), 60, NOW).renew_at(7), NOW.plus_secs(30));
        let kept = Kept::default().fetched(token.clone(), need(1, NOW, None));
        let soon = |now| Need { urgency: Urgency::Soon, ..need(1, now, None) };
        assert_eq!(told(&kept.step(soon(token.renew_at(1).plus_secs(-1)))), "T");
        assert_eq!(told(&kept.step(soon(token.renew_at(1)))), "lease");
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_broken_one_is_none() {
        let kept = Kept::default().fetched(Token::new("T".into(), 7200, NOW), need(1, NOW, None));
        assert!(Kept::read(&kept.write()) == kept);
        assert!(Kept::read(b"{") == Kept::default());
    }
}
