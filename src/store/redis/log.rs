//! The log. Each home numbers its own facts, and the home's partition stands above the number: places rise in order of
//! commit within a partition, and whoever reads on to the end has all that was committed before they began.

use std::ops::RangeInclusive;

use futures_util::future::try_join_all;

use super::args::Args;
use super::engine::Redis;
use super::keys::Home;
use super::script;
use crate::domain::ids::{AccountId, Openid};
use crate::store::{CustomerRef, Logged, Partition, StoreError, shape};

/// A home's numbers stay below 2^47; above them stands the partition.
const NUMBER_BITS: u32 = 47;
/// So many facts of a home are read at once; a script keeps everybody else waiting.
const AT_ONCE: usize = 2_000;
/// No more homes are asked at once.
const HOMES_AT_ONCE: u16 = 16;

/// A fact as the script tells it: number, number of the record, account and name, the fact.
type Row = (u64, u64, Vec<u8>, Vec<u8>);
/// How far the home's log goes, how far it was read, and what was found.
type Page = (u64, u64, Vec<Row>);

pub(super) fn place(partition: Partition, number: u64) -> u64 {
    (u64::from(partition.0) << NUMBER_BITS) | number
}

fn parts(place: u64) -> (u16, u64) {
    (u16::try_from(place >> NUMBER_BITS).unwrap_or(u16::MAX), place & ((1 << NUMBER_BITS) - 1))
}

/// The number of a place in its home.
pub(super) fn number_of(place: u64) -> u64 {
    parts(place).1
}

/// The places of a home's log up to a number; none when it is empty.
pub(super) fn stretch(partition: Partition, last: u64) -> Option<RangeInclusive<u64>> {
    (last > 0).then(|| place(partition, 1)..=place(partition, last))
}

impl Redis {
    /// Facts of an account after a place, at most `limit`.
    pub(super) async fn facts_after(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Logged>, StoreError> {
        let (first, number) = parts(after);
        let (mut facts, mut next, mut at_once) = (Vec::new(), first, 1);
        while facts.len() < limit && next < self.spec().partitions {
            let homes = next..next.saturating_add(at_once).min(self.spec().partitions);
            next = homes.end;
            // Few at first: each may hold all that is asked for.
            at_once = (at_once * 2).min(HOMES_AT_ONCE);
            let missing = limit - facts.len();
            let pages = homes.map(|partition| {
                let after = if partition == first { number } else { 0 };
                self.facts_in(account, (Partition(partition), after), (None, missing))
            });
            facts.extend(try_join_all(pages).await?.into_iter().flatten());
        }
        facts.truncate(limit);
        Ok(facts)
    }

    /// Facts of one home, of one record or all.
    pub(super) async fn facts_in(
        &self,
        account: &AccountId,
        (partition, after): (Partition, u64),
        (only, limit): (Option<u64>, usize),
    ) -> Result<Vec<Logged>, StoreError> {
        let (mut facts, mut after) = (Vec::new(), after);
        while facts.len() < limit {
            let mut args = Args::default();
            args.push(account.as_str()).push(after.to_string()).len((limit - facts.len()).min(AT_ONCE));
            args.push(only.map_or(String::new(), |id| id.to_string()));
            let (last, read, rows): Page = self.link.run(&script::LOG, &Home::of(partition), &args).await?;
            for (number, customer, name, body) in rows {
                facts.push(Logged {
                    seq: place(partition, number),
                    customer: place(partition, customer),
                    of: named(&name)?,
                    fact: shape::read(&body)?,
                });
            }
            after = read;
            if read >= last {
                break;
            }
        }
        Ok(facts)
    }
}

/// Whom `names` of a home tells: account and name, with a zero byte between them.
pub(super) fn named(name: &[u8]) -> Result<CustomerRef, StoreError> {
    let unreadable = || StoreError::Shape { what: "name", cause: "it names no account".into() };
    let text = std::str::from_utf8(name).map_err(|_| unreadable())?;
    let (account, openid) = text.split_once('\0').ok_or_else(unreadable)?;
    Ok(CustomerRef { account: account.into(), openid: Openid::new(openid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_rise_with_the_partition_and_then_with_the_number() {
        for (partition, number) in [(0, 1), (7, 9), (u16::MAX, (1 << NUMBER_BITS) - 1)] {
            assert_eq!(parts(place(Partition(partition), number)), (partition, number));
        }
        assert!(place(Partition(1), 1) > place(Partition(0), (1 << NUMBER_BITS) - 1));
        assert_eq!(stretch(Partition(3), 0), None);
        let stretch = stretch(Partition(3), 5).unwrap();
        assert!(stretch.contains(&place(Partition(3), 5)) && !stretch.contains(&place(Partition(3), 6)));
    }
}
