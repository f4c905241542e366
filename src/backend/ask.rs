//! Asking: one request, bounded in time and size, and what came of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, Url};

use super::carry::{Came, Carrier};
use super::cause::Cause;
use super::guard::{Forbidden, Guard, written_out};
use super::kept::{For, Kept};
use super::places::{Ended, Full, Places, Waits};
use super::request::{Request, Unaskable, request};
use super::secrets::Secrets;
use crate::domain::connector::{Addresses, Connector};
use crate::domain::ids::Openid;
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
/// Questions without an answer that can be used, by why.
const UNANSWERED: &str = "fuwu_questions_unanswered_total";
/// Questions that were answered with what was kept of an earlier answer.
const TOLD_AGAIN: &str = "fuwu_questions_told_again_total";

/// The operator's business system, as connectors describe it.
#[derive(Clone)]
pub struct Backend {
    way: Way,
    sandbox_base: Option<Url>,
    places: Places,
    secrets: Secrets,
    kept: Arc<Kept>,
}

/// How requests travel.
#[derive(Clone)]
enum Way {
    /// Over the network, to addresses that are looked at.
    Guarded(Arc<Guard>),
    /// Where the test takes them.
    #[cfg(test)]
    Carried(Arc<dyn Carrier>),
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

/// A client for business systems and for ourselves: it follows no redirects, which could lead a question and its key
/// elsewhere, and uses no proxy of the environment, since business systems are inside.
///
/// # Errors
/// When no client can be made.
pub fn client() -> reqwest::Result<Client> {
    builder().build()
}

pub(super) fn builder() -> ClientBuilder {
    // An address that swallows everything is known for one before anything has left: that is no lost answer.
    let builder = Client::builder().connect_timeout(CONNECT_WITHIN).pool_idle_timeout(KEPT_OPEN);
    builder.redirect(Policy::none()).no_proxy()
}

/// What came of a question, with its cause where it has no answer that can be used.
pub(super) struct Heard {
    pub(super) answer: Answer,
    pub(super) cause: Option<Cause>,
    pub(super) status: Option<StatusCode>,
    pub(super) body: Option<serde_json::Value>,
}

impl Backend {
    /// A backend whose headers are filled from `secrets`; `sandbox_base` is where `sandbox:` leads.
    pub fn new(sandbox_base: Option<Url>, secrets: Secrets) -> Self {
        Self::by(Way::Guarded(Arc::default()), sandbox_base, secrets)
    }

    /// A backend whose requests go where `carrier` takes them.
    #[cfg(test)]
    pub(crate) fn carried_by(carrier: Arc<dyn Carrier>) -> Self {
        Self::by(Way::Carried(carrier), Url::parse("http://sandbox.invalid/").ok(), Secrets::default())
    }

    fn by(way: Way, sandbox_base: Option<Url>, secrets: Secrets) -> Self {
        Self { way, sandbox_base, places: Places::default(), secrets, kept: Arc::default() }
    }

    /// Puts `question` and waits for the answer, or tells what was answered a moment ago where its connector allows it.
    ///
    /// [`Answer::Down`] is only said when the question had no effect, or changes nothing (it carries no idempotency
    /// key) and its answer cannot be used. Where value is at stake and the question may have arrived, everything
    /// that is no clear answer is [`Answer::TimedOut`]: its effect is unknown, and asking again is safe only of a
    /// connector that may be repeated ([`Connector::may_be_repeated`]).
    ///
    /// # Errors
    /// [`Full`] when it was not put.
    pub async fn ask(&self, playbook: &Playbook, question: &Question, patience: Patience) -> Result<Answer, Full> {
        let Some(connector) = playbook.connectors.get(&question.connector) else {
            return Ok(unasked(question, &Unaskable::NoConnector));
        };
        let key = Kept::key(&playbook.version, connector, question);
        let at = now();
        let again = |what_for, now| self.kept.tell(key.as_ref()?, (connector, question), (what_for, now));
        if let Some(values) = again(For::Fresh, at) {
            metrics::counter!(TOLD_AGAIN, "why" => "fresh").increment(1);
            return Ok(Answer::Loaded(values));
        }
        let asked = self.put(playbook, (connector, question), patience).await;
        if question.idempotency_key.is_some() {
            self.kept.moved(question, now());
        }
        if let (Some(key), Ok(Answer::Loaded(values))) = (key, &asked) {
            self.kept.keep(key, (question, values.clone()), at);
        }
        // A customer who waits is told that the answer follows, and it does; who waits no longer is told what is known.
        let is_out = match &asked {
            Ok(Answer::Down) | Err(Full::LeftAlone) => true,
            Ok(Answer::TimedOut) => patience.waits == Waits::Nobody,
            _ => false,
        };
        match is_out.then(|| again(For::Outage, now())).flatten() {
            Some(values) => {
                metrics::counter!(TOLD_AGAIN, "why" => "outage").increment(1);
                Ok(Answer::Loaded(values))
            }
            None => asked,
        }
    }

