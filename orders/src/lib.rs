//! Orders: owns the order, the saga that places it, its cancellation, refunds and timeline. It never charges, never
//! counts stock and never cooks: payments, stock and kitchen do, and this service decides what they are asked to.

pub mod app;
pub mod config;
pub mod domain;
pub mod inbound;
pub mod outbound;
pub mod ports;
pub mod verify;
pub mod wire;

pub use outbound::schema::SCHEMA;
