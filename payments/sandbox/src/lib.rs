//! A Stripe-compatible server with a hosted checkout page, durable. It plays the outside world: it takes test cards,
//! never real money, posts signed webhooks, and does what can go wrong on demand. It knows no service of the mesh.
//!
//! Not emulated: minimum amounts per currency, subscriptions, customers, `ending_before`.

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod faults;
pub mod form;
mod hex;
pub mod http;
pub mod object;
pub mod sweep;
pub mod verify;
pub mod webhooks;
pub mod wire;

pub use config::{Config, WebhookSecret, secret};
pub use faults::{Faults, Operation, Rule, Strike};
pub use wire::{Sandbox, open_store};
