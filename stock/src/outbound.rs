//! Driven adapters: the ports' other side.

pub(crate) mod orders_client;
pub(crate) mod repository;
pub(crate) mod schema;
