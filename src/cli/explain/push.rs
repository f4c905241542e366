//! `fuwu explain push`: how a customer can be told something now, what is on its way to them, what was given up and why;
//! and one more try of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::super::assemble::store_spec;
use super::super::customer::{at_server, key, openid};
use super::super::running;
use super::{on_one_line, print};
use crate::app::{Clock as _, Listed, Resent, SystemClock, dead_letters, moment, resend, whose_dead_letter};
use crate::config::Settings;
use crate::domain::ids::{AccountId, WorkId};
use crate::domain::reach::{Message, Rights, Told, Unsent, reach};
use crate::domain::reply::Reply;
use crate::domain::time::UnixSecs;
use crate::domain::work::Work;
use crate::store::{CustomerRef, Held, Store, StoreError, open_to_export};

#[derive(Debug, Args)]
pub(in crate::cli) struct PushArgs {
    /// A message that was given up, as the list names it, or a customer's OpenID. Without it: the list.
    id: Option<String>,
    /// Send it once more, if the customer can be reached now; through the running server where there is one.
    #[arg(long, requires = "id")]
    resend: bool,
    /// Also what the messages say.
    #[arg(long)]
    body: bool,
}

/// Whom an operator means, and which message, if they named one.
struct Meant {
    of: CustomerRef,
    work: Option<WorkId>,
}

pub(super) async fn run(settings: &Settings, account: AccountId, args: &PushArgs) -> anyhow::Result<ExitCode> {
    let store = open_to_export(settings.store_url.expose(), &settings.data_dir, key(settings)?).await?;
    let Some(id) = &args.id else {
        let listed = dead_letters(store.as_ref(), &account).await?;
        return print(&list(&listed));
    };
    let rights = settings.accounts.get(&account).map(|account| account.kind.rights()).unwrap_or_default();
    let meant = meant(store.as_ref(), account, id).await?;
    let held = match &meant {
        Some(meant) => store.held(&meant.of).await?,
        None => None,
    };
    let (Some(meant), Some(held)) = (meant, held) else {
        eprintln!("fuwu: 没有这条消息，也没有这位客户。there is no such message, and no such customer");
        return Ok(ExitCode::from(1));
    };
    if args.resend {
        return again(settings, &meant, (&held, &rights)).await;
    }
    print(&told((&held, meant.work.as_ref()), (&rights, SystemClock.now()), args))
}

async fn meant(store: &dyn Store, account: AccountId, id: &str) -> anyhow::Result<Option<Meant>> {
    let work = WorkId::new(id);
    if let Some(of) = whose_dead_letter(store, &account, &work).await? {
        return Ok(Some(Meant { of, work: Some(work) }));
    }
    Ok(openid(id).ok().map(|openid| Meant { of: CustomerRef { account, openid }, work: None }))
}

fn list(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "没有放弃的消息。no message was given up\n".to_owned();
    }
    listed.iter().map(|line| format!("{}  {}  {}\n", moment(line.at), line.id, line.cause)).collect()
}

fn told((held, only): (&Held, Option<&WorkId>), (rights, now): (&Rights, UnixSecs), args: &PushArgs) -> String {
    let customer = &held.stored.customer;
    let mut told = String::new();
    let path = |message: &Message<'_>| {
        let reach = reach(message, customer, rights, now);
        Told { reach: &reach, at: moment }.to_string()
    };
    if only.is_none() {
        let any = Reply::Text("…".into());
        let _ = writeln!(told, "现在 now：{}", path(&Message::late(&any, now.plus_secs(A_DAY_SECS))));
        for (template, left) in customer.ways.consents.all() {
            let _ = writeln!(told, "同意过的订阅 consent：{template}  {left}");
        }
        let _ = writeln!(told, "等下次来再说 waiting as notes：{}", customer.notes.len());
        for (work, message) in held.outbox.iter().filter_map(|work| Some((work, Message::of(work, work.expires)?))) {
            let _ = writeln!(told, "等待发出 outgoing：{}  {}", moment(work.due), work.id);
            let _ = writeln!(told, "    现在发 sent now：{}", path(&message));
            body(&mut told, work, args);
        }
    }
    for Unsent { work, cause, at } in customer.ways.unsent().iter().filter(|it| only.is_none_or(|id| *id == it.work.id))
    {
        let _ = writeln!(told, "已放弃 given up：{}  {}  {cause}", moment(*at), work.id);
        if let Some(message) = Message::of(work, work.expires.max(now.plus_secs(A_DAY_SECS))) {
            let path = path(&message);
            let _ = writeln!(told, "    现在重发 sent again now：{path}");
        }
        body(&mut told, work, args);
    }
    if told.is_empty() {
        told.push_str("已经重发，或者不再保存。it was sent again, or is not kept any more\n");
    }
    told
}

