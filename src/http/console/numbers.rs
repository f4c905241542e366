//! The numbers on the console: every report of the last days, with what its columns mean and the same as a file.

use std::borrow::Cow;

use maud::{Markup, html};

use super::super::State;
use super::Language;
use crate::app::{ReportFault, ServedAccount, read_report};
use crate::domain::ids::AccountId;
use crate::growth::report::{Asked, Cell, Column, ColumnKind, Explain, Period, ReportName, Table, english, shown};

/// A card for each report.
pub(super) async fn cards(state: &State, account: &ServedAccount, language: Language) -> Markup {
    let context = state.app.report_context(account);
    let clock = state.app.as_of();
    let mut cards = Vec::new();
    for name in ReportName::ALL {
        let today = clock.now.business_day();
        let Ok(period) = Period::new(today.plus_days(1 - days_shown(name)), today) else { continue };
        let asked = Asked { explain: Explain::No, ..Asked::new(name, period) };
        let read = read_report(state.app.store().as_ref(), account.id(), (&asked, clock), &context).await;
        cards.push(card(&asked, account.id(), (read, language)));
    }
    html! { @for card in &cards { (card) } }
}

/// Of cohorts one wants to see how they go on.
fn days_shown(name: ReportName) -> i32 {
    match name {
        ReportName::Retention | ReportName::Survival | ReportName::Referral | ReportName::KFactor => 14,
        ReportName::Followers
        | ReportName::Activity
        | ReportName::Unique
        | ReportName::Cycle
        | ReportName::Menu
        | ReportName::Unanswered
        | ReportName::Datacube => 7,
    }
}

fn card(asked: &Asked, account: &AccountId, (read, language): (Result<Table, ReportFault>, Language)) -> Markup {
    let days = asked.period.len_days();
    html! {
        div.card {
            div.title {
                h3 { (title(asked.report, language)) " " span { @match language {
                    Language::Chinese => { "近 " (days) " 天" }
                    Language::English => { "last " (days) " days" }
                } } }
                @if read.is_ok() {
                    nav { a href=(file(asked, account, "csv")) { "CSV" } a href=(file(asked, account, "xlsx")) { "Excel" } }
                }
            }
            @match &read {
                Ok(table) => { (numbers(table, language)) (below(table, language)) }
                Err(_) => p.bad { (language.say("数据暂时读不到，请稍后刷新。", "The numbers cannot be read now; reload later.")) },
            }
        }
    }
}

/// Relative, so that it also leads there below a prefix of somebody's proxy.
fn file(asked: &Asked, account: &AccountId, format: &str) -> String {
    let (report, from, to) = (asked.report.as_str(), asked.period.from(), asked.period.to());
    format!("../api/v1/reports/{report}?account={account}&from={from}&to={to}&format={format}")
}

fn title(name: ReportName, language: Language) -> &'static str {
    match language {
        Language::Chinese => name.title(),
        Language::English => english::title(name),
    }
}

fn numbers(table: &Table, language: Language) -> Markup {
    if table.rows.is_empty() {
        return html! { p.soft { (language.say("还没有。", "None yet.")) } };
    }
    let told: Vec<(usize, &Column)> = table.columns.iter().enumerate().filter(|(at, _)| is_told(table, *at)).collect();
    html! {
        div.scroll { table {
            thead { tr { @for (_, column) in &told {
                th.text[column.kind != ColumnKind::Number] title=(meaning(column, language)) { (head(column, language)) }
            } } }
            tbody { @for row in &table.rows { tr {
                @for (at, column) in &told { @if let Some(cell) = row.get(*at) {
                    td.text[column.kind != ColumnKind::Number] { (in_words(cell, language)) }
                } }
            } } }
        } }
    }
}

/// An n-th day that no cohort has reached would be a column of dashes.
fn is_told(table: &Table, at: usize) -> bool {
    table.rows.iter().filter_map(|row| row.get(at)).any(|cell| *cell != Cell::Unknown)
        || table.columns.get(at).is_some_and(|column| !english::is_nth(&column.name))
}

/// The small print, and what every column means.
fn below(table: &Table, language: Language) -> Markup {
    html! {
        @if !table.small_print.is_empty() {
            ul.small lang="zh-CN" { @for told in &table.small_print { li { (told) } } }
        }
        details {
            summary { (language.say("口径", "Definitions")) " " code { (table.definition()) } }
            dl { @for column in one_of_each(table) {
                dt { (head(column, language)) " " code { (column.name) } }
                dd { (meaning(column, language)) @if !column.formula.is_empty() { br; code { (column.formula) } } }
            } }
        }
    }
}

/// The n-th days of a cohort all mean the same: the first stands for them.
fn one_of_each(table: &Table) -> impl Iterator<Item = &Column> {
    let mut seen = false;
    table.columns.iter().filter(move |column| !(english::is_nth(&column.name) && std::mem::replace(&mut seen, true)))
}

fn head(column: &Column, language: Language) -> Cow<'_, str> {
    match language {
        Language::Chinese => column.title.as_ref().into(),
        Language::English => {
            english::column(&column.name).map_or(column.name.as_ref().into(), |english| english.title.into())
        }
    }
}

fn meaning(column: &Column, language: Language) -> &str {
    match language {
        Language::Chinese => &column.meaning,
        Language::English => english::column(&column.name).map_or(&column.meaning, |english| english.meaning),
    }
}

fn in_words(cell: &Cell, language: Language) -> String {
    match language {
        Language::Chinese => shown(cell),
        Language::English => cell.to_string(),
    }
}
