//! The numbers of the referral programme, by command and API, over a store in which friends came by personal codes; and why
//! an invite counts or does not.

use std::path::Path;
use std::time::SystemTime;

use fuwu::domain::customer::Customer;
use fuwu::domain::fact::{Fact, FactKind, Invited};
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::referral::drive::Drive;
use fuwu::domain::referral::news::News;
use fuwu::domain::referral::refusal::Refusal;
use fuwu::domain::referral::terms::Terms;
use fuwu::domain::referral::{Friend, Inviter};
use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::lateness::Lateness;
use fuwu::growth::record::record;
use fuwu::store::{Commit, Embedded, PseudonymKey, Spec, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::API_TOKEN;
use crate::process::{Process, run};
use crate::replay::assert_verified;
use crate::store_conformance::samples::{apply, commit, who};

const INVITER: Inviter = Inviter(0xa1);

/// What somebody did on a day, at noon.
enum Deed {
    Follow,
    FollowBy(Option<Refusal>),
    Say,
    Leave,
}

struct Town {
    dir: TempDir,
    process: Process,
    /// The day most friends came on.
    day: BusinessDay,
    today: BusinessDay,
}

fn terms() -> Terms {
    Terms { active_days: 1, within_days: 7, hold_days: 5, ..Terms::default() }
}

fn noon(day: BusinessDay) -> UnixSecs {
    day.start().plus_secs(43_200)
}

/// A customer who did this, with the facts of it.
fn lived(friend: u64, (since, deeds): (UnixSecs, &[(UnixSecs, Deed)])) -> (Customer, Commit) {
    let mut customer = Customer::default();
    let mut all = commit(&who("nobody"), 0);
    for (nth, (at, deed)) in (0..).zip(deeds) {
        let followed = FactKind::Followed { scene: None, channel: "poster".into() };
        let invited = |refused| {
            FactKind::Invited(Box::new(Invited {
                campaign: "spring".into(),
                inviter: INVITER,
                since,
                friend: Friend(friend),
                terms: terms(),
                refused,
                written: false,
                code: "i_x".into(),
            }))
        };
        let what = match deed {
            Deed::Follow => vec![followed],
            Deed::FollowBy(refused) => vec![invited(*refused), followed],
            Deed::Say => vec![FactKind::Messaged],
            Deed::Leave => vec![FactKind::Unfollowed],
        };
        let key = DedupeKey(friend * 100 + nth);
        let facts: Vec<Fact> = what
            .into_iter()
            .map(|what| Fact { at: *at, arrived: *at, key, playbook: "0123456789ab".into(), what })
            .collect();
        all.increments.extend(record(&mut customer, &facts, Lateness::default()).increments);
        all.facts.extend(facts);
    }
    (customer, all)
}

impl Town {
    async fn lived() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Process::start(dir.path(), &[]).kill();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let now = UnixSecs(i64::try_from(now).unwrap());
        let today = now.business_day();
        let day = today.plus_days(-20);
        fill(dir.path(), day, now).await;
        Self { process: Process::start(dir.path(), &[]), dir, day, today }
    }

    fn command(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = run(self.dir.path(), &[], args);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    /// The rows of a report, which are the same by command and API.
    async fn rows(&self, name: &str, (from, to): (BusinessDay, BusinessDay), by: Option<&str>) -> Vec<Value> {
        let (from, to) = (from.to_string(), to.to_string());
        let mut args = vec!["report", name, "--from", &from, "--to", &to, "--format", "json"];
        args.extend(by.into_iter().flat_map(|by| ["--by", by]));
        let (status, told) = self.command(&args);
        assert_eq!(status, Some(0), "{told}");
        let by = by.map(|by| format!("&by={by}")).unwrap_or_default();
        let url = self.process.url(&format!("/api/v1/reports/{name}?from={from}&to={to}{by}"));
        let answer = reqwest::Client::new().get(url).bearer_auth(API_TOKEN).send().await.unwrap();
        let by_api: Value = answer.error_for_status().unwrap().json().await.unwrap();
        let by_command: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(by_command["rows"], by_api["rows"], "{name}");
        by_api["rows"].as_array().unwrap().clone()
    }

    fn explained(&self, openid: &str) -> String {
        let (status, told) = self.command(&["explain", "invite", openid]);
        assert_eq!(status, Some(0), "{told}");
        told
    }
}

async fn fill(dir: &Path, day: BusinessDay, now: UnixSecs) {
    let secrets: Value = serde_json::from_slice(&std::fs::read(dir.join("data/secrets.json")).unwrap()).unwrap();
    let key = PseudonymKey::new(secrets["pseudonym_key"].as_str().unwrap());
    let store = Embedded::open(&dir.join("data"), Spec::default(), key).unwrap();
    let at = |n: i32| noon(day.plus_days(n));
    let since = at(-3);
    let just_now = now.plus_secs(-60).max(now.business_day().start());
    let code = Deed::FollowBy;
    let lives = [
        ("oAnna", vec![(at(0), code(None)), (at(2), Deed::Say)]),
        ("oBen", vec![(at(0), code(None)), (at(1), Deed::Say), (at(3), Deed::Leave)]),
        ("oCara", vec![(at(0), code(Some(Refusal::OwnCode)))]),
        ("oDan", vec![(at(-9), Deed::Follow), (at(-8), Deed::Leave), (at(1), code(None))]),
        ("oEve", vec![(just_now, code(None))]),
    ];
    let mut drive = Drive { joined: Some(since), ..Drive::default() };
    for (friend, (openid, deeds)) in (1..).zip(lives) {
        let (customer, all) = lived(friend, (since, &deeds));
        if let Some(standing) = customer.invited() {
            drive.hear(&News {
                campaign: "spring".into(),
                friend: Friend(friend),
                at: standing.at,
                terms: terms(),
                state: Some(standing.state),
                revision: 1,
            });
        }
        apply(&store, Commit { of: who(openid), customer, ..all }).await;
    }
    let (mut customer, all) = lived(9, (since, &[(since, Deed::Follow)]));
    customer.drives.insert("spring".into(), drive);
    apply(&store, Commit { of: who("oInviter"), customer, ..all }).await;
    store.close().await.unwrap();
}

#[actix_web::test]
async fn the_referral_numbers_are_the_same_by_command_and_api_and_every_invite_is_explained() {
    let town = Town::lived().await;
    let (day, today) = (town.day, town.today);
    let days = (day, day.plus_days(1));
    let row = |day: BusinessDay, numbers: [Value; 8]| {
        let names =
            ["attributed", "qualified", "clawed_back", "refused", "rewards_granted", "matured", "again", "coded"];
        let mut row = json!({ "campaign": "spring", "day": day.to_string() });
        names.into_iter().zip(numbers).for_each(|(name, number)| row[name] = number);
        row
    };
    let none = Value::Null;
    let of = |numbers: [i64; 7]| {
        let [attributed, qualified, left, refused, matured, again, coded] = numbers.map(|n| json!(n));
        [attributed, qualified, left, refused, Value::Null, matured, again, coded]
    };
    let expected = [row(day, of([2, 2, 1, 1, 1, 0, 3])), row(day.plus_days(1), of([0, 0, 0, 0, 0, 1, 0]))];
    assert_eq!(town.rows("referral", days, None).await, expected);
    let unripe = [json!(1), none.clone(), none.clone(), json!(0), none.clone(), none, json!(0), json!(1)];
    assert_eq!(town.rows("referral", (today, today), None).await, [row(today, unripe)]);

    let by_referrer = town.rows("referral", days, Some("referrer")).await;
    let told = |row: &Value| format!("{} {} {} {}", row["referrer"], row["reason"], row["attributed"], row["refused"]);
    let expected = ["\"\" 2 0", "\"own_code\" 0 1", "\"not_new\" 0 0"].map(|rest| format!("\"{INVITER}\" {rest}"));
    assert_eq!(by_referrer.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(town.rows("referral", days, Some("reason")).await.len(), 3);

    let k = &town.rows("kfactor", (day.plus_days(-3), day.plus_days(-3)), None).await[0];
    assert_eq!([&k["size"], &k["t2"], &k["t3"], &k["t30"]], [&json!(1), &json!(0), &json!(2), &Value::Null]);
    assert_eq!([&k["kept_t7"], &k["kept_t30"]], [&json!(1), &Value::Null]);
    let cycle = town.rows("cycle", days, None).await;
    assert_eq!(cycle[3], json!({ "days": "3", "friends": 2, "within": 2 }));
    let survival = town.rows("survival", (day, day), Some("channel")).await;
    assert_eq!((&survival[0]["channel"], &survival[0]["d7"], survival.len()), (&json!("poster"), &json!(2), 1));

    let text = town.command(&["report", "referral", "--from", &day.to_string(), "--to", &day.to_string()]).1;
    assert!(text.contains("奖励发放还没有可读的来源") && text.contains("归因加拒绝"), "{text}");

    assert!(town.explained("oAnna").contains("计入，") && town.explained("oAnna").contains(&INVITER.to_string()));
    let left = town.explained("oBen");
    assert!(left.contains(&format!("不计入：观察期内 {} 离开了", day.plus_days(3))), "{left}");
    assert!(town.explained("oCara").contains("it was their own code"));
    assert!(town.explained("oDan").contains("每次带邀请码来"));
    let waiting = town.explained("oEve");
    assert!(waiting.contains(&format!("最晚 {}", today.plus_days(7))), "{waiting}");
    let inviter = town.explained("oInviter");
    assert_eq!(inviter.matches("朋友 friend 0").count(), 4, "{inviter}");
    assert_eq!(town.command(&["explain", "invite", "oNobody"]).0, Some(1));
    assert_verified(town.dir.path());
}
