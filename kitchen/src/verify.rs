//! Checks the tickets of a data folder for `ordermesh verify`.

use common::{Fault, OrderId, Report};
use store::DocumentStore;

use crate::domain::{State, Ticket};

/// What the checks between services need of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub order_id: OrderId,
    pub state: State,
    pub started: bool,
}

/// Every ticket, oldest first.
pub async fn summaries(store: &dyn DocumentStore) -> Result<Vec<Summary>, Fault> {
    let mut all = Vec::new();
    let summary = |t: Ticket| Summary { order_id: t.order_id, state: t.state, started: t.was_started() };
    store::each(store, |ticket| all.push(summary(ticket))).await?;
    Ok(all)
}

/// Broken tickets.
pub async fn check(store: &dyn DocumentStore) -> Result<Report, Fault> {
    let mut report = Report::default();
    store::each(store, |ticket: Ticket| {
        if let Some(problem) = problem(&ticket) {
            report.violation(format!("ticket {}: {problem}", ticket.id()));
        }
    })
    .await?;
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
