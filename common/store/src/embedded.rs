//! The embedded adapter: fjall, one database per process, one writer that groups what queued during the last fsync.

mod database;
mod failure;
mod job;
mod keyspace;
mod queue;
mod transaction;
mod writer;

pub use database::{Database, OpenError, SyncGate};
pub use keyspace::{Entries, Keyspace, View};
pub use queue::{GROUP_MAX, QUEUE_MAX};
pub use transaction::Transaction;
