//! RabbitMQ's adapter against a real broker: the contract of every bus, and what only a broker shows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod away;
mod contract;
mod guard;
mod ladder;
mod mesh;
mod operators;
mod outage;
mod restarts;
