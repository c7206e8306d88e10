//! The embedded adapter: fjall, one database per process, one writer that groups what queued during the last fsync.

mod change;
mod codec;
mod database;
mod envelope;
mod event;
mod failure;
mod job;
mod keys;
mod keyspace;
mod leases;
mod list;
mod outbox;
mod queue;
mod store;
mod transaction;
mod writer;

pub use database::{Database, OpenError, SyncGate};
pub use fjall::PersistMode;
pub use keyspace::{Entries, Keyspace, View};
pub use queue::{GROUP_MAX, QUEUE_MAX};
pub use store::EmbeddedStore;
pub use transaction::Transaction;
