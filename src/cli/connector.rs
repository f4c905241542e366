//! `fuwu connector try NAME`: one real question to the business system, and what was understood of its answer. Nothing
//! that is secret or about a person is printed.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use url::Url;

use super::Misused;
use super::assemble::reachable;
use crate::backend::{Backend, Cause, Secrets, Trial};
use crate::config::nearest::suggestion;
use crate::config::{AccountSettings, Settings};
use crate::domain::actions::Stakes;
use crate::domain::connector::{Connector, OPENID};
use crate::domain::digits::masked;
use crate::domain::ids::{AccountId, ConnectorKey, Openid};
use crate::domain::playbook::Playbook;
use crate::domain::private::Private;
use crate::domain::question::{Answer, Question};
use crate::domain::value::{Value, Values};

#[derive(Debug, Subcommand)]
pub(super) enum ConnectorCommand {
    /// Puts one question for real and prints what was sent and understood, without secrets and numbers.
    Try(TryArgs),
}

#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// The connector, as connectors.toml names it.
    name: String,
    /// A value for a placeholder of its request, as `number=13800138000`; as often as needed.
    #[arg(long = "value", value_name = "NAME=VALUE", value_parser = named)]
    values: Vec<(String, String)>,
    /// The customer it is about.
    #[arg(long, value_parser = super::customer::openid, default_value = "oTryOut")]
    openid: Openid,
    /// Put it although it moves something: places an order, sends a code.
    #[arg(long)]
    for_real: bool,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() || value.is_empty() {
        return Err("write NAME=VALUE".into());
    }
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(
    settings: &Settings,
    (id, account): (&AccountId, &AccountSettings),
    command: &ConnectorCommand,
) -> anyhow::Result<ExitCode> {
    let ConnectorCommand::Try(args) = command;
    let playbook = super::playbook_on_disk(account)?;
    let question = question(&playbook, args).map_err(Misused)?;
    let sandbox = match settings.lives_in_sandbox(id) {
        true => Some(Url::parse(&format!("http://{}/sandbox/telecom/", reachable(settings.listen)))?),
        false => None,
    };
    let backend = Backend::new(sandbox.clone(), Secrets::of_environment());
    let within = playbook.connectors.get(&question.connector).map_or(0, |connector| connector.late_timeout_ms);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let trial = runtime.block_on(backend.try_out(&playbook, &question, Duration::from_millis(within.into())));
    let is_good = print(&trial, &mut io::stdout())?;
    if trial.cause == Some(Cause::Unreached) && playbook.base_url.starts_with("sandbox:") {
        return Err(anyhow!("演示业务系统在运行中的 fuwu serve 里：先启动它；在别的地址就设 FUWU__SERVER__LISTEN"));
    }
    Ok(ExitCode::from(u8::from(!is_good)))
}

/// The question, or what is missing to put it.
fn question(playbook: &Playbook, args: &TryArgs) -> Result<Question, String> {
    let key = ConnectorKey::new(args.name.as_str());
    let Some(connector) = playbook.connectors.get(&key) else {
        let known = playbook.connectors.keys().map(ConnectorKey::as_str);
        return Err(format!("没有连接器 {key}。{}", suggestion(key.as_str(), known)));
    };
    let mut values: Values = args.values.iter().map(|(name, text)| (name.clone(), value(name, text))).collect();
    values.insert(OPENID.to_owned(), Value::from(args.openid.as_str()));
    let missing: Vec<String> = connector
        .placeholders()
        .into_iter()
        .filter(|name| !values.contains_key(name))
        .map(|name| format!("--value {name}=…"))
        .collect();
    if !missing.is_empty() {
        return Err(format!("连接器 {key} 还要这些值：{}", missing.join(" ")));
    }
    let moves = moves(playbook, &key, connector);
    if moves && !args.for_real {
        return Err(format!("连接器 {key} 会真的办理业务（下单、扣费、发验证码）。确实要试，加上 --for-real"));
    }
    let idempotency_key = moves.then(|| format!("try-{:016x}", rand::random::<u64>()));
    Ok(Question { connector: key, values, idempotency_key })
}

