//! Checks the orders of a data folder for `ordermesh verify`, and says what the checks between services need.

use common::{Fault, Money, OrderId, Report};
use store::DocumentStore;

use crate::domain::{Order, Status};

/// What the checks between services need of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub id: OrderId,
    pub status: Status,
    pub ticket_started: bool,
    pub captured: Option<Money>,
    /// What went back for certain.
    pub refunded: Option<Money>,
}

/// Every order, oldest first.
pub async fn summaries(store: &dyn DocumentStore) -> Result<Vec<Summary>, Fault> {
    let mut all = Vec::new();
    store::each(store, |order: Order| {
        all.push(Summary {
            id: order.id,
            status: order.status,
            ticket_started: order.ticket_started,
            captured: order.captured,
            refunded: order.refunded_total(),
        });
    })
    .await?;
    Ok(all)
}

/// Broken orders, and apart from them what is still being done.
pub async fn check(store: &dyn DocumentStore) -> Result<Report, Fault> {
    let mut report = Report::default();
    store::each(store, |order: Order| {
        for problem in problems(&order) {
            report.violation(format!("order {}: {problem}", order.id));
        }
        if let Some(work) = open_work(&order) {
            report.in_flight(format!("order {}: {work}", order.id));
        }
    })
    .await?;
    let undelivered = store.outbox_depth().await?;
    if undelivered > 0 {
        report.in_flight(format!("orders: {undelivered} events are not published yet"));
    }
    Ok(report)
}

fn problems(order: &Order) -> Vec<&'static str> {
    let returned = order.returned_minor();
    let captured = order.captured.map_or(0, |captured| captured.amount_minor);
    let checks = [
        (!timeline_is_whole(order), "its timeline does not lead to its state"),
        (order.captured.is_some() && returned > captured, "more went back than was captured"),
        (
            order.status == Status::Refunded && order.captured.is_some() && returned < captured,
            "it counts as refunded but money is missing",
        ),
        (
            order.status == Status::WaitingPayment && order.checkout.is_none(),
            "it waits for a payment without a link",
        ),
        (order.status == Status::Pending && order.driver.is_none(), "it is pending and nobody may drive it"),
        (order.status != Status::Pending && order.driver.is_some(), "it has a driver but is not pending"),
    ];
    checks.into_iter().filter(|(broken, _)| *broken).map(|(_, text)| text).collect()
}

/// Each entry starts where the one before it ended, by a step that the table allows, and the last ends at the state.
fn timeline_is_whole(order: &Order) -> bool {
    let mut at = None;
    for entry in &order.timeline {
        let allowed = match at {
            None => entry.to == Status::Pending,
            Some(from) => Status::may_become(from, entry.to),
        };
        if entry.from != at || !allowed {
            return false;
        }
        at = Some(entry.to);
    }
    at == Some(order.status)
}

fn open_work(order: &Order) -> Option<&'static str> {
    match order.status {
        Status::Pending => Some("it is being placed"),
        Status::Refunding => Some("it is being refunded"),
        status if status.is_paid_or_later() && order.captured.is_none() => {
            Some("the captured amount is not known yet")
        }
        _ if order.undo.is_open() => Some("what it held is being undone"),
        _ => order.open_refunds().next().map(|_| "a refund is under way"),
    }
}
