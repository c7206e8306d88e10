//! The use cases: what stock can be asked to do, over its ports.

pub mod desk;
pub mod due;
pub mod figures;
pub mod menu;
pub mod post;
pub mod put_item;
pub mod reserve;
pub mod restock;
pub mod seed;
pub mod settle;

use std::sync::Arc;

use common::{Clock, Fault, Random, Spans};
use telemetry::Metrics;

use crate::ports::{Orders, Stockroom};

/// All use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stock {
    stockroom: Arc<dyn Stockroom>,
    orders: Arc<dyn Orders>,
    desk: desk::Desk,
    clock: Arc<dyn Clock>,
    spans: Spans,
}

impl Stock {
    #[must_use]
    pub fn new(
        stockroom: Arc<dyn Stockroom>,
        orders: Arc<dyn Orders>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Self {
        let desk = desk::Desk::new(Arc::clone(&stockroom), Arc::clone(&clock), Arc::clone(&random), metrics);
        Self { stockroom, orders, desk, clock, spans: Spans::off(random) }
    }

    /// The same with spans for the work that nobody asked for.
    #[must_use]
    pub fn traced(self, spans: Spans) -> Self {
        Self { spans, ..self }
    }
}

/// How often something is read again because it was changed between a look and the work on it.
const LOOKS_MAX: usize = 4;

fn kept_changing() -> Fault {
    Fault::version_conflict("a reservation that others work on")
}
