//! Tickets as documents: by id (newest last), by state, by the time of their last change.

use async_trait::async_trait;
use common::{EventId, Fault, Limit, OrderId, Page, Timestamp, TraceContext};
use contracts::{events::TicketEvent, topics::EventType};
use store::{Collection, Document, Documents, IndexKey, IndexQuery, Loaded, Order, Save};

use crate::{
    domain::{State, Ticket},
    ports::{Tickets, Versioned},
};

const BY_STATE: &str = "state";
const BY_CHANGE: &str = "changed";

impl Document for Ticket {
    const COLLECTION: Collection = Collection("tickets");
    const INDEXES: &'static [&'static str] = &[BY_STATE, BY_CHANGE];
    const EVENTS: bool = true;

    fn document_id(&self) -> String {
        self.order_id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![
            IndexKey::new(BY_STATE, format!("{}/{}", self.state.as_str(), self.order_id)),
            IndexKey::new(BY_CHANGE, self.changed_at.sort_key()),
        ]
    }

    fn trace(&self) -> Option<TraceContext> {
        self.trace
    }
}

/// The repository over the service's document store.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    documents: Documents<Ticket>,
}

impl Repository {
    pub(crate) fn new(documents: Documents<Ticket>) -> Self {
        Self { documents }
    }
}

#[async_trait]
impl Tickets for Repository {
    async fn load(&self, order: OrderId) -> Result<Option<Versioned>, Fault> {
        Ok(self.documents.load(&order.to_string()).await?.map(versioned))
    }

    async fn insert(&self, ticket: &Ticket, cause: Option<EventId>) -> Result<u64, Fault> {
        self.documents.insert(ticket, told(ticket, cause)?).await
    }

    async fn update(&self, ticket: &Ticket, version: u64, cause: Option<EventId>) -> Result<u64, Fault> {
        self.documents.update(ticket, version, told(ticket, cause)?).await
    }

    async fn list(
        &self,
        state: Option<State>,
        limit: Limit,
        cursor: Option<String>,
    ) -> Result<Page<Versioned>, Fault> {
        let query = IndexQuery {
            index: state.map(|_| BY_STATE),
            prefix: state.map_or_else(String::new, prefix),
            below: None,
            order: Order::Descending,
            limit: limit.get(),
            cursor,
        };
        Ok(self.documents.list(query).await?.map(versioned))
    }

    async fn oldest(&self, state: State, limit: usize) -> Result<Vec<Versioned>, Fault> {
        let query = IndexQuery {
            index: Some(BY_STATE),
            prefix: prefix(state),
            below: None,
            order: Order::Ascending,
            limit,
            cursor: None,
        };
        Ok(self.documents.list(query).await?.map(versioned).entries)
    }

    async fn changed_since(&self, since: Timestamp, limit: usize) -> Result<Vec<Versioned>, Fault> {
        let query = IndexQuery {
            index: Some(BY_CHANGE),
            prefix: String::new(),
            below: None,
            order: Order::Descending,
            limit,
            cursor: None,
        };
        let newest = self.documents.list(query).await?.map(versioned).entries;
        Ok(newest.into_iter().take_while(|found| found.ticket.changed_at >= since).collect())
    }

    async fn count(&self, state: State) -> Result<u64, Fault> {
        self.documents.count(Some(BY_STATE), &prefix(state)).await
    }
}

fn prefix(state: State) -> String {
    format!("{}/", state.as_str())
}

fn versioned(loaded: Loaded<Ticket>) -> Versioned {
    Versioned { version: loaded.version, ticket: loaded.body }
}

/// What a save says to the others: the ticket's new state.
fn told(ticket: &Ticket, cause: Option<EventId>) -> Result<Save, Fault> {
    let data = TicketEvent {
        order_id: ticket.order_id,
        ticket_id: ticket.id(),
        started: ticket.was_started(),
        reason: ticket.reason.clone(),
        at: ticket.changed_at,
    };
    Save::new().handling(cause).event(event_type(ticket.state).as_str(), &data)
}

fn event_type(state: State) -> EventType {
    match state {
        State::Queued => EventType::TicketQueued,
        State::Preparing => EventType::TicketPreparing,
        State::Ready => EventType::TicketReady,
        State::PickedUp => EventType::TicketPickedUp,
        State::Rejected => EventType::TicketRejected,
        State::Cancelled => EventType::TicketCancelled,
    }
}
