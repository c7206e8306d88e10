//! The MongoDB store against a real server: the contract of every store, and what only this one promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod away;
mod contract;
mod kill;
mod readable;
mod sharing;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{Clock as _, EventId, Ids, SystemClock, SystemRandom};
use store::{
    Collection, Expected, OutboxEvent, Write,
    mongo::{MongoServer, MongoStore},
};
use testkit::{
    clock::ManualClock,
    servers::{Failure, Mongo},
};
use tokio::sync::OnceCell;

const THINGS: Collection = Collection("things");
/// How long anything that must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server that tests share which do not hurt it.
async fn shared() -> Result<&'static Mongo, Failure> {
    static SHARED: OnceCell<Mongo> = OnceCell::const_new();
    SHARED.get_or_try_init(Mongo::start).await
}

/// Databases of its own for each test.
fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// One more process of a service, as far as the server can tell.
async fn instance(server: &Mongo, prefix: &str, clock: Arc<ManualClock>) -> (MongoServer, Arc<MongoStore>) {
    let connected = MongoServer::connect(&server.uri(), prefix, clock, Arc::new(SystemRandom)).await.unwrap();
    let store = Arc::new(connected.store(&testkit::store::SCHEMA));
    (connected, store)
}

fn insert(id: &str) -> Write {
    Write {
        collection: THINGS,
        id: id.to_owned(),
        expected: Expected::Absent,
        body: Some(Bytes::from_static(br#"{"total":{"amount_minor":1250,"currency":"usd"},"note":null}"#)),
        index_keys: Vec::new(),
        events: Vec::new(),
        handled: None,
    }
}

fn event(id: &str, sequence: u64) -> OutboxEvent {
    OutboxEvent {
        id: Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).mint::<EventId>(),
        event_type: "thing.changed".to_owned(),
        subject: id.to_owned(),
        sequence,
        at: SystemClock.now(),
        trace: None,
        data: serde_json::value::to_raw_value(&sequence).unwrap(),
    }
}