/// What is about a person, as far as anybody can tell: every word that is not plainly a code or a day.
fn value(name: &str, text: &str) -> Value {
    if matches!(name, "number" | "code" | "name" | "identity" | "address" | "phone") || !is_plain(text) {
        Value::Private(Private::new(text))
    } else {
        Value::from(text)
    }
}

/// A code of the business system, a day, a month or a short count: `P59`, `IN_PROGRESS`, `2026-01-31`, `202601`.
fn is_plain(text: &str) -> bool {
    let is_code = |char: char| char.is_ascii_uppercase() || char.is_ascii_digit() || matches!(char, '_' | '-');
    is_day(text) || (text.len() <= 32 && text.chars().all(is_code) && masked(text) == text)
}

/// Whether a question to it does something.
fn moves(playbook: &Playbook, key: &ConnectorKey, connector: &Connector) -> bool {
    let at_stake = |(asked, stakes): (&ConnectorKey, Stakes)| asked == key && stakes == Stakes::Value;
    connector.idempotency_header.is_some()
        || connector.idempotent == Some(false)
        || playbook.actions.values().any(|kind| kind.as_action().connectors().into_iter().any(at_stake))
}

/// Prints it; whether the answer can be used.
fn print(trial: &Trial, out: &mut dyn Write) -> io::Result<bool> {
    if let Some(sent) = &trial.sent {
        writeln!(out, "问：{}", sent.line)?;
        for (name, value) in &sent.headers {
            writeln!(out, "    {name}: {value}")?;
        }
        if let Some(body) = &sent.body {
            writeln!(out, "    {body}")?;
        }
    }
    if let Some(status) = trial.status {
        writeln!(out, "答：HTTP {status}，{} 毫秒", trial.took.as_millis())?;
    }
    if let Some(cause) = &trial.cause {
        writeln!(out, "不能用：{cause}")?;
        writeln!(out, "怎么改：{}", cause.mend())?;
        if !trial.places.is_empty() {
            writeln!(out, "回答里有：")?;
        }
        for place in &trial.places {
            writeln!(out, "    {place}")?;
        }
        return Ok(false);
    }
    match &trial.answer {
        Answer::Loaded(fields) => {
            writeln!(out, "读到：")?;
            print_fields(fields, "    ", out)?;
            Ok(true)
        }
        Answer::Refused { code } => {
            writeln!(out, "业务系统拒绝了，代码：{}", masked(code))?;
            writeln!(
                out,
                "怎么改：不该拒绝就检查 --value 和业务系统的数据；对顾客怎么说，写在动作的 refused.{} 里",
                masked(code)
            )?;
            Ok(false)
        }
        Answer::TimedOut | Answer::Down => Ok(false),
    }
}

fn print_fields(fields: &Values, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    for (name, value) in fields {
        match value {
            Value::List(entries) => {
                writeln!(out, "{indent}{name} = {} 条", entries.len())?;
                for entry in entries {
                    let parts = entry.iter().map(|(name, value)| format!("{name} = {}", shown(value)));
                    writeln!(out, "{indent}    {}", parts.collect::<Vec<_>>().join("，"))?;
                }
            }
            value => writeln!(out, "{indent}{name} = {}", shown(value))?,
        }
    }
    Ok(())
}

/// Money and volumes are shown as a customer reads them. Words may be somebody's name or address: enough is shown to tell
/// whether it is the right part. A count may be somebody's number.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) if !is_plain(text) => {
            format!("{}（{} 个字）", Private::new(text.as_str()), text.chars().count())
        }
        Value::Integer(_) => masked(&value.to_string()),
        Value::Fen(n) | Value::Kib(n) | Value::Minutes(n) if n.unsigned_abs() >= LONGEST_AMOUNT => {
            masked(&n.to_string())
        }
        value => value.to_string(),
    }
}

