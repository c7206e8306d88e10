//! What time drives: the autopilot, the count of open tickets, and the live board's look at hints.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bus::Subscriber;
use common::{Fault, OrderId};
use contracts::topics::LIVE_TICKETS;
use runtime::sweep::Sweep;
use tokio_util::sync::CancellationToken;

use crate::app::{Kitchen, autopilot::Autopilot, watch_tickets::Board};

/// Between two looks that make up for lost hints.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two counts of the open tickets.
const RECOUNT_EVERY: Duration = Duration::from_secs(30);
/// Before the live queue is asked for again when the broker is away.
const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(1);

#[async_trait]
impl Sweep for Autopilot {
    async fn round(&self) -> Result<usize, Fault> {
        self.round().await
    }
}

/// Counts the open tickets now and then.
pub(crate) async fn recount(kitchen: Kitchen, shutdown: CancellationToken) {
    loop {
        if let Err(fault) = kitchen.queue.recount(kitchen.tickets.as_ref()).await {
            tracing::warn!(%fault, "could not count the open tickets");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RECOUNT_EVERY) => {}
        }
    }
}

/// Feeds the live board: on each hint, and every few seconds without one.
pub(crate) async fn feed_board(
    kitchen: Kitchen,
    board: Board,
    bus: Arc<dyn Subscriber>,
    shutdown: CancellationToken,
) {
    let _ = shutdown.run_until_cancelled(feed(&kitchen, &board, bus.as_ref())).await;
}

async fn feed(kitchen: &Kitchen, board: &Board, bus: &dyn Subscriber) {
    loop {
        let mut hints = match bus.hints(LIVE_TICKETS).await {
            Ok(hints) => hints,
            Err(fault) => {
                tracing::warn!(%fault, "no live hints; looking now and then");
                warn_if_failed(kitchen.look_around(board).await);
                tokio::time::sleep(SUBSCRIBE_AGAIN).await;
                continue;
            }
        };
        let mut regular = tokio::time::interval(LOOK_EVERY);
        loop {
            let looked = tokio::select! {
                hint = hints.next() => match hint.and_then(|event| event.subject.parse::<OrderId>().ok()) {
                    Some(order) => kitchen.look_at(order, board).await,
                    None => kitchen.look_around(board).await,
                },
                _ = regular.tick() => kitchen.look_around(board).await,
            };
            warn_if_failed(looked);
        }
    }
}

fn warn_if_failed(looked: Result<(), Fault>) {
    if let Err(fault) = looked {
        tracing::warn!(%fault, "the live board could not look");
    }
}
