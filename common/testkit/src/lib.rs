//! For tests only: contract suites, faulty wrappers, fixtures, a manual clock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod bus;
pub mod clock;
pub mod discovery;
pub mod faulty;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod random;
#[cfg(feature = "servers")]
pub mod servers;
pub mod store;
