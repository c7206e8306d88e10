//! Closing a checkout: early, late, beside a creation or a payment, and with the provider away.

use std::time::Duration;

use common::{Code, OrderId};
use payments::domain::{SessionStatus, State};

use crate::{bench::Bench, fake_processor::Strike};

#[tokio::test]
async fn an_undo_that_comes_first_leaves_a_tombstone_that_stops_the_creation() {
    let bench = Bench::new();
    let order = bench.order();
    for _ in 0..2 {
        let kept = bench.cashier.expire_checkout(order.order_id).await.unwrap();
        assert_eq!(kept.value.state, State::Expired);
    }
    let fault = bench.cashier.create_checkout(order.clone()).await.unwrap_err();
    assert_eq!(fault.code(), Code::AlreadyClosed);
    assert!(bench.provider.calls().is_empty());
    assert!(bench.told().await.is_empty());
}

#[tokio::test]
async fn a_cancel_during_a_creation_expires_the_session_once_its_reply_is_there() {
    for strike in [Strike::LostBefore, Strike::LostAfter, Strike::SpentBefore, Strike::SpentAfter] {
        let bench = Bench::new();
        // The first reply, and every answer about it, stays away until the order is cancelled.
        bench.provider.script(&[strike, Strike::LostBefore]);
        let order = bench.order();
        bench.cashier.create_checkout(order.clone()).await.unwrap_err();
        bench.cashier.expire_checkout(order.order_id).await.unwrap();
        bench.provider.script(&[]);
        bench.sweep_for(Duration::from_secs(60)).await;
        assert_eq!(bench.state(order.order_id).await, State::Expired, "{strike:?}");
        let open = bench.provider.sessions().iter().filter(|s| s.status == SessionStatus::Open).count();
        assert_eq!(open, 0, "{strike:?}");
        let fault = bench.cashier.create_checkout(order).await.unwrap_err();
        assert_eq!(fault.code(), Code::AlreadyClosed);
    }
}

#[tokio::test]
async fn a_cancel_beside_a_creation_leaves_no_open_session() {
    for _ in 0..20 {
        let bench = Bench::new();
        let order = bench.order();
        let (created, closed) = tokio::join!(
            bench.cashier.create_checkout(order.clone()),
            bench.cashier.expire_checkout(order.order_id)
        );
        closed.unwrap();
        drop(created);
        bench.sweep_for(Duration::from_secs(60)).await;
        assert_eq!(bench.state(order.order_id).await, State::Expired);
        assert!(bench.provider.sessions().iter().all(|s| s.status == SessionStatus::Expired));
    }
}

#[tokio::test]
async fn closing_outlives_a_provider_that_is_away() {
    let bench = Bench::new();
    let order = bench.open().await;
    bench.provider.script(&[Strike::LostBefore, Strike::LostAfter, Strike::LostBefore]);
    bench.cashier.expire_checkout(order).await.unwrap_err();
    bench.sweep_for(Duration::from_secs(300)).await;
    assert_eq!(bench.state(order).await, State::Expired);
    assert_eq!(bench.told().await, ["payment.expired"]);
    assert_eq!(bench.verify().await.in_flight, [""; 0]);
}

#[tokio::test]
async fn a_payment_that_beats_its_expiry_is_told_as_a_success() {
    let bench = Bench::new();
    let order = bench.open().await;
    let event = bench.turn(order, SessionStatus::Paid).await;
    let kept = bench.cashier.expire_checkout(order).await.unwrap();
    assert_eq!(kept.value.state, State::Succeeded, "the provider's state was read and applied");
    bench.deliver(&event).await.unwrap();
    assert_eq!(bench.told().await, ["payment.succeeded"]);
}

#[tokio::test]
async fn a_success_after_the_end_of_its_order_is_told_all_the_same() {
    let bench = Bench::new();
    let order = bench.open().await;
    bench.turn(order, SessionStatus::Processing).await;
    let kept = bench.cashier.expire_checkout(order).await.unwrap();
    assert_eq!(kept.value.state, State::Processing);
    let event = bench.turn(order, SessionStatus::Paid).await;
    bench.deliver(&event).await.unwrap();
    assert_eq!(bench.told().await, ["payment.processing", "payment.succeeded"]);
    assert!(bench.payment(order).await.close_requested);
}

#[tokio::test]
async fn a_session_that_falls_silent_is_asked_after() {
    let bench = Bench::new();
    let order = bench.open().await;
    bench.turn(order, SessionStatus::Expired).await;
    bench.clock.advance(crate::bench::TTL);
    bench.sweep().await;
    assert_eq!(bench.state(order).await, State::Open, "not before its expiry and a minute");
    bench.clock.advance(Duration::from_secs(61));
    bench.provider.script(&[Strike::LostBefore]);
    bench.sweep().await;
    bench.sweep().await;
    assert_eq!(asked(&bench), 1, "then with a pause");
    bench.sweep_for(Duration::from_secs(180)).await;
    assert_eq!((asked(&bench), bench.state(order).await), (2, State::Expired));
}

fn asked(bench: &Bench) -> usize {
    bench.provider.calls().iter().filter(|call| call.starts_with("retrieve")).count()
}

#[tokio::test]
async fn nothing_is_known_of_an_order_that_never_asked() {
    let bench = Bench::new();
    let stranger: OrderId = bench.ids.mint();
    assert_eq!(bench.cashier.get_payment(stranger).await.unwrap_err().code(), Code::PaymentNotFound);
}
