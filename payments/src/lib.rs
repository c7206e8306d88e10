//! Payments: one payment per order, from checkout link to last refund. It owns what the provider said of it and every
//! call to the provider; it never decides what becomes of an order.

pub mod app;
pub mod config;
pub mod domain;
pub mod inbound;
pub mod outbound;
pub mod ports;
pub mod verify;
pub mod wire;

pub use config::Config;
pub use outbound::schema::SCHEMA;
pub use wire::wire;
