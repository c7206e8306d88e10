//! Driven adapters.

pub(crate) mod repository;
pub(crate) mod schema;
