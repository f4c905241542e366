//! The commands (contract.md "Commands"), one file each. Results go to standard output, everything else to standard
//! error; exit 0 done, 1 the thing asked about is not right, 2 wrong usage or a setting that cannot be used.

mod assemble;
mod brief;
mod chat;
mod check;
mod connector;
mod customer;
mod doctor;
mod explain;
mod in_sandbox;
mod menu;
mod order;
mod pay;
mod platform;
mod populate;
mod referral;
mod replay;
mod report;
mod running;
mod schema;
mod secrets;
mod serve;
mod store;
mod test;

pub use assemble::{Parts, Running, start};

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};

use crate::app::{Clock as _, SystemClock};
use crate::config::playbook::{read, render};
use crate::config::{AccountSettings, Settings};
use crate::domain::ids::AccountId;
use crate::domain::playbook::Playbook;
use crate::store::StoreError;

/// The backend of a WeChat official account: answers in time, counts exactly.
#[derive(Debug, Parser)]
#[command(name = "fuwu", version)]
struct Cli {
    /// A settings file, read over config/default.toml and config/local.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The account, where more than one is configured.
    #[arg(long, global = true, value_name = "ID")]
    account: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Webhook, console, API and outbox; the sandbox too while `sandbox.enabled`. The default.
    Serve,
    /// Checks the whole playbook: what is wrong, where, and how to mend it.
    Check {
        /// How the findings are printed.
        #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
        format: CheckFormat,
    },
    /// Runs the playbook's conversation tests.
    Test {
        /// Files to run; all of the playbook's when none is given.
        files: Vec<PathBuf>,
    },
    /// A phone in the terminal, against the playbook on disk; nothing is stored.
    Chat {
        /// The customer's name.
        #[arg(long = "as", value_name = "NAME", default_value = "小明")]
        name: String,
    },
    /// Recorded deliveries through the whole pipeline, each at its recorded arrival time; beside a running server
    /// through that server. A file that was applied in part, or has grown, is gone on with where it stopped.
    Replay(replay::ReplayArgs),
    /// A report from the store, also beside a running server.
    Report(report::ReportArgs),
    /// The daily or weekly report as it would be sent now; nothing is sent. Also beside a running server.
    Brief {
        #[command(subcommand)]
        command: brief::BriefCommand,
    },
    /// Everything held on one customer; forgetting one customer.
    Customer {
        #[command(subcommand)]
        command: customer::CustomerCommand,
    },
    /// Why: what was set aside and for what reason; what is known of one customer. Also beside a running server.
    Explain {
        #[command(subcommand)]
        command: explain::ExplainCommand,
    },
    /// The connectors to the business system. The demo's is the running server's.
    Connector {
        #[command(subcommand)]
        command: connector::ConnectorCommand,
    },
    /// The account's menus, on the platform and in the files. The demo's platform is the running server's.
    Menu {
        #[command(subcommand)]
        command: menu::MenuCommand,
    },
    /// Orders and payments that a person has to look at, and what was decided.
    Order {
        #[command(subcommand)]
        command: order::OrderCommand,
    },
    /// Codes by which customers come.
    Referral {
        #[command(subcommand)]
        command: referral::ReferralCommand,
    },
    /// What fuwu stands on: settings, disk, store; for Redis each server, what it may forget and what restores it; of
    /// each account what the platform says of token, clock, rights, quotas, callback and menus. Also beside a running
    /// server.
    Doctor,
    /// JSON Schemas of the playbook files, for editors.
    Schema {
        /// The folder to write them to; printed when left out.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// The store itself.
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// The model of the platform.
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Counts everything again from the facts and compares it with the stored numbers; of every account, unless one is
    /// named. Also beside a running server.
    Verify,
    /// Copies everything of every account, unless one is named, to another store, and compares both sides. No server may
    /// run on either. Broken off, it goes on where it stopped when the same command is run again.
    Copy(store::CopyArgs),
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// A simulated population through the real webhook, ending today. No server may be running on the same data.
    Populate(populate::PopulateArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    Text,
    Json,
}

impl From<CheckFormat> for check::Format {
    fn from(format: CheckFormat) -> Self {
        match format {
            CheckFormat::Text => Self::Text,
            CheckFormat::Json => Self::Json,
        }
    }
}

/// Runs a command line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(wrong) => {
            // Printing can only fail when nobody reads; the exit code still tells.
            let _ = wrong.print();
            return ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(2));
        }
    };
    let settings = match Settings::load(cli.config.as_deref(), std::env::vars()) {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    match dispatch(&cli, settings) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fuwu: {error:#}");
            // A store that does not fit its settings is a setting that cannot be used.
            let mismatch = matches!(error.downcast_ref(), Some(StoreError::Mismatch(_)));
            ExitCode::from(if mismatch || error.is::<Misused>() { 2 } else { 1 })
        }
    }
}

