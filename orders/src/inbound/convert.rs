//! Protobuf to domain and back, for the methods of `OrderService`.

use common::{Code, CustomerId, Fault, IdempotencyKey, Limit, Money, OrderId, TraceContext};
use contracts::{convert::timestamp, orders as proto};

use crate::{
    app::{Placed, RefundAnswer, Stats},
    domain::{Draft, Entry, Line, Order, RefundAsk, Refusal, Status},
    ports::{DeadLetter, Filter, Stored},
};

/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 500;

/// `invalid_order` where the order is wrong; `order_not_found` or `invalid_parameter` where an id is.
pub(super) fn draft(request: proto::CreateOrderRequest) -> Result<(Draft, Option<IdempotencyKey>), Fault> {
    let key = request.idempotency_key.map(|key| key.parse()).transpose()?;
    let draft = Draft {
        order_id: request.order_id.parse()?,
        customer_id: request.customer_id.parse()?,
        lines: request.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?,
        note: request.note,
        email: request.email,
    };
    Ok((draft, key))
}

fn line((index, line): (usize, proto::LineRequest)) -> Result<Line, Fault> {
    let item = line.item_id.parse().map_err(|fault: Fault| {
        Fault::new(Code::InvalidOrder, "the order cannot be placed as it is")
            .with_violation(format!("/items/{index}/id"), fault.public())
    })?;
    Ok(Line::new(item, line.quantity))
}

/// An empty customer means any.
pub(super) fn customer(text: &str) -> Result<Option<CustomerId>, Fault> {
    Some(text).filter(|text| !text.is_empty()).map(str::parse).transpose()
}

/// A reason of bounded length.
pub(super) fn reason(text: Option<String>) -> Option<String> {
    text.map(|text| text.chars().take(REASON_MAX).collect())
}

pub(super) fn filter(request: &proto::ListOrdersRequest) -> Result<Filter, Fault> {
    let status = match request.status {
        0 => None,
        known => Some(status(known)?),
    };
    Ok(Filter { customer: customer(&request.customer_id)?, status })
}

/// 0 is the default size.
pub(super) fn limit(page_size: u32) -> Result<Limit, Fault> {
    if page_size == 0 { Ok(Limit::default()) } else { Limit::new(page_size.into()) }
}

/// A page as gRPC writes it: an empty token starts at the newest.
pub(super) fn cursor(token: String) -> Option<String> {
    Some(token).filter(|token| !token.is_empty())
}

pub(super) fn refund(request: proto::RefundOrderRequest) -> Result<(OrderId, RefundAsk), Fault> {
    let ask = RefundAsk {
        id: request.refund_id.parse()?,
        amount: request.amount.map(Money::try_from).transpose()?,
        reason: reason(request.reason),
    };
    Ok((request.order_id.parse()?, ask))
}

fn status(number: i32) -> Result<Status, Fault> {
    use proto::OrderStatus as P;
    Ok(match P::try_from(number).unwrap_or_default() {
        P::Unspecified => return Err(Fault::new(Code::InvalidParameter, "there is no such status")),
        P::Pending => Status::Pending,
        P::WaitingPayment => Status::WaitingPayment,
        P::Paid => Status::Paid,
        P::Preparing => Status::Preparing,
        P::Ready => Status::Ready,
        P::Completed => Status::Completed,
        P::Cancelled => Status::Cancelled,
        P::Expired => Status::Expired,
        P::Refunding => Status::Refunding,
        P::Refunded => Status::Refunded,
    })
}

fn status_number(status: Status) -> i32 {
    use proto::OrderStatus as P;
    let known = match status {
        Status::Pending => P::Pending,
        Status::WaitingPayment => P::WaitingPayment,
        Status::Cancelled => P::Cancelled,
        Status::Expired => P::Expired,
        Status::Paid => P::Paid,
        Status::Preparing => P::Preparing,
        Status::Ready => P::Ready,
        Status::Completed => P::Completed,
        Status::Refunding => P::Refunding,
        Status::Refunded => P::Refunded,
    };
    known.into()
}

/// The order as callers see it.
pub(super) fn order(stored: &Stored<Order>) -> Result<proto::Order, Fault> {
    let order = &stored.body;
    Ok(proto::Order {
        id: order.id.to_string(),
        customer_id: order.customer_id.to_string(),
        status: status_number(order.status),
        lines: order.lines.iter().map(order_line).collect::<Result<_, _>>()?,
        total: order.total.map(Into::into),
        payment_link: order.checkout.as_ref().map(|checkout| checkout.link.clone()),
        payment_expires_at: order.checkout.as_ref().map(|checkout| timestamp(checkout.expires_at)),
        created_at: Some(timestamp(order.created_at)),
        updated_at: Some(timestamp(order.updated_at)),
        version: stored.version,
        note: order.note.clone(),
        email: order.email.clone(),
        cause: order.cause.clone(),
        refunded_total: order.refunded_total().map(Into::into),
        ticket_started: order.may_have_started(),
        trace_id: order.trace.map(TraceContext::trace_id).unwrap_or_default(),
    })
}

