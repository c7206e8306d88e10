//! Versioned documents and their outbox in one commit: the port, a typed client over it, and the adapters.
//!
//! A document is saved as a whole, with the version that its writer expected, its index keys, the events that tell
//! of the change, and the id of the event that caused it: all of it in one atomic, durable write.

mod cursor;
pub mod document;
pub mod embedded;
#[cfg(feature = "networked")]
pub mod mongo;
pub mod port;
pub mod schema;

pub use document::{Document, Documents, Loaded, Save, each};
pub use port::{
    Collection, DocumentStore, Expected, IndexKey, IndexQuery, Order, OutboxEntry, OutboxEvent, Stored, Write,
};
pub use schema::{CollectionSchema, Schema};
