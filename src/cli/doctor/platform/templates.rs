//! Whether the templates that notices name are on the platform, with the fields that we fill (platform.md 4.10, 4.11).

use std::collections::{BTreeMap, BTreeSet};

use super::{Enough, Patient};
use crate::channel::official::api::{NoticeTemplate, Template};
use crate::cli::doctor::finding::Findings;
use crate::config::playbook::read;
use crate::domain::ids::{NoticeKey, TemplateId};
use crate::domain::notice::{Form, Notice};
use crate::domain::reach::{By, Path, Term};

/// What the platform says of a template: its fields, and how long a consent to it lasts.
struct There {
    fields: BTreeSet<String>,
    term: Option<Term>,
}

/// A template that a notice names for this account.
struct Named<'a> {
    notice: &'a NoticeKey,
    way: &'static str,
    by: By,
    form: &'a Form,
    id: &'a TemplateId,
}

impl Patient<'_> {
    pub(super) async fn templates(&self, findings: &mut Findings) -> Result<(), Enough> {
        // A playbook that cannot be used was told of with the menus.
        let (Some(playbook), _) = read(&self.settings.dirs) else { return Ok(()) };
        let named = self.named(&playbook.notices);
        for path in [Path::Subscription, Path::Template] {
            let named: Vec<&Named<'_>> = named.iter().filter(|named| path_of(named.by) == path).collect();
            if named.is_empty() {
                continue;
            }
            let id = self.id.as_str();
            let may = self.settings.kind.rights().has(path);
            match if may { self.there(path, findings).await? } else { None } {
                Some(there) => compared((id, path), (&named, &there), findings),
                None => lacking((id, path), findings),
            }
        }
        Ok(())
    }

    fn named<'a>(&self, notices: &'a BTreeMap<NoticeKey, Notice>) -> Vec<Named<'a>> {
        let ways =
            notices.iter().flat_map(|(notice, of)| of.forms().map(move |(way, by, form)| (notice, way, by, form)));
        let named = ways
            .filter_map(|(notice, way, by, form)| Some(Named { notice, way, by, form, id: form.ids.get(self.id)? }));
        named.collect()
    }

    /// The account's templates for that path, by id; `None` when the platform does not tell.
    async fn there(&self, path: Path, findings: &mut Findings) -> Result<Option<BTreeMap<String, There>>, Enough> {
        let owned = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect();
        let there = if path == Path::Subscription {
            let of = |template: NoticeTemplate| {
                let term = if template.kind == 3 { Term::Lasting } else { Term::Once };
                (template.id.clone(), There { fields: owned(template.keys()), term: Some(term) })
            };
            let found = self.ask(self.client.notice_templates(), findings).await?;
            found.map(|found| found.into_iter().map(of).collect())
        } else {
            let of = |template: Template| {
                (template.template_id.clone(), There { fields: owned(template.keys()), term: None })
            };
            let found = self.ask(self.client.templates(), findings).await?;
            found.map(|found| found.into_iter().map(of).collect())
        };
        Ok(there.ok())
    }
}

fn path_of(by: By) -> Path {
    match by {
        By::Subscription(_) => Path::Subscription,
        By::Template => Path::Template,
    }
}

/// A path in both languages.
fn name(path: Path) -> (&'static str, &'static str) {
    match path {
        Path::Subscription => ("订阅通知", "subscription notices"),
        Path::Template => ("模板消息", "template messages"),
        Path::CustomerService => ("客服消息", "customer-service messages"),
    }
}

fn lacking((id, path): (&str, Path), findings: &mut Findings) {
    let (chinese, english) = name(path);
    findings.warning(
        format!(
            "账号 {id} 用不了{chinese}，notices.toml 里写的不会发，客户要等下次来才知道结果；请在后台开通，\
             或者把这个账号从 ids 里删掉"
        ),
        format!(
            "account {id} has no {english}, so that those of notices.toml are never sent: apply for them in the \
             platform's console, or take the account out of `ids`"
        ),
    );
}

