//! The embedded store over a real folder.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
