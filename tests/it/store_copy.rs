//! `fuwu store copy`: what is in one store is in the other, to the letter, and the conversation goes on.

mod broken_off;
mod compared;
mod outdated;
mod refused;
mod rich;

use std::path::Path;

use fuwu::app::{Copied, CopyError, copy, verify};
use fuwu::domain::ids::AccountId;
use fuwu::domain::time::UnixSecs;
use fuwu::store::{Commit, CustomerRef, Embedded, Keep, Redis, Spec, Step, Store, open_to_copy};
use rich::{Everything, STAYED, everything, fill, key_of};

use crate::hand::message_at;
use crate::process::{Process, run};
use crate::redis_servers::{RedisCluster, RedisServer};
use crate::store_conformance::samples::{apply, demo, who};

/// Copies the demo account.
async fn copied(dir: &Path, urls: (&str, &str)) -> Result<Copied, CopyError> {
    let (from, to) = open_to_copy(urls, &dir.join("data"), (Spec::default(), key_of(dir))).await?;
    let accounts: Vec<AccountId> = vec![demo()];
    let copied = copy((from.as_ref(), to.as_ref()), (&accounts, Spec::default()), |_, _, _| {}).await;
    from.close().await.unwrap();
    to.close().await.unwrap();
    copied
}

async fn redis(dir: &Path, url: &str) -> Redis {
    Redis::open(url, Spec::default(), key_of(dir)).await.unwrap()
}

fn embedded(dir: &Path) -> Embedded {
    Embedded::open(&dir.join("data"), Spec::default(), key_of(dir)).unwrap()
}

/// A folder with the same secrets and no store.
fn beside(dir: &Path) -> tempfile::TempDir {
    let other = tempfile::tempdir().unwrap();
    std::fs::create_dir(other.path().join("data")).unwrap();
    std::fs::copy(dir.join("data/secrets.json"), other.path().join("data/secrets.json")).unwrap();
    other
}

async fn assert_verified(store: &dyn Store) {
    let verified = verify(store, (&demo(), Spec::default().lateness), |_, _| {}).await.unwrap();
    assert_eq!(verified.differences, 0, "{:?}", verified.listed);
    assert!(verified.facts > 0 && verified.journal > 0);
}

