//! Two instances of one service on one database.

use std::{collections::HashSet, sync::Arc, time::Duration};

use common::EventId;
use store::{DocumentStore as _, Expected, Write, mongo::MongoStore};
use testkit::clock::ManualClock;
use tokio::time::Instant;

use super::{THINGS, event, insert, instance, prefix, shared};

const LEASE: Duration = Duration::from_secs(10);
const DOCUMENTS: usize = 100;
const EVENTS: usize = 3;

/// Claims and trims until nothing is left.
async fn relay(store: Arc<MongoStore>) -> Vec<EventId> {
    let mut published = Vec::new();
    while store.outbox_depth().await.unwrap() > 0 {
        let claimed = store.claim_outbox(16, LEASE).await.unwrap();
        published.extend(claimed.iter().map(|entry| entry.event.id));
        store.trim_outbox(&claimed).await.unwrap();
    }
    published
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_share_the_outbox_and_never_hold_the_same_event() {
    let server = shared().await.unwrap();
    let (prefix, clock) = (prefix(), Arc::new(ManualClock::default()));
    let (_one, first) = instance(server, &prefix, Arc::clone(&clock)).await;
    let (_two, second) = instance(server, &prefix, Arc::clone(&clock)).await;
    for number in 0..DOCUMENTS {
        let id = format!("thing-{number}");
        let events = (1..=EVENTS as u64).map(|sequence| event(&id, sequence)).collect();
        first.save(Write { events, ..insert(&id) }).await.unwrap();
    }
    let (mine, theirs) = tokio::join!(tokio::spawn(relay(first)), tokio::spawn(relay(second)));
    let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
    assert_eq!(mine.len() + theirs.len(), DOCUMENTS * EVENTS);
    let all: HashSet<_> = mine.iter().chain(&theirs).collect();
    assert_eq!(all.len(), DOCUMENTS * EVENTS, "each was claimed once");
    assert!(!mine.is_empty() && !theirs.is_empty(), "{} and {}", mine.len(), theirs.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_instance_claimed_the_other_takes_over_when_the_lease_ends_and_not_before() {
    let server = shared().await.unwrap();
    let (prefix, clock) = (prefix(), Arc::new(ManualClock::default()));
    let (_one, first) = instance(server, &prefix, Arc::clone(&clock)).await;
    let (_two, second) = instance(server, &prefix, Arc::clone(&clock)).await;
    first.save(Write { events: vec![event("a", 1), event("a", 2)], ..insert("a") }).await.unwrap();
    let claimed = first.claim_outbox(10, LEASE).await.unwrap();
    assert_eq!(claimed.len(), 2);
    second.unclaim_outbox(&claimed).await.unwrap();
    assert!(second.claim_outbox(10, LEASE).await.unwrap().is_empty(), "nobody gives back what another holds");
    clock.advance(LEASE);
    assert_eq!(second.claim_outbox(10, LEASE).await.unwrap().len(), 2);
    assert!(first.claim_outbox(10, LEASE).await.unwrap().is_empty());
    assert!(first.lease("sweep", "first", LEASE).await.unwrap());
    assert!(!second.lease("sweep", "second", LEASE).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_that_save_one_version_one_wins() {
    let server = shared().await.unwrap();
    let (prefix, clock) = (prefix(), Arc::new(ManualClock::default()));
    let (_one, first) = instance(server, &prefix, Arc::clone(&clock)).await;
    let (_two, second) = instance(server, &prefix, clock).await;
    for version in 0..30 {
        let expected = if version == 0 { Expected::Absent } else { Expected::Version(version) };
        let write = Write { expected, ..insert("a") };
        let (one, other) = tokio::join!(first.save(write.clone()), second.save(write));
        let lost = [one, other].into_iter().find_map(Result::err).expect("one of them lost");
        assert!(lost.is_version_conflict(), "{lost}");
        let seen = second.load(THINGS, "a").await.unwrap().unwrap();
        assert_eq!(seen.version, version + 1, "what it lost to can be read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_event_wakes_the_relay_at_once_and_another_instances_within_a_second() {
    let server = shared().await.unwrap();
    let (prefix, clock) = (prefix(), Arc::new(ManualClock::default()));
    let (_one, first) = instance(server, &prefix, Arc::clone(&clock)).await;
    let (_two, second) = instance(server, &prefix, clock).await;
    let start = Instant::now();
    for number in 0..6 {
        let id = format!("thing-{number}");
        let write = Write { events: vec![event(&id, 1)], ..insert(&id) };
        let ((), saved) = tokio::join!(first.outbox_changed(), first.save(write));
        saved.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "some wake-up took its second");
    let start = Instant::now();
    second.outbox_changed().await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(second.claim_outbox(10, LEASE).await.unwrap().len(), 6);
}
