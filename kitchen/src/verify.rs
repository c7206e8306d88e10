//! Checks the tickets of a data folder for `ordermesh verify`.

use common::{Fault, OrderId, Report};
use store::{Document as _, DocumentStore, IndexQuery, Order};

use crate::domain::{State, Ticket};

/// Tickets read at a time.
const PAGE: usize = 500;

/// What the checks between services need of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub order_id: OrderId,
    pub state: State,
    pub started: bool,
}

/// Every ticket, oldest first.
pub async fn summaries(store: &dyn DocumentStore) -> Result<Vec<Summary>, Fault> {
    let tickets = tickets(store).await?;
    let summary = |ticket: Ticket| Summary {
        order_id: ticket.order_id,
        state: ticket.state,
        started: ticket.was_started(),
    };
    Ok(tickets.into_iter().map(summary).collect())
}

/// Broken tickets.
pub async fn check(store: &dyn DocumentStore) -> Result<Report, Fault> {
    let mut report = Report::default();
    for ticket in tickets(store).await? {
        if let Some(problem) = problem(&ticket) {
            report.violation(format!("ticket {}: {problem}", ticket.id()));
        }
    }
    Ok(report)
}

fn problem(ticket: &Ticket) -> Option<&'static str> {
    let cooked = matches!(ticket.state, State::Preparing | State::Ready | State::PickedUp);
    if cooked != ticket.was_started() {
        return Some("its state and its start contradict each other");
    }
    let times = [Some(ticket.queued_at), ticket.started_at, ticket.ready_at, ticket.picked_up_at];
    let expected = match ticket.state {
        State::Queued | State::Rejected | State::Cancelled => 1,
        State::Preparing => 2,
        State::Ready => 3,
        State::PickedUp => 4,
    };
    (times.iter().flatten().count() != expected).then_some("its state and its times contradict each other")
}

async fn tickets(store: &dyn DocumentStore) -> Result<Vec<Ticket>, Fault> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let query = IndexQuery {
            index: None,
            prefix: String::new(),
            below: None,
            order: Order::Ascending,
            limit: PAGE,
            cursor,
        };
        let page = store.list(Ticket::COLLECTION, query).await?;
        for stored in page.entries {
            let decoded = serde_json::from_slice(&stored.body);
            all.push(decoded.map_err(|error| Fault::internal(format!("ticket {}: {error}", stored.id)))?);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}