fn order_line(line: &Line) -> Result<proto::OrderLine, Fault> {
    Ok(proto::OrderLine {
        item_id: line.item_id.to_string(),
        quantity: line.quantity,
        name: line.price.as_ref().map(|price| price.name.clone()),
        unit_price: line.price.as_ref().map(|price| price.unit.into()),
        subtotal: line.subtotal()?.map(Into::into),
    })
}

/// The answer to `CreateOrder`: the order, or the refusal as a fault.
pub(super) fn placed(placed: Placed, asked: &[String]) -> Result<proto::CreateOrderResponse, Fault> {
    match placed {
        Placed::Order { order: stored, link_ready, replayed } => {
            Ok(proto::CreateOrderResponse { order: Some(order(&stored)?), link_ready, replayed })
        }
        Placed::Refused { refusal: why, replayed } => Err(refusal(&why, replayed, asked)),
    }
}

/// A refusal as a fault; `asked` are the items in the order of the request, for pointers.
fn refusal(refusal: &Refusal, replayed: bool, asked: &[String]) -> Fault {
    let fault = match refusal {
        Refusal::InsufficientStock { lines } => {
            Fault::new(Code::InsufficientStock, "there is not enough in stock")
                .with_metadata("lines", json(lines))
        }
        Refusal::UnknownItem { items } => {
            let fault = Fault::new(Code::InvalidOrder, "the order names items that are not on the menu")
                .with_metadata("items", json(items));
            let unknown = |(_, id): &(usize, &String)| items.iter().any(|item| item.as_str() == id.as_str());
            asked.iter().enumerate().filter(unknown).fold(fault, |fault, (index, id)| {
                fault.with_violation(format!("/items/{index}"), format!("there is no item {id}"))
            })
        }
        Refusal::PaymentRejected => {
            Fault::new(Code::PaymentRejected, "the payment provider does not accept this order")
        }
        Refusal::InvalidOrder { detail } => {
            Fault::new(Code::InvalidOrder, "the order cannot be placed as it is")
                .with_violation("/items", detail)
        }
    };
    if replayed { fault.with_metadata("replayed", "true") } else { fault }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("ids and numbers always encode")
}

pub(super) fn refunded(answer: &RefundAnswer) -> Result<proto::RefundOrderResponse, Fault> {
    Ok(proto::RefundOrderResponse { order: Some(order(&answer.order)?), replayed: answer.replayed })
}

pub(super) fn timeline(entries: Vec<Entry>) -> proto::GetTimelineResponse {
    let entry = |entry: Entry| proto::TimelineEntry {
        at: Some(timestamp(entry.at)),
        from: entry.from.map_or(0, status_number),
        to: status_number(entry.to),
        cause: entry.cause,
        actor: entry.actor.as_str().to_owned(),
    };
    proto::GetTimelineResponse { entries: entries.into_iter().map(entry).collect() }
}

pub(super) fn stats(stats: Stats) -> proto::GetStatsResponse {
    let count = |(status, orders)| proto::StatusCount { status: status_number(status), orders };
    let queue = |depth: crate::ports::QueueDepth| proto::QueueStats {
        queue: depth.queue,
        ready: depth.ready,
        in_flight: depth.in_flight,
        dead_letters: depth.dead_letters,
    };
    proto::GetStatsResponse {
        counts: stats.counts.into_iter().map(count).collect(),
        revenue: stats.revenue.into_iter().map(Into::into).collect(),
        queues: stats.queues.into_iter().map(queue).collect(),
    }
}

/// A message may be anything, and very long.
const RAW_MAX: usize = 64 * 1024;

pub(super) fn dead_letter(letter: DeadLetter) -> proto::DeadLetter {
    proto::DeadLetter {
        id: letter.id,
        queue: letter.queue,
        event_json: letter.event_json,
        raw: letter.raw.map(|mut raw| {
            raw.truncate(raw.floor_char_boundary(RAW_MAX));
            raw
        }),
        reason: letter.reason,
        attempts: letter.attempts,
        first_failed_at: Some(timestamp(letter.first_failed_at)),
    }
}

/// The ids of a request's lines, kept for pointers.
pub(super) fn asked(lines: &[proto::LineRequest]) -> Vec<String> {
    lines.iter().map(|line| line.item_id.clone()).collect()
}
