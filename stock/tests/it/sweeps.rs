//! What nobody comes back for: the sweeps ask, settle, postpone and post.

use std::time::Duration;

use common::{Code, OrderId};
use futures::future::join_all;
use stock::{
    domain::{
        item::UNPOSTED_MAX,
        movement::{Cause, Kind},
        reservation::{Line, Reservation, Stage},
        standing::Standing,
    },
    ports::{Change, Record},
};

use crate::bench::Bench;

async fn stage(bench: &Bench, order: OrderId) -> Stage {
    bench.stockroom().reservations(&[order]).await.unwrap().remove(0).unwrap().body.stage
}

#[tokio::test]
async fn a_due_hold_ends_as_its_order_stands() {
    let cases = [
        (Standing::Unknown, Stage::Released),
        (Standing::Off, Stage::Released),
        (Standing::Refunded { ticket_started: false }, Stage::Released),
        (Standing::Refunded { ticket_started: true }, Stage::Committed),
        (Standing::Bought, Stage::Committed),
        (Standing::Open, Stage::Held),
    ];
    for (standing, expected) in cases {
        let bench = Bench::with(&[5]).await;
        let order = bench.order();
        bench.orders.say(order, standing);
        bench.reserve(order, &[("a", 2)]).await.unwrap();
        assert_eq!(bench.stock.settle_due().await.unwrap(), 0, "not due yet");
        bench.clock.advance(Duration::from_secs(3601));
        assert_eq!(bench.stock.settle_due().await.unwrap(), 1);
        assert_eq!(stage(&bench, order).await, expected, "{standing:?}");
        // Undecided ones are not asked about at once again.
        assert_eq!(bench.stock.settle_due().await.unwrap(), 0);
        bench.assert_sound("due").await;
    }
}

#[tokio::test]
async fn a_hold_stays_while_orders_is_away_and_is_asked_about_again() {
    let bench = Bench::with(&[5]).await;
    let order = bench.order();
    bench.orders.say(order, Standing::Off);
    bench.reserve(order, &[("a", 2)]).await.unwrap();
    *bench.orders.away.lock().unwrap() = true;
    bench.clock.advance(Duration::from_secs(3601));
    bench.stock.settle_due().await.unwrap();
    assert_eq!(bench.counts("a").await, (5, 2, 0));
    *bench.orders.away.lock().unwrap() = false;
    bench.sweep().await;
    assert_eq!(bench.counts("a").await, (5, 0, 0));
}

#[tokio::test]
async fn an_idle_item_forgets_its_movements_once_the_ledger_has_them() {
    let bench = Bench::with(&[500]).await;
    let orders: Vec<OrderId> = (0..100).map(|_| bench.order()).collect();
    join_all(orders.iter().map(|order| bench.reserve(*order, &[("a", 1)]))).await;
    join_all(orders.iter().map(|order| bench.stock.commit(*order))).await;
    assert!(!bench.item("a").await.unposted.is_empty());
    assert_eq!(bench.stock.post_movements().await.unwrap(), 0, "a busy item is left alone");
    bench.sweep().await;
    assert_eq!(bench.item("a").await.unposted, []);
    assert_eq!(bench.counts("a").await, (400, 0, 100));
    bench.assert_at_rest("posted").await;
}

/// Fills the list of `a` with holds whose reservations stopped at this stage.
async fn fill(bench: &Bench, at: Stage) -> Vec<OrderId> {
    bench.sweep().await;
    let now = common::Clock::now(&*bench.clock);
    let found = bench.stockroom().items(&["a".parse().unwrap()]).await.unwrap().remove(0).unwrap();
    let mut full = found.body;
    let orders: Vec<OrderId> = (0..UNPOSTED_MAX).map(|_| bench.order()).collect();
    let mut changes = Vec::new();
    for order in &orders {
        let line = Line {
            item_id: full.id.clone(),
            name: full.details.name.clone(),
            quantity: 1,
            unit_price: full.details.price,
            stripe_price_id: None,
        };
        let intent = Reservation::intent(*order, vec![line], bench.later(), now);
        let stopped = Reservation { stage: at, ..intent };
        changes.push(Change::new(Record::Reservation(stopped), None));
        full.apply(Kind::Hold, 1, Cause::Order(*order), now).unwrap();
    }
    changes.push(Change::new(Record::Item(full), Some(found.version)));
    bench.stockroom().save_in_order(changes).await.unwrap();
    orders
}

#[tokio::test]
async fn a_full_list_refuses_new_holds_until_what_has_begun_has_ended() {
    let ends = [(Stage::Holding, 1000 - 256), (Stage::Releasing { was_held: false }, 1000)];
    for (at, available) in ends {
        let mut bench = Bench::with(&[1000]).await;
        fill(&bench, at).await;
        bench.restart();
        let fault = bench.reserve(bench.order(), &[("a", 1)]).await.unwrap_err();
        assert_eq!((fault.code(), fault.retry_after().is_some()), (Code::ResourceExhausted, true), "{at:?}");
        bench.assert_sound("full").await;
        for _ in 0..3 {
            bench.sweep().await;
        }
        assert_eq!(bench.item("a").await.unposted, []);
        assert_eq!(bench.counters("a").await.available(), available, "{at:?}");
        bench.reserve(bench.order(), &[("a", 1)]).await.unwrap();
        bench.sweep().await;
        bench.assert_at_rest("room again").await;
    }
}
