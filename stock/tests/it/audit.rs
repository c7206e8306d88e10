//! The audit sees what it is there for.

use common::Timestamp;
use stock::{
    domain::{
        item::Item,
        movement::{Cause, Entry, Kind, Movement},
        reservation::Stage,
    },
    ports::{Change, Record, Versioned},
};

use crate::bench::Bench;

/// Lines of the audit after somebody has tampered with the records.
async fn after(tamper: impl AsyncFnOnce(&Bench) -> Change) -> Vec<String> {
    let bench = Bench::with(&[5]).await;
    let order = bench.order();
    bench.reserve(order, &[("a", 2)]).await.unwrap();
    bench.assert_sound("before").await;
    let change = tamper(&bench).await;
    bench.stockroom().save_in_order(vec![change]).await.unwrap();
    bench.verify().await.violations
}

async fn item(bench: &Bench) -> Versioned<Item> {
    bench.stockroom().items(&["a".parse().unwrap()]).await.unwrap().remove(0).unwrap()
}

async fn with_item(bench: &Bench, change: impl FnOnce(&mut Item)) -> Change {
    let mut found = item(bench).await;
    change(&mut found.body);
    Change::new(Record::Item(found.body), Some(found.version))
}

fn assert_says(violations: &[String], what: &str) {
    assert!(violations.iter().any(|line| line.contains(what)), "{what}: {violations:?}");
}

#[tokio::test]
async fn counters_that_differ_from_their_movements_are_reported() {
    let lines = after(async |bench| with_item(bench, |item| item.counters.held = 1).await).await;
    assert_says(&lines, "its movements");
    let lines = after(async |bench| with_item(bench, |item| item.counters.committed = 1).await).await;
    assert_says(&lines, "contradict each other");
}

#[tokio::test]
async fn movements_that_are_missing_or_without_cause_are_reported() {
    let lines = after(async |bench| with_item(bench, |item| item.seq = 9).await).await;
    assert_says(&lines, "are not 1 to 9");
    let stranger = async |bench: &Bench| {
        let (order, now) = (bench.order(), Timestamp::from_secs(1));
        with_item(bench, |item| item.apply(Kind::Hold, 1, Cause::Order(order), now).unwrap()).await
    };
    assert_says(&after(stranger).await, "which has no reservation");
    let gift = async |bench: &Bench| {
        let (id, now) = (bench.ids.mint(), Timestamp::from_secs(1));
        with_item(bench, |item| item.apply(Kind::Restock, 1, Cause::Restock(id), now).unwrap()).await
    };
    assert_says(&after(gift).await, "nobody asked for");
    let nowhere = async |bench: &Bench| {
        let cause = Cause::Order(bench.order());
        let movement = Movement { seq: 1, kind: Kind::Hold, quantity: 1, cause, at: Timestamp::from_secs(1) };
        Change::new(Record::Entry(Entry { item_id: "x".parse().unwrap(), movement }), None)
    };
    assert_says(&after(nowhere).await, "which is no item");
}

#[tokio::test]
async fn a_reservation_whose_items_did_not_move_is_reported() {
    let lines = after(async |bench| {
        let newest = item(bench).await.body.unposted.pop().unwrap();
        let Cause::Order(order) = newest.cause else { panic!("the newest movement is the hold") };
        let mut found = bench.stockroom().reservations(&[order]).await.unwrap().remove(0).unwrap();
        found.body.stage = Stage::Committed;
        Change::new(Record::Reservation(found.body), Some(found.version))
    })
    .await;
    assert_says(&lines, "is Committed but moved");
}
