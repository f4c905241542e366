//! Gets hold of a shared token: from memory, from the vault, or from the platform.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::error::ApiError;
use super::reaction::{Reaction, reaction_of_token};
use super::token::{Ask, HOLD_SECS, Kept, Need, Step, Token, Urgency};
use super::vault::{TokenVault, VaultFault, Vaulted};
use crate::domain::lease::lasts;
use crate::domain::time::UnixSecs;

/// The platform has so long to hand out a token; less than the lease lasts.
pub(super) const ISSUE_WITHIN: Duration = Duration::from_secs(12);
/// The vault has so long to answer; a call shall not wait for it longer than for the platform.
const VAULT_WITHIN: Duration = Duration::from_secs(1);
/// So often it is tried: one answer that is late is no reason to go without it.
const VAULT_TRIES: usize = 2;
/// So long a call waits for a token that another process is fetching.
const WAIT_WITHIN: Duration = Duration::from_secs(20);
/// So often it looks, and up to as much again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A renewal in the background that came to nothing is tried again after so long.
const RENEW_AGAIN_SECS: i64 = 10;

/// The address of this machine is not in the account's list: of no concern to other machines.
const STRANGER: i64 = 40164;

/// Which token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// That of the account (platform.md 4.1).
    Access,
    /// The ticket that signs pages (platform.md 4.17).
    JsTicket,
}

impl Kind {
    /// The name of its record; it never changes.
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::JsTicket => "js-ticket",
        }
    }
}

/// Which token will not do.
#[derive(Clone, Copy)]
pub(super) struct Rejected<'a> {
    pub(super) text: &'a str,
    /// The platform had just handed it out, because of a refusal.
    pub(super) is_just_got: bool,
}

/// Hands out tokens.
pub(super) trait Issuer: Send + Sync {
    /// A token from the platform.
    fn issue(&self, kind: Kind, ask: Ask) -> BoxFuture<'_, Result<Token, ApiError>>;

    /// The time.
    fn now(&self) -> UnixSecs;
}

/// A token, and whether it was asked for because of this very need.
pub(super) struct Held {
    pub(super) text: String,
    pub(super) is_fresh: bool,
}

/// Keeps one kind of token for one process.
pub(super) struct Keeper {
    kind: Kind,
    vault: Arc<dyn TokenVault>,
    /// Which process this is: random.
    owner: u64,
    cached: RwLock<Option<Token>>,
    /// Held by whoever of this process looks for a new one.
    gate: Arc<Mutex<()>>,
    /// When somebody last looked for one in vain, and why.
    in_vain: RwLock<Option<(Instant, ApiError)>>,
    renew_not_before: AtomicI64,
    /// The platform does not know this machine's address (40164): until then it does not ask. Others may.
    stranger_until: AtomicI64,
}

impl Keeper {
    pub(super) fn new(kind: Kind, vault: Arc<dyn TokenVault>) -> Self {
        let (cached, gate) = (RwLock::default(), Arc::default());
        let (renew_not_before, stranger_until) = (AtomicI64::new(i64::MIN), AtomicI64::new(i64::MIN));
        let in_vain = RwLock::default();
        Self { kind, vault, owner: rand::random(), cached, gate, in_vain, renew_not_before, stranger_until }
    }

    /// The token in memory, if it lives and is not the refused one.
    pub(super) fn at_hand(&self, now: UnixSecs, rejected: Option<Rejected<'_>>) -> Option<String> {
        let token = self.cached()?;
        (token.lives(now) && rejected.is_none_or(|rejected| rejected.text != token.text)).then_some(token.text)
    }

    /// Whether somebody should see to the next one now.
    pub(super) fn is_due(&self, now: UnixSecs) -> bool {
        !lasts(UnixSecs(self.renew_not_before.load(Ordering::Relaxed)), now, RENEW_AGAIN_SECS)
            && self.cached().is_some_and(|token| token.renew_at(self.owner) <= now)
    }

