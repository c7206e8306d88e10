//! The orders service against its own store and scripted peers.

mod cancel;
mod histories;
mod idempotency;
mod outage;
mod peers;
mod properties;
mod reading;
mod refund;
mod saga;
mod saga_crash;
mod shaky_store;
mod sweeps;
mod watching;
mod world;
