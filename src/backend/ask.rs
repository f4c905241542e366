//! Asking: one request, bounded in time and size, and what came of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use super::carry::{Came, Carrier};
use super::places::{Ended, Full, Places, Waits};
use super::request::{Unaskable, request};
use crate::domain::connector::Connector;
use crate::domain::playbook::Playbook;
use crate::domain::question::{Answer, Question};

/// `base_url` of the demo business system.
const SANDBOX: &str = "sandbox:";

/// A connection stands within this time, or nobody is there.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
/// An idle connection is kept so long: what stands in between forgets it after a minute or so, and says nothing.
const KEPT_OPEN: Duration = Duration::from_secs(20);

/// Questions that were not put because too many were under way or too many failed, by why.
const NOT_PUT: &str = "fuwu_questions_not_put_total";

/// The operator's business system, as connectors describe it.
#[derive(Clone)]
pub struct Backend {
    carrier: Arc<dyn Carrier>,
    sandbox_base: Option<Url>,
    places: Places,
}

/// How long a question may take, and who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// At most so long.
    pub within: Duration,
    /// So long it would be if nothing had been lost before: being late for less is not the business system's fault.
    pub meant: Duration,
    /// Who waits.
    pub waits: Waits,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("sandbox_base", &self.sandbox_base).finish_non_exhaustive()
    }
}

/// A client as [`Backend`] needs it: it follows no redirects, which could lead a question and its key elsewhere, and
/// uses no proxy of the environment, since business systems are inside.
pub fn client() -> reqwest::Result<Client> {
    // An address that swallows everything is known for one before anything has left: that is no lost answer.
    let builder = Client::builder().connect_timeout(CONNECT_WITHIN).pool_idle_timeout(KEPT_OPEN);
    builder.redirect(Policy::none()).no_proxy().build()
}

impl Backend {
    /// A backend that asks through `client`, made by [`client()`]; `sandbox_base` is where `sandbox:` leads.
    pub fn new(client: Client, sandbox_base: Option<Url>) -> Self {
        Self { carrier: Arc::new(client), sandbox_base, places: Places::default() }
    }

    /// A backend whose requests go where `carrier` takes them.
    #[cfg(test)]
    pub(crate) fn carried_by(carrier: Arc<dyn Carrier>) -> Self {
        Self { carrier, sandbox_base: Url::parse("http://sandbox.invalid/").ok(), places: Places::default() }
    }

    /// Puts `question` and waits for the answer.
    ///
    /// [`Answer::Down`] is only said when the question had no effect, or changes nothing (it carries no idempotency
    /// key) and its answer cannot be used. Where value is at stake and the question may have arrived, everything
    /// that is no clear answer is [`Answer::TimedOut`]: its effect is unknown, and asking again is safe.
    ///
    /// # Errors
    /// [`Full`] when it was not put.
    pub async fn ask(&self, playbook: &Playbook, question: &Question, patience: Patience) -> Result<Answer, Full> {
        let Some(connector) = playbook.connectors.get(&question.connector) else {
            return Ok(unasked(question, &Unaskable::NoConnector));
        };
        let made = base(&playbook.base_url, self.sandbox_base.as_ref()).ok_or(Unaskable::NoBase);
        let request = match made.and_then(|base| request(&base, connector, question)) {
            Ok(request) => request,
            Err(cause) => return Ok(unasked(question, &cause)),
        };
        let place = match self.places.take(&question.connector, patience.waits, now()) {
            Ok(place) => place,
            Err(full) => {
                metrics::counter!(NOT_PUT, "reason" => full.name()).increment(1);
                return Err(full);
            }
        };
        let came = match tokio::time::timeout(patience.within, self.carrier.carry(request)).await {
            Ok(came) => came,
            Err(_) => Came::Late,
        };
        let status = match &came {
            Came::Answered(status, _) => Some(*status),
            _ => None,
        };
        let is_our_fault = matches!(came, Came::Late) && patience.within < patience.meant;
        let answer = judge(connector, question, came);
        if !is_our_fault {
            place.leave(now(), ended(&answer, status));
        }
        if !matches!(answer, Answer::Loaded(_)) {
            let outcome = match &answer {
                Answer::Refused { .. } => "refused",
                Answer::TimedOut => "timed out",
                _ => "down",
            };
            tracing::info!(connector = %question.connector, outcome, "the business system gave no values");
        }
        Ok(answer)
    }
}

/// Makes the request of a question and throws it away: whether it could be put, without anybody to put it to.
pub(crate) fn prove(playbook: &Playbook, question: &Question) -> Result<(), Unaskable> {
    let connector = playbook.connectors.get(&question.connector).ok_or(Unaskable::NoConnector)?;
    let anywhere = Url::parse("http://sandbox.invalid/").ok();
    let base = base(&playbook.base_url, anywhere.as_ref()).ok_or(Unaskable::NoBase)?;
    request(&base, connector, question).map(|_| ())
}

fn base(base_url: &str, sandbox_base: Option<&Url>) -> Option<Url> {
    let Some(rest) = base_url.strip_prefix(SANDBOX) else { return Url::parse(base_url).ok() };
    let mut url = sandbox_base?.clone();
    let path = format!("{}/{}", url.path().trim_end_matches('/'), rest.trim_start_matches('/'));
    url.set_path(&path);
    Some(url)
}

/// A refusal is an answer, and so is that something is not there; a gateway that has had enough, or says what nobody can
/// read, is none.
fn ended(answer: &Answer, status: Option<StatusCode>) -> Ended {
    let has_had_enough = |status| status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS;
    match (answer, status) {
        (Answer::Loaded(_) | Answer::Refused { .. }, _) => Ended::Answered,
        (_, Some(status)) if status.is_client_error() && !has_had_enough(status) => Ended::Answered,
        _ => Ended::Failed,
    }
}

/// The runtime's clock, which tests can turn.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

fn judge(connector: &Connector, question: &Question, came: Came) -> Answer {
    let unclear = if question.idempotency_key.is_some() { Answer::TimedOut } else { Answer::Down };
    match came {
        Came::Unsent => Answer::Down,
        Came::Late | Came::Lost => Answer::TimedOut,
        Came::Answered(status, body) if status.is_success() => {
            match body.map_or(Answer::Down, |body| connector.read(&body)) {
                Answer::Down => unclear,
                answer => answer,
            }
        }
        Came::Answered(status, body) if status.is_client_error() => {
            let code =
                connector.refusal.as_ref().zip(body).and_then(|(refusal, body)| {
                    refusal.code(&body).filter(|code| !code.is_empty() && *code != refusal.ok)
                });
            match code {
                Some(code) => Answer::Refused { code },
                // The business system, or a gateway before it, waited for something.
                None if status == StatusCode::REQUEST_TIMEOUT => unclear,
                // It is already dealing with the same question.
                None if status == StatusCode::CONFLICT => unclear,
                None => Answer::Down,
            }
        }
        Came::Answered(..) => unclear,
    }
}

fn unasked(question: &Question, cause: &Unaskable) -> Answer {
    tracing::warn!(connector = %question.connector, %cause, "a question to the business system was not put");
    Answer::Down
}

#[cfg(test)]
mod tests;
