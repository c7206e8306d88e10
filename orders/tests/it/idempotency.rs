//! One key, one order: concurrently, across restarts, and whatever else comes with it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use common::{Code, Fault, OrderId};
use orders::{
    app::{Placed, SweepClaims},
    domain::{Actor, Fact, PaymentState, Status},
    ports::Filter,
};

use crate::{
    peers::{Gate, Op, Script},
    shaky_store::Accident,
    world::{DEADLINE, Life, World, customer, link_of},
};

async fn orders_of(life: &Life) -> Vec<OrderId> {
    let everything = Filter { customer: None, status: None };
    let page = life.app.list_orders(&everything, common::Limit::default(), None).await.unwrap();
    page.entries.iter().map(|stored| stored.body.id).collect()
}

fn id_of(answer: &Result<Placed, Fault>) -> OrderId {
    match answer {
        Ok(Placed::Order { order, .. }) => order.body.id,
        other => panic!("there is no order: {other:?}"),
    }
}

#[tokio::test]
async fn fifty_calls_with_one_key_make_one_order() {
    let world = World::new();
    let life = world.start();
    let calls = (0..50).map(|_| {
        let draft = world.draft();
        let call = life.place_with_owned(draft, "key");
        tokio::spawn(call)
    });
    let answers = futures::future::join_all(calls.collect::<Vec<_>>()).await;
    let mut ids = HashSet::new();
    for answer in answers {
        match answer.unwrap() {
            Err(fault) => assert_eq!(fault.code(), Code::IdempotencyInFlight, "{fault}"),
            answer => drop(ids.insert(id_of(&answer))),
        }
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(orders_of(&life).await, Vec::from_iter(ids));
}

#[tokio::test]
async fn the_same_hop_again_waits_for_the_first_try_and_is_no_replay() {
    for key in [None, Some("key")] {
        let world = World::new();
        let life = world.start();
        let gate = Gate::new();
        world.peers.script(Op::Reserve, Script::Held(gate.clone()));
        let draft = world.draft();
        let place = || {
            let (app, draft) = (Arc::clone(&life.app), draft.clone());
            let key = key.map(|key| key.parse().unwrap());
            tokio::spawn(async move { app.place_order(draft, key).await })
        };
        let first = place();
        gate.arrived().await;
        let second = place();
        gate.open();
        for call in [first, second] {
            let answer = call.await.unwrap().unwrap();
            assert!(matches!(answer, Placed::Order { link_ready: true, replayed: false, .. }), "{answer:?}");
        }
        assert_eq!(world.peers.calls(Op::Reserve), 1);
    }
}

#[tokio::test]
async fn a_replay_tells_what_was_told_whatever_became_of_the_order_also_after_a_restart() {
    let world = World::new();
    let life = world.start();
    let draft = world.draft();
    let first = life.place_with(&draft, "key").await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    life.merge(&world, draft.order_id, crate::histories::succeeded()).await;
    life.crash();
    let life = world.start();
    let again = life.place_with(&world.draft(), "key").await.unwrap();
    let (
        Placed::Order { order: told, .. },
        Placed::Order { order: replayed, replayed: true, link_ready: true },
    ) = (first, again)
    else {
        panic!("not a replay")
    };
    assert_eq!(replayed.body.status, Status::WaitingPayment);
    assert_eq!((replayed.version, replayed.body.updated_at), (told.version, told.body.updated_at));
    assert_eq!(replayed.body.checkout, told.body.checkout);
}

#[tokio::test]
async fn a_key_that_comes_with_another_order_is_refused_and_another_customers_is_not() {
    let world = World::new();
    let life = world.start();
    link_of(life.place_with(&world.draft(), "key").await);
    let other = world.draft_of(&[("1", 3)]);
    let fault = life.place_with(&other, "key").await.unwrap_err();
    assert_eq!(fault.code(), Code::IdempotencyKeyReused);
    let mut theirs = world.draft();
    theirs.customer_id = customer("3");
    link_of(life.place_with(&theirs, "key").await);
    let mut stolen = world.draft_of(&[("1", 3)]);
    stolen.order_id = theirs.order_id;
    assert_eq!(life.place(&stolen).await.unwrap_err().code(), Code::IdempotencyKeyReused);
}

#[tokio::test]
async fn a_first_try_under_way_is_reported_until_its_lease_ends_and_then_taken_over() {
    let world = World::new();
    let life = world.start();
    let gate = Gate::new();
    world.peers.script(Op::Reserve, Script::Held(gate.clone()));
    let draft = world.draft();
    let first = tokio::spawn(life.place_with_owned(draft.clone(), "key"));
    gate.arrived().await;
    let fault = life.place_with(&world.draft(), "key").await.unwrap_err();
    assert_eq!(fault.code(), Code::IdempotencyInFlight);
    assert!(fault.retry_after().unwrap() <= Duration::from_secs(10), "{:?}", fault.retry_after());
    first.abort();
    life.crash();
    world.clock.advance(Duration::from_secs(11));
    let life = world.start();
    let answer = life.place_with(&world.draft(), "key").await;
    assert_eq!(id_of(&answer), draft.order_id);
    link_of(answer);
}

#[tokio::test]
async fn a_claim_whose_order_was_never_stored_is_taken_over_with_its_order_id() {
    let world = World::new();
    let life = world.start();
    let draft = world.draft();
    world.lay_claim(&draft, "key").await;
    let early = life.place_with(&world.draft(), "key").await.unwrap_err();
    assert_eq!(early.code(), Code::IdempotencyInFlight);
    world.clock.advance(Duration::from_secs(11));
    let answer = life.place_with(&world.draft(), "key").await;
    assert_eq!(id_of(&answer), draft.order_id);
    assert_eq!(orders_of(&life).await, [draft.order_id]);
}

#[tokio::test]
async fn a_lost_reply_to_the_first_write_is_no_second_order() {
    let world = World::new();
    let life = world.start();
    world.store.arrange(0, Accident::ReplyLost);
    let draft = world.draft();
    let lost = life.place_with(&draft, "key").await.unwrap_err();
    assert_eq!(lost.code(), Code::Unavailable);
    world.clock.advance(Duration::from_secs(11));
    let answer = life.place_with(&world.draft(), "key").await;
    assert_eq!(id_of(&answer), draft.order_id);
    assert_eq!(orders_of(&life).await.len(), 1);
}

#[tokio::test]
async fn after_an_early_answer_the_replay_tells_what_the_order_has_become() {
    let world = World::new();
    let life = world.start();
    world.peers.set_down(Op::Reserve, true);
    let draft = world.draft();
    let key = Some("key".parse().unwrap());
    let hurry = Duration::from_millis(100);
    let _ = life.within(hurry, life.app.place_order(draft.clone(), key)).await.unwrap();
    life.app.cancel_order(draft.order_id, Some(&customer("2")), None).await.unwrap();
    let again = life.place_with(&world.draft(), "key").await.unwrap();
    let Placed::Order { order, link_ready: false, replayed: true } = again else { panic!("{again:?}") };
    assert_eq!((order.body.status, order.body.cause.as_deref()), (Status::Cancelled, Some("customer")));
    assert_eq!(order.body.timeline.last().unwrap().actor, Actor::Customer);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let world = World::new();
    let life = world.start();
    link_of(life.place_with(&world.draft(), "key").await);
    let sweep = SweepClaims(Arc::clone(&life.app));
    assert_eq!(sweep.round().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(24 * 3600));
    link_of(life.place_with(&world.draft_of(&[("1", 5)]), "key").await);
    world.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(sweep.round().await.unwrap(), 1);
    assert_eq!(sweep.round().await.unwrap(), 0);
    assert_eq!(orders_of(&life).await.len(), 2);
}

#[tokio::test]
async fn a_payment_that_is_heard_of_before_the_link_is_stored_loses_neither() {
    let world = World::new();
    let life = world.start();
    let gate = Gate::new();
    world.peers.script(Op::CreateCheckout, Script::ReplyHeld(gate.clone()));
    let draft = world.draft();
    let client = tokio::spawn(life.place_with_owned(draft.clone(), "key"));
    gate.arrived().await;
    life.merge(&world, draft.order_id, Fact::Payment { state: PaymentState::Succeeded, captured: None })
        .await;
    gate.open();
    link_of(tokio::time::timeout(DEADLINE, client).await.unwrap().unwrap());
    let order = life.until(draft.order_id, |order| order.total.is_some()).await;
    assert_eq!(order.status, Status::Paid);
    assert!(order.checkout.is_some());
}
