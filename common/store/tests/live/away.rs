//! A server that is away, or there and silent: an answer in time, and no restart of ours when it is back.

use std::{sync::Arc, time::Duration};

use common::{Call, Code, Fault, SystemRandom};
use futures::future::{BoxFuture, join_all};
use store::{DocumentStore, Expected, Write, mongo::MongoStore};
use testkit::{clock::ManualClock, servers::Mongo};
use tokio::time::Instant;

use super::{PATIENCE, THINGS, insert, instance};

const WITHIN: Duration = Duration::from_secs(2);

/// Asks everything of the port, and how long the slowest takes to be `unavailable`.
async fn refusals(store: &MongoStore) -> Duration {
    let ids = ["a".to_owned()];
    let start = Instant::now();
    let asked: Vec<(&str, BoxFuture<'_, Result<(), Fault>>)> = vec![
        ("load", Box::pin(async { store.load(THINGS, "a").await.map(drop) })),
        ("load_many", Box::pin(async { store.load_many(THINGS, &ids).await.map(drop) })),
        ("insert", Box::pin(async { store.save(insert("b")).await.map(drop) })),
        ("save", Box::pin(async { store.save(again(1)).await.map(drop) })),
        ("count", Box::pin(async { store.count(THINGS, None, "").await.map(drop) })),
        ("claim", Box::pin(async { store.claim_outbox(10, PATIENCE).await.map(drop) })),
        ("depth", Box::pin(async { store.outbox_depth().await.map(drop) })),
        ("lease", Box::pin(async { store.lease("sweep", "me", PATIENCE).await.map(drop) })),
        ("check", Box::pin(async { store.check().await })),
    ];
    let answers = asked.into_iter().map(|(what, answer)| async move {
        let fault = answer.await.expect_err(what);
        assert_eq!(fault.code(), Code::Unavailable, "{what}: {fault}");
    });
    join_all(answers).await;
    start.elapsed()
}

fn again(version: u64) -> Write {
    Write { expected: Expected::Version(version), ..insert("a") }
}

/// Returns when the server has noticed its signal: the answers that were under way have come.
async fn stopped(store: &MongoStore) {
    let silent = async {
        loop {
            let hurried = Call::begin(Duration::from_millis(300), &SystemRandom);
            if hurried.scope(store.load(THINGS, "a")).await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, silent).await.expect("it stops");
}

/// Returns when the store takes writes again.
async fn back(store: &MongoStore) {
    let answered = async {
        while store.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("it comes back by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_unavailable_within_two_seconds_and_the_store_goes_on_by_itself() {
    let server = Mongo::start().await.unwrap();
    let (connected, store) = instance(&server, "away", Arc::new(ManualClock::default())).await;
    store.check().await.unwrap();
    let mut version = store.save(insert("a")).await.unwrap();
    for _ in 0..2 {
        server.kill().await;
        for _ in 0..2 {
            let slowest = refusals(&store).await;
            assert!(slowest < WITHIN, "{slowest:?}");
        }
        server.restart().await.unwrap();
        back(&store).await;
        assert_eq!(store.load(THINGS, "a").await.unwrap().unwrap().version, version);
        version = store.save(again(version)).await.unwrap();
    }
    connected.close().await;
    assert_eq!(store.load(THINGS, "a").await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_unavailable_by_the_callers_deadline_and_in_any_case() {
    let server = Mongo::start().await.unwrap();
    let (_connected, store) = instance(&server, "silent", Arc::new(ManualClock::default())).await;
    store.check().await.unwrap();
    store.save(insert("a")).await.unwrap();
    server.pause();
    stopped(&store).await;
    let hurried = Call::begin(Duration::from_millis(300), &SystemRandom).scope(refusals(&store)).await;
    assert!(hurried < Duration::from_secs(1), "{hurried:?}");
    let slowest = refusals(&store).await;
    assert!(slowest < Duration::from_secs(6), "{slowest:?}");
    server.resume();
    back(&store).await;
    store.load(THINGS, "a").await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_opens_before_its_server_is_there_makes_its_indexes_later() {
    let server = Mongo::start().await.unwrap();
    server.kill().await;
    let (_connected, store) = instance(&server, "early", Arc::new(ManualClock::default())).await;
    assert_eq!(store.check().await.unwrap_err().code(), Code::Unavailable);
    server.restart().await.unwrap();
    back(&store).await;
    let client = mongodb::Client::with_uri_str(server.uri()).await.unwrap();
    let things = client.database("early_test").collection::<mongodb::bson::Document>("things");
    let names = things.list_index_names().await.unwrap();
    for name in ["keys.by_key", "keys.by", "keys.other", "unsent_since", "removed"] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
}
