//! The live board and the autopilot.

use std::time::Duration;

use contracts::{
    kitchen::{self as proto, TicketState},
    topics::EventType,
};
use tokio::time::timeout;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_board_starts_with_what_is_open_and_shows_each_change() {
    let world = World::new().await;
    let (open, later) = (world.order(), world.order());
    world.publish(EventType::OrderPaid, open).await;
    world.reaches(open, TicketState::Queued).await;
    let mut board = world.client().watch_tickets(proto::WatchTicketsRequest {}).await.unwrap().into_inner();
    let mut expected =
        vec![(open, TicketState::Queued), (later, TicketState::Queued), (later, TicketState::Preparing)];
    world.publish(EventType::OrderPaid, later).await;
    world.reaches(later, TicketState::Queued).await;
    world
        .client()
        .start_ticket(proto::StartTicketRequest { ticket_id: later.shown_as("tkt") })
        .await
        .unwrap();
    let look = async {
        while let Some(&(order, state)) = expected.first() {
            let ticket = board.message().await.unwrap().expect("the board never ends").ticket.unwrap();
            if ticket.id == order.shown_as("tkt") && ticket.state() == state {
                expected.remove(0);
            } else if ticket.id == later.shown_as("tkt") && ticket.state() == TicketState::Preparing {
                // A hint may be answered with the state that came after it: the latest is what counts.
                expected.clear();
            }
        }
    };
    timeout(PATIENCE, look).await.expect("the board shows what happens");
}

#[tokio::test]
async fn the_board_ends_when_the_service_stops() {
    let world = World::new().await;
    let mut board = world.client().watch_tickets(proto::WatchTicketsRequest {}).await.unwrap().into_inner();
    world.embedded.platform.tasks.shutdown().cancel();
    let end = timeout(PATIENCE, board.message()).await.expect("it ends");
    assert!(matches!(end, Ok(None)), "{end:?}");
}

#[tokio::test]
async fn the_autopilot_cooks_by_itself() {
    let world = World::with(kitchen::Config { autopilot: true }).await;
    let order = world.order();
    world.publish(EventType::OrderPaid, order).await;
    for state in [TicketState::Queued, TicketState::Preparing, TicketState::Ready, TicketState::PickedUp] {
        world.reaches(order, state).await;
        world.clock.advance(Duration::from_secs(3));
    }
}
