//! One merchant's way to the platform.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use tokio::sync::Mutex;
use url::Url;

use super::carry::Hosts;
use super::merchant::Merchant;
use super::ring::KeyRing;
use super::sign::Moment;
use crate::domain::time::UnixSecs;

/// The platform's address and the one to turn to when it is away (platform.md 6.2).
pub const HOSTS: [&str; 2] = ["https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"];
/// Who we say we are; the platform refuses those who do not.
const USER_AGENT: &str = concat!("fuwu/", env!("CARGO_PKG_VERSION"));
/// An address that does not take a connection in this time is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// What time it is.
pub type Clock = Arc<dyn Fn() -> UnixSecs + Send + Sync>;

/// What a client needs besides its merchant.
pub struct ClientSpec {
    /// The platform's addresses, the best first; what is below their path is the platform's.
    pub hosts: Vec<Url>,
    /// Made by [`http_client`].
    pub http: reqwest::Client,
    /// The clock.
    pub clock: Clock,
    /// How long one try of a call may take.
    pub within: Duration,
}

/// One merchant's way to the platform. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    merchant: Merchant,
    ring: KeyRing,
    hosts: Hosts,
    clock: Clock,
    /// Held while certificates are fetched: who needs them meanwhile waits.
    fetching: Mutex<()>,
}

/// A client as [`Client`] needs it: it follows no redirect, which could lead a signature elsewhere, and asks for no
/// compression, since signatures are over the bytes as they were written.
///
/// # Errors
/// When TLS cannot be set up.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().redirect(Policy::none()).connect_timeout(CONNECT_WITHIN);
    builder.user_agent(USER_AGENT).no_gzip().build()
}

impl Client {
    /// A client of this merchant.
    pub fn new(merchant: Merchant, spec: ClientSpec) -> Self {
        let ring = KeyRing::new(merchant.public_key().cloned());
        let hosts = Hosts::new(spec.hosts, spec.http, spec.within);
        Self(Arc::new(Inner { merchant, ring, hosts, clock: spec.clock, fetching: Mutex::default() }))
    }

    /// The merchant.
    pub fn merchant(&self) -> &Merchant {
        &self.0.merchant
    }

    pub(super) fn ring(&self) -> &KeyRing {
        &self.0.ring
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    pub(super) fn fetching(&self) -> &Mutex<()> {
        &self.0.fetching
    }

    pub(super) fn now(&self) -> UnixSecs {
        (self.0.clock)()
    }

    /// Now, and a nonce nobody has seen.
    pub(super) fn moment(&self) -> Moment {
        Moment { at: self.now().0, nonce: format!("{:032X}", rand::random::<u128>()) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("pay::Client").field("merchant", &self.0.merchant).finish_non_exhaustive()
    }
}
