//! The kitchen's routes: its tickets, its verbs and its live stream.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, Path, RawQuery, State},
    response::Response,
};
use bytes::Bytes;
use contracts::kitchen::{
    FinishTicketRequest, ListTicketsRequest, PickUpTicketRequest, RejectTicketRequest, StartTicketRequest,
    Ticket,
};
use http::HeaderMap;

use super::{
    Answer, Api,
    params::{self, TicketFilter, TicketPath},
    sse,
    staff_body::ReasonBody,
};
use crate::inbound::{
    convert,
    peers::{answer, present},
    views::{OneTicket, TicketPage},
};

/// Tickets, newest first.
#[utoipa::path(
    get, path = "/api/kitchen/tickets", operation_id = "list_tickets", tag = "kitchen",
    params(TicketFilter),
    responses((status = 200, description = "A page of tickets", body = TicketPage))
)]
pub(crate) async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Answer<Json<TicketPage>> {
    let filter = TicketFilter::parse(query.as_deref())?;
    let request =
        ListTicketsRequest { state: filter.state.into(), page_size: filter.limit, page_token: filter.cursor };
    let listed = answer(api.peers.kitchen().list_tickets(request)).await.map_err(params::as_parameter)?;
    Ok(Json(TicketPage {
        tickets: listed.tickets.into_iter().map(Into::into).collect(),
        next_cursor: convert::cursor(listed.next_page_token),
    }))
}

fn one(ticket: Option<Ticket>) -> Answer<Json<OneTicket>> {
    Ok(Json(OneTicket { ticket: present(ticket, "a ticket")?.into() }))
}

/// Begin to cook.
#[utoipa::path(
    post, path = "/api/kitchen/tickets/{ticket_id}/start", operation_id = "start_ticket", tag = "kitchen",
    params(TicketPath),
    responses((status = 200, description = "The ticket as it is now", body = OneTicket))
)]
pub(crate) async fn start(State(api): State<Api>, Path(path): Path<TicketPath>) -> Answer<Json<OneTicket>> {
    let request = StartTicketRequest { ticket_id: path.ticket()? };
    one(answer(api.peers.kitchen().start_ticket(request)).await?.ticket)
}

/// It is ready.
#[utoipa::path(
    post, path = "/api/kitchen/tickets/{ticket_id}/ready", operation_id = "finish_ticket", tag = "kitchen",
    params(TicketPath),
    responses((status = 200, description = "The ticket as it is now", body = OneTicket))
)]
pub(crate) async fn ready(State(api): State<Api>, Path(path): Path<TicketPath>) -> Answer<Json<OneTicket>> {
    let request = FinishTicketRequest { ticket_id: path.ticket()? };
    one(answer(api.peers.kitchen().finish_ticket(request)).await?.ticket)
}

/// It was picked up.
#[utoipa::path(
    post, path = "/api/kitchen/tickets/{ticket_id}/pickup", operation_id = "pick_up_ticket", tag = "kitchen",
    params(TicketPath),
    responses((status = 200, description = "The ticket as it is now", body = OneTicket))
)]
pub(crate) async fn pickup(State(api): State<Api>, Path(path): Path<TicketPath>) -> Answer<Json<OneTicket>> {
    let request = PickUpTicketRequest { ticket_id: path.ticket()? };
    one(answer(api.peers.kitchen().pick_up_ticket(request)).await?.ticket)
}

/// It cannot be cooked; the order is refunded.
#[utoipa::path(
    post, path = "/api/kitchen/tickets/{ticket_id}/reject", operation_id = "reject_ticket", tag = "kitchen",
    params(TicketPath),
    request_body(content = Option<ReasonBody>, content_type = "application/json"),
    responses((status = 200, description = "The ticket as it is now", body = OneTicket))
)]
pub(crate) async fn reject(
    State(api): State<Api>,
    Path(path): Path<TicketPath>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<OneTicket>> {
    let ticket_id = path.ticket()?;
    let reason = ReasonBody::parse(&headers, &body)?.reason;
    one(answer(api.peers.kitchen().reject_ticket(RejectTicketRequest { ticket_id, reason })).await?.ticket)
}

/// Follow the kitchen.
///
/// Server-Sent Events: a `ticket` event with the full ticket on each change, starting with those under way; `id` is
/// the ticket's version. A stream that is resumed starts over.
#[utoipa::path(
    get, path = "/api/kitchen/events", operation_id = "follow_kitchen", tag = "kitchen",
    params(("Last-Event-ID" = Option<String>, Header, description = "Accepted, without effect", pattern = "^[0-9]*$")),
    responses((status = 200, description = "The stream", body = String, content_type = "text/event-stream"))
)]
pub(crate) async fn events(
    State(api): State<Api>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Answer<Response> {
    params::last_event_id(&headers)?;
    let source = sse::ticket_source(api.peers.kitchen());
    Ok(api.streams.follow(source, peer.map(|axum::Extension(ConnectInfo(peer))| peer.ip())).await?)
}
