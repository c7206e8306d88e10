//! Cancelling: at once while unpaid, by the kitchen's word once paid, and against steps that are under way.

use common::Code;
use orders::domain::{Fact, PaymentState, Status, TicketState};

use crate::{
    histories::ticket,
    peers::{Gate, Hold, Op, Script},
    world::{World, customer},
};

#[tokio::test]
async fn a_cancel_against_a_step_under_way_leaves_neither_hold_nor_session() {
    for op in [Op::Reserve, Op::CreateCheckout] {
        for held_before in [true, false] {
            let world = World::new();
            let life = world.start();
            let gate = Gate::new();
            let script =
                if held_before { Script::Held(gate.clone()) } else { Script::ReplyHeld(gate.clone()) };
            world.peers.script(op, script);
            let draft = world.draft();
            let client = life.place_apart(&draft);
            gate.arrived().await;
            let cancelled = life.app.cancel_order(draft.order_id, Some(&customer("2")), None).await.unwrap();
            assert_eq!(cancelled.body.status, Status::Cancelled);
            life.until(draft.order_id, |order| !order.undo.is_open()).await;
            // The delayed step arrives after its undo and finds the tombstone.
            gate.open();
            client.await.unwrap().unwrap();
            assert_eq!(world.peers.hold(draft.order_id), Some(Hold::Released), "{op:?} {held_before}");
            assert_eq!(world.peers.payment(draft.order_id), PaymentState::Expired, "{op:?} {held_before}");
            assert_eq!(life.order(draft.order_id).await.body.status, Status::Cancelled);
        }
    }
}

#[tokio::test]
async fn a_paid_order_is_cancelled_by_the_kitchens_word_and_refunded() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    world.peers.set_ticket(id, TicketState::Queued);
    let answer = life.app.cancel_order(id, Some(&customer("2")), None).await.unwrap();
    assert_eq!(answer.body.status, Status::Refunding);
    let order = life.until(id, |order| order.status == Status::Refunded && !order.undo.is_open()).await;
    assert_eq!(order.returned_minor(), 1000);
    assert_eq!(world.peers.hold(id), Some(Hold::Released));
    life.merge(&world, id, ticket(TicketState::Cancelled)).await;
    let again = life.app.cancel_order(id, Some(&customer("2")), None).await.unwrap();
    assert_eq!(again.body.status, Status::Refunded);
}

#[tokio::test]
async fn a_started_ticket_and_a_silent_kitchen_are_told_apart() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    world.peers.set_down(Op::CancelTicket, true);
    let silent = life.app.cancel_order(id, None, None).await.unwrap_err();
    assert_eq!(silent.code(), Code::Unavailable);
    world.peers.set_down(Op::CancelTicket, false);
    world.peers.set_ticket(id, TicketState::Preparing);
    let started = life.app.cancel_order(id, None, None).await.unwrap_err();
    assert_eq!(started.code(), Code::OrderNotCancellable);
    assert_eq!(life.order(id).await.body.status, Status::Paid);
    life.merge(&world, id, ticket(TicketState::Preparing)).await;
    let late = life.app.cancel_order(id, None, None).await.unwrap_err();
    assert_eq!(late.code(), Code::OrderNotCancellable);
}

#[tokio::test]
async fn a_payment_that_wins_the_race_against_a_cancel_is_paid_back() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    world.peers.pay(id, 1000);
    life.app.cancel_order(id, Some(&customer("2")), None).await.unwrap();
    // The undo finds the payment; its event may be lost for good.
    life.until_status(id, Status::Refunding).await;
    world.clock.advance(std::time::Duration::from_secs(31));
    life.sweep().await;
    let order = life.until_status(id, Status::Refunded).await;
    assert_eq!(order.returned_minor(), 1000);
    let again = life.app.cancel_order(id, Some(&customer("2")), None).await.unwrap();
    assert_eq!(again.body.status, Status::Refunded);
}

#[tokio::test]
async fn nobody_cancels_another_customers_order_or_one_that_expired() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    let foreign = life.app.cancel_order(id, Some(&customer("3")), None).await.unwrap_err();
    assert_eq!(foreign.code(), Code::OrderNotFound);
    life.merge(&world, id, Fact::Payment { state: PaymentState::Expired, captured: None }).await;
    let expired = life.app.cancel_order(id, Some(&customer("2")), None).await.unwrap_err();
    assert_eq!(expired.code(), Code::OrderNotCancellable);
}
