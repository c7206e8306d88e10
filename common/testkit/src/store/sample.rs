//! Documents and events that the cases write.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use common::{EventId, Ids, Page, Timestamp};
use store::{Collection, Expected, IndexKey, IndexQuery, Order, OutboxEvent, Stored, Write};

use super::Subject;
use crate::{clock::ManualClock, random::SeededRandom};

pub(super) const THINGS: Collection = Collection("things");
pub(super) const THINGS_TOO: Collection = Collection("things_too");
pub(super) const OTHERS: Collection = Collection("others");
pub(super) const BY_KEY: &str = "by_key";

/// Every id of a test run is another one.
static SEED: AtomicU64 = AtomicU64::new(1);

/// A write that inserts a document without index keys and events.
pub(super) fn insert(id: &str) -> Write {
    Write {
        collection: THINGS,
        id: id.to_owned(),
        expected: Expected::Absent,
        body: Some(body(id)),
        index_keys: Vec::new(),
        events: Vec::new(),
        handled: None,
    }
}

/// The same write of a document that is there with this version.
pub(super) fn update(id: &str, version: u64) -> Write {
    Write { expected: Expected::Version(version), ..insert(id) }
}

/// A write that inserts a document under this key of the index.
pub(super) fn indexed(id: &str, key: &str) -> Write {
    Write { index_keys: vec![IndexKey::new(BY_KEY, key)], ..insert(id) }
}

/// A write that inserts a document with this many events.
pub(super) fn with_events(id: &str, count: usize) -> Write {
    Write { events: (0..count).map(|_| event(id)).collect(), ..insert(id) }
}

pub(super) fn body(text: &str) -> Bytes {
    format!(r#"{{"text":"{text}"}}"#).into()
}

pub(super) fn event_id() -> EventId {
    let random = SeededRandom::new(SEED.fetch_add(1, Ordering::Relaxed));
    Ids::new(Arc::new(ManualClock::default()), Arc::new(random)).mint()
}

pub(super) fn event(subject: &str) -> OutboxEvent {
    let data = format!(r#"{{"about":"{subject}","parts":[1,2.5,null,"ä"]}}"#);
    OutboxEvent {
        id: event_id(),
        event_type: "thing.happened".to_owned(),
        subject: subject.to_owned(),
        sequence: 1,
        at: Timestamp::from_millis(1_790_000_000_123),
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().expect("valid")),
        data: serde_json::value::RawValue::from_string(data).expect("valid JSON"),
    }
}

/// The whole index, ascending.
pub(super) fn all() -> IndexQuery {
    IndexQuery {
        index: Some(BY_KEY),
        prefix: String::new(),
        below: None,
        order: Order::Ascending,
        limit: 100,
        cursor: None,
    }
}

impl Subject {
    /// Saves and expects it to go through.
    pub(super) async fn saved(&self, write: Write) -> u64 {
        self.store.save(write).await.expect("the write fits the document")
    }

    /// The ids of a page.
    pub(super) async fn listed(&self, query: IndexQuery) -> Vec<String> {
        ids(&self.page(query).await)
    }

    pub(super) async fn page(&self, query: IndexQuery) -> Page<Stored> {
        self.store.list(THINGS, query).await.expect("a valid query")
    }
}

pub(super) fn ids(page: &Page<Stored>) -> Vec<String> {
    page.entries.iter().map(|stored| stored.id.clone()).collect()
}
