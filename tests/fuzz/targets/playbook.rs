//! The operator's files: any text is a playbook or is refused with a place and a mend, and a playbook always answers.
//!
//! An input is names and contents of files by turns; the other files are those of a small good playbook.

use std::collections::BTreeMap;
use std::time::Duration;

use fuwu::channel::official::deliver::Chat;
use fuwu::channel::official::{Mode, Query, open, seal};
use fuwu::config::playbook::{Dirs, Finding, Role, Source, Sources, judge, render};
use fuwu::domain::actions::Given;
use fuwu::domain::customer::Customer;
use fuwu::domain::decide::{Subject, decide};
use fuwu::domain::decision::Moment;
use fuwu::domain::inbound::Inbound;
use fuwu::domain::playbook::Playbook;
use fuwu::domain::recent::Earned;
use fuwu::domain::route::route;

use super::kit::{OPENID, ORIGINAL_ID, TAP, account, legal, sender, stamp, text_message};
use super::limits::{Limits, SLOWER, TIME, within};
use super::pieces::Pieces;

/// Of one file of an input that is far smaller: what is not related to its length, a compiled pattern above all.
/// A file may take longer the longer it is, but no more than that.
const LIMITS: Limits = Limits {
    time: TIME,
    time_per_byte: Duration::from_micros(10).saturating_mul(SLOWER),
    base_bytes: 8 * 1024 * 1024,
    per_byte: 512,
};
/// Findings beyond this are not listed.
const MAX_FINDINGS: usize = 1_000;
/// So many of the actions are tried.
const TRIED: usize = 3;

/// A small good playbook.
pub const FILES: [(Role, &str, &str); 6] = [
    (
        Role::Actions,
        "actions.toml",
        "[hello]\nkind = \"say\"\ntext = \"你好\"\n\n[plan]\nkind = \"say\"\ntext = \"套餐\"\n",
    ),
    (Role::Keywords, "keywords.toml", ""),
    (
        Role::Moments,
        "moments.toml",
        "first_follow = \"hello\"\nrefollow = \"hello\"\nscan = \"hello\"\nfallback = \"hello\"\nnot_words = \"hello\"\n",
    ),
    (Role::Menu, "menu.json", "{\"button\": [\n  {\"type\": \"click\", \"name\": \"套餐\", \"key\": \"plan\"}\n]}\n"),
    (
        Role::Connectors,
        "connectors.toml",
        "base_url = \"sandbox:\"\n[connectors.plan]\nmethod = \"GET\"\npath = \"/plan\"\n\
         fields = { name = { at = \"/name\", as = \"text\" } }\nexample = { name = \"a\" }\n",
    ),
    (Role::Channels, "channels.toml", "[shop]\ntitle = \"营业厅\"\nscenes = [\"shop:*\"]\n"),
];

pub fn run(input: &[u8]) {
    within(LIMITS, input, || {
        let mut pieces = Pieces::of(input);
        let mut files: BTreeMap<&str, (Role, Vec<u8>)> =
            FILES.iter().map(|(role, name, text)| (*name, (*role, text.as_bytes().to_vec()))).collect();
        while !pieces.is_done() {
            let name = pieces.text();
            let (role, name, _) = FILES.iter().find(|(_, known, _)| *known == name).unwrap_or(&FILES[0]);
            files.insert(name, (*role, pieces.bytes().to_vec()));
        }
        let (playbook, findings) = read(&files);
        assert_eq!(playbook.is_none(), findings.iter().any(Finding::is_error), "refused exactly for an error");
        assert!(findings.len() <= MAX_FINDINGS);
        findings.iter().for_each(|finding| it_names_its_place(finding, &files));
        if let Some(playbook) = playbook {
            it_answers(&playbook);
        }
    });
}

fn read(files: &BTreeMap<&str, (Role, Vec<u8>)>) -> (Option<Playbook>, Vec<Finding>) {
    let mut sources = Sources::default();
    for (name, (role, bytes)) in files {
        let source = Source { role: *role, shown: (*name).to_owned(), bytes: Ok(bytes.clone()) };
        sources.files.insert((*role, (*name).to_owned()), source);
    }
    judge(sources, &Dirs { playbook: "".into(), menus: "".into() })
}

fn it_names_its_place(finding: &Finding, files: &BTreeMap<&str, (Role, Vec<u8>)>) {
    let (_, text) = files.get(finding.file.as_str()).unwrap_or_else(|| panic!("no such file: {finding:?}"));
    let lines = text.split(|byte| *byte == b'\n').count();
    assert!((1..=lines).contains(&finding.line) && finding.column >= 1, "of {lines} lines: {finding:?}");
    assert!(!finding.message.is_empty() && !finding.mend.is_empty(), "{finding:?}");
    assert!(!finding.excerpt.contains('\n'), "more than its line: {finding:?}");
    assert!(render(finding).starts_with(&format!("{}:{}:{}: ", finding.file, finding.line, finding.column)));
}

/// Whatever the operator wrote, a customer gets messages that the platform takes, and gets on with them.
fn it_answers(playbook: &Playbook) {
    let taps = playbook.actions.keys().take(TRIED).map(|key| {
        let key: String = legal(key.as_str()).replace("]]>", "");
        TAP.replace("<EventKey>k", &format!("<EventKey><![CDATA[{key}]]>"))
    });
    let follow = TAP.replace("CLICK", "subscribe").replace("<EventKey>k", "<EventKey>qrscene_shop:1");
    let said = taps.flat_map(|tap| [tap, text_message("1")]).chain([follow, text_message("查套餐")]);
    let mut customer = Customer::default();
    for message in said {
        customer = answered(playbook, customer, &message);
    }
}

fn answered(playbook: &Playbook, customer: Customer, message: &str) -> Customer {
    let platform = sender(Mode::Plain);
    let push = platform.push(message, &stamp()).unwrap();
    let opened = open(account(Mode::Plain), &Query::parse(&push.query).unwrap(), &push.body).unwrap();
    let inbound: Inbound = opened.delivery.expect("it is understood");
    let moment = Moment { now: inbound.at, at: inbound.at, key: inbound.key, fresh: 7 };
    let route = route(playbook, &customer, &inbound, moment);
    let decision = decide(
        playbook,
        Subject { customer: &customer, inbound: &inbound, moment, awaited: true, invited: None },
        &route,
        &Given::default(),
    );
    let earned = Earned { reply: decision.reply, at: inbound.at };
    let body = seal(account(Mode::Plain), &opened.reply_to, &earned);
    let chat = Chat { openid: OPENID, original_id: ORIGINAL_ID, max_articles: 8 };
    platform.hear(&chat, &body).unwrap_or_else(|fault| panic!("{fault}: {earned:?}"));
    decision.customer
}