/// Whatever has so many digits is rather a phone number in the wrong place.
const LONGEST_AMOUNT: u64 = 10_000_000_000;

fn is_day(text: &str) -> bool {
    text.len() <= 10 && crate::domain::time::BusinessDay::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample::playbook;

    fn args(name: &str, values: &[(&str, &str)], for_real: bool) -> TryArgs {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        TryArgs { name: name.into(), values, openid: "o1".into(), for_real }
    }

    #[test]
    fn what_is_missing_is_named_and_what_moves_something_is_not_done_by_mistake() {
        let mut playbook = playbook();
        assert!(question(&playbook, &args("balanse", &[], false)).unwrap_err().contains("balance"));
        assert!(question(&playbook, &args("order", &[], false)).unwrap_err().contains("--for-real"));
        let order = question(&playbook, &args("order", &[], true)).unwrap();
        assert!(order.idempotency_key.is_some_and(|key| key.starts_with("try-")));
        let balance = playbook.connectors.get_mut(&ConnectorKey::from("balance")).unwrap();
        balance.query = [("n".to_owned(), crate::domain::template::Template::new("{{ number }}").unwrap())].into();
        let fault = question(&playbook, &args("balance", &[], false)).unwrap_err();
        assert!(fault.contains("--value number=…"), "{fault}");
        let asked = question(&playbook, &args("balance", &[("number", "13800138000")], false)).unwrap();
        assert_eq!(asked.idempotency_key, None);
        assert!(matches!(asked.values["number"], Value::Private(_)));
        for (name, text, is_private) in [
            ("person", "张小明", true),
            ("way", "南京市鼓楼区", true),
            ("mail", "someone@example.com", true),
            ("plan", "P59", false),
            ("month", "202601", false),
            ("day", "2026-01-31", false),
        ] {
            assert_eq!(matches!(value(name, text), Value::Private(_)), is_private, "{name}={text}");
        }
        assert_eq!([named("a=b=c"), named("a"), named("=b")].map(|read| read.is_ok()), [true, false, false]);
    }

    #[test]
    fn an_answer_is_printed_as_a_customer_reads_it_without_numbers() {
        let entry: Values = [("day".to_owned(), Value::from("2026-01-31")), ("fen".to_owned(), Value::Fen(150))].into();
        let fields = [
            ("balance", Value::Fen(8650)),
            ("who", Value::from("13800138000 的套餐")),
            ("person", Value::from("张小明")),
            ("address", Value::from("南京市鼓楼区中山路 1 号")),
            ("phone", Value::Integer(13_800_138_000)),
            ("phone_as_money", Value::Fen(13_800_138_000)),
            ("points", Value::Integer(1_280)),
            ("state", Value::from("IN_PROGRESS")),
            ("until", Value::from("2026-01-31")),
            ("bills", Value::List(vec![entry])),
        ];
        let trial = Trial {
            sent: None,
            status: Some(200),
            took: Duration::from_millis(7),
            answer: Answer::Loaded(fields.map(|(name, value)| (name.to_owned(), value)).into()),
            cause: None,
            places: Vec::new(),
        };
        let mut out = Vec::new();
        assert!(print(&trial, &mut out).unwrap());
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("balance = 86.50") && text.contains("fen = 1.50") && text.contains("until = 2026-01-31"),
            "{text}"
        );
        assert!(text.contains("person = 张**（3 个字）") && text.contains("address = 南"), "{text}");
        assert!(text.contains("points = 1280") && text.contains("state = IN_PROGRESS"), "{text}");
        for private in ["13800138000", "138001380.00", "小明", "鼓楼", "中山路"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
        let mut out = Vec::new();
        let refused = Trial { answer: Answer::Refused { code: "E1".into() }, ..trial };
        assert!(!print(&refused, &mut out).unwrap());
        assert!(String::from_utf8(out).unwrap().contains("refused.E1"));
    }
}
