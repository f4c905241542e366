//! What repeats exactly on any machine: allocations and instructions of a message, counted by valgrind's DHAT.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::checks::{Expected, Faults, check};
use super::client::{Client, Pace};
use super::command_line::Again;
use super::deliveries::{Act, Crowd};
use super::floors::{Floor, Kind};
use super::servers::{Server, Under, fuwu};

const CUSTOMERS: u64 = 500;
const CONNECTIONS: usize = 64;
/// Of two runs, one with twice as many messages, the difference is what messages take; starting and stopping cancel out.
const MESSAGES: usize = 2_000;

/// Of one message.
#[derive(Clone, Debug, Serialize)]
pub struct Counts {
    /// `None` where the program brings its own allocator, which valgrind does not see: `cargo bench
    /// --no-default-features --bench load` counts with the system's.
    pub allocations: Option<f64>,
    pub allocated_bytes: Option<f64>,
    pub instructions: f64,
}

/// What DHAT writes.
#[derive(Deserialize)]
struct Dhat {
    #[serde(rename = "te")]
    instructions: u64,
    #[serde(rename = "pps")]
    places: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "tb")]
    bytes: u64,
    #[serde(rename = "tbk")]
    blocks: u64,
}

/// What all messages of a run took.
struct Total {
    allocations: u64,
    bytes: u64,
    instructions: u64,
}

/// How a server is counted.
pub struct Counting<'a> {
    pub kind: Kind,
    pub act: Act,
    pub expected: &'a Expected,
    pub folder: &'a Path,
}

impl Counting<'_> {
    /// Counts one server.
    ///
    /// # Errors
    /// When valgrind is not there or a run failed.
    pub fn count(&self, again: Again) -> anyhow::Result<(Counts, Faults)> {
        let mut faults = Faults::default();
        let few = self.total(MESSAGES, again, &mut faults)?;
        let many = self.total(2 * MESSAGES, again, &mut faults)?;
        let each = |figure: fn(&Total) -> u64| (figure(&many) as f64 - figure(&few) as f64) / MESSAGES as f64;
        let seen = self.kind != Kind::Fuwu || !cfg!(feature = "mimalloc");
        let counts = Counts {
            allocations: seen.then(|| each(|total| total.allocations)),
            allocated_bytes: seen.then(|| each(|total| total.bytes)),
            instructions: each(|total| total.instructions),
        };
        Ok((counts, faults))
    }

    fn total(&self, messages: usize, again: Again, faults: &mut Faults) -> anyhow::Result<Total> {
        let folder = tempfile::tempdir_in(self.folder)?;
        let file = folder.path().join("dhat.json");
        let under = Under::Dhat(file.clone());
        let command = match self.kind {
            Kind::Fuwu => fuwu(&under, folder.path(), None),
            kind => self.expected.floor(kind).command(&under, again)?,
        };
        let server = Server::start(command, folder.path().join("log"))?;
        let mut client = Client::connect(server.address, CONNECTIONS)?;
        let mut crowd = Crowd::new(CUSTOMERS, self.act)?;
        client.send(&crowd.follows()?, Pace::AsAnswered)?;
        let batch = crowd.next(messages)?;
        let harvest = client.send(&batch, Pace::AsAnswered).with_context(|| server.log())?;
        faults.add(check(self.kind, &batch, (&harvest, self.expected)));
        drop(client);
        server.stop()?;
        let counted = fs::read(&file).context("valgrind wrote no counts")?;
        let Dhat { instructions, places } = serde_json::from_slice(&counted)?;
        let sum = |figure: fn(&Place) -> u64| places.iter().map(figure).sum();
        Ok(Total { allocations: sum(|place| place.blocks), bytes: sum(|place| place.bytes), instructions })
    }
}

impl Expected {
    /// The floor that answers what fuwu answered.
    pub fn floor(&self, kind: Kind) -> Floor {
        Floor { kind, reply: self.reply.clone(), body: self.body.clone(), store: None }
    }
}
