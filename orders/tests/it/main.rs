//! The orders service against its own store and scripted peers.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod cancel;
mod edge;
mod histories;
mod idempotency;
mod notifiers;
mod outage;
mod peers;
mod properties;
mod reading;
mod receivers;
mod refund;
mod saga;
mod saga_crash;
mod shaky_store;
mod sweeps;
mod watching;
mod world;
