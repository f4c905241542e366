//! The client against a small platform of its own.

use std::sync::Arc;

use serde_json::json;

use super::stage::{Stage, stage, staged};
use super::{ApiError, Client, InterfaceSummary, Span, UpstreamMessages, UserSummary};
use crate::domain::reply::Reply;
use crate::domain::time::{BusinessDay, UnixSecs};

const REFUSED: &str = r#"{"errcode":40001,"errmsg":"invalid credential rid: 65a1b2c3-0d1e2f30-4a5b6c7d"}"#;

impl Stage {
    async fn says(&self) -> Result<(), ApiError> {
        self.client.send(&"o1".into(), &Reply::Text("你好".into())).await
    }

    /// Which of the calls for a token were by force.
    fn forced(&self) -> Vec<bool> {
        self.token_calls().iter().map(|asked| asked.json()["force_refresh"] == true).collect()
    }

    fn tokens_used(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.token().unwrap_or("(none)").to_owned()).collect()
    }
}

#[actix_web::test]
async fn a_message_goes_out_with_the_stable_token_in_raw_utf8() {
    let stage = stage(&[]);
    assert_eq!(stage.says().await, Ok(()));
    let secret = json!({"grant_type": "client_credential", "appid": "wx1", "secret": "s3cret"});
    let [token] = &stage.token_calls()[..] else { panic!("one token") };
    assert_eq!((token.line().as_str(), token.token(), token.json()), ("POST cgi-bin/stable_token", None, secret));
    let [sent] = &stage.asked()[..] else { panic!("one message") };
    assert_eq!((sent.line().as_str(), sent.token()), ("POST cgi-bin/message/custom/send", Some("T1")));
    assert_eq!(sent.text(), r#"{"touser":"o1","msgtype":"text","text":{"content":"你好"}}"#);
    stage.close().await;
}

#[actix_web::test]
async fn a_refused_token_is_renewed_once_and_never_in_a_loop() {
    let stage = stage(&[REFUSED, "{}", REFUSED, REFUSED, REFUSED, REFUSED, REFUSED]);
    assert_eq!(stage.says().await, Ok(()));
    assert_eq!((stage.tokens_used(), stage.token_calls().len()), (vec!["T1".into(), "T2".into()], 2));
    let rid = Some("65a1b2c3-0d1e2f30-4a5b6c7d".to_owned());
    let refused = Err(ApiError::Refused { code: 40001, rid });
    assert_eq!(stage.says().await, refused);
    // The third was just got, so the fourth was forced.
    assert_eq!(
        (&stage.tokens_used()[2..], stage.token_calls().len()),
        (&["T2".into(), "T3".into(), "T4".into()][..], 4)
    );
    assert_eq!(stage.says().await, refused, "no other one is forced within 30 s");
    assert_eq!((&stage.tokens_used()[5..], stage.token_calls().len()), (&["T4".into(), "T5".into()][..], 5));
    assert_eq!(stage.forced(), [false, false, false, true, false]);
    stage.close().await;
}

#[actix_web::test]
async fn a_token_that_is_refused_again_though_it_was_just_handed_out_is_replaced_by_force_and_the_call_made() {
    let stage = stage(&[REFUSED, REFUSED]);
    *stage.script.same_token.lock().unwrap() = true;
    assert_eq!(stage.says().await, Ok(()));
    assert_eq!(
        (stage.tokens_used(), stage.forced()),
        (vec!["S".into(), "S".into(), "T1".into()], vec![false, false, true])
    );
    stage.close().await;
}

#[actix_web::test]
async fn a_forced_renewal_that_is_refused_closes_neither_the_usual_one_nor_the_call() {
    let stage = stage(&[REFUSED, REFUSED]);
    *stage.script.same_token.lock().unwrap() = true;
    stage.script.no_forced.lock().unwrap().push((200, br#"{"errcode":45009,"errmsg":"reach max"}"#.to_vec()));
    let rid = Some("65a1b2c3-0d1e2f30-4a5b6c7d".to_owned());
    assert_eq!(stage.says().await, Err(ApiError::Refused { code: 40001, rid }), "for its own reason");
    assert_eq!((stage.says().await, stage.forced()), (Ok(()), vec![false, false, true]));
    let now = stage.client.now();
    let left = |name| stage.client.0.quotas.take(name, now).is_ok();
    assert_eq!([left("cgi-bin/stable_token"), left("cgi-bin/stable_token force_refresh")], [true, false]);
    stage.close().await;
}

#[actix_web::test]
async fn an_interface_without_the_right_is_not_asked_again_until_the_next_token_and_others_are() {
    let none = r#"{"errcode":48001,"errmsg":"api unauthorized rid: 65a1b2c3-0d1e2f30-4a5b6c7d"}"#;
    let stage = stage(&[none, "{}", REFUSED, none]);
    let no_right = |error: ApiError| (error.is_no_right(), error.rid().is_some());
    assert_eq!(no_right(stage.says().await.unwrap_err()), (true, true));
    assert_eq!(no_right(stage.says().await.unwrap_err()), (true, false));
    assert_eq!(stage.asked().len(), 1, "answered from memory");
    assert_eq!(stage.client.delete_menu().await, Ok(()));
    // Another call has brought another token: the right may have come with it.
    assert_eq!(stage.client.delete_menu().await.map_err(no_right), Err((true, true)));
    assert_eq!(stage.says().await, Ok(()));
    assert_eq!(stage.tokens_used(), ["T1", "T1", "T1", "T2", "T2"]);
    stage.close().await;
}

#[actix_web::test]
async fn many_callers_at_once_fetch_one_token() {
    let stage = stage(&[]);
    let sent = futures_util::future::join_all((0..20).map(|_| stage.says())).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(stage.token_calls().len(), 1);
    stage.close().await;
}

#[actix_web::test]
async fn those_who_waited_for_a_token_in_vain_do_not_ask_for_it_one_after_the_other() {
    let stage = stage(&[]);
    stage.script.no_token.lock().unwrap().extend((0..200).map(|_| (500, Vec::new())));
    assert_eq!(stage.client.ready().await, Err(ApiError::Unreached));
    let of_one = stage.token_calls().len();
    let all = futures_util::future::join_all((0..20).map(|_| stage.client.ready())).await;
    assert_eq!(all, vec![Err(ApiError::Unreached); 20]);
    assert!(stage.token_calls().len() <= 2 * of_one, "once for all of them");
    stage.close().await;
}

#[actix_web::test]
async fn an_account_without_a_stable_token_gets_the_plain_one() {
    let none = br#"{"errcode":48001,"errmsg":"api unauthorized"}"#.to_vec();
    for refusal in [(200, none), (404, b"<html>".to_vec())] {
        let stage = stage(&[]);
        stage.script.no_token.lock().unwrap().push(refusal);
        assert_eq!(stage.says().await, Ok(()));
        let asked = stage.token_calls();
        assert_eq!(asked[1].line(), "GET cgi-bin/token");
        let sent = ["grant_type", "appid", "secret"].map(|name| asked[1].parameter(name).unwrap());
        assert_eq!(sent, ["client_credential", "wx1", "s3cret"]);
        stage.close().await;
    }
}

#[actix_web::test]
async fn a_bad_secret_is_told_and_not_tried_again_for_each_call() {
    let stage = stage(&[]);
    stage.script.no_token.lock().unwrap().push((200, br#"{"errcode":40125,"errmsg":"rid: 1-2-3"}"#.to_vec()));
    assert_eq!(stage.says().await, Err(ApiError::Refused { code: 40125, rid: Some("1-2-3".into()) }));
    assert_eq!(stage.says().await, Err(ApiError::Refused { code: 40125, rid: None }));
    assert_eq!((stage.token_calls().len(), stage.asked().len()), (1, 0));
    stage.close().await;
}

#[actix_web::test]
async fn a_machine_the_platform_does_not_know_does_not_keep_others_from_a_token() {
    let stage = stage(&[]);
    let vault: Arc<dyn super::TokenVault> = Arc::<super::ProcessVault>::default();
    let client = || {
        Client::of(super::ClientSpec {
            hosts: vec![stage.base.clone()],
            app_id: "wx1".into(),
            app_secret: "s3cret".into(),
            http: reqwest::Client::new(),
            vault: Arc::clone(&vault),
            clock: Arc::new(|| crate::domain::time::UnixSecs(1_772_424_000)),
        })
    };
    let stranger = br#"{"errcode":40164,"errmsg":"invalid ip 1.2.3.4, not in whitelist"}"#.to_vec();
    stage.script.no_token.lock().unwrap().push((200, stranger));
    let (strange, known) = (client(), client());
    for about in [Some("1.2.3.4"), None] {
        let error = strange.delete_menu().await.unwrap_err();
        assert_eq!((error.code(), error.to_string().contains("1.2.3.4")), (Some(40164), about.is_some()));
    }
    assert_eq!(stage.token_calls().len(), 1);
    assert_eq!(known.delete_menu().await, Ok(()));
    assert_eq!(strange.delete_menu().await, Ok(()), "the token of the other machine is good for this one");
    assert_eq!(stage.token_calls().len(), 2);
    stage.close().await;
}

#[actix_web::test]
async fn what_is_no_answer_means_busy_and_a_message_is_never_sent_twice_for_it() {
    let answers = [(200, "<html>"), (200, "[]"), (502, r#"{"errcode":0}"#), (200, r#"{"errcode":-1}"#)];
    let stage = staged(answers.map(|(status, body)| (status, body.as_bytes().to_vec())).into());
    for _ in answers {
        assert_eq!(stage.says().await, Err(ApiError::Busy));
    }
    assert_eq!(stage.asked().len(), 4);
    stage.close().await;
}

#[actix_web::test]
async fn a_question_is_put_again_when_its_answer_was_lost() {
    let stage = staged(vec![
        (502, b"bad gateway".to_vec()),
        (200, br#"{"errcode":-1,"errmsg":"system error"}"#.to_vec()),
        (200, br#"{"ip_list":["1.2.3.4"]}"#.to_vec()),
    ]);
    assert_eq!(stage.client.callback_addresses().await.unwrap(), ["1.2.3.4"]);
    stage.script.answers.lock().unwrap().extend(vec![(502, Vec::new()); 9]);
    assert_eq!(stage.client.callback_addresses().await, Err(ApiError::Busy));
    assert_eq!(stage.asked().len(), 6);
    stage.close().await;
}

#[actix_web::test]
async fn an_interface_whose_day_is_used_up_is_not_called_and_the_others_are() {
    let stage = stage(&[r#"{"errcode":45009,"errmsg":"reach max api daily quota limit rid: 1-2-3"}"#]);
    let (first, second) = (stage.says().await.unwrap_err(), stage.says().await.unwrap_err());
    assert_eq!((first.code(), first.rid()), (Some(45009), Some("1-2-3")));
    assert_eq!((second.code(), second.rid(), stage.asked().len()), (Some(45009), None, 1));
    assert_eq!(stage.client.delete_menu().await, Ok(()));
    stage.client.clear_all_quotas().await.unwrap();
    assert_eq!(stage.says().await, Ok(()));
    stage.close().await;
}

#[actix_web::test]
async fn a_quota_that_was_cleared_elsewhere_is_found_out_within_a_quarter_of_an_hour() {
    let used = |used: u64| format!(r#"{{"errcode":0,"quota":{{"daily_limit":1000,"used":{used},"remain":0}}}}"#);
    let stage = stage(&[r#"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#, &used(1000), &used(3)]);
    let noon = 1_772_424_000;
    let now = Arc::new(std::sync::atomic::AtomicI64::new(noon));
    let told = Arc::clone(&now);
    let client = Client::of(super::ClientSpec {
        hosts: vec![stage.base.clone()],
        app_id: "wx1".into(),
        app_secret: "s3cret".into(),
        http: reqwest::Client::new(),
        vault: Arc::<super::ProcessVault>::default(),
        clock: Arc::new(move || UnixSecs(told.load(std::sync::atomic::Ordering::Relaxed))),
    });
    let mut heard = Vec::new();
    for secs in [0, 899, 900, 1_799, 1_800] {
        now.store(noon + secs, std::sync::atomic::Ordering::Relaxed);
        let said = client.send(&"o1".into(), &Reply::Text("x".into())).await;
        heard.push(said.map_err(|error| match error {
            ApiError::NotBefore { code: 45009, at, .. } => at.0 - noon,
            other => panic!("{other}"),
        }));
    }
    assert_eq!(heard, [Err(900), Err(900), Err(1_800), Err(1_800), Ok(())]);
    let lines: Vec<String> = stage.asked().iter().map(super::stage::Asked::line).collect();
    let (message, quota) = ("POST cgi-bin/message/custom/send", "POST cgi-bin/openapi/quota/get");
    assert_eq!(lines, [message, quota, quota, message]);
    stage.close().await;
}

#[actix_web::test]
async fn a_call_goes_to_the_next_address_when_the_first_one_is_gone() {
    let stage = stage(&[]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let client = Client::of(super::ClientSpec {
        hosts: vec![gone, stage.base.clone()],
        app_id: "wx1".into(),
        app_secret: "s3cret".into(),
        http: reqwest::Client::new(),
        vault: Arc::<super::ProcessVault>::default(),
        clock: Arc::new(|| crate::domain::time::UnixSecs(1_772_424_000)),
    });
    // Also one that must not be made twice: it has not left.
    assert_eq!(client.send(&"o1".into(), &Reply::Text("x".into())).await, Ok(()));
    assert_eq!(stage.asked().len(), 1);
    stage.close().await;
}

#[actix_web::test]
async fn a_platform_that_is_not_there_was_not_asked_and_no_secret_shows() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let client = Client::new(base, "wx1", "s3cret", reqwest::Client::new());
    let error = client.send(&"o1".into(), &Reply::Text("x".into())).await.unwrap_err();
    assert_eq!((&error, error.may_be_done()), (&ApiError::Unreached, false));
    assert!(!format!("{client:?} {error:?} {error}").contains("s3cret"));
    assert_eq!(client.send(&"o1".into(), &Reply::Silent).await, Err(ApiError::Unsendable));
}

const FIRST: BusinessDay = BusinessDay(20_514); // 2026-03-02

fn week() -> Span {
    Span::new(FIRST, FIRST.plus_days(6)).unwrap()
}

#[actix_web::test]
async fn statistics_are_summed_over_their_sources_day_by_day() {
    let stage = stage(&[
        r#"{"list":[
            {"ref_date":"2026-03-02","user_source":0,"new_user":3,"cancel_user":1,"more":{}},
            {"ref_date":"2026-03-02","user_source":"30","new_user":"4","cancel_user":"0"},
            {"ref_date":"2026-03-04","user_source":1,"new_user":0,"cancel_user":2},
            {"ref_date":"2026-03-09","user_source":1,"new_user":9,"cancel_user":9}]}"#,
        r#"{"list":[{"ref_date":"2026-03-02","user_source":0,"cumulate_user":"1200"}]}"#,
        r#"{"list":[
            {"ref_date":"2026-03-03","user_source":0,"msg_type":1,"msg_user":2,"msg_count":5},
            {"ref_date":"2026-03-03","user_source":0,"msg_type":2,"msg_user":1,"msg_count":1}]}"#,
        r#"{"list":[{"ref_date":"2026-03-02","callback_count":12,"fail_count":"1","total_time_cost":5000000000,"max_time_cost":4999}]}"#,
    ]);
    let summary = stage.client.user_summary(week()).await.unwrap();
    let moved = |new_user, cancel_user| UserSummary { new_user, cancel_user };
    assert_eq!(summary.into_iter().collect::<Vec<_>>(), [(FIRST, moved(7, 1)), (FIRST.plus_days(2), moved(0, 2))]);
    let total = stage.client.user_cumulate(week()).await.unwrap();
    assert_eq!(total.into_iter().collect::<Vec<_>>(), [(FIRST, 1_200)]);
    let said = stage.client.upstream_messages(week()).await.unwrap();
    let sum = UpstreamMessages { messages: 6, senders_by_type: 3 };
    assert_eq!(said.into_iter().collect::<Vec<_>>(), [(FIRST.plus_days(1), sum)]);
    let health = stage.client.interface_summary(week()).await.unwrap();
    let sum = InterfaceSummary { callbacks: 12, failed: 1, total_ms: 5_000_000_000, longest_ms: 4_999 };
    assert_eq!(health.into_iter().collect::<Vec<_>>(), [(FIRST, sum)]);
    let asked = stage.asked();
    assert_eq!((asked[0].line().as_str(), asked[0].token()), ("POST datacube/getusersummary", Some("T1")));
    assert_eq!(asked[0].json(), json!({"begin_date": "2026-03-02", "end_date": "2026-03-08"}));
    stage.close().await;
}

#[actix_web::test]
async fn half_an_answer_is_none_and_refusals_say_what_they_mean() {
    let stage = stage(&[
        r#"{"list":[{"ref_date":"2026-03-02","new_user":3}]}"#,
        r#"{"list":[{"ref_date":"2026-03-02","new_user":-3,"cancel_user":0}]}"#,
        r#"{"list":[{"ref_date":"2026-02-30","new_user":3,"cancel_user":0}]}"#,
        r#"{"list":{}}"#,
        r#"{}"#,
        r#"{"errcode":61503,"errmsg":"not ready"}"#,
        r#"{"errcode":61501,"errmsg":"date range error"}"#,
        r#"{"errcode":"48001","errmsg":"api unauthorized"}"#,
    ]);
    for _ in 0..5 {
        assert_eq!(stage.client.user_summary(week()).await, Err(ApiError::Busy));
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let error = stage.client.user_summary(week()).await.unwrap_err();
        told.push((error.is_not_ready(), error.is_no_right()));
    }
    assert_eq!(told, [(true, false), (false, false), (false, true)]);
    stage.close().await;
}

#[test]
fn a_span_is_as_long_as_the_platform_takes_it() {
    assert!(Span::new(FIRST, FIRST).is_some_and(|span| span.days().count() == 1));
    assert!(Span::new(FIRST, FIRST.plus_days(6)).is_some_and(|span| span.days().count() == 7));
    assert_eq!((Span::new(FIRST, FIRST.plus_days(7)), Span::new(FIRST, FIRST.plus_days(-1))), (None, None));
}
