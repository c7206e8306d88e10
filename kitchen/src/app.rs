//! The use cases of the kitchen.

pub mod advance_ticket;
pub mod autopilot;
pub mod cancel_ticket;
pub mod ensure_ticket;
pub mod queue_length;
pub mod watch_tickets;

use std::sync::Arc;

use common::{Clock, Code, Fault};

use crate::ports::Tickets;
pub use queue_length::QueueLength;

/// What every use case works with.
#[derive(Clone, Debug)]
pub struct Kitchen {
    pub tickets: Arc<dyn Tickets>,
    pub clock: Arc<dyn Clock>,
    pub queue: QueueLength,
}

/// How often a use case decides anew after losing a compare-and-swap.
const TRIES: usize = 8;

/// There is no such ticket, or none that this caller may see.
fn not_found() -> Fault {
    Fault::new(Code::TicketNotFound, "there is no such ticket")
}
