//! What no event moved is moved by the sweeps.

use std::time::Duration;

use orders::domain::{PaymentState, Status, TicketState};

use crate::{
    histories::ticket,
    peers::{Hold, Op},
    world::World,
};

#[tokio::test]
async fn a_session_that_ended_in_silence_is_asked_for() {
    let world = World::new();
    let life = world.start();
    let (expired, paid) = (life.waiting(&world).await, life.waiting(&world).await);
    world.peers.world.lock().unwrap().payments.get_mut(&expired).unwrap().state = PaymentState::Expired;
    world.peers.pay(paid, 1000);
    life.sweep().await;
    assert_eq!(world.peers.calls(Op::GetPayment), 0, "not before the session's end");
    world.clock.advance(Duration::from_secs(2700 + 31));
    life.sweep().await;
    assert_eq!(life.order(expired).await.body.status, Status::Expired);
    assert_eq!(life.order(paid).await.body.status, Status::Paid);
    world.clock.advance(Duration::from_secs(6));
    life.sweep().await;
    assert_eq!(world.peers.hold(expired), Some(Hold::Released));
    assert_eq!(world.peers.hold(paid), Some(Hold::Held));
}

#[tokio::test]
async fn a_paid_order_without_a_ticket_gets_one_and_its_lost_progress_is_learnt() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    world.clock.advance(Duration::from_secs(29));
    life.sweep().await;
    assert_eq!(world.peers.calls(Op::EnsureTicket), 0);
    world.clock.advance(Duration::from_secs(2));
    life.sweep().await;
    assert_eq!(life.order(id).await.body.ticket, Some(TicketState::Queued));
    world.peers.set_ticket(id, TicketState::PickedUp);
    world.clock.advance(Duration::from_secs(601));
    life.sweep().await;
    let order = life.order(id).await.body;
    assert_eq!(order.status, Status::Completed);
    assert!(order.ticket_started);
    world.clock.advance(Duration::from_secs(86_400));
    let calls = world.peers.calls(Op::EnsureTicket);
    life.sweep().await;
    assert_eq!(world.peers.calls(Op::EnsureTicket), calls, "a completed order is left alone");
}

#[tokio::test]
async fn a_captured_amount_that_nobody_told_is_asked_for() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    world.peers.pay(id, 1000);
    life.merge(&world, id, ticket(TicketState::Rejected)).await;
    let order = life.order(id).await.body;
    assert_eq!((order.status, order.captured), (Status::Refunding, None));
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(31));
        life.sweep().await;
    }
    let order = life.order(id).await.body;
    assert_eq!((order.status, order.returned_minor()), (Status::Refunded, 1000));
}

#[tokio::test]
async fn orders_that_nobody_can_help_do_not_stand_before_those_that_someone_can() {
    let world = World::new();
    let life = world.start();
    let stuck = life.paid(&world).await;
    let cancelled = life.waiting(&world).await;
    world.peers.set_down(Op::EnsureTicket, true);
    world.peers.set_down(Op::Release, true);
    life.app.cancel_order(cancelled, None, None).await.unwrap();
    world.clock.advance(Duration::from_secs(40));
    life.sweep().await;
    let visits = world.peers.calls(Op::EnsureTicket);
    life.sweep().await;
    assert_eq!(world.peers.calls(Op::EnsureTicket), visits, "it was put off");
    world.peers.set_down(Op::EnsureTicket, false);
    world.peers.set_down(Op::Release, false);
    world.clock.advance(Duration::from_secs(31));
    life.sweep().await;
    assert_eq!(life.order(stuck).await.body.ticket, Some(TicketState::Queued));
    assert_eq!(world.peers.hold(cancelled), Some(Hold::Released));
}
