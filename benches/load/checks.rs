//! Whether every answer was the right one. Looked at after the clock has stopped.

use anyhow::{Context as _, bail};
use fuwu::channel::official::deliver::Sender;
use fuwu::domain::reply::Reply;
use serde::Serialize;

use super::client::Harvest;
use super::deliveries::{Batch, chat, platform};
use super::floors::Kind;

/// What must come back.
pub struct Expected {
    platform: Sender,
    /// The reply that fuwu gave first.
    pub reply: Reply,
    /// As it was sealed.
    pub body: String,
}

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    pub not_ok: usize,
    pub wrong: usize,
    pub dropped: usize,
    pub unanswered: usize,
    /// One of them, told in full.
    pub first: Option<String>,
}

impl Faults {
    pub fn any(&self) -> bool {
        self.not_ok + self.wrong + self.dropped + self.unanswered > 0
    }

    pub fn add(&mut self, more: Self) {
        self.not_ok += more.not_ok;
        self.wrong += more.wrong;
        self.dropped += more.dropped;
        self.unanswered += more.unanswered;
        self.first = self.first.take().or(more.first);
    }
}

impl Expected {
    /// The only answer to a batch of one, which every later answer must equal.
    ///
    /// # Errors
    /// When there is none, or the platform would not show it.
    pub fn from_first(batch: &Batch, harvest: &Harvest) -> anyhow::Result<Self> {
        let platform = platform();
        let (answer, body) = harvest.answers().next().context("no answer at all")?;
        let openid = batch.openid(answer.delivery).context("an answer to nothing")?;
        let body = String::from_utf8(body.to_vec())?;
        match platform.hear(&chat(&openid), body.as_bytes()) {
            Ok(Reply::Silent) => bail!("fuwu acknowledged the first message ({}) and said nothing", answer.status),
            Ok(reply) => Ok(Self { platform, reply, body }),
            Err(fault) => bail!("the first answer ({}) is none: {fault}\n{body}", answer.status),
        }
    }
}

/// Verifies, decrypts and compares all answers of a server to a batch.
pub fn check(kind: Kind, batch: &Batch, (harvest, expected): (&Harvest, &Expected)) -> Faults {
    let mut faults = Faults { dropped: harvest.dropped, unanswered: harvest.unanswered, ..Faults::default() };
    if harvest.dropped > 0 {
        faults.first = Some(format!("{} broke {} connections", kind.name(), harvest.dropped));
    }
    for (answer, body) in harvest.answers() {
        if answer.status != 200 {
            faults.not_ok += 1;
            faults.first.get_or_insert_with(|| format!("{} answered {}", kind.name(), answer.status));
        } else if let Err(cause) = right(kind, &batch.openid(answer.delivery).unwrap_or_default(), (body, expected)) {
            faults.wrong += 1;
            faults.first.get_or_insert_with(|| format!("{}: {cause}", kind.name()));
        }
    }
    faults
}

fn right(kind: Kind, openid: &str, (body, expected): (&[u8], &Expected)) -> anyhow::Result<()> {
    if kind == Kind::Fixed {
        anyhow::ensure!(body == expected.body.as_bytes(), "other bytes than the fixed ones");
        return Ok(());
    }
    let reply = expected.platform.hear(&chat(openid), body)?;
    anyhow::ensure!(reply == expected.reply, "another reply than the first: {reply:?}");
    Ok(())
}
