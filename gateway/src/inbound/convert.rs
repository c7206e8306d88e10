//! Protobuf to views. What a peer says is shown as it is; a value that we do not know yet becomes `unknown`.

use common::Timestamp;
use contracts::{
    kitchen::{self, TicketState},
    orders::{self, OrderStatus},
    payments::{self, PaymentState, RefundState},
    stock, types,
};

use serde_json::value::RawValue;

use super::views::{
    DeadLetterView, ItemView, LineView, MoneyView, OrderView, PaymentView, QueueView, RefundView, StatsView,
    TicketLineView, TicketView, TimelineEntryView,
};

const UNKNOWN: &str = "unknown";

const ORDER_STATUSES: [(OrderStatus, &str); 10] = [
    (OrderStatus::Pending, "pending"),
    (OrderStatus::WaitingPayment, "waiting_payment"),
    (OrderStatus::Paid, "paid"),
    (OrderStatus::Preparing, "preparing"),
    (OrderStatus::Ready, "ready"),
    (OrderStatus::Completed, "completed"),
    (OrderStatus::Cancelled, "cancelled"),
    (OrderStatus::Expired, "expired"),
    (OrderStatus::Refunding, "refunding"),
    (OrderStatus::Refunded, "refunded"),
];

const TICKET_STATES: [(TicketState, &str); 6] = [
    (TicketState::Queued, "queued"),
    (TicketState::Preparing, "preparing"),
    (TicketState::Ready, "ready"),
    (TicketState::PickedUp, "picked_up"),
    (TicketState::Rejected, "rejected"),
    (TicketState::Cancelled, "cancelled"),
];

pub(crate) fn parse_order_status(text: &str) -> Option<OrderStatus> {
    ORDER_STATUSES.iter().find(|(_, name)| *name == text).map(|(status, _)| *status)
}

pub(crate) fn parse_ticket_state(text: &str) -> Option<TicketState> {
    TICKET_STATES.iter().find(|(_, name)| *name == text).map(|(state, _)| *state)
}

/// The names of the order statuses, for the document.
pub(crate) fn order_status_names() -> impl Iterator<Item = &'static str> {
    ORDER_STATUSES.iter().map(|(_, name)| *name)
}

/// The names of the ticket states, for the document.
pub(crate) fn ticket_state_names() -> impl Iterator<Item = &'static str> {
    TICKET_STATES.iter().map(|(_, name)| *name)
}

fn order_status(status: OrderStatus) -> &'static str {
    ORDER_STATUSES.iter().find(|(s, _)| *s == status).map_or(UNKNOWN, |(_, name)| name)
}

fn ticket_state(state: TicketState) -> &'static str {
    TICKET_STATES.iter().find(|(s, _)| *s == state).map_or(UNKNOWN, |(_, name)| name)
}

impl From<types::Money> for MoneyView {
    fn from(money: types::Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency }
    }
}

/// A moment; absent when it is not there or out of range.
fn moment(at: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    at.and_then(|at| contracts::convert::moment(at).ok())
}

/// What a list continues with; absent at its end.
pub(crate) fn cursor(token: String) -> Option<String> {
    Some(token).filter(|token| !token.is_empty())
}

impl From<orders::OrderLine> for LineView {
    fn from(line: orders::OrderLine) -> Self {
        Self {
            id: line.item_id,
            name: line.name,
            quantity: line.quantity,
            unit_price: line.unit_price.map(Into::into),
            subtotal: line.subtotal.map(Into::into),
        }
    }
}

impl From<orders::Order> for OrderView {
    fn from(order: orders::Order) -> Self {
        Self {
            status: order_status(order.status()),
            id: order.id,
            customer_id: order.customer_id,
            items: order.lines.into_iter().map(Into::into).collect(),
            total: order.total.map(Into::into),
            payment_link: order.payment_link,
            payment_expires_at: moment(order.payment_expires_at),
            created_at: moment(order.created_at),
            updated_at: moment(order.updated_at),
            version: order.version,
            note: order.note,
            email: order.email,
            cause: order.cause,
            refunded_total: order.refunded_total.map(Into::into),
            trace_id: Some(order.trace_id).filter(|id| !id.is_empty()),
        }
    }
}

