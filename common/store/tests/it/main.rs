//! The embedded store over a real folder: the contract of every store, and what only this one promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
mod documents;
mod kill;
mod power;
mod reopen;
mod wake;

use std::{path::Path, sync::Arc};

use store::{
    Schema,
    embedded::{Database, EmbeddedStore},
};
use testkit::{clock::ManualClock, store::Subject};

fn open(folder: &Path) -> (EmbeddedStore, Arc<ManualClock>) {
    open_as(folder, &testkit::store::SCHEMA)
}

fn open_as(folder: &Path, schema: &'static Schema) -> (EmbeddedStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let database = Database::open(folder).unwrap();
    let store = EmbeddedStore::open(&database, schema, Arc::<ManualClock>::clone(&clock)).unwrap();
    (store, clock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract() {
    testkit::store::contract("embedded", || async {
        let folder = tempfile::tempdir().unwrap();
        let (store, clock) = open(folder.path());
        Subject { store: Arc::new(store), clock, keep: Box::new(folder) }
    })
    .await;
}
