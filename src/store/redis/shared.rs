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
const AT_ONCE: usize = 256;

/// What a kind is called in a key. These are stored and never change.
pub(super) fn kind(kind: SharedKind) -> &'static str {
    match kind {
        SharedKind::Replay => "replay",
        SharedKind::DayCheck => "day_check",
        SharedKind::Printed => "printed",
        SharedKind::Post => "post",
        SharedKind::Datacube => "datacube",
        SharedKind::Spent => "spent",
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

fn read(bytes: &[u8]) -> Shared {
    match bytes.split_first_chunk::<8>() {
        Some((version, body)) => Shared { version: Version(u64::from_be_bytes(*version)), body: body.to_vec() },
        None => Shared::default(),
    }
}

/// An entry of the stream: its id, and names and values by turns.
type Entry = (String, Vec<(String, Vec<u8>)>);

fn entry(account: &AccountId, fields: Vec<(String, Vec<u8>)>) -> Quarantined {
    let (mut arrived, mut reason, mut body) = (0, String::new(), Vec::new());
    for (name, value) in fields {
        match name.as_str() {
            "arrived" => arrived = super::counters::number(&value).unwrap_or_default(),
            "reason" => reason = String::from_utf8_lossy(&value).into_owned(),
            _ => body = value,
        }
    }
    Quarantined { account: account.clone(), arrived: UnixSecs(arrived), reason, body }
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
        args.len(1);
        write_aside(&mut args, entry);
        commit::count(&mut args, &[(entry.account.as_str(), &[counted(entry)])])?;
        self.decide((&script::QUARANTINE, &Home::common()), &args).await.map(drop)
    }

    /// Newest first.
    pub(super) async fn aside(&self, account: &AccountId, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut ask = redis::cmd("XREVRANGE");
        ask.arg(Home::common().aside(account)).arg("+").arg("-").arg("COUNT").arg(limit.min(MOST_QUARANTINED));
        let entries: Vec<Entry> = self.link.ask(&ask).await?;
        Ok(entries.into_iter().map(|(_, fields)| entry(account, fields)).collect())
    }

    /// Those after the one with this id, oldest first.
    pub(super) async fn aside_from(
        &self,
        account: &AccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Quarantined)>, StoreError> {
        let mut ask = redis::cmd("XRANGE");
        let from = if after.is_empty() { "-".to_owned() } else { format!("({after}") };
        ask.arg(Home::common().aside(account)).arg(from).arg("+").arg("COUNT").arg(limit);
        let entries: Vec<Entry> = self.link.ask(&ask).await?;
        Ok(entries.into_iter().map(|(id, fields)| (id, entry(account, fields))).collect())
    }

    /// Those that name a customer, oldest first.
    pub(super) async fn naming(&self, of: &CustomerRef) -> Result<Vec<(String, Quarantined)>, StoreError> {
        let (mut all, mut from) = (Vec::new(), "-".to_owned());
        loop {
            let mut ask = redis::cmd("XRANGE");
            ask.arg(Home::common().aside(&of.account)).arg(&from).arg("+").arg("COUNT").arg(AT_ONCE);
            let entries: Vec<Entry> = self.link.ask(&ask).await?;
            let read = entries.len();
            for (id, fields) in entries {
                from = format!("({id}");
                let entry = entry(&of.account, fields);
                if names(&entry.body, of.openid.as_str().as_bytes()) {
                    all.push((id, entry));
                }
            }
            if read < AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// Takes these away.
    pub(super) async fn release(&self, account: &AccountId, ids: &[String]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut ask = redis::cmd("XDEL");
        ask.arg(Home::common().aside(account)).arg(ids);
        self.link.ask::<u64>(&ask).await.map(drop)
    }
}