/// Everything goes on: who left is found again, work is handed out, forgetting takes out words, numbers stay right.
async fn assert_goes_on(store: &dyn Store) {
    let of = who(STAYED);
    let before = store.load(&of).await.unwrap();
    assert!(before.version.0 > 1 && before.customer.follow.first_day.is_some());
    apply(
        store,
        Commit {
            customer: before.customer.clone(),
            ..crate::store_conformance::samples::commit(&of, before.version.0)
        },
    )
    .await;
    let claimed = store.claim_due(UnixSecs(i64::from(u32::MAX)), 60, 99).await.unwrap();
    let leased = claimed.iter().find(|claimed| claimed.work.id.as_str() == "leased").unwrap();
    assert_eq!(leased.attempt, 3, "it was claimed twice before");
    let settled = vec![leased.work.id.clone()];
    let now = store.load(&of).await.unwrap();
    apply(
        store,
        Commit {
            settled,
            customer: now.customer,
            ..crate::store_conformance::samples::commit(&leased.of, now.version.0)
        },
    )
    .await;
    // The words of somebody who leaves now are found, though the facts came from elsewhere.
    let speaker = rich::speaker(store).await;
    let stored = store.load(&speaker).await.unwrap();
    let leaves = Commit {
        customer: stored.customer,
        keep: Keep::Tombstone,
        ..crate::store_conformance::samples::commit(&speaker, stored.version.0)
    };
    apply(store, leaves).await;
    let facts = store.facts(&demo(), 0, usize::MAX).await.unwrap();
    let tombstone = store.held(&speaker).await.unwrap().unwrap();
    assert!(tombstone.facts.iter().all(|logged| logged.fact.without_words().is_none()));
    assert!(facts.iter().any(|logged| logged.fact.without_words().is_some()), "others keep theirs");
    assert_verified(store).await;
    assert!(store.erase(&of).await.unwrap());
    assert_verified(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_moves_from_the_file_to_redis_and_back_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let (first, second) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let there = copied(dir.path(), ("embedded:", &first.url())).await.unwrap();
    assert!(there.0.iter().all(|(_, items)| *items > 0), "the sample must hold what it is about: {there:?}");
    assert_eq!(everything(&redis(dir.path(), &first.url()).await).await, was);
    assert_verified(&redis(dir.path(), &first.url()).await).await;

    assert_eq!(copied(dir.path(), (&first.url(), &second.url())).await.unwrap(), there);
    assert_eq!(everything(&redis(dir.path(), &second.url()).await).await, was);

    let back = beside(dir.path());
    assert_eq!(copied(back.path(), (&second.url(), "embedded:")).await.unwrap(), there);
    let store = embedded(back.path());
    assert_eq!(everything(&store).await, was);
    assert_verified(&store).await;
    assert_goes_on(&store).await;
    assert_goes_on(&redis(dir.path(), &first.url()).await).await;
    assert_eq!(everything(&embedded(dir.path())).await, was, "the source stays as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_moves_to_a_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let cluster = RedisCluster::start();
    copied(dir.path(), ("embedded:", &cluster.url())).await.unwrap();
    let store = redis(dir.path(), &cluster.url()).await;
    assert_eq!(everything(&store).await, was);
    assert_goes_on(&store).await;
}

/// A file in strict mode gives versions that Lua could not count on from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_redis_cannot_count_is_made_one_that_it_can() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let of = who(STAYED);
    let database = rusqlite::Connection::open(dir.path().join("data/fuwu.db")).unwrap();
    let great = (3_i64 << 53) + 7;
    assert_eq!(database.execute("UPDATE customer SET version = ?1 WHERE openid = ?2", (great, STAYED)).unwrap(), 1);
    drop(database);
    let server = RedisServer::start(&[]);
    copied(dir.path(), ("embedded:", &server.url())).await.unwrap();
    let store = redis(dir.path(), &server.url()).await;
    for version in 7..9 {
        assert_eq!(store.load(&of).await.unwrap().version.0, version);
        apply(&store, crate::store_conformance::samples::commit(&of, version)).await;
    }
}

/// By the commands, as an operator does it.
#[actix_web::test]
async fn after_the_move_a_retry_is_known_and_the_numbers_hold() {
    let dir = tempfile::tempdir().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let xml = message_at(
        i64::try_from(now).unwrap(),
        "oPenIdOfTheCopyTests000001",
        "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>77</MsgId>",
    );
    let mut process = Process::start(dir.path(), &[]);
    let said = process.hand().deliver(&xml).await;
    let answer = process.hand().hear("oPenIdOfTheCopyTests000001", &said);
    process.signal("TERM");
    assert!(process.ended().await.success());

    let server = RedisServer::start(&[]);
    let url = server.url();
    let moved = run(dir.path(), &[], &["store", "copy", "--from", "embedded:", "--to", &url]);
    let told = String::from_utf8_lossy(&moved.stdout).into_owned();
    assert!(moved.status.success() && told.contains("1 records"), "{told}{}", String::from_utf8_lossy(&moved.stderr));

    let env = [("FUWU__STORE__URL", url.as_str())];
    let facts = || {
        let output = run(dir.path(), &env, &["store", "verify"]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains(": 0 differences"), "{told}");
        told
    };
    let before = facts();
    let mut process = Process::start(dir.path(), &env);
    let retried = process.hand().deliver(&xml).await;
    assert_eq!(process.hand().hear("oPenIdOfTheCopyTests000001", &retried), answer);
    process.signal("TERM");
    assert!(process.ended().await.success());
    assert_eq!(facts(), before, "a retry has no second effect");
}

/// Two accounts in one file; each is moved alone, and what the other has is not touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_move_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let was = fill(dir.path()).await;
    let other: AccountId = "other".into();
    let of = CustomerRef { account: other.clone(), openid: STAYED.into() };
    let store = embedded(dir.path());
    apply(&store, crate::store_conformance::samples::commit(&of, 0)).await;
    store.close().await.unwrap();
    drop(store);
    let server = RedisServer::start(&[]);
    let url = server.url();
    for account in [other.clone(), demo()] {
        let urls = ("embedded:", url.as_str());
        let (from, to) =
            open_to_copy(urls, &dir.path().join("data"), (Spec::default(), key_of(dir.path()))).await.unwrap();
        let done = copy((from.as_ref(), to.as_ref()), (&[account], Spec::default()), |_, _, _| {}).await.unwrap();
        assert!(done.0.iter().any(|(step, items)| *step == Step::Records && *items > 0));
        from.close().await.unwrap();
    }
    let moved = redis(dir.path(), &url).await;
    assert_eq!(everything(&moved).await, was);
    assert_eq!(moved.load(&of).await.unwrap().version.0, 1);
    let all: Everything = everything(&moved).await;
    assert!(all.facts.len() > 3);
}
