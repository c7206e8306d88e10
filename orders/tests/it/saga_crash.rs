//! A process that dies after any step of the saga loses nothing: the next one's sweep goes on from there.

use std::time::Duration;

use orders::domain::{PaymentState, Status};

use crate::{
    peers::{Gate, Hold, Op, Script},
    shaky_store::Accident,
    world::{World, link_of},
};

/// Starts the saga and lets the process die where `arrange` stops it; answers once the sweep had its turn.
async fn die_and_resume(world: &World, stopped: impl Future<Output = ()>) {
    let life = world.start();
    let draft = world.draft();
    let id = draft.order_id;
    let client = life.place_apart(&draft);
    stopped.await;
    client.abort();
    life.crash();
    let next = world.start();
    next.sweep().await;
    let before = next.order(id).await.body.status;
    world.clock.advance(Duration::from_secs(11));
    next.sweep().await;
    let order = next.until_status(id, Status::WaitingPayment).await;
    assert!(before == Status::Pending || before == Status::WaitingPayment);
    assert_eq!(world.peers.hold(id), Some(Hold::Held));
    assert_eq!(world.peers.payment(id), PaymentState::Open);
    assert_eq!(order.timeline.len(), 2);
    link_of(next.place(&draft).await);
}

#[tokio::test]
async fn a_crash_after_any_peer_answered_is_resumed() {
    for op in [Op::Reserve, Op::CreateCheckout] {
        for held_before in [true, false] {
            let world = World::new();
            let gate = Gate::new();
            let script =
                if held_before { Script::Held(gate.clone()) } else { Script::ReplyHeld(gate.clone()) };
            world.peers.script(op, script);
            die_and_resume(&world, gate.arrived()).await;
        }
    }
}

#[tokio::test]
async fn a_crash_after_any_durable_step_is_resumed() {
    for skip in [0, 1] {
        let world = World::new();
        world.store.arrange(skip, Accident::Frozen);
        let store = world.store.clone();
        die_and_resume(&world, async move { store.frozen().await }).await;
    }
}

#[tokio::test]
async fn a_crash_after_any_step_of_a_cancellation_is_carried_out_by_the_sweep() {
    for op in [Op::ExpireCheckout, Op::Release] {
        let world = World::new();
        let life = world.start();
        let id = life.waiting(&world).await;
        let gate = Gate::new();
        world.peers.script(op, Script::ReplyHeld(gate.clone()));
        life.app.cancel_order(id, None, None).await.unwrap();
        gate.arrived().await;
        life.crash();
        let next = world.start();
        world.clock.advance(Duration::from_secs(6));
        next.sweep().await;
        let order = next.order(id).await.body;
        assert_eq!(order.status, Status::Cancelled);
        assert!(!order.undo.is_open());
        assert_eq!(world.peers.hold(id), Some(Hold::Released));
        assert_eq!(world.peers.payment(id), PaymentState::Expired);
    }
}

#[tokio::test]
async fn a_crash_between_the_kitchens_word_and_the_refund_heals() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    let gate = Gate::new();
    world.peers.script(Op::CancelTicket, Script::ReplyHeld(gate.clone()));
    let app = life.app.clone();
    let client = tokio::spawn(async move { app.cancel_order(id, None, None).await });
    gate.arrived().await;
    client.abort();
    life.crash();
    let next = world.start();
    assert_eq!(next.order(id).await.body.status, Status::Paid);
    // The kitchen's event is lost too: the sweep asks for the ticket and finds it cancelled.
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(31));
        next.sweep().await;
    }
    let order = next.until_status(id, Status::Refunded).await;
    assert_eq!(order.returned_minor(), 1000);
}
