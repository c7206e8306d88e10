//! The gateway: HTTP in, mesh clients out. It owns the HTTP contract, the problem documents and the pages; it keeps no
//! state, decides nothing about orders, and talks to the services through the mesh only.

pub mod config;
mod inbound;
pub mod wire;

pub use config::Config;
pub use wire::{Gateway, wire};
