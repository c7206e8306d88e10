//! Payments from outside: use cases over the embedded store and a scripted provider, and the Stripe adapter over the
//! sandbox.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod closing;
mod creating;
mod every_step;
mod fake_processor;
mod faulty_store;
mod histories;
mod news;
mod permutations;
mod processor_contract;
mod refunding;
mod stripe_adapter;
mod whole_service;
