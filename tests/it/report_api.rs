//! Reports over HTTP: every form, and what cannot be asked.

use fuwu::growth::report::ReportName;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::harness::{API_TOKEN, World};
use crate::spreadsheet::{Book, Held};

/// The world lives on this Monday, and the day before it.
const DAYS: &str = "from=2026-03-01&to=2026-03-02";

async fn get(world: &World, path: &str) -> Response {
    world.http.get(world.url(path)).bearer_auth(API_TOKEN).send().await.unwrap()
}

async fn report(world: &World, rest: &str) -> Response {
    get(world, &format!("/api/v1/reports/{rest}")).await
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[actix_web::test]
async fn what_cannot_be_asked_is_refused_with_what_would_work() {
    let world = World::start().await;
    let cases = [
        ("weather?from=2026-03-01&to=2026-03-02", 404, "weather", "followers, activity, unique, retention"),
        ("activity", 400, "missing field `from`", "from=YYYY-MM-DD"),
        ("activity?from=2026-03-01", 400, "missing field `to`", "to=YYYY-MM-DD"),
        ("activity?from=2026-03-01&to=2026-03-02&until=5", 400, "until", "explain=true"),
        ("activity?from=2026-03-01&from=2026-03-02&to=2026-03-02", 400, "duplicate field `from`", "each once"),
        ("activity?from=2026-02-30&to=2026-03-02", 400, "2026-02-30", "2026-02-28"),
        ("activity?from=yesterday&to=2026-03-02", 400, "yesterday", "YYYY-MM-DD"),
        ("activity?from=2026-03-02&to=2026-03-01", 400, "before it begins", "from 2026-03-01 to 2026-03-02"),
        ("activity?from=2026-03-01&to=2026-03-03", 400, "2026-03-03", "2026-03-02"),
        ("activity?from=1000-03-01&to=2026-03-02", 400, "3660", "2016-02-"),
        ("unique?from=2020-03-01&to=2026-03-02", 400, "not known", "from 2025-11-30 to 2026-03-02"),
        ("activity?account=nobody&from=2026-03-01&to=2026-03-02", 404, "nobody", "demo"),
        ("activity?channel=sotre&from=2026-03-01&to=2026-03-02", 400, "sotre", "other"),
        ("menu?channel=other&from=2026-03-01&to=2026-03-02", 400, "menu", "followers"),
        ("menu?by=channel&from=2026-03-01&to=2026-03-02", 400, "not told apart by channel", "survival"),
        ("referral?as_of=2026-03-01&from=2026-03-01&to=2026-03-01", 400, "as it is now", "leave the day out"),
        ("activity?measure=weekly&from=2026-03-01&to=2026-03-02", 400, "retention", "leave the measure out"),
        ("retention?measure=monthly&from=2026-03-01&to=2026-03-02", 400, "on-or-after", "measure"),
        ("activity?compare=next&from=2026-03-01&to=2026-03-02", 400, "previous", "compare=previous"),
        ("activity?as_of=2026-03-02&from=2026-03-01&to=2026-03-01", 400, "2026-03-02", "2026-03-01"),
        ("activity?as_of=soon&from=2026-03-01&to=2026-03-01", 400, "soon", "YYYY-MM-DD"),
        ("activity?format=pdf&from=2026-03-01&to=2026-03-02", 400, "xlsx", "format=json|csv|xlsx"),
        ("activity?format=csv&explain=true&from=2026-03-01&to=2026-03-02", 400, "csv", "json or xlsx"),
        ("activity?explain=maybe&from=2026-03-01&to=2026-03-02", 400, "true", "explain=true"),
    ];
    for (asked, status, cause, cure) in cases {
        let answer = report(&world, asked).await;
        assert_eq!(answer.status(), status, "{asked}");
        let told: Value = answer.json().await.unwrap();
        let words = |key: &str| told[key].as_str().unwrap_or_else(|| panic!("{asked}: no {key} in {told}"));
        assert!(words("error").contains(cause), "{asked}: {told}");
        assert!(words("mend").contains(cure), "{asked}: {told}");
    }
}

#[actix_web::test]
async fn an_address_or_a_method_that_is_none_is_told_so() {
    let world = World::start().await;
    let answer = get(&world, "/api/v1/repports/activity").await;
    assert_eq!(answer.status(), 404);
    assert!(answer.json::<Value>().await.unwrap()["mend"].as_str().unwrap().contains("/api/v1/openapi.json"));
    let answer = world.http.post(world.url("/api/v1/playbook")).bearer_auth(API_TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[actix_web::test]
async fn nothing_is_told_to_whoever_has_no_token() {
    let world = World::start().await;
    for path in [format!("/api/v1/reports/activity?{DAYS}"), "/api/v1/playbook".into()] {
        let answer = world.http.get(world.url(&path)).send().await.unwrap();
        assert_eq!((answer.status(), header(&answer, "www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer".into()));
        assert!(answer.json::<Value>().await.unwrap()["mend"].as_str().unwrap().contains("Bearer"));
    }
}

#[actix_web::test]
async fn every_report_comes_in_every_form_with_the_same_columns() {
    let world = World::start().await;
    for name in ReportName::ALL.map(ReportName::as_str) {
        let plain = report(&world, &format!("{name}?{DAYS}")).await;
        assert_eq!(
            (plain.status().as_u16(), header(&plain, "content-type")),
            (200, "application/json".into()),
            "{name}"
        );
        assert_eq!(header(&plain, "content-disposition"), "");
        let plain: Value = plain.json().await.unwrap();

        let csv = report(&world, &format!("{name}?{DAYS}&format=csv")).await;
        assert_eq!(header(&csv, "content-type"), "text/csv; charset=utf-8");
        let file = format!("attachment; filename=\"{name}_2026-03-01_2026-03-02.csv\"");
        assert_eq!(header(&csv, "content-disposition"), file);
        let csv = csv.text().await.unwrap();
        let columns = csv.lines().next().unwrap();
        assert!(columns.is_ascii(), "a program gets no byte order mark");
        for row in plain["rows"].as_array().unwrap() {
            assert_eq!(
                columns.split(',').collect::<Vec<_>>(),
                row.as_object().unwrap().keys().collect::<Vec<_>>(),
                "{name}"
            );
        }

        let book = report(&world, &format!("{name}?{DAYS}&format=xlsx&explain=true")).await;
        assert!(header(&book, "content-type").ends_with("spreadsheetml.sheet"), "{name}");
        assert!(header(&book, "content-disposition").ends_with(".xlsx\""));
        let book = Book::open(&book.bytes().await.unwrap());
        assert_eq!(book.names, ["数据", "口径", "构成"], "{name}");
        let defined = book.texts("口径");
        assert!(columns.split(',').all(|column| defined.iter().any(|told| told == column)), "{name}");
        let heads = book.sheets["数据"].iter().filter(|(at, _)| at.trim_start_matches(char::is_alphabetic) == "1");
        assert!(heads.clone().all(|(_, head)| matches!(head, Held::Text(_))));
        assert_eq!(heads.count(), columns.split(',').count(), "{name}");
    }
}

#[actix_web::test]
async fn a_browser_that_entered_the_console_gets_a_file_for_people() {
    let world = World::start().await;
    let entered = world.http.get(world.url(&format!("/console?token={API_TOKEN}"))).send().await.unwrap();
    let cookie = header(&entered, "set-cookie").split(';').next().unwrap().to_owned();
    let page =
        world.http.get(world.url("/console/")).header("Cookie", &cookie).send().await.unwrap().text().await.unwrap();
    let links: Vec<String> =
        page.split("href=\"../api").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect();
    assert_eq!(links.len(), 2 * ReportName::ALL.len(), "{links:?}");
    for link in links {
        let answer = world.http.get(world.url(&format!("/api{link}"))).header("Cookie", &cookie).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{link}");
        let bytes = answer.bytes().await.unwrap();
        let begins: &[u8] = if link.ends_with("csv") { b"\xef\xbb\xbf" } else { b"PK" };
        assert!(bytes.starts_with(begins), "{link}");
    }
}

#[actix_web::test]
async fn an_explained_report_brings_definitions_and_integers() {
    let world = World::start().await;
    let told: Value = report(&world, &format!("activity?{DAYS}&explain=true")).await.json().await.unwrap();
    let columns = told["columns"].as_array().unwrap();
    let row = told["rows"][0].as_object().unwrap();
    let named: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(named, row.keys().filter(|key| *key != "explain").collect::<Vec<_>>());
    assert!(row["explain"].is_object());
}
