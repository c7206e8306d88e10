//! The kitchen: owns tickets, one per paid order, and decides whether an order can still be cancelled. It never
//! touches money or stock.

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
