//! Refunds: reserved by the decision, tried again when they fail, never more than was captured.

use std::time::Duration;

use common::{Code, RefundId};
use orders::domain::{RefundAsk, Status, TicketState};

use crate::{
    histories::{ticket, usd},
    peers::{Hold, Op},
    world::World,
};

fn ask(world: &World, minor: Option<i64>) -> RefundAsk {
    RefundAsk { id: world.ids().mint::<RefundId>(), amount: minor.map(usd), reason: Some("cold".into()) }
}

#[tokio::test]
async fn a_partial_refund_leaves_the_state_and_its_repeat_tells_what_was_told() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    let part = ask(&world, Some(300));
    let first = life.app.refund_order(id, part.clone()).await.unwrap();
    assert_eq!((first.order.body.status, first.replayed), (Status::Paid, false));
    life.until(id, |order| order.returned_minor() == 300).await;
    life.app.refund_order(id, ask(&world, None)).await.unwrap();
    life.until_status(id, Status::Refunded).await;
    let again = life.app.refund_order(id, part.clone()).await.unwrap();
    assert!(again.replayed);
    assert_eq!(
        (again.order.body.status, again.order.version, again.order.body.refunded_total()),
        (first.order.body.status, first.order.version, None)
    );
    let other = RefundAsk { amount: Some(usd(301)), ..part };
    assert_eq!(life.app.refund_order(id, other).await.unwrap_err().code(), Code::IdempotencyKeyReused);
    let nothing = life.app.refund_order(id, ask(&world, None)).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidTransition);
}

#[tokio::test]
async fn an_unpaid_order_is_not_refunded_and_no_more_than_was_paid_is() {
    let world = World::new();
    let life = world.start();
    let unpaid = life.waiting(&world).await;
    let early = life.app.refund_order(unpaid, ask(&world, None)).await.unwrap_err();
    assert_eq!(early.code(), Code::InvalidTransition);
    let id = life.paid(&world).await;
    for minor in [0, -1, 1001] {
        let wrong = life.app.refund_order(id, ask(&world, Some(minor))).await.unwrap_err();
        assert_eq!(wrong.code(), Code::InvalidRequest, "{minor}");
    }
}

#[tokio::test]
async fn ten_refunds_at_once_never_promise_more_than_was_captured() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    let asks = (0..10).map(|_| {
        let (app, ask) = (life.app.clone(), ask(&world, Some(300)));
        tokio::spawn(async move { app.refund_order(id, ask).await })
    });
    let answers = futures::future::join_all(asks.collect::<Vec<_>>()).await;
    let made = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
    assert!((1..=3).contains(&made), "{made}");
    let order = life.until(id, |order| order.open_refunds().next().is_none()).await;
    assert_eq!(order.returned_minor(), 300 * i64::try_from(made).unwrap());
}

#[tokio::test]
async fn a_full_refund_of_a_queued_ticket_cancels_it_before_the_stock_comes_back() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    world.peers.set_ticket(id, TicketState::Queued);
    world.peers.set_down(Op::CancelTicket, true);
    let answer = life.app.refund_order(id, ask(&world, None)).await.unwrap();
    assert_eq!(answer.order.body.status, Status::Refunding);
    assert!(answer.order.body.may_have_started(), "nobody knows yet whether it is being cooked");
    life.until_status(id, Status::Refunded).await;
    assert_eq!(world.peers.hold(id), Some(Hold::Held));
    world.peers.set_down(Op::CancelTicket, false);
    world.clock.advance(Duration::from_secs(31));
    life.sweep().await;
    let order = life.order(id).await.body;
    assert!(!order.undo.is_open() && !order.may_have_started());
    assert_eq!(world.peers.hold(id), Some(Hold::Released));
}

#[tokio::test]
async fn a_failed_refund_is_an_alert_and_a_new_attempt_until_it_succeeds() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    world.peers.world.lock().unwrap().failing_attempts = 2;
    life.merge(&world, id, ticket(TicketState::Rejected)).await;
    assert_eq!(life.order(id).await.body.status, Status::Refunding);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(300));
        life.sweep().await;
    }
    let order = life.until_status(id, Status::Refunded).await;
    assert_eq!((order.returned_minor(), order.refunds[0].attempt), (1000, 3));
    assert_eq!(*world.alerts.refunds.lock().unwrap(), [1, 2]);
}
