//! The MongoDB adapter: one database per service, each document a person can read, each save one update of it.
//!
//! ```text
//! { _id: "ord_…", version: 3,
//!   body: { …the aggregate's own fields… },
//!   keys: { status: "paid/ord_…", … },              one entry per index
//!   handled: [ "evt_…", … ],                        the newest 64
//!   outbox: [ { id, type, subject, sequence, at, trace, data: {…}, lease: { owner, claim, until } } ],
//!   unsent_since: ISODate(…) }                      of the oldest event in the outbox; absent when it is empty
//! ```
//!
//! **Atomic.** A save compares the version and changes body, keys, outbox and handled ids in one update of one
//! document, which MongoDB does as a whole; no transaction is needed, so a standalone server will do. A removed
//! document whose events are not sent leaves them behind in a document with `removed: true` and no version.
//!
//! **Durable.** Writes wait for a majority of the replica set and its journals. Without the majority a failover
//! could roll an acknowledged order back. Claims of events are such writes too: a majority that has the claim has
//! the save before it, so that an event which could still be undone is never published. Only trims do not wait: a
//! lost trim publishes again, which every consumer bears.
//!
//! **Fresh.** Reads go to the primary and see what a majority has. A `local` read could show another service a
//! decision that a failover then takes back; a `linearizable` one adds a write to every read and buys nothing, as a
//! stale reader loses its compare-and-swap. Such a read may be some milliseconds behind the primary, so a save that
//! lost waits until what it lost to can be read before it says so: its caller decides again on the new state.
//!
//! **Clocks.** Leases end by the given clock, the same as everywhere in the mesh, not by the server's: they only save
//! work. A machine whose clock is off by more than a lease publishes an event twice or sweeps beside another;
//! both are harmless by design, and clocks are expected to agree within a second or so.

mod body;
mod failure;
mod fields;
mod indexes;
mod lease;
mod list;
mod outbox;
mod range;
mod save;
mod server;
mod store;

pub use server::MongoServer;
pub use store::MongoStore;
