//! Moving accounts out of Redis and into it. Each home remembers how far it has got with each step, in the same script that
//! takes a page in, so a page that is handed in again is taken in once. Counters that come from elsewhere lie in the first
//! home: what a counter says is the sum over all of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::args::Args;
use super::engine::{Redis, stored};
use super::keys::Home;
use super::log::{named, number_of, place, stretch};
use super::{commit, script, shared};
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::growth::counter::{Increment, Metric};
use crate::store::moving::{read, written};
use crate::store::{
    Content, CustomerRef, Half, Kept, KeptWork, Logged, Moving, Origin, Page, Partition, Quarantined, Shared,
    SharedKind, StoreError, Version, shape,
};

/// So many items are handed to one script; a script keeps everybody else waiting.
const AT_ONCE: usize = 250;
/// Lua counts exactly below 2^53, and a record's version must have room to rise.
const GREATEST_VERSION: u64 = 1 << 52;

/// A record as the script tells it: number, account and name, the record, and of outgoing work what is kept and the moment.
type Row = (u64, Vec<u8>, Option<Vec<u8>>, Vec<(Vec<u8>, i64)>);
/// How far numbers go, how far they were read, and what was found.
type Rows = (u64, u64, Vec<Row>);

/// Places as scripts compare them.
fn padded(place: u64) -> String {
    format!("{place:020}")
}

impl Redis {
    async fn adopt_in(&self, home: &Home, args: &Args) -> Result<(), StoreError> {
        self.link.run::<Vec<String>>(&script::ADOPT, home, args).await.map(drop)
    }

    /// Items home by home, in their order there.
    async fn adopt_by_home(
        &self,
        (account, step): (&AccountId, &str),
        items: Vec<(CustomerRef, Args)>,
    ) -> Result<(), StoreError> {
        let mut homes = BTreeMap::<Partition, Vec<Args>>::new();
        for (of, item) in items {
            homes.entry(self.names().partitions.of(&of)).or_default().push(item);
        }
        let adopted = homes.into_iter().map(async |(partition, items)| {
            for items in items.chunks(AT_ONCE) {
                let mut args = Args::default();
                args.push(account.as_str()).push(step).len(items.len());
                for item in items {
                    args.append(item);
                }
                self.adopt_in(&Home::of(partition), &args).await?;
            }
            Ok::<_, StoreError>(())
        });
        try_join_all(adopted).await.map(drop)
    }

    async fn adopt_page(&self, Page { account, content, last }: Page) -> Result<(), StoreError> {
        let step = content.step().as_str();
        let mut whole = Args::default();
        whole.push(account.as_str()).push(step).push(padded(last));
        let mut home = Home::of(Partition(0));
        match content {
            Content::Records(records) => {
                let items = records.into_iter().map(record).collect::<Result<_, _>>()?;
                return self.adopt_by_home((&account, step), items).await;
            }
            Content::Facts(facts) => {
                let items = facts.into_iter().map(fact).collect::<Result<_, _>>()?;
                return self.adopt_by_home((&account, step), items).await;
            }
            Content::Counters(counters) => {
                let by = counters.into_iter().map(|(key, by)| Increment { key, by, late_on: None });
                commit::count(&mut whole, &[(account.as_str(), &by.collect::<Vec<_>>())])?;
                whole.len(0).len(0).len(0);
            }
            Content::Journal(journal) => {
                whole.len(0).len(journal.len());
                for (arrived, key, by) in journal {
                    whole.number(arrived.0).push(commit::cell(&key)).number(by);
                }
                whole.len(0).len(0).len(0);
            }
            Content::Residue(residue) => {
                whole.len(0).len(0).len(residue.len());
                for Increment { key, by, late_on } in residue {
                    let arrived = late_on.map_or(String::new(), |day| day.0.to_string());
                    whole.push(format!("{arrived}:{}", commit::cell(&key))).number(by);
                }
                whole.len(0).len(0);
            }
            Content::Aside(entries) => {
                home = Home::common();
                whole.len(0).len(0).len(0).len(entries.len());
                for entry in &entries {
                    shared::write_aside(&mut whole, entry);
                }
                whole.len(0);
            }
            Content::Shared(records) => {
                home = Home::common();
                whole.len(0).len(0).len(0).len(0).len(records.len());
                for (name, Shared { version, body }) in records {
                    whole.push(shared::kind(name.kind)).push(name.part).push(version.0.to_be_bytes()).push(body);
                }
            }
        }
        self.adopt_in(&home, &whole).await
    }

    /// Records of one home.
    async fn kept_in(
        &self,
        account: &AccountId,
        (partition, after): (Partition, u64),
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let (mut all, mut after) = (Vec::new(), after);
        while all.len() < limit {
            let mut args = Args::default();
            args.push(account.as_str()).push(after.to_string()).len((limit - all.len()).min(AT_ONCE));
            let (last, read, rows): Rows = self.link.run(&script::KEPT, &Home::of(partition), &args).await?;
            for (number, name, record, works) in rows {
                let outbox = works.iter().map(|(kept, due)| work(kept, *due)).collect::<Result<_, _>>()?;
                let of = named(&name)?;
                all.push(Kept { place: place(partition, number), of, stored: stored(record.as_deref())?, outbox });
            }
            after = read;
            if read >= last {
                break;
            }
        }
        Ok(all)
    }

    async fn last_numbers(&self, kind: &str) -> Result<u64, StoreError> {
        let numbers = self.homes().map(async |(_, home)| {
            let mut ask = redis::cmd("GET");
            ask.arg(format!("{}:{kind}:", home.as_str()));
            self.link.ask::<Option<u64>>(&ask).await
        });
        Ok(try_join_all(numbers).await?.into_iter().flatten().sum())
    }