    /// Drops what was answered about this customer.
    pub fn forget(&self, openid: &Openid) {
        self.kept.forget(openid.as_str());
    }

    async fn put(
        &self,
        playbook: &Playbook,
        (connector, question): (&Connector, &Question),
        patience: Patience,
    ) -> Result<Answer, Full> {
        let request = match self.made(playbook, (connector, question)) {
            Ok(request) => request,
            Err(cause) => return Ok(unasked(question, &cause)),
        };
        let limit = (patience.waits, connector.at_once);
        let place = match self.places.take(&question.connector, limit, now()) {
            Ok(place) => place,
            Err(full) => {
                metrics::counter!(NOT_PUT, "reason" => full.name()).increment(1);
                return Err(full);
            }
        };
        let came = self.carry(playbook, request, patience.within).await;
        let is_our_fault = matches!(came, Came::Late) && patience.within < patience.meant;
        let heard = judge(connector, question, came);
        if !is_our_fault {
            place.leave(now(), ended(&heard));
        }
        if heard.cause == Some(Cause::Pending) {
            tracing::info!(connector = %question.connector, "the business system is still at it");
        } else if let Some(cause) = &heard.cause {
            metrics::counter!(UNANSWERED, "reason" => cause.name()).increment(1);
            tracing::warn!(connector = %question.connector, %cause, mend = cause.mend(), "the business system gave no answer that can be used");
        } else if let Answer::Refused { .. } = &heard.answer {
            tracing::info!(connector = %question.connector, "the business system refused");
        }
        Ok(heard.answer)
    }

    /// The request of a question.
    pub(super) fn made(&self, playbook: &Playbook, of: (&Connector, &Question)) -> Result<Request, Unaskable> {
        let base = base(&playbook.base_url, self.sandbox_base.as_ref()).ok_or(Unaskable::NoBase)?;
        request(&base, of, |name| self.secrets.get(name))
    }

    pub(super) async fn carry(&self, playbook: &Playbook, request: Request, within: Duration) -> Came {
        let carrying = async {
            match &self.way {
                Way::Guarded(guard) => {
                    let allowed = self.allowed(playbook);
                    if let Err(Forbidden(address)) = written_out(&request.url, &allowed) {
                        return Came::Forbidden(address);
                    }
                    match guard.client(&allowed) {
                        Ok(client) => client.carry(request).await,
                        Err(error) => {
                            tracing::error!(%error, "no client for business systems can be made");
                            Came::Unsent
                        }
                    }
                }
                #[cfg(test)]
                Way::Carried(carrier) => carrier.carry(request).await,
            }
        };
        tokio::time::timeout(within, carrying).await.unwrap_or(Came::Late)
    }

