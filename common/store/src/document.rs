//! The typed client: a service's aggregates as documents, with their index keys and events.

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
use common::{Call, Clock, EventId, Fault, Ids, Page, SpanKind, Spans, TraceContext};
use serde::{Serialize, de::DeserializeOwned};

use crate::port::{
    Collection, DocumentStore, Expected, IndexKey, IndexQuery, Order, OutboxEvent, Stored, Write,
};

/// An aggregate that is kept as a document.
pub trait Document: Serialize + DeserializeOwned + Send + Sync {
    const COLLECTION: Collection;
    /// The names of the indexes that [`Document::index_keys`] may speak of.
    const INDEXES: &'static [&'static str] = &[];
    /// Whether saves bring events.
    const EVENTS: bool = false;

    fn document_id(&self) -> String;

    /// Every index entry the document should have in its present state.
    fn index_keys(&self) -> Vec<IndexKey>;

    /// The trace that the document was made in, and that its events belong to whoever causes them; `None` when they
    /// belong to the trace of the call that saves.
    fn trace(&self) -> Option<TraceContext> {
        None
    }
}

/// A document with the version it was loaded at.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    pub body: T,
    pub version: u64,
    handled: Vec<EventId>,
}

impl<T> Loaded<T> {
    /// Whether this event has been handled by the document already.
    #[must_use]
    pub fn has_handled(&self, event: &EventId) -> bool {
        self.handled.contains(event)
    }
}

/// What goes along with a save.
#[derive(Clone, Debug, Default)]
pub struct Save {
    events: Vec<(&'static str, Box<serde_json::value::RawValue>)>,
    handled: Option<EventId>,
}

impl Save {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an event of this type with this JSON data.
    pub fn event<D: Serialize>(mut self, event_type: &'static str, data: &D) -> Result<Self, Fault> {
        let data = serde_json::value::to_raw_value(data)
            .map_err(|e| Fault::internal(format!("encode {event_type}: {e}")))?;
        self.events.push((event_type, data));
        Ok(self)
    }

    /// Remembers the event that caused the save.
    #[must_use]
    pub fn handling(mut self, event: Option<EventId>) -> Self {
        self.handled = event;
        self
    }
}

/// The documents of one type in one store.
#[derive(Debug)]
pub struct Documents<T> {
    store: Arc<dyn DocumentStore>,
    ids: Ids,
    clock: Arc<dyn Clock>,
    spans: Option<Spans>,
    body: PhantomData<fn() -> T>,
}

impl<T> Clone for Documents<T> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            ids: self.ids.clone(),
            clock: Arc::clone(&self.clock),
            spans: self.spans.clone(),
            body: PhantomData,
        }
    }
}

impl<T: Document> Documents<T> {
    #[must_use]
    pub fn new(store: Arc<dyn DocumentStore>, ids: Ids, clock: Arc<dyn Clock>) -> Self {
        Self { store, ids, clock, spans: None, body: PhantomData }
    }

    /// The same with spans: an event of a document that has a trace of its own links the request that caused it.
    #[must_use]
    pub fn traced(self, spans: Spans) -> Self {
        Self { spans: Some(spans), ..self }
    }

    /// The document with this id. Faults: `unavailable`.
    pub async fn load(&self, id: &str) -> Result<Option<Loaded<T>>, Fault> {
        self.store.load(T::COLLECTION, id).await?.map(decode).transpose()
    }

    /// The documents with these ids, in this order. Faults: `unavailable`.
    pub async fn load_many(&self, ids: &[String]) -> Result<Vec<Option<Loaded<T>>>, Fault> {
        let stored = self.store.load_many(T::COLLECTION, ids).await?;
        stored.into_iter().map(|s| s.map(decode).transpose()).collect()
    }

    /// Saves a new document and answers with its version, 1. Faults: `version_conflict` when there is one already,
    /// `unavailable`.
    pub async fn insert(&self, body: &T, save: Save) -> Result<u64, Fault> {
        self.store.save(self.write(body, Expected::Absent, save)?).await
    }

