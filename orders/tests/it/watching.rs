//! Watching an order: the present first, then each change, the newest only, and an end.

use std::time::Duration;

use orders::domain::{Status, TicketState};

use crate::{
    histories::{succeeded, ticket},
    world::World,
};

#[tokio::test]
async fn a_watcher_sees_the_present_then_changes_and_the_end() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    let mut watch = life.app.watch_order(id, None, 0).await.unwrap();
    assert_eq!(watch.next().await.unwrap().body.status, Status::WaitingPayment);
    let app = life.app.clone();
    let event = world.event();
    let payment = tokio::spawn(async move { app.merge_facts(id, &[succeeded()], event).await });
    let seen = tokio::time::timeout(Duration::from_secs(2), watch.next()).await.expect("woken, not polled");
    assert_eq!(seen.unwrap().body.status, Status::Paid);
    payment.await.unwrap().unwrap();
    // A slow reader: three changes, one look.
    for state in [TicketState::Queued, TicketState::Ready, TicketState::PickedUp] {
        life.merge(&world, id, ticket(state)).await;
    }
    assert_eq!(watch.next().await.unwrap().body.status, Status::Completed);
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_watcher_that_saw_the_newest_waits_and_a_shutdown_ends_it() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    let version = life.order(id).await.version;
    let mut watch = life.app.watch_order(id, None, version).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(50), watch.next()).await;
    assert!(early.is_err(), "there is nothing new to see");
    life.stop();
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_change_made_by_another_process_is_seen_by_its_hint() {
    let world = World::new();
    let (life, other) = (world.start(), world.start());
    let id = life.waiting(&world).await;
    let mut watch = life.app.watch_order(id, None, 0).await.unwrap();
    watch.next().await.unwrap();
    other.merge(&world, id, succeeded()).await;
    life.app.hint(Some(id));
    let seen = tokio::time::timeout(Duration::from_secs(2), watch.next()).await.expect("hinted, not polled");
    assert_eq!(seen.unwrap().body.status, Status::Paid);
}
