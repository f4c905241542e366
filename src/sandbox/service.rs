//! The sandbox as one value that everybody shares.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::SandboxError;
use super::browser::Jars;
use super::keeper::Keeper;
use super::later::NO_ALARM;
use super::line::Line;
use super::live::{Face, Live};
use super::model::{Audience, Customer, Fresh, Switches};
use super::pay::{Pay, PaySpec};
use super::shelf::Shelf;
use super::spec::SandboxSpec;
use super::telecom::Telecom;
use crate::channel::official::deliver::{Sender, Stamp};
use crate::domain::ids::Openid;

/// News that a page which falls behind may miss before it must ask for everything again.
const LIVE_BACKLOG: usize = 256;
/// Who is at the phone when nobody has been there yet; none of them follows.
const FIRST_CUSTOMERS: [&str; 3] = ["林小雨", "陈大伟", "周阿姨"];
/// Customers the phone page can hold.
const MOST_CUSTOMERS: usize = 24;

/// The model of the platform with one account in it. Cheap to clone; every clone is the same sandbox.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    spec: SandboxSpec,
    keeper: Keeper,
    sender: Sender,
    http: reqwest::Client,
    webhook_url: OnceLock<Url>,
    live: broadcast::Sender<Live>,
    telecom: Telecom,
    /// How far the time was moved forward, in seconds; the state keeps it.
    skew: Arc<AtomicI64>,
    pay: Pay,
    /// When the next job is looked for.
    alarm: AtomicI64,
    switches: Mutex<Switches>,
    shelf: Shelf,
    jars: Jars,
    line: Line,
    closing: CancellationToken,
}

impl Sandbox {
    /// Opens the sandbox, with the state that was saved if there is one.
    ///
    /// # Errors
    /// When the account's keys or the saved state cannot be used.
    pub fn open(spec: SandboxSpec) -> Result<Self, SandboxError> {
        let fresh = Fresh { now: (spec.clock)(), random: rand::random() };
        // Loopback only: a proxy of the environment has no business in between, and a redirect is no answer. A server
        // closes idle connections after some seconds; one that closes just as it is used would look like a failure.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(2))
            .build()?;
        let webhook_url = spec.webhook_url.clone().map_or_else(OnceLock::new, OnceLock::from);
        let sender = Sender {
            token: spec.token.clone(),
            aes_key: spec.aes_key.clone(),
            app_id: spec.app_id.clone(),
            mode: spec.mode,
        };
        // A key that cannot encrypt is found now, not at the first follow.
        let stamp = Stamp { timestamp: fresh.now, nonce: "1".to_owned(), random: [b'0'; 16] };
        sender.push("<xml></xml>", &stamp).map_err(|fault| SandboxError::BadAccount(fault.to_string()))?;
        let keeper = Keeper::open(spec.data_file.clone(), fresh)?;
        if keeper.read().opened_as != spec.kind {
            keeper.change().open_as(spec.kind);
        }
        let skew = Arc::new(AtomicI64::new(keeper.read().clock_offset_secs));
        let (clock, moved) = (Arc::clone(&spec.clock), Arc::clone(&skew));
        let pay = Pay::open(PaySpec {
            app_id: spec.app_id.clone(),
            data_file: spec.data_file.clone(),
            clock: Arc::new(move || clock().saturating_add(moved.load(Ordering::SeqCst))),
            http: http.clone(),
            within: spec.patience.timeout,
        })?;
        let inner = Inner {
            skew,
            pay,
            alarm: AtomicI64::new(NO_ALARM),
            switches: Mutex::default(),
            shelf: Shelf::beside(spec.data_file.as_deref()),
            jars: Jars::default(),
            line: Line::default(),
            keeper,
            sender,
            http,
            webhook_url,
            live: broadcast::Sender::new(LIVE_BACKLOG),
            telecom: Telecom::new()?,
            closing: CancellationToken::new(),
            spec,
        };
        let sandbox = Self(Arc::new(inner));
        if sandbox.keeper().read().customers.is_empty() {
            for nickname in FIRST_CUSTOMERS {
                sandbox.add_customer(nickname)?;
            }
        }
        Ok(sandbox)
    }

    /// Says where deliveries go, once the port is known; the first word stands.
    pub fn set_webhook_url(&self, url: Url) {
        let _ = self.0.webhook_url.set(url);
    }

