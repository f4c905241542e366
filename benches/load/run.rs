//! One run: every server is up, one at a time is under load, and they take turns, so that what changes on a shared
//! machine while it runs meets them all.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::checks::{Expected, Faults, check};
use super::client::{Client, Harvest, Pace};
use super::command_line::{Again, Options};
use super::counts::Counting;
use super::deliveries::{Batch, Crowd};
use super::figures::{self, Fsync, Load, Ratios, Report, Round};
use super::floors::{Floor, Kind};
use super::meters::{Taken, fsyncs, own_cpu, peak_memory_kib};
use super::servers::{Server, Under, fuwu, is_there, pin_myself};

/// A server that is up, and its rounds so far.
struct Contestant {
    kind: Kind,
    server: Server,
    rounds: Vec<Round>,
}

/// What all measurements share.
struct Course<'a> {
    options: &'a Options,
    expected: Expected,
    faults: Faults,
}

/// Measures what the options ask for. `again` starts this program once more, as a floor.
///
/// # Errors
/// When a server cannot be started, ends or falls silent. Wrong answers are no errors but faults in the report.
pub fn measure(options: &Options, again: Again) -> anyhow::Result<Report> {
    ensure!(options.rounds > 0 && options.deliveries > 1 && options.customers > 0, "nothing to measure");
    fs::create_dir_all(&options.folder)?;
    let folder = tempfile::tempdir_in(&options.folder)?;
    let under = if options.unpinned { Under::Nothing } else { Under::Core(options.server_core) };
    if !options.unpinned {
        pin_myself(options.client_core)?;
    }
    let mut crowd = Crowd::new(options.customers, options.act)?;
    let (fuwu, expected) = start_fuwu((options, &under), &mut crowd, folder.path())?;
    let mut contestants = Vec::new();
    let script = options.store.is_some().then_some(Kind::Script);
    for kind in [Kind::Fixed, Kind::Crypto].into_iter().chain(script) {
        let log = folder.path().join(format!("{kind:?}.log"));
        let floor = Floor { store: options.store.clone(), ..expected.floor(kind) };
        let server = Server::start(floor.command(&under, again)?, log)?;
        contestants.push(Contestant { kind, server, rounds: Vec::new() });
    }
    contestants.push(Contestant { kind: Kind::Fuwu, server: fuwu, rounds: Vec::new() });

    let mut course = Course { options, expected, faults: Faults::default() };
    let mut disk = Vec::new();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        disk.extend(fsyncs(folder.path())?);
        let (batch, half) = (crowd.next(options.deliveries)?, crowd.next(options.deliveries / 2)?);
        for contestant in &mut contestants {
            let full = course.load(contestant, &batch, Pace::AsAnswered)?;
            let half = course.load(contestant, &half, Pace::PerSecond(full.per_second / 2.0))?;
            contestant.rounds.push(Round { full, half });
        }
        // Nobody is always the one who comes after fuwu.
        contestants.rotate_left(1);
    }
    let mut servers = Vec::new();
    for Contestant { kind, server, rounds } in contestants {
        servers.push(figures::Server::new(kind, rounds, peak_memory_kib(server.pid())?));
        server.stop()?;
    }
    servers.sort_by_key(|server| server.kind);
    if !options.without_counts && is_there("valgrind") {
        course.count(&mut servers, (folder.path(), again))?;
    }
    report(options, (servers, &disk), course.faults)
}

/// Starts fuwu on an empty store, lets every customer follow, and hears what it says to the first message.
fn start_fuwu(
    (options, under): (&Options, &Under),
    crowd: &mut Crowd,
    folder: &Path,
) -> anyhow::Result<(Server, Expected)> {
    let command = fuwu(under, folder, options.store.as_deref());
    let server = Server::start(command, folder.join("fuwu.log"))?;
    let follows = crowd.follows()?;
    let mut client = Client::connect(server.address, options.connections)?;
    let followed = client.send(&follows, Pace::AsAnswered).with_context(|| server.log())?;
    let welcomed = followed.answers().all(|(answer, body)| answer.status == 200 && body.ends_with(b"</xml>"));
    ensure!(welcomed && followed.dropped == 0, "fuwu did not welcome everybody\n{}", server.log());
    let first = crowd.next(1)?;
    let answered = client.send(&first, Pace::AsAnswered).with_context(|| server.log())?;
    Ok((server, Expected::from_first(&first, &answered)?))
}

impl Course<'_> {
    /// One batch to one server: checked, and measured.
    fn load(&mut self, contestant: &Contestant, batch: &Batch, pace: Pace) -> anyhow::Result<Load> {
        let Contestant { kind, server, .. } = contestant;
        let mut client = Client::connect(server.address, self.options.connections)?;
        let (before, own_before) = (Taken::by(server.pid())?, own_cpu()?);
        let harvest: Harvest =
            client.send(batch, pace).with_context(|| format!("{}\n{}", kind.name(), server.log()))?;
        let (spent, own) = (before.until(&Taken::by(server.pid())?), own_cpu()? - own_before);
        drop(client);
        self.faults.add(check(*kind, batch, (&harvest, &self.expected)));
        Ok(Load::of(&harvest, &spent, own))
    }

    fn count(&mut self, servers: &mut [figures::Server], (folder, again): (&Path, Again)) -> anyhow::Result<()> {
        for server in servers {
            eprintln!("counting {}", server.kind.name());
            let counting = Counting { kind: server.kind, act: self.options.act, expected: &self.expected, folder };
            let (counts, faults) = counting.count(again)?;
            server.counts = Some(counts);
            self.faults.add(faults);
        }
        Ok(())
    }
}

fn report(
    options: &Options,
    (servers, disk): (Vec<figures::Server>, &[Duration]),
    faults: Faults,
) -> anyhow::Result<Report> {
    let of = |kind| servers.iter().find(|server| server.kind == kind).context("a server without figures");
    let fsync = Fsync::of(disk);
    let floor = of(Kind::Script).or_else(|_| of(Kind::Crypto))?;
    let ratios = Ratios::of(of(Kind::Fuwu)?, floor, &fsync);
    let Options { rounds, deliveries, customers, connections, .. } = options;
    let cores = if options.unpinned {
        "no core of their own".to_owned()
    } else {
        format!("client on core {}, servers on core {}", options.client_core, options.server_core)
    };
    let asked = format!(
        "{rounds} rounds of {deliveries} deliveries ({:?}), {customers} customers, {connections} connections; {cores}",
        options.act
    );
    Ok(Report { asked, fsync, servers, ratios, faults })
}
