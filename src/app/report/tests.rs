//! Reports from a store: looking back, changes since, and what the day checks said.

use tempfile::TempDir;

use super::*;
use crate::domain::customer::Customer;
use crate::growth::counter::{GAP_FIRST, Increment, Metric};
use crate::growth::lateness::Lateness;
use crate::growth::report::{Cell, Period, ReportName};
use crate::store::{
    Commit, Committed, CustomerRef, Embedded, Keep, PseudonymKey, SharedChange, SharedName, Spec, Version,
};

const DAY: BusinessDay = BusinessDay(20_458);

/// A store in which two new customers came on `DAY`, one of them told of a day late.
async fn store() -> (TempDir, Embedded) {
    let dir = tempfile::tempdir().unwrap();
    let store =
        Embedded::open(dir.path(), Spec { partitions: 4, ..Spec::default() }, PseudonymKey::new("reports")).unwrap();
    let came = |late_on| Increment {
        key: CounterKey { metric: Metric::Gap, a: DAY.0, b: GAP_FIRST, dimension: String::new() },
        by: 1,
        late_on,
    };
    let commit = Commit {
        of: CustomerRef { account: "demo".into(), openid: "o1".into() },
        base: Version(0),
        customer: Customer::default(),
        increments: vec![came(None), came(Some(DAY.plus_days(1)))],
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Known,
    };
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Applied);
    (dir, store)
}

fn asked() -> Asked {
    Asked::new(ReportName::Activity, Period::new(DAY, DAY).unwrap())
}

fn clock() -> AsOf {
    AsOf { now: DAY.plus_days(3).start(), lateness: Lateness::default() }
}

async fn dau(store: &Embedded, asked: &Asked) -> Option<Cell> {
    let table = read_report(store, &"demo".into(), (asked, clock()), &Context::default()).await.unwrap();
    table.cell(0, "dau").cloned()
}

#[tokio::test]
async fn a_report_can_look_back_to_before_a_late_event_and_tell_what_it_changed() {
    let (_dir, store) = store().await;
    assert_eq!(dau(&store, &asked()).await, Some(Cell::Count(2)));
    assert_eq!(dau(&store, &Asked { as_of: Some(DAY), ..asked() }).await, Some(Cell::Count(1)));
    assert_eq!(dau(&store, &Asked { as_of: Some(DAY.plus_days(1)), ..asked() }).await, Some(Cell::Count(2)));
    let since = async |day| {
        let changes = read_changes(&store, &"demo".into(), (&asked(), clock()), day).await.unwrap();
        changes.into_iter().map(|change| (change.row, change.column, change.was, change.now)).collect::<Vec<_>>()
    };
    let changed = ["dau", "r7", "r30", "new"].map(|column| (DAY.to_string(), column.to_owned(), 1, 2));
    assert_eq!(since(DAY).await, changed);
    assert_eq!(since(DAY.plus_days(1)).await, []);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_anything_is_read() {
    let (_dir, store) = store().await;
    let asked = Asked { as_of: Some(DAY.plus_days(3)), ..asked() };
    let fault = read_report(&store, &"demo".into(), (&asked, clock()), &Context::default()).await.unwrap_err();
    assert!(matches!(&fault, ReportFault::Asked(error) if error.to_string().contains("2026-01-07")), "{fault}");
}

#[tokio::test]
async fn a_day_check_that_failed_is_printed_under_reports_of_that_day_only() {
    let (_dir, store) = store().await;
    for (day, body) in [(DAY, r#"["diff"]"#), (DAY.plus_days(1), "[]"), (DAY.plus_days(2), r#"["other"]"#)] {
        let name = SharedName { kind: SharedKind::DayCheck, part: day.to_string() };
        let body = Some(body.as_bytes().to_vec());
        let change = SharedChange { account: "demo".into(), name, base: Version(0), body };
        assert_eq!(store.put_shared(change).await.unwrap(), Committed::Applied);
    }
    let table = read_report(&store, &"demo".into(), (&asked(), clock()), &Context::default()).await.unwrap();
    assert!(table.small_print.contains(&"diff".to_owned()) && !table.small_print.contains(&"other".to_owned()));
}
