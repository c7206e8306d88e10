//! The driven port: where tickets are kept.

use std::fmt;

use async_trait::async_trait;
use common::{EventId, Fault, Limit, OrderId, Page, Timestamp};

use crate::domain::{State, Ticket};

/// A ticket and the version it was read at.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub ticket: Ticket,
    pub version: u64,
}

/// Keeps tickets, each saved with the event that tells of its new state. Every method returns `unavailable` when the
/// store cannot be reached.
#[async_trait]
pub trait Tickets: Send + Sync + fmt::Debug {
    async fn load(&self, order: OrderId) -> Result<Option<Versioned>, Fault>;

    /// Saves a new ticket; `version_conflict` when the order has one.
    async fn insert(&self, ticket: &Ticket, cause: Option<EventId>) -> Result<u64, Fault>;

    /// Saves a changed ticket; `version_conflict` when someone else changed it.
    async fn update(&self, ticket: &Ticket, version: u64, cause: Option<EventId>) -> Result<u64, Fault>;

    /// Newest first; every state when `state` is `None`. `invalid_parameter` for a foreign cursor.
    async fn list(
        &self,
        state: Option<State>,
        limit: Limit,
        cursor: Option<String>,
    ) -> Result<Page<Versioned>, Fault>;

    /// The tickets of one state in the order they were queued, at most `limit`.
    async fn oldest(&self, state: State, limit: usize) -> Result<Vec<Versioned>, Fault>;

    /// The tickets that changed last, newest change first, down to `since`, at most `limit`.
    async fn changed_since(&self, since: Timestamp, limit: usize) -> Result<Vec<Versioned>, Fault>;

    /// How many tickets are in this state.
    async fn count(&self, state: State) -> Result<u64, Fault>;
}
