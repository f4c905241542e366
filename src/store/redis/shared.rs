//! Shared records, and deliveries that could not be used: both in the common home.

use super::args::Args;
use super::engine::Redis;
use super::keys::Home;
use super::{commit, script};
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::store::aside::{counted, names};
use crate::store::{
    Committed, CustomerRef, MOST_QUARANTINED, Quarantined, Shared, SharedChange, SharedKind, SharedName, StoreError,
    Version,
};

/// So many deliveries are looked through at once.
/// As `scripts/aside.lua` has it.
const AT_ONCE: u64 = 256;

/// What a kind is called in a key. These are stored and never change.
pub(super) fn kind(kind: SharedKind) -> &'static str {
    match kind {
        SharedKind::Replay => "replay",
        SharedKind::DayCheck => "day_check",
        SharedKind::Printed => "printed",
        SharedKind::Post => "post",
        SharedKind::Datacube => "datacube",
        SharedKind::Spent => "spent",
        SharedKind::Duty => "duty",
        SharedKind::DeadLetters => "dead-letters",
        SharedKind::Token => "token",
        SharedKind::Case => "case",
        SharedKind::Pool => "pool",
        SharedKind::Codes => "codes",
        SharedKind::Books => "books",
        SharedKind::Poster => "poster",
    }
}

/// Writes a change as scripts read it (`scripts/shared.lua`).
pub(super) fn write(args: &mut Args, change: &SharedChange) {
    let SharedChange { account, name, base, body } = change;
    args.push(account.as_str()).push(kind(name.kind)).push(name.part.as_str()).push(base.0.to_be_bytes());
    args.push(body.as_ref().map_or_else(Vec::new, |body| [b"=", body.as_slice()].concat()));
}

/// Writes a delivery as scripts read it.
pub(super) fn write_aside(args: &mut Args, entry: &Quarantined) {
    args.push(entry.account.as_str()).number(entry.arrived.0).push(entry.reason.as_str()).push(entry.body.clone());
    args.len(MOST_QUARANTINED);
}

/// The id of a request that may be sent twice and has to be done once.
pub(super) fn once() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn read(bytes: &[u8]) -> Shared {
    match bytes.split_first_chunk::<8>() {
        Some((version, body)) => Shared { version: Version(u64::from_be_bytes(*version)), body: body.to_vec() },
        None => Shared::default(),
    }
}

/// How far down it was read, and numbers and entries.
type Page = (u64, Vec<(String, Vec<u8>)>);

/// An entry is arrival, reason and body, with colons between; no reason has one.
fn entry(account: &AccountId, kept: &[u8]) -> Result<Quarantined, StoreError> {
    let mut parts = kept.splitn(3, |byte| *byte == b':');
    let mut next = || parts.next().ok_or(StoreError::Shape { what: "quarantine", cause: "it is cut short".into() });
    let arrived = UnixSecs(super::counters::number(next()?)?);
    Ok(Quarantined {
        account: account.clone(),
        arrived,
        reason: super::counters::text(next()?)?,
        body: next()?.to_vec(),
    })
}

impl Redis {
    pub(super) async fn shared_record(&self, account: &AccountId, name: &SharedName) -> Result<Shared, StoreError> {
        let mut ask = redis::cmd("HGET");
        ask.arg(Home::common().shared(account, kind(name.kind))).arg(&name.part);
        Ok(self.link.ask::<Option<Vec<u8>>>(&ask).await?.map_or_else(Shared::default, |kept| read(&kept)))
    }

    pub(super) async fn shared_records(
        &self,
        account: &AccountId,
        of: SharedKind,
    ) -> Result<Vec<(String, Shared)>, StoreError> {
        let mut ask = redis::cmd("HGETALL");
        ask.arg(Home::common().shared(account, kind(of)));
        let mut all: Vec<(String, Vec<u8>)> = self.link.ask(&ask).await?;
        all.sort();
        Ok(all.into_iter().map(|(part, kept)| (part, read(&kept))).collect())
    }

    pub(super) async fn change_shared(&self, change: &SharedChange) -> Result<Committed, StoreError> {
        let mut args = Args::default();
        args.len(1);
        write(&mut args, change);
        self.decide((&script::PUT_SHARED, &Home::common()), &args).await
    }

    pub(super) async fn set_aside(&self, entry: &Quarantined) -> Result<(), StoreError> {
        let mut args = Args::default();
        args.push(once()).len(1);
        write_aside(&mut args, entry);
        commit::count(&mut args, &[(entry.account.as_str(), &[counted(entry)])])?;
        self.decide((&script::QUARANTINE, &Home::common()), &args).await.map(drop)
    }

    /// Newest first.
    pub(super) async fn aside(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        let all = self.numbered(account, limit, |_| true).await?;
        Ok(all.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Those after the one with this number, oldest first.
    pub(super) async fn aside_from(
        &self,
        account: &AccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Quarantined)>, StoreError> {
        let page = async |from: String, to: u64| {
            let mut args = Args::default();
            args.push(account.as_str()).push(from).push(to.to_string());
            self.link.run::<Page>(&script::ASIDE, &Home::common(), &args).await
        };
        // Of none so far up; the answer is how far numbers go.
        let (last, _) = page(String::new(), 1 << 52).await?;
        let lowest = last.saturating_sub(MOST_QUARANTINED as u64);
        let (mut all, mut read) = (Vec::new(), after.parse().unwrap_or(0).max(lowest));
        while all.len() < limit && read < last {
            let upto = (read + AT_ONCE).min(last);
            let (_, found) = page(upto.to_string(), read + 1).await?;
            for (number, kept) in found.into_iter().rev().take(limit - all.len()) {
                all.push((number, entry(account, &kept)?));
            }
            read = upto;
        }
        Ok(all)
    }

    /// Those that name a customer, oldest first.
    pub(super) async fn naming(&self, of: &CustomerRef) -> Result<Vec<(String, Quarantined)>, StoreError> {
        let name = of.openid.as_str().as_bytes();
        let mut all = self.numbered(&of.account, usize::MAX, |entry| names(&entry.body, name)).await?;
        all.reverse();
        Ok(all)
    }

    async fn numbered(
        &self,
        account: &AccountId,
        limit: usize,
        is_meant: impl Fn(&Quarantined) -> bool,
    ) -> Result<Vec<(String, Quarantined)>, StoreError> {
        let (mut all, mut from, mut lowest) = (Vec::new(), None, 1);
        while all.len() < limit && from.is_none_or(|from| from >= lowest) {
            let mut args = Args::default();
            args.push(account.as_str()).push(from.map_or(String::new(), |from: u64| from.to_string())).len(1);
            let (last, page): Page = self.link.run(&script::ASIDE, &Home::common(), &args).await?;
            if from.is_none() {
                lowest = last.saturating_sub(MOST_QUARANTINED as u64 - 1).max(1);
            }
            for (number, kept) in page {
                let entry = entry(account, &kept)?;
                if is_meant(&entry) && all.len() < limit {
                    all.push((number, entry));
                }
            }
            from = Some(last.saturating_sub(AT_ONCE));
            if last <= AT_ONCE {
                break;
            }
        }
        Ok(all)
    }

    /// Takes these away.
    pub(super) async fn release(&self, account: &AccountId, numbers: &[String]) -> Result<(), StoreError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let mut ask = redis::cmd("HDEL");
        ask.arg(Home::common().aside(account)).arg(numbers);
        self.link.ask::<u64>(&ask).await.map(drop)
    }
}
