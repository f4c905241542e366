//! Why Redis could not be asked, and what to do about it. None of it repeats what `store.url` holds.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::StoreError;

/// A request that has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(in crate::store::redis) enum Fault {
    /// It was not sent.
    #[error("{0}")]
    Away(String),
    /// It will be refused until somebody changes a setting.
    #[error("{0}")]
    Unfit(String),
    /// It was sent, and then the connection ended.
    #[error("the connection ended before the answer")]
    Lost,
    /// It was sent, and there was no answer in time.
    #[error("no answer in time from {0}")]
    Silent(String),
    /// It was refused.
    #[error("{}", told(.0))]
    Refused(RedisError),
}

impl Fault {
    /// A URL that cannot be used.
    pub(super) fn unusable(why: &str) -> Self {
        Self::Unfit(format!("store.url cannot be used: {why}"))
    }

    /// What an attempt to connect to `name` met.
    pub(super) fn connecting(name: &impl ToString, error: &RedisError) -> Self {
        let name = name.to_string();
        let text = error.to_string();
        let is_refused = error.kind() == ErrorKind::AuthenticationFailed
            || ["WRONGPASS", "NOAUTH", "without any password", "AUTH failed"].iter().any(|it| text.contains(it));
        if is_refused {
            return Self::Unfit(format!(
                "{name} refuses the user or password; set both in store.url (redis://user:password@host), with @, / and ? \
                 of a password written as %40, %2F and %3F"
            ));
        }
        if error.is_timeout() {
            return Self::Away(format!("{name} does not answer; does it run, and may this host reach it?"));
        }
        if text.contains("certificate") || text.contains("UnknownIssuer") {
            return Self::Away(format!(
                "{name} has a certificate that is not trusted ({text}); add ?ca=FILE with the certificate of who signed it"
            ));
        }
        if text.contains("InvalidContentType") || text.contains("corrupt message") {
            return Self::Away(format!("{name} does not speak TLS; write redis:// instead of rediss://"));
        }
        let is_cut = error.is_connection_dropped() && !error.is_connection_refusal();
        let mend = if is_cut && !name.contains("TLS") { "; does it want TLS (rediss://, or tls=1)?" } else { "" };
        Self::Away(format!("{name} cannot be reached ({text}){mend}"))
    }

    /// The first word of what the server answered, when it did.
    pub(in crate::store::redis) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => error.code(),
            _ => None,
        }
    }

    /// What the server answered, when it did.
    pub(super) fn refusal(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Refused(error) => match error.kind() {
                ErrorKind::Server(kind) => Some(kind),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What Redis answered in its own words, and what to do where they do not say it.
fn told(error: &RedisError) -> String {
    let mend = match error.code() {
        Some("OOM") => "; its memory is full: raise maxmemory",
        Some("MISCONF") => "; it cannot write its own files: look for room on its disk",
        Some("NOPERM") => "; allow the user of store.url all commands and the keys ~{fuwu*",
        Some("READONLY") => "; it is a replica now, and its master is looked for",
        Some("LOADING") => "; it reads its data and will be there soon",
        Some("CLUSTERDOWN") => "; part of the cluster is down: fuwu doctor tells which",
        _ => "",
    };
    format!("{error}{mend}")
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Unfit(why) => Self::Mismatch(why.clone()),
            _ => Self::Unavailable(format!("Redis: {fault}")),
        }
    }
}
