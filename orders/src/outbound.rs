//! What this service calls: its store, its peers, the bus's figures, the log, and who is to be told.

pub mod alerts;
pub mod audit;
pub mod background;
pub mod kitchen_client;
pub mod log_notifier;
mod notice_text;
pub mod payments_client;
pub mod queues;
mod receiver;
pub mod repository;
pub mod schema;
pub mod smtp_notifier;
pub mod stock_client;
pub mod webhook_notifier;
