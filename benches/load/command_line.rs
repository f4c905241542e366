//! What can be asked of the tool.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::Parser;

use super::deliveries::Act;
use super::floors::Floor;
use super::run::measure;
use super::table;

/// Makes the command that starts this program once more, as a floor.
pub type Again = fn() -> anyhow::Result<Command>;

/// Measures the webhook of fuwu beside two floors: actix-web answering fixed bytes, and the same with signatures,
/// encryption and XML. Prints a table; ends with 1 when an answer was wrong, missing or not 200, with 2 when nothing could
/// be measured.
///
/// Every round sends a batch to each server as fast as it answers, and half a batch at half the rate it then made, with
/// times counted from the moment a delivery should have left. Figures are medians of the rounds; bytes, CPU time,
/// allocations and instructions are per message.
#[derive(Clone, Debug, Parser)]
#[command(name = "load")]
pub struct Options {
    /// Rounds in which the servers take turns.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Deliveries of a batch.
    #[arg(long, default_value_t = 100_000)]
    pub deliveries: usize,
    /// Customers they come from.
    #[arg(long, default_value_t = 20_000)]
    pub customers: u64,
    /// Connections they come over.
    #[arg(long, default_value_t = 256)]
    pub connections: usize,
    /// What customers do.
    #[arg(long, value_enum, default_value = "words")]
    pub act: Act,
    /// The core of this tool.
    #[arg(long, default_value_t = 0, value_name = "CORE")]
    pub client_core: usize,
    /// The core of the server under load.
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    pub server_core: usize,
    /// Everything wherever the system puts it.
    #[arg(long)]
    pub unpinned: bool,
    /// Where fuwu stores (FUWU__STORE__URL). It must be empty there.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// The folder in which fuwu's data gets a folder of its own: choose the disk by it.
    #[arg(long, value_name = "DIR", default_value = env!("CARGO_TARGET_TMPDIR"))]
    pub folder: PathBuf,
    /// Leaves allocations and instructions out. They are counted in runs of their own under valgrind, where that is
    /// installed, and always on the embedded store.
    #[arg(long)]
    pub without_counts: bool,
    /// Where all figures of all rounds are written to.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// Does what a command line asks, or serves as the floor that the environment asks for.
///
/// # Errors
/// When nothing could be measured.
pub fn run(args: impl IntoIterator<Item = OsString>, again: Again) -> anyhow::Result<ExitCode> {
    if let Some(floor) = Floor::asked_for()? {
        floor.serve()?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = match Options::try_parse_from(args) {
        Ok(options) => options,
        Err(wrong) => {
            // Printing can only fail when nobody reads; the exit code still tells.
            let _ = wrong.print();
            return Ok(ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(2)));
        }
    };
    let report = measure(&options, again)?;
    println!("{}", table::of(&report));
    if let Some(file) = &options.json {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(if report.faults.any() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
