//! The saga: what it costs, what may fail, who may drive it, and what a caller sees of it.

use std::{sync::atomic::Ordering, time::Duration};

use orders::{
    app::Placed,
    domain::{PaymentState, Refusal, Status},
};

use crate::{
    histories::assert_whole,
    peers::{Gate, Hold, Op, Script},
    shaky_store::Accident,
    world::{World, link_of},
};

#[tokio::test]
async fn an_order_gets_its_link_after_two_durable_waits() {
    let world = World::new();
    let life = world.start();
    let draft = world.draft();
    let link = link_of(life.place_with(&draft, "key").await);
    assert_eq!(world.store.saves(), 2);
    let order = life.order(draft.order_id).await;
    assert_eq!((order.body.status, order.version), (Status::WaitingPayment, 2));
    assert_eq!(order.body.total, Some(crate::histories::usd(1000)));
    assert_eq!(order.body.checkout.unwrap().link, link);
    assert_eq!(world.events().await, ["order.created", "order.waiting_payment"]);
}

#[tokio::test]
async fn each_step_may_fail_once_before_or_after_it_took_effect() {
    for op in [Op::Reserve, Op::CreateCheckout] {
        for script in [Script::Lost, Script::ReplyLost] {
            let world = World::new();
            let life = world.start();
            world.peers.script(op, script);
            let draft = world.draft();
            link_of(life.place(&draft).await);
            assert_eq!(world.peers.hold(draft.order_id), Some(Hold::Held));
            assert_eq!(world.peers.payment(draft.order_id), PaymentState::Open);
        }
    }
    for accident in [Accident::Refused, Accident::ReplyLost] {
        let world = World::new();
        let life = world.start();
        world.store.arrange(1, accident);
        let draft = world.draft();
        link_of(life.place(&draft).await);
        assert_whole(&life.order(draft.order_id).await.body);
    }
}

#[tokio::test]
async fn every_step_may_run_twice() {
    let world = World::new();
    world.peers.twice.store(true, Ordering::SeqCst);
    let life = world.start();
    let draft = world.draft();
    link_of(life.place(&draft).await);
    life.app.cancel_order(draft.order_id, None, None).await.unwrap();
    let order = life.until(draft.order_id, |order| !order.undo.is_open()).await;
    assert_eq!(order.status, Status::Cancelled);
    assert_eq!(world.peers.hold(draft.order_id), Some(Hold::Released));
    assert_eq!(world.peers.payment(draft.order_id), PaymentState::Expired);
}

