//! The payment platform as one value that everybody shares.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::keys::{Credentials, Keys};
use super::model::{Act, Books, State, Switches};
use crate::sandbox::SandboxError;

/// When nothing is waited for.
const NO_ALARM: i64 = i64::MAX;

/// What the payment platform is told when it opens.
#[derive(Clone)]
pub struct PaySpec {
    /// The AppID that is bound to the merchant.
    pub app_id: String,
    /// The sandbox's own file; books and keys lie beside it. `None` keeps them in memory.
    pub data_file: Option<PathBuf>,
    /// The clock, in Unix seconds.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Takes notifications away.
    pub http: reqwest::Client,
    /// How long a notification waits for its answer.
    pub within: Duration,
}

/// The payment platform with one merchant. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub struct Pay(Arc<Inner>);

struct Inner {
    spec: PaySpec,
    keys: OnceLock<Mutex<Keys>>,
    making: Mutex<()>,
    books: Mutex<Books>,
    switches: Mutex<Switches>,
    alarm: AtomicI64,
    delivering: tokio::sync::Mutex<()>,
    closing: watch::Sender<bool>,
}

impl Pay {
    /// Opens it with the books that were kept, if there are any. Keys are made when somebody first needs them.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn open(spec: PaySpec) -> Result<Self, SandboxError> {
        let kept = spec.data_file.as_deref().map(|file| read(&beside(file, "pay.json"))).transpose()?.flatten();
        Ok(Self(Arc::new(Inner {
            spec,
            keys: OnceLock::new(),
            making: Mutex::default(),
            books: Mutex::new(kept.unwrap_or_default()),
            switches: Mutex::default(),
            alarm: AtomicI64::new(NO_ALARM),
            delivering: tokio::sync::Mutex::default(),
            closing: watch::Sender::new(false),
        })))
    }

    /// What the merchant's page gives out.
    ///
    /// # Errors
    /// When keys can be neither read nor made.
    pub fn credentials(&self) -> Result<Credentials, SandboxError> {
        self.keys()?.credentials().map_err(|fault| SandboxError::BadAccount(fault.to_string()))
    }

    /// A new platform certificate takes over; gives back its serial. The former one is good for a day more.
    ///
    /// # Errors
    /// When it cannot be made or kept.
    pub fn rotate(&self) -> Result<String, SandboxError> {
        let mut keys = self.keys()?;
        let serial = keys.rotate(self.now()).map_err(|fault| SandboxError::BadAccount(fault.to_string()))?;
        if let Some(file) = &self.0.spec.data_file {
            keys.write(&beside(file, "pay-keys.json"))?;
        }
        Ok(serial)
    }

    /// Changes the faults that `change` names; gives back all of them.
    ///
    /// # Errors
    /// When `change` holds what is no fault.
    pub fn switch_faults(&self, change: &Value) -> Result<Value, SandboxError> {
        let mut switches = self.switches();
        *switches = switches.changed(change).map_err(SandboxError::BadSwitch)?;
        Ok(json!(&*switches))
    }

    /// What a customer does with what the pay page hands to the platform; how the order stands then.
    ///
    /// # Errors
    /// In the words that the phone shows.
    pub fn act(&self, openid: &str, page: &Value, act: Act) -> Result<State, &'static str> {
        let prepay_id = self.page(page).ok_or("支付验证签名失败")?;
        let now = self.now();
        self.change(|books| books.act((&prepay_id, openid), act, now))
    }

    /// The same of somebody who has the page of this order of the merchant's open.
    ///
    /// # Errors
    /// In the words that the phone shows.
    pub fn act_on(&self, (number, openid): (&str, &str), act: Act) -> Result<State, &'static str> {
        let now = self.now();
        self.change(|books| books.act_on((number, openid), act, now))
    }

    /// What the phone shows before it is paid: for what, and how much in fen.
    ///
    /// # Errors
    /// In the words that the phone shows.
    pub fn sheet(&self, openid: &str, page: &Value) -> Result<(String, i64), &'static str> {
        let prepay_id = self.page(page).ok_or("支付验证签名失败")?;
        let now = self.now();
        self.change(|books| {
            books.payable((&prepay_id, openid), now).map(|order| (order.description.clone(), order.total_fen))
        })
    }

    /// The prepay id of a page's parameters, if the merchant signed them.
    fn page(&self, page: &Value) -> Option<String> {
        let text = |name: &str| page.get(name).and_then(Value::as_str);
        let at = text("timeStamp").or_else(|| text("timestamp"))?;
        let (nonce, package) = (text("nonceStr")?, text("package")?);
        let app_id = text("appId").unwrap_or(&self.0.spec.app_id);
        let message = format!("{app_id}\n{at}\n{nonce}\n{package}\n");
        let is_ours = app_id == self.0.spec.app_id && text("signType") == Some("RSA");
        let is_signed = self.keys().ok()?.merchant.verifies(message.as_bytes(), text("paySign")?);
        (is_ours && is_signed).then(|| package.strip_prefix("prepay_id=").map(str::to_owned))?
    }

    /// A look at the books.
    pub fn books(&self) -> Books {
        let now = self.now();
        self.change(|books| {
            books.pass(now);
            books.clone()
        })
    }

    /// What was told in vain and waits for its next try is told now.
    pub async fn hurry(&self) {
        let now = self.now();
        self.change(|books| books.hurry(now));
        self.catch_up().await;
    }

    /// A look at the books where they lie, as they were left.
    pub fn look<T>(&self, look: impl FnOnce(&Books) -> T) -> T {
        look(&self.0.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nobody waits for what is due later any longer.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    pub(super) fn keys(&self) -> Result<MutexGuard<'_, Keys>, SandboxError> {
        let _making = self.0.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.keys.get().is_none() {
            let file = self.0.spec.data_file.as_deref().map(|file| beside(file, "pay-keys.json"));
            let keys = Keys::keep(file.as_deref(), self.now())?;
            let _ = self.0.keys.set(Mutex::new(keys));
        }
        let made = self.0.keys.get().ok_or_else(|| SandboxError::BadAccount("no keys".into()))?;
        Ok(made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the books and keeps them.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        let mut books = self.0.books.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.0.spec.data_file.is_some().then(|| books.clone());
        let done = change(&mut books);
        if let (Some(file), Some(before)) = (&self.0.spec.data_file, before)
            && before != *books
            && let Err(fault) = write(&beside(file, "pay.json"), &books)
        {
            tracing::warn!(%fault, "the payment platform's books were not saved");
        }
        done
    }

    pub(super) fn switches(&self) -> MutexGuard<'_, Switches> {
        self.0.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spec(&self) -> &PaySpec {
        &self.0.spec
    }

    pub(super) fn now(&self) -> i64 {
        (self.0.spec.clock)()
    }

    /// Ends when the sandbox closes.
    pub(super) async fn closing(&self) {
        let _ = self.0.closing.subscribe().wait_for(|closing| *closing).await;
    }

    pub(super) fn delivering(&self) -> &tokio::sync::Mutex<()> {
        &self.0.delivering
    }

    /// Sees to what is due now, and to what falls due next as long as time passes by itself.
    pub(super) fn catch_up_soon(&self) {
        let Some(at) = self.next_due() else { return };
        let now = self.now();
        let set = self.0.alarm.fetch_min(at, Ordering::SeqCst);
        if set <= at && set > now {
            return;
        }
        self.0.alarm.store(at, Ordering::SeqCst);
        let wait = Duration::from_secs(u64::try_from(at - now).unwrap_or(0));
        let pay = self.clone();
        actix_web::rt::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = pay.closing() => return,
            }
            pay.0.alarm.store(NO_ALARM, Ordering::SeqCst);
            pay.catch_up().await;
            if pay.next_due().is_some_and(|at| at > pay.now()) {
                pay.catch_up_soon();
            }
        });
    }

    fn next_due(&self) -> Option<i64> {
        let late_secs = self.switches().late_secs;
        self.look(|books| books.next_due(late_secs))
    }
}

fn beside(file: &Path, extension: &str) -> PathBuf {
    file.with_extension(extension)
}

fn read(file: &Path) -> Result<Option<Books>, SandboxError> {
    let unreadable = |cause: String| SandboxError::Unreadable { path: file.to_owned(), cause };
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|fault| unreadable(fault.to_string())),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(unreadable(cause.to_string())),
    }
}

fn write(file: &Path, books: &Books) -> std::io::Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, serde_json::to_vec(books).map_err(std::io::Error::other)?)?;
    fs::rename(&new, file)
}
