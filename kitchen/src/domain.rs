//! What a ticket is and what may happen to it.

pub mod promise;
pub mod ticket;

pub use ticket::{Cancellation, Line, State, Ticket, Verb};
