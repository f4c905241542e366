//! Erasing somebody while something is owed to them, or becomes so at that very moment.

use std::sync::Arc;

use fuwu::app::{Erased, erase_customer, export_customer};
use fuwu::domain::customer::Customer;
use fuwu::domain::ids::DedupeKey;
use fuwu::domain::order::{Happening, Order, Payment, Verdict, judge};
use fuwu::domain::pay::Fen;
use fuwu::domain::time::UnixSecs;
use fuwu::domain::value::Values;
use fuwu::store::{Commit, Committed, CustomerRef, Embedded, Keep, Spec, Store};

use crate::gated_store::Gated;
use crate::harness::{MONDAY, key};

const NUMBER: &str = "20260302000000000000000001";

fn who() -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: "oErasedAtOnce00000000000001".into() }
}

async fn keep(store: &dyn Store, change: impl FnOnce(&mut Customer)) {
    let stored = store.load(&who()).await.unwrap();
    let mut customer = stored.customer;
    change(&mut customer);
    let commit = Commit {
        of: who(),
        base: stored.version,
        customer,
        increments: Vec::new(),
        facts: Vec::new(),
        outbox: Vec::new(),
        settled: Vec::new(),
        spent: Vec::new(),
        keep: Keep::Known,
    };
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Applied);
}

/// An order that was agreed to a moment ago; then it is done.
fn orders() -> [Order; 2] {
    let draft = Order {
        number: NUMBER.into(),
        action: "buy_data".into(),
        origin: DedupeKey(7),
        code: "M5G".into(),
        label: "5GB".into(),
        amount: Fen(2_000),
        agreed_at: None,
        moved_at: MONDAY,
        learned: None,
        payment: Payment::ByBusiness,
        business: Default::default(),
        person: None,
        details: Values::new(),
        puts: Default::default(),
        points: 0,
    };
    let told = |order: &Order, happening| match judge(order, &happening, UnixSecs(MONDAY.0 + 1)) {
        Verdict::New { order, .. } => *order,
        other => panic!("{other:?}"),
    };
    let placed = told(&draft, Happening::Agreed);
    let done = told(&placed, Happening::Fulfilled);
    [placed, done]
}

#[actix_web::test]
async fn an_order_placed_while_its_customer_is_being_erased_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store) = Gated::around(Embedded::open(dir.path(), Spec::default(), key()).unwrap());
    let store = Arc::new(store);
    keep(&*store, |_| ()).await;
    let [placed, done] = orders();

    gate.hold_erasing();
    let erasing = actix_web::rt::spawn({
        let store = Arc::clone(&store);
        async move { erase_customer(&*store, &who()).await.unwrap() }
    });
    gate.somebody_waits().await;
    keep(&*store, |customer| customer.orders.put(placed)).await;
    gate.let_erase();
    assert_eq!(erasing.await.unwrap(), Erased::UnderWay(vec![NUMBER.into()]));
    assert_eq!(store.load(&who()).await.unwrap().customer.owed(), [NUMBER.into()]);
    assert!(export_customer(&*store, &who()).await.unwrap().is_some());

    keep(&*store, |customer| customer.orders.put(done)).await;
    assert_eq!(erase_customer(&*store, &who()).await.unwrap(), Erased::Gone);
    assert_eq!(erase_customer(&*store, &who()).await.unwrap(), Erased::Nobody);
    assert_eq!(export_customer(&*store, &who()).await.unwrap(), None);
}

#[actix_web::test]
async fn an_order_that_ends_while_its_customer_is_being_erased_does_not_keep_them() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store) = Gated::around(Embedded::open(dir.path(), Spec::default(), key()).unwrap());
    let store = Arc::new(store);
    let [placed, done] = orders();
    keep(&*store, |customer| customer.orders.put(placed)).await;
    gate.hold_erasing();
    let erasing = actix_web::rt::spawn({
        let store = Arc::clone(&store);
        async move { erase_customer(&*store, &who()).await.unwrap() }
    });
    gate.somebody_waits().await;
    keep(&*store, |customer| customer.orders.put(done)).await;
    gate.let_erase();
    assert_eq!(erasing.await.unwrap(), Erased::Gone);
}
