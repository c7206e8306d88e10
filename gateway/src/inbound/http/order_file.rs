//! Everything about one order for staff: each service is asked for its part, and a part that is missing says why.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
};
use common::{Call, Deadline, Fault, OrderId};
use contracts::{
    kitchen::GetTicketRequest,
    orders::{GetOrderRequest, GetTimelineRequest},
    payments::GetPaymentRequest,
};

use super::{Answer, Api, params::AnyOrderPath};
use crate::inbound::{
    peers::{answer, present},
    views::{MissingPart, OrderFile, PaymentView, TicketView, TimelineEntryView},
};

/// What the parts leave of the request's deadline, so that a slow one is missing and the others are answered.
const MARGIN: Duration = Duration::from_millis(500);

/// Everything about one order.
///
/// The order of any customer with its timeline, payment and ticket; `missing` says which of the three could not be
/// had, and why.
#[utoipa::path(
    get, path = "/api/orders/{order_id}", operation_id = "get_order_file", tag = "staff",
    params(AnyOrderPath),
    responses((status = 200, description = "The order and its parts", body = OrderFile))
)]
pub(crate) async fn show(State(api): State<Api>, Path(path): Path<AnyOrderPath>) -> Answer<Json<OrderFile>> {
    let id = path.order()?;
    let request = GetOrderRequest { order_id: id.to_string(), customer_id: String::new() };
    let (mut orders, mut missing) = (api.peers.orders(), Vec::new());
    let (order, timeline, payment, ticket) = tokio::join!(
        answer(orders.get_order(request)),
        in_time(timeline(&api, id)),
        in_time(payment(&api, id)),
        in_time(ticket(&api, id)),
    );
    let order = present(order?.order, "an order")?;
    Ok(Json(OrderFile {
        order: order.into(),
        timeline: part("timeline", timeline, &mut missing),
        payment: part("payment", payment, &mut missing),
        ticket: part("ticket", ticket, &mut missing),
        missing,
    }))
}

async fn timeline(api: &Api, id: OrderId) -> Result<Vec<TimelineEntryView>, Fault> {
    let request = GetTimelineRequest { order_id: id.to_string(), customer_id: String::new() };
    let entries = answer(api.peers.orders().get_timeline(request)).await?.entries;
    Ok(entries.into_iter().map(Into::into).collect())
}

async fn payment(api: &Api, id: OrderId) -> Result<PaymentView, Fault> {
    let request = GetPaymentRequest { order_id: id.to_string() };
    let payment = answer(api.peers.payments().get_payment(request)).await?.payment;
    Ok(present(payment, "a payment")?.into())
}

async fn ticket(api: &Api, id: OrderId) -> Result<TicketView, Fault> {
    let request = GetTicketRequest { ticket_id: id.shown_as("tkt") };
    let ticket = answer(api.peers.kitchen().get_ticket(request)).await?.ticket;
    Ok(present(ticket, "a ticket")?.into())
}

/// Asks with a little less time than the request has.
async fn in_time<T>(asking: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let Some(call) = Call::current() else { return asking.await };
    let left = call.deadline.remaining();
    let deadline = Deadline::after(left.saturating_sub(MARGIN.min(left / 5)));
    Call::new(deadline, call.trace).scope(deadline.bound("a part of an order", asking)).await
}

fn part<T>(part: &'static str, had: Result<T, Fault>, missing: &mut Vec<MissingPart>) -> Option<T> {
    had.inspect_err(|fault| {
        missing.push(MissingPart { part, code: fault.code().as_str(), detail: fault.public().to_owned() });
    })
    .ok()
}
