//! The embedded store over a real folder.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::sync::Arc;

use store::embedded::{Database, EmbeddedStore};
use testkit::{clock::ManualClock, store::Subject};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract() {
    testkit::store::contract(|| async {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let database = Database::open(folder.path()).unwrap();
        let store = EmbeddedStore::open(&database, "test", Arc::<ManualClock>::clone(&clock)).unwrap();
        Subject { store: Arc::new(store), clock, keep: Box::new(folder) }
    })
    .await;
}
