//! Records that all customers of an account share.

use fuwu::store::{Committed, Shared, SharedChange, SharedKind, SharedName, Version};

use super::Engine;

fn name(kind: SharedKind, part: &str) -> SharedName {
    SharedName { kind, part: part.to_owned() }
}

fn change(name: SharedName, base: u64, body: Option<&str>) -> SharedChange {
    SharedChange { account: "demo".into(), name, base: Version(base), body: body.map(|body| body.as_bytes().to_vec()) }
}

pub async fn a_shared_record_never_written_is_empty_at_version_zero(engine: &impl Engine) {
    let store = engine.open().await;
    let name = name(SharedKind::Post, "daily/2026-03-04");
    assert_eq!(store.shared(&"demo".into(), &name).await.unwrap(), Shared::default());
    assert_eq!(store.shared_of(&"demo".into(), SharedKind::Post).await.unwrap(), []);
    assert_eq!(store.put_shared(change(name, 0, None)).await.unwrap(), Committed::Stale);
}

pub async fn a_shared_record_changes_only_from_the_version_it_was_read_at(engine: &impl Engine) {
    let name = || name(SharedKind::Printed, "daily/2026-03-04");
    {
        let store = engine.open().await;
        for (base, body, expected) in [
            (0, Some("one"), Committed::Applied),
            (0, Some("again"), Committed::Stale),
            (1, Some("two"), Committed::Applied),
            (1, Some("late"), Committed::Stale),
            (7, None, Committed::Stale),
        ] {
            assert_eq!(store.put_shared(change(name(), base, body)).await.unwrap(), expected, "{base} {body:?}");
        }
        store.close().await.unwrap();
    }
    let store = engine.open().await;
    let kept = Shared { version: Version(2), body: b"two".to_vec() };
    assert_eq!(store.shared(&"demo".into(), &name()).await.unwrap(), kept);
    assert_eq!(store.put_shared(change(name(), 2, None)).await.unwrap(), Committed::Applied);
    assert_eq!(store.shared(&"demo".into(), &name()).await.unwrap(), Shared::default());
}

pub async fn shared_records_of_a_kind_come_in_order_and_apart_from_others(engine: &impl Engine) {
    let store = engine.open().await;
    for (kind, part) in [(SharedKind::Post, "b"), (SharedKind::Post, "a"), (SharedKind::Replay, "c")] {
        store.put_shared(change(name(kind, part), 0, Some(part))).await.unwrap();
    }
    let other = SharedChange { account: "other".into(), ..change(name(SharedKind::Post, "d"), 0, Some("d")) };
    store.put_shared(other).await.unwrap();
    let listed = store.shared_of(&"demo".into(), SharedKind::Post).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|(part, shared)| (part, shared.version.0, shared.body)).collect();
    assert_eq!(listed, [("a".to_owned(), 1, b"a".to_vec()), ("b".to_owned(), 1, b"b".to_vec())]);
}
