//! A journal that holds what the store does not have.

use std::path::Path;

use fuwu::app::{Clock as _, SystemClock};
use fuwu::store::journal::{Accepted, Journal, Place};
use fuwu::store::{Forgetful as _, Mark, Partition, Store as _};

use super::rich::{fill, key_of};
use super::{beside, copied, redis};
use crate::process::run;
use crate::redis_servers::RedisServer;

const HOME: Partition = Partition(3);

/// Two deliveries that were accepted a moment ago, and one of long ago; the journal's name and where the two stand.
async fn journal(dir: &Path) -> (String, [Place; 2]) {
    let journal = Journal::open(&dir.join("data/journal"), key_of(dir), 1 << 20).unwrap();
    let mut places = [Place(0); 3];
    for (place, age) in places.iter_mut().zip([2 * 86_400, 60, 30]) {
        let arrived = SystemClock.now().plus_secs(-age);
        let accepted =
            Accepted { account: "demo".into(), partition: HOME, arrived, fresh: 1, message: b"<xml/>".to_vec() };
        *place = journal.accept(accepted).await.unwrap().0;
    }
    journal.close();
    (journal.name().to_owned(), [places[1], places[2]])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_journal_holds_what_redis_does_not_have_it_is_not_copied_from_there() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let server = RedisServer::start(&[]);
    let url = server.url();
    copied(dir.path(), ("embedded:", &url)).await.unwrap();
    let back = beside(dir.path());
    let copy = || run(back.path(), &[], &["store", "copy", "--from", &url, "--to", "embedded:"]);
    let (name, [first, second]) = journal(back.path()).await;
    let says = |count: usize| {
        let refused = copy();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(&format!("holds {count} deliveries")), "{said}");
        assert!(said.contains("store.url"), "{said}");
    };
    says(2);
    let store = redis(dir.path(), &url).await;
    let mut known = store.mark(HOME, &name).await.unwrap();
    assert_eq!(known.until, None);
    for (until, left) in [(first, Some(1)), (second, None)] {
        let moved = store.move_mark((HOME, &name), &known, until).await.unwrap();
        known = Mark { until: Some(until), ..known };
        assert_eq!(moved, known);
        if let Some(left) = left {
            says(left);
        }
    }
    store.close().await.unwrap();
    let copied = copy();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let said = String::from_utf8_lossy(&copied.stdout).into_owned();
    assert!(said.contains("equal on both sides") && said.contains("other machines"), "{said}");
    // Now the embedded store cannot tell whether it has them; whoever asks the doctor hears of them.
    let doctor = run(back.path(), &[], &["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.success() && said.contains("注意 warning"), "{said}");
    assert!(said.contains("the journal holds 2 deliveries of the last day"), "{said}");
}
