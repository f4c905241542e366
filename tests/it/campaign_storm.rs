//! Referral ledgers under a storm: follows, unfollows, re-follows and scans by codes of every kind, some out of order and
//! some twice, while the campaign's file is edited and the program is killed; in the end every count is that of a brute
//! force over what was sent. `FUWU_FIGURE_STORM=100000` makes a figure of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use fuwu::app::{Discretion, verify};
use fuwu::domain::actions::CodeFor;
use fuwu::domain::forget::Forget;
use fuwu::domain::ids::Scene;
use fuwu::domain::referral::Friend;
use fuwu::domain::referral::code::Tag;
use fuwu::domain::referral::invite::State;
use fuwu::domain::referral::refusal::Refusal;
use fuwu::domain::time::UnixSecs;
use fuwu::growth::counter::Metric;
use fuwu::growth::lateness::Lateness;
use fuwu::growth::referral::Cell;
use fuwu::store::{CounterRange, CustomerRef, Embedded, PseudonymKey, Redis, Spec, Store};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::business::{copied, copy_playbook, edit};
use crate::hand::{Hand, message_at};
use crate::harness::until;
use crate::orders_shop::borrowed;
use crate::process::Process;
use crate::redis_servers::RedisServer;

const KEY: &str = "a-pseudonym-key-of-the-tests-and-nobody-else";
const TASKS: usize = 16;
/// What the program had in hand when it was killed comes back when its lease of a minute has ended.
const AFTER_A_KILL: Duration = Duration::from_secs(150);
const INVITERS: usize = 24;
/// The codes of these are made with the campaign's name, but the file counts them among the staff.
const STAFF: usize = 3;

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    /// Came by the code of this inviter in this campaign, or by none.
    Followed(Option<(usize, &'static str)>),
    Left,
    Scanned(usize, &'static str),
    Wrote,
}

#[derive(Clone, Copy, Debug)]
struct Happened {
    who: usize,
    at: i64,
    did: Did,
}

fn openid(who: usize) -> String {
    format!("oStormOfInvites{who:013}")
}

fn of(who: usize) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: openid(who).as_str().into() }
}

fn discretion() -> Discretion {
    Discretion { forget: Forget::Tombstone, keep_days: 180, key: PseudonymKey::new(KEY) }
}

/// What the code of an inviter carries who followed at that time.
fn code(owner: usize, campaign: &str, since: i64) -> Scene {
    discretion().code(&of(owner), CodeFor { tag: Tag::of(&campaign.into()), since: UnixSecs(since) }).unwrap()
}

/// A storm: first the inviters come, then everything else happens.
struct Storm {
    begins: i64,
    rest: Vec<Happened>,
}

impl Storm {
    fn of(deliveries: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let begins = now - i64::try_from(deliveries).unwrap() - 100;
        let customers = INVITERS + deliveries / 3;
        let mut follows: Vec<bool> = (0..customers).map(|who| who < INVITERS).collect();
        let mut rest = Vec::new();
        for nth in 0..deliveries {
            let at = begins + 50 + i64::try_from(nth).unwrap();
            // The inviters of the first half never leave: what their records say is compared.
            let who = rng.random_range(INVITERS / 2..customers);
            let campaign = ["friends", "friends", "friends", "friends", "gone", "over"][rng.random_range(0..6)];
            let owner = rng.random_range(0..INVITERS);
            let did = match (follows[who], rng.random_range(0..10)) {
                (false, 0) => Did::Followed(None),
                (false, _) => Did::Followed(Some((owner, campaign))),
                (true, 0..4) => Did::Left,
                (true, 4..7) => Did::Scanned(owner, campaign),
                (true, _) => Did::Wrote,
            };
            follows[who] = !matches!(did, Did::Left);
            rest.push(Happened { who, at, did });
        }
        Self { begins, rest }
    }