fn refusal_of(answer: Result<Placed, common::Fault>) -> (Refusal, bool) {
    match answer {
        Ok(Placed::Refused { refusal, replayed }) => (refusal, replayed),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_placed_is_cancelled_undone_and_answered_alike_to_its_key() {
    type Arrange = fn(&mut crate::peers::World);
    let cases: [(Arrange, &str); 3] = [
        (|world| world.short = true, "insufficient_stock"),
        (|world| world.unknown = vec!["1".parse().unwrap()], "unknown_item"),
        (|world| world.rejects = true, "payment_rejected"),
    ];
    for (arrange, cause) in cases {
        let world = World::new();
        let life = world.start();
        arrange(&mut world.peers.world.lock().unwrap());
        let draft = world.draft();
        let (first, replayed) = refusal_of(life.place_with(&draft, "key").await);
        assert_eq!((first.cause(), replayed), (cause, false));
        let order = life.until(draft.order_id, |order| !order.undo.is_open()).await;
        assert_eq!((order.status, order.cause.as_deref()), (Status::Cancelled, Some(cause)));
        assert_eq!(world.peers.hold(draft.order_id), Some(Hold::Released));
        assert_ne!(world.peers.payment(draft.order_id), PaymentState::Open);
        let again = refusal_of(life.place_with(&world.draft(), "key").await);
        assert_eq!(again, (first, true));
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_at_any_step_cuts_nothing() {
    for op in [Op::Reserve, Op::CreateCheckout] {
        let world = World::new();
        let life = world.start();
        let gate = Gate::new();
        world.peers.script(op, Script::Held(gate.clone()));
        let draft = world.draft();
        let client = life.place_apart(&draft);
        gate.arrived().await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        gate.open();
        life.until_status(draft.order_id, Status::WaitingPayment).await;
    }
}

#[tokio::test]
async fn a_slow_peer_makes_the_answer_early_and_the_replay_tells_the_rest() {
    let world = World::new();
    let life = world.start();
    let gate = Gate::new();
    world.peers.script(Op::CreateCheckout, Script::ReplyHeld(gate.clone()));
    let draft = world.draft();
    let hurry = Duration::from_millis(250);
    let key = Some("key".parse().unwrap());
    let answer = life.within(hurry, life.app.place_order(draft.clone(), key)).await.unwrap();
    let Placed::Order { order, link_ready: false, replayed: false } = answer else {
        panic!("the answer should be early: {answer:?}")
    };
    assert_eq!((order.body.status, order.version), (Status::Pending, 1));
    gate.open();
    life.until_status(draft.order_id, Status::WaitingPayment).await;
    link_of(life.place_with(&world.draft(), "key").await);
}

#[tokio::test]
async fn two_drivers_of_one_saga_make_one_hold_and_one_link() {
    let world = World::new();
    let (first, second) = (world.start(), world.start());
    let gate = Gate::new();
    world.peers.script(Op::CreateCheckout, Script::ReplyHeld(gate.clone()));
    let draft = world.draft();
    let client = first.place_apart(&draft);
    gate.arrived().await;
    // The first driver is frozen beyond its lease, so the second takes over and gets through.
    world.clock.advance(Duration::from_secs(11));
    second.sweep().await;
    let linked = second.until_status(draft.order_id, Status::WaitingPayment).await;
    gate.open();
    link_of(client.await.unwrap());
    let after = first.order(draft.order_id).await;
    assert_eq!(after.body.timeline, linked.timeline);
    assert_eq!(world.events().await, ["order.created", "order.waiting_payment"]);
}

#[tokio::test]
async fn a_saga_that_gets_nowhere_for_ten_minutes_is_cancelled_first_and_undone_after() {
    let world = World::new();
    let life = world.start();
    world.peers.set_down(Op::CreateCheckout, true);
    world.peers.set_down(Op::ExpireCheckout, true);
    let draft = world.draft();
    let hurry = Duration::from_millis(100);
    let answer = life.within(hurry, life.app.place_order(draft.clone(), None)).await.unwrap();
    assert!(matches!(answer, Placed::Order { link_ready: false, .. }));
    life.crash();
    world.clock.advance(Duration::from_secs(601));
    let life = world.start();
    life.sweep().await;
    let order = life.until(draft.order_id, |order| !order.undo.stock).await;
    assert_eq!((order.status, order.cause.as_deref()), (Status::Cancelled, Some("gave_up")));
    assert!(order.undo.checkout, "the checkout cannot be confirmed while payments is down");
    assert_eq!(world.peers.hold(draft.order_id), Some(Hold::Released));
    world.peers.set_down(Op::ExpireCheckout, false);
    world.clock.advance(Duration::from_secs(31));
    life.sweep().await;
    assert!(!life.order(draft.order_id).await.body.undo.is_open());
    assert_eq!(world.peers.payment(draft.order_id), PaymentState::Expired);
    assert_eq!(*world.alerts.sagas.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_saga_whose_lease_ends_is_parked_and_the_sweep_takes_it_up_again() {
    let world = World::new();
    let life = world.start();
    world.peers.set_down(Op::Reserve, true);
    let draft = world.draft();
    let hurry = Duration::from_millis(100);
    let _ = life.within(hurry, life.app.place_order(draft.clone(), None)).await.unwrap();
    let parked = |order: &orders::domain::Order| order.driver.as_ref().is_some_and(|d| d.owner.is_none());
    let order = life.until(draft.order_id, parked).await;
    assert!(order.driver.unwrap().attempts > 3);
    // Another process's sweep: this one may still be leaving its seat.
    let life = world.start();
    world.peers.set_down(Op::Reserve, false);
    world.clock.advance(Duration::from_secs(10));
    life.sweep().await;
    life.until_status(draft.order_id, Status::WaitingPayment).await;
}
