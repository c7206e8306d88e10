//! The mesh over loopback: real servers on free ports, real connections.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deadlines;
mod discovery;
mod peer;
mod retries;
mod streams;