    fn xml(&self, nth: usize, happened: Happened) -> String {
        let Happened { who, at, did } = happened;
        let scene = |owner: usize, campaign: &str| code(owner, campaign, self.since(owner));
        let event = |name: &str, key: &str| {
            format!(
                "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event><EventKey><![CDATA[{key}]]></EventKey>"
            )
        };
        let rest = match did {
            Did::Followed(None) => event("subscribe", ""),
            Did::Followed(Some((owner, campaign))) => {
                event("subscribe", &format!("qrscene_{}", scene(owner, campaign)))
            }
            Did::Left => event("unsubscribe", ""),
            Did::Scanned(owner, campaign) => event("SCAN", scene(owner, campaign).as_str()),
            Did::Wrote => {
                format!(
                    "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[第{nth}句]]></Content><MsgId>{}</MsgId>",
                    nth + 1
                )
            }
        };
        message_at(at, &openid(who), &rest)
    }

    fn since(&self, inviter: usize) -> i64 {
        self.begins + i64::try_from(inviter).unwrap()
    }

    /// The deliveries of each task, in the order they are sent: neighbours change places now and then.
    fn lines(&self, seed: u64) -> Vec<Vec<(usize, Happened)>> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut lines = vec![Vec::new(); TASKS];
        for (nth, happened) in self.rest.iter().enumerate() {
            lines[happened.who % TASKS].push((nth, *happened));
        }
        for line in &mut lines {
            for at in 1..line.len() {
                if rng.random_bool(0.15) {
                    line.swap(at - 1, at);
                }
            }
        }
        lines
    }
}

/// What the definitions say (growth.md 1.7): by first follow, whatever the order in which anything came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Funnel {
    /// Those who stayed, and those who left within the hold.
    attributed: (i64, i64),
    refused: BTreeMap<Refusal, i64>,
    /// By an inviter who never left: each friend with their first follow, and whether they left.
    friends: BTreeMap<usize, BTreeSet<(Friend, i64, bool)>>,
}

fn by_definition(storm: &Storm) -> Funnel {
    let mut by_customer: BTreeMap<usize, Vec<Happened>> = BTreeMap::new();
    for happened in &storm.rest {
        by_customer.entry(happened.who).or_default().push(*happened);
    }
    let mut funnel = Funnel::default();
    for (who, all) in by_customer.into_iter().filter(|(who, _)| *who >= INVITERS) {
        let first = all.iter().find_map(|it| match it.did {
            Did::Followed(code) => Some((it.at, code)),
            _ => None,
        });
        let Some((at, Some((owner, campaign)))) = first else { continue };
        let refused = match campaign {
            "gone" => Some(Refusal::NoCampaign),
            "over" => Some(Refusal::Ended),
            _ if owner < STAFF => Some(Refusal::Staff),
            _ => None,
        };
        if let Some(reason) = refused {
            *funnel.refused.entry(reason).or_default() += 1;
            continue;
        }
        let left = all.iter().any(|it| it.did == Did::Left && it.at > at);
        let (stayed, gone) = &mut funnel.attributed;
        *(if left { gone } else { stayed }) += 1;
        if owner < INVITERS / 2 {
            funnel.friends.entry(owner).or_default().insert((discretion().friend(&of(who)), at, left));
        }
    }
    funnel
}

/// What the store says.
async fn by_store(store: &dyn Store) -> Funnel {
    let counters = store.counters(&"demo".into(), &[CounterRange::all(Metric::Invites)]).await.unwrap();
    let mut funnel = Funnel::default();
    for (key, n) in counters.cells().filter(|(_, n)| *n != 0) {
        match Cell::of_number(key.b).unwrap() {
            Cell::Attributed(cell) => {
                assert!(cell.qualified, "it is enough to come");
                let (stayed, gone) = &mut funnel.attributed;
                *(if cell.left { gone } else { stayed }) += n;
            }
            Cell::Refused(reason) => *funnel.refused.entry(reason).or_default() += n,
            Cell::Again(_) => {}
        }
    }
    for owner in 0..INVITERS / 2 {
        let drives = store.load(&of(owner)).await.unwrap().customer.drives;
        let known = drives.get(&"friends".into()).into_iter().flat_map(|drive| &drive.invites);
        let friends = known.filter_map(|entry| match entry.state {
            Some(State::Attributed { left_on, .. }) => Some((entry.friend, entry.at.0, left_on.is_some())),
            _ => None,
        });
        let friends: BTreeSet<_> = friends.collect();
        if !friends.is_empty() {
            funnel.friends.insert(owner, friends);
        }
    }
    funnel
}

