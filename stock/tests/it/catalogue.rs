//! Staff and the seeder: items are put, restocked and filled in within their bounds.

use common::{Code, Currency, Money, MovementId};
use stock::domain::{
    catalogue::{Details, Mode, PutItem},
    restock::RestockItem,
};

use crate::bench::{Bench, item, priced};

#[tokio::test]
async fn a_put_creates_then_changes_and_corrects_the_stock() {
    let bench = Bench::new();
    let created = bench.stock.put_item(item("a", 400, None)).await.unwrap();
    assert!(created.created);
    assert_eq!((created.item.item.available(), created.item.version), (0, 1));
    let changed = bench.stock.put_item(item("a", 500, Some(9))).await.unwrap();
    assert_eq!((changed.created, changed.item.item.available(), changed.item.version), (false, 9, 2));
    let same = bench.stock.put_item(item("a", 500, Some(9))).await.unwrap();
    assert_eq!(same.item.version, 2);
    bench.reserve(bench.order(), &[("a", 5)]).await.unwrap();
    let fault = bench.stock.put_item(item("a", 500, Some(4))).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidTransition);
    bench.stock.put_item(item("a", 500, Some(5))).await.unwrap();
    let counters = bench.counters("a").await;
    assert_eq!((counters.on_hand, counters.held, counters.corrected), (5, 5, 5));
    bench.sweep().await;
    bench.assert_at_rest("corrected").await;
}

#[tokio::test]
async fn values_out_of_bounds_are_refused_by_name() {
    let usd = |cents| Money::new(cents, Currency::USD);
    let details = |name: &str, price| Details {
        name: name.into(),
        price,
        description: Some("x".repeat(501)),
        stripe_price_id: Some(String::new()),
    };
    let fault = PutItem::new("a".parse().unwrap(), details(" ", usd(0)), None, Mode::Put).unwrap_err();
    let pointers: Vec<&str> = fault.violations().iter().map(|v| v.pointer.as_str()).collect();
    assert_eq!(pointers, ["/name", "/price/amount_minor", "/description", "/stripe_price_id"]);
    assert!(priced("a", usd(99_999_999), Some(1_000_000_000)).is_ok());
    assert!(priced("a", usd(100_000_000), None).is_err());
    assert!(priced("a", usd(1), Some(1_000_000_001)).is_err());
    let id = || "mov_00000000000000000000000000000001".parse().unwrap();
    assert!(RestockItem::new("a".parse().unwrap(), id(), 0).is_err());
    assert!(RestockItem::new("a".parse().unwrap(), id(), 1_000_000_001).is_err());
}

#[tokio::test]
async fn a_restock_counts_once_per_id_and_answers_as_it_did_then() {
    let bench = Bench::with(&[3, 3]).await;
    let id: MovementId = bench.ids.mint();
    let restock = |item: &str, quantity| RestockItem::new(item.parse().unwrap(), id, quantity).unwrap();
    let first = bench.stock.restock(restock("a", 4)).await.unwrap();
    assert_eq!((first.replayed, first.item.item.counters.on_hand), (false, 7));
    bench.reserve(bench.order(), &[("a", 6)]).await.unwrap();
    bench.stock.put_item(item("a", 777, None)).await.unwrap();
    let again = bench.stock.restock(restock("a", 4)).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.item.version, again.item.item.available()), (first.item.version, 7));
    assert_eq!(again.item.item.details.price.amount_minor, 400);
    for other in [restock("a", 5), restock("b", 4)] {
        let fault = bench.stock.restock(other).await.unwrap_err();
        assert_eq!(fault.code(), Code::IdempotencyKeyReused);
    }
    let unknown = RestockItem::new("x".parse().unwrap(), bench.ids.mint(), 1).unwrap();
    assert_eq!(bench.stock.restock(unknown).await.unwrap_err().code(), Code::ItemNotFound);
    assert_eq!(bench.counts("a").await, (7, 6, 0));
    bench.assert_sound("restocked").await;
}

#[tokio::test]
async fn items_of_two_currencies_are_not_sold_together() {
    let bench = Bench::with(&[3]).await;
    let euro = priced("b", Money::new(100, "eur".parse().unwrap()), Some(3)).unwrap();
    bench.stock.put_item(euro).await.unwrap();
    let fault = bench.reserve(bench.order(), &[("a", 1), ("b", 1)]).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidRequest);
}

#[tokio::test]
async fn the_seeder_adds_what_is_missing_and_changes_nothing() {
    let bench = Bench::new();
    bench.stock.put_item(item("2", 1, Some(77))).await.unwrap();
    assert_eq!(bench.stock.seed().await.unwrap(), 19);
    assert_eq!(bench.another().seed().await.unwrap(), 0);
    let menu = bench.stock.items().await.unwrap();
    assert_eq!(menu.len(), 20);
    let of = |id: &str| menu.iter().find(|i| i.body.id.as_str() == id).unwrap().body.clone();
    let shown = |id: &str| {
        let item = of(id);
        (item.details.name.clone(), item.details.price.amount_minor, item.available())
    };
    assert_eq!(shown("1"), ("Cheese".into(), 400, 20));
    assert_eq!(shown("2"), ("Item 2".into(), 1, 77));
    assert_eq!(shown("123"), ("House burger".into(), 900, 1000));
    bench.sweep().await;
    bench.assert_at_rest("seeded").await;
}
