//! From folders to a playbook, or to what is wrong with it.

use super::check;
use super::draft::Draft;
use super::finding::{Code, Finding};
use super::source::{Dirs, Role, Sources};
use crate::domain::channel::Channels;
use crate::domain::ids::PlaybookVersion;
use crate::domain::keywords::Keywords;
use crate::domain::playbook::{HandedOut, Playbook};

/// More findings than this are not listed.
const MAX_FINDINGS: usize = 1_000;

/// Reads and checks a playbook as a whole. There is one only when nothing found is an error; warnings may be there
/// beside it. Findings come in order of file and line.
pub fn read(dirs: &Dirs) -> (Option<Playbook>, Vec<Finding>) {
    judge(Sources::read(dirs), dirs)
}

/// The version of the files as they are now, checked or not.
pub fn version(dirs: &Dirs) -> PlaybookVersion {
    Sources::read(dirs).version()
}

/// Checks files that were read.
pub fn judge(mut sources: Sources, dirs: &Dirs) -> (Option<Playbook>, Vec<Finding>) {
    let version = sources.version();
    let mut findings = std::mem::take(&mut sources.findings);
    let unread = findings.iter().any(Finding::is_error);
    let mut draft = Draft::read(&sources, &mut findings);
    draft.partial |= unread;
    let has_keywords = sources.files.keys().any(|(role, _)| *role == Role::Keywords);
    require_files(&draft, dirs, &mut findings);
    if !has_keywords && !unread {
        findings.push(no_keywords(dirs));
    }
    let keywords = check::keywords::read(&draft, &mut findings);
    check::all(&draft, &mut findings);
    findings.sort_by(|a, b| (&a.file, a.line, a.column, a.severity).cmp(&(&b.file, b.line, b.column, b.severity)));
    findings.dedup();
    let refused = findings.iter().any(Finding::is_error);
    findings.truncate(MAX_FINDINGS);
    let playbook = if refused { None } else { freeze(draft, keywords) };
    (playbook.map(|playbook| Playbook { version, ..playbook }), findings)
}

/// Without it nobody answers what customers write, links included, so a file that went missing must not go live.
fn no_keywords(dirs: &Dirs) -> Finding {
    let file = dirs.playbook.join("keywords.toml").display().to_string();
    let mend = "请恢复这个文件；确实不要关键词，就留一个空文件";
    Finding::of_file(Code::MissingFile, file, ("缺少 keywords.toml，客户打的字和点的链接都没有人答".to_owned(), mend))
}

fn require_files(draft: &Draft, dirs: &Dirs, findings: &mut Vec<Finding>) {
    if draft.partial {
        return;
    }
    let missing = |name: &str, mend| {
        let file = dirs.playbook.join(name).display().to_string();
        Finding::of_file(Code::MissingFile, file, (format!("缺少 {name}"), mend))
    };
    if draft.actions.is_empty() {
        findings.push(missing("actions.toml", "至少要有一个动作，写在 actions.toml 或 actions/ 里"));
    }
    if draft.moments.is_none() {
        findings.push(missing("moments.toml", "写明关注、扫码、听不懂时分别用哪个动作"));
    }
}

/// Nothing is missing when nothing was found.
fn freeze(draft: Draft, keywords: Option<Keywords>) -> Option<Playbook> {
    Some(Playbook {
        actions: draft.actions.into_iter().map(|(key, part)| Some((key, part.value?))).collect::<Option<_>>()?,
        keywords: keywords?,
        moments: draft.moments?.value?,
        base_url: draft.base_url.and_then(|part| part.value).unwrap_or_default(),
        allow_addresses: draft.allow_addresses,
        day_book: match draft.day_book {
            Some(part) => Some(part.value?),
            None => None,
        },
        connectors: draft.connectors.into_iter().map(|(key, part)| Some((key, part.value?))).collect::<Option<_>>()?,
        channels: Channels(
            draft.channels.into_iter().map(|(key, part)| Some((key, part.value?))).collect::<Option<_>>()?,
        ),
        notices: draft.notices.into_iter().map(|(key, part)| Some((key, part.value?))).collect::<Option<_>>()?,
        pools: draft.pools.into_iter().map(|(key, part)| Some((key, part.value?))).collect::<Option<_>>()?,
        posters: draft
            .posters
            .into_iter()
            .map(|(key, poster)| (key.clone(), HandedOut { campaign: key.to_string(), poster }))
            .collect(),
        menus: draft.menus.into_iter().map(|part| part.value).collect::<Option<_>>()?,
        version: PlaybookVersion::default(),
    })
}

#[cfg(test)]
mod tests;
