//! What this service calls: its store, its peers, the bus's figures, the log.

pub mod alerts;
pub mod audit;
pub mod background;
pub mod kitchen_client;
pub mod log_notifier;
pub mod payments_client;
pub mod queues;
pub mod repository;
pub mod stock_client;