    /// What the operator allows, and where the demo's business system is when it is the one that is asked.
    fn allowed(&self, playbook: &Playbook) -> Vec<Addresses> {
        let mut allowed = playbook.allow_addresses.clone();
        if playbook.base_url.starts_with(SANDBOX)
            && let Some(url) = &self.sandbox_base
        {
            match url.host() {
                Some(url::Host::Ipv4(address)) => allowed.push(Addresses::only(address.into())),
                Some(url::Host::Ipv6(address)) => allowed.push(Addresses::only(address.into())),
                _ => {}
            }
        }
        allowed
    }
}

/// Makes the request of a question and throws it away: whether it could be put, without anybody to put it to.
pub(crate) fn prove(playbook: &Playbook, question: &Question) -> Result<(), Unaskable> {
    let connector = playbook.connectors.get(&question.connector).ok_or(Unaskable::NoConnector)?;
    let anywhere = Url::parse("http://sandbox.invalid/").ok();
    let base = base(&playbook.base_url, anywhere.as_ref()).ok_or(Unaskable::NoBase)?;
    // Whether the secrets are there is a matter of the place where it is asked.
    request(&base, (connector, question), |_| Some("secret")).map(|_| ())
}

fn base(base_url: &str, sandbox_base: Option<&Url>) -> Option<Url> {
    let Some(rest) = base_url.strip_prefix(SANDBOX) else { return Url::parse(base_url).ok() };
    let mut url = sandbox_base?.clone();
    let path = format!("{}/{}", url.path().trim_end_matches('/'), rest.trim_start_matches('/'));
    url.set_path(&path);
    Some(url)
}

/// A refusal is an answer, and so is that something is not there or under way; a gateway that has had enough, or says what nobody can
/// read, is none.
fn ended(heard: &Heard) -> Ended {
    let has_had_enough = |status| status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS;
    match (&heard.answer, heard.status) {
        _ if heard.cause == Some(Cause::Pending) => Ended::Answered,
        (Answer::Loaded(_) | Answer::Refused { .. }, _) => Ended::Answered,
        (_, Some(status)) if status.is_client_error() && !has_had_enough(status) => Ended::Answered,
        _ => Ended::Failed,
    }
}

/// The runtime's clock, which tests can turn.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

/// What an answer says. Where value is at stake whatever is unclear has an unknown effect.
pub(super) fn judge(connector: &Connector, question: &Question, came: Came) -> Heard {
    let unclear = if question.idempotency_key.is_some() { Answer::TimedOut } else { Answer::Down };
    let silent = |answer, cause| Heard { answer, cause: Some(cause), status: None, body: None };
    let (status, body) = match came {
        Came::Unsent => return silent(Answer::Down, Cause::Unreached),
        Came::Forbidden(address) => return silent(Answer::Down, Cause::Forbidden(address)),
        Came::Late => return silent(Answer::TimedOut, Cause::Late),
        Came::Lost => return silent(Answer::TimedOut, Cause::Lost),
        Came::Answered(status, body) => (status, body),
    };
    let (answer, cause) = if status.is_success() {
        let understood = body
            .as_ref()
            .map_err(|fault| (*fault).into())
            .and_then(|body| connector.understand(body).map_err(Cause::from));
        match understood {
            Ok(Answer::TimedOut) => (Answer::TimedOut, Some(Cause::Pending)),
            Ok(answer) => (answer, None),
            Err(cause) => (unclear, Some(cause)),
        }
    } else if body.as_ref().is_ok_and(|body| connector.is_pending(body)) {
        (Answer::TimedOut, Some(Cause::Pending))
    } else {
        let code = body.as_ref().ok().filter(|_| status.is_client_error()).and_then(|body| {
            let refusal = connector.refusal.as_ref()?;
            refusal.code(body).filter(|code| !code.is_empty() && *code != refusal.ok)
        });
        let cause = match status.is_redirection() {
            true => Cause::Redirect(status.as_u16()),
            false => Cause::Status(status.as_u16()),
        };
        match code {
            Some(code) => (Answer::Refused { code }, None),
            // The business system, or a gateway before it, waited for something, or is already dealing with the same
            // question.
            None if status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::CONFLICT => (unclear, Some(cause)),
            // Of what may be put only once nobody takes a status for a no: it may have been done all the same.
            None if status.is_client_error() && connector.may_be_repeated() => (Answer::Down, Some(cause)),
            None if status.is_client_error() => (unclear, Some(cause)),
            None => (unclear, Some(cause)),
        }
    };
    Heard { answer, cause, status: Some(status), body: body.ok() }
}

fn unasked(question: &Question, cause: &Unaskable) -> Answer {
    metrics::counter!(UNANSWERED, "reason" => "unasked").increment(1);
    tracing::warn!(connector = %question.connector, %cause, mend = cause.mend(), "a question to the business system was not put");
    Answer::Down
}

#[cfg(test)]
mod tests;
