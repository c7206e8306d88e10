//! Logs, metrics and trace context: how a running mesh is seen from outside.

pub mod logs;
pub mod metrics;

pub use metrics::Metrics;
