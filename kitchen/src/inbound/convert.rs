//! Protobuf messages to the kitchen's own types and back.

use common::{Code, Fault, Limit, OrderId};
use contracts::{convert::timestamp, kitchen as proto};

use crate::{
    app::ensure_ticket::EnsureTicket,
    domain::{Line, State},
    ports::Versioned,
};

/// Any order or ticket id that is not ours is the same `ticket_not_found`.
pub(crate) fn order_of_ticket(ticket_id: &str) -> Result<OrderId, Fault> {
    OrderId::from_shown(ticket_id, "tkt")
        .ok_or_else(|| Fault::new(Code::TicketNotFound, "there is no such ticket"))
}

/// `None` for every state; `invalid_parameter` for one that this version does not know.
pub(crate) fn state(number: i32) -> Result<Option<State>, Fault> {
    let state = match proto::TicketState::try_from(number) {
        Ok(proto::TicketState::Unspecified) => return Ok(None),
        Ok(proto::TicketState::Queued) => State::Queued,
        Ok(proto::TicketState::Preparing) => State::Preparing,
        Ok(proto::TicketState::Ready) => State::Ready,
        Ok(proto::TicketState::PickedUp) => State::PickedUp,
        Ok(proto::TicketState::Rejected) => State::Rejected,
        Ok(proto::TicketState::Cancelled) => State::Cancelled,
        Err(_) => return Err(Fault::new(Code::InvalidParameter, "there is no such ticket state")),
    };
    Ok(Some(state))
}

/// The limit of a page; 0 means the default.
pub(crate) fn limit(page_size: u32) -> Result<Limit, Fault> {
    if page_size == 0 { Ok(Limit::DEFAULT) } else { Limit::new(page_size.into()) }
}

pub(crate) fn wanted(request: proto::EnsureTicketRequest) -> Result<EnsureTicket, Fault> {
    let lines = request
        .lines
        .into_iter()
        .map(|line| Ok(Line { item_id: line.item_id.parse()?, name: line.name, quantity: line.quantity }));
    Ok(EnsureTicket {
        order_id: request.order_id.parse()?,
        lines: lines.collect::<Result<_, Fault>>()?,
        note: request.note,
    })
}

pub(crate) fn ticket(found: Versioned) -> proto::Ticket {
    let Versioned { ticket, version } = found;
    proto::Ticket {
        id: ticket.id(),
        order_id: ticket.order_id.to_string(),
        state: state_to_proto(ticket.state).into(),
        lines: ticket.lines.into_iter().map(line).collect(),
        note: ticket.note,
        queued_at: Some(timestamp(ticket.queued_at)),
        promised_at: Some(timestamp(ticket.promised_at)),
        started_at: ticket.started_at.map(timestamp),
        ready_at: ticket.ready_at.map(timestamp),
        picked_up_at: ticket.picked_up_at.map(timestamp),
        reason: ticket.reason,
        version,
    }
}

fn line(line: Line) -> proto::TicketLine {
    proto::TicketLine { item_id: line.item_id.to_string(), name: line.name, quantity: line.quantity }
}

fn state_to_proto(state: State) -> proto::TicketState {
    match state {
        State::Queued => proto::TicketState::Queued,
        State::Preparing => proto::TicketState::Preparing,
        State::Ready => proto::TicketState::Ready,
        State::PickedUp => proto::TicketState::PickedUp,
        State::Rejected => proto::TicketState::Rejected,
        State::Cancelled => proto::TicketState::Cancelled,
    }
}