    async fn meta(&self, command: &str, words: &[&str]) -> Result<Option<String>, StoreError> {
        let mut ask = redis::cmd(command);
        ask.arg(format!("{}:meta:", Home::common().as_str())).arg(words);
        self.link.ask(&ask).await
    }

    async fn clear_in(&self, account: &AccountId, home: &Home) -> Result<(), StoreError> {
        for what in ["records", "log", "rest"] {
            let mut after = Some(0_i64);
            while let Some(from) = after {
                let mut args = Args::default();
                args.push(account.as_str()).push(what).number(from);
                let kinds: Vec<SharedKind> = SharedKind::all().collect();
                args.len(kinds.len());
                for kind in kinds {
                    args.push(shared::kind(kind));
                }
                let metrics: Vec<Metric> = Metric::all().collect();
                args.len(metrics.len());
                for metric in metrics {
                    args.number(metric as u8);
                }
                after = self.link.run(&script::CLEAR, home, &args).await?;
            }
        }
        Ok(())
    }
}

fn record(Kept { place, of, stored, outbox }: Kept) -> Result<(CustomerRef, Args), StoreError> {
    let mut args = Args::default();
    args.push(padded(place)).push(of.openid.as_str()).push(stored.version.0.to_be_bytes());
    args.push(shape::write(&stored.customer)?);
    args.push(stored.customer.left_on().map_or(String::new(), |day| day.0.to_string())).len(outbox.len());
    for KeptWork { work, due, attempt } in outbox {
        args.push(work.id.as_str()).number(due.0).push(attempt.to_be_bytes()).push(shape::write(&work)?);
    }
    Ok((of, args))
}

fn fact(Logged { seq, of, fact, .. }: Logged) -> Result<(CustomerRef, Args), StoreError> {
    let mut args = Args::default();
    let words = if fact.without_words().is_some() { "1" } else { "0" };
    args.push(padded(seq)).push(of.openid.as_str()).push(words).push(shape::write(&fact)?);
    Ok((of, args))
}

/// Outgoing work as it is kept: number, how often it was claimed, the work.
fn work(kept: &[u8], due: i64) -> Result<KeptWork, StoreError> {
    let parts = kept.get(8..).and_then(<[u8]>::split_first_chunk::<4>);
    let (attempt, body) =
        parts.ok_or_else(|| StoreError::Shape { what: "piece of outgoing work", cause: "it is cut short".into() })?;
    Ok(KeptWork { work: shape::read(body)?, due: UnixSecs(due), attempt: u32::from_be_bytes(*attempt) })
}

#[async_trait]
impl Moving for Redis {
    async fn origin(&self) -> Result<Origin, StoreError> {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
        let id = number(self.meta("HGET", &["id"]).await?);
        Ok(Origin { id, opened: number(self.meta("HGET", &["opened"]).await?) })
    }

    async fn hold(&self) -> Result<(), StoreError> {
        self.hold_as_copier().await
    }

    async fn let_go(&self) -> Result<(), StoreError> {
        self.leave().await
    }

    async fn extent(&self, _: &AccountId) -> Result<(u64, u64), StoreError> {
        Ok((self.last_numbers("last_id").await?, self.last_numbers("last_seq").await?))
    }

    async fn kept(&self, account: &AccountId, after: u64, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let mut all = Vec::new();
        for (partition, _) in self.homes() {
            // Places of a home begin above this one.
            let Some(stretch) = stretch(partition, u64::MAX >> 17) else { continue };
            if all.len() >= limit {
                break;
            }
            if after < *stretch.end() {
                let from = if after < *stretch.start() { 0 } else { number_of(after) };
                all.extend(self.kept_in(account, (partition, from), limit - all.len()).await?);
            }
        }
        Ok(all)
    }

    async fn aside_after(
        &self,
        account: &AccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Quarantined)>, StoreError> {
        self.aside_from(account, after, limit).await
    }

    fn fitting(&self, version: Version) -> Version {
        // A file gives whoever comes back after nothing was kept a number above 2^32, which only tells one record from the
        // one before it: nobody decides over a copy from what was read before.
        if version.0 < GREATEST_VERSION { version } else { Version(version.0 & u64::from(u32::MAX)) }
    }

    async fn half(&self) -> Result<Option<Half>, StoreError> {
        self.meta("HGET", &["half"]).await?.map(|mark| read(&mark)).transpose()
    }

    async fn whole(&self) -> Result<Option<Half>, StoreError> {
        self.meta("HGET", &["whole"]).await?.map(|mark| read(&mark)).transpose()
    }

    async fn mark(&self, half: &Half) -> Result<(), StoreError> {
        self.meta("HSET", &["half", &written(half)?]).await.map(drop)
    }

    async fn adopt(&self, page: Page, then: &Half) -> Result<(), StoreError> {
        self.adopt_page(page).await?;
        self.mark(then).await
    }

    async fn clear(&self, account: &AccountId) -> Result<(), StoreError> {
        for home in self.homes().map(|(_, home)| home).chain([Home::common()]) {
            self.clear_in(account, &home).await?;
        }
        Ok(())
    }

    async fn finish(&self) -> Result<(), StoreError> {
        for home in self.homes().map(|(_, home)| home).chain([Home::common()]) {
            let mut ask = redis::cmd("DEL");
            ask.arg(format!("{}:moving:", home.as_str()));
            self.link.ask::<u64>(&ask).await?;
        }
        if let Some(mark) = self.meta("HGET", &["half"]).await? {
            self.meta("HSET", &["whole", &mark]).await?;
        }
        self.meta("HDEL", &["half"]).await.map(drop)
    }
}
