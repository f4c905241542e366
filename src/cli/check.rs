//! `fuwu check`: the whole playbook, with everything that is wrong and how to mend it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::config::playbook::{Dirs, Finding, read, render};
use crate::config::settings::Settings;
use crate::domain::ids::{AccountId, PlaybookVersion};

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// For a program.
    Json,
}

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only the playbook of this account.
    pub account: Option<AccountId>,
    /// How findings are printed.
    pub format: Format,
}

/// One playbook that was checked; several accounts may share it.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    accounts: Vec<&'a AccountId>,
    version: Option<PlaybookVersion>,
    actions: usize,
    keyword_rules: usize,
    menus: usize,
    connectors: usize,
    /// Accounts whose customers are to pay, and that have no merchant.
    without_merchant: Vec<&'a AccountId>,
    #[serde(skip)]
    findings: Vec<Finding>,
}

/// The whole result in JSON.
#[derive(Serialize)]
struct Report<'a> {
    errors: usize,
    warnings: usize,
    playbooks: &'a [Checked<'a>],
    findings: Vec<&'a Finding>,
}

/// Checks and prints to `out`. The exit code of contract.md: 0 when there is no error, 1 when there is one.
pub fn run(settings: &Settings, options: &Options, out: &mut dyn Write) -> io::Result<u8> {
    let mut folders: BTreeMap<&Dirs, Vec<&AccountId>> = BTreeMap::new();
    for (id, account) in &settings.accounts {
        if options.account.as_ref().is_none_or(|wanted| wanted == id) {
            folders.entry(&account.dirs).or_default().push(id);
        }
    }
    let checked: Vec<Checked<'_>> =
        folders.into_iter().map(|(dirs, accounts)| check(settings, dirs, accounts)).collect();
    let findings: Vec<&Finding> = checked.iter().flat_map(|one| &one.findings).collect();
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - errors + checked.iter().map(|one| one.without_merchant.len()).sum::<usize>();
    match options.format {
        Format::Json => {
            let report = Report { errors, warnings, playbooks: &checked, findings };
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        }
        Format::Text => {
            for finding in findings {
                writeln!(out, "{}", render(finding))?;
            }
            for one in &checked {
                for id in &one.without_merchant {
                    writeln!(
                        out,
                        "提醒：有订单用微信支付收款，账号 {id} 还没有商户号，顾客付不了款；填写 accounts.{id}.pay"
                    )?;
                }
                summary(one, out)?;
            }
            writeln!(out, "{errors} 个错误，{warnings} 个提醒")?;
        }
    }
    Ok(u8::from(errors > 0 || checked.is_empty()))
}

fn check<'a>(settings: &Settings, dirs: &Dirs, accounts: Vec<&'a AccountId>) -> Checked<'a> {
    let (playbook, findings) = read(dirs);
    let version = playbook.as_ref().map(|playbook| playbook.version.clone());
    let playbook = playbook.unwrap_or_default();
    let has_merchant = |id: &AccountId| {
        settings.lives_in_sandbox(id) || settings.accounts.get(id).is_some_and(|account| account.pay.is_some())
    };
    let unpaid = accounts.iter().copied().filter(|id| playbook.takes_payments() && !has_merchant(id)).collect();
    Checked {
        accounts,
        version,
        actions: playbook.actions.len(),
        keyword_rules: playbook.keywords.rules().len(),
        menus: playbook.menus.len(),
        connectors: playbook.connectors.len(),
        without_merchant: unpaid,
        findings,
    }
}

fn summary(one: &Checked<'_>, out: &mut dyn Write) -> io::Result<()> {
    let accounts: Vec<&str> = one.accounts.iter().map(|id| id.as_str()).collect();
    let accounts = accounts.join("、");
    match &one.version {
        Some(version) => writeln!(
            out,
            "{accounts}：可以上线。版本 {version}，{} 个动作，{} 条关键词规则，{} 个菜单，{} 个连接",
            one.actions, one.keyword_rules, one.menus, one.connectors
        ),
        None => writeln!(out, "{accounts}：不能上线，请先改正上面的错误"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MOMENTS: &str = "first_follow = \"a\"\nrefollow = \"a\"\nscan = \"a\"\nfallback = \"a\"\nnot_words = \"a\"\n";

    fn checked(actions: &str, options: &Options) -> (u8, String) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("actions.toml"), actions).unwrap();
        fs::write(folder.path().join("moments.toml"), MOMENTS).unwrap();
        fs::write(folder.path().join("keywords.toml"), "").unwrap();
        fs::create_dir(folder.path().join("menus")).unwrap();
        let env = [("PLAYBOOK", "."), ("MENUS", "menus")].map(|(key, name)| {
            (format!("FUWU__ACCOUNTS__DEMO__{key}"), folder.path().join(name).display().to_string())
        });
        let settings = Settings::load(None, env.into_iter()).unwrap();
        let mut out = Vec::new();
        let code = run(&settings, options, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_good_playbook_ends_with_0_and_its_version() {
        let (code, text) = checked("[a]\nkind = \"say\"\ntext = \"好\"\n", &Options::default());
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("demo：可以上线。版本 ") && text.contains("0 个错误，0 个提醒"), "{text}");
    }

    #[test]
    fn an_error_ends_with_1_and_says_where_and_how_to_mend_it() {
        let (code, text) = checked("[a]\nkind = \"say\"\ntxt = \"好\"\n", &Options::default());
        assert_eq!(code, 1);
        for part in ["actions.toml:3:1: 错误[unknown-key]", "3 │ txt = \"好\"", "改法：是不是想写 text？", "不能上线"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_program_gets_the_same_as_json() {
        let options = Options { format: Format::Json, ..Options::default() };
        let (code, text) =
            checked("[a]\nkind = \"say\"\ntext = \"好\"\n[b]\nkind = \"say\"\ntext = \"坏\"\n", &options);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &report["errors"], &report["warnings"]), (0, &0.into(), &1.into()));
        assert_eq!(report["playbooks"][0]["accounts"][0], "demo");
        let finding = &report["findings"][0];
        assert_eq!((&finding["code"], &finding["severity"]), (&"unreachable-action".into(), &"warning".into()));
        assert_eq!((&finding["line"], &finding["column"]), (&4.into(), &2.into()));
    }

    #[test]
    fn an_account_that_is_not_there_is_no_success() {
        let options = Options { account: Some("nobody".into()), ..Options::default() };
        assert_eq!(checked("", &options).0, 1);
    }
}