/// A playbook with two campaigns: one that runs, some of the staff in it, and one that is over.
fn playbook(dir: &Path) -> Vec<(String, String)> {
    copy_playbook(dir);
    let file = dir.join("playbook/campaigns/friends.toml");
    edit(&file, "goal = \"buy_data\"", "active_days = 0");
    let staff: Vec<String> = (0..STAFF).map(openid).collect();
    edit(&file, "[caps]", &format!("[who]\nstaff = {staff:?}\n\n[caps]"));
    std::fs::write(
        dir.join("playbook/campaigns/over.toml"),
        "title = \"去年\"\nstarts = \"2020-01-01\"\nends = \"2020-02-01\"\nmine = [\"去年的邀请\"]\n",
    )
    .unwrap();
    let mut env: Vec<(String, String)> =
        borrowed(&copied(dir)).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    env.push(("FUWU__PRIVACY__PSEUDONYM_KEY".to_owned(), KEY.to_owned()));
    env
}

fn lent(env: &[(String, String)]) -> Vec<(&str, &str)> {
    env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Sends each task's deliveries until `until` of them are through or the program is gone; what is still to be sent.
async fn send(hand: &Hand, storm: &Storm, lines: Vec<Vec<(usize, Happened)>>) -> Vec<Vec<(usize, Happened)>> {
    let tasks = lines.into_iter().map(async |line| {
        for (sent, (nth, happened)) in line.iter().enumerate() {
            let xml = storm.xml(*nth, *happened);
            // One in eight is delivered twice at once, as a platform that heard nothing does.
            let copies = if nth % 8 == 0 { 2 } else { 1 };
            let tries = join_all((0..copies).map(|_| hand.try_post(hand.push(&xml)))).await;
            if tries.into_iter().any(|tried| !tried.is_ok_and(|posted| posted.status == 200)) {
                return line[sent..].to_vec();
            }
        }
        Vec::new()
    });
    join_all(tasks).await
}

async fn nothing_is_on_its_way(store: &dyn Store, customers: usize) -> bool {
    for who in 0..customers {
        if store.load(&of(who)).await.unwrap().customer.invite.is_on_its_way() {
            return false;
        }
    }
    true
}

#[actix_web::test]
async fn a_storm_of_invites_ends_as_the_definitions_say_though_the_program_is_killed() {
    let deliveries: usize = std::env::var("FUWU_FIGURE_STORM").map_or(900, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let env = playbook(dir.path());
    let storm = Storm::of(deliveries, 7);
    let process = Process::start(dir.path(), &lent(&env));
    let hand = process.hand();
    for inviter in 0..INVITERS {
        let happened = Happened { who: inviter, at: storm.since(inviter), did: Did::Followed(None) };
        assert_eq!(hand.deliver(&storm.xml(0, happened)).await.status, 200);
    }
    let (mut process, mut left, mut kills) = (Some(process), storm.lines(11), 0_u64);
    while left.iter().any(|line| !line.is_empty()) {
        let living = process.take().unwrap();
        let hand = living.hand();
        let most = 40 + usize::try_from(kills * 7_919 % 500).unwrap();
        // So many of each task, then the program dies in the middle of the next ones.
        let (now, later): (Vec<_>, Vec<_>) = left
            .into_iter()
            .map(|line| {
                let (now, later) = line.split_at(line.len().min(most.div_ceil(TASKS)));
                (now.to_vec(), later.to_vec())
            })
            .unzip();
        let unsent = send(&hand, &storm, now).await;
        let cut: Vec<Vec<_>> = later.iter().map(|line| line.iter().take(3).copied().collect()).collect();
        let (dying, ()) = tokio::join!(send(&hand, &storm, cut), async {
            tokio::task::yield_now().await;
            living.kill();
        });
        kills += 1;
        let remaining = later.iter().map(|line| line[line.len().min(3)..].to_vec());
        left = unsent.into_iter().zip(dying).zip(remaining).map(|((a, b), c)| [a, b, c].concat()).collect();
        let file = dir.path().join("playbook/campaigns/friends.toml");
        let (from, to) = if kills % 2 == 1 { (7, 9) } else { (9, 7) };
        edit(&file, &format!("hold_days = {from}"), &format!("hold_days = {to}"));
        process = Some(Process::start(dir.path(), &lent(&env)));
    }
    let store = Embedded::open_read_only(&dir.path().join("data")).unwrap().knowing(PseudonymKey::new(KEY));
    let customers = INVITERS + deliveries / 3;
    let told = async {
        while !nothing_is_on_its_way(&store, customers).await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert!(tokio::time::timeout(AFTER_A_KILL, told).await.is_ok(), "not every inviter has been told");
    let (expected, found) = (by_definition(&storm), by_store(&store).await);
    assert_eq!((found.attributed, &found.refused), (expected.attributed, &expected.refused), "after {kills} kills");
    for (owner, friends) in &expected.friends {
        let known = found.friends.get(owner);
        assert!(
            known == Some(friends),
            "inviter {owner}: {} friends, {:?} known",
            friends.len(),
            known.map(BTreeSet::len)
        );
    }
    process.unwrap().kill();
    let verified = verify(&store, (&"demo".into(), Lateness::default()), |_, _| {}).await.unwrap();
    assert_eq!(verified.differences, 0, "a recount from the facts is what was counted");
    let (stayed, gone) = expected.attributed;
    println!("{deliveries} deliveries, {kills} kills: {stayed} stayed, {gone} left, refused {:?}", expected.refused);
    assert!(kills > 1 && stayed > 10 && gone > 10 && expected.refused.len() == 3, "it was hardly a storm");
}

#[actix_web::test]
async fn five_hundred_friends_at_one_instant_through_two_programs_are_five_hundred() {
    const FRIENDS: usize = 500;
    let (redis, dir, beside) = (RedisServer::start(&[]), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = redis.url();
    let mut env = playbook(dir.path());
    env.push(("FUWU__STORE__URL".to_owned(), url.clone()));
    let two = [Process::start(dir.path(), &lent(&env)), Process::start(beside.path(), &lent(&env))];
    let hands = two.each_ref().map(Process::hand);
    let storm = Storm::of(0, 1);
    let inviter = INVITERS / 2 - 1;
    let came = Happened { who: inviter, at: storm.since(inviter), did: Did::Followed(None) };
    assert_eq!(hands[0].deliver(&storm.xml(0, came)).await.status, 200);
    let friends = (0..FRIENDS).map(|nth| {
        let did = Did::Followed(Some((inviter, "friends")));
        let xml = storm.xml(nth, Happened { who: INVITERS + nth, at: storm.begins + 60, did });
        let hand = &hands[nth % 2];
        async move {
            // As the platform: three times at most, and what is refused comes again.
            for _ in 0..3 {
                if hand.deliver(&xml).await.status == 200 {
                    return true;
                }
            }
            false
        }
    });
    assert!(join_all(friends).await.into_iter().all(|taken| taken), "all of them are taken");
    let store = Redis::open(&url, Spec::default(), PseudonymKey::new(KEY)).await.unwrap();
    let count = async || by_store(&store).await;
    until("all are attributed", async || count().await.attributed.0 >= 500).await;
    until("the inviter knows", async || {
        count().await.friends.get(&inviter).is_some_and(|friends| friends.len() >= FRIENDS)
    })
    .await;
    let found = count().await;
    assert_eq!((found.attributed, found.friends[&inviter].len()), ((500, 0), FRIENDS));
}
