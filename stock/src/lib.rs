//! Stock: owns the items of the menu, their counters and one reservation per order. It prices the lines of an order
//! and never touches money, and it never decides what becomes of an order: it asks.

pub mod app;
pub mod config;
pub mod domain;
pub mod ports;
pub mod verify;
pub mod wire;

mod inbound;
mod outbound;

pub use config::Config;
pub use outbound::schema::SCHEMA;
pub use wire::wire;
