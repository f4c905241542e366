//! Reconciling with a platform that says what a test tells it.

use serde_json::{Value, json};

use super::*;
use crate::app::stand::Stand;
use crate::domain::sample::NOON;

/// Rows that fit all three calls; the platform is known to send fields nobody asked for.
fn rows(days: &[(i32, i64, i64)]) -> Value {
    let today = NOON.business_day();
    let row = |(back, new, total): &(i32, i64, i64)| {
        json!({
            "ref_date": today.plus_days(-back).to_string(),
            "new_user": new, "cancel_user": 0, "cumulate_user": total, "msg_count": 3, "msg_user": 1,
        })
    };
    json!({ "list": days.iter().map(row).collect::<Vec<_>>() })
}

fn says(stand: &Stand, answer: Value) {
    *stand.outside.business.lock().unwrap() = Some(answer);
}

async fn outcome(stand: &Stand) -> Reconciled {
    stand.app.reconcile(&stand.account()).await.unwrap()
}

async fn known(stand: &Stand) -> Vec<(i32, i64, i64)> {
    let days = platform_days(stand.app.store().as_ref(), &"demo".into()).await.unwrap();
    let back = |day: BusinessDay| NOON.business_day().days_since(day);
    days.0.into_iter().map(|(day, told)| (back(day), told.new_user, told.cumulate_user)).collect()
}

const WEEK: [(i32, i64, i64); 7] = [(7, 0, 10), (6, 1, 11), (5, 0, 11), (4, 0, 11), (3, 0, 11), (2, 2, 13), (1, 0, 13)];

#[actix_web::test]
async fn a_first_start_learns_of_the_whole_week_and_then_rests() {
    let mut stand = Stand::new();
    says(&stand, rows(&WEEK));
    assert_eq!((outcome(&stand).await, known(&stand).await), (Reconciled::Done, WEEK.to_vec()));
    assert_eq!(stand.happened().len(), 3);
    assert_eq!((outcome(&stand).await, stand.happened().len()), (Reconciled::Done, 0));
}

#[actix_web::test]
async fn nobody_is_asked_before_eight() {
    let mut stand = Stand::new();
    says(&stand, rows(&WEEK));
    stand.clock.set(NOON.business_day().start().plus_secs(READY_SECS - 1));
    assert_eq!((outcome(&stand).await, stand.happened().len()), (Reconciled::Early, 0));
    stand.clock.advance_secs(1);
    assert_eq!(outcome(&stand).await, Reconciled::Done);
}

#[actix_web::test]
async fn a_day_that_is_not_ready_is_asked_for_again() {
    let stand = Stand::new();
    says(&stand, json!({ "errcode": 61503, "errmsg": "not ready" }));
    assert_eq!((outcome(&stand).await, known(&stand).await), (Reconciled::NotReady, vec![]));
    // The platform tells of all days but the latest.
    says(&stand, rows(&WEEK[..6]));
    assert_eq!((outcome(&stand).await, known(&stand).await), (Reconciled::NotReady, WEEK[..6].to_vec()));
    says(&stand, rows(&WEEK));
    assert_eq!((outcome(&stand).await, known(&stand).await), (Reconciled::Done, WEEK.to_vec()));
}

#[actix_web::test]
async fn a_platform_that_is_down_for_days_costs_nothing_but_a_delay() {
    let stand = Stand::new();
    for _ in 0..3 {
        says(&stand, json!({ "errcode": -1 }));
        let error = stand.app.reconcile(&stand.account()).await.unwrap_err();
        assert!(matches!(error, ReconcileFault::Platform(ApiError::Busy)));
        stand.clock.advance_secs(86_400);
    }
    let later = [(-2, 5, 18), (-1, 0, 13), (0, 0, 13), (1, 0, 13), (2, 2, 13), (3, 0, 11), (4, 0, 11)];
    says(&stand, rows(&later));
    assert_eq!(outcome(&stand).await, Reconciled::Done);
    let mut expected = later.to_vec();
    expected.reverse();
    assert_eq!(known(&stand).await, expected);
}

#[actix_web::test]
async fn what_the_platform_corrects_within_a_week_is_corrected_here() {
    let stand = Stand::new();
    says(&stand, rows(&WEEK));
    assert_eq!(outcome(&stand).await, Reconciled::Done);
    stand.clock.advance_secs(86_400);
    says(&stand, rows(&[(2, 3, 14), (1, 0, 14), (0, 1, 15)]));
    assert_eq!(outcome(&stand).await, Reconciled::Done);
    assert_eq!(known(&stand).await[5..], [(2, 3, 14), (1, 0, 14), (0, 1, 15)]);
}

#[actix_web::test]
async fn an_account_without_rights_is_not_asked_for_a_week_and_is_glad_when_it_has_them() {
    let mut stand = Stand::new();
    says(&stand, json!({ "errcode": 48001, "errmsg": "api unauthorized" }));
    let mut asked = Vec::new();
    for _ in 0..8 {
        assert_eq!(outcome(&stand).await, Reconciled::NoRight);
        asked.push(stand.happened().len());
        stand.clock.advance_secs(86_400);
    }
    assert_eq!(asked, [1, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(known(&stand).await, []);
    stand.clock.advance_secs(6 * 86_400);
    says(&stand, rows(&[(-13, 1, 1)]));
    assert_eq!((outcome(&stand).await, known(&stand).await), (Reconciled::Done, vec![(-13, 1, 1)]));
    let left = stand.app.store().shared_of(&"demo".into(), SharedKind::Datacube).await.unwrap();
    assert_eq!(left.len(), 1, "the refusal is forgotten");
}

#[actix_web::test]
async fn a_record_of_another_shape_is_a_fault_of_the_report_and_mended_by_the_next_answer() {
    let stand = Stand::new();
    let day = NOON.business_day().plus_days(-2).to_string();
    stand.app.put(&"demo".into(), &day, (Version(0), Some(b"{}".to_vec()))).await.unwrap();
    assert!(platform_days(stand.app.store().as_ref(), &"demo".into()).await.is_err());
    says(&stand, rows(&WEEK));
    assert_eq!((outcome(&stand).await, known(&stand).await), (Reconciled::Done, WEEK.to_vec()));
}
