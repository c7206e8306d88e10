//! Driven adapters.

pub(crate) mod repository;
