//! The gateway over the real mesh with fake services behind it: what a caller sends and what comes back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod errors;
mod events;
mod fake;
mod fuzz;
mod limits;
mod openapi;
mod operator;
mod origin;
mod pages;
mod platform;
mod routes;
mod world;
