//! The mesh over loopback: real servers on free ports, real connections.
#![allow(clippy::unwrap_used)] // helpers of tests panic as tests do

mod deadlines;
mod discovery;
mod peer;
mod retries;
mod streams;