fn compared(
    (id, path): (&str, Path),
    (named, there): (&[&Named<'_>], &BTreeMap<String, There>),
    findings: &mut Findings,
) {
    let mut all_fit = true;
    for Named { notice, way, by, form, id: template } in named {
        let of = format!("{notice}.{way}");
        let mut fault = |chinese: String, english: String| {
            all_fit = false;
            findings
                .fault(format!("账号 {id} 的通知 {of}：{chinese}"), format!("notice {of} of account {id}: {english}"));
        };
        let Some(there) = there.get(template.as_str()) else {
            fault(
                format!("平台上没有模板 {template}，可能已被删除；请在后台添加，把新的模板 ID 写进 notices.toml"),
                format!("the platform has no template {template}: add one there and write its id into notices.toml"),
            );
            continue;
        };
        let ours: BTreeSet<String> = form.fields.keys().cloned().collect();
        let listed = |fields: Vec<&String>| fields.into_iter().map(String::as_str).collect::<Vec<_>>().join("、");
        let (missing, surplus) = (there.fields.difference(&ours), ours.difference(&there.fields));
        let (missing, surplus) = (listed(missing.collect()), listed(surplus.collect()));
        if !missing.is_empty() {
            fault(
                format!("没有填模板的字段 {missing}，平台会拒绝；请在 notices.toml 的 fields 里补上"),
                format!(
                    "the template's fields {missing} are not filled, which the platform refuses: add them to `fields`"
                ),
            );
        }
        if !surplus.is_empty() {
            fault(
                format!("模板里没有字段 {surplus}；请照着后台的模板改 notices.toml 的 fields"),
                format!("the template has no fields {surplus}: write `fields` as the template has them"),
            );
        }
        if *by == By::Subscription(Term::Lasting) && there.term == Some(Term::Once) {
            fault(
                "后台的模板是一次性订阅，notices.toml 里写的是长期；请删掉 term = \"lasting\"".into(),
                "the template takes one consent for one message: take `term = \"lasting\"` out".into(),
            );
        }
    }
    if all_fit {
        let (chinese, english) = name(path);
        findings.ok(
            format!("账号 {id} 的{chinese}模板都在平台上，字段也对得上"),
            format!("the templates of account {id} for {english} are on the platform, with the fields we fill"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        toml::from_str(&format!("ids = {{ a = \"S\" }}\n{text}")).unwrap()
    }

    fn told(form: &Form, there: &[(&str, &[&str], Term)]) -> String {
        let (key, id) = (NoticeKey::from("n"), TemplateId::from("S"));
        let by = By::Subscription(form.term.unwrap_or(Term::Once));
        let named = Named { notice: &key, way: "subscription", by, form, id: &id };
        let of = |(id, fields, term): &(&str, &[&str], Term)| {
            let fields = fields.iter().map(|key| (*key).to_owned()).collect();
            ((*id).to_owned(), There { fields, term: Some(*term) })
        };
        let mut findings = Findings::default();
        let there = there.iter().map(of).collect();
        compared(("a", Path::Subscription), (&[&named], &there), &mut findings);
        findings.to_string()
    }

    #[test]
    fn a_template_that_is_not_there_or_does_not_fit_is_told_with_cause_and_mend() {
        let once = form("fields = { thing1 = \"x\", phrase2 = \"好\" }");
        let there: &[&str] = &["thing1", "phrase2"];
        assert!(told(&once, &[("S", there, Term::Once)]).starts_with("正常"));
        assert!(told(&once, &[("other", there, Term::Once)]).contains("平台上没有模板 S"));
        let more = told(&once, &[("S", &["thing1", "phrase2", "time3"], Term::Once)]);
        assert!(more.contains("没有填模板的字段 time3") && more.contains("1 faults"), "{more}");
        let fewer = told(&once, &[("S", &["thing1"], Term::Once)]);
        assert!(fewer.contains("模板里没有字段 phrase2"), "{fewer}");
        let lasting = form("term = \"lasting\"\nfields = { thing1 = \"x\" }");
        assert!(told(&lasting, &[("S", &["thing1"], Term::Lasting)]).starts_with("正常"));
        assert!(told(&lasting, &[("S", &["thing1"], Term::Once)]).contains("一次性订阅"));
    }

    #[test]
    fn an_account_that_may_not_is_told_so() {
        let mut findings = Findings::default();
        lacking(("a", Path::Template), &mut findings);
        let told = findings.to_string();
        assert!(told.starts_with("注意") && told.contains("账号 a 用不了模板消息"), "{told}");
    }
}
