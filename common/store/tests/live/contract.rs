//! The contract of every store, on both kinds of deployment.

use std::sync::Arc;

use store::mongo::MongoServer;
use testkit::{clock::ManualClock, servers::Mongo, store::Subject};
use tokio::sync::Mutex;

/// One suite at a time: each has a case that keeps the whole server busy.
static TURN: Mutex<()> = Mutex::const_new(());

async fn subject(server: &Mongo) -> Subject {
    let clock = Arc::new(ManualClock::default());
    let (connected, store): (MongoServer, _) =
        super::instance(server, &super::prefix(), Arc::clone(&clock)).await;
    Subject { store, clock, keep: Box::new(connected) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mongodb_store_keeps_the_contract_on_a_replica_set() {
    let _turn = TURN.lock().await;
    let server = super::shared().await.unwrap();
    testkit::store::contract("mongodb replica set", || subject(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mongodb_store_keeps_the_contract_on_a_standalone_server() {
    let _turn = TURN.lock().await;
    let server = Mongo::start_standalone().await.unwrap();
    testkit::store::contract("mongodb standalone", || subject(&server)).await;
}