/// Of use for so long once it is sent again.
const A_DAY_SECS: i64 = 86_400;

fn body(told: &mut String, work: &Work, args: &PushArgs) {
    if let (true, Some(reply)) = (args.body, work.task.reply()) {
        let words = match reply {
            Reply::Text(words) => on_one_line(words),
            other => on_one_line(&serde_json::to_string(other).unwrap_or_default()),
        };
        let _ = writeln!(told, "    {words}");
        for carrier in work.task.carriers() {
            let fields = carrier.fields.iter().map(|(key, value)| format!("{key} {}", on_one_line(value)));
            let _ = writeln!(told, "    {}：{}", carrier.template, fields.collect::<Vec<_>>().join("，"));
        }
    }
}

async fn again(settings: &Settings, meant: &Meant, (held, rights): (&Held, &Rights)) -> anyhow::Result<ExitCode> {
    let unsent = held.stored.customer.ways.unsent();
    let id = match (&meant.work, unsent) {
        (Some(id), _) => id.clone(),
        (None, [only]) => only.work.id.clone(),
        (None, []) => bail!("没有放弃的消息。no message to this customer was given up"),
        (None, _) => bail!("不止一条，请写明编号。there are several; name one of them: {}", ids(unsent)),
    };
    let opened =
        crate::store::open(settings.store_url.expose(), &settings.data_dir, store_spec(settings)?, key(settings)?);
    let resent = match opened.await {
        Ok(store) => {
            let resent = resend((store.as_ref(), rights), &meant.of, (&id, SystemClock.now())).await;
            store.close().await?;
            resent?
        }
        Err(StoreError::Locked(_)) => return at_running_server(settings, (&meant.of, &id)).await,
        Err(error) => return Err(error.into()),
    };
    Ok(match resent {
        Resent::OnItsWay(_) => {
            eprintln!("已交给发送队列，服务运行时发出。handed to the outbox; it is sent while a server runs");
            ExitCode::SUCCESS
        }
        Resent::NotNow(path) => not_now(&Told { reach: &path, at: moment }.to_string()),
        Resent::Unknown => not_kept(),
    })
}

fn ids(unsent: &[Unsent]) -> String {
    unsent.iter().map(|unsent| unsent.work.id.as_str()).collect::<Vec<_>>().join(", ")
}

async fn at_running_server(settings: &Settings, (of, id): (&CustomerRef, &WorkId)) -> anyhow::Result<ExitCode> {
    let (mut url, token) = at_server(settings, of)?;
    url.path_segments_mut().ok().context("an address has a path")?.push("resend");
    url.query_pairs_mut().append_pair("id", id.as_str());
    let (status, body) = running::post((url, token)).await?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match status {
        200 => {
            eprintln!("已重发 sent again：{}", text("path"));
            Ok(ExitCode::SUCCESS)
        }
        404 => Ok(not_kept()),
        409 => Ok(not_now(&text("error"))),
        status => bail!("the running server refused ({status}): {}", text("error")),
    }
}

