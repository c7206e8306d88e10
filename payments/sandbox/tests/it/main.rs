//! The sandbox from outside: over its router, over sockets, and over a process that is killed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod durability;
mod faults;
mod fuzz;
mod idempotency;
mod paying;
mod refunds;
mod sessions;
mod stripe_types;
mod support;
mod webhooks;
