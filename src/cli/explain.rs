//! `fuwu explain`: why. What was set aside and for what reason; what is known of one customer, and how it came about; what
//! could not be said to them; why an invite counts or does not.

mod invite;
mod push;

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::assemble::store_spec;
use super::customer::{key, openid};
use crate::app::{export_customer, moment};
use crate::channel::official::Reason;
use crate::config::Settings;
use crate::domain::ids::{AccountId, Openid};
use crate::store::{CustomerRef, Quarantined, open_read_only, open_to_export};

#[derive(Debug, Subcommand)]
pub(super) enum ExplainCommand {
    /// Deliveries that were the platform's and could not be used: when, why, and what that means. Newest first.
    Quarantine(QuarantineArgs),
    /// One customer: state, history, and what could not be used of theirs.
    Customer {
        /// The customer.
        #[arg(value_parser = openid)]
        openid: Openid,
    },
    /// By whose code a customer came and whether it counts, and every invite of their own: how it stands, when that is
    /// final, why it was refused.
    Invite {
        /// The friend, or the inviter.
        #[arg(value_parser = openid)]
        openid: Openid,
    },
    /// Messages that were given up, and why; how a customer can be reached now; one more try.
    Push(push::PushArgs),
}

#[derive(Debug, Args)]
pub(super) struct QuarantineArgs {
    /// How many.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    last: u16,
    /// Also what they said. That may be a customer's words.
    #[arg(long)]
    body: bool,
}

/// Also beside a running server.
pub(super) fn run(settings: &Settings, account: AccountId, command: &ExplainCommand) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        ExplainCommand::Quarantine(args) => {
            let opened = open_read_only(settings.store_url.expose(), &settings.data_dir, store_spec(settings)?);
            let store = runtime.block_on(opened)?;
            let kept = runtime.block_on(store.quarantined(&account, usize::from(args.last)))?;
            let told = match kept.is_empty() {
                true => "没有搁置的推送。nothing was set aside\n".to_owned(),
                false => kept.iter().map(|entry| set_aside(entry, args)).collect(),
            };
            print(&told)
        }
        ExplainCommand::Invite { openid } => runtime.block_on(invite::run(settings, account, openid)),
        ExplainCommand::Push(args) => runtime.block_on(push::run(settings, account, args)),
        ExplainCommand::Customer { openid } => {
            let of = CustomerRef { account, openid: openid.clone() };
            let opened = open_to_export(settings.store_url.expose(), &settings.data_dir, key(settings)?);
            let store = runtime.block_on(opened)?;
            match runtime.block_on(export_customer(store.as_ref(), &of))? {
                Some(held) => print(&customer(&held)),
                None => {
                    eprintln!("fuwu: 没有这位客户的任何资料。nothing is held on this customer");
                    Ok(ExitCode::from(1))
                }
            }
        }
    }
}

/// A pipe that was closed, as by `head`, is no fault.
pub(super) fn print(told: &str) -> anyhow::Result<ExitCode> {
    match std::io::stdout().write_all(told.as_bytes()) {
        Err(fault) if fault.kind() != ErrorKind::BrokenPipe => Err(fault.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn why(reason: &str) -> &'static str {
    Reason::labelled(reason).map_or("", Reason::explained)
}

fn set_aside(entry: &Quarantined, args: &QuarantineArgs) -> String {
    let Quarantined { arrived, reason, body, .. } = entry;
    let mut told = format!("{}  {reason}  {} 字节  {}\n", moment(*arrived), body.len(), why(reason));
    if args.body {
        let _ = writeln!(told, "    {}", on_one_line(&String::from_utf8_lossy(body)));
    }
    told
}

/// What somebody sent must not steer the terminal of whoever looks at it.
pub(super) fn on_one_line(text: &str) -> String {
    text.chars().flat_map(|char| if steers(char) { char.escape_unicode().collect() } else { vec![char] }).collect()
}

/// Control characters, line separators, and marks that turn the direction of what follows.
fn steers(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn customer(held: &Value) -> String {
    let list = |name: &str| held.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut told = String::new();
    if let Some(follow) = held.pointer("/record/follow") {
        let _ = writeln!(told, "关注 follow：{follow}");
    }
    let _ = writeln!(told, "等待发出 outgoing：{}", list("outgoing").len());
    for fact in list("facts") {
        let what = on_one_line(&fact.get("what").unwrap_or(&Value::Null).to_string());
        let _ = writeln!(told, "{}  {what}", text(&fact, "at"));
    }
    for entry in list("quarantined") {
        let reason = text(&entry, "reason");
        let _ = writeln!(told, "{}  搁置 set aside：{reason}  {}", text(&entry, "arrived"), why(&reason));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixSecs;

    #[test]
    fn a_delivery_that_was_set_aside_is_told_with_its_reason_and_only_when_asked_with_its_words() {
        let entry = Quarantined {
            account: "demo".into(),
            arrived: UnixSecs(1_772_416_800),
            reason: "doctype".into(),
            body: "<!DOCTYPE x>\n\x1b[2Jsecret\u{202e}".into(),
        };
        let told = |body| set_aside(&entry, &QuarantineArgs { last: 1, body });
        let line = told(false);
        assert!(line.starts_with("2026-03-02 10:00:00 +08:00  doctype  26 字节  带有 DOCTYPE"), "{line}");
        assert!(!line.contains("secret") && line.lines().count() == 1);
        let both = told(true);
        assert!(both.contains("\\u{a}\\u{1b}[2Jsecret\\u{202e}") && both.lines().count() == 2, "{both:?}");
    }

    #[test]
    fn a_customer_is_told_line_by_line() {
        let held = serde_json::json!({
            "record": {"follow": {"state": "Following"}},
            "facts": [{"at": "2026-03-02 10:00:00 +08:00", "what": {"Unanswered": {"text": "a\nb"}}}],
            "outgoing": [],
            "quarantined": [{"arrived": "2026-03-02 10:00:01 +08:00", "reason": "time", "body": "…"}],
        });
        let told = customer(&held);
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(told.contains("set aside：time  CreateTime"), "{told}");
    }
}
