//! What others rely on stays as it is: the descriptors against their golden file, the events against their document.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asyncapi;
mod golden;
mod samples;