    /// Replaces the document that was loaded at `version` and answers with the new version. Faults:
    /// `version_conflict`, `unavailable`.
    pub async fn update(&self, body: &T, version: u64, save: Save) -> Result<u64, Fault> {
        self.store.save(self.write(body, Expected::Version(version), save)?).await
    }

    /// Removes the document that was loaded at `version`. Faults: `version_conflict`, `unavailable`.
    pub async fn remove(&self, id: &str, version: u64) -> Result<(), Fault> {
        let write = Write {
            collection: T::COLLECTION,
            id: id.to_owned(),
            expected: Expected::Version(version),
            body: None,
            index_keys: Vec::new(),
            events: Vec::new(),
            handled: None,
        };
        self.store.save(write).await.map(drop)
    }

    /// A page in the order of an index. Faults: `invalid_parameter` for a foreign cursor, `unavailable`.
    pub async fn list(&self, query: IndexQuery) -> Result<Page<Loaded<T>>, Fault> {
        let page = self.store.list(T::COLLECTION, query).await?;
        let entries = page.entries.into_iter().map(decode).collect::<Result<_, _>>()?;
        Ok(Page { entries, next_cursor: page.next_cursor })
    }

    /// How many keys of the index start with the prefix. Faults: `unavailable`.
    pub async fn count(&self, index: Option<&'static str>, prefix: &str) -> Result<u64, Fault> {
        self.store.count(T::COLLECTION, index, prefix).await
    }

    /// The write that a save would make, for [`DocumentStore::save_in_order`].
    pub fn write(&self, body: &T, expected: Expected, save: Save) -> Result<Write, Fault> {
        let id = body.document_id();
        let json = serde_json::to_vec(body)
            .map_err(|e| Fault::internal(format!("encode {} {id}: {e}", T::COLLECTION)))?;
        let events = save.events.into_iter().map(|(event_type, data)| OutboxEvent {
            id: self.ids.mint(),
            event_type: event_type.to_owned(),
            subject: id.clone(),
            sequence: expected.next(),
            at: self.clock.now(),
            trace: self.trace(body, event_type, &id),
            data,
        });
        Ok(Write {
            collection: T::COLLECTION,
            expected,
            body: Some(Bytes::from(json)),
            index_keys: body.index_keys(),
            events: events.collect(),
            handled: save.handled,
            id,
        })
    }
}

impl<T: Document> Documents<T> {
    /// The trace of an event: the document's own, in a span that links the present call if that is in another one.
    fn trace(&self, body: &T, event_type: &str, id: &str) -> Option<TraceContext> {
        let (own, cause) = (body.trace(), Call::current_trace());
        let foreign = own.filter(|own| cause.is_none_or(|cause| !own.is_same_trace(cause)));
        let (Some(_), Some(spans)) = (foreign, &self.spans) else { return foreign.or(cause) };
        let mut span = spans.of_trace(own, cause, (SpanKind::Producer, format_args!("create {event_type}")));
        span.set("messaging.operation.type", "create");
        span.about(id);
        Some(span.context())
    }
}

/// Documents read at a time by [`each`].
const PAGE: usize = 500;

/// Visits every document of a type, in the order of their ids. Faults: `unavailable`, and `internal` for a document
/// that cannot be read.
pub async fn each<T: Document>(
    store: &dyn DocumentStore,
    mut visit: impl FnMut(T) + Send,
) -> Result<(), Fault> {
    let mut cursor = None;
    loop {
        let query = IndexQuery {
            index: None,
            prefix: String::new(),
            below: None,
            order: Order::Ascending,
            limit: PAGE,
            cursor,
        };
        let page = store.list(T::COLLECTION, query).await?;
        for stored in page.entries {
            visit(decode::<T>(stored)?.body);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn decode<T: Document>(stored: Stored) -> Result<Loaded<T>, Fault> {
    let body = serde_json::from_slice(&stored.body)
        .map_err(|e| Fault::internal(format!("decode {} {}: {e}", T::COLLECTION, stored.id)))?;
    Ok(Loaded { body, version: stored.version, handled: stored.handled })
}