    /// Writes what has not been written, sends open pages away, and lets nobody wait for a slow business system any
    /// longer. Call it on a clean stop.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn close(&self) -> Result<(), SandboxError> {
        self.tell(Live::Closing);
        self.0.closing.cancel();
        self.0.pay.close();
        self.0.keeper.flush()
    }

    /// A new customer, who does not follow yet.
    ///
    /// # Errors
    /// When the nickname is empty or too long, or the phone is full.
    pub fn add_customer(&self, nickname: &str) -> Result<Openid, SandboxError> {
        let nickname = nickname.trim();
        if !(1..=20).contains(&nickname.chars().count()) {
            return Err(SandboxError::BadNickname);
        }
        let customer = Customer::new(fresh_openid(), nickname.to_owned(), self.now());
        let openid = customer.openid.clone();
        {
            let mut state = self.keeper().change();
            let shown = state.customers.values().filter(|c| c.audience == Audience::Phone).count();
            if shown >= MOST_CUSTOMERS {
                return Err(SandboxError::TooManyCustomers(MOST_CUSTOMERS));
            }
            state.add_customer(customer, self.fresh());
        }
        self.tell_face(&openid);
        Ok(openid)
    }

    /// The payment platform.
    pub fn pay(&self) -> &Pay {
        &self.0.pay
    }

    pub(super) fn spec(&self) -> &SandboxSpec {
        &self.0.spec
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.0.sender
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    pub(super) fn telecom(&self) -> &Telecom {
        &self.0.telecom
    }

    /// Ends when the sandbox closes.
    pub(super) async fn closing(&self) {
        self.0.closing.cancelled().await;
    }

    pub(super) fn webhook_url(&self) -> Option<Url> {
        self.0.webhook_url.get().cloned()
    }

    pub(super) fn now(&self) -> i64 {
        (self.0.spec.clock)().saturating_add(self.0.skew.load(Ordering::SeqCst))
    }

    pub(super) fn skew(&self) -> &AtomicI64 {
        &self.0.skew
    }

    pub(super) fn alarm(&self) -> &AtomicI64 {
        &self.0.alarm
    }

    /// The faults that are switched on.
    pub(super) fn switches(&self) -> MutexGuard<'_, Switches> {
        self.0.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// The cookies of the customers' browsers.
    pub(super) fn jars(&self) -> &Jars {
        &self.0.jars
    }

    pub(super) fn line(&self) -> &Line {
        &self.0.line
    }

    /// Where the bytes of a medium can be fetched.
    pub(super) fn media_url(&self, id: &str) -> String {
        let origin = self.webhook_url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        format!("{origin}/sandbox/platform/media/{id}")
    }

    pub(super) fn fresh(&self) -> Fresh {
        Fresh { now: self.now(), random: rand::random() }
    }

    pub(super) fn watch(&self) -> broadcast::Receiver<Live> {
        self.0.live.subscribe()
    }

    pub(super) fn tell(&self, live: Live) {
        // Nobody may be watching.
        let _ = self.0.live.send(live);
    }

    /// Tells open pages how everybody at the phone looks now.
    pub(super) fn tell_faces(&self) {
        let shown: Vec<Openid> = {
            let state = self.keeper().read();
            let shown = state.customers.values().filter(|c| c.audience == Audience::Phone);
            shown.map(|c| c.openid.clone()).collect()
        };
        shown.iter().for_each(|openid| self.tell_face(openid));
    }

    /// Tells open pages how a customer looks now; the crowd is not shown.
    pub(super) fn tell_face(&self, openid: &Openid) {
        let now = self.now();
        let face = {
            let state = self.keeper().read();
            let customer = state.customers.get(openid).filter(|c| c.audience == Audience::Phone);
            customer.map(|c| Face::of(c, &state, now))
        };
        if let Some(customer) = face {
            self.tell(Live::Customer { customer });
        }
    }
}

/// An access token as the platform makes them.
pub(super) fn fresh_token() -> String {
    let parts: [u64; 8] = rand::random();
    let hex: String = parts.iter().map(|part| format!("{part:016x}")).collect();
    format!("90_{hex}")
}

/// 28 characters beginning with `o`, as the platform makes them (platform.md 2.1).
fn fresh_openid() -> Openid {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let mut text = String::from("o");
    for byte in rand::random::<[u8; 27]>() {
        text.push(char::from(*LETTERS.get(usize::from(byte & 63)).unwrap_or(&b'A')));
    }
    Openid::new(text)
}
