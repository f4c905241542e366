//! What stands in a home about the journals of the processes that write to it.

use async_trait::async_trait;

use super::args::Args;
use super::engine::Redis;
use super::keys::Home;
use super::script;
use crate::store::forgetful::{Forgetful, Mark};
use crate::store::journal::Place;
use crate::store::{CustomerRef, Partition, StoreError};

impl Redis {
    async fn marked(&self, partition: Partition, args: &Args) -> Result<Mark, StoreError> {
        let (until, server): (String, String) = self.link.run(&script::MARK, &Home::of(partition), args).await?;
        Ok(Mark { until: until.parse().ok().map(Place), server })
    }
}

#[async_trait]
impl Forgetful for Redis {
    fn partitions(&self) -> Vec<Partition> {
        self.homes().map(|(partition, _)| partition).collect()
    }

    fn partition_of(&self, of: &CustomerRef) -> Partition {
        self.names().partitions.of(of)
    }

    async fn mark(&self, partition: Partition, journal: &str) -> Result<Mark, StoreError> {
        let mut args = Args::default();
        self.marked(partition, args.push(journal).push("").push("").push("")).await
    }

    async fn move_mark(
        &self,
        (partition, journal): (Partition, &str),
        known: &Mark,
        Place(until): Place,
    ) -> Result<Mark, StoreError> {
        let mut args = Args::default();
        args.push(journal).push(known.until.map_or(String::new(), |place| place.0.to_string()));
        args.push(known.server.as_str()).push(until.to_string());
        self.marked(partition, &args).await
    }
}
