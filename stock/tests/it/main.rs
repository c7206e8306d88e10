//! Stock over the embedded store in a folder of its own: what callers, events, sweeps and crashes may rely on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod bench;
mod catalogue;
mod contention;
mod crashes;
mod deliveries;
mod events;
mod killed;
mod memory;
mod service;
mod simulation;
mod sweeps;
