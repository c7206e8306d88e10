//! The driven port: what an adapter of the document store must do, and which fault it must return when.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use common::{EventId, Fault, Page, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

/// A named set of documents of one service, such as `orders`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Collection(pub &'static str);

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The version that a writer believes the document to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The document must not exist.
    Absent,
    /// The document must exist with this version.
    Version(u64),
}

impl Expected {
    /// The version that the document has after the write: 1 when it is new, one more otherwise.
    #[must_use]
    pub fn next(self) -> u64 {
        match self {
            Self::Absent => 1,
            Self::Version(version) => version + 1,
        }
    }
}

/// One entry of a secondary index: documents are listed in the order of `key` (then of their id).
///
/// A document has at most one key per index. Keys sort as bytes; they hold no character below U+0020.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    pub index: std::borrow::Cow<'static, str>,
    pub key: String,
}

impl IndexKey {
    pub fn new(index: &'static str, key: impl Into<String>) -> Self {
        Self { index: index.into(), key: key.into() }
    }
}

/// An event that leaves with a write; the relay publishes it until a broker has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutboxEvent {
    pub id: EventId,
    /// The event's type and routing key, such as `order.paid`.
    pub event_type: String,
    /// What the event is about: the aggregate's id.
    pub subject: String,
    /// The version of the aggregate that made it; set by the typed client.
    pub sequence: u64,
    pub at: Timestamp,
    pub trace: Option<TraceContext>,
    /// The JSON data.
    pub data: Box<serde_json::value::RawValue>,
}

/// One atomic write of one document.
#[derive(Clone, Debug)]
pub struct Write {
    pub collection: Collection,
    pub id: String,
    pub expected: Expected,
    /// The JSON value, an object as a rule, as serde_json writes it; it replaces the present one, and is read back
    /// byte by byte the same. Numbers are integers of an `i64` or `u64`, or doubles; names in an object differ.
    /// `None` removes the document (its unsent events stay).
    pub body: Option<Bytes>,
    /// Every index entry the document has from now on.
    pub index_keys: Vec<IndexKey>,
    /// Events appended to the outbox.
    pub events: Vec<OutboxEvent>,
    /// The event that this write handles; remembered among the newest [`HANDLED_MAX`].
    pub handled: Option<EventId>,
}

/// How many handled event ids a document remembers.
pub const HANDLED_MAX: usize = 64;

/// A document as the store has it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: String,
    /// 1 on insertion, one more with each write; the outbox relay does not touch it.
    pub version: u64,
    pub body: Bytes,
    /// Ids of the newest handled events, oldest first.
    pub handled: Vec<EventId>,
}

/// Direction of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// A range of an index, or of the ids themselves.
#[derive(Clone, Debug)]
pub struct IndexQuery {
    /// `None`: by id.
    pub index: Option<&'static str>,
    /// Only keys that start with this.
    pub prefix: String,
    /// Only keys below this one (exclusive), for due times. `None`: no bound.
    pub below: Option<String>,
    pub order: Order,
    pub limit: usize,
    /// Where the page before ended: its `next_cursor`.
    pub cursor: Option<String>,
}

/// An event in some document's outbox, as the relay sees it.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    pub collection: String,
    pub document_id: String,
    pub event: OutboxEvent,
}

/// Stores the documents of one service.
///
/// Every method returns `unavailable` when the store cannot be reached or fails; such a write is indeterminate: it
/// may be there afterwards. A write that breaks a rule of this port (two keys of one index, control characters) is
/// `internal`. No other fault than the named ones is returned.
#[async_trait]
pub trait DocumentStore: Send + Sync + fmt::Debug {
    /// The document; `None` when there is none.
    async fn load(&self, collection: Collection, id: &str) -> Result<Option<Stored>, Fault>;

    /// The documents with these ids, in this order.
    async fn load_many(&self, collection: Collection, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault>;

    /// Saves durably and answers with the new version.
    ///
    /// `version_conflict` when the document is not as expected; nothing is changed then.
    async fn save(&self, write: Write) -> Result<u64, Fault>;

    /// Saves several, in this order, each atomic by itself: after a crash a prefix may be there. Stops at the first
    /// that fails and returns its fault; those before it stay. Answers with the new versions. Nothing is written when
    /// one of them breaks a rule.
    async fn save_in_order(&self, writes: Vec<Write>) -> Result<Vec<u64>, Fault>;

    /// A page of documents in the order of an index; `invalid_parameter` for a cursor that is not ours.
    async fn list(&self, collection: Collection, query: IndexQuery) -> Result<Page<Stored>, Fault>;

    /// How many keys of the index start with the prefix; `index` `None` counts ids.
    async fn count(
        &self,
        collection: Collection,
        index: Option<&'static str>,
        prefix: &str,
    ) -> Result<u64, Fault>;

    /// Takes up to `limit` events that nobody holds a lease on, oldest first, and leases them to the caller.
    async fn claim_outbox(&self, limit: usize, lease: Duration) -> Result<Vec<OutboxEntry>, Fault>;

    /// Removes published events from the outbox. It need not be durable: a lost trim publishes again.
    async fn trim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault>;

    /// Gives leases back after a failed publish, so that the events are taken again at once.
    async fn unclaim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault>;

    /// Returns when events may be waiting in the outbox. It may return early or late by up to a second.
    async fn outbox_changed(&self);

    /// How many events wait in the outbox.
    async fn outbox_depth(&self) -> Result<u64, Fault>;

    /// Takes or renews the lease `name` for `owner`; false when another owner holds it. For sweeps, of which one
    /// instance at a time does the work.
    async fn lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, Fault>;

    /// Whether the store can take writes now.
    async fn check(&self) -> Result<(), Fault>;
}
