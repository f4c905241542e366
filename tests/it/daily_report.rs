//! Daily and weekly reports: made by the clock, filed, posted once, corrected, caught up, never lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fuwu::app::{Clock as _, Press};
use fuwu::channel::official::Mode;
use fuwu::domain::customer::Customer;
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::counter::{CounterKey, Increment, Metric};
use fuwu::store::{Commit, Committed, CustomerRef, Keep, SharedKind, SharedName, Version};
use serde_json::Value;

use crate::hand::message_at;
use crate::harness::{MONDAY, World, settings, until};
use crate::process::run;
use crate::robot::Robot;

/// 2026-03-02 as text.
const MONDAYS_DATE: &str = "2026-03-02";

/// So many days after Monday.
fn at(days: i32, hour: i64, minute: i64) -> UnixSecs {
    MONDAY.business_day().plus_days(days).start().plus_secs(hour * 3600 + minute * 60)
}

/// What hands in deliveries.
async fn writes(world: &World, who: &str, at: UnixSecs) {
    let id = at.0 + i64::from(who.bytes().map(u32::from).sum::<u32>());
    let rest =
        format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[火星天气咋样]]></Content><MsgId>{id}</MsgId>");
    let answer = world.hand(Mode::Safe).deliver(&message_at(at.0, who, &rest)).await;
    assert_eq!(answer.status, 200);
}

/// A press of the test's own beside the running fuwu, whose settings name neither folder nor robot.
fn press(world: &World, folder: Option<&Path>, robot: Option<&Robot>) -> Press {
    let folder = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
    let url = robot.map(Robot::url).unwrap_or_default();
    let env = [("FUWU__REPORTS__FOLDER", folder.as_str()), ("FUWU__REPORTS__ROBOT_URL", url.as_str())];
    let reports = settings(world.dir.path(), &env).reports;
    Press::new(Arc::clone(&world.running.app), reports, fuwu::backend::client().unwrap())
}

/// Works until nothing is left to do at this moment.
async fn work(press: &mut Press) {
    while press.tick().await {}
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("demo")).map(|entries| entries.map(|entry| entry.unwrap().file_name()));
    let mut names: Vec<String> = entries.into_iter().flatten().map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("demo").join(name)).unwrap().replace('\u{202f}', "")
}

async fn shared(world: &World, kind: SharedKind, part: &str) -> Value {
    let name = SharedName { kind, part: part.to_owned() };
    serde_json::from_slice(&world.store().shared(&"demo".into(), &name).await.unwrap().body).unwrap()
}