fn dispatch(cli: &Cli, settings: Settings) -> anyhow::Result<ExitCode> {
    let meant = match one_account(&settings, cli.account.as_deref()) {
        Ok(found) => Ok((found.0, found.1.clone())),
        Err(cause) => Err(Misused(cause)),
    };
    match cli.command.as_ref().unwrap_or(&Command::Serve) {
        Command::Serve => serve::run(settings),
        Command::Schema { out } => Ok(ExitCode::from(schema::run(out.as_deref(), &mut std::io::stdout())?)),
        Command::Sandbox { command: SandboxCommand::Populate(args) } => populate::run(settings, args),
        Command::Store { command } => {
            let accounts: Vec<AccountId> = match &cli.account {
                Some(_) => vec![meant?.0],
                None => settings.accounts.keys().cloned().collect(),
            };
            match command {
                StoreCommand::Verify => store::verify_accounts(&settings, &accounts),
                StoreCommand::Copy(args) => store::copy_accounts(&settings, &accounts, args),
            }
        }
        Command::Check { format } => {
            // Without `--account` every playbook is checked.
            let account = cli.account.as_ref().map(|_| meant).transpose()?.map(|(id, _)| id);
            let options = check::Options { account, format: (*format).into() };
            Ok(ExitCode::from(check::run(&settings, &options, &mut std::io::stdout())?))
        }
        Command::Test { files } => {
            let (_, account) = meant?;
            let folder = account.dirs.playbook.join("tests");
            let passed = test::test(&playbook_on_disk(&account)?, &folder, files, &mut std::io::stdout())?;
            Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Command::Chat { name } => {
            let (_, account) = meant?;
            let (input, mut out) = (std::io::stdin().lock(), std::io::stdout());
            chat::chat(playbook_on_disk(&account)?, name, (input, &mut out), || SystemClock.now())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Brief { command } => {
            let (id, account) = meant?;
            brief::run(&settings, (&id, &account), command)
        }
        Command::Connector { command } => {
            let (id, account) = meant?;
            connector::run(&settings, (&id, &account), command)
        }
        Command::Menu { command } => {
            let (id, account) = meant?;
            menu::run(&settings, (&id, &account), command)
        }
        Command::Order { command } => {
            let (id, account) = meant?;
            order::run(&settings, (&id, &account), command)
        }
        Command::Referral { command } => {
            let (id, account) = meant?;
            referral::run(&settings, (&id, &account), command)
        }
        Command::Doctor => doctor::run(&settings),
        Command::Replay(args) => replay::run(&settings, args),
        Command::Explain { command } => explain::run(&settings, meant?.0, command),
        Command::Customer { command } => customer::run(&settings, meant?.0, command),
        Command::Report(args) => {
            let (id, account) = meant?;
            report::run(&settings, (&id, &account), args)
        }
    }
}

/// A command line that cannot be meant.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misused(String);

/// The playbook of an account; its errors when it has any.
fn playbook_on_disk(account: &AccountSettings) -> anyhow::Result<Arc<Playbook>> {
    let (playbook, findings) = read(&account.dirs);
    playbook.map(Arc::new).ok_or_else(|| {
        let errors = findings.iter().filter(|finding| finding.is_error()).map(render).collect::<Vec<_>>().join("\n");
        anyhow::anyhow!("the playbook has errors\n{errors}")
    })
}

/// The account meant: the only one, or the one named.
fn one_account<'a>(settings: &'a Settings, named: Option<&str>) -> Result<(AccountId, &'a AccountSettings), String> {
    let known = || settings.accounts.keys().map(AccountId::as_str).collect::<Vec<_>>().join(", ");
    let found = match named {
        Some(name) => settings.accounts.get_key_value(&AccountId::new(name)),
        None if settings.accounts.len() == 1 => settings.accounts.first_key_value(),
        None => return Err(format!("several accounts are configured ({}): choose one with --account ID", known())),
    };
    found.map(|(id, account)| (id.clone(), account)).ok_or_else(|| format!("no such account; configured: {}", known()))
}
