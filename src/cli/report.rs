//! `fuwu report`: a report from the store. The embedded file is opened beside a running server.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table as Printed, presets};

use crate::app::{Clock as _, ReportFault, SystemClock, read_report};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;
use crate::domain::time::BusinessDay;
use crate::growth::lateness::Lateness;
use crate::growth::report::{
    AsOf, Asked, Bom, Cell, Context, Explain, Meta, Period, ReportName, Table, to_csv, to_json,
};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Which report: followers, activity, unique, retention, survival, menu, unanswered, datacube.
    #[arg(value_parser = |name: &str| name.parse::<ReportName>().map_err(|e| e.to_string()))]
    name: ReportName,
    /// First business day, YYYY-MM-DD.
    #[arg(long, value_parser = day)]
    from: BusinessDay,
    /// Last business day, YYYY-MM-DD.
    #[arg(long, value_parser = day)]
    to: BusinessDay,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// A file to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

fn day(text: &str) -> Result<BusinessDay, String> {
    BusinessDay::parse(text).ok_or_else(|| "a day looks like 2026-01-31".into())
}

pub(super) fn run(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    args: &ReportArgs,
) -> anyhow::Result<ExitCode> {
    let period = match Period::new(args.from, args.to) {
        Ok(period) => period,
        Err(error) => {
            eprintln!("fuwu: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let store =
        crate::store::open_read_only(settings.store_url.expose(), &settings.data_dir, settings.store_partitions)?;
    let now = SystemClock.now();
    let lateness = Lateness::new(settings.lateness_days).context("numbers.lateness_days is 0 to 7")?;
    let clock = AsOf { now, lateness };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = Asked::new(args.name, period);
    let context = Context::default();
    let read = read_report(store.as_ref(), id, (&asked, clock), &context);
    let table = match runtime.block_on(read) {
        Err(ReportFault::Asked(error)) => {
            eprintln!("fuwu: {error}");
            return Ok(ExitCode::from(2));
        }
        read => read?,
    };
    let playbook = crate::config::playbook::version(&account.dirs);
    let meta = Meta { account: id.clone(), playbook, as_of: now };
    let bytes = match args.format {
        Format::Json => (serde_json::to_string_pretty(&to_json(&table, &meta, Explain::No))? + "\n").into_bytes(),
        Format::Csv if args.out.is_some() || std::io::stdout().is_terminal() => to_csv(&table, Bom::With)?,
        Format::Csv => to_csv(&table, Bom::Without)?,
        Format::Table => printed(&table).into_bytes(),
    };
    match &args.out {
        Some(file) => std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?,
        None => std::io::stdout().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn printed(table: &Table) -> String {
    let mut printed = Printed::new();
    printed.load_style(presets::UTF8_HORIZONTAL_ONLY);
    printed.set_header(table.columns.iter().map(|column| column.name.to_string()));
    for row in &table.rows {
        printed.add_row(row.iter().map(|cell| match cell {
            Cell::Count(_) => comfy_table::Cell::new(cell.to_string()).set_alignment(CellAlignment::Right),
            _ => comfy_table::Cell::new(cell.to_string()),
        }));
    }
    format!("{printed}\n")
}
