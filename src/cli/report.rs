//! `fuwu report`: a report from the store. The embedded file is opened beside a running server.

mod printed;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::Misused;
use super::assemble::store_spec;
use crate::app::{Clock as _, ReportFault, SystemClock, read_report};
use crate::config::settings::Privacy;
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::{AccountId, Channel};
use crate::domain::time::BusinessDay;
use crate::growth::report::{
    AsOf, Asked, Bom, By, Compare, Context, Explain, Form, Measure, Meta, Period, ReportName, Table, known_channel,
    written,
};
use crate::store::open_read_only;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Which report: followers, activity, unique, retention, survival, referral, kfactor, cycle, menu, unanswered,
    /// datacube.
    #[arg(value_parser = |name: &str| name.parse::<ReportName>().map_err(|e| e.to_string()))]
    name: ReportName,
    /// First business day, YYYY-MM-DD.
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: BusinessDay,
    /// Last business day, YYYY-MM-DD.
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: BusinessDay,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// A file to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only customers who came by this channel of the playbook; `other` for codes that none of them names.
    #[arg(long)]
    channel: Option<String>,
    /// What rows are told apart by: channel for followers, activity, unique, retention and survival; referrer (with the
    /// reason) or reason for referral.
    #[arg(long, value_enum)]
    by: Option<ByWord>,
    /// For retention: active on exactly the n-th day, on it or after, or by weeks. [default: on-day]
    #[arg(long, value_enum)]
    measure: Option<MeasureWord>,
    /// Puts the period before beside it, on the same weekdays.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "previous")]
    compare: Option<CompareWord>,
    /// The numbers as they stood at the end of this business day, YYYY-MM-DD.
    #[arg(long, value_name = "DAY", value_parser = day)]
    as_of: Option<BusinessDay>,
    /// What each number means, and the integers it is the sum of.
    #[arg(long)]
    explain: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Xlsx,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ByWord {
    Channel,
    Referrer,
    Reason,
}