fn not_now(why: &str) -> ExitCode {
    eprintln!("fuwu: 现在发不了。it cannot be sent now：{why}");
    ExitCode::from(1)
}

fn not_kept() -> ExitCode {
    eprintln!("fuwu: 已经重发，或者不再保存。it was sent again, or is not kept any more");
    ExitCode::from(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Customer;
    use crate::domain::ids::DedupeKey;
    use crate::domain::reach::{BY_MESSAGE, By, Carrier, Cause};
    use crate::domain::work::Task;
    use crate::store::{Stored, Version};

    const NOW: UnixSecs = UnixSecs(1_772_416_800);

    fn work(id: &str) -> Work {
        let task = Task::Send(Reply::Text("到账了\u{1b}[2J".into()));
        Work { id: id.into(), origin: DedupeKey(1), due: NOW, expires: NOW, task }
    }

    fn held() -> Held {
        let mut customer = Customer::default();
        customer.windows.open(BY_MESSAGE, NOW);
        for (id, cause) in [("late/1", Cause::Unknown), ("late/2", Cause::InVain)] {
            customer.ways.give_up(Unsent { work: work(id), cause, at: NOW });
        }
        let stored = Stored { version: Version(1), customer };
        Held { stored, facts: Vec::new(), outbox: vec![work("note-0/1")], quarantined: Vec::new() }
    }

    fn explained(only: Option<&str>, body: bool) -> String {
        let args = PushArgs { id: None, resend: false, body };
        let only = only.map(WorkId::from);
        told((&held(), only.as_ref()), (&Rights::default(), NOW), &args)
    }

    #[test]
    fn a_customers_paths_and_what_was_given_up_are_told_without_a_word_of_the_messages() {
        let told = explained(None, false);
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].starts_with("现在 now：客服消息，还能发 5 条，2026-03-04 10:00:00 +08:00 前。"), "{told}");
        assert!(told.contains("等待发出 outgoing：2026-03-02 10:00:00 +08:00  note-0/1"), "{told}");
        assert_eq!((told.matches("已放弃").count(), told.matches("现在重发").count()), (2, 2), "{told}");
        assert!(told.contains("客户可能已经收到") && !told.contains("到账了"), "{told}");
    }

    #[test]
    fn what_a_template_can_carry_is_told_with_its_path_and_its_fields_when_asked_for() {
        let carrier = Carrier {
            template: "T".into(),
            by: By::Template,
            fields: [("phrase2".to_owned(), "已办好".to_owned())].into(),
            link: String::new(),
        };
        let task = Task::Tell { reply: Reply::Text("到账了".into()), carriers: vec![carrier] };
        let outbox = vec![Work { task, expires: NOW.plus_secs(60), ..work("order/1/receipt") }];
        let stored = Stored { version: Version(1), customer: Customer::default() };
        let held = Held { stored, outbox, ..held() };
        let explained = |body| {
            let args = PushArgs { id: None, resend: false, body };
            told((&held, None), (&Rights::default(), NOW), &args)
        };
        assert!(explained(false).contains("现在发 sent now：模板消息 T。"), "{}", explained(false));
        assert!(!explained(false).contains("已办好") && explained(true).contains("T：phrase2 已办好"));
    }

    #[test]
    fn one_message_is_told_alone_and_its_words_only_when_asked_for() {
        let told = explained(Some("late/2"), true);
        assert_eq!(told.lines().count(), 3, "{told}");
        assert!(told.contains("late/2") && told.contains("到账了\\u{1b}[2J") && !told.contains("late/1"), "{told}");
        assert!(explained(Some("gone"), false).contains("不再保存"));
    }

    #[test]
    fn the_list_names_no_customer() {
        assert!(list(&[]).contains("没有放弃的消息"));
        let line = Listed { id: "late/1".into(), origin: DedupeKey(1), at: NOW, cause: Cause::InVain };
        assert!(list(&[line]).starts_with("2026-03-02 10:00:00 +08:00  late/1  一直没有发成"));
    }
}
