//! Logs, metrics and trace context: how a running mesh is seen from outside.

pub mod calls;
pub mod gauges;
pub mod logs;
pub mod metrics;
pub mod traces;

pub use calls::{CallAttempt, CallMetrics};
pub use gauges::Gauges;
pub use metrics::Metrics;
pub use traces::{Traces, Untraced};