    /// Sees to the next one, unless somebody else does. Nobody waits for it.
    pub(super) async fn renew(&self, issuer: &dyn Issuer) {
        let Ok(_gate) = Arc::clone(&self.gate).try_lock_owned() else { return };
        let now = issuer.now();
        if !self.is_due(now) {
            return;
        }
        self.renew_not_before.store(now.plus_secs(RENEW_AGAIN_SECS).0, Ordering::Relaxed);
        let need = Need { owner: self.owner, now, rejected: None, urgency: Urgency::Soon };
        match self.look(issuer, need).await {
            Ok(Some(_)) => self.renew_not_before.store(i64::MIN, Ordering::Relaxed),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, kind = self.kind.name(), "the token was not renewed; the old one still lives")
            }
        }
    }

    /// A token that is not the refused one; waits for it.
    pub(super) async fn get(&self, issuer: &dyn Issuer, rejected: Option<Rejected<'_>>) -> Result<Held, ApiError> {
        let came = Instant::now();
        let _gate = self.gate.lock().await;
        // Whoever held the gate before may have brought one.
        if let Some(text) = self.at_hand(issuer.now(), rejected) {
            return Ok(Held { text, is_fresh: false });
        }
        // Those who waited meanwhile wait no second time, one after the other.
        let in_vain = self.in_vain.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, error)) = in_vain.filter(|(at, _)| *at >= came) {
            return Err(error);
        }
        let found = self.seek(issuer, rejected).await;
        if let Err(error) = &found {
            let at = Some((Instant::now(), error.clone()));
            *self.in_vain.write().unwrap_or_else(PoisonError::into_inner) = at;
        }
        found
    }

    async fn seek(&self, issuer: &dyn Issuer, rejected: Option<Rejected<'_>>) -> Result<Held, ApiError> {
        let patience = Instant::now() + WAIT_WITHIN;
        let mut waited = false;
        let is_just_got = self.kind == Kind::Access && rejected.is_some_and(|rejected| rejected.is_just_got);
        let urgency = if is_just_got { Urgency::Forced } else { Urgency::Now };
        let rejected = rejected.map(|rejected| rejected.text);
        loop {
            let need = Need { owner: self.owner, now: issuer.now(), rejected, urgency };
            match self.look(issuer, need).await? {
                Some(held) => return Ok(Held { is_fresh: held.is_fresh || waited, ..held }),
                None if Instant::now() >= patience => return Err(ApiError::Unreached),
                None => {
                    waited = true;
                    sleep(LOOK_EVERY.mul_f64(1.0 + rand::random::<f64>())).await;
                }
            }
        }
    }

    /// Looks into the vault and does what is to be done; `None` when somebody else is at it.
    async fn look(&self, issuer: &dyn Issuer, need: Need<'_>) -> Result<Option<Held>, ApiError> {
        let Ok(Vaulted { version, body }) = self.read().await else {
            return self.without_vault(issuer, need).await;
        };
        let (leased, ask) = match Kept::read(&body).step(need) {
            Step::Use(token) => return Ok(Some(self.keep(token, false))),
            Step::Refused(code) => return Err(ApiError::Refused { code, rid: None }),
            Step::Wait => return Ok(None),
            Step::Lease(..) if lasts(UnixSecs(self.stranger_until.load(Ordering::Relaxed)), need.now, HOLD_SECS) => {
                return Err(ApiError::Refused { code: STRANGER, rid: None });
            }
            Step::Lease(leased, ask) => (leased, ask),
        };
        match self.swap(version, &leased).await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(VaultFault) => return self.without_vault(issuer, need).await,
        }
        let fetched = self.fetch(issuer, ask).await;
        let leased = if ask == Ask::Forced { leased.forced_until(issuer.now()) } else { leased };
        let kept = match &fetched {
            Ok(token) => leased.fetched(token.clone(), need),
            Err(error) if error.code() == Some(STRANGER) => {
                self.stranger_until.store(need.now.plus_secs(HOLD_SECS).0, Ordering::Relaxed);
                leased.failed(None, need.now)
            }
            Err(error) => leased.failed(alarm(error), need.now),
        };
        let written = self.swap(version + 1, &kept).await;
        let token = match (fetched, need.rejected) {
            // The call fails for its own reason, not for the limits of what was tried for it.
            (Err(error), Some(rejected)) if ask == Ask::Forced => {
                tracing::warn!(%error, "a token that the platform refuses could not be replaced by force");
                return Ok(Some(Held { text: rejected.to_owned(), is_fresh: false }));
            }
            (fetched, _) => fetched?,
        };
        if written == Ok(false)
            && let Ok(Vaulted { body, .. }) = self.read().await
            && let Step::Use(newer) = Kept::read(&body).step(need)
        {
            // We were taken for stopped. What whoever took over brought is the latest.
            return Ok(Some(self.keep(newer, true)));
        }
        Ok(Some(self.keep(token, true)))
    }

    async fn read(&self) -> Result<Vaulted, VaultFault> {
        let mut read = Err(VaultFault);
        for _ in 0..VAULT_TRIES {
            read = timeout(VAULT_WITHIN, self.vault.read(self.kind.name())).await.unwrap_or(Err(VaultFault));
            if read.is_ok() {
                break;
            }
        }
        read
    }

    /// A change that was made though its answer was lost is not made again: by then the version is another one, and what
    /// is kept is looked at anew.
    async fn swap(&self, from: u64, kept: &Kept) -> Result<bool, VaultFault> {
        let mut swapped = Err(VaultFault);
        for _ in 0..VAULT_TRIES {
            let swap = self.vault.swap(self.kind.name(), from, kept.write());
            swapped = timeout(VAULT_WITHIN, swap).await.unwrap_or(Err(VaultFault));
            if swapped.is_ok() {
                break;
            }
        }
        swapped
    }

    /// Stable tokens are the same for all, so processes that ask apart do each other no harm; but not before they must.
    async fn without_vault(&self, issuer: &dyn Issuer, need: Need<'_>) -> Result<Option<Held>, ApiError> {
        if need.urgency == Urgency::Soon {
            tracing::warn!(kind = self.kind.name(), "the shared token cannot be read; the one in use still lives");
            return Ok(None);
        }
        tracing::warn!(kind = self.kind.name(), "the shared token cannot be read; this process asks for its own");
        let token = self.fetch(issuer, Ask::Usual).await?;
        Ok(Some(self.keep(token, true)))
    }

    async fn fetch(&self, issuer: &dyn Issuer, ask: Ask) -> Result<Token, ApiError> {
        let issued = timeout(ISSUE_WITHIN, issuer.issue(self.kind, ask)).await.unwrap_or(Err(ApiError::Unreached));
        // Whatever became of the question for a token: the call it was for was not made.
        issued.map_err(|error| if error == ApiError::Busy { ApiError::Unreached } else { error })
    }

    fn keep(&self, token: Token, is_fresh: bool) -> Held {
        let text = token.text.clone();
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Held { text, is_fresh }
    }

    fn cached(&self) -> Option<Token> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The code of an answer that only a person can change.
fn alarm(error: &ApiError) -> Option<i64> {
    error.code().filter(|code| matches!(reaction_of_token(*code), Reaction::Alert(_)))
}
