//! `fuwu brief`: the daily or weekly report as it would be sent now. Nothing is sent; the embedded file is opened beside a
//! running server.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use super::Misused;
use super::assemble::store_spec;
use crate::app::{Clock as _, Subject, SystemClock, read_brief};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;
use crate::domain::time::BusinessDay;
use crate::growth::brief::{BriefForm, Edition};
use crate::growth::report::{AsOf, Bom};
use crate::store::open_read_only;

#[derive(Debug, Subcommand)]
pub(super) enum BriefCommand {
    /// Of a day.
    Daily {
        /// The business day, YYYY-MM-DD; yesterday when left out.
        #[arg(long, value_name = "DAY", value_parser = day)]
        day: Option<BusinessDay>,
        #[command(flatten)]
        way: Way,
    },
    /// Of an ISO week.
    Weekly {
        /// A business day of the week, YYYY-MM-DD; last week when left out.
        #[arg(long, value_name = "DAY", value_parser = day)]
        week_of: Option<BusinessDay>,
        #[command(flatten)]
        way: Way,
    },
}

#[derive(Debug, Args)]
pub(super) struct Way {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A file to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
    Csv,
    Xlsx,
}

fn day(text: &str) -> Result<BusinessDay, String> {
    BusinessDay::parse(text).ok_or_else(|| "a day looks like 2026-01-31".into())
}

impl BriefCommand {
    fn edition(&self, today: BusinessDay) -> (Edition, &Way) {
        match self {
            Self::Daily { day, way } => (Edition::Daily(day.unwrap_or(today.plus_days(-1))), way),
            Self::Weekly { week_of, way } => (Edition::Weekly(week_of.unwrap_or(today.plus_days(-7))), way),
        }
    }
}

impl Way {
    fn form(&self) -> Result<BriefForm, Misused> {
        let is_terminal = self.out.is_none() && std::io::stdout().is_terminal();
        Ok(match self.format {
            Format::Text => BriefForm::Text,
            Format::Markdown => BriefForm::Markdown,
            Format::Json => BriefForm::Json,
            Format::Csv if self.out.is_some() || is_terminal => BriefForm::Csv(Bom::With),
            Format::Csv => BriefForm::Csv(Bom::Without),
            Format::Xlsx if is_terminal => {
                return Err(Misused("a workbook is not for a terminal; say where it goes with --out FILE".into()));
            }
            Format::Xlsx => BriefForm::Xlsx,
        })
    }
}

pub(super) fn run(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    command: &BriefCommand,
) -> anyhow::Result<ExitCode> {
    let clock = AsOf { now: SystemClock.now(), lateness: store_spec(settings)?.lateness };
    let today = clock.now.business_day();
    let (edition, way) = command.edition(today);
    let form = way.form()?;
    if edition.first_day() > today {
        return Err(Misused(format!("{} has not begun; the latest that works is {today}", edition.first_day())).into());
    }
    // A playbook with errors has no names to tell; the numbers are there all the same.
    let (playbook, _) = crate::config::playbook::read(&account.dirs);
    let mut playbook = playbook.unwrap_or_default();
    playbook.version = crate::config::playbook::version(&account.dirs);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = open_read_only(settings.store_url.expose(), &settings.data_dir, store_spec(settings)?);
    let store = runtime.block_on(opened)?;
    let subject = Subject { store: store.as_ref(), account: id, playbook: &playbook, clock };
    let bytes = runtime.block_on(read_brief(&subject, edition, None))?.written(form)?;
    match &way.out {
        Some(file) => std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?,
        None => std::io::stdout().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}
