//! What nobody comes back for: the sweeps ask, settle, postpone and post.

use std::time::Duration;

use common::{Code, OrderId};
use futures::future::join_all;
use stock::{
    domain::{
        item::UNPOSTED_MAX,
        movement::{Cause, Kind},
        reservation::{Reservation, Stage},
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

#[tokio::test]
async fn a_full_list_refuses_more_until_its_movements_can_be_posted() {
    let bench = Bench::with(&[1000]).await;
    let (room, now) = (bench.stockroom(), common::Clock::now(&*bench.clock));
    let mut full = bench.item("a").await;
    let orders: Vec<OrderId> = (full.unposted.len()..UNPOSTED_MAX).map(|_| bench.order()).collect();
    let mut changes = Vec::new();
    for order in &orders {
        let line = stock::domain::reservation::Line {
            item_id: full.id.clone(),
            name: full.details.name.clone(),
            quantity: 1,
            unit_price: full.details.price,
            stripe_price_id: None,
        };
        let intent = Reservation::intent(*order, vec![line], bench.later(), now);
        changes.push(Change::new(Record::Reservation(intent), None));
        full.apply(Kind::Hold, 1, Cause::Order(*order), now).unwrap();
    }
    changes.push(Change::new(Record::Item(full), Some(1)));
    room.save_in_order(changes).await.unwrap();
    // The item's first movement can be posted, which makes room for one; the intents' cannot.
    let stock = bench.another();
    let wanted = || crate::bench::wanted(&[("a", 1)]);
    stock.reserve(bench.order(), wanted(), bench.later()).await.unwrap();
    let fault = bench.another().reserve(bench.order(), wanted(), bench.later()).await;
    assert!(fault.is_ok() || fault.unwrap_err().code() == Code::ResourceExhausted);
    assert!(bench.item("a").await.unposted.len() <= UNPOSTED_MAX);
    bench.assert_sound("full").await;
    for _ in 0..10 {
        bench.sweep().await;
    }
    assert_eq!(bench.item("a").await.unposted, []);
    stock.reserve(bench.order(), wanted(), bench.later()).await.unwrap();
    bench.assert_sound("room again").await;
}
