//! Tickets: one per paid order, and the race between cancelling and starting.

use common::Code;
use contracts::{
    kitchen::{self as proto, TicketState},
    topics::EventType,
};
use futures::future::join_all;

use crate::world::{World, call, code};

fn start(order: common::OrderId) -> proto::StartTicketRequest {
    proto::StartTicketRequest { ticket_id: order.shown_as("tkt") }
}

fn cancel(order: common::OrderId) -> proto::CancelTicketRequest {
    proto::CancelTicketRequest { order_id: order.to_string(), reason: None }
}

#[tokio::test]
async fn a_paid_order_gets_one_ticket_however_often_it_is_told() {
    let world = World::new().await;
    let order = world.order();
    join_all((0..50).map(|_| world.publish(EventType::OrderPaid, order))).await;
    let ticket = world.reaches(order, TicketState::Queued).await;
    world.drained().await;
    assert_eq!((ticket.lines[0].name.as_str(), ticket.lines[0].quantity), ("House burger", 2));
    assert_eq!(ticket.note.as_deref(), Some("no onions"));
    assert!(ticket.promised_at.unwrap().seconds > ticket.queued_at.unwrap().seconds);
    assert_eq!(world.ticket(order).await.unwrap().version, 1);
    let all = world.client().list_tickets(proto::ListTicketsRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.tickets.len(), 1);
}

#[tokio::test]
async fn a_cancellation_that_comes_first_keeps_the_ticket_out() {
    let world = World::new().await;
    for undo in [EventType::OrderCancelled, EventType::OrderRefunding] {
        let order = world.order();
        world.publish(undo, order).await;
        world.reaches(order, TicketState::Cancelled).await;
        world.publish(EventType::OrderPaid, order).await;
        world.drained().await;
        assert_eq!(world.ticket(order).await.unwrap().state(), TicketState::Cancelled);
        let ensure = proto::EnsureTicketRequest { order_id: order.to_string(), ..Default::default() };
        assert_eq!(code(world.client().ensure_ticket(ensure).await), Code::AlreadyClosed);
    }
}

#[tokio::test]
async fn of_a_cancellation_and_a_start_at_once_exactly_one_wins() {
    let world = World::new().await;
    for _ in 0..40 {
        let order = world.order();
        world.publish(EventType::OrderPaid, order).await;
        world.reaches(order, TicketState::Queued).await;
        let (mut kitchen, mut orders) = (world.client(), world.client());
        let (started, undone) = call(async {
            tokio::join!(kitchen.start_ticket(start(order)), orders.cancel_ticket(cancel(order)))
        })
        .await;
        let state = world.ticket(order).await.unwrap().state();
        assert_ne!(started.is_ok(), undone.is_ok(), "both or neither won; the ticket is {state:?}");
        assert_eq!(state, if started.is_ok() { TicketState::Preparing } else { TicketState::Cancelled });
        let loser = if started.is_ok() { code(undone) } else { code(started) };
        assert!(matches!(loser, Code::OrderNotCancellable | Code::InvalidTransition), "{loser:?}");
    }
}

#[tokio::test]
async fn a_verb_that_is_repeated_changes_nothing_and_one_out_of_turn_is_refused() {
    let world = World::new().await;
    let order = world.order();
    world.publish(EventType::OrderPaid, order).await;
    world.reaches(order, TicketState::Queued).await;
    let mut client = world.client();
    let ticket_id = order.shown_as("tkt");
    let early = client.pick_up_ticket(proto::PickUpTicketRequest { ticket_id: ticket_id.clone() }).await;
    assert_eq!(code(early), Code::InvalidTransition);
    let first = client.start_ticket(start(order)).await.unwrap().into_inner();
    let again = client.start_ticket(start(order)).await.unwrap().into_inner();
    assert_eq!(first, again);
    let reject = proto::RejectTicketRequest { ticket_id, reason: Some("out of buns".into()) };
    assert_eq!(code(client.reject_ticket(reject).await), Code::InvalidTransition);
    let unknown = proto::StartTicketRequest { ticket_id: "tkt_nonsense".into() };
    assert_eq!(code(client.start_ticket(unknown).await), Code::TicketNotFound);
}

#[tokio::test]
async fn a_list_shows_the_newest_first_by_state_and_goes_on_where_it_stopped() {
    let world = World::new().await;
    let orders: Vec<_> = (0..5).map(|_| world.order()).collect();
    for order in &orders {
        world.publish(EventType::OrderPaid, *order).await;
        world.reaches(*order, TicketState::Queued).await;
    }
    world.client().start_ticket(start(orders[2])).await.unwrap();
    let mut queued: Vec<_> =
        orders.iter().filter(|order| **order != orders[2]).map(|o| o.shown_as("tkt")).collect();
    queued.sort_by(|a, b| b.cmp(a));
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            proto::ListTicketsRequest { state: TicketState::Queued.into(), page_size: 3, page_token };
        let page = world.client().list_tickets(request).await.unwrap().into_inner();
        seen.extend(page.tickets.into_iter().map(|ticket| ticket.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, queued);
    let foreign = proto::ListTicketsRequest { page_token: "nonsense".into(), ..Default::default() };
    assert_eq!(code(world.client().list_tickets(foreign).await), Code::InvalidParameter);
}
