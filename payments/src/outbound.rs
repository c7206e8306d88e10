//! The driven adapters: the provider, and the documents of the store.

pub mod alerts;
pub mod cursors;
pub mod inbox;
pub mod repository;
pub mod schema;
pub mod stripe;
