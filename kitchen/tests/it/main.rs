//! The kitchen as its peers and staff see it: real gRPC and a real bus over an embedded store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod board;
mod tickets;
mod world;
