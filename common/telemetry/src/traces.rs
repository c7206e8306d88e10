//! The traces of one process: where each of its services opens spans, and what waits to leave is sent at the end.

#[cfg(feature = "networked")]
pub mod otlp;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use common::{Random, Spans};

/// Hands each service of the process its spans.
#[async_trait]
pub trait Traces: Send + Sync + fmt::Debug {
    /// The spans of this service; the same at each call.
    fn of(&self, service: &'static str) -> Spans;

    /// Sends what has ended so far, as far as a short time allows.
    async fn flush(&self);
}

/// Nobody records: spans are their ids.
#[derive(Clone, Debug)]
pub struct Untraced(pub Arc<dyn Random>);

#[async_trait]
impl Traces for Untraced {
    fn of(&self, _: &'static str) -> Spans {
        Spans::off(Arc::clone(&self.0))
    }

    async fn flush(&self) {}
}