impl From<ByWord> for By {
    fn from(word: ByWord) -> Self {
        match word {
            ByWord::Channel => Self::Channel,
            ByWord::Referrer => Self::Referrer,
            ByWord::Reason => Self::Reason,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MeasureWord {
    OnDay,
    OnOrAfter,
    Weekly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompareWord {
    Previous,
}

fn day(text: &str) -> Result<BusinessDay, String> {
    BusinessDay::parse(text).ok_or_else(|| "a day looks like 2026-01-31".into())
}

/// Where the report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    File,
    Terminal,
    Pipe,
}

impl ReportArgs {
    fn asked(&self) -> Result<Asked, Misused> {
        let period = Period::new(self.from, self.to).map_err(misused)?;
        Ok(Asked {
            channel: self.channel.as_deref().map(Channel::new),
            by: self.by.map_or(By::Nothing, By::from),
            measure: match self.measure {
                None | Some(MeasureWord::OnDay) => Measure::OnDay,
                Some(MeasureWord::OnOrAfter) => Measure::OnOrAfter,
                Some(MeasureWord::Weekly) => Measure::Weekly,
            },
            compare: self.compare.map_or(Compare::Nothing, |CompareWord::Previous| Compare::Previous),
            explain: self.explain(),
            as_of: self.as_of,
            ..Asked::new(self.name, period)
        })
    }

    fn explain(&self) -> Explain {
        if self.explain { Explain::Yes } else { Explain::No }
    }

    fn goal(&self) -> Goal {
        match &self.out {
            Some(_) => Goal::File,
            None if std::io::stdout().is_terminal() => Goal::Terminal,
            None => Goal::Pipe,
        }
    }

    /// `None` for a table to read.
    fn form(&self, goal: Goal) -> Result<Option<Form>, Misused> {
        let form = match (self.format, goal) {
            (Format::Table, _) => return Ok(None),
            (Format::Json, _) => Form::Json,
            (Format::Csv, Goal::Pipe) => Form::Csv(Bom::Without),
            (Format::Csv, Goal::File | Goal::Terminal) => Form::Csv(Bom::With),
            (Format::Xlsx, Goal::File | Goal::Pipe) => Form::Xlsx,
            (Format::Xlsx, Goal::Terminal) => {
                let told = "a workbook is not for a terminal; say where it goes with --out FILE";
                return Err(Misused(told.into()));
            }
        };
        form.holds(self.explain()).map_err(misused)?;
        Ok(Some(form))
    }
}

fn misused(error: impl std::fmt::Display) -> Misused {
    Misused(error.to_string())
}

pub(super) fn run(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    args: &ReportArgs,
) -> anyhow::Result<ExitCode> {
    let clock = AsOf { now: SystemClock.now(), lateness: store_spec(settings)?.lateness };
    let asked = args.asked()?;
    asked.check(clock.now).map_err(misused)?;
    let form = args.form(args.goal())?;
    let (table, meta) = read(settings, (id, account), (&asked, clock))?;
    let bytes = match form {
        Some(form) => written(&table, &meta, (form, args.explain()))?,
        None => {
            let width = (args.goal() == Goal::Terminal).then(|| comfy_table::Table::new().width()).flatten();
            printed::printed(&table, width, args.explain()).into_bytes()
        }
    };
    match &args.out {
        Some(file) => std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?,
        None => std::io::stdout().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn read(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    (asked, clock): (&Asked, AsOf),
) -> anyhow::Result<(Table, Meta)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = open_read_only(settings.store_url.expose(), &settings.data_dir, store_spec(settings)?);
    let store = runtime.block_on(opened)?;
    // A playbook with errors has no labels and channels to tell; the numbers are there all the same.
    let (playbook, _) = crate::config::playbook::read(&account.dirs);
    let playbook = playbook.unwrap_or_default();
    let Privacy { forget, keep_days } = settings.privacy;
    let context = Context::new(playbook.labels(), (forget, keep_days));
    let table = match runtime.block_on(read_report(store.as_ref(), id, (asked, clock), &context)) {
        Err(ReportFault::Asked(error)) => return Err(misused(error).into()),
        other => other?,
    };
    known_channel(asked.channel.as_ref(), &table, &playbook.channels).map_err(misused)?;
    let version = crate::config::playbook::version(&account.dirs);
    Ok((table, Meta { account: id.clone(), playbook: version, as_of: asked.moment(clock).now }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ReportArgs,
    }

    fn form(more: &[&str], goal: Goal) -> Result<Option<Form>, String> {
        let line = ["report", "activity", "--from", "2026-03-01", "--to", "2026-03-02"].iter().chain(more);
        Line::try_parse_from(line).unwrap().args.form(goal).map_err(|misused| misused.to_string())
    }

    #[test]
    fn a_workbook_goes_anywhere_but_to_a_terminal() {
        let xlsx = ["--format", "xlsx"];
        assert_eq!((form(&xlsx, Goal::File), form(&xlsx, Goal::Pipe)), (Ok(Some(Form::Xlsx)), Ok(Some(Form::Xlsx))));
        assert!(form(&xlsx, Goal::Terminal).unwrap_err().contains("--out FILE"));
    }

    #[test]
    fn a_csv_for_people_has_a_byte_order_mark_and_one_for_a_pipe_has_none() {
        let csv = |goal| form(&["--format", "csv"], goal);
        assert_eq!(
            (csv(Goal::File), csv(Goal::Terminal)),
            (Ok(Some(Form::Csv(Bom::With))), Ok(Some(Form::Csv(Bom::With))))
        );
        assert_eq!(csv(Goal::Pipe), Ok(Some(Form::Csv(Bom::Without))));
    }

    #[test]
    fn what_is_compared_need_not_be_said() {
        for compare in [&["--compare"][..], &["--compare", "previous"]] {
            let line = ["report", "activity", "--from", "2026-03-01", "--to", "2026-03-02"].iter().chain(compare);
            let asked = Line::try_parse_from(line).unwrap().args.asked().unwrap();
            assert_eq!(asked.compare, Compare::Previous);
        }
    }
}