impl From<orders::TimelineEntry> for TimelineEntryView {
    fn from(entry: orders::TimelineEntry) -> Self {
        let from = entry.from();
        Self {
            at: moment(entry.at),
            from: (from != OrderStatus::Unspecified).then(|| order_status(from)),
            to: order_status(entry.to()),
            cause: entry.cause,
            actor: entry.actor,
        }
    }
}

impl From<stock::Item> for ItemView {
    fn from(item: stock::Item) -> Self {
        Self {
            id: item.id,
            name: item.name,
            price: item.price.map(Into::into),
            on_hand: item.on_hand,
            held: item.held,
            available: item.available,
            description: item.description,
            stripe_price_id: item.stripe_price_id,
        }
    }
}

impl From<kitchen::TicketLine> for TicketLineView {
    fn from(line: kitchen::TicketLine) -> Self {
        Self { id: line.item_id, name: line.name, quantity: line.quantity }
    }
}

impl From<kitchen::Ticket> for TicketView {
    fn from(ticket: kitchen::Ticket) -> Self {
        Self {
            state: ticket_state(ticket.state()),
            id: ticket.id,
            order_id: ticket.order_id,
            items: ticket.lines.into_iter().map(Into::into).collect(),
            note: ticket.note,
            queued_at: moment(ticket.queued_at),
            promised_at: moment(ticket.promised_at),
            started_at: moment(ticket.started_at),
            ready_at: moment(ticket.ready_at),
            picked_up_at: moment(ticket.picked_up_at),
            reason: ticket.reason,
            version: ticket.version,
        }
    }
}

impl From<payments::Payment> for PaymentView {
    fn from(payment: payments::Payment) -> Self {
        Self {
            state: payment_state(payment.state()),
            id: payment.id,
            session_id: payment.session_id,
            checkout_attempts: payment.checkout_attempts,
            expires_at: moment(payment.expires_at),
            amount: payment.amount.map(Into::into),
            captured: payment.captured.map(Into::into),
            refunded: payment.refunded.map(Into::into),
            refunds: payment.refunds.into_iter().map(Into::into).collect(),
            version: payment.version,
        }
    }
}

impl From<payments::Refund> for RefundView {
    fn from(refund: payments::Refund) -> Self {
        Self {
            state: refund_state(refund.state()),
            id: refund.id,
            amount: refund.amount.map(Into::into),
            attempt: refund.attempt,
        }
    }
}

fn payment_state(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Unspecified => UNKNOWN,
        PaymentState::Created => "created",
        PaymentState::Open => "open",
        PaymentState::Processing => "processing",
        PaymentState::Succeeded => "succeeded",
        PaymentState::Failed => "failed",
        PaymentState::Expired => "expired",
    }
}

fn refund_state(state: RefundState) -> &'static str {
    match state {
        RefundState::Unspecified => UNKNOWN,
        RefundState::Pending => "pending",
        RefundState::Succeeded => "succeeded",
        RefundState::Failed => "failed",
    }
}

impl From<orders::DeadLetter> for DeadLetterView {
    fn from(letter: orders::DeadLetter) -> Self {
        Self {
            id: letter.id,
            queue: letter.queue,
            reason: letter.reason,
            attempts: letter.attempts,
            first_failed_at: moment(letter.first_failed_at),
            event: letter.event_json.and_then(|json| RawValue::from_string(json).ok()),
            raw: letter.raw,
        }
    }
}

impl From<orders::GetStatsResponse> for StatsView {
    fn from(stats: orders::GetStatsResponse) -> Self {
        let queue = |q: orders::QueueStats| QueueView {
            queue: q.queue,
            ready: q.ready,
            in_flight: q.in_flight,
            dead_letters: q.dead_letters,
        };
        Self {
            orders: stats.counts.iter().map(|count| (order_status(count.status()), count.orders)).collect(),
            revenue: stats.revenue.into_iter().map(Into::into).collect(),
            dead_letters: stats.queues.iter().map(|q| q.dead_letters).sum(),
            queues: stats.queues.into_iter().map(queue).collect(),
        }
    }
}