#[actix_web::test]
async fn the_running_fuwu_files_and_posts_a_report_when_its_time_has_come() {
    let (robot, place) = (Robot::start().await, tempfile::tempdir().unwrap());
    let folder = place.path().join("reports");
    let env = [
        ("FUWU__REPORTS__FOLDER", folder.to_str().unwrap()),
        ("FUWU__REPORTS__ROBOT_URL", &robot.url()),
        ("FUWU__REPORTS__DAILY_AT", "07:45"),
    ];
    let world = World::start_with(&env).await;
    writes(&world, "oLin", MONDAY).await;
    world.clock.set(at(1, 7, 45));
    until("the report was posted", async || !robot.taken().is_empty()).await;
    let stem = format!("daily-{MONDAYS_DATE}");
    let files = ["csv", "json", "md", "txt", "xlsx"].map(|ending| format!("{stem}.{ending}"));
    until("the files are there", async || names(&folder) == files).await;
    let text = read(&folder, &format!("{stem}.txt"));
    for words in ["demo 日报 2026-03-02 周一", "已关账", "DAU 1，近7天 1", "没答上 1 次（100.0%）：“火星天气咋样”1"]
    {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(robot.taken()[0].replace('\u{202f}', ""), read(&folder, &format!("{stem}.md")).trim_end());
    let json: Value = serde_json::from_str(&read(&folder, &format!("{stem}.json"))).unwrap();
    assert_eq!((&json["report"], &json["numbers"]["dau"]), (&"daily@1".into(), &1.into()));
    assert!(read(&folder, &format!("{stem}.csv")).contains("2026-03-02,number,dau,1,"));
    world.running.stop().await.unwrap();
}

#[actix_web::test]
async fn on_monday_last_week_is_reported_too() {
    let (world, place) = (World::start().await, tempfile::tempdir().unwrap());
    for days in [0, 2] {
        world.clock.set(at(days, 10, 0));
        writes(&world, "oLin", at(days, 10, 0)).await;
    }
    let mut press = press(&world, Some(place.path()), None);
    world.clock.set(at(7, 8, 59));
    work(&mut press).await;
    assert!(!names(place.path()).iter().any(|name| name.starts_with("weekly-2026-W10")));
    world.clock.set(at(7, 9, 0));
    work(&mut press).await;
    let text = read(place.path(), "weekly-2026-W10.txt");
    assert!(text.contains("这一周有 1 位客户来过") && text.contains("自检全部通过"), "{text}");
    let json: Value = serde_json::from_str(&read(place.path(), "weekly-2026-W10.json")).unwrap();
    assert_eq!((&json["numbers"]["wau"], &json["numbers"]["messages"]), (&1.into(), &2.into()));
    let before = shared(&world, SharedKind::Printed, "weekly/2026-W10").await;
    assert_eq!((&before["numbers"]["week"]["wau"], &before["brief"]), (&1.into(), &Value::Null));
}

#[actix_web::test]
async fn a_robot_that_is_down_gets_the_report_once_it_is_up_also_after_a_restart() {
    let (robot, mut world) = (Robot::start().await, World::start().await);
    writes(&world, "oLin", MONDAY).await;
    world.clock.set(at(1, 8, 30));
    robot.answers_next(500, "oops");
    robot.answers_next(200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#);
    let mut first = press(&world, None, Some(&robot));
    work(&mut first).await;
    world.clock.advance_secs(60);
    work(&mut first).await;
    assert_eq!(robot.taken(), [""; 0]);
    world = world.restart().await;
    world.clock.advance_secs(3600);
    let mut second = press(&world, None, Some(&robot));
    for _ in 0..3 {
        work(&mut second).await;
        world.clock.advance_secs(3600);
    }
    assert_eq!(robot.taken().len(), 1);
    assert!(robot.taken()[0].contains("截至 03-03 08:30"), "it says what it said: {}", robot.taken()[0]);
    assert_eq!(shared(&world, SharedKind::Post, "daily/2026-03-02").await["state"], "posted");
}

#[actix_web::test]
async fn of_two_that_work_at_once_one_prints_and_one_posts() {
    let (robot, world, place) = (Robot::start().await, World::start().await, tempfile::tempdir().unwrap());
    writes(&world, "oLin", MONDAY).await;
    let mut one = press(&world, Some(place.path()), Some(&robot));
    let mut other = press(&world, Some(place.path()), Some(&robot));
    for day in 1..5 {
        world.clock.set(at(day, 8, 30));
        for _ in 0..4 {
            tokio::join!(one.tick(), other.tick());
        }
        assert_eq!(robot.taken().len(), day as usize);
    }
    assert_eq!(names(place.path()).iter().filter(|name| name.ends_with(".txt")).count(), 4);
    assert!(names(place.path()).iter().all(|name| name.starts_with("daily-")), "nothing passing is left");
}

#[actix_web::test]
async fn what_comes_late_is_said_in_the_next_report() {
    let (world, place) = (World::start().await, tempfile::tempdir().unwrap());
    let mut press = press(&world, Some(place.path()), None);
    writes(&world, "oLin", MONDAY).await;
    world.clock.set(at(1, 8, 30));
    work(&mut press).await;
    assert!(read(place.path(), "daily-2026-03-02.txt").contains("DAU 1，"));
    world.clock.set(at(1, 10, 0));
    writes(&world, "oChen", MONDAY.plus_secs(60)).await;
    writes(&world, "oLin", at(1, 10, 0)).await;
    world.clock.set(at(2, 8, 30));
    work(&mut press).await;
    let text = read(place.path(), "daily-2026-03-03.txt");
    assert!(text.contains("晚到 1 条已计入"), "{text}");
    assert!(text.contains("2026-03-02 DAU 1 → 2、消息 1 → 2、近7天活跃 1 → 2"), "{text}");
    assert!(text.contains("（晚到）"), "{text}");
    assert!(read(place.path(), "daily-2026-03-02.txt").contains("DAU 1，"), "what was printed stays as it was");
    world.clock.set(at(5, 8, 30));
    work(&mut press).await;
    assert!(read(place.path(), "daily-2026-03-05.txt").contains("2026-03-02 DAU 1 → 2"));
    world.clock.set(at(6, 8, 30));
    work(&mut press).await;
    assert!(!read(place.path(), "daily-2026-03-07.txt").contains("→"), "sealed long ago");
}

#[actix_web::test]
async fn after_a_standstill_the_last_week_is_caught_up_and_the_rest_is_said() {
    let (world, place) = (World::start().await, tempfile::tempdir().unwrap());
    let mut press = press(&world, Some(place.path()), None);
    writes(&world, "oLin", MONDAY).await;
    world.clock.set(at(1, 8, 30));
    work(&mut press).await;
    world.clock.set(at(14, 8, 0));
    work(&mut press).await;
    let dailies: Vec<String> =
        names(place.path()).into_iter().filter_map(|name| Some(name.strip_suffix(".txt")?.to_owned())).collect();
    let expected = [
        "daily-2026-03-02",
        "daily-2026-03-08",
        "daily-2026-03-09",
        "daily-2026-03-10",
        "daily-2026-03-11",
        "daily-2026-03-12",
        "daily-2026-03-13",
        "daily-2026-03-14",
        "weekly-2026-W10",
    ];
    // 2026-03-16 is a Monday before the hour of either report.
    assert_eq!(dailies, expected);
    assert!(read(place.path(), "daily-2026-03-08.txt").contains("2026-03-03 至 2026-03-07 的日报没有补发"));
    assert!(!read(place.path(), "daily-2026-03-09.txt").contains("没有补发"));
}

#[actix_web::test]
async fn an_identity_that_fails_is_kept_and_shown() {
    let (world, place) = (World::start().await, tempfile::tempdir().unwrap());
    writes(&world, "oLin", MONDAY).await;
    let day = MONDAY.business_day();
    let key = CounterKey { metric: Metric::Hours, a: day.0, b: 7, dimension: String::new() };
    let wrong = Commit {
        of: CustomerRef { account: "demo".into(), openid: "oWrong".into() },
        base: Version(0),
        customer: Customer::default(),
        increments: vec![Increment { key, by: 3, late_on: None }],
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Known,
    };
    assert_eq!(world.store().commit(wrong).await.unwrap(), Committed::Applied);
    let mut press = press(&world, Some(place.path()), None);
    world.clock.set(at(1, 0, 14));
    work(&mut press).await;
    let name = SharedName { kind: SharedKind::DayCheck, part: day.to_string() };
    assert_eq!(world.store().shared(&"demo".into(), &name).await.unwrap().version, Version(0), "the grace is not over");
    world.clock.set(at(1, 0, 15));
    work(&mut press).await;
    let line = "2026-03-02 消息应等于各小时之和：1 对 4";
    assert_eq!(shared(&world, SharedKind::DayCheck, MONDAYS_DATE).await, serde_json::json!([line]));
    world.clock.set(at(1, 8, 30));
    work(&mut press).await;
    let text = read(place.path(), "daily-2026-03-02.txt");
    assert!(text.contains(&format!("▍自检没通过\n{line}")) && text.contains("1. 数字自检有 1 项没过"), "{text}");
    world.clock.set(at(3, 0, 0));
    work(&mut press).await;
    let checked = world.store().shared(&"demo".into(), &name).await.unwrap();
    assert_eq!(checked.version, Version(2), "and once more when it is sealed");
    assert_eq!(shared(&world, SharedKind::DayCheck, "2026-03-03").await, serde_json::json!([]));
}

#[actix_web::test]
async fn a_folder_that_cannot_be_written_is_told_on_the_console_and_tried_again_until_it_can() {
    let (world, place) = (World::start().await, tempfile::tempdir().unwrap());
    let folder: PathBuf = place.path().join("reports");
    std::fs::write(&folder, "a file is in the way").unwrap();
    writes(&world, "oLin", MONDAY).await;
    let mut press = press(&world, Some(&folder), None);
    world.clock.set(at(1, 8, 30));
    work(&mut press).await;
    assert_eq!(shared(&world, SharedKind::Printed, "daily/2026-03-02").await["owes_files"], true);
    let told = world.console().await;
    for words in
        ["从 2026-03-03 08:30:00 起，有 1 份报告没能存进文件夹", folder.to_str().unwrap(), "请检查 reports.folder"]
    {
        assert!(told.contains(words), "{words}\n{told}");
    }
    std::fs::remove_file(&folder).unwrap();
    writes(&world, "oChen", MONDAY.plus_secs(1)).await;
    world.clock.advance_secs(60);
    work(&mut press).await;
    assert!(read(&folder, "daily-2026-03-02.txt").contains("DAU 1，"), "as it was printed, whatever came since");
    assert_eq!(shared(&world, SharedKind::Printed, "daily/2026-03-02").await["owes_files"], false);
    assert!(!world.console().await.contains("reports.folder"));
}

#[actix_web::test]
async fn a_robot_that_is_gone_is_asked_once_and_its_successor_gets_the_report() {
    let (gone, world) = (Robot::start().await, World::start().await);
    writes(&world, "oLin", MONDAY).await;
    world.clock.set(at(1, 8, 30));
    gone.answers_next(200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#);
    let mut first = press(&world, None, Some(&gone));
    for _ in 0..5 {
        work(&mut first).await;
        world.clock.advance_secs(600);
    }
    assert_eq!(gone.taken(), [""; 0], "it would have taken a second try");
    let waiting = shared(&world, SharedKind::Post, "daily/2026-03-02").await;
    assert!(!waiting.to_string().contains("the-robots-secret-key"));
    let new = Robot::start().await;
    work(&mut press(&world, None, Some(&new))).await;
    assert_eq!((new.taken().len(), gone.taken().len()), (1, 0));
}

#[actix_web::test]
async fn a_report_that_nobody_took_for_a_day_is_given_up() {
    let (robot, world) = (Robot::start().await, World::start().await);
    writes(&world, "oLin", MONDAY).await;
    world.clock.set(at(1, 8, 30));
    for _ in 0..100 {
        robot.answers_next(502, "");
    }
    let mut press = press(&world, None, Some(&robot));
    while world.clock.now() <= at(2, 9, 30) {
        work(&mut press).await;
        world.clock.advance_secs(1800);
    }
    assert_eq!(shared(&world, SharedKind::Post, "daily/2026-03-02").await["state"], "givenup");
    assert_eq!(shared(&world, SharedKind::Post, "daily/2026-03-03").await["state"], "waiting");
}

#[actix_web::test]
async fn an_operator_reads_a_report_beside_the_server_and_nothing_is_sent() {
    let world = World::start().await;
    writes(&world, "oLin", MONDAY).await;
    let brief = |args: &[&str]| {
        let output = run(world.dir.path(), &[], &[&["brief"], args].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text, _) = brief(&["daily", "--day", MONDAYS_DATE]);
    assert_eq!(code, Some(0));
    assert!(text.contains("demo 日报 2026-03-02 周一") && text.contains("DAU 1，"), "{text}");
    let (code, json, _) = brief(&["weekly", "--week-of", "2026-03-05", "--format", "json"]);
    assert_eq!(code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["numbers"]["wau"], 1);
    let (code, out, told) = brief(&["daily", "--day", "2999-01-01"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(told.contains("2999-01-01 has not begun; the latest that works is"), "{told}");
    assert_eq!(brief(&["daily", "--day", "2026-02-30"]).0, Some(2));
    let none = world.store().shared_of(&"demo".into(), SharedKind::Printed).await.unwrap();
    assert_eq!(none, []);
    assert_eq!(BusinessDay::parse(MONDAYS_DATE), Some(MONDAY.business_day()));
}
