//! The invariants between services: what was paid is cooked or refunded, what is over holds no stock, and the
//! provider's books agree with ours. What a restart will still mend is work in flight, not a violation.

use std::collections::{BTreeMap, BTreeSet};

use common::{Fault, Money, OrderId, Report};
use orders::domain::Status;
use runtime::Platform;
use stock::domain::reservation::Stage;

/// What every service says of one order.
#[derive(Debug, Default)]
struct Facts {
    order: Option<orders::verify::Summary>,
    ticket: Option<kitchen::verify::Summary>,
    captured: Option<Money>,
    reservation: Option<Stage>,
}

/// Checks the stores of one platform against each other, and against the provider's charges by order.
/// (`None`: the provider is not ours to look into).
pub(super) async fn check(
    platform: &Platform,
    charges: Option<&[sandbox::verify::Charge]>,
) -> Result<Report, Fault> {
    let facts = gather(platform).await?;
    let mut report = Report::default();
    for (order, facts) in &facts {
        match &facts.order {
            Some(summary) => check_order(summary, facts, &mut report),
            None => report.in_flight(format!("order {order} is known to a peer and not to orders")),
        }
    }
    if let Some(charges) = charges {
        check_charges(&facts, charges, &mut report);
    }
    Ok(report)
}

async fn gather(platform: &Platform) -> Result<BTreeMap<OrderId, Facts>, Fault> {
    let mut facts: BTreeMap<OrderId, Facts> = BTreeMap::new();
    for order in orders::verify::summaries(platform.store(&orders::SCHEMA)?.as_ref()).await? {
        let id = order.id;
        facts.entry(id).or_default().order = Some(order);
    }
    for ticket in kitchen::verify::summaries(platform.store(&kitchen::SCHEMA)?.as_ref()).await? {
        facts.entry(ticket.order_id).or_default().ticket = Some(ticket);
    }
    for payment in payments::verify::summaries(platform.store(&payments::SCHEMA)?.as_ref()).await? {
        facts.entry(payment.order_id).or_default().captured = payment.captured;
    }
    for reservation in stock::verify::summaries(platform.store(&stock::SCHEMA)?.as_ref()).await? {
        facts.entry(reservation.order_id).or_default().reservation = Some(reservation.stage);
    }
    Ok(facts)
}

fn check_order(order: &orders::verify::Summary, facts: &Facts, report: &mut Report) {
    let id = order.id;
    let started = facts.ticket.is_some_and(|ticket| ticket.started);
    if matches!(order.status, Status::Preparing | Status::Ready | Status::Completed) && !started {
        report.violation(format!("order {id} is {} and its ticket was never started", order.status.as_str()));
    }
    if order.captured.is_some() && facts.captured.is_none() {
        report.violation(format!("order {id} was captured and payments knows of no charge"));
    }
    if facts.captured.is_some() && order.captured.is_none() {
        report.in_flight(format!("order {id} was charged and orders has not heard of it"));
    }
    if order.status == Status::Paid && facts.ticket.is_none() {
        report.in_flight(format!("order {id} is paid and has no ticket yet"));
    }
    if matches!(order.status, Status::Cancelled | Status::Expired) && facts.captured.is_some() {
        report.in_flight(format!("order {id} is over and was charged: its refund has not begun"));
    }
    if !matches!(order.status, Status::Pending | Status::WaitingPayment)
        && facts.reservation == Some(Stage::Held)
    {
        report.in_flight(format!("order {id} is {} and its stock still only held", order.status.as_str()));
    }
}

/// Every charge belongs to an order that knows of it, or is about to.
fn check_charges(facts: &BTreeMap<OrderId, Facts>, charges: &[sandbox::verify::Charge], report: &mut Report) {
    let charged: BTreeSet<OrderId> =
        charges.iter().filter_map(|charge| charge.client_reference_id.as_deref()?.parse().ok()).collect();
    for order in &charged {
        match facts.get(order).and_then(|facts| facts.order.as_ref()) {
            None => report
                .violation(format!("the provider charged for order {order}, which orders does not have")),
            Some(summary) if summary.captured.is_none() => {
                report
                    .in_flight(format!("the provider charged for order {order}, which has not heard of it"));
            }
            Some(_) => {}
        }
    }
    for (order, _) in facts.iter().filter(|(order, f)| f.captured.is_some() && !charged.contains(order)) {
        report.violation(format!("payments has a charge for order {order} that the provider does not have"));
    }
}
